# SPDX-License-Identifier: Apache-2.0
"""Slow, half-open and corrupting connections to both catalogs and to Spark: the same faults for each. While one lasts, the error
names the back end and comes in bounded time; when it is over, the next call succeeds, and nothing was started anew."""

import http.client
import json
import time

import daemon as daemons
import pytest
import tcp_gate

# What every call is bounded by in this stack. Above it stand only the daemon's own steps around the call.
CALL_SECONDS = 3
BACKENDS = ("production-catalog", "overlay-catalog", "spark-connect")
# A fault that a client may live with is one that only slows.
SLOW = {"delay", "slice"}
FAULTS = {
    "refuse": {},
    "reset": {},
    "silent": {},
    "half_open": {},
    "close_on_data": {},
    "garbage": {},
    "limit": {"size": 40},
    "cut": {"size": 40},
    "corrupt": {"every": 5},
    "delay": {"seconds": 0.05},
    "slice": {"size": 7},
}
NAMES = {"production-catalog": "the production catalog", "overlay-catalog": "the overlay catalog", "spark-connect": "Spark Connect"}
MANIFEST = """\
apiVersion: dcp/v1
kind: DerivedDataset
metadata: {name: gated, namespace: lab}
spec:
  sql: SELECT 1 AS one
  schema: {columns: [{name: one, type: int}]}
"""


class Stack:
    """A dcpd whose every back end is behind a gate."""

    def __init__(self, folder):
        self.gates = {name: tcp_gate.Gate() for name in BACKENDS}
        text = daemons.CONFIG.read_text()
        for name in ("production-catalog", "overlay-catalog"):
            text = text.replace(f"uri: http://127.0.0.1:${{port.{name}}}", f"uri: http://127.0.0.1:{self.gates[name].port}")
        text = text.replace("endpoint: 127.0.0.1:${port.spark-connect}",
                            f"endpoint: 127.0.0.1:{self.gates['spark-connect'].port}\n        defaultTimeoutMs: {CALL_SECONDS * 1000}")
        text = text.replace("  port: ${port.catalog}\n", f"  port: ${{port.catalog}}\n  upstream_timeout: {CALL_SECONDS}s\n")
        config = folder / "dcpd.yaml"
        config.write_text(text)
        self.daemon = daemons.Daemon(folder, config=config).start()
        for name, gate in self.gates.items():
            host, port = self.daemon.service(name)["endpoint"].rsplit(":", 1)
            gate.target = (host, int(port))
        self.daemon.load_flights()
        self.daemon.cli("playground", "create", "gated", "--ttl", "2h")
        self.access = self.daemon.json("playground", "connect", "gated")
        self.manifest = folder / "gated.yaml"
        self.manifest.write_text(MANIFEST)

    def stop(self):
        self.daemon.stop()
        for gate in self.gates.values():
            gate.stop()

    def load(self, path):
        """(status, message) of a GET through the playground's endpoint."""
        connection = http.client.HTTPConnection("127.0.0.1", int(self.access["uri"].split(":")[2].split("/")[0]), timeout=60)
        try:
            connection.request("GET", f"/pg/gated/v1/{path}", headers={"x-pretzel-token": self.access["token"]})
            answer = connection.getresponse()
            body = json.loads(answer.read() or b"{}")
        finally:
            connection.close()
        return answer.status, body.get("error", {}).get("message", "")

    def ask(self, name):
        """(whether it worked, what was said) of one call that needs this back end."""
        if name == "production-catalog":
            status, message = self.load("namespaces/nyc/tables/airlines?snapshots=refs")
            return status == 200, message
        verb = "apply" if name == "overlay-catalog" else "test"
        answer = self.daemon.cli("derived-dataset", verb, self.manifest, "-o", "json", check=False)
        return answer.returncode == 0, answer.stdout + answer.stderr


@pytest.fixture(scope="module")
def gated(tmp_path_factory):
    stack = Stack(tmp_path_factory.mktemp("gated"))
    yield stack
    stack.stop()


def cases():
    """All of them take minutes, since several wait for time-outs. Usually each back end refuses, and a catalog cuts an answer short."""
    for name in BACKENDS:
        for fault in FAULTS:
            usual = fault == "refuse" or (fault == "cut" and name != "spark-connect")
            yield pytest.param(name, fault, id=f"{name}-{fault}", marks=() if usual else pytest.mark.long)


@pytest.mark.parametrize("name, fault", list(cases()))
def test_a_fault_is_named_in_time_and_its_end_is_its_end(gated, name, fault):
    works, said = gated.ask(name)
    assert works, said
    lives = [(each["name"], each["pid"]) for each in gated.daemon.status()["services"]]
    start = time.monotonic()
    with gated.gates[name].fault(fault, **FAULTS[fault]):
        works, said = gated.ask(name)
        spent = time.monotonic() - start
        if fault not in SLOW:
            assert not works, said
            assert NAMES[name] in said, said
    # Several calls may stand behind one of ours, and each may be tried anew until its own bound.
    assert spent < 60, f"{spent:.1f} s"
    daemons.until(lambda: gated.ask(name)[0], f"{name} after {fault}: {gated.ask(name)}", 30)
    assert [(each["name"], each["pid"]) for each in gated.daemon.status()["services"]] == lives
    assert gated.daemon.process.poll() is None


def test_the_log_says_what_was_wrong_and_holds_no_secret(gated):
    log = gated.daemon.log.read_text()
    for secret in ("production-catalog", "overlay-catalog", "spark-connect"):
        assert gated.daemon.secret(secret) not in log
