# SPDX-License-Identifier: Apache-2.0
"""Rounds of random kills under clients that apply, test and run; after each round every history and every table is checked.

    chaos.py [--minutes N] [--seed S] [--clients N] [--json FILE]
"""

import argparse
import collections
import json
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import history  # noqa: E402
from killer import KINDS, Chaotic, Killer  # noqa: E402
from inner_daemon import end_tidily_on_sigterm, until  # noqa: E402

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
ROUND_SECONDS = 60
PAUSE_SECONDS = (1.0, 6.0)
SETTLE_SECONDS = 300
# The daemon's death takes the servers with it, so it is drawn less often than its parts.
WEIGHTS = {"daemon": 2, "launcher": 4, "driver": 4, "worker derived-dataset": 2, "worker local-batch": 3,
           "worker shared-test-cluster": 2, "spark-connect": 2, "production-catalog": 2, "overlay-catalog": 2}
# What a client may be told while things are killed under it: nothing wrong, conflict with its own earlier try, unavailable, failed.
TOLERATED = {0, 5, 6, 7}


class Client(threading.Thread):
    """Walks the path again and again until the round is over, then until it has been right once."""

    def __init__(self, stack, name, manifest, over):
        super().__init__(daemon=True)
        self.stack, self.playground, self.manifest, self.over = stack, name, manifest, over
        self.outcomes = collections.Counter()
        self.violations = []

    def call(self, *words):
        try:
            answer = self.stack.cli(*words, "--playground", self.playground, check=False)
        except Exception as error:
            self.violations.append(f"pretzel {' '.join(map(str, words))}: {error}")
            return False
        self.outcomes[f"{words[1]} {answer.returncode}"] += 1
        if answer.returncode not in TOLERATED:
            said = answer.stderr[-600:] + answer.stdout[-600:]
            self.violations.append(f"pretzel {' '.join(map(str, words))}: {answer.returncode}: {said}")
        return answer.returncode == 0

    def create(self):
        answer = self.stack.cli("playground", "create", self.playground, "--ttl", "2h", check=False)
        return answer.returncode == 0 or "PZ0303" in answer.stderr

    def path(self):
        return (self.call("derived-dataset", "apply", self.manifest) and self.call("derived-dataset", "test", self.manifest)
                and self.call("derived-dataset", "run", self.manifest, "--wait"))

    def run(self):
        end = time.monotonic() + ROUND_SECONDS + SETTLE_SECONDS
        until(self.create, "a playground", ROUND_SECONDS + SETTLE_SECONDS)
        while time.monotonic() < end:
            if self.path() and self.over.is_set():
                return
        self.violations.append(f"client {self.playground} was not right once within {SETTLE_SECONDS} s after the kills")


class Chaos:
    def __init__(self, stack, seed, clients):
        self.stack, self.clients = stack, clients
        self.dice = random.Random(seed)
        self.killer = Killer(stack, self.dice)
        self.outcomes = collections.Counter()
        self.violations = []
        self.rounds = 0
        self.manifest = stack.folder / "survivors.yaml"
        self.manifest.write_text(MANIFEST)

    def oracle(self):
        """The rows that the query must have, from production by another engine."""
        production = self.stack.upstream("production-catalog")
        carriers = production.load_table("nyc.flights").scan(selected_fields=("carrier",)).to_arrow()["carrier"].unique().to_pylist()
        named = production.load_table("nyc.airlines").scan(selected_fields=("carrier",)).to_arrow()["carrier"].to_pylist()
        self.expected = len(set(carriers) & set(named))

    def round(self):
        self.rounds += 1
        over = threading.Event()
        clients = [Client(self.stack, f"chaos-{self.rounds}-{number}", self.manifest, over) for number in range(self.clients)]
        for client in clients:
            client.start()
        end = time.monotonic() + ROUND_SECONDS
        while time.monotonic() < end:
            time.sleep(self.dice.uniform(*PAUSE_SECONDS))
            self.killer.strike(self.dice.choices(KINDS, [WEIGHTS[kind] for kind in KINDS])[0])
            self.killer.heal()
        over.set()
        self.killer.await_well()
        for client in clients:
            client.join()
            self.violations += client.violations
            self.outcomes += client.outcomes
        self.check([client.playground for client in clients])

    def check(self, playgrounds):
        database = self.stack.state / "pretzel.db"
        unfinished = "SELECT count(*) FROM run WHERE state IN ('PENDING', 'RUNNING')"
        until(lambda: history.rows(database, unfinished)[0][0] == 0, "every run's end", SETTLE_SECONDS)
        found = history.check_store(database) + history.check_jobs(self.stack.state)
        for playground in playgrounds:
            query = "SELECT id, state FROM run WHERE playground = ? AND command = 'run' ORDER BY ordinal"
            runs = {run["id"]: run["state"] for run in history.rows(database, query, playground)}
            self.outcomes.update(f"run ended {state}" for state in runs.values())
            table = self.stack.playground(playground).load_table("lab.survivors")
            found += history.check_table(table, runs, self.expected)
        try:
            until(lambda: not history.processes_naming(str(self.stack.state / "jobs")), "the jobs' end", 30)
        except TimeoutError:
            found.append(f"processes of jobs are left: {history.processes_naming(str(self.stack.state / 'jobs'))}")
        for playground in playgrounds:
            self.stack.cli("playground", "delete", playground, "--yes", "--wait")
        left = [path.name for path in (self.stack.state / "jobs").iterdir()]
        left += [path.name for path in (self.stack.state / "overlay" / "warehouse" / "pg").iterdir()]
        if left:
            found.append(f"playgrounds are gone, their folders are not: {left}")
        self.violations += found
        kills = sum(self.killer.kills.values())
        print(f"==> round {self.rounds}: {kills} kills so far, {len(found)} violations", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 10**6))
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    end_tidily_on_sigterm()
    print(f"==> seed {arguments.seed}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="pretzel-chaos-") as folder:
        stack = Chaotic(folder)
        try:
            stack.start()
            stack.load_flights()
            production = stack.listing("production-catalog")
            chaos = Chaos(stack, arguments.seed, arguments.clients)
            chaos.oracle()
            end = time.monotonic() + arguments.minutes * 60
            while time.monotonic() < end:
                chaos.round()
            if stack.listing("production-catalog") != production:
                chaos.violations.append("production has changed")
        finally:
            stack.stop()
    result = {"seed": arguments.seed, "rounds": chaos.rounds, "kills": dict(chaos.killer.kills),
              "restarted by hand": dict(chaos.killer.healed), "outcomes": dict(sorted(chaos.outcomes.items())),
              "violations": chaos.violations}
    print(json.dumps(result, indent=1))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(result, indent=1))
    return 1 if chaos.violations else 0


if __name__ == "__main__":
    sys.exit(main())
