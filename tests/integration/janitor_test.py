# SPDX-License-Identifier: Apache-2.0
"""What goes, goes wholly and in order; what does not belong to it stays."""

import contextlib
import hashlib
import json
import os
import signal
import sqlite3

import daemon as daemons
import pytest
from daemon import until

MANIFEST = """\
apiVersion: dcp/v1
kind: DerivedDataset
metadata: {name: survivors, namespace: lab}
spec:
  sql: SELECT a.carrier, count(*) AS flights FROM prod.nyc.flights a GROUP BY a.carrier
  schema:
    columns:
      - {name: carrier, type: string}
      - {name: flights, type: bigint}
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A stack of this module's own: short lives, a busy janitor, a grace of a second."""
    folder = tmp_path_factory.mktemp("janitor")
    config = folder / "dcpd.yaml"
    text = daemons.CONFIG.read_text()
    text = text.replace("default_ttl: 72h", "default_ttl: 72h, min_ttl: 1s, expiry_poll: 200ms, tombstone_period: 0s")
    config.write_text(text + "\njanitor: {sweep_every: 1h, grace: 1s}\n")
    daemon = daemons.Daemon(folder, config=config).start()
    daemon.load_flights()
    yield daemon
    daemon.stop()


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "survivors.yaml"
    path.write_text(MANIFEST)
    return path


def names(daemon):
    return [playground["name"] for playground in daemon.json("playground", "list")["items"]]


def query(daemon, sql, *values):
    """The store's own words; SQLite's write-ahead log lets a reader in beside the daemon."""
    store = sqlite3.connect(f"file:{daemon.state}/pretzel.db?mode=ro", uri=True)
    try:
        return store.execute(sql, values).fetchall()
    finally:
        store.close()


def transitions(daemon, run_id):
    return query(daemon, "SELECT at, node_id, to_state FROM run_transition WHERE run_id = ? ORDER BY sequence", run_id)


def deletion_of(daemon, playground):
    return query(daemon, "SELECT id FROM run WHERE playground = ? AND command = 'delete' ORDER BY ordinal", playground)[-1][0]


def session_of(job_folder):
    """Living processes of the job's session, by what its launcher recorded."""
    leader = (job_folder / "launched").read_text().split("\n")[1].split()[1]
    members = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as text:
                    fields = text.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if fields[3] == leader and fields[0] not in "ZX":
                members.append(int(entry))
    return members


def launcher_of(job_folder):
    return int((job_folder / "launched").read_text().split("\n")[0].split()[1])


def java_of(members):
    for pid in members:
        try:
            if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "java":
                return pid
        except OSError:
            continue
    return None


def alive(pids):
    found = []
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat") as text:
                if text.read().rsplit(")", 1)[1].split()[0] not in "ZX":
                    found.append(pid)
        except OSError:
            continue
    return found


def start_run(daemon, playground, manifest):
    """A run whose JVM is there, and stopped; answers its id, its job's folder and the processes."""
    daemon.cli("playground", "create", playground, "--ttl", "1h")
    daemon.cli("derived-dataset", "apply", manifest)
    run_id = daemon.json("derived-dataset", "run", manifest)["runId"]
    jobs = daemon.state / "jobs" / run_id
    folder = until(lambda: next((job for job in jobs.glob("*") if (job / "launched").exists()), None), "the job's launch")
    java = until(lambda: java_of(session_of(folder)), "the job's JVM")
    os.kill(java, signal.SIGSTOP)  # so that it does not end before the test has looked
    return run_id, folder, session_of(folder)


def signal_all(pids, number):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # a shell that has become the next program
            os.kill(pid, number)


def check_order(daemon, run_id, playground):
    """The run ended, then its jobs, and only then was anything removed: by the store's history."""
    run = transitions(daemon, run_id)
    ended = max(at for at, node, state in run if node == "" and state in ("CANCELLED", "FAILED", "SUCCEEDED"))
    deletion = transitions(daemon, deletion_of(daemon, playground))
    steps = [(node, state) for _, node, state in deletion if node and state != "PENDING"]
    assert steps == [("jobs", "RUNNING"), ("jobs", "SUCCEEDED"), ("purge", "RUNNING"), ("purge", "SUCCEEDED"),
                     ("finish", "RUNNING"), ("finish", "SUCCEEDED")]
    began = min(at for at, node, state in deletion if node == "jobs" and state == "RUNNING")
    assert ended <= began
    return run


def check_gone(daemon, playground, run_id):
    assert not (daemon.state / "jobs" / run_id).exists()
    left = [path.name for path in (daemon.state / "overlay" / "warehouse" / "pg").iterdir()]
    assert not [name for name in left if name.rsplit("-", 1)[0] == playground], left
    roots = [namespace[0] for namespace in daemon.upstream("overlay-catalog").list_namespaces()]
    assert not [root for root in roots if root.rsplit("_", 1)[0] == f"pg_{playground}"], roots


def test_expiry_cancels_a_run_that_ignores_the_stop(own, manifest):
    """Its processes are stopped with SIGSTOP, so that TERM does nothing; KILL comes after the job's grace."""
    own.cli("playground", "create", "busy-2", "--ttl", "1h")
    own.cli("derived-dataset", "apply", manifest)
    run_id, _, members = start_run(own, "busy", manifest)
    signal_all(members, signal.SIGSTOP)
    production = own.listing("production-catalog")
    own.cli("playground", "extend", "busy", "--ttl", "1s")
    until(lambda: names(own).count("busy") == 0, "expiry", 120)
    assert alive(members) == []
    check_gone(own, "busy", run_id)
    run = check_order(own, run_id, "busy")
    assert ("", "CANCELLED") in [(node, state) for _, node, state in run]
    assert query(own, "SELECT cancel_requested FROM run WHERE id = ?", run_id) == [(1,)]
    assert own.playground("busy-2").table_exists("lab.survivors")
    assert own.listing("production-catalog") == production


def test_deletion_ends_what_a_killed_launcher_left(own, manifest):
    """The JVM, stopped so that it notices nothing, outlives the launcher and its own parent; it must not outlive the deletion."""
    run_id, folder, members = start_run(own, "headless", manifest)
    os.kill(launcher_of(folder), signal.SIGKILL)
    deletion = own.start_cli("playground", "delete", "headless", "--yes")
    assert deletion.wait(180) == 0, deletion.stderr.read()
    assert alive(members) == []
    check_gone(own, "headless", run_id)
    check_order(own, run_id, "headless")


def test_a_dry_run_says_what_would_go_and_changes_nothing(own, manifest):
    run_id, folder, _ = start_run(own, "preview", manifest)
    generation = own.json("playground", "get", "preview")["generation"]
    place = own.state / "overlay" / "warehouse" / "pg" / f"preview-{generation}"
    frozen = [launcher_of(folder), *session_of(folder)]
    signal_all(frozen, signal.SIGSTOP)  # so that nothing moves while it is looked at
    before = own.listing()
    said = own.json("playground", "delete", "preview", "--dry-run")
    assert own.listing() == before
    assert "preview" in names(own)
    files = [path for path in place.rglob("*") if not path.is_dir()]
    assert said["kind"] == "DeletionPreview" and (said["playground"], said["generation"]) == ("preview", generation)
    assert said["tables"] == ["lab.survivors"] and said["datasets"] == ["lab.survivors"]
    assert (said["files"], said["bytes"]) == (len(files), sum(path.lstat().st_size for path in files))
    assert [(run["runId"], run["command"], run["state"]) for run in said["runs"]] == [(run_id, "run", "RUNNING")]
    inside = [path for path in (own.state / "jobs" / run_id).rglob("*") if not path.is_dir()]
    assert said["jobFolders"] == [{"path": str(own.state / "jobs" / run_id), "files": len(inside),
                                   "bytes": sum(path.lstat().st_size for path in inside)}]
    table = own.cli("playground", "delete", "preview", "--dry-run").stdout
    assert "lab.survivors" in table and run_id in table
    assert own.cli("playground", "delete", "nobodys", "--dry-run", check=False).returncode == 5
    signal_all(frozen, signal.SIGCONT)
    own.cli("playground", "delete", "preview", "--yes")
    check_gone(own, "preview", run_id)
    check_order(own, run_id, "preview")


def plant(daemon, gone):
    """Leftovers of every kind, beside things that only look like some."""
    jobs = daemon.state / "jobs"
    pg = daemon.state / "overlay" / "warehouse" / "pg"
    overlay = daemon.upstream("overlay-catalog")
    for path in [jobs / "r00000000000000aa" / "a.run" / "output", jobs / "r00000000000000ab.bak" / "x", jobs / "notes.txt",
                 pg / f"swept-{gone}" / "lab" / "late-1" / "data.parquet", pg / "ghost-7" / "lab" / "t" / "data.parquet",
                 pg / "swept-01" / "x", pg / "swept-1.bak" / "x"]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("12345")
    for root in (f"pg_swept_{gone}", "pg_ghost_7", "pg_swept_01", "elsewhere"):
        overlay.create_namespace(root)
        overlay.create_namespace((root, "lab"))


def everything(daemon):
    jobs = sorted(str(path) for path in (daemon.state / "jobs").rglob("*"))
    return jobs, daemon.listing("overlay-catalog"), daemon.listing("production-catalog")


def test_the_sweep_takes_what_has_no_owner_and_nothing_else(own, manifest):
    gone = own.json("playground", "create", "swept", "--ttl", "1h")["generation"]
    own.cli("playground", "delete", "swept", "--yes")
    lives = own.json("playground", "create", "swept", "--ttl", "1h")["generation"]
    own.cli("derived-dataset", "apply", manifest)
    clean = everything(own)
    plant(own, gone)
    planted = everything(own)
    jobs, pg = own.state / "jobs", own.state / "overlay" / "warehouse" / "pg"
    strangers = {("KEPT", "stranger", str(jobs / "r00000000000000ab.bak")), ("KEPT", "stranger", str(jobs / "notes.txt")),
                 ("KEPT", "stranger", f"file {pg / 'swept-01'}"), ("KEPT", "stranger", f"file {pg / 'swept-1.bak'}"),
                 ("KEPT", "stranger", "namespace pg_swept_01"), ("KEPT", "stranger", "namespace elsewhere")}

    def sweep(*flags):
        report = own.json("system", "sweep", *flags)
        assert report["kind"] == "SweepReport" and report["failures"] == [] and not report["more"]
        return {(item["action"], item["kind"], item["name"]) for item in report["items"]}

    job = ("job", str(jobs / "r00000000000000aa"))
    swept, ghost = ("playground", f"swept (generation {gone})"), ("playground", "ghost (generation 7)")
    first = sweep()
    assert first == {("YOUNG", *job), ("YOUNG", *swept), ("KEPT", *ghost), *strangers}
    assert everything(own) == planted
    removable = {("REMOVABLE", *job), ("REMOVABLE", *swept), ("REMOVABLE", *ghost), *strangers}
    until(lambda: sweep("--dry-run", "--unknown") == removable, "the end of the grace", 20)
    assert everything(own) == planted
    assert sweep() == {("REMOVED", *job), ("REMOVED", *swept), ("KEPT", *ghost), *strangers}
    assert not (jobs / "r00000000000000aa").exists() and not (pg / f"swept-{gone}").exists()
    assert (pg / "ghost-7").exists() and (pg / f"swept-{lives}").exists()
    assert own.playground("swept").table_exists("lab.survivors")
    assert sweep("--unknown") == {("REMOVED", *ghost), *strangers}
    assert query(own, "SELECT state FROM playground WHERE name = 'ghost' AND generation = 7") == [("DELETED",)]
    assert sweep("--unknown") == strangers
    # What is left of what was planted are the strangers, whole; take them away, and all is as it was.
    for path in (jobs / "r00000000000000ab.bak" / "x", pg / "swept-01" / "x", pg / "swept-1.bak" / "x"):
        assert path.read_text() == "12345"
        path.unlink()
        path.parent.rmdir()
    (jobs / "notes.txt").unlink()
    overlay = own.upstream("overlay-catalog")
    for root in ("pg_swept_01", "elsewhere"):
        overlay.drop_namespace((root, "lab"))
        overlay.drop_namespace(root)
    assert everything(own) == clean
    own.cli("playground", "delete", "swept", "--yes")


def test_the_daemon_dies_in_the_middle_of_a_deletion(own, manifest):
    """Killed at each of its steps in turn: the next daemon goes on, and the neighbours stay."""
    neighbour = own.json("playground", "create", "stays-1", "--ttl", "1h")["generation"]
    own.cli("derived-dataset", "apply", manifest)
    for step in ("jobs", "purge", "finish"):
        own.cli("playground", "create", "stays", "--ttl", "1h")
        own.cli("derived-dataset", "apply", manifest)
        own.cli("playground", "delete", "stays", "--yes", "--no-wait")
        deletion = deletion_of(own, "stays")
        until(lambda: (step, "RUNNING") in [(node, state) for _, node, state in transitions(own, deletion)], step)
        own.kill()
        own.start()
        until(lambda: "stays" not in names(own), "the deletion")
        assert deletion_of(own, "stays") == deletion  # the same one, gone on with
        assert query(own, "SELECT state FROM run WHERE id = ?", deletion) == [("SUCCEEDED",)]
    left = [path.name for path in (own.state / "overlay" / "warehouse" / "pg").iterdir()]
    assert [name for name in left if name.startswith("stays-")] == [f"stays-1-{neighbour}"]
    assert own.playground("stays-1").table_exists("lab.survivors")
    own.cli("playground", "delete", "stays-1", "--yes")


def test_the_timer_sweeps_by_itself_and_only_operators_force_it(own):
    orphan = own.state / "jobs" / "r00000000000000ac"
    (orphan / "a.run").mkdir(parents=True)
    token = "a-second-principal-of-the-janitor-tests-0123456789"
    principals = own.state / "principals.jsonl"
    assert json.loads(principals.read_text())["role"] == "operator"
    with open(principals, "a") as lines:
        lines.write(json.dumps({"user": "second", "token_sha256": hashlib.sha256(token.encode()).hexdigest()}) + "\n")
    own.stop()
    calm = own.config.read_text()
    own.config.write_text(calm.replace("sweep_every: 1h", "sweep_every: 1s"))
    own.start()
    refused = own.cli("system", "sweep", "--dry-run", check=False, env={"PRETZEL_TOKEN": token})
    assert refused.returncode == 4 and refused.stdout == "" and "PZ0910" in refused.stderr
    assert "r00000000000000ac" not in refused.stderr
    until(lambda: not orphan.exists(), "the timer's sweep", 30)
    assert "something without an owner was removed" in own.log.read_text()
    own.config.write_text(calm)


def test_update_changes_what_is_named_and_nothing_else(stack, playground):
    made = stack.json("playground", "get", playground)
    updated = stack.json("playground", "update", playground, "--label", "pr=1", "--label", "team=x")
    assert updated["labels"] == {"pr": "1", "team": "x"} and updated["expiresAt"] == made["expiresAt"]
    updated = stack.json("playground", "update", "--label", "pr=2", "--remove-label", "team", "--remove-label", "never")
    assert updated["labels"] == {"pr": "2"} and updated["expiresAt"] == made["expiresAt"]
    updated = stack.json("playground", "update", playground, "--ttl", "5h")
    assert updated["labels"] == {"pr": "2"} and updated["expiresAt"] > made["expiresAt"]
    assert stack.json("playground", "get", playground) == {**updated}
    for wrong in ([], ["--ttl", "1ms"], ["--label", "pr"], ["--label", "pr=3", "--remove-label", "pr"],
                  ["--label", "a=" + "x" * 257], [word for i in range(32) for word in ("--label", f"k{i}=v")]):
        refused = stack.cli("playground", "update", playground, *wrong, check=False)
        assert refused.returncode == 2, refused.stdout + refused.stderr
    assert stack.json("playground", "get", playground)["labels"] == {"pr": "2"}
    assert stack.json("playground", "get", playground)["expiresAt"] == updated["expiresAt"]
    assert stack.cli("playground", "update", "nobodys", "--ttl", "2h", check=False).returncode == 5
