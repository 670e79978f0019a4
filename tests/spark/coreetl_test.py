# SPDX-License-Identifier: Apache-2.0
"""The batch job under real spark-submit: it writes once a run, waits for its catalog, and names what does not fit."""

import json
import os
import re
import signal
import time

import pytest
import stack

JOB_SECONDS = 120


# The one list, where the plugin that writes specifications has it.
NODES = re.findall(r'"(\w+)"', re.search(
    r"kNodes = \{(.*?)\};", (stack.ROOT / "plugins/spark_sql/plan.cc").read_text(), re.DOTALL).group(1))


def make_spec(folder, table, sql, run_id="run-1", **changes):
    spec = {
        "version": 1,
        "run_id": run_id,
        "attempt": 1,
        "table": table,
        "sql": sql,
        "params": [],
        "materialization": "full",
        "result_file": str(folder / "result.json"),
        "deadline_ms": int((time.time() + JOB_SECONDS) * 1000),
    }
    spec.update(changes)
    return spec


def run(folder, production, spec, uri=None):
    confs = stack.mount(uri or production.uri, production.secret)
    process = stack.submit(folder, spec, confs)
    status = process.wait(JOB_SECONDS)
    return status, json.loads((folder / "result.json").read_text())


@pytest.fixture
def table(session, request):
    """A fresh table prod.nyc.<test>, dropped afterwards."""
    name = "prod.nyc." + request.node.name.split("[")[0].removeprefix("test_")[:40]
    session.sql(f"CREATE TABLE {name} (name STRING, total BIGINT) USING iceberg").collect()
    yield name
    session.sql(f"DROP TABLE {name}").collect()


def rows(session, table):
    return sorted(tuple(row) for row in session.sql(f"SELECT name, total FROM {table}").collect())


def test_a_run_writes_once_however_often_it_is_started(tmp_path, production, session, table):
    sql = "SELECT count(*) * :factor AS total, :name AS name FROM range(10)"
    params = [{"name": "factor", "type": "bigint", "value": 2}, {"name": "name", "type": "string", "value": "o'ne; --"}]
    status, first = run(tmp_path, production, make_spec(tmp_path, table, sql, params=params))
    assert (status, first["state"], first["rows"], first["already_written"]) == (0, "SUCCEEDED", 1, False)
    assert first["spark_version"].startswith("4.1.")
    assert rows(session, table) == [("o'ne; --", 20)]

    # The same run again, with other SQL: whatever it would write now, this run has written.
    status, second = run(tmp_path, production, make_spec(tmp_path, table, "SELECT 'x' AS name, 1L AS total", attempt=2))
    assert (status, second["state"], second["already_written"]) == (0, "SUCCEEDED", True)
    assert (second["snapshot_id"], second["rows"], second["attempt"]) == (first["snapshot_id"], 1, 2)
    assert rows(session, table) == [("o'ne; --", 20)]
    history = session.sql(f"SELECT snapshot_id, summary['pretzel.run-id'] FROM {table}.snapshots").collect()
    assert [tuple(row) for row in history] == [(first["snapshot_id"], "run-1")]

    # Another run replaces all rows; no rows at all is a result too, and it is a snapshot with the run's id.
    sql = "SELECT 'x' AS name, 1 AS total WHERE false"
    status, third = run(tmp_path, production, make_spec(tmp_path, table, sql, run_id="run-2"))
    assert (status, third["rows"], third["already_written"]) == (0, 0, False)
    assert third["snapshot_id"] != first["snapshot_id"]
    assert rows(session, table) == []
    assert os.stat(tmp_path / "result.json").st_mode & 0o077 == 0


# In a network of its own a job sees a catalog that is down through a forwarder: as a connection that is reset, not refused.
@pytest.mark.parametrize("walls", [stack.WALLS - {"process"}, stack.WALLS], ids=["direct", "forwarded"])
def test_it_waits_for_a_catalog_that_is_down(walls, tmp_path, session, production, table):
    # A second catalog server over a file of its own: the shared one must stay up for the session that checks.
    own = stack.CatalogServer(tmp_path / "own").start()
    own.request("POST", "/v1/namespaces", {"namespace": ["nyc"], "properties": {}})
    metadata = production.request("GET", f"/v1/namespaces/nyc/tables/{table.split('.')[-1]}")[1]["metadata-location"]
    status, _ = own.request("POST", "/v1/namespaces/nyc/register", {"name": "late", "metadata-location": metadata})
    assert status == 200
    own.stop()
    spec = make_spec(tmp_path, "prod.nyc.late", "SELECT 'late' AS name, 1 AS total")
    process = stack.submit(
        tmp_path, spec, stack.mount(own.uri, own.secret), walls=walls, write=[production.warehouse], connect=[own.port])
    try:
        log = tmp_path / "job.log"
        wait_for(lambda: "trying again" in log.read_text(), process)
        own.start()
        assert process.wait(JOB_SECONDS) == 0
        result = json.loads((tmp_path / "result.json").read_text())
        assert (result["state"], result["rows"]) == ("SUCCEEDED", 1)
    finally:
        stack.end(process)
        own.stop()


def test_it_gives_up_at_the_deadline(tmp_path, production):
    port = stack.free_port()
    spec = make_spec(tmp_path, "prod.nyc.any", "SELECT 1", deadline_ms=int((time.time() + 25) * 1000))
    status, result = run(tmp_path, production, spec, uri=f"http://127.0.0.1:{port}")
    assert (status, result["state"], result["error"]["class"]) == (1, "FAILED", "COREETL_DEADLINE")
    assert production.secret not in json.dumps(result)
    assert production.secret not in (tmp_path / "job.log").read_text()


def wait_for(condition, process):
    limit = time.monotonic() + JOB_SECONDS
    while not condition():
        assert process.poll() is None, "the job ended early"
        assert time.monotonic() < limit, "the job did not come that far"
        time.sleep(0.1)


def test_sigterm_to_its_group_is_a_cancelled_run(tmp_path, production, session, table):
    # A query that takes minutes: the job is in the middle of its write when the signal comes.
    sql = "SELECT 'x' AS name, count(*) AS total FROM range(100000) a, range(100000) b, range(100000) c WHERE a.id + b.id = c.id"
    process = stack.submit(tmp_path, make_spec(tmp_path, table, sql), stack.mount(production.uri, production.secret))
    try:
        wait_for(lambda: "==> writing" in (tmp_path / "job.log").read_text(), process)
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(30) == 143
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    result = json.loads((tmp_path / "result.json").read_text())
    assert (result["state"], result["error"]["class"]) == ("CANCELLED", "COREETL_CANCELLED")
    assert rows(session, table) == []


# (sql, changes of the specification, expected condition, words of the message)
REFUSED = [
    (
        "SELECT 'x' AS name, 'y' AS total, 1 AS extra",
        {},
        "COREETL_SCHEMA_MISMATCH",
        ["column total: expected bigint, found string", "column extra: not in the table"],
    ),
    ("SELECT 1L AS total", {}, "COREETL_SCHEMA_MISMATCH", ["column name: expected string, found no such column"]),
    ("SELECT 'x' AS name, 1 AS total, 2 AS TOTAL", {}, "COREETL_SCHEMA_MISMATCH", ["column TOTAL: the query gives it twice"]),
    ("SELECT nme FROM (SELECT 'x' AS name, 1 AS total)", {}, "UNRESOLVED_COLUMN.WITH_SUGGESTION", ["nme", "name"]),
    ("SELEC 1", {}, "PARSE_SYNTAX_ERROR", ["SELEC"]),
    ("SELECT 'x' AS name, 1/0 AS total", {}, "COREETL_SCHEMA_MISMATCH", ["expected bigint, found double"]),
    ("SELECT 'x' AS name, 1 div 0 AS total", {}, "DIVIDE_BY_ZERO", ["Division by zero"]),
    (
        "SELECT 'x' AS name, 1 AS total",
        {"columns": [{"name": "name", "type": "int", "nullable": True}]},
        "COREETL_TABLE_DRIFT",
        ["column name: declared int, found string", "column total is not declared"],
    ),
    (
        "SELECT 'x' AS name, :n AS total",
        {"params": [{"name": "n", "type": "bigint", "value": "1; DROP"}]},
        "COREETL_PARAMETER",
        ["parameter n: '1; DROP' is not a bigint"],
    ),
    ("SELECT 'x' AS name, :n AS total", {}, "UNBOUND_SQL_PARAMETER", ["n"]),
    # Each runs a program of the query's choice, or reads a file of it: said before it happens.
    *(
        (sql.replace("PROGRAM", "TRANSFORM(1L) USING 'touch {folder}/was-here' AS (a BIGINT)"), {"plan_nodes": NODES},
         "COREETL_PLAN_NODE", ["ScriptTransformation"])
        for sql in (
            "SELECT 'x' AS name, a AS total FROM (SELECT PROGRAM)",
            "SELECT 'x' AS name, (SELECT max(a) FROM (SELECT PROGRAM)) AS total",
            "SELECT 'x' AS name, 1L AS total WHERE EXISTS (SELECT 1 FROM range(2) WHERE id IN (SELECT a FROM (SELECT PROGRAM)))",
            "WITH c AS (SELECT PROGRAM) SELECT 'x' AS name, c.a AS total FROM c CROSS JOIN c AS d",
            "SELECT 'x' AS name, a AS total FROM range(1), LATERAL (SELECT PROGRAM)",
        )
    ),
    ("SELECT value AS name, 1L AS total FROM text.`{folder}/refused-00.json`", {"plan_nodes": NODES}, "COREETL_PLAN_NODE",
     ["LogicalRelation"]),
]

# Queries whose plans have the nodes that ordinary work needs.
ORDINARY = [
    "WITH c AS (SELECT id, id % 3 AS k FROM range(9)) SELECT * FROM c JOIN c AS d USING (id) WHERE id IN (SELECT k FROM c)",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n FROM r",
    "SELECT k, count(DISTINCT v), grouping(k) FROM VALUES (1, 'a'), (2, 'b') AS t(k, v) GROUP BY ROLLUP (k) HAVING count(*) > 0",
    "SELECT * FROM (SELECT 'a' AS k, 1 AS v) PIVOT (sum(v) FOR k IN ('a', 'b'))",
    "SELECT * FROM (SELECT 1 AS a, 2 AS b) UNPIVOT (v FOR k IN (a, b))",
    "SELECT rank() OVER w, x FROM VALUES (1), (2) AS t(x) WINDOW w AS (ORDER BY x) ORDER BY x LIMIT 1 OFFSET 1",
    "SELECT id FROM range(5) EXCEPT SELECT id FROM range(3) INTERSECT ALL SELECT 1L",
    "SELECT e, pos FROM (SELECT array(1, 2) AS a) LATERAL VIEW posexplode(a) AS pos, e",
    "SELECT /*+ BROADCAST(b), REPARTITION(2) */ a.id FROM range(3) a LEFT JOIN range(3) b ON a.id = b.id",
    "SELECT name, (SELECT max(b.id) FROM range(4) b WHERE b.id < a.total) FROM {table} TABLESAMPLE (50 PERCENT) a",
    "SELECT a.id, l.twice FROM range(3) a, LATERAL (SELECT a.id * 2 AS twice) l DISTRIBUTE BY a.id SORT BY a.id",
    "FROM range(3) |> WHERE id > 0 |> AGGREGATE sum(id) AS s",
    "SELECT snapshot_id FROM {table}.snapshots",
    "SELECT name, total FROM {table} VERSION AS OF 'main'",
]

# One JVM runs all of them: the real job's main, once for each specification.
SEVERAL = """
import json, pathlib, sys
sys.path.insert(0, sys.argv[1])
import coreetl
statuses = [coreetl.main(["--spec", str(path)]) for path in sorted(pathlib.Path(sys.argv[2]).glob("refused-*.json"))]
spark = coreetl.Job({"deadline_ms": 0}).start_session()
ordinary = json.loads(pathlib.Path(sys.argv[2], "ordinary.json").read_text())
for sql in ordinary["queries"]:
    coreetl.check_plan(spark.sql(sql), set(ordinary["nodes"]))
sys.exit(0 if set(statuses) == {1} else 3)
"""


def test_what_does_not_fit_is_named(tmp_path, production, session, table):
    assert len(NODES) > 40
    for number, (sql, changes, _, _) in enumerate(REFUSED):
        sql = sql.replace("{folder}", str(tmp_path))
        changes = {**changes, "result_file": str(tmp_path / f"result-{number:02}.json")}
        stack.write_private(tmp_path / f"refused-{number:02}.json", json.dumps(make_spec(tmp_path, table, sql, **changes)))
    (tmp_path / "several.py").write_text(SEVERAL)
    ordinary = {"nodes": NODES, "queries": [sql.replace("{table}", table) for sql in ORDINARY]}
    (tmp_path / "ordinary.json").write_text(json.dumps(ordinary))
    session.sql(f"INSERT INTO {table} VALUES ('there', 1)").collect()
    confs = {**stack.mount(production.uri, production.secret), "spark.sql.runSQLOnFiles": "true"}
    process = stack.submit(tmp_path, None, confs, program=[tmp_path / "several.py", stack.ROOT / "spark", tmp_path])
    assert process.wait(JOB_SECONDS) == 0, (tmp_path / "job.log").read_text()
    for number, (sql, _, condition, words) in enumerate(REFUSED):
        result = json.loads((tmp_path / f"result-{number:02}.json").read_text())
        assert (sql, result["state"], result["error"]["class"]) == (sql, "FAILED", condition)
        for word in words:
            assert word in result["error"]["message"]
        assert "\tat " not in result["error"]["message"]
    assert rows(session, table) == [("there", 1)]
    assert not (tmp_path / "was-here").exists()


def test_every_parameter_type_keeps_its_type(tmp_path, production, session):
    given = {
        "tinyint": 1, "smallint": -2, "int": 3, "bigint": 4, "float": 1.5, "double": -2.5, "decimal(10,2)": "12.50",
        "boolean": "true", "string": "é'\"\\", "date": "2013-01-31", "timestamp": "2013-01-31T05:06:07Z",
        "timestamp_ntz": "2013-01-31 05:06:07",
    }
    params = [{"name": f"p{i}", "type": kind, "value": value} for i, (kind, value) in enumerate(given.items())]
    columns = ", ".join(f"concat_ws(' ', typeof(:p{i}), string(:p{i})) AS c{i}" for i in range(len(params)))
    definition = ", ".join(f"c{i} STRING" for i in range(len(params)))
    session.sql(f"CREATE TABLE prod.nyc.types ({definition}) USING iceberg").collect()
    try:
        spec = make_spec(tmp_path, "prod.nyc.types", f"SELECT {columns}", params=params)
        confs = {"spark.sql.session.timeZone": "UTC"}
        process = stack.submit(tmp_path, spec, {**stack.mount(production.uri, production.secret), **confs})
        assert process.wait(JOB_SECONDS) == 0, (tmp_path / "job.log").read_text()
        assert list(session.sql("SELECT * FROM prod.nyc.types").collect()[0]) == [
            "tinyint 1", "smallint -2", "int 3", "bigint 4", "float 1.5", "double -2.5", "decimal(4,2) 12.50",
            "boolean true", "string é'\"\\", "date 2013-01-31", "timestamp 2013-01-31 05:06:07",
            "timestamp_ntz 2013-01-31 05:06:07",
        ]
    finally:
        session.sql("DROP TABLE prod.nyc.types").collect()
