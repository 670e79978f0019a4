# SPDX-License-Identifier: Apache-2.0
#
# `pretzel derived-dataset test` of an example, warm, against a cold spark-sql and against the stock PySpark client
"""Everything is measured against the same running stack, interleaved. The manifest's SQL joins and aggregates the flights of 2013;
`pretzel` is timed as a whole process, from exec to exit; PySpark is timed inside a process that is warm already."""

import json
import os

from _common import ROOT, connect_session, p50, pretzel, report, seconds, spark_sql
from pyspark.sql.connect.dataframe import DataFrame
from pyspark.sql.connect.plan import SQL

MANIFEST = ROOT / "examples" / "flights" / "daily_carrier_delays.yaml"
WARM_UP = 8
ROUNDS = 30
FRESH_ROUNDS = 12
COLD_ROUNDS = 3


def manifest_sql():
    """The text of `sql: |`, by indentation; enough for this one file."""
    lines = MANIFEST.read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip() == "sql: |")
    body = []
    for line in lines[start + 1:]:
        if line.strip() and not line.startswith("    "):
            break
        body.append(line[4:])
    return "\n".join(body)


def analyse(spark, sql):
    """The two calls that the plugin makes: AnalyzePlan Schema, and Explain extended, of the wrapped text. No SqlCommand."""
    frame = DataFrame(SQL(f"SELECT * FROM (\n{sql}\n)"), spark)
    frame.schema
    frame._explain_string(extended=True)


def main():
    sql = manifest_sql()
    name = f"bench-{os.getpid()}"
    pretzel("playground", "create", name, "--ttl", "1h")
    access = json.loads(pretzel("playground", "connect", name, "-o", "json").stdout)
    test = ["derived-dataset", "test", MANIFEST, "-p", name]
    spark = connect_session(access)
    for _ in range(WARM_UP):
        pretzel(*test)
        analyse(spark, sql)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(seconds(lambda: pretzel(*test)))
        theirs.append(seconds(lambda: analyse(spark, sql)))
    cold = [seconds(lambda: spark_sql(access, f"EXPLAIN EXTENDED {sql}")) for _ in range(COLD_ROUNDS)]
    report("test_warm_p50", p50(ours), "s", aim=1.5)
    report("cold_spark_sql_over_test", p50(cold), "s", baseline=p50(ours), aim=10, at_most=False)
    report("test_over_pyspark_reused_session", p50(ours), "s", baseline=p50(theirs), aim=1.5)

    fresh_ours, fresh_theirs, playgrounds = [], [], []
    for index in range(FRESH_ROUNDS):
        # A playground nobody has tested in has no session yet.
        playgrounds.append(f"{name}-{index}")
        pretzel("playground", "create", playgrounds[-1], "--ttl", "1h")
        fresh_ours.append(seconds(lambda: pretzel("derived-dataset", "test", MANIFEST, "-p", playgrounds[-1])))
        own = json.loads(pretzel("playground", "connect", playgrounds[-1], "-o", "json").stdout)

        def fresh():
            other = connect_session(own)
            analyse(other, sql)

        fresh_theirs.append(seconds(fresh))
    report("test_over_pyspark_fresh_session", p50(fresh_ours), "s", baseline=p50(fresh_theirs), aim=1.5)
    for each in [name, *playgrounds]:
        pretzel("playground", "delete", each, "--yes", "--no-wait", check=False)


main()
