# SPDX-License-Identifier: Apache-2.0
"""No test may hang the run: each, with its set-up, has a bound that a loaded machine keeps easily."""

import faulthandler
import signal
import sys

import pytest

SECONDS_MAX = 600


def too_long(_signal, _frame):
    faulthandler.dump_traceback(file=sys.__stderr__, all_threads=True)
    raise TimeoutError(f"the test took more than {SECONDS_MAX} s")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(SECONDS_MAX)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
