# SPDX-License-Identifier: Apache-2.0
"""A person's small path, step by step, as it goes on when the daemon dies under it: the step that failed is taken again.

What a step may find the second time is what a client that does not know whether its call came through may find. What was
acknowledged must be there; what was not may be there once.
"""

import os
import signal
import threading
import time

import history
from inner_daemon import kill, until

ROWS = 40
RUN_SECONDS = 180
MANIFEST = """\
apiVersion: dcp/v1
kind: DerivedDataset
metadata: {{name: {name}, namespace: lab}}
spec:
  sql: SELECT id FROM range({rows})
  schema:
    columns: [{{name: id, type: bigint}}]
"""
UNAVAILABLE, CONFLICT, RUN_FAILED = 6, 5, 7


class Scenario:
    """`parts`: "test" (needs a test server), "retry" (the first attempt's process is killed), "again" (a worker dies in a call),
    "cancel" (a second run is cancelled), "restart" (the daemon is killed once before it is armed)."""

    def __init__(self, daemon, parts):
        self.daemon, self.parts = daemon, parts
        self.playground = daemon.folder.name
        self.manifests = {}
        for name in ("first", "second"):
            self.manifests[name] = daemon.folder / f"{name}.yaml"
            self.manifests[name].write_text(MANIFEST.format(name=name, rows=ROWS))
        self.acknowledged = {}
        self.killers = []
        self.violations = []
        self.helped = set()
        steps = ["create", "extend", "update", "apply", "test", "run", "look", "cancel", "delete"]
        self.steps = [step for step in steps if step not in ("test", "cancel") or step in parts]

    def walk(self, reviver):
        """Takes every step; one under which the daemon died is taken again, as a client would that was cut off."""
        while self.steps:
            deaths = reviver.deaths
            reviver.step = self.steps[0]
            try:
                self.daemon.await_api()
                getattr(self, self.steps[0])()
            except Exception:
                # A client that was cut off and a daemon that died are one event, seen in either order.
                if not self.died_since(reviver, deaths):
                    raise
                continue
            self.steps.pop(0)
        self.daemon.await_api()

    @staticmethod
    def died_since(reviver, deaths, seconds=1.0):
        try:
            return until(lambda: reviver.deaths > deaths, "a death", seconds)
        except TimeoutError:
            return False

    def cli(self, *words, allow=()):
        answer = self.daemon.cli(*words, check=False)
        if answer.returncode == 0 or answer.returncode in allow:
            return answer
        raise AssertionError(f"pretzel {' '.join(map(str, words))}: {answer.returncode}\n{answer.stdout}\n{answer.stderr}")

    def runs(self, command=None):
        query = "SELECT id, command, state, playground FROM run"
        return [run for run in history.rows(self.daemon.database, query) if command in (None, run["command"])]

    def settle(self):
        """Until every run has ended."""
        end = time.monotonic() + RUN_SECONDS
        while True:
            left = [run["id"] for run in self.runs() if run["state"] not in history.TERMINAL]
            if not left:
                return
            if time.monotonic() > end:
                raise AssertionError(f"runs that do not end: {left}")
            time.sleep(0.05)

    # --- the steps

    def create(self):
        answer = self.cli("playground", "create", self.playground, "--ttl", "30m", allow=(CONFLICT,))
        if answer.returncode == CONFLICT:  # it was stored before the daemon died
            assert "PZ0303" in answer.stderr, answer.stderr
            self.cli("playground", "use", self.playground)

    def extend(self):
        self.cli("playground", "extend", self.playground, "--ttl", "50m")

    def update(self):
        self.cli("playground", "update", self.playground, "--label", "walked=yes")

    def apply(self):
        if "again" in self.parts:
            self.apply_while_a_worker_dies()
        self.settle()
        self.cli("derived-dataset", "apply", *self.manifests.values())

    def apply_while_a_worker_dies(self):
        """Until one call was made again: the worker is stopped, gets a call, and is killed in it."""
        for _ in range(10):
            if any(step["detail"].startswith("again") for step in history.rows(self.daemon.database, "SELECT detail FROM run_transition")):
                return
            pid = int(until(lambda: self.plugin_pid("derived-dataset"), "a worker", 30))
            os.kill(pid, signal.SIGSTOP)
            client = self.daemon.start_cli("derived-dataset", "apply", *self.manifests.values())
            query = "SELECT run_id FROM node WHERE id = 'compile' AND state = 'RUNNING'"
            until(lambda: history.rows(self.daemon.database, query), "a call", 30)
            kill(pid)
            client.wait(60)
            self.settle()
        raise AssertionError("no call was made again")

    def plugin_pid(self, name):
        plugins = self.daemon.status()["plugins"]
        return next((plugin.get("pid") for plugin in plugins if plugin["instance"] == name), None)

    def test(self):
        self.settle()
        self.cli("derived-dataset", "test", self.manifests["first"])

    def run(self):
        self.settle()
        if "retry" in self.parts and "retry" not in self.helped:
            self.helped.add("retry")
            self.kill_the_first_job()
        if not self.runs("run"):
            self.acknowledged["first"] = self.cli("derived-dataset", "run", self.manifests["first"], "-o", "name").stdout.strip()
        if "restart" in self.parts and "restart" not in self.helped:
            self.helped.add("restart")
            until(lambda: history.rows(self.daemon.database, "SELECT 1 FROM run_transition WHERE detail = 'launched'"), "a launch")
            self.daemon.rearm()
        self.settle()
        for run in self.runs("run"):
            assert run["state"] == "SUCCEEDED", f"run {run['id']} ended as {run['state']}: {self.why(run['id'])}"

    def why(self, run_id):
        return [tuple(step) for step in history.rows(
            self.daemon.database, "SELECT node_id, to_state, detail FROM run_transition WHERE run_id = ? ORDER BY sequence", run_id)]

    def kill_the_first_job(self):
        """Kills the process of the first attempt as soon as it is recorded, whatever it is doing."""
        def watch():
            end = time.monotonic() + RUN_SECONDS
            while time.monotonic() < end:
                for launched in (self.daemon.state / "jobs").glob("*/*/launched"):
                    pid = int(launched.read_text().split("\njob ")[1].split()[0])
                    if os.path.exists(f"/proc/{pid}/stat") and self.started(pid):
                        kill(pid)
                        return
                time.sleep(0.005)
        self.killers.append(threading.Thread(target=watch, daemon=True))
        self.killers[-1].start()

    @staticmethod
    def started(pid):
        """Beyond its gate: before, a kill would be a failed start of its program."""
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as line:
                return b"--gated" not in line.read()
        except OSError:
            return False

    def look(self):
        """At what is there, while it is there: rows, snapshots, job folders."""
        runs = {run["id"]: run["state"] for run in self.runs("run")}
        assert len(runs) == 1, f"{len(runs)} runs were stored, one was asked for"
        for run_id in self.acknowledged.values():
            assert run_id in runs, f"run {run_id} was acknowledged and is not there"
        table = self.daemon.playground(self.playground).load_table("lab.first")
        self.violations += history.check_table(table, runs, ROWS)
        assert history.snapshots_of(table, next(iter(runs))), "the run left no snapshot"
        self.violations += history.check_jobs(self.daemon.state)

    def cancel(self):
        second = [run for run in self.runs("run") if run["id"] not in self.first_runs()]
        if not second:
            self.acknowledged["second"] = self.cli("derived-dataset", "run", self.manifests["second"], "-o", "name").stdout.strip()
            second = [{"id": self.acknowledged["second"]}]
        run_id = second[0]["id"]
        query = "SELECT 1 FROM run_transition WHERE run_id = ? AND (detail = 'launched' OR detail LIKE 'the run was cancelled%')"
        until(lambda: history.rows(self.daemon.database, query, run_id), "a launch", 60)
        self.cli("run", "cancel", run_id)
        self.settle()
        table = self.daemon.playground(self.playground).load_table("lab.second")
        state = {run["id"]: run["state"] for run in self.runs("run")}[run_id]
        # A commit may have been quicker than the cancellation; then the rows are there, once.
        assert state in ("CANCELLED", "SUCCEEDED"), f"run {run_id} ended as {state}"
        self.violations += history.check_table(table, {run_id: state}, ROWS)
        self.violations += history.check_jobs(self.daemon.state)

    def first_runs(self):
        query = "SELECT run_id FROM node WHERE capability = 'run_backend' AND id LIKE 'lab.first%'"
        return {row["run_id"] for row in history.rows(self.daemon.database, query)}

    def delete(self):
        query = "SELECT state FROM playground WHERE name = ?"
        states = [row["state"] for row in history.rows(self.daemon.database, query, self.playground)]
        if states == ["ACTIVE"]:
            self.cli("playground", "delete", self.playground, "--yes", "--wait", allow=(RUN_FAILED,))
        # What a daemon left halfway is taken up by the next one.
        deleted = query + " AND state = 'DELETED'"
        until(lambda: history.rows(self.daemon.database, deleted, self.playground), "the playground's end", 60)
        self.settle()
