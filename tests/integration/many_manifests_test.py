# SPDX-License-Identifier: Apache-2.0
"""One command over more manifests than one run takes: the real command line, daemon and resource plugin; the engine answers at once."""

import json
import os
import signal
import subprocess
import time

import pytest
from daemon import BIN, Daemon

MANIFEST = "apiVersion: dcp/v1\nkind: DerivedDataset\nmetadata: {{name: m{number:05d}, namespace: lab}}\nspec:\n  sql: |\n    {sql}\n"
CONFIG = """\
state_dir: {state}
catalog:
  production: {{uri: "http://127.0.0.1:9", secret: none}}
  overlay: {{uri: "http://127.0.0.1:9", secret: none, warehouse: "file://{state}/warehouse"}}
plugins:
  directories: ["{build}/plugins", "{build}/bench/plugins"]
  instances:
    - {{id: datasets, plugin: derived_dataset}}
    - {{id: still, plugin: bench_still}}
  routes:
    resource: {{default: datasets}}
    test_backend: {{default: still}}
"""


@pytest.fixture(scope="module")
def light(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    config = folder / "dcpd.yaml"
    config.write_text(CONFIG.format(state=folder / "state", build=BIN.parent))
    daemon = Daemon(folder, config)
    daemon.start()
    daemon.cli("playground", "create", "many")
    yield daemon
    daemon.stop()


def write(folder, count, sql=lambda number: f"SELECT {number} AS a"):
    folder.mkdir()
    for number in range(count):
        (folder / f"m{number:05d}.yaml").write_text(MANIFEST.format(number=number, sql=sql(number)))
    return folder


def runs(light):
    return light.json("run", "list")["items"]


def test_hundreds_are_one_answer(light, tmp_path):
    folder = write(tmp_path / "all", 600, lambda number: "SELECT no_such_column" if number == 377 else "SELECT 1 AS a")
    answer = light.cli("derived-dataset", "test", folder, "-o", "json", check=False)
    assert answer.returncode == 1, answer.stderr
    document = json.loads(answer.stdout)
    assert (document["kind"], document["status"], document["manifests"], document["runs"]) == ("Reports", "FAILED", 600, 3)
    assert document["datasets"] == {"FAILED": 1, "PASSED": 599} and document["manifestsLeft"] == 0
    names = [dataset["name"] for report in document["reports"] for dataset in report["datasets"]]
    assert names == [f"lab.m{number:05d}" for number in range(600)]
    (finding,) = [finding for report in document["reports"] for finding in report["findings"]]
    # The engine named no place: the finding stands where the query begins.
    assert finding["location"] == {"file": str(folder / "m00377.yaml"), "line": 6, "column": 5}
    assert all(report["receipt"]["commits"] == 0 for report in document["reports"])
    assert [line for line in answer.stderr.splitlines() if "of 600 manifests done" in line][-1].startswith("  600 of")
    assert {report["runId"] for report in document["reports"]} <= {run["runId"] for run in runs(light)}


def test_the_same_token_finds_the_runs_and_a_change_makes_one(light, tmp_path):
    folder = write(tmp_path / "all", 450)
    first = light.json("test", folder, "--client-token", "again")
    assert light.json("test", folder, "--client-token", "again")["reports"] == first["reports"]
    (folder / "m00000.yaml").write_text(MANIFEST.format(number=0, sql="SELECT 2 AS a"))
    third = light.json("test", folder, "--client-token", "again")
    ids = [[report["runId"] for report in document["reports"]] for document in (first, third)]
    assert ids[0][1:] == ids[1][1:] and ids[0][0] != ids[1][0]


def test_what_is_wrong_in_pieces_is_said_as_in_one(light, tmp_path):
    folder = write(tmp_path / "all", 300)
    # Two of one name, and two that read each other, far apart.
    (folder / "m00299.yaml").write_text(MANIFEST.format(number=0, sql="SELECT 1 AS a"))
    (folder / "m00001.yaml").write_text(MANIFEST.format(number=1, sql="SELECT a FROM prod.lab.m00298"))
    (folder / "m00298.yaml").write_text(MANIFEST.format(number=298, sql="SELECT a FROM lab.m00001"))
    answer = light.cli("test", folder, check=False)
    assert answer.returncode == 2
    assert f"{folder}/m00299.yaml:3:18: error PZ0118: the dataset lab.m00000 is defined twice" in answer.stdout
    assert "PZ0119: the datasets read each other in a circle: lab.m00001 -> lab.m00298 -> lab.m00001" in answer.stdout


def test_jobs_that_depend_on_each_other_are_refused_with_the_numbers(light, tmp_path):
    chain = write(tmp_path / "chain", 250, lambda number: f"SELECT a FROM prod.lab.m{number - 1:05d}" if number else "SELECT 1 AS a")
    answer = light.cli("run", chain, check=False)
    assert answer.returncode == 5
    assert "250 manifests were given; 250 of their datasets read one another" in answer.stderr and "at most 200" in answer.stderr


def test_ctrl_c_detaches_and_says_how_to_go_on(light, tmp_path):
    folder = write(tmp_path / "all", 800)
    command = subprocess.Popen([BIN / "pretzel", "test", folder, "-o", "name"], env=light.environment(), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert command.stdout.readline().startswith("r")
    command.send_signal(signal.SIGINT)
    out, err = command.communicate(timeout=60)
    assert command.returncode == 130, err
    assert "manifests did not come to an end; go on with the same command and --client-token " in err
    before = len(out.split()) + 1
    token = err.rsplit("--client-token ", 1)[1].split(",")[0]
    begin = time.monotonic()
    document = light.json("test", folder, "--client-token", token)
    print(f"{before} runs before, the rest in {time.monotonic() - begin:.1f} s; {os.cpu_count()} processors")
    assert (document["status"], document["datasets"]) == ("PASSED", {"PASSED": 800})
