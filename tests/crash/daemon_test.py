# SPDX-License-Identifier: Apache-2.0
"""How dcpd refuses to start, stops, and is replaced by another build while a job runs."""

import os
import shutil
import signal
import sqlite3
import subprocess

import history
import pyarrow
import pytest
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import ForbiddenError
from scenario import ROWS, Scenario
from inner_daemon import daemons, until


def refused(daemon):
    daemon.spawn()
    assert daemon.process.wait(30) == 1
    return daemon.log.read_text()


def test_a_database_of_a_newer_daemon_is_refused(servers, tmp_path):
    daemon = servers.inner(tmp_path / "newer").start()
    daemon.stop()
    assert daemon.process.returncode == 0
    connection = sqlite3.connect(daemon.database)
    connection.execute("INSERT INTO schema_migration VALUES (917, 'later', 1)")
    connection.commit()
    connection.close()
    words = refused(daemon)
    assert "its schema has version 917, this program knows up to" in words and "use the newer program" in words


@pytest.mark.parametrize("make, words", [
    (lambda path: path.write_bytes(b"x" * 8192), "no database"),
    (lambda path: sqlite3.connect(path).execute("CREATE TABLE songs (title TEXT)"), "belongs to another program"),
    (lambda path: path.mkdir(), "pretzel.db"),
])
def test_a_database_that_is_none_of_ours_is_refused(servers, tmp_path, make, words):
    daemon = servers.inner(tmp_path / "foreign")
    make(daemon.database)
    said = refused(daemon)
    assert words in said, said


def test_an_unknown_crash_point_is_a_usage_error():
    answer = subprocess.run([daemons.BIN / "dcpd", "--config", "/none"], env={"PRETZEL_CRASH_POINT": "run.creat.after_commit"},
                            capture_output=True, text=True)
    assert answer.returncode == 2 and "run.create.after_commit" in answer.stderr


def test_a_signal_ends_a_start_that_waits_for_a_service(servers, tmp_path):
    daemon = servers.inner(tmp_path / "starting")
    daemon.config.write_text(daemon.config.read_text() + """
services:
  - {name: never-ready, command: [/bin/sleep, "600"], ready: "127.0.0.1:1"}
""")
    daemon.spawn()
    until(lambda: history.processes_naming("sleep 600"), "the service")
    daemon.process.terminate()
    assert daemon.process.wait(20) == 0
    until(lambda: not history.processes_naming("sleep 600"), "the service's end")


def start_a_run(daemon):
    """A run whose job we hold in its middle."""
    scenario = Scenario(daemon, set())
    scenario.create()
    scenario.apply()
    run_id = daemon.cli("derived-dataset", "run", scenario.manifests["first"], "-o", "name").stdout.strip()
    launched = daemon.state / "jobs" / run_id
    until(lambda: [path for path in launched.glob("*/launched")], "a launch")
    pid = int(next(launched.glob("*/launched")).read_text().split("\njob ")[1].split()[0])
    until(lambda: Scenario.started(pid), "the job's own program")
    os.kill(pid, signal.SIGSTOP)
    return scenario, run_id, pid


def table_of_the_job(daemon, run_id):
    """As a job that its daemon took for dead would have it open: with the very token that writes while the run lives."""
    folder = next((daemon.state / "jobs" / run_id).iterdir())
    settings = [line.partition("=") for line in (folder / "work" / "spark.properties").read_text().splitlines()]
    settings = {key.rpartition("prod.")[2]: value.replace("\\\\", "\\") for key, _, value in settings}
    late = RestCatalog("prod", uri=settings["uri"], **{"header.x-pretzel-token": settings["header.x-pretzel-token"]})
    return late.load_table("lab.first")


def finish(daemon, scenario, run_id, pid):
    late = table_of_the_job(daemon, run_id)
    os.kill(pid, signal.SIGCONT)
    daemon.cli("run", "wait", run_id)
    table = daemon.playground(scenario.playground).load_table("lab.first")
    assert history.check_table(table, {run_id: "SUCCEEDED"}, ROWS) == []
    assert history.check_jobs(daemon.state) == [] and history.check_store(daemon.database) == []
    assert len(list((daemon.state / "jobs" / run_id).iterdir())) == 1, "it was submitted twice"
    with pytest.raises(ForbiddenError, match=f"run {run_id}, which has ended"):
        late.append(pyarrow.table({"id": [1]}))
    assert daemon.playground(scenario.playground).load_table("lab.first").scan().to_arrow().num_rows == ROWS
    daemon.cli("playground", "delete", scenario.playground, "--yes", "--wait")


def test_another_build_takes_over_a_running_job(servers, tmp_path):
    old = tmp_path / "old-build"
    for part in ("bin", "plugins"):
        shutil.copytree(daemons.BIN.parent / part, old / part, ignore=shutil.ignore_patterns("*_test", "dcp_*_test"))
    daemon = servers.inner(tmp_path / "upgrade", bin_dir=old / "bin").start()
    scenario, run_id, pid = start_a_run(daemon)
    daemon.stop()
    assert daemon.process.returncode == 0
    assert os.path.exists(f"/proc/{pid}"), "the job ended with the daemon"
    shutil.rmtree(old)  # as an upgrade does
    daemon.bin_dir = daemons.BIN
    daemon.start()
    finish(daemon, scenario, run_id, pid)
    daemon.stop()


def test_sigterm_waits_for_who_watches_and_a_second_one_does_not(servers, tmp_path):
    daemon = servers.inner(tmp_path / "drain")
    daemon.config.write_text(daemon.config.read_text() + "drain_timeout: 10m\n")
    daemon.start()
    scenario, run_id, pid = start_a_run(daemon)
    watcher = daemon.start_cli("run", "wait", run_id, "-v")
    assert watcher.stderr.readline(), "it shows no step: it does not watch"
    daemon.process.terminate()
    refusal = until(lambda: next((answer for answer in [daemon.cli("whoami", check=False)] if answer.returncode), None), "a refusal")
    assert refusal.returncode == 6 and "PZ0908" in refusal.stderr and "try again" in refusal.stderr
    assert not daemon.dead(), "it did not wait for the watcher"
    daemon.process.terminate()
    assert daemon.process.wait(60) == 0
    assert os.path.exists(f"/proc/{pid}"), "the job ended with the daemon"
    daemon.start()
    finish(daemon, scenario, run_id, pid)
    assert watcher.wait(60) == 0, "the watcher did not find the next daemon"
    daemon.stop()


def part(daemon, name):
    """A service's line of `pretzel status`; empty when a busy machine did not answer in time."""
    try:
        return daemon.service(name)
    except ValueError:
        return {}


def test_a_service_that_keeps_dying_is_failed_and_can_be_restarted(servers, tmp_path):
    """The servers' own daemon supervises two catalogs; one is killed until it is given up."""
    outer = servers.outer

    def catalog():
        return part(outer, "overlay-catalog")

    while catalog().get("state") != "FAILED":
        state = until(lambda: (lambda now: now if now.get("pid") or now.get("state") == "FAILED" else None)(catalog()), "a process")
        if state["state"] != "FAILED":
            os.kill(int(state["pid"]), signal.SIGKILL)
            until(lambda: catalog().get("pid", state["pid"]) != state["pid"] or catalog().get("state") == "FAILED", "its end")
    state = until(catalog, "the status")
    assert "signal 9" in state["detail"] and "attempt 5; the next follows" in state["detail"]
    outer.cli("playground", "create", "unlucky", "--ttl", "1h")
    manifest = tmp_path / "m.yaml"
    manifest.write_text("""\
apiVersion: dcp/v1
kind: DerivedDataset
metadata: {name: unlucky, namespace: lab}
spec:
  sql: SELECT 1 AS a
  schema:
    columns: [{name: a, type: int}]
""")
    answer = outer.cli("derived-dataset", "apply", manifest, check=False)
    assert answer.returncode != 0
    said = answer.stdout + answer.stderr
    assert "service overlay-catalog has FAILED" in said and "pretzel service restart overlay-catalog" in said, said
    outer.cli("service", "restart", "overlay-catalog")
    until(lambda: part(outer, "overlay-catalog").get("state") == "READY", "the catalog", 120)
    outer.cli("derived-dataset", "apply", manifest)
    outer.cli("playground", "delete", "unlucky", "--yes", "--wait")
    wrong = outer.cli("service", "restart", "overlay-katalog", check=False)
    assert wrong.returncode == 5 and "did you mean overlay-catalog" in wrong.stderr


@pytest.mark.long
def test_a_catalog_that_hangs_is_replaced(servers):
    """It takes connections (the kernel does) and answers nothing; a look at the port would find it well."""
    outer = servers.outer
    pid = int(outer.service("overlay-catalog")["pid"])
    os.kill(pid, signal.SIGSTOP)
    until(lambda: int(part(outer, "overlay-catalog").get("pid") or pid) != pid, "another process", 120)
    until(lambda: part(outer, "overlay-catalog").get("state") == "READY", "the catalog", 120)
