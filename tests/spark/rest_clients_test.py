# SPDX-License-Identifier: Apache-2.0
"""What Spark and PyIceberg really send to an Iceberg REST catalog: the facts that our own catalog endpoint relies on.

docs/notes/iceberg-rest-clients.md tells the same in prose; a client's new version that changes it fails here first.
"""

import pyarrow
import pytest
import stack
from pyiceberg.catalog.rest import RestCatalog
from pyspark.sql import functions
from recording_proxy import RecordingProxy

CREATE_KEYS = {"name", "partition-spec", "properties", "schema", "stage-create", "write-order"}
STAGED_COMMIT = [
    "assign-uuid", "upgrade-format-version", "add-schema", "set-current-schema", "add-spec", "set-default-spec",
    "add-sort-order", "set-default-sort-order", "set-location", "set-properties", "add-snapshot", "set-snapshot-ref",
]
WRITE = (["assert-table-uuid", "assert-ref-snapshot-id"], ["add-snapshot", "set-snapshot-ref"])
ROWS = pyarrow.table({"id": pyarrow.array([1, 2])})


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    server = stack.CatalogServer(tmp_path_factory.mktemp("recorded")).start()
    server.request("POST", "/v1/namespaces", {"namespace": ["nyc"], "properties": {}})
    yield server
    server.stop()


@pytest.fixture(scope="module")
def proxy(catalog):
    proxy = RecordingProxy(catalog.port)
    yield proxy
    proxy.close()


@pytest.fixture(scope="module")
def spark(connect, catalog, proxy):
    confs = stack.mount(proxy.uri, catalog.secret)
    session = connect.session({**confs, "spark.sql.catalog.prod.rest-metrics-reporting-enabled": "false"})
    yield session
    session.stop()


@pytest.fixture
def record(proxy, spark):
    def run(action):
        with proxy.recording() as calls:
            spark.sql(action).collect() if isinstance(action, str) else action()
        return calls

    return run


@pytest.fixture
def name(spark, request):
    """A table name for this test, dropped afterwards."""
    name = request.node.name.removeprefix("test_").split("[")[0][:30]
    yield name
    spark.sql(f"DROP TABLE IF EXISTS prod.nyc.{name}").collect()


def posts(calls):
    return [call for call in calls if call.method == "POST"]


def check_staged_create(calls, name):
    create, commit = posts(calls)
    assert create.path == "/v1/namespaces/nyc/tables" and create.body["stage-create"] is True
    assert create.body.get("location") is None
    assert create.answer.get("metadata-location") is None
    assert commit.path == f"/v1/namespaces/nyc/tables/{name}"
    assert (commit.requirements, commit.actions) == (["assert-create"], STAGED_COMMIT)
    # The staged table's own location and id come back, letter by letter.
    staged = create.answer["metadata"]
    assert commit.updates("set-location")[0]["location"] == staged["location"]
    assert commit.updates("assign-uuid")[0]["uuid"] == staged["table-uuid"]
    assert commit.updates("add-snapshot")[0]["snapshot"]["manifest-list"].startswith(staged["location"] + "/metadata/")


def test_spark_create_table(record, name):
    calls = record(f"CREATE TABLE prod.nyc.{name} (id INT) USING iceberg")
    (create,) = posts(calls)
    assert create.path == "/v1/namespaces/nyc/tables"
    assert set(create.body) == CREATE_KEYS | {"location"}
    assert (create.body["location"], create.body["stage-create"]) == (None, False)
    assert set(create.body["properties"]) == {"owner"}
    assert f"HEAD /v1/namespaces/nyc/tables/{name} 404" in [call.line for call in calls]


def test_spark_create_with_a_location_sends_it_in_another_spelling(record, name, tmp_path):
    uri = (tmp_path / "elsewhere").as_uri()
    (create,) = posts(record(f"CREATE TABLE prod.nyc.{name} (id INT) USING iceberg LOCATION '{uri}'"))
    assert uri.startswith("file:///")
    assert create.body["location"] == "file:/" + uri.removeprefix("file:///")


def test_spark_ctas(record, name):
    check_staged_create(record(f"CREATE TABLE prod.nyc.{name} USING iceberg AS SELECT 1 AS id"), name)


def test_spark_create_or_replace_of_a_new_table(record, spark, name):
    writer = spark.range(3).writeTo(f"prod.nyc.{name}").using("iceberg")
    check_staged_create(record(writer.createOrReplace), name)


def test_spark_replace_of_an_existing_table(record, spark, name, tmp_path):
    spark.sql(f"CREATE TABLE prod.nyc.{name} USING iceberg AS SELECT 1 AS id").collect()
    (commit,) = posts(record(f"REPLACE TABLE prod.nyc.{name} USING iceberg AS SELECT 'a' AS other"))
    assert commit.requirements == ["assert-table-uuid", "assert-last-assigned-field-id"]
    assert commit.actions == [
        "set-default-spec", "set-default-sort-order", "remove-snapshot-ref", "add-schema", "set-current-schema",
        "set-properties", "add-snapshot", "set-snapshot-ref",
    ]
    location = (tmp_path / "moved").as_uri()
    text = f"CREATE OR REPLACE TABLE prod.nyc.{name} USING iceberg LOCATION '{location}' AS SELECT 'a' AS other"
    (commit,) = posts(record(text))
    assert [update["location"] for update in commit.updates("set-location")] == [location.replace("///", "/")]


def test_spark_writes(record, spark, name):
    table = f"prod.nyc.{name}"
    spark.sql(f"CREATE TABLE {table} (id BIGINT) USING iceberg").collect()
    frame = spark.range(3)
    actions = [
        f"INSERT INTO {table} VALUES (1)",
        f"INSERT OVERWRITE {table} VALUES (2)",
        frame.writeTo(table).append,
        lambda: frame.writeTo(table).overwrite(functions.lit(True)),
        f"MERGE INTO {table} t USING (SELECT 1L AS id) s ON t.id = s.id WHEN MATCHED THEN DELETE",
        f"DELETE FROM {table} WHERE id = 1",
        f"TRUNCATE TABLE {table}",
    ]
    for action in actions:
        (commit,) = posts(record(action))
        assert (commit.requirements, commit.actions) == WRITE
        assert commit.updates("set-snapshot-ref")[0]["ref-name"] == "main"


def test_spark_snapshot_property(record, spark, name):
    spark.sql(f"CREATE TABLE prod.nyc.{name} (id BIGINT) USING iceberg").collect()
    writer = spark.range(3).writeTo(f"prod.nyc.{name}").option("snapshot-property.pretzel.run-id", "r-1")
    (commit,) = posts(record(lambda: writer.overwrite(functions.lit(True))))
    assert commit.updates("add-snapshot")[0]["snapshot"]["summary"]["pretzel.run-id"] == "r-1"


def test_spark_alters_send_location_and_write_paths_as_updates(record, spark, name, tmp_path):
    spark.sql(f"CREATE TABLE prod.nyc.{name} (id BIGINT) USING iceberg").collect()
    location = (tmp_path / "else").as_uri()
    (commit,) = posts(record(f"ALTER TABLE prod.nyc.{name} SET LOCATION '{location}'"))
    assert commit.body["updates"] == [{"action": "set-location", "location": location}]
    (commit,) = posts(record(f"ALTER TABLE prod.nyc.{name} SET TBLPROPERTIES ('write.metadata.path' = '/tmp/z')"))
    assert commit.body["updates"] == [{"action": "set-properties", "updates": {"write.metadata.path": "/tmp/z"}}]


def test_spark_reads(record, spark, name):
    spark.sql(f"CREATE TABLE prod.nyc.{name} USING iceberg AS SELECT 1 AS id").collect()
    calls = record(f"SELECT * FROM prod.nyc.{name}")
    assert {call.path for call in calls} == {f"/v1/namespaces/nyc/tables/{name}?snapshots=all"}
    # The client sends If-None-Match whatever cache-enabled says, and takes 304.
    assert calls[-1].status == 304 and "if-none-match" in calls[-1].headers


def test_spark_probes_a_metadata_table_as_a_table_in_a_deeper_namespace(record, spark, name):
    spark.sql(f"CREATE TABLE prod.nyc.{name} USING iceberg AS SELECT 1 AS id").collect()
    calls = record(f"SELECT snapshot_id FROM prod.nyc.{name}.snapshots")
    assert calls[0].line == f"GET /v1/namespaces/nyc%2E{name}/tables/snapshots?snapshots=all 404"


def test_spark_drop_and_drop_purge_look_alike(record, spark, name):
    for statement in ("DROP TABLE prod.nyc.{}", "DROP TABLE prod.nyc.{} PURGE"):
        spark.sql(f"CREATE TABLE prod.nyc.{name} USING iceberg AS SELECT 1 AS id").collect()
        deletes = [call for call in record(statement.format(name)) if call.method == "DELETE"]
        assert [call.line for call in deletes] == [f"DELETE /v1/namespaces/nyc/tables/{name} 204"]


def test_the_token_header_and_no_other_credential_is_sent_by_spark(proxy, record, name):
    calls = record(f"CREATE TABLE prod.nyc.{name} (id INT) USING iceberg")
    assert all(stack.SECRET_HEADER in call.headers and "authorization" not in call.headers for call in calls)


def test_pyiceberg(catalog, proxy):
    with proxy.recording() as calls:
        client = RestCatalog("p", uri=proxy.uri, **{f"header.{stack.SECRET_HEADER}": catalog.secret})
        table = client.create_table("nyc.py", ROWS.schema)
        table.append(ROWS)
        table.overwrite(ROWS)
        client.drop_table("nyc.py")
        with client.create_table_transaction("nyc.staged", ROWS.schema) as change:
            change.append(ROWS)
        client.purge_table("nyc.staged")
    assert calls[0].line == "GET /v1/config 200"
    create, append, overwrite, staged, commit = posts(calls)
    assert set(create.body) == CREATE_KEYS and create.body["stage-create"] is False
    assert append.requirements == ["assert-ref-snapshot-id", "assert-table-uuid"]
    assert append.actions == ["add-snapshot", "set-snapshot-ref"]
    # A delete and an append, two snapshots in one commit.
    assert overwrite.actions == ["add-snapshot", "set-snapshot-ref"] * 2
    check_staged_create([staged, commit], "staged")
    assert [call.path.rsplit("/", 1)[1] for call in calls if call.method == "DELETE"] == [
        "py?purgeRequested=False", "staged?purgeRequested=True"
    ]
    # It has no token and says so; and it asks for credentials that we must not give.
    assert calls[-1].headers["authorization"] == "Bearer None"
    assert calls[-1].headers["x-iceberg-access-delegation"] == "vended-credentials"
