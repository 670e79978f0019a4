# SPDX-License-Identifier: Apache-2.0
"""The tutorial, from its first command to its last: a backend from a template, put into a running daemon, does a run. Real
catalogs and a job that writes an Iceberg table; no Spark, since the manifest declares its columns.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
import daemon as daemons  # noqa: E402

SECONDS_MAX = 300


def configuration():
    """The example's, less Spark's server."""
    text = daemons.CONFIG.read_text().split("  # The shared test server.")[0]
    for pattern, instead in (
        (r"    - id: shared-test-cluster\n(?:      .*\n)+", ""),
        (r"test_backend: .*", "test_backend: {default: local-batch}"),
        (r"recycle: .*", ""),
    ):
        text, times = re.subn(pattern, instead, text)
        assert times == 1, pattern
    return text


def tutorial(sdk):
    """All its commands, in one script."""
    text = (sdk / "share/doc/dcp_sdk/tutorial.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 9
    return "set -eu\n" + "".join(blocks)


def test_the_tutorial_ends_with_a_run(tmp_path):
    sdk = tmp_path / "sdk"
    subprocess.run(["cmake", "--install", daemons.BIN.parent, "--component", "sdk", "--prefix", sdk], check=True, capture_output=True)
    config = tmp_path / "dcpd.yaml"
    config.write_text(configuration())
    author = tmp_path / "author"
    author.mkdir()
    with daemons.running(tmp_path / "daemon", config=config) as daemon:
        known = daemon.environment()
        environment = {
            "PATH": f"{sdk}/bin:/usr/bin:/bin", "HOME": str(author), "LANG": "C.UTF-8", "PREFIX": str(sdk), "CONFIG": str(config),
            "PYTHON": str(daemons.PYTHON), **{key: known[key] for key in ("PRETZEL_ENDPOINT", "PRETZEL_TOKEN_FILE")},
        }
        done = subprocess.run(
            ["bash", "-c", tutorial(sdk)], cwd=author, env=environment, capture_output=True, text=True, timeout=SECONDS_MAX)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        assert re.search(r"^shell_backend 0.1.0: [0-9]+ passed, 0 failed, ", done.stdout, re.MULTILINE), done.stdout[-8000:]
        [run] = [run for run in daemon.json("run", "list")["items"] if run["command"] == "run"]
        assert run["state"] == "SUCCEEDED"
        table = daemon.playground("tutorial").load_table("lab.numbers")
        assert table.scan().to_arrow()["id"].to_pylist() == list(range(5))
        assert table.current_snapshot().summary.additional_properties["pretzel.run-id"] == run["runId"]
        assert "wrote 5" in daemon.cli("run", "logs", run["runId"], "-p", "tutorial").stdout
        (author / "write_table.py").write_text("raise SystemExit('out of paper')\n")
        failed = daemon.json("run", author / "numbers.yaml", "-p", "tutorial", "--wait", check=False)
        assert failed["status"] == "FAILED" and "ended with 1" in str(failed), failed
        doctor_looks_at_what_the_instances_jobs_may(daemon, config, author)


def doctor_looks_at_what_the_instances_jobs_may(daemon, config, author):
    def look():
        return {check["name"]: check for check in daemon.json("doctor", check=False)["checks"]}["jobs of shell: reach of its process"]

    assert look()["result"] == "ENFORCED"
    for grants, words in (
        (f"{{read: ['{daemon.state}']}}", ["secrets", "pretzel.db"]),
        (f"{{read: ['{daemon.state}/token', '{daemon.state}/secrets']}}", ["read:" + str(daemon.state / "token"), "secrets,"]),
        (f"{{write: ['{daemon.state}/production/warehouse']}}", ["write:"]),
        ("{read: [/no/such/place]}", ["/no/such/place", "nothing can start"]),
    ):
        text = config.read_text()
        config.write_text(re.sub(r"job_sandbox: .*", f"job_sandbox: {grants}", text))
        assert "job_sandbox" in str(daemon.json("config", "reload"))
        found = look()
        assert found["result"] == "FAILED" and all(word in found["detail"] for word in words), found
    config.write_text(re.sub(r"job_sandbox: .*", "sandbox: {enabled: false}", config.read_text()))
    daemon.cli("config", "reload")
    said = [line for line in daemon.log.read_text().splitlines() if "PluginUnprotected" in line and "instance=shell" in line]
    assert any("not confined at all" in line for line in said), said
