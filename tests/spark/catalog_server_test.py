# SPDX-License-Identifier: Apache-2.0
"""The embedded catalog: loopback only, nothing without the secret, and Spark and PyIceberg can work with it."""

import os
import socket
import stat
import subprocess

import pytest
import stack


def other_addresses():
    """This machine's addresses that are not loopback."""
    output = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True).stdout
    return [address for address in output.split() if ":" not in address and not address.startswith("127.")]


@pytest.mark.parametrize("secret", ["", "wrong", "x" * 64])
@pytest.mark.parametrize("path", ["/v1/config", "/v1/namespaces", "/", "/favicon.ico"])
def test_nothing_is_answered_without_the_secret(production, path, secret):
    status, body = production.request("GET", path, secret=secret)
    assert status == 401
    assert body == {
        "error": {
            "message": "the header x-pretzel-secret is missing or wrong",
            "type": "NotAuthorizedException",
            "code": 401,
        }
    }


def test_a_write_without_the_secret_changes_nothing(production):
    before = production.listing()
    status, _ = production.request("POST", "/v1/namespaces", {"namespace": ["intruder"], "properties": {}}, secret="no")
    assert status == 401
    assert production.listing() == before


def test_only_the_loopback_address_listens(production):
    with socket.create_connection(("127.0.0.1", production.port), timeout=5):
        pass
    addresses = other_addresses()
    if not addresses:
        pytest.skip("this machine has no address but loopback")
    for address in addresses:
        with pytest.raises(OSError):
            socket.create_connection((address, production.port), timeout=5)


def test_the_database_is_private(production):
    assert stat.S_IMODE(os.stat(production.folder / "catalog.db").st_mode) == 0o600


@pytest.mark.parametrize(
    "change, expected",
    [
        (lambda server: server.secret_file.chmod(0o640), "is open to others; run: chmod 600"),
        (lambda server: server.secret_file.chmod(0o604), "is open to others; run: chmod 600"),
        (lambda server: server.secret_file.write_text("short"), "is shorter than 16 characters"),
        (lambda server: server.secret_file.unlink(), "is not a file"),
        (lambda server: setattr(server, "port", 65536), "it must be a number from 0 to 65535"),
    ],
)
def test_a_wrong_set_up_is_refused(tmp_path, change, expected):
    server = stack.CatalogServer(tmp_path / "catalog")
    change(server)
    done = subprocess.run(server.command(), env=server.environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stdout == ""
    assert expected in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_it_stops_with_status_0_and_keeps_its_tables_over_a_restart(tmp_path):
    server = stack.CatalogServer(tmp_path / "catalog").start()
    try:
        status, _ = server.request("POST", "/v1/namespaces", {"namespace": ["kept"], "properties": {"a": "b"}})
        assert status == 200
        port = server.port
        assert server.stop() == 0
        server.start()
        assert server.port == port
        assert server.request("GET", "/v1/namespaces/kept")[1]["properties"]["a"] == "b"
    finally:
        server.stop()


def test_a_missing_table_is_a_404_and_no_line_in_the_log(production):
    status, body = production.request("GET", "/v1/namespaces/nyc/tables/missing")
    assert (status, body["error"]["type"]) == (404, "NoSuchTableException")
    assert "missing" not in (production.folder / "stderr").read_text()


def test_levels_of_a_namespace_are_joined_by_a_dot(production):
    # Iceberg's servlet overrides the protocol's unit separator and refuses it; whoever speaks to it must follow its override.
    config = production.request("GET", "/v1/config")[1]
    assert config["overrides"]["namespace-separator"] == "%2E"
    production.request("POST", "/v1/namespaces", {"namespace": ["outer"], "properties": {}})
    production.request("POST", "/v1/namespaces", {"namespace": ["outer", "inner"], "properties": {}})
    assert production.request("GET", "/v1/namespaces/outer%2Einner")[1]["namespace"] == ["outer", "inner"]
    assert production.request("GET", "/v1/namespaces/outer%1Finner")[0] == 400
    production.request("DELETE", "/v1/namespaces/outer%2Einner")
    production.request("DELETE", "/v1/namespaces/outer")


def test_spark_creates_writes_and_drops_through_both_catalogs(connect, production, overlay):
    for catalog in (production, overlay):
        session = connect.session(stack.mount(catalog.uri, catalog.secret))
        try:
            session.sql("CREATE TABLE prod.nyc.probe (id INT, name STRING) USING iceberg").collect()
            session.sql("INSERT INTO prod.nyc.probe VALUES (1, 'one'), (2, 'two')").collect()
            assert [tuple(row) for row in session.sql("SELECT * FROM prod.nyc.probe ORDER BY id").collect()] == [
                (1, "one"), (2, "two")
            ]
            assert any((catalog.warehouse / "nyc" / "probe" / "data").iterdir())
            session.sql("DROP TABLE prod.nyc.probe").collect()
            assert catalog.request("GET", "/v1/namespaces/nyc/tables")[1]["identifiers"] == []
        finally:
            session.stop()


def test_the_flights_are_loaded_once(production):
    command = [
        stack.PYTHON, stack.ROOT / "stack" / "load_flights.py",
        "--uri", production.uri, "--secret-file", production.secret_file,
    ]
    first = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert first.returncode == 0, first.stderr
    assert "nyc.flights: created, 336776 rows" in first.stderr
    before = production.listing()
    second = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert second.returncode == 0, second.stderr
    assert second.stderr.count(": kept, ") == 5
    assert production.listing() == before
