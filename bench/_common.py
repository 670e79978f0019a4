# SPDX-License-Identifier: Apache-2.0
"""What the benches share: the running stack, and one JSON line a figure."""

import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PRETZEL = Path(os.environ["PRETZEL_BIN"]) / "pretzel"


def pretzel(*arguments, check=True):
    answer = subprocess.run([PRETZEL, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT, timeout=300)
    if check and answer.returncode != 0:
        raise SystemExit(f"pretzel {' '.join(map(str, arguments))}: {answer.returncode}\n{answer.stdout}{answer.stderr}")
    return answer


def seconds(action):
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def p50(values):
    return statistics.median(values)


def p95(values):
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def report(name, value, unit, baseline=None, aim=None, at_most=True, ratio=None):
    """`aim` bounds the ratio when there is a baseline, else the value. A missed aim is reported, no more."""
    if baseline is not None and ratio is None:
        ratio = value / baseline
    judged = value if ratio is None else ratio
    met = None if aim is None else (judged <= aim if at_most else judged >= aim)
    line = {"name": name, "value": round(value, 4), "unit": unit,
            "baseline": None if baseline is None else round(baseline, 4),
            "ratio": None if ratio is None else round(ratio, 3), "aim": aim, "met": met}
    print(json.dumps(line), flush=True)


def service(name):
    services = json.loads(pretzel("status", "-o", "json").stdout)["services"]
    return next(each["endpoint"] for each in services if each["name"] == name)


def secret(name):
    return (Path(os.environ["PRETZEL_STATE"]) / "secrets" / name).read_text().strip()


def mount(access, name="prod"):
    prefix = f"spark.sql.catalog.{name}"
    return {prefix: "org.apache.iceberg.spark.SparkCatalog", f"{prefix}.type": "rest", f"{prefix}.uri": access["uri"],
            f"{prefix}.rest.auth.type": "none", f"{prefix}.header.x-pretzel-token": access["token"],
            f"{prefix}.cache-enabled": "false", f"{prefix}.rest-metrics-reporting-enabled": "false"}


def connect_session(access):
    """A session of stock PySpark on the shared test server, with the playground mounted."""
    from pyspark.sql.connect.session import SparkSession

    # By name: PySpark sends a token without TLS to "localhost" alone.
    endpoint = service("spark-connect").replace("127.0.0.1", "localhost")
    made = SparkSession.builder.remote(f"sc://{endpoint}/;token={secret('spark-connect')};user_id=bench").create()
    for key, value in mount(access).items():
        made.conf.set(key, value)
    return made


def spark_sql(access, statement):
    """One statement through a `spark-sql` that starts for it, with the playground mounted."""
    home = Path(os.environ["PRETZEL_SPARK_HOME"])
    with tempfile.TemporaryDirectory() as folder:
        properties = Path(folder) / "spark.properties"
        confs = {**mount(access), "spark.master": "local[2]", "spark.ui.enabled": "false",
                 "spark.driver.extraClassPath": os.environ["PRETZEL_ICEBERG_JAR"],
                 "spark.sql.catalogImplementation": "in-memory", "spark.driver.host": "127.0.0.1"}
        properties.touch(mode=0o600)
        properties.write_text("".join(f"{key} {value}\n" for key, value in confs.items()))
        subprocess.run([home / "bin" / "spark-sql", "--properties-file", properties, "-e", statement],
                       check=True, capture_output=True, cwd=folder, timeout=300)
