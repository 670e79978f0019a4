# SPDX-License-Identifier: Apache-2.0
"""Kills parts of a running stack, one at a time, as a crash would: SIGKILL to one process, no warning.

    killer.py --state DIRECTORY --stop FILE --report FILE [--seed N] [--pause SECONDS]

As a program it kills each kind once, in random order, in the stack that scripts/stack started, until --stop appears; what it
did goes into --report. A kind that is not there yet (a job's driver before there is a job) gets its turn later.
"""

import argparse
import collections
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import history  # noqa: E402
from inner_daemon import daemons, kill, until  # noqa: E402

INSTANCES = ["derived-dataset", "local-batch", "shared-test-cluster"]
SERVICES = ["spark-connect", "production-catalog", "overlay-catalog"]
KINDS = ["daemon", "launcher", "driver", *(f"worker {name}" for name in INSTANCES), *SERVICES]
READY_SECONDS = 240
POLL_SECONDS = 0.1


class Killer:
    """Of one stack: a daemons.Daemon, or something that has its methods."""

    def __init__(self, stack, dice):
        self.stack, self.dice = stack, dice
        self.kills = collections.Counter()
        self.healed = collections.Counter()

    def status(self):
        answer = self.stack.cli("status", "-o", "json", check=False)
        try:
            return json.loads(answer.stdout)
        except ValueError:
            return {"services": [], "plugins": []}

    def pids(self, kind):
        """Processes of that kind that live now."""
        if kind == "daemon":
            return [self.stack.pid()]
        if kind in ("launcher", "driver"):
            found = history.processes_naming(str(self.stack.state / "jobs"))
            launchers = [pid for pid, words in found.items() if words.split()[0].endswith("dcp-launch")]
            drivers = [pid for pid, words in found.items() if "org.apache.spark.deploy.SparkSubmit" in words]
            return launchers if kind == "launcher" else drivers
        status = self.status()
        if kind.startswith("worker "):
            found = [plugin for plugin in status["plugins"] if plugin["instance"] == kind.removeprefix("worker ")]
        else:
            found = [service for service in status["services"] if service["name"] == kind]
        return [int(part["pid"]) for part in found if int(part.get("pid") or 0) > 0]

    def strike(self, kind):
        """Whether there was something to kill. The daemon is started again by us, as an init system would."""
        pids = [pid for pid in self.pids(kind) if pid]
        if not pids or not kill(self.dice.choice(pids)):
            return False
        self.kills[kind] += 1
        if kind == "daemon":
            self.stack.revive()
        return True

    def heal(self):
        """What an operator does with a part that was killed too often: starts it again."""
        status = self.status()
        for part in [*status["services"], *status["plugins"]]:
            name = part.get("name") or part["instance"]
            if part["state"] == "FAILED":
                self.healed[name] += 1
                self.stack.cli("service", "restart", name, check=False)

    def await_well(self):
        def well():
            self.heal()
            status = self.status()
            parts = [*status["services"], *status["plugins"]]
            return parts and all(part["state"] == "READY" for part in parts)
        until(well, "every part", READY_SECONDS)


class Chaotic(daemons.Daemon):
    """A stack of our own."""

    def pid(self):
        return self.process.pid

    def revive(self):
        self.process.wait()
        self.start()


class Scripted(daemons.Daemon):
    """The stack that scripts/stack started."""

    def __init__(self, state):
        super().__init__(Path(state).parent)
        self.state = Path(state)

    def pid(self):
        text = self.state / "run" / "dcpd.pid"
        return int(text.read_text().split()[0]) if text.exists() else None

    def revive(self):
        subprocess.run([daemons.ROOT / "scripts" / "stack", "up", "--no-setup", "--no-data"], check=True,
                       env={**os.environ, "PRETZEL_STATE": str(self.state)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--state", required=True)
    parser.add_argument("--stop", required=True, type=Path)
    parser.add_argument("--report", required=True, type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pause", type=float, default=3.0)
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the demo's own end says when
    dice = random.Random(arguments.seed)
    killer = Killer(Scripted(arguments.state), dice)
    waiting = dice.sample(KINDS, len(KINDS))
    due = time.monotonic() + arguments.pause
    while not arguments.stop.exists():
        time.sleep(POLL_SECONDS)
        if time.monotonic() < due:
            continue
        killer.heal()
        for kind in list(waiting):
            if killer.strike(kind):
                waiting.remove(kind)
                due = time.monotonic() + arguments.pause
                print(f"    (killed: {kind})", file=sys.stderr, flush=True)
                break
        arguments.report.write_text(json.dumps({"kills": killer.kills, "healed": killer.healed, "waiting": waiting}))
    killer.await_well()


if __name__ == "__main__":
    main()
