# SPDX-License-Identifier: Apache-2.0
"""One dcpd with the whole embedded stack for the run; tests that break things start their own."""

import itertools
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import daemon as daemons  # noqa: E402

_names = itertools.count(1)


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """The shared stack, with the flights of 2013 in production. Do not break it."""
    daemon = daemons.Daemon(tmp_path_factory.mktemp("stack")).principals("stranger")
    with daemons.started(daemon):
        daemon.load_flights()
        yield daemon


@pytest.fixture
def playground(stack):
    """A playground of this test alone."""
    name = f"test-{next(_names)}"
    stack.cli("playground", "create", name, "--ttl", "1h")
    yield name
    stack.cli("playground", "delete", name, "--yes", "--wait", check=False)
