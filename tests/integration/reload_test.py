# SPDX-License-Identifier: Apache-2.0
"""The configuration changes while the real stack runs: routes, isolation, and files that are wrong."""

import hashlib
import json
import re
import signal
import subprocess
import threading

import daemon as daemons
import pytest
from daemon import CONFIG, until

MANIFEST = """\
apiVersion: dcp/v1
kind: DerivedDataset
metadata: {name: reloaded, namespace: lab}
spec:
  sql: SELECT carrier, count(*) AS flights FROM prod.nyc.flights GROUP BY carrier
"""
ROUTE = "    test_backend: {default: shared-test-cluster, batch: local-batch}\n"
TOKEN = "a-principal-of-the-finance-team-0123456789"
FINANCE = {"PRETZEL_TOKEN": TOKEN}
BATCH = """    test_backend:
      default: shared-test-cluster
      rules:
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A stack with a configuration of its own, since it is changed."""
    folder = tmp_path_factory.mktemp("reload")
    config = folder / "dcpd.yaml"
    config.write_text(CONFIG.read_text())
    with daemons.running(folder, config=config) as daemon:
        with open(daemon.state / "principals.jsonl", "a") as principals:
            principals.write(json.dumps({"user": "fia", "team": "finance", "environment": "staging",
                                         "token_sha256": hashlib.sha256(TOKEN.encode()).hexdigest()}) + "\n")
        daemon.stop()
        daemon.start()
        daemon.load_flights()
        daemon.cli("playground", "create", "theirs", "--ttl", "1h", env=FINANCE)
        daemon.cli("playground", "create", "fin-1", "--ttl", "1h")
        daemon.cli("playground", "create", "ops", "--ttl", "1h")
        yield daemon


@pytest.fixture
def edit(own):
    """Writes the configuration with replacements; it is as it was afterwards."""
    original = CONFIG.read_text()

    def write(*changes):
        text = original
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        own.config.write_text(text)

    yield write
    own.config.write_text(original)
    own.cli("config", "reload")


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "reloaded.yaml"
    path.write_text(MANIFEST)
    return path


def logged(daemon, name):
    return [line for line in daemon.log.read_text().splitlines() if f" {name}: " in line]


def hang_up(daemon, name):
    """SIGHUP, and the log line that it leads to."""
    before = len(logged(daemon, name))
    daemon.process.send_signal(signal.SIGHUP)
    return until(lambda: logged(daemon, name)[before:], name)[0]


def test_nothing_changed_keeps_everything(own):
    pids = {plugin["instance"]: plugin["pid"] for plugin in own.status()["plugins"]}
    reload = own.json("config", "reload")
    assert reload["kind"] == "ConfigReload"
    assert sorted(reload["kept"]) == sorted(pids)
    assert not any(reload[key] for key in ("started", "restarted", "stopped", "failed", "routes", "settings", "needsRestart"))
    assert {plugin["instance"]: plugin["pid"] for plugin in own.status()["plugins"]} == pids


def test_a_rule_by_playground_and_one_by_team(own, edit, manifest):
    """The instance that the rules choose cannot test: which of the two was asked is plain to see."""
    assert own.cli("test", manifest, "-p", "fin-1").returncode == 0
    for rule, chosen, other in (
        ('{playground: "fin-*", use: derived-dataset}', ["fin-1"], ["ops"]),
        ("{team: nobody, use: derived-dataset}", [], ["fin-1", "ops"]),
        ("{environment: loc*, use: derived-dataset}", ["fin-1", "ops"], []),
    ):
        edit((ROUTE, BATCH + f"        - {rule}\n"))
        reload = own.json("config", "reload")
        assert len(reload["kept"]) == 3 and not reload["restarted"]
        for playground in chosen:
            failed = own.cli("test", manifest, "-p", playground, check=False)
            assert failed.returncode != 0
            assert "does not offer test_backend" in failed.stdout + failed.stderr
        for playground in other:
            assert own.cli("test", manifest, "-p", playground).returncode == 0


def test_a_team_and_its_environment_decide(own, edit, manifest):
    """One playground's owner is routed elsewhere, the other's is not: both ask for the same."""
    edit((ROUTE, BATCH + "        - {team: finance, environment: staging, use: derived-dataset}\n"))
    assert "test_backend: rules 0 -> 1" in own.cli("config", "reload").stdout
    failed = own.cli("test", manifest, "-p", "theirs", env=FINANCE, check=False)
    assert failed.returncode != 0 and "does not offer test_backend" in failed.stdout + failed.stderr
    assert own.cli("test", manifest, "-p", "ops").returncode == 0
    edit((ROUTE, BATCH + "        - {team: finance, environment: prod*, use: derived-dataset}\n"))
    own.cli("config", "reload")
    assert own.cli("test", manifest, "-p", "theirs", env=FINANCE).returncode == 0


def test_sighup_switches_the_route_and_says_so(own, edit, manifest):
    edit(("test_backend: {default: shared-test-cluster, batch: local-batch}", "test_backend: {default: local-batch}"))
    line = hang_up(own, "ConfigurationReloaded")
    assert "test_backend: default shared-test-cluster -> local-batch" in line
    edit()
    assert "test_backend: default local-batch -> shared-test-cluster" in hang_up(own, "ConfigurationReloaded")
    assert own.cli("test", manifest, "-p", "ops").returncode == 0


def test_a_wrong_file_is_refused_with_its_place_and_what_served_serves_on(own, edit, manifest):
    pids = [plugin["pid"] for plugin in own.status()["plugins"]]
    lines = CONFIG.read_text().splitlines()
    row = lines.index(ROUTE.rstrip("\n")) + 1
    for change, place, words in (
        ((ROUTE, "    test_backend: {default: shared-test-clutser}\n"), rf"dcpd\.yaml:{row}:29", 'did you mean "shared-test-cluster"'),
        ((ROUTE, "    test_backend: {default: shared-test-cluster, batch: local-batch, rules: [{tem: a, use: local-batch}]}\n"),
         rf"dcpd\.yaml:{row}:\d+", "unknown key"),
        (("playground: {default_ttl: 72h", "playground: {default_ttl: soon"), r"dcpd\.yaml:\d+:\d+", "duration"),
        ((ROUTE, ROUTE + "\tx: 1\n"), r"dcpd\.yaml:\d+:\d+", "tab"),
    ):
        edit(change)
        answer = own.cli("config", "reload", check=False)
        assert answer.returncode == 2, answer.stderr
        assert re.search(place, answer.stderr), answer.stderr
        assert words in answer.stderr, answer.stderr
        assert re.search(place, hang_up(own, "ConfigurationRefused"))
        check = subprocess.run([daemons.BIN / "dcpd", "--config", own.config, "--check"], env=own.environment(),
                               capture_output=True, text=True, timeout=60)
        assert check.returncode == 1 and re.search(place, check.stderr), check.stderr
    assert [plugin["pid"] for plugin in own.status()["plugins"]] == pids
    assert own.cli("test", manifest, "-p", "ops").returncode == 0


def test_an_instance_that_does_not_start_changes_nothing(own, edit, manifest):
    edit(("master: local[2]", "master: spark://elsewhere:7077"), (ROUTE, "    test_backend: {default: local-batch}\n"))
    answer = own.cli("config", "reload", check=False)
    assert answer.returncode in (2, 5), answer.stderr
    assert "nothing was changed" in answer.stderr and "master" in answer.stderr
    assert own.plugin("local-batch")["state"] == "READY"
    assert own.cli("test", manifest, "-p", "ops").returncode == 0


def test_keys_that_need_a_restart_are_named(own, edit):
    edit(("runs: {jobs: 2,", "runs: {jobs: 3,"), ("log: {level: info", "log: {level: warning"))
    reload = own.json("config", "reload")
    assert reload["needsRestart"] == ["runs.jobs"]
    assert reload["settings"] == ["log.level"]


def test_spark_runner_goes_into_the_daemon_and_back_under_load(own, edit, manifest):
    own.cli("apply", manifest, "-p", "ops")
    failures, stop, tests = [], threading.Event(), []

    def keep_testing():
        while not stop.is_set():
            answer = own.cli("test", manifest, "-p", "fin-1", check=False)
            tests.append(answer.returncode)
            if answer.returncode != 0:
                failures.append(answer.stdout + answer.stderr)

    threads = [threading.Thread(target=keep_testing) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        inside = ("      plugin: spark_runner\n", "      plugin: spark_runner\n      isolation: in_process\n")
        for _ in range(5):
            edit(inside)
            assert own.json("config", "reload")["restarted"] == ["local-batch"]
            edit()
            assert own.json("config", "reload")["restarted"] == ["local-batch"]
        edit(inside)
        own.cli("config", "reload")
        plugin = own.plugin("local-batch")
        assert plugin["isolation"] == "in_process" and plugin["state"] == "READY" and "pid" not in plugin
        assert own.cli("run", manifest, "-p", "ops", "--wait").returncode == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures, failures[0]
    assert len(tests) >= 5
    rows = own.playground("ops").load_table("lab.reloaded").scan().to_arrow()
    assert rows.num_rows == 16


def test_a_plugin_that_may_not_run_inside_is_refused_with_the_reason(own, edit):
    for plugin, library in (("spark_connect", "libgrpc"), ("derived_dataset", "lib")):
        edit((f"      plugin: {plugin}\n", f"      plugin: {plugin}\n      isolation: in_process\n"),
             ("      sandbox: {network: true}\n", ""))
        answer = own.cli("config", "reload", check=False)
        assert answer.returncode == 5, answer.stderr
        assert f"it needs {library}" in answer.stderr and "isolation: worker" in answer.stderr
    assert all(plugin["isolation"] == "worker" for plugin in own.status()["plugins"])


def test_a_configuration_is_held_against_its_plugins_schema(own, edit):
    """Before anything starts: every mistake at its place, and no secret in any answer."""
    lines = CONFIG.read_text().splitlines()
    token, mode = (next(n for n, line in enumerate(lines, 1) if line.strip() == text)
                   for text in ("token: ${secret.spark-connect}", "mode: local"))
    edit(("        token: ${secret.spark-connect}\n", "        token: hunter2hunter2hunter2hunter2hunter2\n"),
         ("        mode: local\n", "        mdoe: local\n"))
    for answer in (
        own.cli("config", "reload", check=False),
        subprocess.run([daemons.BIN / "dcpd", "--config", own.config, "--check"], env=own.environment(),
                       capture_output=True, text=True, timeout=60),
    ):
        assert answer.returncode in (1, 2), answer.stderr
        assert re.search(rf"dcpd\.yaml:{token}:16: .*config\.token: is a secret", answer.stderr), answer.stderr
        assert re.search(rf"dcpd\.yaml:{mode}:9: plugins\.instances\[2\]\.config\.mdoe: unknown key", answer.stderr), answer.stderr
        assert "did you mean `mode`?" in answer.stderr and "config.mode: is missing" in answer.stderr
        assert "hunter2" not in answer.stderr
    assert "hunter2" not in own.log.read_text()


def test_what_a_plugin_says_of_a_secret_is_not_repeated(own, edit):
    edit(("sparkHome: ${env.PRETZEL_SPARK_HOME}", 'sparkHome: "/nowhere/${secret.spark-connect}"'))
    answer = own.cli("config", "reload", check=False)
    assert "/nowhere/(secret) does not exist" in answer.stderr, answer.stderr
    secret = (own.state / "secrets" / "spark-connect").read_text().strip()
    assert secret not in answer.stderr and secret not in own.log.read_text()


def test_plugins_describe_their_configuration(own):
    text = own.cli("plugin", "describe", "local-batch").stdout
    assert text.startswith("plugin spark_runner ") and "driverMemory: text, default \"1g\"" in text
    assert "      plugin: spark_runner\n      config:\n        mode: \"local\"\n" in text
    described = own.json("plugin", "describe", "spark_connect")
    assert described["kind"] == "PluginDescription"
    assert [key["secret"] for key in described["keys"] if key["path"] == "token"] == [True]
