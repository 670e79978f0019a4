# SPDX-License-Identifier: Apache-2.0
"""`test` without a Spark Connect server: the same command, findings and promise, through a batch job."""

import json

import daemon as daemons
import pytest
from crash_test import job_processes, run_of
from daemon import until
from main_path_test import examples

HEAD = "apiVersion: dcp/v1\nkind: DerivedDataset\nmetadata: {{name: {name}, namespace: lab}}\nspec:\n{runtime}  sql: |\n    {sql}\n"

# What the engine itself says, and a few statements that never reach it. Word for word the same from both: tests/spark/.
WRONG = {
    "column": "SELECT carier FROM prod.nyc.airlines",
    "emoji": "SELECT '\U0001f600', nope FROM prod.nyc.airlines",
    "tables": "SELECT * FROM prod.nyc.flihgts",
    "namespace": "SELECT * FROM prod.nowhere.t",
    "grouping": "SELECT carrier, count(*) FROM prod.nyc.flights",
    "routine": "SELECT no_such(carrier) AS x FROM prod.nyc.airlines",
    "reflection": "SELECT reflect('java.lang.System', 'exit', 1)",
    "paths": "SELECT * FROM text.`/etc/passwd`",
}


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """A stack whose tests are batch jobs, unless a manifest says `connect`."""
    folder = tmp_path_factory.mktemp("batch")
    config = folder / "dcpd.yaml"
    text = daemons.CONFIG.read_text()
    changed = text.replace("test_backend: {default: shared-test-cluster, batch: local-batch}",
                           "test_backend: {default: local-batch, connect: shared-test-cluster}")
    assert changed != text, "the example's routes read otherwise than this test expects"
    config.write_text(changed)
    daemon = daemons.Daemon(folder, config=config).start()
    daemon.load_flights()
    yield daemon
    daemon.stop()


def manifest(folder, name, sql, route=None):
    path = folder / f"{name}.yaml"
    runtime = f"  runtime: {{test: {route}}}\n" if route else "  description: here is room for the route\n"
    path.write_text(HEAD.format(name=name, runtime=runtime, sql=sql))
    return path


def jobs_left(daemon):
    """What lies in the folder of jobs that belongs to tests."""
    return [path for path in (daemon.state / "jobs").glob("*/*.analyze*")]


@pytest.mark.long
def test_every_example_passes_and_nothing_is_left(batch):
    batch.cli("playground", "create", "flights", "--ttl", "1h")
    batch.cli("derived-dataset", "apply", *examples())
    before = batch.listing()
    report = batch.json("derived-dataset", "test", *examples(), check=False)
    assert report["status"] == "PASSED", json.dumps(report)[:3000]
    for dataset in report["datasets"]:
        assert dataset["columns"] and dataset["inputs"] and not dataset.get("sessionReused", False)
    receipt = report["receipt"]
    assert (receipt["creates"], receipt["commits"], receipt["drops"]) == (0, 0, 0) and receipt["loads"] > 0
    assert batch.listing() == before
    until(lambda: not jobs_left(batch), "the tests' folders")


def test_both_routes_find_the_same(batch, tmp_path):
    batch.cli("playground", "create", "wrong", "--ttl", "1h")
    before = batch.listing()
    reports = {}
    for route in (None, "connect"):
        folder = tmp_path / str(route)
        folder.mkdir()
        files = [manifest(folder, name, sql, route).name for name, sql in WRONG.items()]
        reports[route] = batch.json("derived-dataset", "test", *files, check=False, cwd=folder)
    ours, theirs = reports[None], reports["connect"]
    assert ours["status"] == "FAILED" and len([f for f in ours["findings"] if f["severity"] == "ERROR"]) >= len(WRONG)
    assert ours["findings"] == theirs["findings"]
    shown = [[{key: dataset.get(key) for key in ("name", "status", "columns", "inputs")} for dataset in report["datasets"]]
             for report in (ours, theirs)]
    assert shown[0] == shown[1]
    assert batch.listing() == before
    until(lambda: not jobs_left(batch), "the tests' folders")


def test_the_daemon_dies_while_a_batch_test_runs(batch, tmp_path):
    batch.cli("playground", "create", "phoenix", "--ttl", "1h")
    path = manifest(tmp_path, "survivor", "SELECT carrier, count(*) AS n FROM prod.nyc.flights GROUP BY carrier")
    client = batch.start_cli("derived-dataset", "test", path, "-o", "json")
    run_id = until(lambda: next((run["runId"] for run in batch.json("run", "list")["items"]
                                 if run["playground"] == "phoenix" and run["command"] == "test"), None), "the run")
    until(lambda: job_processes(batch, run_id), "the job's process")
    assert len(list((batch.state / "jobs" / run_id).iterdir())) == 1
    batch.kill()
    assert job_processes(batch, run_id), "the job ended with the daemon"
    batch.start()
    batch.cli("run", "wait", run_id)
    assert run_of(batch, run_id)["state"] == "SUCCEEDED"
    # One job: a second attempt would be told of.
    assert "attempt" not in json.dumps(batch.json("run", "get", run_id))
    until(lambda: not job_processes(batch, run_id) and not (batch.state / "jobs" / run_id).exists(), "the job's end")
    out, err = client.communicate(timeout=120)
    assert client.returncode in (0, 6), out + err


def test_a_cancelled_test_ends_its_process(batch, tmp_path):
    batch.cli("playground", "create", "enough", "--ttl", "1h")
    path = manifest(tmp_path, "long", "SELECT carrier FROM prod.nyc.airlines")
    client = batch.start_cli("derived-dataset", "test", path)
    run_id = until(lambda: next((run["runId"] for run in batch.json("run", "list")["items"]
                                 if run["playground"] == "enough" and run["command"] == "test"), None), "the run")
    until(lambda: job_processes(batch, run_id), "the job's process")
    batch.cli("run", "cancel", run_id)
    until(lambda: run_of(batch, run_id)["state"] == "CANCELLED", "the run's end")
    until(lambda: not job_processes(batch, run_id) and not (batch.state / "jobs" / run_id).exists(), "the job's end")
    client.communicate(timeout=60)
