# SPDX-License-Identifier: Apache-2.0
#
# 1,000 switches of the `test` route between Spark Connect and batch, under 8 callers: no call fails
"""A writer rewrites the daemon's configuration and has it read again, in turn for either backend, while eight callers test
manifests without a pause. It ends when there were enough switches and each backend has served enough calls; the wait between two
switches is only as long as the reload itself, so most calls begin and end on different sides of several switches.

A call fails when `pretzel` ends with anything but 0. Which backend served it is in the daemon's store: a batch job leaves its record
at the node."""

import argparse
import contextlib
import json
import sqlite3
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import daemon as daemons  # noqa: E402

MANIFESTS = sorted((daemons.ROOT / "examples" / "flights").glob("*.yaml"))
ROUTE = "test_backend: {default: shared-test-cluster, batch: local-batch}"
BACKENDS = ("shared-test-cluster", "local-batch")


class Soak:
    def __init__(self, daemon, options):
        self.daemon = daemon
        self.options = options
        self.template = daemon.config.read_text()
        assert ROUTE in self.template, "the example configuration has another shape"
        self.failures = []
        self.switches = 0
        self.lock = threading.Lock()
        self.over = threading.Event()

    def served(self):
        """Calls that each backend has answered."""
        with contextlib.closing(sqlite3.connect(f"file:{self.daemon.state}/pretzel.db?mode=ro", uri=True, timeout=30)) as store:
            batch, all_of_them = store.execute(
                "SELECT count(*) FILTER (WHERE job_json <> ''), count(*) FROM node"
                " WHERE capability = 'test_backend' AND state = 'SUCCEEDED'").fetchone()
        return {"shared-test-cluster": all_of_them - batch, "local-batch": batch}

    def enough(self):
        return self.switches >= self.options.switches and min(self.served().values()) >= self.options.calls

    def call(self, caller):
        turn = caller
        while not self.over.is_set():
            manifest = MANIFESTS[turn % len(MANIFESTS)]
            turn += 1
            answer = self.daemon.cli("derived-dataset", "test", manifest, "-p", f"switch-{caller}", "-o", "json", check=False)
            with self.lock:
                if answer.returncode != 0:
                    self.failures.append({"exit": answer.returncode, "manifest": manifest.name,
                                          "stderr": answer.stderr[-2000:], "stdout": answer.stdout[-500:]})
                    self.over.set()
                    return

    def switch(self):
        backend = BACKENDS[(self.switches + 1) % len(BACKENDS)]
        fresh = self.daemon.config.with_suffix(".new")
        fresh.write_text(self.template.replace(ROUTE, f"test_backend: {{default: {backend}}}"))
        fresh.replace(self.daemon.config)
        self.daemon.cli("config", "reload")
        self.switches += 1

    def run(self):
        callers = [threading.Thread(target=self.call, args=(index,)) for index in range(self.options.callers)]
        for caller in callers:
            caller.start()
        end = time.monotonic() + self.options.minutes * 60
        while not self.over.is_set() and not self.enough() and time.monotonic() < end:
            self.switch()
            # Once there were enough, the rest waits for calls alone: more switches prove nothing new.
            self.over.wait(self.options.pause if self.switches < self.options.switches else 1.0)
            if self.switches % 100 == 0:
                print(json.dumps({"switches": self.switches, "served": self.served()}), flush=True)
        self.over.set()
        for caller in callers:
            caller.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--switches", type=int, default=1000)
    parser.add_argument("--calls", type=int, default=100, help="that each backend must have served (default 100)")
    parser.add_argument("--callers", type=int, default=8)
    parser.add_argument("--pause", type=float, default=0.3, help="seconds between two switches (default 0.3)")
    parser.add_argument("--minutes", type=float, default=60, help="give up then (default 60)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pretzel-soak-") as folder:
        config = Path(folder) / "dcpd.yaml"
        config.write_text(daemons.CONFIG.read_text())
        with daemons.running(folder, config=config) as daemon:
            daemon.load_flights()
            for index in range(options.callers):
                daemon.cli("playground", "create", f"switch-{index}", "--ttl", "12h")
                daemon.cli("derived-dataset", "apply", *MANIFESTS, "-p", f"switch-{index}")
            soak = Soak(daemon, options)
            soak.run()
            done = soak.enough() and not soak.failures
            print(json.dumps({"name": "route_switches", "switches": soak.switches, "served": soak.served(),
                              "failed": len(soak.failures), "met": done, "failures": soak.failures}))
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
