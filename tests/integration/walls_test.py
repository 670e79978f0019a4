# SPDX-License-Identifier: Apache-2.0
"""The walls behind the SQL screen as dcpd puts them up, with nobody screening: a stock client of the test server that holds the
operator's token, and a program of its own in the place of a job's. What they reach for are the daemon's real secrets."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest


sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "spark"))
import listening  # noqa: E402
import reaching  # noqa: E402

MANIFEST = """\
apiVersion: dcp/v1
kind: DerivedDataset
metadata: {name: walls, namespace: lab}
spec:
  sql: SELECT carrier FROM prod.nyc.airlines
"""
JOB_SECONDS = 300


@pytest.fixture
def secret(stack):
    return stack.state / "secrets" / "production-catalog"


@pytest.fixture
def listener(secret):
    listener = reaching.Listener(secret)
    yield listener
    listener.stop()


def inner_files(stack):
    state = stack.state
    return [state / "secrets", state / "secrets" / "catalog-token-key", state / "token", state / "pretzel.db",
            state / "principals.jsonl", state / "jobs", state / "log" / "spark-connect.log"]


def test_the_test_server_reaches_nothing(stack, secret, listener):
    from pyspark.sql import SparkSession

    port = stack.service("spark-connect")["endpoint"].rsplit(":", 1)[1]
    token = stack.secret("spark-connect")
    session = SparkSession.builder.remote(f"sc://localhost:{port}/;token={token};user_id=walls").create()
    try:
        assert session.sql("SELECT 1 + 1 AS x").collect()[0].x == 2
        answers = reaching.send(session, listener.url, secret)
        for path in inner_files(stack):
            try:
                answers[str(path)] = repr(session.read.text(f"file://{path}").collect())
            except Exception as error:
                answers[str(path)] = str(error)
    finally:
        session.stop()
    assert listener.asked == [], answers
    assert not [name for name, answer in answers.items() if secret.read_text().strip() in answer]
    assert not [name for name, answer in answers.items() if answer.startswith("[Row(value=")], answers


def fields(text):
    """Those of a job's spec, each with its length in front."""
    found, at = [], text.index(b"\n") + 1
    while text[at:] != b"end\n":
        colon = text.index(b":", at)
        length = int(text[at:colon])
        found.append(text[colon + 1: colon + 1 + length].decode())
        at = colon + length + 2
    return found


def port_of(address):
    return int(address.rpartition("://")[2].partition("/")[0].rpartition(":")[2])


def try_to_listen(stack, playground, words, folder):
    program = folder / "listening.py"
    program.write_text(Path(listening.__file__).read_text())
    catalog = port_of(stack.json("playground", "connect", playground)["uri"])
    services = [port_of(service["endpoint"]) for service in stack.status()["services"]]
    assert len(services) == 3
    with socket.socket() as gone:  # as a service's port is while it starts again
        gone.bind(("127.0.0.1", 0))
        free = gone.getsockname()[1]

    def answers(beside, *before):
        ended = subprocess.run([*before, sys.executable, program, str(free), str(beside), *map(str, services)], cwd=folder,
                               stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=JOB_SECONDS)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return json.loads(ended.stdout)

    # The control: without the wall this user's processes share a port that is held as the catalog's is, and choose theirs.
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(("127.0.0.1", 0))
        control = answers(held.getsockname()[1])
    assert {"beside catalog", "free", "chosen range", "any"} <= {name for name, answer in control.items() if answer == "listens"}
    confined = answers(catalog, *words[: words.index("--") + 1])
    assert confined.pop("any") == "listens", "Spark's driver needs it"
    assert set(confined) == set(control) - {"any"}
    assert set(confined.values()) <= {"EPERM", "EACCES"}, confined


def test_a_job_reaches_nothing_and_listens_beside_nobody(stack, secret, listener, playground, tmp_path):
    manifest = tmp_path / "walls.yaml"
    manifest.write_text(MANIFEST)
    stack.cli("derived-dataset", "apply", manifest)
    stack.cli("derived-dataset", "run", manifest, "--wait")
    run = next(run for run in stack.json("run", "list")["items"] if run["command"] == "run" and run["playground"] == playground)
    spec = next((stack.state / "jobs").glob(f"{run['runId']}/*/spec"))
    _, _, _, passed_on, count, *rest = fields(spec.read_bytes())
    words, pairs = rest[: int(count)], rest[int(count):]
    assert words[0].endswith("/dcp-confine"), words
    # What the plugin answered as environment is no program's but the last one's.
    assert passed_on == "passed on"
    at = words.index("--environment-fd")
    del words[at: at + 2]
    folder = spec.parent / "work"
    assert str(spec.parent) not in words and str(folder) in words
    program, answers = folder / "reaching.py", folder / "answers.json"
    program.write_text(Path(reaching.__file__).read_text())
    at = next(i for i, word in enumerate(words) if word.endswith("coreetl.py"))
    ended = subprocess.run(
        [*words[:at], program, listener.url, secret, answers], env=dict(zip(pairs[::2], pairs[1::2])), cwd=folder,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=JOB_SECONDS)
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    sent = json.loads(answers.read_text())
    assert sent["1 + 1"] == "[Row(x=2)]"
    assert listener.asked == [], sent
    assert secret.read_text().strip() not in answers.read_text()
    # The process itself, whatever runs in it.
    confined = words[: words.index("--")]
    inner = [*inner_files(stack), spec, spec.parent / "launched", spec.parent / "process.json"]
    attempts = [word for path in inner for word in ("--try", f"read:{path}")]
    attempts += ["--try", f"write:{spec.parent}", "--try", f"write:{spec.parent.parent}"]
    attempts += ["--try", f"unix:{stack.state}/run/dcpd.sock", "--try", f"write:{stack.state}/production/warehouse",
                 "--try", f"write:{stack.state}/overlay/warehouse/pg", "--try", "tcp:" + listener.url.rsplit(":", 1)[1]]
    tried = subprocess.run([*confined, *attempts], capture_output=True, text=True, timeout=JOB_SECONDS)
    assert {line.split()[0] for line in tried.stdout.splitlines()} == {"refused"}, tried.stdout
    assert listener.asked == []
    try_to_listen(stack, playground, words, folder)


def test_doctor_tries_the_walls(stack):
    checks = {check["name"]: check for check in stack.json("doctor", check=False)["checks"]}
    for name in ("a query that fetches a URL", "jobs: reach of its process", "service spark-connect: reach of its process",
                 "service production-catalog: reach of its process", "service overlay-catalog: reach of its process",
                 "service spark-connect: what XML and Hadoop may load", "ports of dcpd and its services"):
        assert checks[name]["result"] == "ENFORCED", checks[name]
    for name in ("jobs", "service spark-connect", "service production-catalog"):
        assert "listening at the ports of dcpd and of others" in checks[f"{name}: reach of its process"]["detail"]
    assert "in a network of its own it reached its listed ports" in checks["jobs: reach of its process"]["detail"]
    assert checks["production write on storage"]["result"] == "MISSING"


def test_only_operators_write_into_the_production_warehouse(stack):
    warehouse = stack.state / "production" / "warehouse"
    before = warehouse.stat().st_mtime_ns
    answer = stack.json("doctor", check=False, env={"PRETZEL_TOKEN_FILE": str(stack.state / "token-stranger")})
    storage = next(check for check in answer["checks"] if check["name"] == "production write on storage")
    assert storage["result"] == "SKIPPED" and "operator" in storage["detail"]
    assert warehouse.stat().st_mtime_ns == before
