# SPDX-License-Identifier: Apache-2.0
"""No test may hang the run: each, with its set-up, has a bound that a loaded machine keeps easily."""

import faulthandler
import signal
import sys

import pytest

SECONDS_MAX = 600


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also the tests that CI has no time for (scripts/test --all)")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes minutes; scripts/test leaves it out, scripts/test --all runs it")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--long"):
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


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
