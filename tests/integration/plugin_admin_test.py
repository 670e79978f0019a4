# SPDX-License-Identifier: Apache-2.0
"""Operators and plugins: install, go over to another version and back, take out of service, verify. No Spark, no catalogs."""

import hashlib
import json
import os
import threading

import daemon as daemons
import pytest
from daemon import until

PLUGIN = "derived_dataset"
INSTANCE = "derived-dataset"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A dcpd without services, and a second person who is no operator."""
    folder = tmp_path_factory.mktemp("admin")
    text = daemons.CONFIG.read_text()
    config = folder / "dcpd.yaml"
    config.write_text(text[: text.index("\n# A closed session")] + "\n")
    with daemons.running(folder, config=config) as daemon:
        until(lambda: daemon.plugin(INSTANCE)["state"] == "READY", INSTANCE)
        yield daemon


@pytest.fixture(scope="module")
def original():
    return (daemons.ROOT / os.environ.get("PRETZEL_BUILD", "build/release") / "plugins" / f"{PLUGIN}.so").read_bytes()


def variant(tmp_path, original, tail):
    """The same code as another content: nobody reads what comes behind a shared object's sections."""
    path = tmp_path / f"{PLUGIN}.so"
    path.write_bytes(original + tail)
    return path, hashlib.sha256(original + tail).hexdigest()


def instance(own):
    return own.json("plugin", "get", INSTANCE)["instances"][0]


def test_installs_goes_over_to_it_and_back_under_callers(own, original, tmp_path):
    file, digest = variant(tmp_path, original, b"2")
    before = instance(own)
    installed = own.json("plugin", "install", file)
    assert (installed["id"], installed["sha256"], installed["existed"]) == (PLUGIN, digest, False)
    assert instance(own)["pid"] == before["pid"]
    failed, stop = [], threading.Event()

    def call():
        while not stop.is_set():
            answer = own.cli("plugin", "get", INSTANCE, check=False)
            if answer.returncode != 0:
                failed.append(answer.stderr)

    caller = threading.Thread(target=call)
    caller.start()
    try:
        swapped = own.json("plugin", "reload", INSTANCE)["instances"]
        assert [(each["before"], each["after"]) for each in swapped] == [(before["sha256"], digest)]
        # It holds to that version, also when the daemon starts anew.
        assert instance(own)["sha256"] == digest and instance(own)["pid"] != before["pid"]
    finally:
        stop.set()
        caller.join()
    assert not failed
    own.stop()
    own.start()
    until(lambda: own.plugin(INSTANCE)["state"] == "READY", INSTANCE)
    assert instance(own)["sha256"] == digest
    assert own.json("plugin", "verify", PLUGIN)["items"][0]["result"] == "OK"
    own.cli("plugin", "reload", PLUGIN, "--sha256", before["sha256"][:12])
    assert instance(own)["sha256"] == before["sha256"]


def test_a_version_that_fails_its_check_changes_nothing(own, original, tmp_path):
    before = instance(own)
    broken, _ = variant(tmp_path, original.replace(b'"Compile"', b'"Compilf"'), b"")
    own.cli("plugin", "install", broken)
    answer = own.cli("plugin", "reload", INSTANCE, check=False)
    assert answer.returncode != 0
    assert "nothing was changed" in answer.stderr and "does not offer resource.Compile" in answer.stderr
    assert instance(own) == before
    own.cli("plugin", "reload", INSTANCE, "--sha256", before["sha256"])


def test_what_is_no_plugin_is_refused_with_the_reason(own, original, tmp_path):
    text = tmp_path / "text.so"
    text.write_text("#!/bin/sh\n")
    answer = own.cli("plugin", "install", text, check=False)
    assert answer.returncode == 2 and "is not an ELF file" in answer.stderr
    file, _ = variant(tmp_path, original, b"3")
    answer = own.cli("plugin", "install", file, "--sha256", "0" * 64, check=False)
    assert answer.returncode == 2 and "was expected" in answer.stderr
    answer = own.cli("plugin", "install", tmp_path / "none.so", check=False)
    assert answer.returncode == 5 and "is not a file" in answer.stderr


def test_a_disabled_instance_says_why_and_stays_so(own):
    own.cli("plugin", "disable", INSTANCE, "--reason", "leaks; ticket 4711")
    listed = own.cli("plugin", "list").stdout
    assert "DISABLED" in listed and "ticket 4711" in listed
    own.stop()
    own.start()
    assert own.plugin(INSTANCE)["state"] == "DISABLED"
    answer = own.cli("service", "restart", INSTANCE, check=False)
    assert answer.returncode != 0 and f"pretzel plugin enable {INSTANCE}" in answer.stderr
    assert own.json("plugin", "enable", INSTANCE)["instances"] == [INSTANCE]
    assert own.plugin(INSTANCE)["state"] == "READY"


def test_what_was_changed_in_the_store_is_found(own, original, tmp_path):
    file, digest = variant(tmp_path, original, b"4")
    own.cli("plugin", "install", file)
    stored = own.state / "plugins" / PLUGIN / digest / "plugin.so"
    assert stored.stat().st_mode & 0o077 == 0
    whole = stored.read_bytes()
    stored.unlink()
    stored.write_bytes(whole + b"evil")
    answer = own.cli("plugin", "verify", check=False)
    assert answer.returncode == 1 and "CHANGED" in answer.stdout
    answer = own.cli("plugin", "reload", INSTANCE, "--sha256", digest, check=False)
    assert "was changed after it was accepted" in answer.stderr
    assert own.plugin(INSTANCE)["state"] == "READY"
    stored.unlink()
    stored.write_bytes(whole)


def test_only_operators_change_plugins(own):
    token = "s" * 40
    entry = {"user": "bob", "environment": "local", "token_sha256": hashlib.sha256(token.encode()).hexdigest()}
    with open(own.state / "principals.jsonl", "a") as principals:
        principals.write(json.dumps(entry) + "\n")
    own.private("token-bob", token + "\n")
    own.stop()
    own.start()
    until(lambda: own.plugin(INSTANCE)["state"] == "READY", INSTANCE)
    as_bob = {"PRETZEL_TOKEN_FILE": str(own.state / "token-bob")}
    for words in (("disable", INSTANCE), ("enable", INSTANCE), ("reload", INSTANCE), ("verify",)):
        answer = own.cli("plugin", *words, check=False, env=as_bob)
        assert answer.returncode == 4 and "is no operator" in answer.stderr, words
    assert own.cli("plugin", "list", env=as_bob).returncode == 0
