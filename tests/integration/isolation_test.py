# SPDX-License-Identifier: Apache-2.0
"""Playgrounds beside each other: same names, different contents, one shared server; and nothing reaches production."""

import json
from concurrent.futures import ThreadPoolExecutor

import pyarrow
import pytest
from pyiceberg.exceptions import ForbiddenError, RESTError, UnauthorizedError
from pyiceberg.types import StringType

# PySpark's session may deadlock its process when the garbage collector ends it (docs/notes/spark-connect.md).
KEPT = []

MANIFEST = """\
apiVersion: dcp/v1
kind: DerivedDataset
metadata: {{name: verdict, namespace: lab}}
spec:
  sql: |
    {sql}
"""


def manifest(tmp_path, sql, name="verdict.yaml"):
    path = tmp_path / name
    path.write_text(MANIFEST.format(sql=sql))
    return path


@pytest.fixture
def pair(stack):
    names = ["left", "right"]
    for name in names:
        stack.cli("playground", "create", name, "--ttl", "1h")
    yield names
    for name in names:
        stack.cli("playground", "delete", name, "--yes", "--wait", check=False)


def test_two_playgrounds_on_one_server_each_see_their_own(stack, pair, tmp_path):
    """Same table name, different columns and rows; tests and runs of both at once on the shared server."""
    left = manifest(tmp_path, "SELECT carrier AS only_left, 1 AS side FROM prod.nyc.airlines", "left.yaml")
    right = manifest(tmp_path, "SELECT faa AS only_right, 2 AS side FROM prod.nyc.airports", "right.yaml")
    own = dict(zip(pair, (left, right), strict=True))

    def work(name):
        stack.cli("derived-dataset", "apply", own[name], "-p", name)
        run = stack.json("derived-dataset", "run", own[name], "-p", name, "--wait")
        return run["status"]

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, pair)) == ["SUCCEEDED", "SUCCEEDED"]

    # A reader of the result, by its production name: each sees the columns of its own playground's table.
    readers = {
        "left": manifest(tmp_path, "SELECT only_left, side FROM prod.lab.verdict", "read-left.yaml"),
        "right": manifest(tmp_path, "SELECT only_right, side FROM prod.lab.verdict", "read-right.yaml"),
    }
    for path in readers.values():
        path.write_text(path.read_text().replace("name: verdict", "name: reader"))
    jobs = [(name, readers[other]) for _ in range(5) for name in pair for other in pair]

    def check(job):
        name, path = job
        answer = stack.cli("derived-dataset", "test", path, "-p", name, "-o", "json", check=False)
        return (path == readers[name], answer.returncode, answer.stdout)

    with ThreadPoolExecutor(4) as pool:
        for own_table, code, output in pool.map(check, jobs):
            assert code == (0 if own_table else 1), output
            if not own_table:
                assert "UNRESOLVED_COLUMN" in output

    for name, side in (("left", 1), ("right", 2)):
        rows = stack.playground(name).load_table("lab.verdict").scan().to_arrow().to_pylist()
        assert {row["side"] for row in rows} == {side}


def test_a_server_session_without_a_mount_sees_nothing(stack):
    from pyspark.sql import SparkSession

    endpoint = stack.service("spark-connect")["endpoint"].replace("127.0.0.1", "localhost")
    session = SparkSession.builder.remote(f"sc://{endpoint}/;token={stack.secret('spark-connect')}").create()
    KEPT.append(session)
    try:
        with pytest.raises(Exception) as failure:
            session.sql("SELECT * FROM prod.nyc.flights").collect()
        assert "flights" not in [row for row in str(failure.value).splitlines() if "|" in row]
    finally:
        session.stop()


def test_the_shared_server_always_has_its_token(stack):
    from pyspark.sql import SparkSession

    endpoint = stack.service("spark-connect")["endpoint"].replace("127.0.0.1", "localhost")
    for token in ("wrong", stack.secret("overlay-catalog")):
        with pytest.raises(Exception, match="(?i)unauthenticated|invalid authentication"):
            # Some versions ask at creation already; then there is no session to keep.
            KEPT.append(SparkSession.builder.remote(f"sc://{endpoint}/;token={token}").create())
            KEPT[-1].range(1).collect()
    for session in KEPT:
        session.stop()


def test_a_stock_client_cannot_write_production(stack, playground):
    before = stack.listing("production-catalog")
    catalog = stack.playground(playground, write=True)
    flights = catalog.load_table("nyc.airlines")
    assert flights.properties["gc.enabled"] == "false"
    rows = flights.scan().to_arrow()
    with pytest.raises((ForbiddenError, RESTError), match="read-only|may not"):
        flights.append(rows)
    with pytest.raises((ForbiddenError, RESTError)):
        catalog.drop_table("nyc.airlines")
    with pytest.raises((ForbiddenError, RESTError)):
        catalog.rename_table("nyc.airlines", "nyc.carriers")
    with pytest.raises((ForbiddenError, RESTError)):
        with flights.update_schema() as update:
            update.add_column("x", StringType())
    assert stack.listing("production-catalog") == before


def test_a_read_only_token_cannot_write_the_playground_either(stack, playground):
    catalog = stack.playground(playground)
    with pytest.raises((ForbiddenError, RESTError)):
        catalog.create_namespace("scratch")
    writer = stack.playground(playground, write=True)
    writer.create_namespace("scratch")
    table = writer.create_table("scratch.t", schema=pyarrow.schema([("n", pyarrow.int64())]))
    table.append(pyarrow.table({"n": [1, 2, 3]}))
    assert stack.playground(playground).load_table("scratch.t").scan().count() == 3


def test_a_token_is_good_for_its_own_playground_only(stack, pair):
    from pyiceberg.catalog import load_catalog

    access = stack.json("playground", "connect", "left")
    other = stack.json("playground", "connect", "right")
    with pytest.raises((ForbiddenError, UnauthorizedError, RESTError)):
        load_catalog("x", type="rest", uri=other["uri"], **{"header.x-pretzel-token": access["token"]}).list_namespaces()


def test_what_one_principal_owns_another_does_not_see(stack, playground, tmp_path):
    import hashlib

    token = "a-second-principal-of-the-test-suite-0123456789"
    with open(stack.state / "principals.jsonl", "a") as principals:
        principals.write(json.dumps({"user": "second", "team": "t", "environment": "e",
                                     "token_sha256": hashlib.sha256(token.encode()).hexdigest()}) + "\n")
    stack.stop()
    stack.start()
    try:
        theirs = {"PRETZEL_TOKEN": token}
        assert stack.json("whoami", env=theirs)["user"] == "second"
        assert stack.cli("playground", "get", playground, env=theirs, check=False).returncode == 5
        assert playground not in stack.cli("playground", "list", env=theirs).stdout
        assert stack.cli("playground", "delete", playground, "--yes", env=theirs, check=False).returncode == 5
        assert stack.cli("playground", "connect", playground, env=theirs, check=False).returncode == 5
        wrong = stack.cli("whoami", env={"PRETZEL_TOKEN": "guess"}, check=False)
        assert wrong.returncode == 4
        assert "guess" not in wrong.stderr
    finally:
        assert stack.cli("playground", "get", playground).returncode == 0
