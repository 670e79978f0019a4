# SPDX-License-Identifier: Apache-2.0
"""What Spark does when it is only asked to analyse: which statements run, bare and wrapped, and where errors are said to be.

The wrapper `SELECT * FROM (\\n<sql>\\n)` is what the test backend sends. These tests are the proof that no statement gets
through it; the bare column says what would happen without it, so that a change of Spark's shows.
"""

import re
import uuid

import grpc
import pytest
import stack
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from pyspark.sql.connect.proto import base_pb2, base_pb2_grpc

PREFIX = "SELECT * FROM (\n"
VICTIM = "prod.nyc.victim"

# name: (statement, does it run when it is analysed bare?)
STATEMENTS = {
    "drop": (f"DROP TABLE {VICTIM}", False),
    "drop_purge": (f"DROP TABLE {VICTIM} PURGE", False),
    "truncate": (f"TRUNCATE TABLE {VICTIM}", False),
    "insert": (f"INSERT INTO {VICTIM} VALUES (9)", False),
    "insert_overwrite": (f"INSERT OVERWRITE {VICTIM} SELECT 9", False),
    "with_insert": (f"WITH q AS (SELECT 9) INSERT INTO {VICTIM} SELECT * FROM q", False),
    "from_insert": (f"FROM {VICTIM} INSERT INTO {VICTIM} SELECT 9", False),
    "delete": (f"DELETE FROM {VICTIM}", False),
    "update": (f"UPDATE {VICTIM} SET id = 9", False),
    "merge": (f"MERGE INTO {VICTIM} t USING (SELECT 1 AS id) s ON t.id = s.id WHEN MATCHED THEN DELETE", False),
    "ctas": ("CREATE TABLE prod.nyc.made USING iceberg AS SELECT 1 AS a", False),
    "rtas": (f"REPLACE TABLE {VICTIM} USING iceberg AS SELECT 1 AS a", False),
    "create": ("CREATE TABLE prod.nyc.made (a INT) USING iceberg", False),
    "create_view": ("CREATE VIEW prod.nyc.made AS SELECT 1 AS a", False),
    "temporary_view": ("CREATE TEMPORARY VIEW made AS SELECT 1 AS a", False),
    "alter": (f"ALTER TABLE {VICTIM} ADD COLUMN more INT", False),
    "properties": (f"ALTER TABLE {VICTIM} SET TBLPROPERTIES ('a' = 'b')", False),
    "iceberg_ddl": (f"ALTER TABLE {VICTIM} CREATE BRANCH made", False),
    "rename": (f"ALTER TABLE {VICTIM} RENAME TO prod.nyc.made", False),
    "create_namespace": ("CREATE NAMESPACE prod.made", False),
    "comment": (f"COMMENT ON TABLE {VICTIM} IS 'x'", False),
    "call": ("CALL prod.system.rollback_to_snapshot('nyc.victim', {first_snapshot})", True),
    "execute_immediate": (f"EXECUTE IMMEDIATE 'DROP TABLE {VICTIM}'", True),
    "execute_immediate_with": (f"EXECUTE IMMEDIATE 'INSERT INTO {VICTIM} VALUES (?)' USING 9", True),
    "script": (f"BEGIN DROP TABLE {VICTIM}; END", False),
    "set": ("SET spark.sql.shuffle.partitions = 77", False),
    "reset": ("RESET", False),
    "use": ("USE prod.nyc", False),
    "variable": ("DECLARE VARIABLE made INT DEFAULT 1", False),
    "cache": (f"CACHE TABLE {VICTIM}", False),
    "add_jar": ("ADD JAR '/nowhere.jar'", False),
    "explain_drop": (f"EXPLAIN DROP TABLE {VICTIM}", False),
    "comment_hides_it": (f"/* SELECT */ DROP TABLE {VICTIM} -- SELECT 1", False),
}
# Texts that try to leave the wrapper.
ESCAPES = [
    f"SELECT 1); DROP TABLE {VICTIM}; SELECT * FROM (SELECT 1",
    f"SELECT 1) INSERT INTO {VICTIM} SELECT * FROM (SELECT 9",
    f"SELECT 1 --\n) x; DROP TABLE {VICTIM} --",
    f"SELECT 1 /*\n); DROP TABLE {VICTIM}; /*",
    f"SELECT 1; DROP TABLE {VICTIM}",
    f"(EXECUTE IMMEDIATE 'DROP TABLE {VICTIM}')",
    "(CALL prod.system.rollback_to_snapshot('nyc.victim', 1))",
]


class Client:
    """The calls of the test backend, on the wire, in one session."""

    def __init__(self, connect):
        self.metadata = (("authorization", f"Bearer {connect.token}"),)
        self.channel = grpc.insecure_channel(f"127.0.0.1:{connect.port}")
        self.stub = base_pb2_grpc.SparkConnectServiceStub(self.channel)
        self.session_id = str(uuid.uuid4())

    def header(self, request):
        request.session_id = self.session_id
        request.user_context.user_id = "tests"
        return request

    def set(self, confs):
        request = self.header(base_pb2.ConfigRequest())
        for key, value in confs.items():
            request.operation.set.pairs.add(key=key, value=value)
        self.stub.Config(request, metadata=self.metadata, timeout=60)

    def get(self, key):
        request = self.header(base_pb2.ConfigRequest())
        request.operation.get_option.keys.append(key)
        answer = self.stub.Config(request, metadata=self.metadata, timeout=60)
        return answer.pairs[0].value if answer.pairs else None

    def analyze(self, sql, explain=False, texts=None):
        request = self.header(base_pb2.AnalyzePlanRequest())
        plan = request.explain.plan if explain else request.schema.plan
        plan.root.sql.query = sql
        for name, value in (texts or {}).items():
            plan.root.sql.named_arguments[name].literal.string = value
        if explain:
            request.explain.explain_mode = base_pb2.AnalyzePlanRequest.Explain.EXPLAIN_MODE_EXTENDED
        return self.stub.AnalyzePlan(request, metadata=self.metadata, timeout=60)

    def error(self, sql, texts=None):
        """(condition, query context) of the error that the analysis of this text ends in."""
        with pytest.raises(grpc.RpcError) as caught:
            self.analyze(sql, texts=texts)
        information = error_details_pb2.ErrorInfo()
        assert rpc_status.from_call(caught.value).details[0].Unpack(information)
        request = self.header(base_pb2.FetchErrorDetailsRequest(error_id=information.metadata["errorId"]))
        details = self.stub.FetchErrorDetails(request, metadata=self.metadata, timeout=60)
        throwable = details.errors[details.root_error_idx].spark_throwable
        contexts = throwable.query_contexts
        return throwable.error_class, contexts[0] if contexts else None


@pytest.fixture
def client(connect, production):
    client = Client(connect)
    client.set(stack.mount(production.uri, production.secret))
    yield client
    client.channel.close()


@pytest.fixture
def victim(session, production):
    """A table with two snapshots; yields the first one's id."""
    session.sql(f"CREATE TABLE {VICTIM} (id INT) USING iceberg").collect()
    session.sql(f"INSERT INTO {VICTIM} VALUES (1)").collect()
    session.sql(f"INSERT INTO {VICTIM} VALUES (2)").collect()
    yield session.sql(f"SELECT snapshot_id FROM {VICTIM}.snapshots ORDER BY committed_at").collect()[0][0]
    for name in ("victim", "made"):
        production.request("DELETE", f"/v1/namespaces/nyc/tables/{name}")
        production.request("DELETE", f"/v1/namespaces/nyc/views/{name}")
    production.request("DELETE", "/v1/namespaces/made")


def everything(client, production):
    """What a statement could have changed: the catalog, the warehouse, and the session's own state."""
    current = client.analyze("SELECT current_catalog(), current_schema()", explain=True).explain.explain_string
    views = []
    for name in ("made",):
        try:
            client.analyze(f"SELECT * FROM {name}")
            views.append(name)
        except grpc.RpcError:
            pass
    return (
        production.listing(), client.get("spark.sql.shuffle.partitions"), views,
        re.sub(r"#\d+", "", current[current.index("Optimized") : current.index("Physical")]),
    )


def attempt(client, sql, explain=False):
    try:
        client.analyze(sql, explain)
        return None
    except grpc.RpcError as error:
        return error.details()


@pytest.mark.parametrize("name", STATEMENTS)
def test_nothing_runs_inside_the_wrapper(client, production, victim, name):
    sql = STATEMENTS[name][0].replace("{first_snapshot}", str(victim))
    before = everything(client, production)
    for explain in (False, True):
        error = attempt(client, f"{PREFIX}{sql}\n)", explain)
        # RESET is a name there, and a name is a table that does not exist; everything else does not even parse.
        assert error is not None
        assert ("TABLE_OR_VIEW_NOT_FOUND" if name == "reset" else "PARSE_SYNTAX_ERROR") in error
    assert everything(client, production) == before


@pytest.mark.parametrize("sql", ESCAPES)
def test_nothing_leaves_the_wrapper(client, production, victim, sql):
    before = everything(client, production)
    error = attempt(client, f"{PREFIX}{sql}\n)")
    assert error is not None
    assert everything(client, production) == before


@pytest.mark.parametrize("name", STATEMENTS)
def test_what_runs_without_the_wrapper(client, production, victim, name):
    sql, runs = STATEMENTS[name]
    before = everything(client, production)
    error = attempt(client, sql.replace("{first_snapshot}", str(victim)))
    print(f"{name}: {error and error[:120]}")
    assert (everything(client, production) != before) == runs


def test_the_server_s_switch_against_scripts_holds_only_while_no_session_turns_it(client, production, victim):
    script = f"BEGIN DROP TABLE {VICTIM}; END"
    before = production.listing()
    attempt(client, script)
    assert production.listing() == before
    client.set({"spark.sql.scripting.enabled": "true"})
    assert "PARSE_SYNTAX_ERROR" in attempt(client, f"{PREFIX}{script}\n)")
    assert production.listing() == before
    attempt(client, script)
    assert "nyc.victim" not in production.listing()[0]


def test_an_unbalanced_parenthesis_reaches_the_wrapper(client):
    # Why the client has to check the depth of parentheses itself: this is a query, but not the one that stands in the file.
    assert attempt(client, f"{PREFIX}SELECT 1) UNION ALL SELECT * FROM (SELECT 2\n)") is None


def test_a_bare_name_is_a_query_inside_the_wrapper(client, victim):
    assert attempt(client, f"{PREFIX}{VICTIM}\n)") is None


@pytest.mark.parametrize(
    "text, fragment",
    [
        ("SELECT nope", "nope"),
        ("SELECT 'é', nope", "nope"),
        # One character, two UTF-16 units, four bytes of UTF-8. Spark counts characters, but cuts the fragment by UTF-16 units,
        # so the fragment is off by one for each; the indexes are to be trusted.
        ("SELECT '\U0001f600', nope", " nop"),
        ("SELECT '\U0001f600\U0001f600', nope", ", no"),
    ],
)
def test_start_index_counts_characters(client, text, fragment):
    sql = f"{PREFIX}{text} FROM (SELECT 1 AS a)\n)"
    condition, context = client.error(sql)
    assert condition == "UNRESOLVED_COLUMN.WITH_SUGGESTION"
    assert sql[context.start_index : context.stop_index + 1] == "nope"
    assert context.fragment == fragment


def test_bound_parameters_work_on_this_server(client):
    request = client.header(base_pb2.AnalyzePlanRequest())
    request.schema.plan.root.sql.query = f"{PREFIX}SELECT :n AS n, :s AS s\n)"
    request.schema.plan.root.sql.named_arguments["n"].literal.long = 5
    request.schema.plan.root.sql.named_arguments["s"].literal.string = "x"
    schema = client.stub.AnalyzePlan(request, metadata=client.metadata, timeout=60).schema.schema
    assert [(field.name, field.data_type.WhichOneof("kind")) for field in schema.struct.fields] == [
        ("n", "long"), ("s", "string")
    ]


@pytest.mark.parametrize("value", ["x", "a value longer than the parameter's name", "two\nlines"])
def test_a_position_after_a_bound_parameter(client, value):
    # Spark pastes the value as a literal before it parses. It maps the query context back to the text as sent; the "line, pos" of
    # the message is that of the pasted text, and wrong for us.
    sql = f"{PREFIX}SELECT :a_name AS n, nope FROM (SELECT 1 AS a)\n)"
    condition, context = client.error(sql, {"a_name": value})
    assert condition == "UNRESOLVED_COLUMN.WITH_SUGGESTION"
    assert sql[context.start_index : context.stop_index + 1] == context.fragment == "nope"


def test_a_text_value_cannot_become_sql(client):
    for value in ("', reflect('java.lang.System', 'exit') --", "\\', 1 AS x --", "a' OR 'b", ":a_name", "\U0001f600'"):
        fields = client.analyze(f"{PREFIX}SELECT :a_name AS n\n)", texts={"a_name": value}).schema.schema.struct.fields
        assert [(field.name, field.data_type.WhichOneof("kind")) for field in fields] == [("n", "string")]
