# SPDX-License-Identifier: Apache-2.0
#
# `pretzel derived-dataset test` of an example as a batch job (route `batch`), beside the same over Spark Connect
"""Both in the same running stack, interleaved, each timed as a whole process from exec to exit. The stack needs a named route
`batch` of test_backend that leads to an instance of spark_runner; what the two find must be the same, or the bench fails."""

import json
import os
import tempfile
from pathlib import Path

from _common import ROOT, p50, pretzel, report, seconds

MANIFEST = ROOT / "examples" / "flights" / "daily_carrier_delays.yaml"
WARM_UP = 3
ROUNDS = 7
# What the user's note expects of a batch test on a warm cluster, and what it asks of `test` at all.
BATCH_AIM_SECONDS = 60


def batch_manifest(folder):
    """The example with `runtime: {test: batch}`."""
    text = MANIFEST.read_text()
    path = Path(folder) / MANIFEST.name
    path.write_text(text.replace("spec:\n", "spec:\n  runtime: {test: batch}\n", 1))
    return path


def columns(manifest, name):
    answer = json.loads(pretzel("derived-dataset", "test", manifest, "-p", name, "-o", "json").stdout)
    return [dataset["columns"] for dataset in answer["datasets"]]


def main():
    name = f"option-a-{os.getpid()}"
    pretzel("playground", "create", name, "--ttl", "1h")
    with tempfile.TemporaryDirectory() as folder:
        batch = batch_manifest(folder)
        for _ in range(WARM_UP):
            pretzel("derived-dataset", "test", MANIFEST, "-p", name)
        if columns(MANIFEST, name) != columns(batch, name):
            raise SystemExit("the two backends do not find the same")
        ours, connect = [], []
        for _ in range(ROUNDS):
            ours.append(seconds(lambda: pretzel("derived-dataset", "test", batch, "-p", name)))
            connect.append(seconds(lambda: pretzel("derived-dataset", "test", MANIFEST, "-p", name)))
    report("test_batch_p50", p50(ours), "s", aim=BATCH_AIM_SECONDS)
    report("test_batch_max", max(ours), "s")
    report("test_connect_p50", p50(connect), "s")
    report("test_batch_over_connect", p50(ours), "s", baseline=p50(connect))
    pretzel("playground", "delete", name, "--yes", "--no-wait", check=False)


main()
