# SPDX-License-Identifier: Apache-2.0
#
# spark_connect's analysis against stock PySpark making the same two calls, on reused and on fresh sessions
"""Starts one real catalog with two tables and one Spark Connect server, and asks both clients the same question in turn:
the schema and the extended plan of the wrapped query, as a relation (PySpark's spark.sql() would send a command first).

PRETZEL_BUILD names the build folder whose bin/spark_connect_analyze is measured (default: build/release).
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "spark"))
import front as fronts  # noqa: E402
import stack  # noqa: E402

for name in [name for name in os.environ if name.startswith(("SPARK_", "PYSPARK_"))]:
    del os.environ[name]

PROGRAM = stack.ROOT / os.environ.get("PRETZEL_BUILD", "build/release") / "bin" / "spark_connect_analyze"
WARM_UP = 15
ROUNDS = int(os.environ.get("DCP_BENCH_ROUNDS", "40"))
AIM = 1.5
# Fewer than rounds, so that the fresh sessions pay for giving up old ones, as they do in service.
SESSIONS = 8
SQL = """SELECT p.tailnum, f.carrier, count(*) AS n, sum(f.delay) AS delay, max(p.seats) AS seats
FROM prod.nyc.flights f JOIN prod.nyc.planes p ON f.tailnum = p.tailnum
WHERE f.day >= DATE '2013-01-31' GROUP BY p.tailnum, f.carrier"""
WRAPPED = f"SELECT * FROM (\n{SQL}\n)"


def session_confs(uri):
    """What the plugin sets in a session."""
    return {
        **stack.mount(uri, fronts.TOKEN, header="x-pretzel-token"),
        "spark.sql.catalog.prod.rest-metrics-reporting-enabled": "false",
        "spark.sql.catalog.prod.io-impl": "org.apache.iceberg.hadoop.HadoopFileIO",
        "spark.sql.defaultCatalog": "prod",
        "spark.sql.debug.maxToStringFields": "100000",
        "spark.sql.maxMetadataStringLength": "10000",
        "spark.sql.runSQLOnFiles": "false",
        "spark.sql.scripting.enabled": "false",
        "spark.sql.variable.substitute": "false",
    }


class Pretzel:
    def __init__(self, folder, connect, uri):
        config = stack.write_private(folder / "analyze.json", json.dumps(
            {"endpoint": f"127.0.0.1:{connect.port}", "token": connect.token, "sessionsMax": SESSIONS}))
        self.uri = uri
        self.process = subprocess.Popen([PROGRAM, config, "lines"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, key):
        """Milliseconds, the pipes to the program and JSON included."""
        mount = {"name": "prod", "uri": self.uri, "token": fronts.TOKEN, "mode": "ro", "sessionKey": key,
                 "expiresAtMs": str(int((time.time() + 3600) * 1000))}
        line = json.dumps({"sql": SQL, "mode": "EXPLAIN", "mounts": [mount], "context": {"catalog": "prod"}}).encode() + b"\n"
        started = time.perf_counter()
        self.process.stdin.write(line)
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        spent = time.perf_counter() - started
        assert answer["response"]["valid"] and len(answer["response"]["columns"]) == 5, answer
        self.last = answer["response"]
        return spent * 1000

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)


def open_pyspark(connect, confs):
    from pyspark.sql.connect.session import SparkSession

    return SparkSession.Builder().remote(connect.url()).config(map=confs).create()


def ask_pyspark(session):
    from pyspark.sql.connect.dataframe import DataFrame
    from pyspark.sql.connect.plan import SQL as SqlRelation

    frame = DataFrame(SqlRelation(WRAPPED), session)
    assert len(frame.schema.fields) == 5
    assert "Analyzed Logical Plan" in frame._explain_string(extended=True)


def timed(function, *arguments):
    started = time.perf_counter()
    result = function(*arguments)
    return (time.perf_counter() - started) * 1000, result


def interleaved(ours, theirs, rounds):
    """Both in turn, and each as often first: p50 of each in milliseconds."""
    mine, other = [], []
    for number in range(rounds):
        for is_mine in ((True, False) if number % 2 else (False, True)):
            (mine if is_mine else other).append(ours() if is_mine else theirs())
    return statistics.median(mine), statistics.median(other)


def report(name, value, baseline):
    ratio = value / baseline
    print(json.dumps({"name": name, "value": round(value, 1), "unit": "ms", "baseline": round(baseline, 1),
                      "ratio": round(ratio, 2), "aim": AIM, "met": ratio <= AIM}), flush=True)


def measure(pretzel, connect, confs):
    session = open_pyspark(connect, confs)

    def reused_ours():
        spent = pretzel.ask("reused")
        return spent

    def reused_theirs():
        return timed(ask_pyspark, session)[0]

    def fresh_ours():
        spent = pretzel.ask(f"fresh-{time.monotonic_ns()}")
        assert not pretzel.last.get("sessionReused", False)
        return spent

    def fresh_theirs():
        def whole():
            fresh = open_pyspark(connect, confs)
            ask_pyspark(fresh)
            return fresh

        spent, fresh = timed(whole)
        fresh.stop()
        return spent

    interleaved(reused_ours, reused_theirs, WARM_UP)
    report("connect_reused_p50", *interleaved(reused_ours, reused_theirs, ROUNDS))
    assert pretzel.last["sessionReused"]
    interleaved(fresh_ours, fresh_theirs, WARM_UP // 3)
    report("connect_fresh_p50", *interleaved(fresh_ours, fresh_theirs, ROUNDS))
    session.stop()


def load(connect, catalog):
    session = connect.session(stack.mount(catalog.uri, catalog.secret))
    session.sql("CREATE TABLE prod.nyc.planes (tailnum STRING NOT NULL, seats INT, engine STRING, built DATE) USING iceberg"
                ).collect()
    session.sql("CREATE TABLE prod.nyc.flights (tailnum STRING, carrier STRING, day DATE, delay INT, origin STRING, dest STRING)"
                " USING iceberg PARTITIONED BY (month(day))").collect()
    session.sql("INSERT INTO prod.nyc.planes VALUES ('N1', 100, 'jet', DATE '2000-01-01')").collect()
    session.sql("INSERT INTO prod.nyc.flights VALUES ('N1', 'UA', DATE '2013-02-01', 3, 'EWR', 'IAH')").collect()
    session.stop()


def main():
    if not PROGRAM.exists():
        sys.exit(f"connect_latency: build spark_connect_analyze first; {PROGRAM} is not there")
    with contextlib.ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="connect-latency-")))
        catalog = stack.CatalogServer(folder / "catalog").start()
        cleanup.callback(catalog.stop)
        catalog.request("POST", "/v1/namespaces", {"namespace": ["nyc"], "properties": {}})
        connect = stack.ConnectServer(folder / "connect").start()
        cleanup.callback(connect.stop)
        load(connect, catalog)
        program = subprocess.Popen([sys.executable, fronts.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        cleanup.callback(program.wait)
        cleanup.callback(program.stdin.close)
        program.stdin.write(json.dumps({"port": catalog.port, "secret": catalog.secret}) + "\n")
        program.stdin.flush()
        uri = program.stdout.readline().strip()
        pretzel = Pretzel(folder, connect, uri)
        cleanup.callback(pretzel.stop)
        measure(pretzel, connect, session_confs(uri))


if __name__ == "__main__":
    main()
