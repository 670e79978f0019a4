# SPDX-License-Identifier: Apache-2.0
"""The hostile inputs that need neither Spark nor a catalog, against a daemon of their own: each its stable code and message, none
a crash. The whole stack gets all of them in tests/integration/hostile_inputs_test.py."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]
import daemon as daemons  # noqa: E402
import runner as runners  # noqa: E402

CASES = [case for case in runners.all_cases() if not case.engine]
CASES_MIN = 500


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    with daemons.started(runners.light(daemons, folder)) as daemon:
        runner = runners.Runner(daemon, folder / "cases")
        before = lives(daemon)
        outcomes = runner.run(CASES)
        after = lives(daemon)
    return before, after, outcomes


def lives(daemon):
    plugins = [(each["instance"], each["pid"], each["restarts"]) for each in daemon.status()["plugins"]]
    return daemon.process.pid, daemon.process.poll(), plugins


def test_there_are_enough_and_no_two_of_one_name():
    assert len(CASES) >= CASES_MIN
    assert [name for name, count in Counter(case.id for case in runners.all_cases()).items() if count > 1] == []


def test_a_word_that_no_case_holds_is_refused():
    done = subprocess.run([sys.executable, HERE, "nosuchcase"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "no case's name holds nosuchcase" in done.stderr


def test_each_has_its_code_and_message(sent):
    expected = runners.expected()
    own = [(case, outcome) for case, outcome in zip(CASES, sent[2], strict=True) if not runners.needs_stack(case, outcome)]
    assert len(own) >= CASES_MIN
    wrong = [(expected.get(case.id), outcome) for case, outcome in own if expected.get(case.id) != outcome]
    assert wrong == [], "\n".join(f"{want}\n  {came}" for want, came in wrong)


def test_each_message_names_the_cause_and_none_succeeds(sent):
    for case, outcome in zip(CASES, sent[2], strict=True):
        if not runners.needs_stack(case, outcome):
            runners.check(case, outcome)


def test_no_process_died(sent):
    assert sent[0] == sent[1]
