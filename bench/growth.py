# SPDX-License-Identifier: Apache-2.0
#
# what grows with the history: lists, watches, logs, starts at n, 4n and 16n, as exponents
"""Each figure is an exponent: how time (or memory) grows when what lies behind the answer grows 16 times. 0 is flat, 1 is linear. The
store is filled as the daemon itself would leave it after so many runs; the daemon, its API and its plugin worker are real. No catalog
and no Spark are needed, so none is started."""

import contextlib
import getpass
import json
import math
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from _common import PRETZEL, p50, report, seconds

RUNS = (6_250, 25_000, 100_000)
PLAYGROUNDS = (625, 2_500, 10_000)
NODES = (124, 499, 1_999)
JOBS = (62, 250, 1_000)
REPORTS = (4, 15, 60)
WIDE_REPORT_BYTES = 1_200_000
MANIFESTS = (1_000, 10_000)
WATCHERS = 8
ROUNDS = 31
START_SECONDS = 120
FLAT = 0.1
LINEAR = 1.1

CONFIG = """\
state_dir: {state}
catalog:
  production: {{uri: "http://127.0.0.1:9", secret: none}}
  overlay: {{uri: "http://127.0.0.1:9", secret: none, warehouse: "file://{state}/warehouse"}}
playground: {{per_owner_max: 100000, default_ttl: 30d, max_ttl: 60d}}
runs: {{retention: {{runs_per_principal: 1000000}}}}
plugins:
  directories: ["{build}/bench/plugins", "{build}/plugins"]
  instances:
    - {{id: wide, plugin: bench_wide, config: {{nodes: {nodes}}}}}
    - {{id: datasets, plugin: derived_dataset}}
    - {{id: still, plugin: bench_still}}
  routes:
    resource: {{default: {resource}}}
    test_backend: {{default: still}}
"""
MANIFEST = """\
apiVersion: dcp/v1
kind: DerivedDataset
metadata: {{name: m{number:05d}, namespace: lab}}
spec:
  description: one of many, with a query of some length
  sql: |
    SELECT f.carrier, f.origin, f.dest, p.seats, w.temp, {number} AS number
    FROM prod.nyc.flights f JOIN prod.nyc.planes p ON f.tailnum = p.tailnum JOIN prod.nyc.weather w ON f.origin = w.origin
    WHERE f.month = {number} % 12 AND f.dep_delay > {number} AND p.seats BETWEEN 10 AND 400
"""


def text_field(number, value):
    data = value.encode()
    assert len(data) < 128
    return bytes([number << 3 | 2, len(data)]) + data


class Daemon:
    def __init__(self, folder, nodes=1, resource="wide"):
        self.state = Path(folder) / "state"
        self.config = Path(folder) / "dcpd.yaml"
        build = Path(os.environ["PRETZEL_BIN"]).parent
        self.config.write_text(CONFIG.format(state=self.state, build=build, nodes=nodes, resource=resource))
        self.log = Path(folder) / "dcpd.log"
        self.environment = {**os.environ, "PRETZEL_ENDPOINT": f"unix:{self.state}/run/dcpd.sock",
                            "PRETZEL_TOKEN_FILE": str(self.state / "token"), "XDG_CONFIG_HOME": str(folder)}
        self.process = self.channel = None

    def start(self):
        """Answers for how long."""
        begin = time.perf_counter()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([PRETZEL.parent / "dcpd", "--config", self.config], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True)
        # A channel that once failed to connect waits a second before it tries again.
        while not self.listens():
            if self.process.poll() is not None or time.perf_counter() - begin > START_SECONDS:
                raise SystemExit(f"dcpd does not start:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.001)
        self.token = (self.state / "token").read_text().strip()
        self.channel = grpc.insecure_channel(f"unix:{self.state}/run/dcpd.sock", options=[("grpc.max_receive_message_length", -1)])
        self.call("System/WhoAmI")
        return time.perf_counter() - begin

    def listens(self):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(self.state / "run" / "dcpd.sock"))
            return True
        return False

    def stop(self, how=signal.SIGTERM):
        self.channel.close()
        self.process.send_signal(how)
        self.process.wait(60)

    def call(self, method, request=b""):
        ask = self.channel.unary_unary(f"/dcp.v1.{method}")
        return ask(request, metadata=[("authorization", f"Bearer {self.token}")], timeout=120)

    def cli(self, *arguments):
        done = subprocess.run([PRETZEL, *arguments], capture_output=True, text=True, env=self.environment, timeout=600)
        if done.returncode != 0:
            raise SystemExit(f"pretzel {' '.join(arguments)}: {done.returncode}\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}")
        return done

    def memory(self):
        """(now, at most since the last forgetting), in bytes."""
        lines = (Path("/proc") / str(self.process.pid) / "status").read_text().splitlines()
        sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.startswith(("VmRSS", "VmHWM"))}
        return sizes["VmRSS"], sizes["VmHWM"]

    def forget_most(self):
        (Path("/proc") / str(self.process.pid) / "clear_refs").write_text("5")

    def p50(self, method, request=b""):
        for _ in range(3):
            self.call(method, request)
        return p50([seconds(lambda: self.call(method, request)) for _ in range(ROUNDS)])


class History:
    """Rows as a daemon leaves them: a run of six nodes, each moved twice, with a report."""

    def __init__(self, state):
        self.sql = sqlite3.connect(state / "pretzel.db")
        self.sql.execute("PRAGMA synchronous = OFF")
        self.user = getpass.getuser()
        (self.begun,) = self.sql.execute("SELECT coalesce(max(ordinal), 0) FROM run").fetchone()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sql.commit()
        self.sql.execute("ANALYZE")
        self.sql.close()

    def run(self, index, report_bytes=2_000, nodes=6, command="test", job=None):
        at = int(time.time() * 1000)
        ordinal = self.begun = self.begun + 1
        run_id = f"r{ordinal:016x}"
        self.sql.execute("INSERT INTO run (id, ordinal, playground, generation, command, principal, team, environment, client_token, "
                         "state, "
                         "cancel_requested, created_at, finished_at, error_json, kept_bytes) VALUES (?, ?, ?, 1, ?, ?, '', '', ?, "
                         "'SUCCEEDED', 0, ?, ?, '', ?)",
                         (run_id, ordinal, f"p{index % 40}", command, self.user, run_id, at, at, report_bytes + 4_000))
        self.sql.execute("INSERT INTO run_body VALUES (?, 'report', ?)", (run_id, json.dumps({"kind": "TestReport", "status": "PASSED",
                         "body": {"rows": "x" * report_bytes}})))
        self.sql.executemany("INSERT INTO node VALUES (?, ?, ?, 0, ?, ?, '', ?, '', 0, 0, 'SUCCEEDED', 1, ?, ?, '', ?, '')", [
            (run_id, f"n{i}", i, "run_backend" if job else "resource", "Submit" if job else "Continue", f"node {i}", at, at,
             job(run_id, i) if job else "") for i in range(nodes)])
        self.sql.executemany("INSERT INTO run_transition VALUES (?, ?, ?, ?, ?, ?, '')", [
            (run_id, 2 * i + step, f"n{i}", at, "PENDING" if step == 1 else "RUNNING", "RUNNING" if step == 1 else "SUCCEEDED")
            for i in range(nodes) for step in (1, 2)])
        return run_id

    def usage(self):
        self.sql.execute("DELETE FROM run_usage")
        self.sql.execute("INSERT INTO run_usage SELECT principal, count(*), sum(kept_bytes) FROM run GROUP BY principal")

    def playground(self, index):
        at = int(time.time() * 1000)
        self.sql.execute("INSERT INTO playground VALUES (?, 1, ?, '', '', 'ACTIVE', ?, ?)", (f"q{index:06d}", self.user, at, at + 10**9))


def exponent(sizes, values):
    return math.log(max(values[-1], 1e-9) / max(values[0], 1e-9)) / math.log(sizes[-1] / sizes[0])


def tell(name, sizes, values, aim, unit="s"):
    print(f"    {name}: " + ", ".join(f"{size}: {value:.4g} {unit}" for size, value in zip(sizes, values)), file=sys.stderr)
    report(f"{name}_exponent", exponent(sizes, values), "exponent", aim=aim)


def runs(folder):
    figures = {name: [] for name in ("start", "start_after_kill", "run_list", "run_list_of_playground", "run_get", "playground_create",
                                     "gc_of_nothing")}
    memory = []
    daemon = Daemon(folder)
    daemon.start()
    daemon.stop()
    done = 0
    for count, playgrounds in zip(RUNS, PLAYGROUNDS):
        with History(daemon.state) as history:
            for index in range(done, count):
                newest = history.run(index)
            for index in range(done * PLAYGROUNDS[0] // RUNS[0], playgrounds):
                history.playground(index)
            history.usage()
        done = count
        figures["start"].append(min(stop_and(daemon) for _ in range(3)))
        daemon.start()
        daemon.stop(signal.SIGKILL)
        figures["start_after_kill"].append(daemon.start())
        daemon.stop()
        daemon.start()
        daemon.forget_most()
        before = daemon.memory()[1]
        figures["run_list"].append(daemon.p50("Runs/ListRuns"))
        figures["run_list_of_playground"].append(daemon.p50("Runs/ListRuns", text_field(1, "p7")))
        figures["run_get"].append(daemon.p50("Runs/GetRun", text_field(1, newest)))
        memory.append(max(daemon.memory()[1] - before, 1 << 20))
        names = iter(f"made-{count}-{i}" for i in range(10 * ROUNDS))
        figures["playground_create"].append(
            # Most of it is the disk's: more rounds than where nothing is written.
            p50([seconds(lambda: daemon.call("Playgrounds/CreatePlayground", text_field(1, next(names)))) for _ in range(5 * ROUNDS)]))
        figures["gc_of_nothing"].append(daemon.p50("System/Gc"))
        if count == RUNS[-1]:
            report("run_list_first_page_at_100000_runs", seconds(lambda: daemon.cli("run", "list")), "s", aim=0.050)
            report("daemon_start_at_100000_runs", figures["start"][-1], "s", aim=0.5)
            creates = sorted(seconds(lambda: daemon.call("Playgrounds/CreatePlayground", text_field(1, next(names)))) for _ in range(100))
            report("playground_create_p95_at_10000_playgrounds", creates[94], "s", aim=0.010)
        daemon.stop()
    for name, values in figures.items():
        tell(name, RUNS, values, LINEAR if name == "start_after_kill" else FLAT)
    tell("memory_of_lists", RUNS, [each / 1e6 for each in memory], FLAT, "MB")


def stop_and(daemon):
    took = daemon.start()
    daemon.stop()
    return took


def wide_reports(folder):
    times, memory, done = [], [], 0
    daemon = Daemon(folder)
    daemon.start()
    daemon.stop()
    for count in REPORTS:
        with History(daemon.state) as history:
            for index in range(done, count):
                history.run(index, WIDE_REPORT_BYTES, command="preview")
            history.usage()
        done = count
        daemon.start()
        daemon.forget_most()
        before = daemon.memory()[1]
        # Below a page every run is a part of the answer: by the run.
        times.append(daemon.p50("Runs/ListRuns") / min(count, 50))
        memory.append(max(daemon.memory()[1] - before, 1 << 20))
        daemon.stop()
    tell("run_list_of_wide_reports_a_run", REPORTS, times, FLAT)
    tell("memory_of_wide_reports", REPORTS, [each / 1e6 for each in memory], FLAT, "MB")


def logs(folder):
    times, done = [], 0
    daemon = Daemon(folder)
    daemon.start()
    daemon.stop()

    def job(run_id, index):
        directory = daemon.state / "jobs" / run_id / f"n{index}"
        (directory / "work").mkdir(parents=True)
        (directory / "work" / "output").write_text(f"words of {index}\n" * 20)
        return json.dumps({"step": "LAUNCHED", "kind": "RUN", "attempt": 1, "directory": str(directory), "idempotencyKey": "k",
                           "deadlineMs": 1, "handle": "", "stdoutFile": "output", "stderrFile": "output", "resultFile": "",
                           "stopGraceMs": 0, "stop": "", "stopAtMs": 0})

    for count in JOBS:
        with History(daemon.state) as history:
            run_id = history.run(done, nodes=count, command="run", job=job)
        done += 1
        daemon.start()
        answer = daemon.cli("run", "logs", run_id)
        if answer.stdout.count("words of") != 20 * count:
            raise SystemExit(f"logs of {count} jobs: {answer.stdout.count('words of')} lines")
        times.append(min(seconds(lambda: daemon.cli("run", "logs", run_id)) for _ in range(3)))
        daemon.stop()
    tell("run_logs_of_jobs", JOBS, times, LINEAR)


def watched_run(daemon, watchers):
    begin = time.perf_counter()
    run_id = start_run(daemon)
    with ThreadPoolExecutor(max(watchers, 1)) as pool:
        events = [pool.submit(watch, daemon, run_id) for _ in range(watchers)]
        if not watchers:
            while b"RUNNING" in (state := daemon.call("Runs/GetRun", text_field(1, run_id))[:200]) or b"PENDING" in state:
                time.sleep(0.05)
        counts = [each.result() for each in events]
    return time.perf_counter() - begin, counts


def start_run(daemon):
    # StartRunRequest{playground, command, manifests: [{path, content}]}
    file = text_field(1, "wide.yaml") + text_field(2, "kind: Wide\n")
    answer = daemon.call("Runs/StartRun", text_field(1, "wide") + text_field(2, "test") + bytes([3 << 3 | 2, len(file)]) + file)
    return answer[2:2 + answer[1]].decode()


def watch(daemon, run_id):
    ask = daemon.channel.unary_stream("/dcp.v1.Runs/WatchRun")
    return sum(1 for _ in ask(text_field(1, run_id), metadata=[("authorization", f"Bearer {daemon.token}")], timeout=600))


def watches(folder):
    alone, watched = [], []
    for count in NODES:
        here = Path(folder) / str(count)
        here.mkdir()
        daemon = Daemon(here, nodes=count)
        daemon.start()
        daemon.call("Playgrounds/CreatePlayground", text_field(1, "wide"))
        watched_run(daemon, 0)
        alone.append(min(watched_run(daemon, 0)[0] for _ in range(2)))
        took, counts = min(watched_run(daemon, WATCHERS) for _ in range(2))
        if min(counts) < 3 * count:
            raise SystemExit(f"a watcher of {count} nodes saw {min(counts)} events")
        watched.append(took)
        daemon.stop()
    tell("run_of_nodes", NODES, alone, LINEAR)
    tell("run_of_nodes_with_eight_watchers", NODES, watched, LINEAR)
    report("eight_watchers_of_2000_nodes_over_none", watched[-1], "s", baseline=alone[-1], aim=1.3)


def commands(folder):
    """`test` over a folder of manifests, with an engine that costs nothing: what is left is ours."""
    times, daemons, clients = [], [], []
    daemon = Daemon(folder, resource="datasets")
    daemon.start()
    daemon.call("Playgrounds/CreatePlayground", text_field(1, "many"))
    for count in MANIFESTS:
        manifests = Path(folder) / str(count)
        manifests.mkdir()
        for number in range(count):
            (manifests / f"m{number:05d}.yaml").write_text(MANIFEST.format(number=number))
        daemon.forget_most()
        with open(Path(folder) / f"{count}.out", "wb") as out, open(Path(folder) / f"{count}.err", "wb") as err:
            begin = time.perf_counter()
            command = subprocess.Popen([PRETZEL, "derived-dataset", "test", manifests, "--playground", "many"], env=daemon.environment,
                                       stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            _, status, usage = os.wait4(command.pid, 0)
            times.append(time.perf_counter() - begin)
        command.returncode = os.waitstatus_to_exitcode(status)
        end = (Path(folder) / f"{count}.out").read_text()[-300:]
        if command.returncode != 0 or f": {count:,} PASSED" not in end:
            raise SystemExit(f"{count} manifests: {command.returncode}\n{end}\n{(Path(folder) / f'{count}.err').read_text()[-2000:]}")
        progress = (Path(folder) / f"{count}.err").read_text().count(" manifests done")
        if progress < count // 200:
            raise SystemExit(f"{count} manifests moved the progress {progress} times")
        daemons.append(daemon.memory()[1])
        clients.append(usage.ru_maxrss * 1024)
    daemon.stop()
    tell("command_of_manifests", MANIFESTS, times, LINEAR)
    tell("command_of_manifests_memory_of_daemon", MANIFESTS, [each / 1e6 for each in daemons], FLAT, "MB")
    tell("command_of_manifests_memory_of_client", MANIFESTS, [each / 1e6 for each in clients], FLAT, "MB")
    report("command_of_10000_manifests", times[-1], "s")


def main():
    measures = {measure.__name__: measure for measure in (runs, wide_reports, logs, watches, commands)}
    for measure in [measures[name] for name in sys.argv[1:]] or measures.values():
        folder = tempfile.mkdtemp(prefix="pretzel_growth_")
        try:
            measure(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
