# SPDX-License-Identifier: Apache-2.0
"""Iceberg's own REST Compatibility Kit against a playground: a case passes, or rck_refused.toml says why it cannot.

The kit's classes run as published, over the stock Java client, but for one switch (rck/CatalogTests.java). The other switches are
catalog properties, which the kit takes from the environment (CATALOG_X__Y_Z is x-y.z): so the token is in no command line.
"""

import collections
import os
import subprocess
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import stack
from facade import Playground
from shared import KIT_SUMMARY

HERE = Path(__file__).resolve().parent
KIT = stack.LOCAL / "rck"
# In front of it: what the kit itself needs. The catalog server's jars hold iceberg-core with its tests, and Hadoop for the files.
CLASS_PATH = f"{KIT}/*:{stack.LOCAL}/jars/catalog/*"
CLASSES = ("pretzel.CatalogTests", "org.apache.iceberg.rest.RESTCompatibilityKitViewCatalogTests")
# It took 45 s to 140 s on two cores that other suites kept busy.
KIT_SECONDS = 500
SHOWN = 600  # of a failure's text

Case = collections.namedtuple("Case", "outcome text")


def switches(playground):
    return {
        "CATALOG_URI": playground.endpoint,
        "CATALOG_REST_AUTH_TYPE": "none",
        "CATALOG_HEADER_X__PRETZEL__TOKEN": playground.rw,
        "CATALOG_RCK_REQUIRES__NAMESPACE__CREATE": "true",
        "CATALOG_RCK_SUPPORTS__SERVERSIDE__RETRY": "true",
        "CATALOG_RCK_SUPPORTS__NAMES__WITH__DOT": "false",
    }


def compiled(folder):
    """CatalogTests.java, which turns on a switch that the kit has no property for."""
    subprocess.run(["javac", "-cp", CLASS_PATH, "-d", folder, HERE / "rck" / "CatalogTests.java"], check=True, timeout=120)
    return folder


def read_case(element):
    for tag, outcome in (("failure", "failed"), ("error", "failed"), ("skipped", "not asked")):
        found = element.find(tag)
        if found is not None:
            return Case(outcome, "\n".join(filter(None, (found.get("message"), found.text))))
    return Case("passed", "")


def read_report(folder):
    """{"CatalogTests.testLoadTable": Case}; a parameterized case keeps its number: [1]."""
    cases = {}
    for element in ElementTree.parse(folder / "TEST-junit-jupiter.xml").getroot().iter("testcase"):
        name = element.get("classname").rpartition(".")[2].removeprefix("RESTCompatibilityKit")
        method, _, rest = element.get("name").partition("(")
        cases[f"{name}.{method}{rest.partition(')')[2]}"] = read_case(element)
    return cases


@pytest.fixture(scope="module")
def kit(facade, tmp_path_factory):
    """Every case's outcome, of one run in one JVM against a fresh playground."""
    folder = tmp_path_factory.mktemp("rck")
    command = [
        "java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
        "-Drck.local=false",  # or the kit starts a catalog of its own and tests that
        "-cp", f"{compiled(folder)}:{CLASS_PATH}", "org.junit.platform.console.ConsoleLauncher", "execute",
        *(f"--select-class={name}" for name in CLASSES),
        "--reports-dir", folder, "--details=none", "--disable-banner",
    ]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("CATALOG_")}
    with open(folder / "log", "wb") as log:
        done = subprocess.run(command, env={**environment, **switches(Playground(facade, "rck"))}, cwd=folder, timeout=KIT_SECONDS,
                              stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    # 1: cases failed, which is judged below. Anything else: the kit did not run.
    assert done.returncode in (0, 1), (folder / "log").read_text()[-4000:]
    return read_report(folder)


@pytest.fixture(scope="module")
def listed():
    """{case: the entry that names it}"""
    with open(HERE / "rck_refused.toml", "rb") as file:
        entries = tomllib.load(file)
    found = {}
    for kind, outcome in (("refused", "failed"), ("not_asked", "not asked")):
        for entry in entries[kind]:
            assert entry["why"]
            for case in entry["cases"]:
                assert case not in found, f"{case} is listed twice"
                found[case] = {**entry, "outcome": outcome}
    return found


def test_every_case_passes_or_is_refused_by_design(kit, listed, pytestconfig):
    count = collections.Counter(case.outcome for case in kit.values())
    refused = sum(entry["outcome"] == kit[name].outcome == "failed" and entry["says"] in kit[name].text
                  for name, entry in listed.items() if name in kit)
    failed = {name: case.text[:SHOWN] for name, case in kit.items() if case.outcome == "failed" and name not in listed}
    pytestconfig.stash[KIT_SUMMARY] = (
        f"REST Compatibility Kit: {len(kit)} cases, {count['passed']} passed, {refused} refused by design (listed), "
        f"{count['not asked']} not asked by the kit (listed), {len(failed)} failed"
    )
    assert not failed, "\n\n".join(f"{name}: {text}" for name, text in failed.items())


def test_the_list_is_true(kit, listed):
    wrong = {}
    for name, entry in listed.items():
        if name not in kit:
            wrong[name] = "the kit has no such case"
        elif kit[name].outcome != entry["outcome"]:
            wrong[name] = f"is listed as {entry['outcome']} but {kit[name].outcome}"
        elif entry.get("says", "") not in kit[name].text:
            wrong[name] = f"fails for another reason than listed: {kit[name].text[:SHOWN]}"
    wrong.update({name: "is not asked by the kit, and not listed" for name, case in kit.items()
                  if case.outcome == "not asked" and name not in listed})
    assert not wrong, "\n".join(f"{name}: {text}" for name, text in wrong.items())


def test_the_kit_ran_whole(kit):
    """A kit that is not found, or half of it, must not look like a kit without failures."""
    counts = collections.Counter(name.partition(".")[0] for name in kit)
    assert counts == {"CatalogTests": 106, "ViewCatalogTests": 51}
