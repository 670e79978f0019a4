# SPDX-License-Identifier: Apache-2.0
"""The spark_connect backend against a real Spark Connect server and a real Iceberg catalog.

PRETZEL_BUILD names the build folder whose bin/spark_connect_analyze is used (default: build/release).
"""

import json
import os
import signal
import subprocess
import time

import grpc
import pytest
import stack
from connect_relay import ConnectRelay
from front import TOKEN, Front

pytestmark = pytest.mark.spark

PROGRAM = stack.ROOT / os.environ.get("PRETZEL_BUILD", "build/release") / "bin" / "spark_connect_analyze"
EMOJI = "\N{GRINNING FACE}"
PATIENCE_SECONDS = 60
# Sessions opened to see whether they leave threads behind, and what other work of the server may add meanwhile.
SESSIONS = 30
THREADS_LEFT = 15


class Backend:
    """One running analyzer: sessions are reused over its questions."""

    def __init__(self, folder, port, token, front, threads=1, **settings):
        config = stack.write_private(folder / f"config-{time.monotonic_ns()}.json", json.dumps(
            {"endpoint": f"127.0.0.1:{port}", "token": token, **settings}))
        self.uri = front.uri
        self.process = subprocess.Popen([PROGRAM, config, "lines", str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, sql, *args, **kwargs):
        self.send(sql, *args, **kwargs)
        return self.receive()

    def receive(self):
        return json.loads(self.process.stdout.readline())

    def send(self, sql, params=(), mode="EXPLAIN", key="k", token=TOKEN, source=None, uri=None):
        mount = {"name": "prod", "uri": uri or self.uri, "token": token, "mode": "ro", "sessionKey": key,
                 "expiresAtMs": str(int((time.time() + 3600) * 1000))}
        request = {"sql": sql, "mode": mode, "mounts": [mount], "context": {"catalog": "prod"},
                   "params": [dict(zip(("name", "type", "value"), p)) for p in params]}
        if source:
            request["source"] = source
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def backend(connect, front, tmp_path_factory):
    assert PROGRAM.exists(), f"build spark_connect_analyze first; looked for {PROGRAM}"
    backend = Backend(tmp_path_factory.mktemp("backend"), connect.port, connect.token, front)
    yield backend
    backend.stop()


def only_error(answer):
    errors = [f for f in answer["response"]["findings"] if f["severity"] == "ERROR"]
    assert len(errors) == 1, answer
    assert not answer["response"].get("valid", False)
    return errors[0]


def place(finding):
    return finding["location"].get("line"), finding["location"].get("column")


def test_a_valid_query(backend):
    answer = backend.ask("SELECT tailnum, count(*) AS n, max(cost) AS cost, first(parts) AS parts\n"
                         "FROM prod.nyc.plane GROUP BY tailnum -- the end")["response"]
    assert answer["valid"] is True
    assert [(c["name"], c["type"], c["nullable"]) for c in answer["columns"]] == [
        ("tailnum", "string", False), ("n", "bigint", False), ("cost", "decimal(9,2)", True),
        ("parts", "array<struct<id:bigint,name:string>>", True)]
    assert answer["inputs"] == ["prod.nyc.plane"]
    assert "== Analyzed Logical Plan ==" in answer["plan"]
    assert answer["engineVersion"].startswith("4.1.")
    assert TOKEN not in json.dumps(answer)


def test_sessions_are_reused_by_key(backend):
    opened = int(backend.ask("SELECT 1", key="reuse")["response"]["sessionsOpened"])
    again = backend.ask("SELECT 1", key="reuse")["response"]
    assert again["sessionReused"] is True and int(again["sessionsOpened"]) == opened
    other = backend.ask("SELECT 1", key="another")["response"]
    assert not other.get("sessionReused", False) and int(other["sessionsOpened"]) == opened + 1


@pytest.mark.parametrize("sql, engine_code, where, hint", [
    (f"SELECT '{EMOJI}' AS e, seets AS x FROM prod.nyc.plane", "UNRESOLVED_COLUMN.WITH_SUGGESTION", (1, 18), "seats"),
    (f"SELECT '{EMOJI}' AS e,\n  '\N{LATIN SMALL LETTER E WITH ACUTE}' AS f, seets AS x\nFROM prod.nyc.plane",
     "UNRESOLVED_COLUMN.WITH_SUGGESTION", (2, 13), "seats"),
    ("SELECT 1,\n  FROM prod.nyc.plane WHERE AND", "PARSE_SYNTAX_ERROR", None, ""),
    ("SELECT 1 +\n;\n-- end \\", "PARSE_SYNTAX_ERROR", (1, 11), ""),
    (f"SELECT '{EMOJI}' x y z", "PARSE_SYNTAX_ERROR", (1, 14), ""),
    ("SELECT *\nFROM prod.nyc.plnae", "TABLE_OR_VIEW_NOT_FOUND", (2, 6), "did you mean prod.nyc.plane?"),
    ("SELECT *\nFROM nyc.plame", "TABLE_OR_VIEW_NOT_FOUND", (2, 6), "did you mean prod.nyc.plane?"),
    ("SELECT *\nFROM prod.nycc.plane", "TABLE_OR_VIEW_NOT_FOUND", (2, 6), "did you mean prod.nyc.plane?"),
    ("SELECT *\nFROM prd.nyc.plane", "TABLE_OR_VIEW_NOT_FOUND", (2, 6), "did you mean prod.nyc.plane?"),
    ("SELECT *\nFROM prod.nyc.zebra", "TABLE_OR_VIEW_NOT_FOUND", (2, 6), "tables of prod.nyc: "),
    ("SELECT *\nFROM prod.nowhere.zebra", "TABLE_OR_VIEW_NOT_FOUND", (2, 6), "namespaces of prod: "),
    ("SELECT *\nFROM plane_of_nobody", "TABLE_OR_VIEW_NOT_FOUND", (2, 6), "prod."),
    ("SELECT seats + parts FROM prod.nyc.plane", "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES", (1, 8), ""),
    ("SELECT seats FROM prod.nyc.plane a, prod.nyc.plane b", "AMBIGUOUS_REFERENCE", (1, 8), "a.seats"),
    ("SELECT tailnum, sum(seats) FROM prod.nyc.plane", "MISSING_GROUP_BY", (1, 1), ""),
])
def test_errors_come_with_their_place(backend, sql, engine_code, where, hint):
    finding = only_error(backend.ask(sql))
    assert finding["engineCode"] == engine_code
    assert finding["code"] == "PZ0220" and len(finding["sqlState"]) == 5
    if where:
        assert place(finding) == where
    else:
        assert place(finding)[0] <= sql.count("\n") + 1
    assert hint in finding.get("hint", "")
    assert "\n" not in finding["message"] and "auto_generated" not in finding["message"]


def test_a_misspelt_function_comes_with_its_place_and_the_right_name(backend):
    finding = only_error(backend.ask("SELECT tailnum,\n  uper(tailnum) FROM prod.nyc.plane"))
    assert (finding["code"], place(finding), finding["hint"]) == ("PZ0223", (2, 3), "did you mean 'upper'?")


def test_a_hint_never_fails_the_call(backend, front):
    with front.holding("pageToken="):
        answer = backend.ask("SELECT *\nFROM prod.nyc.plnae")
    assert only_error(answer)["engineCode"] == "TABLE_OR_VIEW_NOT_FOUND"
    assert front.held.is_set() and "spelling" in only_error(answer)["hint"]


def test_places_are_those_of_the_file(backend):
    source = {"file": "plane.yaml", "line": 12, "firstLineOffset": 4, "lineOffset": 4, "exact": True}
    finding = only_error(backend.ask("SELECT tailnum,\n  seets\nFROM prod.nyc.plane", source=source))
    assert finding["location"]["file"] == "plane.yaml" and place(finding) == (13, 7)


def test_parameters_are_typed(backend):
    params = [("s", "string", "it's ${x}; DROP TABLE y"), ("i", "int", "5"), ("l", "bigint", "6"), ("d", "double", "1.5"),
              ("c", "decimal(9,2)", "1.50"), ("b", "boolean", "true"), ("t", "date", "2013-01-31"),
              ("z", "timestamp", "2013-01-31 10:00:00"), ("n", "int")]
    answer = backend.ask("SELECT :s AS s, :i AS i, :l AS l, :d AS d, :c AS c, :b AS b, :t AS t, :z AS z, :n AS n", params)
    assert answer["response"].get("valid"), answer
    types = {c["name"]: c["type"] for c in answer["response"]["columns"]}
    assert types.pop("c").startswith("decimal(")
    assert types == {"s": "string", "i": "int", "l": "bigint", "d": "double", "b": "boolean", "t": "date",
                     "z": "timestamp", "n": "int"}


def test_places_behind_a_parameter(backend):
    params = [("s", "string", "a rather long text, it's true")]
    assert place(only_error(backend.ask("SELECT :s AS s, seets FROM prod.nyc.plane", params))) == (1, 17)
    assert place(only_error(backend.ask("SELECT :s AS s x y", params))) == (1, 16)
    # Spark maps these back by their length in UTF-16, and would be off by one for each.
    params = [("s", "string", f"it's {EMOJI} and {EMOJI}"), ("t", "string", EMOJI * 20)]
    assert place(only_error(backend.ask("SELECT :s AS s, seets FROM prod.nyc.plane", params[:1]))) == (1, 17)
    assert place(only_error(backend.ask("SELECT seets, :s AS s FROM prod.nyc.plane", params[:1]))) == (1, 8)
    assert place(only_error(backend.ask("SELECT :s AS s x y", params[:1]))) == (1, 16)
    sql = f"SELECT '{EMOJI}' AS e, :t AS t,\n  :s AS s, :t AS u, seets FROM prod.nyc.plane"
    assert place(only_error(backend.ask(sql, params))) == (2, 21)


def test_parameters_that_do_not_match(backend):
    finding = only_error(backend.ask("SELECT :seets", [("seats", "int", "1")]))
    assert finding["code"] == "PZ0215" and place(finding) == (1, 8) and "seats" in finding["hint"]
    assert only_error(backend.ask("SELECT :seats", [("seats", "int", "one")]))["code"] == "PZ0219"


HOSTILE = [
    "DROP TABLE prod.nyc.plane", "DROP TABLE prod.nyc.plane;", "INSERT INTO prod.nyc.plane SELECT * FROM prod.nyc.plane",
    "WITH q AS (SELECT * FROM prod.nyc.plane) INSERT INTO prod.nyc.plane SELECT * FROM q",
    "FROM prod.nyc.plane INSERT INTO prod.nyc.plane SELECT *", "DELETE FROM prod.nyc.plane",
    "UPDATE prod.nyc.plane SET seats = 0", "TRUNCATE TABLE prod.nyc.plane", "ALTER TABLE prod.nyc.plane DROP COLUMN seats",
    "CREATE TABLE prod.nyc.h AS SELECT 1 AS a", "CREATE OR REPLACE TABLE prod.nyc.plane AS SELECT 1 AS a",
    "CREATE NAMESPACE prod.h", "DROP NAMESPACE prod.nyc CASCADE", "CREATE VIEW prod.nyc.v AS SELECT 1 AS a",
    "CALL prod.system.rollback_to_snapshot('nyc.plane', 1)", "MERGE INTO prod.nyc.plane a USING prod.nyc.plane b ON false "
    "WHEN NOT MATCHED THEN INSERT *", "SELECT 1; DROP TABLE prod.nyc.plane", "SELECT 1) ; DROP TABLE prod.nyc.plane -- (",
    "BEGIN DROP TABLE prod.nyc.plane; END", "EXECUTE IMMEDIATE 'DROP TABLE prod.nyc.plane'",
    "SELECT * FROM (EXECUTE IMMEDIATE 'DROP TABLE prod.nyc.plane')", "EXPLAIN DROP TABLE prod.nyc.plane",
    "SET spark.sql.runSQLOnFiles=true", "CACHE TABLE x AS SELECT * FROM prod.nyc.plane",
    "SELECT reflect('java.lang.System', 'exit', 1)", "SELECT `java_method`('java.lang.System', 'exit', 1)",
    "SELECT IDENTIFIER('ref' || 'lect')('java.lang.System', 'exit', 1)",
    "SELECT try_reflect\N{NO-BREAK SPACE}('java.lang.System', 'exit', 1)",
    "SELECT TRANSFORM(tailnum) USING 'touch /tmp/pwned' FROM prod.nyc.plane", "SELECT * FROM text.`/etc/passwd`",
    "SELECT '${env:HOME}'", "SELECT 1 /* open", "SELECT 1 -- \n) ; DROP TABLE prod.nyc.plane",
    "SELECT * FROM (\nDROP TABLE prod.nyc.plane\n)", "ANALYZE TABLE prod.nyc.plane COMPUTE STATISTICS",
]


def test_hostile_statements_change_nothing(backend, front, connect, production):
    assert len(HOSTILE) >= 25
    before = production.listing()
    front.seen.clear()
    for sql in HOSTILE:
        finding = only_error(backend.ask(sql))
        assert finding["code"].startswith("PZ02") and finding["message"], sql
    assert production.listing() == before
    assert [line for line in front.seen if not line.startswith(("GET", "HEAD"))] == []
    assert backend.ask("SELECT 1")["response"]["valid"]


# The screen is the first of two rules. This one shows that the wrapper alone admits no statement either.
@pytest.mark.parametrize("sql", [s for s in HOSTILE[:24] if ";" not in s])
def test_spark_itself_refuses_them_wrapped(connect, production, front, sql):
    session = connect.session(stack.mount(production.uri, production.secret))
    try:
        with pytest.raises(Exception) as caught:
            session.sql(f"SELECT * FROM (\n{sql}\n)").schema
        assert "PARSE_SYNTAX_ERROR" in str(caught.value) or "PARSE" in str(caught.value), caught.value
    finally:
        session.stop()


def test_a_wrong_server_token(connect, front, tmp_path):
    backend = Backend(tmp_path, connect.port, "wrong", front)
    error = backend.ask("SELECT 1")["error"]
    backend.stop()
    assert error["code"] == 16 and error["id"] == "PZ0241" and "wrong" not in error["message"]


def test_a_wrong_catalog_token(backend):
    error = backend.ask("SELECT * FROM prod.nyc.plane", key="foreign", token="not-the-token")["error"]
    assert error["code"] == 16, error
    assert "not-the-token" not in json.dumps(error)


def test_a_catalog_that_is_down(connect, front, tmp_path):
    dead = type("Dead", (), {"uri": f"http://127.0.0.1:{stack.free_port()}"})
    backend = Backend(tmp_path, connect.port, connect.token, dead)
    error = backend.ask("SELECT * FROM prod.nyc.plane")["error"]
    backend.stop()
    assert error["code"] == 14 and error["id"] == "PZ0244", error


def test_a_server_that_is_down(front, tmp_path):
    port = stack.free_port()
    backend = Backend(tmp_path, port, "t", front, defaultTimeoutMs=2000)
    answer = backend.ask("SELECT 1")
    backend.stop()
    assert answer["error"]["code"] == 14 and f"127.0.0.1:{port}" in answer["error"]["message"] and answer["error"]["hint"]
    assert answer["us"] < 4_000_000


def test_a_deadline_ends_a_call_that_the_catalog_holds_up(connect, front, tmp_path):
    backend = Backend(tmp_path, connect.port, connect.token, front, defaultTimeoutMs=8000)
    assert backend.ask("SELECT seats FROM prod.nyc.plane")["response"]["valid"]
    with front.holding():
        error = backend.ask("SELECT cost FROM prod.nyc.plane")["error"]
        assert front.held.is_set()
    assert error["code"] == 4 and error["id"] == "PZ0242", error
    answer = backend.ask("SELECT cost FROM prod.nyc.plane")["response"]
    backend.stop()
    assert answer["valid"] and answer["sessionReused"]


def test_a_cancelled_call_ends_at_once(connect, front, tmp_path):
    backend = Backend(tmp_path, connect.port, connect.token, front)
    assert backend.ask("SELECT seats FROM prod.nyc.plane")["response"]["valid"]
    with front.holding():
        backend.send("SELECT cost FROM prod.nyc.plane")
        assert front.held.wait(PATIENCE_SECONDS)
        interrupted = time.monotonic()
        backend.process.send_signal(signal.SIGINT)
        error = backend.receive()["error"]
        seconds = time.monotonic() - interrupted
    assert error["code"] == 1, error
    assert seconds < 2
    answer = backend.ask("SELECT cost FROM prod.nyc.plane")["response"]
    backend.stop()
    assert answer["valid"] and answer["sessionReused"]


def wait_until(condition):
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_sessions_given_up_end_on_the_server(connect, front, tmp_path):
    relay = ConnectRelay(connect.port, connect.token)
    backend = Backend(tmp_path, relay.port, connect.token, front, sessionsMax=4)
    sql = "SELECT seats FROM prod.nyc.plane"
    for number in range(SESSIONS // 2):  # the server's own pools grow with its first questions
        assert backend.ask(sql, key=f"warm-{number}")["response"]["valid"]
    before = connect.status()["Threads"]
    for number in range(SESSIONS):
        answer = backend.ask(sql, key=f"key-{number}")["response"]
    total = SESSIONS // 2 + SESSIONS
    assert int(answer["sessionsOpened"]) == total
    opened = relay.sessions("Config")
    assert len(opened) == total
    wait_until(lambda: len(relay.sessions("ReleaseSession")) == total - 4)
    assert relay.sessions("ReleaseSession") == opened[:-4]
    after = connect.status()["Threads"]
    print(f"threads {before} -> {after}")
    assert after - before <= THREADS_LEFT
    assert relay.ask_version(*opened[-1]).startswith("4.1.")
    with pytest.raises(grpc.RpcError) as caught:
        relay.ask_version(*opened[0])
    assert "INVALID_HANDLE.SESSION_CLOSED" in caught.value.details()
    backend.stop()
    assert sorted(relay.sessions("ReleaseSession")) == sorted(opened)
    relay.stop()


def test_two_mounts_at_once_in_one_process(connect, front, overlay, tmp_path):
    """One process, one server, one name; each session sees its own catalog's table."""
    other = Front(overlay.port, overlay.secret)
    session = connect.session(stack.mount(overlay.uri, overlay.secret))
    session.sql("CREATE TABLE prod.nyc.plane (overlaid STRING) USING iceberg").collect()
    session.stop()
    backend = Backend(tmp_path, connect.port, connect.token, front, threads=4)
    uris = {}
    for number in range(1, 25):
        uris[number] = other.uri if number % 2 else front.uri
        backend.send("SELECT * FROM prod.nyc.plane", uri=uris[number])
    opened = 0
    for _ in range(24):
        answer = backend.receive()
        names = [column["name"] for column in answer["response"]["columns"]]
        assert names == (["overlaid"] if uris.pop(answer["line"]) == other.uri
                         else ["tailnum", "seats", "cost", "built", "parts"])
        opened = max(opened, int(answer["response"]["sessionsOpened"]))
    assert uris == {} and opened == 2
    backend.stop()
    other.stop()
    overlay.request("DELETE", "/v1/namespaces/nyc/tables/plane")


# Last: it replaces the server's process.
def test_a_server_that_restarts_between_calls(connect, backend):
    assert backend.ask("SELECT seats FROM prod.nyc.plane", key="restart")["response"]["valid"]
    connect.stop()
    connect.start()
    answer = backend.ask("SELECT seats FROM prod.nyc.plane", key="restart")
    assert answer["response"]["valid"] and not answer["response"].get("sessionReused", False)
    assert backend.ask("SELECT 1", key="restart")["response"]["sessionReused"] is True
