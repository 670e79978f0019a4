# SPDX-License-Identifier: Apache-2.0
"""Two catalogs that outlive the daemons under test, for the whole run."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import inner_daemon  # noqa: E402


@pytest.fixture(scope="session")
def servers(tmp_path_factory):
    with inner_daemon.Servers(tmp_path_factory.mktemp("servers")) as running:
        yield running
