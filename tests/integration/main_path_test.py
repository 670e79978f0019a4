# SPDX-License-Identifier: Apache-2.0
"""The main job: create, apply, test, run, inspect, on real Spark and real Iceberg, for every example a person would write."""

import datetime
import decimal
import json
from pathlib import Path

import pytest
import yaml_lite
from daemon import ROOT

FLIGHTS = ROOT / "examples" / "flights"


def examples():
    return sorted(FLIGHTS.glob("*.yaml"))


def plain(value):
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    return value


def rows_of(table):
    data = table.scan().to_arrow().to_pylist()
    return sorted(json.dumps([plain(value) for value in row.values()]) for row in data)


@pytest.fixture(scope="module")
def ran(stack):
    """A playground in which every example was applied, tested and run."""
    name = "main-path"
    stack.cli("playground", "create", name, "--ttl", "1h")
    before = stack.listing("production-catalog")
    apply = stack.json("derived-dataset", "apply", *examples())
    applied = stack.listing()
    test = stack.json("derived-dataset", "test", *examples())
    tested = stack.listing()
    run = stack.json("derived-dataset", "run", *examples(), "--wait")
    after = stack.listing("production-catalog")
    yield {"name": name, "apply": apply, "test": test, "run": run, "before": before, "applied": applied,
           "tested": tested, "after": after}
    stack.cli("playground", "delete", name, "--yes", "--wait")


def test_there_are_enough_examples():
    assert len(examples()) >= 4
    text = "".join(path.read_text() + "".join(sql.read_text() for sql in FLIGHTS.glob("**/*.sql")) for path in examples())
    assert "JOIN" in text.upper() and "OVER (" in text.upper() and "GROUP BY" in text.upper()


def test_apply_creates_every_table_and_is_idempotent(stack, ran):
    assert {dataset["status"] for dataset in ran["apply"]["datasets"]} == {"CREATED"}
    again = stack.json("derived-dataset", "apply", *examples())
    assert {dataset["status"] for dataset in again["datasets"]} == {"UNCHANGED"}
    assert ran["name"] in json.dumps(stack.json("playground", "list"))


def test_test_passes_and_writes_nothing(ran):
    assert ran["test"]["status"] == "PASSED", json.dumps(ran["test"])[:3000]
    assert ran["applied"] == ran["tested"]
    for dataset in ran["test"]["datasets"]:
        assert dataset["columns"]
    receipt = ran["test"]["receipt"]
    assert (receipt["creates"], receipt["commits"], receipt["drops"]) == (0, 0, 0)
    assert receipt["loads"] > 0


def test_run_leaves_production_alone(ran):
    assert ran["run"]["status"] == "SUCCEEDED", json.dumps(ran["run"])[:3000]
    assert ran["before"] == ran["after"]


@pytest.fixture(scope="module")
def computed(stack):
    """What plain PySpark finds over production with each example's SQL, by the example's file."""
    queries = {}
    for manifest in examples():
        sql = yaml_lite.bound_sql(manifest)
        # One example reads another's output, which production does not have: plain Spark computes it as a view.
        for other in examples():
            upstream = yaml_lite.load(other)
            table = f"prod.{upstream['metadata']['namespace']}.{upstream['metadata']['name']}"
            if other != manifest:
                sql = sql.replace(table, f"(\n{yaml_lite.bound_sql(other)}\n)")
        queries[manifest.stem] = sql
    return stack.spark_sql(queries)


@pytest.mark.parametrize("manifest", examples(), ids=lambda path: path.stem)
def test_the_result_is_what_plain_spark_computes(stack, ran, computed, manifest):
    """Stock PyIceberg through the playground's endpoint, against plain PySpark over production with the same SQL."""
    spec = yaml_lite.load(manifest)
    found = rows_of(stack.playground(ran["name"]).load_table(f"{spec['metadata']['namespace']}.{spec['metadata']['name']}"))
    assert len(found) > 0
    assert found == computed[manifest.stem]


def test_a_snapshot_carries_the_run(stack, ran):
    run = next(run for run in stack.json("run", "list")["items"] if run["command"] == "run" and run["playground"] == ran["name"])
    for manifest in examples():
        spec = yaml_lite.load(manifest)
        table = stack.playground(ran["name"]).load_table(f"{spec['metadata']['namespace']}.{spec['metadata']['name']}")
        ids = [snapshot.summary.additional_properties.get("pretzel.run-id") for snapshot in table.metadata.snapshots]
        assert run["runId"] in ids


def test_logs_of_a_run_can_be_read(stack, ran):
    run = next(run for run in stack.json("run", "list")["items"] if run["command"] == "run")
    assert "==> written" in stack.cli("run", "logs", run["runId"]).stdout


def test_doctor_says_which_layers_there_are(stack, ran):
    checks = {check["name"]: check for check in stack.json("doctor", "-p", ran["name"])["checks"]}
    assert checks["production write through the catalog"]["result"] == "ENFORCED"
    assert checks["production write on storage"]["result"] == "MISSING"
    assert "storage layer missing" in checks["production write on storage"]["detail"]
    assert checks["plan inspection"]["result"] == "MISSING"
    assert not list(Path(stack.state / "production" / "warehouse").glob(".pretzel-doctor-*"))
