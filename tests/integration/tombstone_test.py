# SPDX-License-Identifier: Apache-2.0
"""An expired playground is kept, and comes back; a clock that jumps takes nothing with it. A daemon without services is enough."""

import contextlib
import json
import sqlite3

import daemon as daemons
import pytest
from daemon import until

DAY = 24 * 3600 * 1000


@pytest.fixture
def light(tmp_path):
    config = tmp_path / "dcpd.yaml"
    text = daemons.CONFIG.read_text()
    text = text[: text.index("\n# A closed session")]
    config.write_text(text.replace("default_ttl: 72h", "default_ttl: 72h, min_ttl: 1s, expiry_poll: 100ms, tombstone_period: 1h"))
    daemon = daemons.Daemon(tmp_path / "d", config=config).start()
    yield daemon
    daemon.stop()


def change(daemon, sql, *values):
    """The store's rows, behind a stopped daemon's back."""
    with contextlib.closing(sqlite3.connect(daemon.state / "pretzel.db")) as store, store:
        return store.execute(sql, values).fetchall()


def state(daemon, name):
    return daemon.json("playground", "get", name)["state"]


def test_an_expired_playground_is_shown_kept_over_a_restart_and_restored(light):
    light.json("playground", "create", "kept", "--ttl", "1s", "--label", "pr=1")
    until(lambda: state(light, "kept") == "EXPIRED", "expiry", 20)
    until(lambda: "PlaygroundExpired" in light.log.read_text(), "the log's word", 20)
    refused = light.cli("playground", "connect", "kept", check=False)
    assert refused.returncode == 5 and "PZ0305" in refused.stderr and "playground restore kept" in refused.stderr
    shown = light.cli("playground", "get", "kept").stdout
    assert "is purged at" in shown and "`pretzel playground restore kept`" in shown
    light.stop()
    light.start()
    assert state(light, "kept") == "EXPIRED"
    back = light.json("playground", "restore", "kept", "--ttl", "1h")
    assert back["state"] == "ACTIVE" and back["labels"] == {"pr": "1"}
    assert light.cli("playground", "connect", "kept").returncode == 0
    assert "PZ0310" in light.cli("playground", "restore", "kept", check=False).stderr
    assert "PlaygroundRestored" in light.log.read_text()


def test_a_clock_that_jumped_while_the_daemon_was_down_is_said_and_purges_nothing(light):
    """As if the machine had been set a year ahead: what the store saw last is a year older, and so is all that it keeps."""
    light.config.write_text(light.config.read_text().replace("tombstone_period: 1h", "tombstone_period: 0s"))
    light.stop()
    light.start()
    light.json("playground", "create", "old", "--ttl", "1h")
    light.stop()
    seen = json.loads(change(light, "SELECT fact_value FROM fact WHERE fact_key = 'clock'")[0][0])
    seen["wall"] -= 365 * DAY
    change(light, "UPDATE fact SET fact_value = ? WHERE fact_key = 'clock'", json.dumps(seen))
    change(light, "UPDATE playground SET created_at = created_at - ?, expires_at = expires_at - ?", 365 * DAY, 365 * DAY)
    light.start()
    until(lambda: "ClockJumped" in light.log.read_text(), "the loud word", 20)
    until(lambda: "PlaygroundExpired" in light.log.read_text(), "the end's notice", 20)
    clock = next(check for check in light.json("doctor", check=False)["checks"] if check["name"] == "wall clock")
    assert clock["result"] == "FAILED"
    assert state(light, "old") == "EXPIRED"
    assert change(light, "SELECT state FROM playground") == [("ACTIVE",)]
    assert light.json("playground", "restore", "old")["state"] == "ACTIVE"
    assert "expired playground is purged" not in light.log.read_text()
