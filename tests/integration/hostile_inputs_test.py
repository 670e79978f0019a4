# SPDX-License-Identifier: Apache-2.0
"""Every hostile or malformed input of tests/hostile: each its stable code and message, none a crash, none a change.

PRETZEL_ACCEPT=1 writes what came back into tests/hostile/expected.jsonl, for a person to review.
"""

import json
import os
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hostile"))
import runner as runners  # noqa: E402

CASES = list(runners.all_cases())
CASES_MIN = 500
RUN_SECONDS_AIM = 180


def lives(stack):
    """What a crash would change: each process, and how often it was started."""
    status = stack.status()
    services = [(each["name"], each["pid"], each["restarts"], each["state"]) for each in status["services"]]
    plugins = [(each["instance"], each["pid"], each["restarts"], each["state"]) for each in status["plugins"]]
    return stack.process.pid, stack.process.poll(), services, plugins


@pytest.fixture(scope="module")
def outcomes(stack, tmp_path_factory):
    """All of them, sent once, with what was there before and after."""
    runner = runners.Runner(stack, tmp_path_factory.mktemp("cases"))
    try:
        # The first query wakes Spark's analyser, and makes the session that the others use.
        stack.cli("derived-dataset", "test", "examples/flights/aircraft_days.yaml", "-p", runners.PLAYGROUNDS["pg"])
        before = lives(stack), stack.listing()
        came = {outcome["case"]: outcome for outcome in runner.run(CASES)}
        after = lives(stack), stack.listing()
        again = stack.cli("derived-dataset", "test", "examples/flights/aircraft_days.yaml", "-p", runners.PLAYGROUNDS["pg"], check=False)
    finally:
        runner.close()
    if os.environ.get("PRETZEL_ACCEPT"):
        runners.accept(came.values())
    print(f"{len(came)} cases; slowest: " + ", ".join(
        f"{name} {runner.seconds[name]:.1f} s" for name in sorted(runner.seconds, key=runner.seconds.get)[-3:]))
    return {"came": came, "before": before, "after": after, "again": again}


def test_there_are_enough_and_no_two_alike():
    assert len(CASES) >= CASES_MIN
    assert [name for name, count in Counter(case.id for case in CASES).items() if count > 1] == []
    sent = Counter((case.kind, case.line, case.request and json.dumps(case.request, default=repr), repr(case.environment),
                    repr(sorted((name, content if isinstance(content, bytes) else name) for name, content in case.files.items())))
                   for case in CASES if case.kind != "file")
    assert [what for what, count in sent.items() if count > 1] == []


def test_each_has_a_stable_code_and_message(outcomes):
    expected = runners.expected()
    wrong = [(expected.get(name), came) for name, came in outcomes["came"].items() if came != expected.get(name)]
    assert wrong == [], "\n".join(f"{want}\n  {came}" for want, came in wrong)


def test_each_names_the_cause_and_none_succeeds(outcomes):
    for case in CASES:
        runners.check(case, outcomes["came"][case.id])


def test_nothing_died_and_nothing_changed(outcomes):
    assert outcomes["after"][0] == outcomes["before"][0]
    assert outcomes["after"][1] == outcomes["before"][1]
    assert outcomes["again"].returncode == 0, outcomes["again"].stderr
