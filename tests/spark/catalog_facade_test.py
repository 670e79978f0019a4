# SPDX-License-Identifier: Apache-2.0
"""The playground catalog over the real catalog servers, with stock PyIceberg, stock Spark and bare HTTP as its clients."""

import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "spark"))
import stack  # noqa: E402
from facade import BUILD, Facade, Playground  # noqa: E402

for key in [key for key in os.environ if key.startswith(("SPARK_", "PYSPARK_"))]:
    del os.environ[key]

INT_SCHEMA = {"type": "struct", "schema-id": 0, "fields": [{"id": 1, "name": "id", "required": False, "type": "int"}]}


@pytest.fixture(scope="module")
def production(tmp_path_factory):
    server = stack.CatalogServer(tmp_path_factory.mktemp("production")).start()
    for levels in (["nyc"], ["outer"], ["outer", "inner"], ["empty"]):
        server.request("POST", "/v1/namespaces", {"namespace": levels, "properties": {}})
    yield server
    server.stop()


@pytest.fixture(scope="module")
def overlay(tmp_path_factory):
    server = stack.CatalogServer(tmp_path_factory.mktemp("overlay")).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def facade(tmp_path_factory, production, overlay):
    process = Facade(tmp_path_factory.mktemp("facade"), production, overlay)
    yield process
    assert process.stop() == 0


@pytest.fixture(scope="module")
def connect(tmp_path_factory):
    server = stack.ConnectServer(tmp_path_factory.mktemp("connect")).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def flights(connect, production):
    """Three rows in production's nyc.flights, with settings that the façade must take away."""
    session = connect.session(stack.mount(production.uri, production.secret))
    session.sql(
        "CREATE TABLE prod.nyc.flights USING iceberg TBLPROPERTIES ('write.object-storage.enabled'='true') "
        "AS SELECT id, concat('carrier', id) AS carrier FROM range(3)"
    ).collect()
    session.sql("CREATE TABLE prod.outer.inner.deep USING iceberg AS SELECT 7 AS id").collect()
    session.stop()
    return production


@pytest.fixture
def playground(facade, flights):
    return Playground(facade, "pg-" + uuid.uuid4().hex[:8])


@pytest.fixture
def spark(connect, playground):
    session = connect.session(playground.confs())
    yield session
    session.stop()


def rows(session, sql):
    return sorted(tuple(row) for row in session.sql(sql).collect())


# --- reading ---------------------------------------------------------------------------------------------------------


def test_the_same_names_lead_to_production(playground, spark):
    assert rows(spark, "SELECT * FROM prod.nyc.flights") == [(0, "carrier0"), (1, "carrier1"), (2, "carrier2")]
    assert rows(spark, "SELECT * FROM prod.outer.inner.deep") == [(7,)]
    catalog = playground.pyiceberg(playground.ro)
    assert catalog.load_table("nyc.flights").scan().to_arrow().num_rows == 3
    assert ("nyc", "flights") in catalog.list_tables("nyc")
    assert {("nyc",), ("outer",), ("empty",)} <= set(catalog.list_namespaces())
    assert catalog.list_namespaces("outer") == [("outer", "inner")]
    assert catalog.list_tables("empty") == []
    assert catalog.namespace_exists("outer.inner") and not catalog.namespace_exists("outer.nothing")
    assert catalog.table_exists("outer.inner.deep") and not catalog.table_exists("nyc.nothing")


def test_config_lists_exactly_what_is_served(playground):
    status, config = playground.http("GET", "/v1/config?warehouse=any")
    assert status == 200
    assert "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}" in config["endpoints"]
    assert not [line for line in config["endpoints"] if "transactions" in line or "register" in line]


def test_production_comes_defanged(playground, flights):
    status, loaded = playground.http("GET", "/v1/namespaces/nyc/tables/flights")
    assert status == 200
    properties = loaded["metadata"]["properties"]
    assert properties["gc.enabled"] == "false"
    assert "write.object-storage.enabled" not in properties
    for key in ("write.data.path", "write.metadata.path"):
        assert properties[key].startswith(playground.folder().as_uri() + "/_refused/nyc/flights/")
    assert loaded["config"] == {} and "storage-credentials" not in loaded
    _, direct = flights.request("GET", "/v1/namespaces/nyc/tables/flights")
    for key in ("location", "table-uuid", "schemas", "snapshots", "current-snapshot-id"):
        assert loaded["metadata"][key] == direct["metadata"][key]


def test_missing_things_are_404_of_the_right_type(playground):
    for path, kind in (
        ("/v1/namespaces/nyc/tables/nothing", "NoSuchTableException"),
        ("/v1/namespaces/nothing", "NoSuchNamespaceException"),
        ("/v1/namespaces/nothing/tables", "NoSuchNamespaceException"),
        ("/v1/namespaces?parent=nothing", "NoSuchNamespaceException"),
        ("/v1/namespaces/nyc/views/nothing", "NoSuchViewException"),
    ):
        status, body = playground.http("GET", path)
        assert (status, body["error"]["type"], body["error"]["code"]) == (404, kind, 404), path
        assert "pg_" not in body["error"]["message"]


# --- who may ask -----------------------------------------------------------------------------------------------------


def refusal(answer):
    status, body = answer
    return status, body["error"]["type"], body["error"]["message"]


def test_tokens_that_are_no_good(playground, facade):
    path = "/v1/namespaces"
    assert refusal(playground.http("GET", path, token=""))[:2] == (401, "NotAuthorizedException")
    assert refusal(playground.http("GET", path, token="rubbish"))[:2] == (401, "NotAuthorizedException")
    assert refusal(playground.http("GET", path, token=playground.rw[:-2] + "AA"))[:2] == (401, "NotAuthorizedException")
    status, _, message = refusal(playground.http("GET", path, token=playground.token(ttl_ms=-1)))
    assert status == 401 and "expired" in message
    other = Playground(facade, "pg-" + uuid.uuid4().hex[:8])
    status, _, message = refusal(playground.http("GET", path, token=other.rw))
    assert status == 403 and other.name in message
    status, _, message = refusal(playground.http("GET", path, token=playground.token(generation=2)))
    assert status == 403 and "does not exist any more" in message
    status, _, message = refusal(playground.http("GET", path, token=playground.token(user="eve")))
    assert status == 403 and "does not own" in message
    bearer = playground.http("GET", path, token="", headers={"x-pretzel-token": "", "authorization": "Bearer x"})
    assert bearer[0] == 401


def test_a_bearer_token_will_do(playground):
    from pyiceberg.catalog.rest import RestCatalog

    catalog = RestCatalog("prod", uri=playground.endpoint, token=playground.ro)
    assert ("nyc", "flights") in catalog.list_tables("nyc")


def test_playgrounds_that_are_over(facade, flights):
    expired = Playground(facade, "pg-" + uuid.uuid4().hex[:8], ttl_ms=-1)
    status, _, message = refusal(expired.http("GET", "/v1/namespaces"))
    assert status == 403 and "expired at" in message
    leaving = Playground(facade, "pg-" + uuid.uuid4().hex[:8])
    assert leaving.call("state", **{"from": "ACTIVE", "to": "DELETING"}) == {}
    status, _, message = refusal(leaving.http("GET", "/v1/namespaces"))
    assert status == 403 and "being deleted" in message


def test_where_nothing_is_mounted_nothing_is_seen(facade):
    connection = http.client.HTTPConnection("127.0.0.1", facade.port, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", "/none/v1/config")
        answer = connection.getresponse()
        assert answer.status == 403 and b"no playground is mounted here" in answer.read()


@pytest.mark.parametrize("method, path, body", [
    ("POST", "/v1/namespaces", {"namespace": ["mine"]}),
    ("DELETE", "/v1/namespaces/empty", None),
    ("POST", "/v1/namespaces/nyc/tables", {"name": "mine", "schema": INT_SCHEMA}),
    ("POST", "/v1/namespaces/nyc/tables", {"name": "mine", "schema": INT_SCHEMA, "stage-create": True}),
    ("POST", "/v1/namespaces/nyc/tables/flights", {"requirements": [], "updates": []}),
    ("DELETE", "/v1/namespaces/nyc/tables/flights", None),
])
def test_a_read_only_token_only_reads(playground, method, path, body):
    status, kind, message = refusal(playground.http(method, path, body, token=playground.ro))
    assert (status, kind) == (403, "ForbiddenException") and "only reads" in message


# --- writing into the playground -------------------------------------------------------------------------------------


def files_outside(playground):
    """Files of the overlay's warehouse that are not in any playground's folder."""
    return [path for path in playground.facade.warehouse.rglob("*")
            if path.is_file() and playground.facade.warehouse / "pg" not in path.parents]


def test_spark_writes_into_the_playground_and_only_there(playground, spark, flights):
    before = flights.listing()
    spark.sql("CREATE TABLE prod.nyc.daily (id INT, name STRING) USING iceberg PARTITIONED BY (bucket(4, id))").collect()
    spark.sql("INSERT INTO prod.nyc.daily VALUES (1, 'a'), (2, 'b')").collect()
    assert rows(spark, "SELECT * FROM prod.nyc.daily") == [(1, "a"), (2, "b")]
    spark.sql("INSERT OVERWRITE prod.nyc.daily SELECT 3, 'c'").collect()
    spark.sql("CREATE TABLE prod.nyc.copied USING iceberg AS SELECT * FROM prod.nyc.flights WHERE id > 0").collect()
    assert rows(spark, "SELECT id FROM prod.nyc.copied") == [(1,), (2,)]
    spark.sql("CREATE OR REPLACE TABLE prod.nyc.copied USING iceberg AS SELECT 9 AS nine").collect()
    assert rows(spark, "SELECT * FROM prod.nyc.copied") == [(9,)]
    spark.sql("ALTER TABLE prod.nyc.copied SET TBLPROPERTIES ('owner.note'='mine')").collect()
    spark.sql("ALTER TABLE prod.nyc.copied ADD COLUMN more STRING").collect()
    spark.sql("DELETE FROM prod.nyc.daily WHERE id = 1").collect()
    spark.sql("CREATE NAMESPACE prod.mine").collect()
    spark.sql("CREATE TABLE prod.mine.own USING iceberg AS SELECT 1 AS one").collect()
    catalog = playground.pyiceberg()
    assert catalog.load_table("nyc.copied").scan().to_arrow().to_pydict()["nine"] == [9]
    assert catalog.list_tables("nyc") == [("nyc", "copied"), ("nyc", "daily"), ("nyc", "flights")]
    assert ("mine",) in catalog.list_namespaces()
    assert "/pg/" in catalog.load_table("nyc.daily").location()
    assert catalog.load_table("nyc.daily").location().startswith(playground.folder().as_uri() + "/nyc/daily-")
    spark.sql("DROP TABLE prod.mine.own").collect()
    spark.sql("DROP NAMESPACE prod.mine").collect()
    assert ("mine",) not in catalog.list_namespaces()
    assert flights.listing() == before
    assert files_outside(playground) == []


def test_pyiceberg_writes_into_the_playground(playground):
    import pyarrow

    catalog = playground.pyiceberg()
    data = pyarrow.table({"id": pyarrow.array([1, 2, 3], pyarrow.int32())})
    table = catalog.create_table("nyc.arrow", data.schema)
    table.append(data)
    table.overwrite(data.slice(0, 1))
    with catalog.create_table_transaction("nyc.staged", data.schema) as transaction:
        transaction.append(data)
    assert catalog.load_table("nyc.arrow").scan().to_arrow().num_rows == 1
    assert catalog.load_table("nyc.staged").scan().to_arrow().num_rows == 3
    catalog.rename_table("nyc.staged", "nyc.renamed")
    assert catalog.load_table("nyc.renamed").scan().to_arrow().num_rows == 3
    catalog.drop_table("nyc.renamed")
    assert not catalog.table_exists("nyc.renamed")
    catalog.create_namespace("own.deep")
    assert ("own", "deep") in catalog.list_namespaces("own")
    catalog.drop_namespace("own.deep")


def test_the_batch_job_writes_into_the_playground(tmp_path, playground, spark, flights):
    before = flights.listing()
    columns = [{"name": "carrier", "type": "string"}, {"name": "total", "type": "bigint"}]
    playground.call("ensure", table="nyc.daily", columns=columns)
    spec = {
        "version": 1, "run_id": "r0123456789abcdef", "attempt": 1, "table": "prod.nyc.daily", "materialization": "full",
        "sql": "SELECT carrier, count(*) AS total FROM prod.nyc.flights WHERE id > 0 GROUP BY carrier",
        "result_file": str(tmp_path / "result.json"), "deadline_ms": int((time.time() + 120) * 1000),
    }
    assert stack.submit(tmp_path, spec, playground.confs()).wait(120) == 0, (tmp_path / "job.log").read_text()[-3000:]
    table = playground.pyiceberg(playground.ro).load_table("nyc.daily")
    assert sorted(table.scan().to_arrow().to_pydict()["carrier"]) == ["carrier1", "carrier2"]
    assert table.current_snapshot().summary["pretzel.run-id"] == spec["run_id"]
    # A metadata table is a name under the table's, which the catalog must not have.
    assert rows(spark, "SELECT count(*) FROM prod.nyc.daily.snapshots") == [(1,)]
    assert playground.call("ensure", table="nyc.daily", columns=columns)["status"] == "UNCHANGED"
    assert flights.listing() == before


def test_a_token_of_a_run_writes_while_the_run_and_its_job_live(facade, playground):
    import pyarrow
    from pyiceberg.exceptions import ForbiddenError

    run = "r" + uuid.uuid4().hex[:16]
    playground.call("ensure", table="nyc.late", columns=[{"name": "id", "type": "bigint"}])
    first, second = (playground.token(run_id=run, job=job) for job in (f"{run}/job", f"{run}/job/2"))
    row = pyarrow.table({"id": [1]})

    def refused(token):
        with pytest.raises(ForbiddenError, match=f"run {run}, which has ended"):
            playground.pyiceberg(token).load_table("nyc.late").append(row)

    refused(first)  # no run that this process was told of
    facade.call("run_lives", run_id=run)
    begun = playground.pyiceberg(first).load_table("nyc.late")
    begun.append(row)
    facade.call("job_ended", run_id=run, job=f"{run}/job")
    with pytest.raises(ForbiddenError, match=f"job {run}/job of run {run}, which has ended"):
        begun.append(row)  # what it had open is no way in
    attempt = playground.pyiceberg(second).load_table("nyc.late")
    attempt.append(row)
    facade.call("run_ended", run_id=run)
    refused(second)
    assert playground.pyiceberg().load_table("nyc.late").scan().to_arrow().num_rows == 2  # a person's own token


COLUMNS = [{"name": "id", "type": "bigint"}, {"name": "carrier", "type": "string", "nullable": True}]


def test_an_overlay_table_hides_production_s(connect, facade, playground, spark, flights):
    before = flights.listing()
    made = playground.call("ensure", table="nyc.flights", columns=COLUMNS)
    assert made["status"] == "CREATED"
    assert rows(spark, "SELECT * FROM prod.nyc.flights") == []
    spark.sql("INSERT INTO prod.nyc.flights VALUES (42, 'mine')").collect()
    assert rows(spark, "SELECT * FROM prod.nyc.flights") == [(42, "mine")]
    # A second playground on the same server, and production, see their own.
    other = Playground(facade, "pg-" + uuid.uuid4().hex[:8])
    session = connect.session(other.confs())
    assert len(rows(session, "SELECT * FROM prod.nyc.flights")) == 3
    session.stop()
    assert playground.pyiceberg().list_tables("nyc").count(("nyc", "flights")) == 1
    spark.sql("DROP TABLE prod.nyc.flights").collect()
    assert len(rows(spark, "SELECT * FROM prod.nyc.flights")) == 3
    assert flights.listing() == before


# --- hostile writes --------------------------------------------------------------------------------------------------


def snapshot(manifest_list):
    return {"action": "add-snapshot", "snapshot": {
        "snapshot-id": 1, "sequence-number": 1, "timestamp-ms": 1, "manifest-list": manifest_list,
        "summary": {"operation": "append"}, "schema-id": 0}}


def hostile_requests(production, own):
    """(name, method, path, body); `own` is the location of the playground's table nyc.own."""
    outside = production.warehouse.as_uri() + "/nyc/flights"
    tables, flights, mine = "/v1/namespaces/nyc/tables", "/v1/namespaces/nyc/tables/flights", "/v1/namespaces/nyc/tables/own"

    def create(**fields):
        return {"name": "fresh", "schema": INT_SCHEMA, **fields}

    def commit(*updates, requirements=()):
        return {"requirements": list(requirements), "updates": list(updates)}

    def properties(**values):
        return commit({"action": "set-properties", "updates": {key.replace("__", "."): v for key, v in values.items()}})

    staged = [{"type": "assert-create"}]
    folder = own.rsplit("/nyc/", 1)[0]
    return [
        ("commit to production", "POST", flights, properties(a="b")),
        ("empty commit to production", "POST", flights, commit()),
        ("drop of production", "DELETE", flights, None),
        ("purge of production", "DELETE", flights + "?purgeRequested=true", None),
        ("rename of production", "POST", "/v1/tables/rename", {
            "source": {"namespace": ["nyc"], "name": "flights"}, "destination": {"namespace": ["nyc"], "name": "gone"}}),
        ("register", "POST", "/v1/namespaces/nyc/register", {"name": "r", "metadata-location": outside + "/metadata/x.json"}),
        ("several tables", "POST", "/v1/transactions/commit", {"table-changes": [
            {"identifier": {"namespace": ["nyc"], "name": "flights"}, "requirements": [], "updates": []}]}),
        ("drop of production's namespace", "DELETE", "/v1/namespaces/empty", None),
        ("properties of production's namespace", "POST", "/v1/namespaces/nyc/properties", {"updates": {"a": "b"}}),
        ("view", "POST", "/v1/namespaces/nyc/views", {"name": "v"}),
        ("view replaced", "POST", "/v1/namespaces/nyc/views/v", {}),
        ("view dropped", "DELETE", "/v1/namespaces/nyc/views/v", None),
        ("view renamed", "POST", "/v1/views/rename", {}),
        ("create at a location", "POST", tables, create(location=outside)),
        ("staged create at a location", "POST", tables, create(location=outside, **{"stage-create": True})),
        ("create with a data path", "POST", tables, create(properties={"write.data.path": outside})),
        ("create with a metadata path", "POST", tables, create(properties={"write.metadata.path": outside})),
        ("namespace at a location", "POST", "/v1/namespaces", {"namespace": ["x"], "properties": {"location": outside}}),
        ("set-location", "POST", mine, commit({"action": "set-location", "location": outside})),
        ("set-location by dots", "POST", mine, commit({"action": "set-location", "location": own + "/../other"})),
        ("set-location to a sibling's name", "POST", mine, commit({"action": "set-location", "location": own + "2"})),
        ("data path", "POST", mine, properties(write__data__path=outside)),
        ("data path by dots", "POST", mine, properties(write__data__path=own + "/data/../../../..")),
        ("data path by encoded dots", "POST", mine, properties(write__data__path=own + "/%2e%2e/%2e%2e/x")),
        ("data path of a sibling", "POST", mine, properties(write__data__path=own + "2/data")),
        ("metadata path", "POST", mine, properties(write__metadata__path=outside)),
        ("object storage path", "POST", mine, properties(**{"write__object-storage__path": outside})),
        ("folder storage path", "POST", mine, properties(**{"write__folder-storage__path": outside})),
        ("object storage", "POST", mine, properties(**{"write__object-storage__enabled": "true"})),
        ("location provider", "POST", mine, properties(**{"write__location-provider__impl": "evil.Provider"})),
        ("manifest list outside", "POST", mine, commit(snapshot(outside + "/metadata/snap-1.avro"))),
        ("manifest list of another scheme", "POST", mine, commit(snapshot("s3://bucket/snap-1.avro"))),
        ("statistics outside", "POST", mine, commit({"action": "set-statistics", "snapshot-id": 1, "statistics": {
            "snapshot-id": 1, "statistics-path": outside + "/x.puffin", "file-size-in-bytes": 1, "file-footer-size-in-bytes": 1,
            "blob-metadata": []}})),
        ("unknown update", "POST", mine, commit({"action": "write-anywhere", "location": outside})),
        ("unknown requirement", "POST", mine, commit(requirements=[{"type": "assert-nothing"}])),
        ("new table elsewhere", "POST", tables + "/fresh",
         commit({"action": "set-location", "location": outside}, requirements=staged)),
        ("new table without a location", "POST", tables + "/fresh", commit(requirements=staged)),
        ("new table in another's folder", "POST", tables + "/fresh", commit(
            {"action": "set-location", "location": folder + "/nyc/other-" + "0" * 32}, requirements=staged)),
        ("new table in another generation", "POST", tables + "/fresh", commit(
            {"action": "set-location", "location": folder + "0/nyc/fresh-" + "0" * 32}, requirements=staged)),
    ]


def test_hostile_requests_are_refused_and_change_nothing(playground, flights):
    own = playground.call("ensure", table="nyc.own", columns=COLUMNS)["location"]
    before = flights.listing()
    _, own_before = playground.http("GET", "/v1/namespaces/nyc/tables/own")
    tables_before = playground.http("GET", "/v1/namespaces/nyc/tables")
    cases = hostile_requests(flights, own)
    assert len(cases) >= 20
    for name, method, path, body in cases:
        status, answer = playground.http(method, path, body)
        assert (status, answer["error"]["type"]) == (403, "ForbiddenException"), (name, answer)
        assert "pg_" not in answer["error"]["message"], name
    assert flights.listing() == before
    assert playground.http("GET", "/v1/namespaces/nyc/tables") == tables_before
    assert playground.http("GET", "/v1/namespaces/nyc/tables/own")[1] == own_before
    assert playground.call("receipt")["refused"] == len(cases)


def test_the_refusal_gives_advice(playground):
    _, answer = playground.http("POST", "/v1/namespaces/nyc/tables/flights", {"requirements": [], "updates": []})
    assert answer["error"]["message"] == (
        f"prod.nyc.flights is read-only in playground {playground.name}; declare it in a manifest to override")


@pytest.mark.parametrize("sql", [
    "INSERT INTO prod.nyc.flights VALUES (9, 'x')",
    "INSERT OVERWRITE prod.nyc.flights SELECT 9L, 'x'",
    "DELETE FROM prod.nyc.flights",
    "DELETE FROM prod.nyc.flights WHERE id = 1",
    "UPDATE prod.nyc.flights SET carrier = 'x'",
    "MERGE INTO prod.nyc.flights t USING (SELECT 1L AS id) s ON t.id = s.id WHEN MATCHED THEN DELETE",
    "TRUNCATE TABLE prod.nyc.flights",
    "DROP TABLE prod.nyc.flights",
    "DROP TABLE prod.nyc.flights PURGE",
    "ALTER TABLE prod.nyc.flights ADD COLUMN x INT",
    "ALTER TABLE prod.nyc.flights SET TBLPROPERTIES ('gc.enabled'='true')",
    "ALTER TABLE prod.nyc.flights RENAME TO prod.nyc.gone",
    "CREATE OR REPLACE TABLE prod.nyc.flights USING iceberg AS SELECT 1 AS one",
    "REPLACE TABLE prod.nyc.flights USING iceberg AS SELECT 1 AS one",
    "CREATE TABLE prod.nyc.flights (id INT) USING iceberg",
    "DROP NAMESPACE prod.empty",
    "DROP NAMESPACE prod.nyc CASCADE",
    "ALTER NAMESPACE prod.nyc SET PROPERTIES ('a'='b')",
    "CREATE NAMESPACE prod.nyc",
    "CALL prod.system.expire_snapshots('nyc.flights')",
    "CALL prod.system.remove_orphan_files(table => 'nyc.flights')",
    "CALL prod.system.rewrite_data_files(table => 'nyc.flights', options => map('rewrite-all', 'true'))",
    "CALL prod.system.set_current_snapshot('nyc.flights', 1)",
    "CREATE TABLE prod.nyc.elsewhere (id INT) USING iceberg LOCATION 'file:///tmp/elsewhere'",
])
def test_hostile_statements_change_nothing(spark, flights, sql):
    from pyspark.errors import PySparkException

    before = flights.listing()
    with pytest.raises(PySparkException):
        spark.sql(sql).collect()
    assert flights.listing() == before


@pytest.mark.parametrize("path", [
    "/v1/namespaces/..", "/v1/namespaces/../tables", "/v1/namespaces/%2e%2e/tables/x", "/v1/namespaces/a%00b",
    "/v1/namespaces/%", "/v1/namespaces/%zz", "/v1//namespaces", "/v1/namespaces/%1F",
])
def test_broken_paths_are_the_client_s_fault(playground, path):
    assert playground.http("GET", path)[0] == 400


@pytest.mark.parametrize("body", ["", "{", "[]", '{"name":1,"namespace":1,"updates":1}', "[" * 100000,
                                  '{"a":' * 1000 + "1" + "}" * 1000, "\xff"])
def test_broken_bodies_are_the_client_s_fault(playground, body):
    for path in ("/v1/namespaces", "/v1/namespaces/nyc/tables", "/v1/namespaces/nyc/tables/flights", "/v1/tables/rename"):
        status, answer = playground.http("POST", path, body.encode("latin-1"))
        assert (status, answer["error"]["type"]) == (400, "BadRequestException"), path


def test_a_body_that_is_too_large_is_refused_before_it_is_read(playground):
    status, _ = playground.http("POST", "/v1/namespaces", "", headers={"content-length": str(1 << 40)})
    assert status == 413


# --- the daemon's own operations -------------------------------------------------------------------------------------


def test_ensure_is_idempotent_reports_drift_and_recreates(playground):
    columns = [{"name": "day", "type": "date", "nullable": False, "description": "local day"},
               {"name": "delays", "type": "array<struct<minutes:int,why:string>>"},
               {"name": "at", "type": "timestamp"}, {"name": "price", "type": "decimal(10,2)"}]
    spec = {"table": "fresh.daily", "columns": columns, "partitioning": ["month(at)", "bucket(4, day)"],
            "properties": {"write.format.default": "orc"}}
    first = playground.call("ensure", **spec)
    assert first["status"] == "CREATED" and first["drift"] == []
    assert playground.call("ensure", **spec) == {**first, "status": "UNCHANGED"}
    changed = {**spec, "columns": [{**columns[0], "nullable": True}, {"name": "delays", "type": "int"}, columns[2],
                                   {"name": "extra", "type": "string"}],
               "partitioning": ["day(at)"], "properties": {"write.format.default": "avro"}}
    drifted = playground.call("ensure", **changed)
    assert drifted["status"] == "DRIFTED" and drifted["uuid"] == first["uuid"]
    assert drifted["drift"] == [
        'column "day" is declared nullable but the table has it not nullable',
        'column "delays" is declared as int but the table has array<struct<minutes:int,why:string>>',
        'column "extra" is declared but not in the table',
        'column "price" is in the table but not declared',
        'the table is partitioned by month(at), bucket(4, day) but declared by day(at)',
        'property "write.format.default" is declared as "avro" but the table has "orc"',
    ]
    again = playground.call("ensure", **{**changed, "recreate": True})
    assert again["status"] == "RECREATED" and again["uuid"] != first["uuid"]
    _, loaded = playground.http("GET", "/v1/namespaces/fresh/tables/daily")
    assert loaded["metadata"]["properties"]["pretzel.playground"] == playground.name
    described = playground.call("describe", table="fresh.daily")
    assert described["exists"] and described["inOverlay"] and described["snapshotId"] == 0
    assert [c["type"] for c in described["columns"]] == ["date", "int", "timestamp", "string"]


def test_describe_knows_where_a_table_is(playground):
    described = playground.call("describe", table="nyc.flights")
    assert described["exists"] and not described["inOverlay"] and described["snapshotId"] > 0
    assert [(c["name"], c["type"]) for c in described["columns"]] == [("id", "bigint"), ("carrier", "string")]
    assert playground.call("describe", table="nyc.nothing")["exists"] is False


@pytest.mark.parametrize("change, words", [
    ({"columns": [{"name": "a", "type": "itn"}]}, ['column "a"', '"itn"']),
    ({"columns": []}, ["no columns"]),
    ({"partitioning": ["month(id)"]}, ["month(id)", '"id"', "bigint"]),
    ({"partitioning": ["month(nothing)"]}, ['"nothing"', "not declared"]),
    ({"table": "flat"}, ["<namespace>.<table>"]),
    ({"table": "nyc.a/../../b"}, ["cannot be used"]),
    ({"properties": {"write.data.path": "file:///tmp/x"}}, ["write.data.path", "leads out"]),
])
def test_a_wrong_declaration_is_explained(playground, change, words):
    answer = playground.call("ensure", **{"table": "nyc.wrong", "columns": COLUMNS, **change})
    for word in words:
        assert word in answer["error"]["message"]
    assert playground.call("describe", table="nyc.wrong")["exists"] is False


def test_the_probe_finds_every_write_refused(playground, flights):
    before = flights.listing()
    assert playground.call("probe") == {}
    assert flights.listing() == before


def test_a_lost_store_gives_a_new_owner_nothing_of_the_old_one_s(tmp_path, production, overlay):
    """The overlay still has the tables of a playground that the store has forgotten; its name is given again."""
    name = "heir-" + uuid.uuid4().hex[:8]
    lives = []
    for life in ("first", "second"):
        facade = Facade(tmp_path / life, production, overlay)
        try:
            heir = Playground(facade, name)
            assert heir.call("describe", table="nyc.kept")["exists"] is False
            assert heir.http("GET", "/v1/namespaces/nyc/tables/kept")[0] == 404
            heir.call("ensure", table="nyc.kept", columns=COLUMNS)
            lives.append((heir, heir.folder()))
            if life == "second":
                (first, folder), (second, _) = lives
                old = second.token(generation=first.generation)  # the key outlived the store
                assert second.http("GET", "/v1/namespaces/nyc/tables/kept", token=old)[0] == 403
                assert second.call("purge") == {"tables": 1}
                roots = [levels[0] for levels in overlay.request("GET", "/v1/namespaces")[1]["namespaces"]]
                assert f"pg_{name}_{first.generation}" in roots and f"pg_{name}_{second.generation}" not in roots
                assert list(folder.rglob("*.metadata.json"))
        finally:
            assert facade.stop() == 0


def test_purge_takes_one_generation_and_nothing_else(facade, playground, overlay, flights):
    # Names chosen so that a prefix that is not exact would take the neighbour's too.
    neighbour = Playground(facade, playground.name + "0")
    for place in (playground, neighbour):
        place.call("ensure", table="nyc.one", columns=COLUMNS)
        place.call("ensure", table="a.b.two", columns=COLUMNS)
        assert place.folder().is_dir()
    before = flights.listing()
    assert playground.call("purge") == {"tables": 2}
    assert not playground.folder().exists() and neighbour.folder().is_dir()
    assert neighbour.call("describe", table="a.b.two")["inOverlay"]
    names = [levels[0] for levels in overlay.request("GET", "/v1/namespaces")[1]["namespaces"]]
    assert f"pg_{neighbour.name}_{neighbour.generation}" in names
    assert f"pg_{playground.name}_{playground.generation}" not in names
    assert playground.call("purge") == {"tables": 0}
    assert flights.listing() == before
    for wrong in ("", "..", "a/../b", "*"):
        assert facade.call("purge", playground=wrong)["error"]["code"] == "INVALID_ARGUMENT"
    assert neighbour.folder().is_dir()


def test_receipts_count_what_a_token_s_mode_did(playground):
    playground.http("GET", "/v1/namespaces/nyc/tables/flights", token=playground.ro)
    playground.http("GET", "/v1/namespaces/nyc/tables", token=playground.ro)
    playground.http("DELETE", "/v1/namespaces/nyc/tables/flights", token=playground.ro)
    assert playground.call("receipt", mode="ro") == {
        "loads": 1, "lists": 1, "creates": 0, "commits": 0, "drops": 0, "refused": 1}
    assert playground.call("receipt", mode="rw")["loads"] == 0


# --- upstreams that fail ---------------------------------------------------------------------------------------------


def test_an_upstream_that_is_down_is_said_so_and_comes_back(tmp_path, production, flights):
    own = stack.CatalogServer(tmp_path / "overlay").start()
    facade = Facade(tmp_path / "facade", production, own)
    try:
        place = Playground(facade, "down")
        place.call("ensure", table="nyc.own", columns=COLUMNS)
        own.stop()
        status, kind, message = refusal(place.http("GET", "/v1/namespaces/nyc/tables/flights"))
        assert (status, kind) == (503, "ServiceUnavailableException") and "the overlay catalog" in message
        # A commit that did not happen must not look like one that may have.
        body = {"requirements": [], "updates": [{"action": "set-properties", "updates": {"a": "b"}}]}
        status, kind, message = refusal(place.http("POST", "/v1/namespaces/nyc/tables/own", body))
        assert (status, kind) == (409, "CommitFailedException") and "nothing was committed" in message
        own.start()
        assert place.http("GET", "/v1/namespaces/nyc/tables/flights")[0] == 200
        assert place.http("POST", "/v1/namespaces/nyc/tables/own", body)[0] == 200
    finally:
        facade.stop()
        own.stop()


def test_an_upstream_that_does_not_take_our_secret_is_not_the_client_s_fault(tmp_path, production, overlay):
    wrong = stack.CatalogServer(tmp_path / "wrong")
    wrong.port = production.port
    facade = Facade(tmp_path / "facade", wrong, overlay)
    try:
        status, _, message = refusal(Playground(facade, "secret").http("GET", "/v1/namespaces"))
        assert status == 503 and "does not take the daemon's secret" in message and wrong.secret not in message
    finally:
        facade.stop()


def test_a_port_in_use_is_said_so(tmp_path, production, overlay, facade):
    settings = {"production": {"uri": production.uri, "secret": "s"}, "overlay": {"uri": overlay.uri, "secret": "s"},
                "warehouse": "file:///tmp/unused", "store": str(tmp_path / "state.db"), "port": facade.port}
    file = stack.write_private(tmp_path / "settings.json", json.dumps(settings))
    done = subprocess.run([BUILD / "bin" / "catalog_serve", file], capture_output=True, text=True, timeout=20,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and f"127.0.0.1:{facade.port}" in done.stderr and "in use" in done.stderr
