# SPDX-License-Identifier: Apache-2.0
"""`preview`, `test --preview` and `test --mode limit0` from the command line to Spark, and back as table, JSON and CSV."""

import csv
import io
import json
import os
import signal
import subprocess

import pytest
from daemon import until
from hostile_test import HOSTILE
from hostile_test import MANIFEST as HOSTILE_MANIFEST

MANIFEST = "apiVersion: dcp/v1\nkind: DerivedDataset\nmetadata: {{name: {name}, namespace: lab}}\nspec:\n  sql: |\n    {sql}\n"
CARRIERS = "SELECT carrier, name, count(*) OVER () AS total FROM prod.nyc.airlines ORDER BY carrier"
VALUES = ("SELECT 9223372036854775807 AS big, CAST('-0.10' AS DECIMAL(38,2)) AS cost, CAST(NULL AS STRING) AS nothing, '' AS empty,"
          " 'a \"b\",\n    c' AS text, TIMESTAMP'2013-01-31 12:34:56.789Z' AS at, map('k', array(1)) AS m, 2.0D AS two")
SLOW = ("SELECT count(*) AS n FROM range(0, 3000000, 1, 2) a JOIN range(0, 3000000, 1, 2) b"
        " ON (a.id + b.id) % 1000003 = 7")
LARGE = "SELECT id, repeat('x', 5000) AS s FROM range(100000)"


@pytest.fixture
def manifest(tmp_path):
    def write(sql, name="shown"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(MANIFEST.format(name=name, sql=sql))
        return path
    return write


def rows_of(stack, path, *arguments):
    return stack.json("derived-dataset", "preview", path, *arguments)["datasets"][0]


def test_rows_in_every_format_and_nothing_written(stack, playground, manifest):
    path = manifest(CARRIERS)
    before = stack.listing()
    report = stack.json("preview", path)
    dataset = report["datasets"][0]
    assert (report["kind"], report["status"]) == ("PreviewReport", "SUCCEEDED")
    expected = sorted(stack.upstream().load_table("nyc.airlines").scan().to_arrow().to_pylist(), key=lambda row: row["carrier"])
    assert dataset["rows"] == [[row["carrier"], row["name"], str(len(expected))] for row in expected]
    assert (report["receipt"]["creates"], report["receipt"]["commits"], report["receipt"]["drops"]) == (0, 0, 0)
    assert report["receipt"]["loads"] > 0
    text = stack.cli("derived-dataset", "preview", path, "--rows", "3").stdout
    assert "  3 rows; there are more (--rows)\n" in text and expected[0]["name"] in text and expected[3]["name"] not in text
    answer = stack.cli("preview", path, "-o", "csv")
    assert list(csv.reader(io.StringIO(answer.stdout))) == [["carrier", "name", "total"], *dataset["rows"]]
    assert stack.listing() == before


def test_values_survive_every_format(stack, playground, manifest):
    path = manifest(VALUES)
    row = ["9223372036854775807", "-0.10", None, "", 'a "b",\nc', "2013-01-31T12:34:56.789Z", [{"key": "k", "value": [1]}], 2]
    assert rows_of(stack, path)["rows"] == [row]
    text = subprocess.run(["cat"], input=stack.cli("preview", path, "-o", "csv").stdout.encode(), capture_output=True, check=True)
    (cells,) = list(csv.reader(io.StringIO(text.stdout.decode(), newline="")))[1:]
    assert cells[:6] == ["9223372036854775807", "-0.10", "", "", 'a "b",\nc', row[5]] and json.loads(cells[6]) == row[6]
    assert cells[7] == "2.0"
    assert ',,"",' in text.stdout.decode()


def test_of_a_test_and_limit0(stack, playground, manifest):
    path = manifest(CARRIERS)
    report = stack.json("derived-dataset", "test", path, "--preview", "--rows", "2", "--mode", "limit0")
    dataset = report["datasets"][0]
    assert report["status"] == "PASSED" and len(dataset["preview"]["rows"]) == 2 and dataset["preview"]["moreRows"]
    assert "executeMs" in dataset["timings"] and dataset["inputs"] == ["prod.nyc.airlines"]
    assert "preview" not in stack.json("derived-dataset", "test", path)["datasets"][0]
    answer = stack.cli("test", manifest("SELECT 1 / (id - 1) AS x FROM range(3)"), "--preview", check=False)
    assert answer.returncode == 1 and "DIVIDE_BY_ZERO" in answer.stdout


def test_two_playgrounds_see_their_own_rows(stack, manifest):
    seen = {}
    reader = manifest("SELECT a FROM prod.lab.mine", "reader")
    for name, value in (("preview-one", 1), ("preview-two", 2)):
        stack.cli("playground", "create", name, "--ttl", "1h")
        path = manifest(f"SELECT {value} AS a", "mine")
        stack.cli("derived-dataset", "apply", path, "-p", name)
        stack.cli("derived-dataset", "run", path, "--wait", "-p", name)
    for name in ("preview-one", "preview-two", "preview-one"):
        seen.setdefault(name, []).append(rows_of(stack, reader, "-p", name)["rows"])
    for name in seen:
        stack.cli("playground", "delete", name, "--yes")
    assert seen == {"preview-one": [[[1]], [[1]]], "preview-two": [[[2]]]}


def test_rows_go_with_their_playground(stack, manifest):
    """From `run get` and from the disk; that the run was, and how it ended, stays."""
    name, marker = "preview-gone", "only-this-preview-showed-it"
    stack.cli("playground", "create", name, "--ttl", "1h")
    assert rows_of(stack, manifest(f"SELECT '{marker}' AS a"), "-p", name)["rows"] == [[marker]]
    run = stack.json("run", "list", "-p", name)["items"][0]["runId"]
    assert stack.json("run", "get", run)["datasets"][0]["rows"] == [[marker]]
    on_disk = lambda: any(marker.encode() in path.read_bytes() for path in stack.state.glob("pretzel.db*"))  # noqa: E731
    assert on_disk()
    stack.cli("playground", "delete", name, "--yes")
    after = stack.json("run", "get", run)
    assert after["state"] == "SUCCEEDED" and after["playgroundDeleted"] and marker not in json.dumps(after)
    assert "is deleted" in stack.cli("run", "get", run).stdout
    assert [item["state"] for item in stack.json("run", "list", "-p", name)["items"] if item["runId"] == run] == ["SUCCEEDED"]
    assert not on_disk()


def test_hostile_statements_are_refused(stack, playground, tmp_path):
    before = stack.listing()
    shown = []
    for name, sql in HOSTILE.items():
        path = tmp_path / f"{name.replace(' ', '_')}.yaml"
        path.write_text(HOSTILE_MANIFEST.format(sql=json.dumps(sql)))
        answer = stack.cli("preview", path, "-o", "json", check=False)
        if answer.returncode not in (1, 2) or any("rows" in d for d in json.loads(answer.stdout)["datasets"]):
            shown.append((name, answer.returncode, answer.stdout[-300:]))
    assert shown == [] and stack.listing() == before


def test_size_is_bounded(stack, playground, manifest):
    dataset = rows_of(stack, manifest(LARGE), "--rows", "1000")
    assert dataset["truncated"] and 200 <= len(dataset["rows"]) < 210
    assert len(json.dumps(dataset["rows"])) < 1.1 * 2**20


def executing(stack):
    """Threads of the test server that are in a task right now; an idle one keeps its last task's name."""
    # The JVM writes its threads into its log. jstack would ask through a Unix socket, which a confined one cannot open.
    log = stack.state / "log" / "spark-connect.log"
    before = log.stat().st_size
    os.kill(int(stack.service("spark-connect")["pid"]), signal.SIGQUIT)
    dump = until(lambda: (text := log.read_bytes()[before:].decode()) and "JNI global refs" in text and text, "the threads")
    return [block.splitlines()[0] for block in dump.split("\n\n") if "Executor$TaskRunner.run" in block]


def test_a_slow_query_ends_in_spark(stack, playground, manifest):
    answer = stack.cli("preview", manifest(SLOW), "--timeout", "5s", "-o", "json", check=False)
    report = json.loads(answer.stdout)
    assert answer.returncode == 1 and report["findings"][0]["code"] == "PZ0247"
    until(lambda: not executing(stack), "the end of the query's tasks")
    assert rows_of(stack, manifest("SELECT 1 AS one"))["rows"] == [[1]]


def test_a_cancelled_run_ends_its_query_in_spark(stack, playground, manifest):
    client = stack.start_cli("preview", manifest(SLOW), "--timeout", "5m", "-o", "json")
    until(lambda: executing(stack), "the query's tasks")
    run = next(run for run in stack.json("run", "list")["items"] if run["command"] == "preview" and run["state"] == "RUNNING")
    stack.cli("run", "cancel", run["runId"])
    client.communicate(timeout=120)
    assert client.returncode == 7
    until(lambda: not executing(stack), "the end of the query's tasks")
