# SPDX-License-Identifier: Apache-2.0
"""Bad input gets a clear error through the whole program, and nothing is lost. The finer points have unit tests in their rooms."""

import json
import re
import socket

import daemon as daemons
import pytest
from daemon import ROOT

# `status:` is ignored with a warning, so that what `get -o yaml` prints can be applied.
BROKEN = sorted(path for path in (ROOT / "examples" / "broken").glob("*.yaml") if path.stem != "status")
HEAD = "apiVersion: dcp/v1\nkind: DerivedDataset\nmetadata: {name: t, namespace: lab}\n"


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_manifest_is_refused_with_its_place(stack, playground, path):
    answer = stack.cli("derived-dataset", "test", path.relative_to(ROOT), "-p", playground, check=False)
    assert answer.returncode in (1, 2), answer.stdout + answer.stderr
    text = answer.stdout + answer.stderr
    assert re.search(rf"{re.escape(path.name)}:\d+:\d+: error PZ\d{{4}}: ", text), text


def test_the_caret_stands_under_the_word(stack, playground, tmp_path):
    path = tmp_path / "t.yaml"
    path.write_text(HEAD + "spec:\n  sql: |\n    SELECT carier\n    FROM prod.nyc.airlines\n")
    answer = stack.cli("derived-dataset", "test", path, check=False)
    assert answer.returncode == 1
    text = answer.stdout + answer.stderr
    assert f"{path}:6:12: error" in text or "t.yaml:6:12: error" in text, text
    assert "carrier" in text, "no did-you-mean"


@pytest.mark.parametrize(
    ("sql", "place", "words"),
    [
        ("SELECT nope FROM prod.nyc.airlines", "6:12", "nope"),
        ("SELECT '\U0001f600', nope FROM prod.nyc.airlines", "6:17", "nope"),
        ("SELECT * FROM prod.nyc.flihgts", "6:19", "flihgts"),
        ("SELECT * FROM prod.nowhere.t", "6:19", "nowhere"),
        ("SELEC 1", "6:5", ""),
        ("SELECT carrier + FROM prod.nyc.airlines", None, ""),
        ("SELECT 1 AS a; SELECT 2 AS a", None, ""),
    ],
)
def test_sql_errors_have_the_place_in_the_manifest(stack, playground, tmp_path, sql, place, words):
    path = tmp_path / "t.yaml"
    path.write_text(HEAD + f"spec:\n  sql: |\n    {sql}\n")
    answer = stack.cli("derived-dataset", "test", path, "-o", "json", check=False)
    assert answer.returncode in (1, 2), answer.stdout
    finding = json.loads(answer.stdout)["findings"][0]
    location = finding["location"]
    if place:
        assert f"{location['line']}:{location['column']}" == place, finding
    assert location["line"] == 6 and location["file"].endswith("t.yaml")
    assert words in finding["message"]


def test_a_schema_mismatch_names_the_column_in_the_manifest(stack, playground, tmp_path):
    path = tmp_path / "t.yaml"
    path.write_text(HEAD + "spec:\n  sql: SELECT carrier, name FROM prod.nyc.airlines\n  schema:\n    columns:\n"
                    "      - {name: carrier, type: bigint}\n      - {name: title, type: string}\n")
    answer = stack.cli("derived-dataset", "test", path, "-o", "json", check=False)
    assert answer.returncode == 1
    findings = json.loads(answer.stdout)["findings"]
    assert any(finding["location"]["line"] == 8 and "carrier" in finding["message"] for finding in findings)
    assert any(finding["location"]["line"] == 9 and "title" in finding["message"] for finding in findings)


def test_a_missing_file_and_a_missing_sql_file(stack, playground, tmp_path):
    answer = stack.cli("derived-dataset", "test", tmp_path / "absent.yaml", check=False)
    assert answer.returncode == 5 and "absent.yaml" in answer.stderr
    path = tmp_path / "t.yaml"
    path.write_text(HEAD + "spec:\n  sqlFile: absent.sql\n")
    answer = stack.cli("derived-dataset", "test", path, check=False)
    assert answer.returncode in (2, 5) and "absent.sql" in answer.stderr + answer.stdout


def test_a_missing_a_foreign_and_an_expired_playground(stack, tmp_path):
    example = ROOT / "examples" / "flights"
    answer = stack.cli("derived-dataset", "test", *sorted(example.glob("*.yaml"))[:1], "-p", "no-such-one", check=False)
    assert answer.returncode == 5 and "no-such-one" in answer.stderr
    answer = stack.cli("playground", "create", "Bad_Name", check=False)
    assert answer.returncode == 2 and "Bad_Name" in answer.stderr
    answer = stack.cli("playground", "create", "too-long", "--ttl", "400d", check=False)
    assert answer.returncode == 2


def test_a_status_in_a_manifest_is_a_warning(stack, playground):
    answer = stack.cli("derived-dataset", "test", "examples/broken/status.yaml", check=False)
    assert answer.returncode == 0 and "warning PZ" in answer.stdout + answer.stderr


def test_run_without_apply_says_what_to_do(stack, playground, tmp_path):
    path = tmp_path / "t.yaml"
    path.write_text(HEAD + "spec:\n  sql: SELECT 1 AS one\n")
    answer = stack.cli("derived-dataset", "run", path, "--wait", check=False)
    assert answer.returncode in (1, 7)
    assert "apply" in answer.stdout + answer.stderr


def test_drift_is_reported(stack, playground, tmp_path):
    path = tmp_path / "t.yaml"
    path.write_text(HEAD + "spec:\n  sql: SELECT 1 AS one\n  schema: {columns: [{name: one, type: int}]}\n")
    assert stack.json("derived-dataset", "apply", path)["datasets"][0]["status"] == "CREATED"
    path.write_text(HEAD + "spec:\n  sql: SELECT 1 AS one, 2 AS two\n"
                    "  schema: {columns: [{name: one, type: int}, {name: two, type: int}]}\n")
    drifted = json.loads(stack.cli("derived-dataset", "apply", path, "-o", "json", check=False).stdout)
    assert drifted["datasets"][0]["status"] == "DRIFTED"
    assert any("two" in line for line in drifted["datasets"][0]["drift"])
    again = stack.json("derived-dataset", "apply", path, "--recreate")
    assert again["datasets"][0]["status"] == "RECREATED"


def test_an_unknown_command_and_flag_get_a_suggestion(stack):
    answer = stack.cli("derived-dataset", "tset", check=False)
    assert answer.returncode == 2 and "test" in answer.stderr
    answer = stack.cli("playground", "create", "x", "--tll", "1h", check=False)
    assert answer.returncode == 2 and "ttl" in answer.stderr


def test_no_daemon(stack):
    answer = stack.cli("whoami", env={"PRETZEL_ENDPOINT": "unix:/nowhere/dcpd.sock"}, check=False)
    assert answer.returncode == 6 and "dcpd" in answer.stderr


def test_a_port_in_use_is_named(tmp_path):
    """A catalog port that the configuration fixes, and somebody else has."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        config = tmp_path / "dcpd.yaml"
        text = daemons.CONFIG.read_text().replace("port: ${port.catalog}", f"port: {port}")
        config.write_text(text[: text.index("\n# A closed session")])
        daemon = daemons.Daemon(tmp_path / "d", config=config)
        daemon.spawn()
        assert daemon.process.wait(60) == 1
        assert str(port) in daemon.log.read_text()


@pytest.mark.parametrize("fault", ["missing", "not-elf"])
def test_a_plugin_that_cannot_be_loaded_is_listed_with_its_reason(stack, tmp_path, fault):
    plugins = tmp_path / "plugins"
    plugins.mkdir(mode=0o755)
    if fault == "not-elf":
        (plugins / "spark_connect.so").write_text("#!/bin/sh\n")
    for name in ("derived_dataset", "spark_runner"):
        (plugins / f"{name}.so").symlink_to(daemons.BIN.parent / "plugins" / f"{name}.so")
    config = tmp_path / "dcpd.yaml"
    text = daemons.CONFIG.read_text().replace("${bin_dir}/../plugins", str(plugins))
    config.write_text(text[: text.index("\n# A closed session")])
    with daemons.running(tmp_path / "d", config=config) as daemon:
        plugin = daemon.plugin("shared-test-cluster")
        assert plugin["state"] == "FAILED" and "spark_connect" in plugin["detail"]
        assert str(plugins) in plugin["detail"]
        assert daemon.plugin("derived-dataset")["state"] == "READY"


def test_a_configuration_mistake_has_its_place(tmp_path):
    config = tmp_path / "dcpd.yaml"
    config.write_text(daemons.CONFIG.read_text().replace("default_ttl: 72h", "default_tll: 72h"))
    daemon = daemons.Daemon(tmp_path / "d", config=config)
    daemon.spawn()
    assert daemon.process.wait(30) == 1
    assert re.search(r"dcpd\.yaml:\d+:\d+: .*default_tll.*default_ttl", daemon.log.read_text())


def test_the_log_and_every_answer_keep_the_secrets(stack, playground):
    secrets = [path.read_text().strip() for path in (stack.state / "secrets").iterdir()]
    secrets.append((stack.state / "token").read_text().strip())
    texts = [stack.log.read_text()] + [path.read_text(errors="replace") for path in (stack.state / "log").glob("*.log")]
    texts += [stack.cli(*command, check=False).stdout for command in (["status"], ["doctor"], ["whoami"], ["config", "view"])]
    for secret in secrets:
        assert not [text for text in texts if secret in text]
