# SPDX-License-Identifier: Apache-2.0
"""One production catalog, one overlay catalog and one Spark Connect server for the whole run, all real, all on loopback."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import stack  # noqa: E402
from front import Front  # noqa: E402

# The driver of these tests is a plain Connect client; settings of the caller's Spark are not its business.
for key in [key for key in os.environ if key.startswith(("SPARK_", "PYSPARK_"))]:
    del os.environ[key]


def pytest_configure(config):
    config.addinivalue_line("markers", "spark: needs the real Spark and catalogs that scripts/lib/setup.sh installs")


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.spark)


@pytest.fixture(scope="session")
def production(tmp_path_factory):
    server = stack.CatalogServer(tmp_path_factory.mktemp("production")).start()
    server.request("POST", "/v1/namespaces", {"namespace": ["nyc"], "properties": {}})
    yield server
    server.stop()


@pytest.fixture(scope="session")
def overlay(tmp_path_factory):
    server = stack.CatalogServer(tmp_path_factory.mktemp("overlay")).start()
    server.request("POST", "/v1/namespaces", {"namespace": ["nyc"], "properties": {}})
    yield server
    server.stop()


@pytest.fixture(scope="session")
def connect(tmp_path_factory):
    server = stack.ConnectServer(tmp_path_factory.mktemp("connect")).start()
    yield server
    server.stop()


@pytest.fixture
def session(connect, production):
    """A session with production mounted under its own name."""
    session = connect.session(stack.mount(production.uri, production.secret))
    yield session
    session.stop()


@pytest.fixture(scope="module")
def front(connect, production):
    """Production with the table prod.nyc.plane, behind the HTTP server that counts what is asked of it."""
    session = connect.session(stack.mount(production.uri, production.secret))
    session.sql("CREATE TABLE prod.nyc.plane (tailnum STRING NOT NULL, seats INT, cost DECIMAL(9,2), built DATE,"
                " parts ARRAY<STRUCT<id: BIGINT, name: STRING>>) USING iceberg").collect()
    session.stop()
    front = Front(production.port, production.secret)
    yield front
    front.stop()
    production.request("DELETE", "/v1/namespaces/nyc/tables/plane")
