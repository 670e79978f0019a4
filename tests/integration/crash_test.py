# SPDX-License-Identifier: Apache-2.0
"""Kills in the middle of things. What was acknowledged happens, once."""

import os
import signal

import daemon as daemons
import pytest
from daemon import until

MANIFEST = """\
apiVersion: dcp/v1
kind: DerivedDataset
metadata: {name: survivors, namespace: lab}
spec:
  sql: |
    SELECT a.carrier, b.name, count(*) AS flights
    FROM prod.nyc.flights a JOIN prod.nyc.airlines b ON a.carrier = b.carrier
    GROUP BY a.carrier, b.name
  schema:
    columns:
      - {name: carrier, type: string}
      - {name: name, type: string}
      - {name: flights, type: bigint}
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A stack of this module's own: it is killed."""
    folder = tmp_path_factory.mktemp("crash")
    config = folder / "dcpd.yaml"
    short_lives = "default_ttl: 72h, min_ttl: 1s, expiry_poll: 200ms, tombstone_period: 0s"
    config.write_text(daemons.CONFIG.read_text().replace("default_ttl: 72h", short_lives))
    daemon = daemons.Daemon(folder, config=config).start()
    daemon.load_flights()
    yield daemon
    daemon.stop()


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "survivors.yaml"
    path.write_text(MANIFEST)
    return path


def run_of(daemon, run_id):
    return next(run for run in daemon.json("run", "list")["items"] if run["runId"] == run_id)


def snapshots(daemon, playground):
    return daemon.playground(playground).load_table("lab.survivors").metadata.snapshots


def job_processes(daemon, run_id):
    """Processes whose command line names the run's job folder."""
    folder = str(daemon.state / "jobs" / run_id)
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as text:
                    if folder.encode() in text.read():
                        found.append(int(entry))
            except OSError:
                continue
    return found


def test_the_daemon_dies_between_submit_and_the_end_of_a_run(own, manifest):
    own.cli("playground", "create", "phoenix", "--ttl", "1h")
    own.cli("derived-dataset", "apply", manifest)
    run_id = own.json("derived-dataset", "run", manifest)["runId"]
    until(lambda: job_processes(own, run_id), "the job's process")
    own.kill()
    assert job_processes(own, run_id), "the job ended with the daemon"
    own.start()
    own.cli("run", "wait", run_id)
    assert run_of(own, run_id)["state"] == "SUCCEEDED"
    table = own.playground("phoenix").load_table("lab.survivors")
    assert table.scan().count() == 16
    written = [snapshot for snapshot in snapshots(own, "phoenix")
               if snapshot.summary.additional_properties.get("pretzel.run-id") == run_id]
    assert len(written) == 1
    assert len(list((own.state / "jobs" / run_id).iterdir())) == 1, "more than one job folder: it was submitted twice"
    assert until(lambda: not job_processes(own, run_id), "the job's end")


def test_the_daemon_dies_right_after_acknowledging(own, manifest):
    own.cli("playground", "create", "phoenix-2", "--ttl", "1h")
    own.cli("derived-dataset", "apply", manifest)
    run_id = own.json("derived-dataset", "run", manifest)["runId"]
    own.kill()
    own.start()
    own.cli("run", "wait", run_id)
    assert own.playground("phoenix-2").load_table("lab.survivors").scan().count() == 16
    assert len([s for s in snapshots(own, "phoenix-2") if s.summary.additional_properties.get("pretzel.run-id") == run_id]) == 1


@pytest.mark.parametrize("instance", ["local-batch", "derived-dataset", "shared-test-cluster"])
def test_a_worker_dies(own, manifest, instance):
    """In a call or between calls: the call is repeated where that is safe, and the next one is served."""
    name = f"worker-{instance}"
    own.cli("playground", "create", name, "--ttl", "1h")
    own.cli("derived-dataset", "apply", manifest)
    client = own.start_cli("derived-dataset", "test", manifest)
    os.kill(int(own.plugin(instance)["pid"]), signal.SIGKILL)
    assert client.wait(120) == 0, client.stderr.read()
    if instance == "local-batch":
        run_id = own.json("derived-dataset", "run", manifest)["runId"]
        os.kill(int(until(lambda: own.plugin(instance).get("pid"), "a new worker")), signal.SIGKILL)
        own.cli("run", "wait", run_id)
        assert own.playground(name).load_table("lab.survivors").scan().count() == 16
        assert len(snapshots(own, name)) == 1
    assert until(lambda: own.plugin(instance)["state"] == "READY", "the worker's restart")


def test_the_test_server_dies(own, manifest):
    own.cli("playground", "create", "no-spark", "--ttl", "1h")
    own.cli("derived-dataset", "test", manifest)
    os.kill(int(own.service("spark-connect")["pid"]), signal.SIGKILL)
    answer = own.cli("derived-dataset", "test", manifest, check=False)
    # Either the restarted server answered in time, or the error names what is down.
    assert answer.returncode in (0, 6), answer.stdout + answer.stderr
    if answer.returncode == 6:
        assert "127.0.0.1" in answer.stderr
    until(lambda: own.service("spark-connect")["state"] == "READY", "Spark's restart", 120)
    assert own.cli("derived-dataset", "test", manifest).returncode == 0


@pytest.mark.parametrize("catalog", ["production-catalog", "overlay-catalog"])
def test_a_catalog_dies(own, manifest, catalog):
    own.cli("playground", "create", f"no-{catalog}", "--ttl", "1h")
    own.cli("derived-dataset", "apply", manifest)
    os.kill(int(own.service(catalog)["pid"]), signal.SIGKILL)
    answer = own.cli("derived-dataset", "test", manifest, check=False)
    assert answer.returncode in (0, 6), answer.stdout + answer.stderr
    until(lambda: own.service(catalog)["state"] == "READY", "the catalog's restart")
    assert own.cli("derived-dataset", "test", manifest).returncode == 0


def test_expiry_removes_what_is_the_playgrounds_and_nothing_else(own, manifest):
    own.cli("playground", "create", "stays", "--ttl", "1h")
    own.cli("derived-dataset", "apply", manifest)
    production = own.listing("production-catalog")
    own.cli("playground", "create", "goes", "--ttl", "1h")
    own.cli("derived-dataset", "apply", manifest)
    run_id = own.json("derived-dataset", "run", manifest)["runId"]
    until(lambda: job_processes(own, run_id), "the job's process")
    own.cli("playground", "extend", "goes", "--ttl", "1s")
    until(lambda: "goes" not in [p["name"] for p in own.json("playground", "list")["items"]], "expiry", 120)
    assert job_processes(own, run_id) == []
    assert not (own.state / "jobs" / run_id).exists()
    left = [str(path) for path in (own.state / "overlay" / "warehouse" / "pg").iterdir()]
    assert not [path for path in left if "/goes-" in path] and [path for path in left if "/stays-" in path]
    assert own.playground("stays").table_exists("lab.survivors")
    assert own.listing("production-catalog") == production


def test_a_second_daemon_on_the_same_state_is_refused(own):
    second = daemons.Daemon(own.folder, config=own.config)
    second.spawn()
    assert second.process.wait(30) == 1
    assert "another daemon" in own.log.read_text() or "already" in own.log.read_text()
    assert own.cli("whoami").returncode == 0


def test_sigterm_ends_everything_but_running_jobs(own, manifest):
    own.cli("playground", "create", "calm", "--ttl", "1h")
    own.cli("derived-dataset", "apply", manifest)
    run_id = own.json("derived-dataset", "run", manifest)["runId"]
    until(lambda: job_processes(own, run_id), "the job's process")
    pids = [int(service["pid"]) for service in own.json("status")["services"]]
    own.stop()
    assert not [pid for pid in pids if os.path.exists(f"/proc/{pid}")]
    own.start()
    own.cli("run", "wait", run_id)
    assert own.playground("calm").load_table("lab.survivors").scan().count() == 16
