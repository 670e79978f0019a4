# SPDX-License-Identifier: Apache-2.0
"""A query is checked by Spark Connect and by a batch job: both say the same, word for word, and neither writes.

Both backends are driven without a daemon (PRETZEL_BUILD names the build folder). The batch job's own program is run once in
one JVM, one specification after another; everything else is what a job of its own would have.
"""

import base64
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import stack
from front import TOKEN
from spark_connect_plugin_test import EMOJI, HOSTILE, Backend

pytestmark = pytest.mark.spark

PROGRAM = stack.ROOT / os.environ.get("PRETZEL_BUILD", "build/release") / "bin" / "spark_runner_call"
JOB_SECONDS = 300
SOURCE = {"file": "plane.yaml", "line": 12, "firstLineOffset": 4, "lineOffset": 4, "exact": True}
WIDE = [("s", "string", f"it's {EMOJI} and {EMOJI}"), ("t", "string", EMOJI * 20)]

# (sql, parameters): what Spark accepts, with each type a column may have.
GOOD = [
    ("SELECT tailnum, count(*) AS n, max(cost) AS cost, first(parts) AS parts\nFROM prod.nyc.plane GROUP BY tailnum", []),
    ("WITH p AS (SELECT 1 AS a), q AS (SELECT * FROM p) SELECT a AS b FROM q", []),
    ("SELECT 1 AS a UNION ALL SELECT 2", []),
    ("SELECT array(1, null) AS a, map('k', named_struct('x', 1, 'b c', 'y')) AS m, interval '1' day AS i,"
     " interval '1-2' year to month AS y, timestamp_ntz'2013-01-01 00:00:00' AS n, null AS v, x'00' AS b,"
     " parse_json('1') AS j, 'a' COLLATE UNICODE AS c, time'12:34:56' AS t, cast('a' AS char(3)) AS ch", []),
    ("SELECT row_number() OVER (PARTITION BY tailnum ORDER BY a.built) AS r FROM prod.nyc.plane a"
     " JOIN prod.nyc.plane b USING (tailnum)", []),
    ("VALUES (1, 'a'), (2, 'b') AS t(x, y)", []),
    ("SELECT :s AS s, :i AS i, :l AS l, :d AS d, :c AS c, :b AS b, :t AS t, :z AS z, :n AS n, :m AS m, :e AS e", [
        ("s", "string", "it's ${x}; DROP TABLE y"), ("i", "int", "-5"), ("l", "bigint", "6"), ("d", "double", "1.5"),
        ("c", "decimal(9,2)", "1.5"), ("b", "boolean", "TRUE"), ("t", "date", "2013-01-31"),
        ("z", "timestamp", "2013-01-31 10:00:00.25"), ("n", "int", None), ("m", "decimal(7,3)", None),
        ("e", "decimal(38,10)", "-12345678901234567890.0000000001")]),
    ("SELECT tailnum FROM prod.nyc.plane WHERE built > :since", [("since", "date", "2001-01-01"), ("not_used", "int", "1")]),
]

REFUSED = [
    (f"SELECT '{EMOJI}' AS e, seets AS x FROM prod.nyc.plane", []),
    ("SELECT 1,\n  FROM prod.nyc.plane WHERE AND", []),
    ("SELECT 1 +\n;\n-- end \\", []),
    (f"SELECT '{EMOJI}' x y z", []),
    ("SELECT *\nFROM prod.nyc.plnae", []),
    ("SELECT *\nFROM nyc.plame", []),
    ("SELECT *\nFROM prod.nycc.plane", []),
    ("SELECT *\nFROM prd.nyc.plane", []),
    ("SELECT *\nFROM prod.nyc.zebra", []),
    ("SELECT *\nFROM prod.nowhere.zebra", []),
    ("SELECT *\nFROM plane_of_nobody", []),
    ("SELECT no_such(seats) FROM prod.nyc.plane", []),
    ("SELECT seats + parts FROM prod.nyc.plane", []),
    ("SELECT seats FROM prod.nyc.plane a, prod.nyc.plane b", []),
    ("SELECT tailnum, sum(seats) FROM prod.nyc.plane", []),
    ("SELECT (SELECT seats, cost FROM prod.nyc.plane) AS x", []),
    ("SELECT cast(seats AS nothing) FROM prod.nyc.plane", []),
    ("SELECT 1 AS a UNION SELECT 1, 2", []),
    ("SELECT * FROM prod.nyc.plane LIMIT seats", []),
    ("SELECT explode(parts), explode(parts) FROM prod.nyc.plane", []),
    ("SELECT a.b.c FROM prod.nyc.plane", []),
    ("SELECT sum(count(*)) FROM prod.nyc.plane", []),
    ("SELECT lag(seats) FROM prod.nyc.plane", []),
    ("SELECT DATE '2013-13-01'", []),
    ("SELECT * EXCEPT (nothing) FROM prod.nyc.plane", []),
    ("SELECT tailnum FROM prod.nyc.plane ORDER BY 7", []),
    ("SELECT :s AS s, seets FROM prod.nyc.plane", [("s", "string", "a rather long text, it's true")]),
    ("SELECT :s AS s x y", [("s", "string", "a rather long text, it's true")]),
    ("SELECT :s AS s, seets FROM prod.nyc.plane", WIDE[:1]),
    ("SELECT seets, :s AS s FROM prod.nyc.plane", WIDE[:1]),
    ("SELECT :s AS s x y", WIDE[:1]),
    (f"SELECT '{EMOJI}' AS e, :t AS t,\n  :s AS s, :t AS u, seets FROM prod.nyc.plane", WIDE),
    ("SELECT :seats", [("seats", "int", "one")]),
    ("SELECT :seets", [("seats", "int", "1")]),
    ("SELECT seats + :x FROM prod.nyc.plane", [("x", "date", "2013-01-01")]),
]

CASES = [(sql, params, "EXPLAIN") for sql, params in GOOD + REFUSED] + [(sql, [], "EXPLAIN") for sql in HOSTILE]
CASES += [(sql, params, "SCHEMA") for sql, params in (*GOOD[:2], *REFUSED[:2])]

# One JVM runs the real job's main for each specification.
SEVERAL = """
import json, sys
sys.path.insert(0, sys.argv[1])
import coreetl
for line in open(sys.argv[2]):
    spec, mode = json.loads(line)
    print(coreetl.main(["--spec", spec, "--mode", mode]), file=open(spec + ".status", "w"))
"""


class Runner:
    """The plugin's two methods, and the host's part between them."""

    def __init__(self, folder, uri):
        self.folder, self.uri = folder, uri
        config = {"mode": "local", "sparkHome": str(stack.SPARK_HOME), "python": str(stack.PYTHON),
                  "jars": [str(stack.iceberg_jar())], "coreetl": str(stack.ROOT / "spark" / "coreetl.py"),
                  "conf": {"spark.driver.extraJavaOptions": "-XX:+UseSerialGC", "spark.sql.shuffle.partitions": 4}}
        self.config = stack.write_private(folder / "config.json", json.dumps(config))

    def call(self, method, requests):
        lines = "".join(json.dumps({"method": method, "request": request}) + "\n" for request in requests)
        answer = subprocess.run([PROGRAM, self.config], input=lines, capture_output=True, text=True, check=True, timeout=60)
        return [json.loads(line) for line in answer.stdout.splitlines()]

    def request(self, number, sql, params, mode, uri=None):
        folder = self.folder / f"job-{number}"
        mount = {"name": "prod", "uri": uri or self.uri, "token": TOKEN, "mode": "ro"}
        return {"sql": sql, "mode": mode, "mounts": [mount], "source": SOURCE,
                "context": {"catalog": "prod", "runId": f"r{number}"},
                "params": [{"name": p[0], "type": p[1], "value": p[2]} for p in params],
                "lease": {"id": str(number), "kind": "cold", "directory": str(folder)}}

    def prepare(self, process, folder):
        folder.mkdir(mode=0o700)
        for file in process["files"]:
            stack.write_private(folder / file["path"], base64.b64decode(file["content"]).decode())

    def run(self, argv, env, folder):
        with open(folder / "output", "ab") as log:
            process = subprocess.Popen(argv, env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True)
        try:
            assert process.wait(JOB_SECONDS) is not None
        finally:
            stack.end(process)
        return process.returncode

    def check(self, cases):
        """The answers to (sql, params, mode), all in one JVM; also of texts that are given to Spark as they are."""
        requests = [self.request(number, *case) for number, case in enumerate(cases)]
        answers = self.call("Analyze", requests)
        jobs = [number for number, answer in enumerate(answers) if "process" in answer.get("response", {})]
        specs = []
        for number in jobs:
            process = answers[number]["response"]["process"]
            self.prepare(process, self.folder / f"job-{number}")
            specs.append([process["argv"][process["argv"].index("--spec") + 1], process["argv"][-1]])
        first = answers[jobs[0]]["response"]["process"]
        (self.folder / "specs.jsonl").write_text("".join(json.dumps(spec) + "\n" for spec in specs))
        (self.folder / "several.py").write_text(SEVERAL)
        argv = first["argv"][:first["argv"].index("--spec")]
        argv[-1:] = [str(self.folder / "several.py"), str(stack.ROOT / "spark"), str(self.folder / "specs.jsonl")]
        assert self.run(argv, first["env"], self.folder / f"job-{jobs[0]}") == 0
        states = []
        for number in jobs:
            folder = self.folder / f"job-{number}"
            result = (folder / "result.json").read_bytes()
            assert os.stat(folder / "result.json").st_mode & 0o077 == 0
            assert TOKEN.encode() not in result
            status = int(Path(specs[jobs.index(number)][0] + ".status").read_text())
            states.append({"phase": "EXITED", "exitCode": status, "result": base64.b64encode(result).decode()})
        without = [{key: value for key, value in requests[number].items() if key != "mounts"} for number in jobs]
        interpreted = self.call("Interpret", [{"request": request, "process": state, "context": request["context"]}
                                              for request, state in zip(without, states)])
        for number, answer in zip(jobs, interpreted):
            answers[number] = answer
        return answers


@pytest.fixture(scope="module")
def asked(connect, front, production, tmp_path_factory):
    """{case: (what Spark Connect says, what a batch job says)}, and whether anything changed meanwhile."""
    assert PROGRAM.exists(), f"build spark_runner_call first; looked for {PROGRAM}"
    before = production.listing()
    backend = Backend(tmp_path_factory.mktemp("connect"), connect.port, connect.token, front)
    theirs = [backend.ask(sql, params, mode, source=SOURCE) for sql, params, mode in CASES]
    backend.stop()
    front.seen.clear()
    ours = Runner(tmp_path_factory.mktemp("batch"), front.uri).check(CASES)
    return {"pairs": list(zip(CASES, theirs, ours)), "same": production.listing() == before, "seen": list(front.seen)}


def plain(value):
    """Without empty fields (protobuf's JSON leaves them out, ours does not) and the numbers that a session gives to columns."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items() if each not in ("", 0, None, False, [], {})}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return re.sub(r"#[0-9]+L?", "#n", value) if isinstance(value, str) else value


def test_there_is_enough_to_compare():
    assert len(HOSTILE) >= 25 and len(REFUSED) >= 30


def test_both_find_the_same(asked):
    different = []
    for (sql, params, mode), theirs, ours in asked["pairs"]:
        left, right = theirs.get("response", theirs), ours.get("response", ours)
        for key in ("valid", "findings", "inputs", "columns", "engine", "engineVersion", "error"):
            if key in ("engine", "engineVersion") and not left.get("engine"):
                continue
            if plain(left.get(key)) != plain(right.get(key)) and (left.get(key) or right.get(key)):
                sides = {"connect": {key: left.get(key)}, "batch": {key: right.get(key)}}
                different.append(json.dumps({"sql": sql, "params": params, **sides}))
    assert different == [], "\n".join(different)


def test_what_is_good_has_columns_and_a_plan(asked):
    for (sql, _, mode), _, ours in asked["pairs"]:
        if sql in [good for good, _ in GOOD]:
            assert ours["response"]["valid"] is True and ours["response"]["columns"], (sql, ours)
            assert ("== Analyzed Logical Plan ==" in ours["response"].get("plan", "")) == (mode == "EXPLAIN")


def test_nothing_was_written(asked):
    assert asked["same"]
    assert [line for line in asked["seen"] if not line.startswith(("GET", "HEAD"))] == []


def test_limit0_executes_for_no_rows_and_a_job_of_its_own_ends(front, tmp_path):
    """One whole process as the host would launch it: what the plugin describes is enough."""
    runner = Runner(tmp_path, front.uri)
    request = runner.request(1, "SELECT tailnum, seats / 2 AS half FROM prod.nyc.plane", [], "LIMIT0")
    process = runner.call("Analyze", [request])[0]["response"]["process"]
    runner.prepare(process, tmp_path / "job-1")
    assert runner.run(process["argv"], process["env"], tmp_path / "job-1") == 0, (tmp_path / "job-1" / "output").read_text()
    result = json.loads((tmp_path / "job-1" / "result.json").read_text())
    assert result["state"] == "SUCCEEDED", result
    assert result["ms"]["execute"] >= 0 and [column["name"] for column in result["columns"]] == ["tailnum", "half"]
    assert TOKEN not in (tmp_path / "job-1" / "output").read_text()


def test_spark_refuses_statements_that_were_not_screened(front, production, tmp_path):
    """The wrapper alone, in a batch session: nothing but a query parses there."""
    before = production.listing()
    runner = Runner(tmp_path, front.uri)
    specs = []
    for number, sql in enumerate([s for s in HOSTILE[:24] if ";" not in s]):
        process = runner.call("Analyze", [runner.request(number, "SELECT 1", [], "EXPLAIN")])[0]["response"]["process"]
        runner.prepare(process, tmp_path / f"job-{number}")
        path = tmp_path / f"job-{number}" / "spec.json"
        stack.write_private(path, json.dumps({**json.loads(path.read_text()), "sql": f"SELECT * FROM (\n{sql}\n)"}))
        specs.append((sql, path))
    (tmp_path / "specs.jsonl").write_text("".join(json.dumps([str(path), "limit0"]) + "\n" for _, path in specs))
    (tmp_path / "several.py").write_text(SEVERAL)
    argv = process["argv"][:process["argv"].index("--spec")]
    argv[-1:] = [str(tmp_path / "several.py"), str(stack.ROOT / "spark"), str(tmp_path / "specs.jsonl")]
    assert runner.run(argv, process["env"], tmp_path) == 0, (tmp_path / "output").read_text()[-3000:]
    for sql, path in specs:
        result = json.loads(path.with_name("result.json").read_text())
        assert (result["state"], result["error"]["class"]) == ("REFUSED", "PARSE_SYNTAX_ERROR"), (sql, result)
    assert production.listing() == before
