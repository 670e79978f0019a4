# SPDX-License-Identifier: Apache-2.0
"""The crash walk: for each crash point a fresh daemon that dies there, a second one that finds what the first left, and a check.

    walk.py [--spark] [--writes] [--points REGEX] [--sample N --seed S] [--json FILE]

A point that the small path does not pass is a failure: a point nobody can reach guards nothing.
"""

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import history  # noqa: E402
import inner_daemon  # noqa: E402
from scenario import Scenario  # noqa: E402
from inner_daemon import until  # noqa: E402

# What the path needs beyond create, extend, apply, run, delete to pass the points of these names.
PARTS = [
    (re.compile(r"job\.retry\."), {"retry"}),
    (re.compile(r"node\.again\."), {"again"}),
    (re.compile(r"run\.cancel\.|job\.stop\.|job\.cancelled\."), {"cancel"}),
    (re.compile(r"run\.resume\."), {"restart"}),
]
# Points that every write passes: walked over their counts with --writes.
EVERY_WRITE = ["store.write.before_commit", "store.write.after_commit"]
WRITES_MAX = 200  # the path makes about forty; without an end the walk would never know that it has seen all
STOP_SECONDS = 60


def points():
    answer = subprocess.run([inner_daemon.daemons.BIN / "dcpd", "--crash-points"], capture_output=True, text=True, check=True)
    return [line.split("\t")[0] for line in answer.stdout.splitlines()]


def parts_of(point):
    return next((parts for pattern, parts in PARTS if pattern.match(point)), set())


class Walk:
    def __init__(self, servers, folder):
        self.servers, self.folder = servers, Path(folder)
        self.count = 0
        self.results = []

    def visit(self, point):
        """One point, from an empty state folder to the last check."""
        self.count += 1
        started = time.monotonic()
        daemon = self.servers.inner(self.folder / f"walk-{self.count}")
        witness = daemon.folder / "died"
        result = {"point": point, "died": False, "step": "", "violations": []}
        parts = set(parts_of(point)) | ({"test"} if self.servers.spark else set())
        try:
            scenario = Scenario(daemon, parts)
            self.live(daemon, scenario, point, witness, result)
            result["violations"] += scenario.violations
            result["violations"] += self.after(daemon, scenario)
        except Exception as error:
            result["violations"].append(f"{type(error).__name__}: {error}")
            if not daemon.dead():
                daemon.kill()
        result["died"] = witness.exists()
        result["seconds"] = round(time.monotonic() - started, 1)
        self.results.append(result)
        return result

    def live(self, daemon, scenario, point, witness, result):
        """The daemon is armed, and whoever finds it dead starts it again."""
        if "restart" in scenario.parts:
            daemon.rearm = lambda: (daemon.arm(point, witness), daemon.process.kill())
        else:
            daemon.arm(point, witness)
        daemon.spawn()
        with inner_daemon.Reviver(daemon, witness) as reviver:
            try:
                scenario.walk(reviver)
            finally:
                result["step"] = reviver.died_in

    def after(self, daemon, scenario):
        """What must be true when all is done and the daemon has stopped."""
        daemon.process.terminate()
        code = daemon.process.wait(STOP_SECONDS)
        found = [] if code == 0 else [f"dcpd ended with {code} on SIGTERM"]
        found += history.check_store(daemon.database)
        found += history.check_jobs(daemon.state)
        left = [str(path.relative_to(daemon.state)) for path in (daemon.state / "jobs").rglob("*")]
        if left:
            found.append(f"the playground is gone, its jobs' folders are not: {left}")
        warehouse = self.servers.outer.state / "overlay" / "warehouse" / "pg"
        left = [path.name for path in warehouse.glob(f"{scenario.playground}-*")] if warehouse.exists() else []
        if left:
            found.append(f"the playground is gone, its files are not: {left}")
        left = [name for name in self.servers.outer.upstream("overlay-catalog").list_namespaces() if scenario.playground in ".".join(name)]
        if left:
            found.append(f"the playground is gone, its namespaces are not: {left}")
        try:
            until(lambda: not history.processes_naming(str(daemon.folder) + "/"), "the end of all it started", 10)
        except TimeoutError:
            found.append(f"processes are left: {history.processes_naming(str(daemon.folder) + '/')}")
        return found


def report(results, out=sys.stdout):
    width = max(len(result["point"]) for result in results) + 2
    for result in results:
        words = "ok" if result["died"] and not result["violations"] else "NOT REACHED" if not result["died"] else "VIOLATED"
        print(f"{result['point']:{width}}{result['step'] or '-':8}{result['seconds']:6.1f} s  {words}", file=out)
        for violation in result["violations"]:
            print(f"    {violation}", file=out)
    bad = [result for result in results if not result["died"] or result["violations"]]
    print(f"{len(results)} points walked, {sum(result['died'] for result in results)} reached, "
          f"{len(bad)} with a fault, {sum(len(result['violations']) for result in results)} violations", file=out)
    return bad


def walk_writes(walk, name):
    """Dies at the first passing of `name`, the second, and so on, until the path is through without a death."""
    for number in range(1, WRITES_MAX + 1):
        result = walk.visit(f"{name}:{number}")
        if not result["died"] and not result["violations"]:
            walk.results.pop()  # the end of the walk, no point
            return
        show(result)


def show(result):
    state = "ok" if result["died"] and not result["violations"] else "FAULT"
    print(f"==> {result['point']} ({result['step'] or 'not under a step'}): {state}, {result['seconds']} s", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spark", action="store_true", help="real Spark for test and run; without, a light program writes the tables")
    parser.add_argument("--writes", action="store_true", help="also die around every single write of the store")
    parser.add_argument("--points", default="", metavar="REGEX", help="only those points")
    parser.add_argument("--sample", type=int, metavar="N", help="so many points, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", metavar="FILE", help="write the results there")
    parser.add_argument("--keep", metavar="DIRECTORY", help="work there and leave it")
    arguments = parser.parse_args()
    inner_daemon.end_tidily_on_sigterm()
    chosen = [point for point in points() if re.search(arguments.points, point)]
    if not chosen:
        parser.error(f"no crash point matches {arguments.points}; `dcpd --crash-points` lists them")
    if arguments.sample:
        chosen = random.Random(arguments.seed).sample(chosen, min(arguments.sample, len(chosen)))
        print(f"==> seed {arguments.seed}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="pretzel-walk-") as temporary:
        folder = Path(arguments.keep or temporary)
        with inner_daemon.Servers(folder / "servers", spark=arguments.spark) as servers:
            walk = Walk(servers, folder)
            for point in chosen:
                show(walk.visit(point))
            for name in EVERY_WRITE if arguments.writes else []:
                walk_writes(walk, name)
    bad = report(walk.results)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"seed": arguments.seed, "spark": arguments.spark, "results": walk.results}, indent=1))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
