# SPDX-License-Identifier: Apache-2.0
#
# 500 `test` calls on one shared server: its heap after collection, its threads and its sockets stop growing
"""Server retention is set low and sessions rotate, so that what a call leaves behind shows within the run instead of hiding behind
caches that are still filling. Recycling is off: the server must stand on its own. Samples follow a full collection.

The figures between call 200 and call 500 are judged as a trend: the least-squares line over the samples, so that neither a lucky
first nor an unlucky last sample decides. A trend within the bound over the whole span is level; a leak of 20 KiB a call is not."""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import daemon as daemons  # noqa: E402

MANIFESTS = sorted((daemons.ROOT / "examples" / "flights").glob("*.yaml"))
FIRST_JUDGED = 200
SAMPLE_EVERY = 25
PLAYGROUNDS = 12  # more than sessions are kept, so that nearly every call opens one and closes another
SESSIONS = 4
# Two collections differ by up to 5 MiB in what they leave; a trend beyond that is growth.
HEAP_BOUND_MIB = 5.0
THREADS_BOUND = 3.0
SOCKETS_BOUND = 2.0

# Everything that a Spark server remembers of the past, by count.
RETENTION = {
    "spark.ui.retainedJobs": 10, "spark.ui.retainedStages": 10, "spark.ui.retainedTasks": 100, "spark.sql.ui.retainedExecutions": 10,
    "spark.sql.connect.ui.retainedSessions": 4, "spark.sql.connect.ui.retainedStatements": 10,
    "spark.connect.session.manager.closedSessionsTombstonesSize": 10, "spark.connect.execute.manager.abandonedTombstonesSize": 10,
    "spark.ui.dagGraph.retainedRootRDDs": 10, "spark.cleaner.periodicGC.interval": "1min",
}


def configuration(folder):
    text = daemons.CONFIG.read_text()
    text = text.replace("recycle: {service: spark-connect, after_sessions: 500}", "")
    text = text.replace("token: ${secret.spark-connect}\n", f"token: ${{secret.spark-connect}}\n        sessionsMax: {SESSIONS}\n")
    retained = "".join(f"          {key} {value}\n" for key, value in RETENTION.items())
    text = text.replace("        content: |\n", f"        content: |\n{retained}")
    # jcmd asks a JVM through a Unix socket, which a confined one cannot open.
    head, _, tail = text.rpartition("    sandbox:\n")
    text = head + tail[tail.index("    ready:"):]
    for changed in ("sessionsMax", "retainedExecutions"):
        assert changed in text, f"the example configuration has another shape: {changed} found no place"
    assert "recycle:" not in text
    path = Path(folder) / "dcpd.yaml"
    path.write_text(text)
    return path


class Server:
    def __init__(self, pid):
        self.pid = pid

    def sample(self, call):
        # Twice: what the first collection finalises is free after the second.
        for _ in range(2):
            subprocess.run(["jcmd", str(self.pid), "GC.run"], check=True, capture_output=True, timeout=60)
        told = subprocess.run(["jcmd", str(self.pid), "GC.heap_info"], check=True, capture_output=True, text=True, timeout=60).stdout
        # One line of a collector's heap, or one for each generation.
        used = re.findall(r"^ *(?:garbage-first heap|.* generation|PSYoungGen|ParOldGen) .*used (\d+)K", told, re.MULTILINE)
        assert used, f"jcmd GC.heap_info says something else now: {told}"
        heap = sum(map(int, used)) / 1024
        metaspace = int(re.search(r"Metaspace\s+used (\d+)K", told).group(1)) / 1024
        status = Path(f"/proc/{self.pid}/status").read_text()
        threads = int(next(line.split()[1] for line in status.splitlines() if line.startswith("Threads:")))
        rss = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))) / 1024
        found = {"call": call, "heap_mib": round(heap, 2), "metaspace_mib": round(metaspace, 2), "threads": threads,
                 "sockets": self.sockets(), "rss_mib": round(rss)}
        print(json.dumps(found), flush=True)
        return found

    def sockets(self):
        count = 0
        for entry in Path(f"/proc/{self.pid}/fd").iterdir():
            try:
                count += os.readlink(entry).startswith("socket:")
            except FileNotFoundError:
                continue
        return count


def growth(samples, key):
    """Of the least-squares line, from the first sample to the last."""
    calls = [sample["call"] for sample in samples]
    values = [sample[key] for sample in samples]
    mean_call, mean_value = sum(calls) / len(calls), sum(values) / len(values)
    spread = sum((call - mean_call) ** 2 for call in calls)
    slope = sum((call - mean_call) * (value - mean_value) for call, value in zip(calls, values)) / spread
    return slope * (calls[-1] - calls[0])


def run(daemon, calls):
    daemon.load_flights()
    for index in range(PLAYGROUNDS):
        daemon.cli("playground", "create", f"soak-{index}", "--ttl", "12h")
        daemon.cli("derived-dataset", "apply", *MANIFESTS, "-p", f"soak-{index}")
    server = Server(int(daemon.service("spark-connect")["pid"]))
    samples = [server.sample(0)]
    for call in range(1, calls + 1):
        manifest = MANIFESTS[call % len(MANIFESTS)]
        daemon.cli("derived-dataset", "test", manifest, "-p", f"soak-{call % PLAYGROUNDS}")
        if call % SAMPLE_EVERY == 0:
            samples.append(server.sample(call))
    assert int(daemon.service("spark-connect")["pid"]) == server.pid, "the server was restarted meanwhile"
    return samples


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=500)
    options = parser.parse_args()
    if options.calls < FIRST_JUDGED + 4 * SAMPLE_EVERY:
        parser.error(f"--calls: at least {FIRST_JUDGED + 4 * SAMPLE_EVERY}, for a trend after call {FIRST_JUDGED}")
    with tempfile.TemporaryDirectory(prefix="pretzel-soak-") as folder:
        with daemons.running(folder, config=configuration(folder)) as daemon:
            samples = [sample for sample in run(daemon, options.calls) if sample["call"] >= FIRST_JUDGED]
    grew = False
    for key, bound in (("heap_mib", HEAP_BOUND_MIB), ("threads", THREADS_BOUND), ("sockets", SOCKETS_BOUND)):
        found = growth(samples, key)
        grew = grew or found > bound
        print(json.dumps({"name": f"test_server_{key}_growth", "value": round(found, 2), "from_call": samples[0]["call"],
                          "to_call": samples[-1]["call"], "bound": bound, "met": found <= bound}))
    return 1 if grew else 0


if __name__ == "__main__":
    sys.exit(main())
