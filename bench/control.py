# SPDX-License-Identifier: Apache-2.0
#
# what the daemon itself answers: `playground create`, `apply`, `run` acknowledged; beside it the same CREATE TABLE by Spark
"""Each figure is the 95th percentile of whole `pretzel` processes, from exec to exit. `apply` declares its columns, so no engine is
asked; its peer is the CREATE TABLE that a person would send for it, through a cold `spark-sql` and through a session that is warm.
Runs are cancelled once they are acknowledged: what is measured is the promise, not the job."""

import json
import os
import tempfile
from pathlib import Path

from _common import p50, p95, pretzel, report, seconds, spark_sql, connect_session

CREATES = 60
APPLIES = 40
RUNS = 20
WARM_UP = 3
COLD_ROUNDS = 3

MANIFEST = """\
apiVersion: dcp/v1
kind: DerivedDataset
metadata: {{name: {table}, namespace: bench}}
spec:
  sql: SELECT carrier, name FROM prod.nyc.airlines
  schema:
    columns:
      - {{name: carrier, type: string}}
      - {{name: name, type: string}}
"""
CREATE_TABLE = "CREATE TABLE prod.bench.{table} (carrier string, name string) USING iceberg"


class Bench:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.name = f"control-{os.getpid()}"
        self.playgrounds = []

    def create(self):
        self.playgrounds.append(f"{self.name}-{len(self.playgrounds)}")
        pretzel("playground", "create", self.playgrounds[-1], "--ttl", "1h")

    def manifest(self, table):
        path = self.folder / f"{table}.yaml"
        path.write_text(MANIFEST.format(table=table))
        return path

    def apply(self, table):
        path = self.manifest(table)
        return seconds(lambda: pretzel("derived-dataset", "apply", path, "-p", self.playgrounds[0]))

    def run(self, table):
        path = self.folder / f"{table}.yaml"
        answers = []
        took = seconds(lambda: answers.append(pretzel("derived-dataset", "run", path, "-p", self.playgrounds[0], "-o", "json")))
        pretzel("run", "cancel", json.loads(answers[0].stdout)["runId"])
        return took

    def measure(self):
        for _ in range(WARM_UP):
            self.create()
        report("playground_create_p95", p95([seconds(self.create) for _ in range(CREATES)]), "s", aim=0.050)

        access = json.loads(pretzel("playground", "connect", self.playgrounds[0], "--write", "-o", "json").stdout)
        warm = connect_session(access)
        for index in range(WARM_UP):
            self.apply(f"warm_up_{index}")
            warm.sql(CREATE_TABLE.format(table=f"warm_up_sql_{index}")).collect()
        ours, theirs = [], []
        for index in range(APPLIES):
            ours.append(self.apply(f"declared_{index}"))
            theirs.append(seconds(lambda: warm.sql(CREATE_TABLE.format(table=f"by_session_{index}")).collect()))
        cold = [seconds(lambda: spark_sql(access, CREATE_TABLE.format(table=f"by_spark_sql_{index}"))) for index in range(COLD_ROUNDS)]
        report("apply_p95", p95(ours), "s", aim=0.500)
        report("cold_spark_sql_create_table_over_apply", p50(cold), "s", baseline=p50(ours))
        report("apply_over_warm_session_create_table", p50(ours), "s", baseline=p50(theirs))

        for index in range(WARM_UP):
            self.run(f"declared_{index}")
        report("run_acknowledged_p95", p95([self.run(f"declared_{WARM_UP + index}") for index in range(RUNS)]), "s", aim=0.300)

    def clean(self):
        for each in self.playgrounds:
            pretzel("playground", "delete", each, "--yes", "--no-wait", check=False)


with tempfile.TemporaryDirectory() as made:
    bench = Bench(made)
    try:
        bench.measure()
    finally:
        bench.clean()
