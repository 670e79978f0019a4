# SPDX-License-Identifier: Apache-2.0
"""Other people's clients against one façade over real catalogs. Production holds nyc.airlines and is written by PyIceberg, directly."""

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "spark"), str(Path(__file__).resolve().parent)]
import stack  # noqa: E402
from facade import Facade  # noqa: E402
from shared import AIRLINES, KIT_SUMMARY  # noqa: E402


def catalog_server(folder):
    server = stack.CatalogServer(folder).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def production(tmp_path_factory):
    import pyarrow
    from pyiceberg.catalog.rest import RestCatalog

    for server in catalog_server(tmp_path_factory.mktemp("production")):
        catalog = RestCatalog("prod", uri=server.uri, **{f"header.{stack.SECRET_HEADER}": server.secret})
        catalog.create_namespace("nyc")
        ids, names = zip(*AIRLINES)
        rows = pyarrow.table({"id": pyarrow.array(ids, pyarrow.int64()), "name": names})
        catalog.create_table("nyc.airlines", rows.schema).append(rows)
        yield server


@pytest.fixture(scope="module")
def overlay(tmp_path_factory):
    yield from catalog_server(tmp_path_factory.mktemp("overlay"))


@pytest.fixture(scope="module")
def facade(tmp_path_factory, production, overlay):
    process = Facade(tmp_path_factory.mktemp("facade"), production, overlay)
    yield process
    assert process.stop() == 0


def pytest_terminal_summary(terminalreporter, config):
    if KIT_SUMMARY in config.stash:
        terminalreporter.write_line(config.stash[KIT_SUMMARY])
