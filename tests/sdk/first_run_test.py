# SPDX-License-Identifier: Apache-2.0
"""The tutorial's last step: a backend from the template, put into a running daemon that knew no run backend, does a run. Real
catalogs and a job that writes an Iceberg table; no Spark, since the manifest declares its columns.
"""

import pathlib
import shlex
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
import daemon as daemons  # noqa: E402

ROWS = 5
MANIFEST = f"""\
apiVersion: dcp/v1
kind: DerivedDataset
metadata: {{name: numbers, namespace: lab}}
spec:
  sql: SELECT id FROM range({ROWS})
  schema:
    columns: [{{name: id, type: bigint}}]
"""
# What a person would put behind `command`: reads the job, writes the table, leaves the result.
JOB = """\
import json, os
import pyarrow
from pyiceberg.catalog import load_catalog
with open(os.environ["JOB_FILE"]) as file:
    job = json.load(file)
mount = job["mounts"][0]
name = job["table"].partition(".")[2]
rows = int(job["sql"].partition("range(")[2].partition(")")[0])
catalog = load_catalog(mount["name"], **{
    "type": "rest", "uri": mount["uri"], "header.x-pretzel-token": mount["token"],
    "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
})
table = catalog.load_table(name)
table.append(pyarrow.table({"id": list(range(rows))}), snapshot_properties={"pretzel.run-id": job["runId"]})
with open(os.environ["RESULT_FILE"], "w") as file:
    json.dump({"rows": rows, "snapshotId": str(table.refresh().current_snapshot().snapshot_id)}, file)
print("wrote", rows)
"""


def configuration(folder, instance="", route=""):
    """The example's, less Spark and its plugins."""
    text = daemons.CONFIG.read_text()
    text = text.split("  # The shared test server.")[0]
    head, _, rest = text.partition("plugins:\n")
    rest = rest.partition("services:\n")[2]
    plugins = f"""\
plugins:
  directories: ["${{bin_dir}}/../plugins", "{folder}"]
  instances:
    - {{id: derived-dataset, plugin: derived_dataset}}
{instance}  routes:
    resource: {{default: derived-dataset}}
{route}
services:
"""
    return head + plugins + rest


def build(folder):
    """The template in C, built against the installed SDK; the plugin's file."""
    sdk = folder / "sdk"
    subprocess.run(["cmake", "--install", daemons.BIN.parent, "--component", "sdk", "--prefix", sdk], check=True, capture_output=True)
    environment = {"PATH": f"{sdk}/bin:/usr/bin:/bin", "HOME": str(folder), "PKG_CONFIG_PATH": f"{sdk}/lib/pkgconfig"}
    new = ["pretzel", "plugin", "new", "own", "--kind", "run_backend", "--lang", "c"]
    subprocess.run(new, cwd=folder, env=environment, check=True, capture_output=True)
    subprocess.run(["make", "-C", "own"], cwd=folder, env=environment, check=True, capture_output=True)
    return folder / "own" / "own.so"


def test_a_backend_of_ones_own_does_a_run(tmp_path):
    plugin = build(tmp_path)
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    job = tmp_path / "job.py"
    job.write_text(JOB)
    config = tmp_path / "dcpd.yaml"
    config.write_text(configuration(plugins))
    manifest = tmp_path / "numbers.yaml"
    manifest.write_text(MANIFEST)
    with daemons.running(tmp_path / "daemon", config=config) as daemon:
        shutil.copy(plugin, plugins)
        command = f"exec {shlex.quote(str(daemons.PYTHON))} {shlex.quote(str(job))}"
        instance = f"    - {{id: own, plugin: own, config: {{command: \"{command}\"}}}}\n"
        config.write_text(configuration(plugins, instance, "    run_backend: {default: own}\n"))
        daemon.cli("config", "reload")
        assert daemon.plugin("own")["state"] == "READY"
        daemon.cli("playground", "create", "mine", "--ttl", "1h")
        daemon.cli("apply", manifest, "-p", "mine")
        report = daemon.json("run", manifest, "-p", "mine", "--wait")
        assert report["status"] == "SUCCEEDED", report
        [dataset] = report["datasets"]
        table = daemon.playground("mine").load_table("lab.numbers")
        assert table.scan().to_arrow()["id"].to_pylist() == list(range(ROWS))
        assert dataset["rows"] == ROWS and dataset["snapshotId"] == str(table.current_snapshot().snapshot_id)
        assert f"wrote {ROWS}" in daemon.cli("run", "logs", report["runId"], "-p", "mine").stdout
        job.write_text("raise SystemExit('out of paper')\n")
        failed = daemon.json("run", manifest, "-p", "mine", "--wait", check=False)
        assert failed["status"] == "FAILED" and "ended with 1" in str(failed), failed
