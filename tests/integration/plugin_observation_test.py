# SPDX-License-Identifier: Apache-2.0
"""Plugins as an operator sees them: Prometheus' own parser on a scrape, `plugin top` and `plugin logs`. No Spark, no catalogs."""

import base64
import json
import os
import pty
import signal
import subprocess
import urllib.error
import urllib.request

import daemon as daemons
import pytest
from daemon import until
from prometheus_client.parser import text_string_to_metric_families

MANIFEST = """\
apiVersion: dcp/v1
kind: DerivedDataset
metadata: {name: observed, namespace: lab}
spec:
  sql: SELECT 1 AS one
  schema: {columns: [{name: one, type: int}]}
"""
PLUGIN = "derived-dataset"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A dcpd without services, and with the endpoint."""
    folder = tmp_path_factory.mktemp("observed")
    text = daemons.CONFIG.read_text()
    text = text[: text.index("\n# A closed session")].replace("ports: [", "ports: [metrics, ")
    config = folder / "dcpd.yaml"
    config.write_text(text + "\nmetrics: {listen: \"127.0.0.1:${port.metrics}\"}\n")
    with daemons.running(folder, config=config) as daemon:
        until(lambda: daemon.plugin(PLUGIN)["state"] == "READY", PLUGIN)
        manifest = folder / "observed.yaml"
        manifest.write_text(MANIFEST)
        daemon.cli("playground", "create", "observed", "--ttl", "1h")
        daemon.manifest = manifest
        yield daemon


def address(daemon):
    line = next(line for line in daemon.log.read_text().splitlines() if " MetricsServed: " in line)
    return next(word for word in line.split() if word.startswith("address=")).split("=", 1)[1].strip('"')


def get(daemon, password):
    request = urllib.request.Request(address(daemon))
    if password is not None:
        request.add_header("Authorization", "Basic " + base64.b64encode(f"pretzel:{password}".encode()).decode())
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode()


def scrape(daemon):
    """Family name -> samples."""
    families = text_string_to_metric_families(get(daemon, daemon.secret("metrics")))
    return {family.name: family for family in families}


def value(families, name, **labels):
    """Of the one sample of that name whose labels hold."""
    found = [
        sample.value for family in families.values() for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert len(found) == 1, (name, labels, found)
    return found[0]


def test_a_scrape_needs_the_password(own):
    secret = own.state / "secrets" / "metrics"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert len(own.secret("metrics")) >= 32
    for wrong in (None, "", "wrong", own.secret("metrics")[:-1]):
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(own, wrong)
        assert refused.value.code == 401


def test_the_parser_of_prometheus_takes_it_and_calls_are_counted(own):
    before = scrape(own)
    calls = "pretzel_plugin_calls_total"
    was = value(before, calls, plugin_instance=PLUGIN, code="OK")
    own.cli("apply", own.manifest, "-p", "observed", check=False)  # no catalog answers, but the plugin compiles
    after = scrape(own)
    assert value(after, calls, plugin_instance=PLUGIN, code="OK") > was
    duration = "pretzel_plugin_call_duration_seconds"
    buckets = [
        (float(sample.labels["le"]), sample.value) for sample in after[duration].samples
        if sample.name == f"{duration}_bucket" and sample.labels["plugin_instance"] == PLUGIN
    ]
    assert buckets == sorted(buckets) and buckets[-1][0] == float("inf")
    ended = sum(s.value for s in after["pretzel_plugin_calls"].samples if s.labels["plugin_instance"] == PLUGIN)
    assert buckets[-1][1] == value(after, f"{duration}_count", plugin_instance=PLUGIN) == ended
    assert value(after, f"{duration}_sum", plugin_instance=PLUGIN) > 0
    assert value(after, "pretzel_plugin_up", plugin_instance=PLUGIN, plugin="derived_dataset") == 1
    assert value(after, "pretzel_plugin_worker_resident_memory_bytes", plugin_instance=PLUGIN) > 1 << 20
    assert value(after, "pretzel_build_info") == 1


def test_every_metric_is_documented_and_the_labels_are_the_few_that_are(own):
    page = (daemons.ROOT / "docs" / "reference" / "metrics.md").read_text()
    per_instance = 0
    for family in scrape(own).values():
        if family.name.startswith("exposer_"):
            continue
        name = family.name + ("_total" if family.type == "counter" else "")
        assert f"| `{name}` | {family.type} |" in page, name
        assert family.documentation
        for sample in family.samples:
            assert set(sample.labels) <= {"plugin_instance", "plugin", "code", "le", "version"}
            if sample.labels.get("plugin_instance") == PLUGIN:
                per_instance += 1
    # Without the open descriptors, of which the kernel may not tell.
    assert per_instance in (47, 48) and "48 series at most" in page, per_instance


def test_a_death_shows_everywhere(own):
    restarts = "pretzel_plugin_restarts_total"
    was = value(scrape(own), restarts, plugin_instance=PLUGIN)
    pid = own.plugin(PLUGIN)["pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: own.plugin(PLUGIN)["state"] == "READY" and own.plugin(PLUGIN)["pid"] != pid, "a new worker")
    assert value(scrape(own), restarts, plugin_instance=PLUGIN) == was + 1
    lines = [json.loads(line) for line in own.cli("plugin", "logs", PLUGIN, "-o", "json").stdout.splitlines()]
    assert any(line["source"] == "host" and line["level"] == "warning" and "signal 9" in line["text"] for line in lines)
    assert lines[-1]["text"] == f"ready: worker {own.plugin(PLUGIN)['pid']}"
    item = next(item for item in own.json("plugin", "top", "--interval", "100ms")["items"] if item["instance"] == PLUGIN)
    assert item["restarts"] == was + 1 and item["rssBytes"] > 1 << 20 and item["cpuSeconds"] >= 0


def test_logs_are_followed_until_ctrl_c(own):
    follower = own.start_cli("plugin", "logs", "-f", "-n", "1", PLUGIN)
    assert "ready" in follower.stdout.readline()
    own.cli("service", "restart", PLUGIN)
    for wanted in ("a restart was asked for", "died: ", "ready: worker"):
        line = follower.stdout.readline()
        while "not fully confined" in line:  # what this machine's kernel cannot give
            line = follower.stdout.readline()
        assert wanted in line
    follower.send_signal(signal.SIGINT)
    assert follower.wait(30) == 0, follower.stderr.read()


def test_top_refreshes_a_terminal_until_ctrl_c(own):
    ours, theirs = pty.openpty()
    top = subprocess.Popen(
        [own.pretzel, "plugin", "top", "--interval", "100ms"], env=own.environment(TERM="xterm"),
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )
    os.close(theirs)
    seen = b""
    while seen.count(b"INSTANCE") < 2:
        seen += os.read(ours, 4096)
    assert b"\x1b[2J" in seen and PLUGIN.encode() in seen
    top.send_signal(signal.SIGINT)
    assert top.wait(30) == 0
    os.close(ours)


def test_an_unknown_instance_is_answered_with_the_nearest(own):
    answer = own.cli("plugin", "logs", "derived-datset", check=False)
    assert answer.returncode == 5 and f"did you mean {PLUGIN}?" in answer.stderr
