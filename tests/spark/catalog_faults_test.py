# SPDX-License-Identifier: Apache-2.0
"""What other people's clients brought to light in the playground catalog, over the real catalog servers with bare HTTP."""

import concurrent.futures
import contextlib
import http.client
import time
import uuid
from pathlib import Path
from urllib.parse import quote, urlparse

import pytest
from catalog_bodies_test import TABLE, TABLES, Table
from catalog_facade_test import INT_SCHEMA, Facade, Playground, refusal

VIEW = {
    "name": "seen", "schema": INT_SCHEMA, "properties": {}, "view-version": {
        "version-id": 1, "timestamp-ms": 1, "schema-id": 0, "summary": {}, "default-namespace": ["nyc"],
        "representations": [{"type": "sql", "sql": "SELECT 1", "dialect": "spark"}]},
}


def count_rows_twice(production):
    """Statistics on both snapshots of nyc.counted, one of them superseded."""
    path = TABLES + "/counted"
    location = production.request("GET", path)[1]["metadata"]["location"]
    for number in (1, 2):
        assert production.request("POST", path, {"requirements": [], "updates": [
            {"action": "add-snapshot", "snapshot": {
                "snapshot-id": number, "sequence-number": number, "timestamp-ms": int(time.time() * 1000),
                "manifest-list": f"{location}/metadata/{number}.avro", "summary": {"operation": "append"}}},
            Table.ref(number),
            {"action": "set-statistics", "statistics": {
                "snapshot-id": number, "statistics-path": location + "/s", "file-size-in-bytes": 1,
                "file-footer-size-in-bytes": 1, "blob-metadata": []}}]})[0] == 200


@pytest.fixture(scope="module")
def facade(tmp_path_factory, production, overlay):
    for name in ("flights", "counted"):
        assert production.request("POST", TABLES, {"name": name, "schema": INT_SCHEMA})[0] in (200, 409)
    count_rows_twice(production)
    assert production.request("POST", "/v1/namespaces/nyc/views", VIEW)[0] in (200, 409)
    process = Facade(tmp_path_factory.mktemp("facade"), production, overlay)
    yield process
    assert process.stop() == 0
    assert production.request("DELETE", "/v1/namespaces/nyc/views/seen")[0] == 204
    for name in ("flights", "counted"):  # the server is the other modules' as well
        assert production.request("DELETE", f"{TABLES}/{name}")[0] == 204


@pytest.fixture
def playground(facade):
    return Playground(facade, "pg-" + uuid.uuid4().hex[:8])


@pytest.fixture(autouse=True)
def production_does_not_change(playground, production):
    before = production.listing()
    yield
    assert production.listing() == before


def metadata_file(playground, name):
    return Path(urlparse(playground.http("GET", f"{TABLES}/{name}")[1]["metadata-location"]).path)


def create(playground, name, **fields):
    status, made = playground.http("POST", TABLES, {"name": name, "schema": INT_SCHEMA, **fields})
    assert status == 200, made
    return made


def new_table(staged, **changes):
    """The commit that ends a staged create, as clients send it."""
    metadata = {**staged["metadata"], **changes}
    return {"requirements": [{"type": "assert-create"}], "updates": [
        {"action": "assign-uuid", "uuid": metadata["table-uuid"]}, {"action": "upgrade-format-version", "format-version": 2},
        {"action": "add-schema", "schema": metadata["schemas"][0]}, {"action": "set-current-schema", "schema-id": -1},
        {"action": "add-spec", "spec": metadata["partition-specs"][0]}, {"action": "set-default-spec", "spec-id": -1},
        {"action": "add-sort-order", "sort-order": metadata["sort-orders"][0]},
        {"action": "set-default-sort-order", "sort-order-id": -1},
        {"action": "set-location", "location": metadata["location"]},
    ]}


def staged(playground, name):
    return create(playground, name, **{"stage-create": True})


def rename(playground, source, destination):
    def identifier(name):
        return {"namespace": ["nyc"], "name": name}

    return playground.http("POST", "/v1/tables/rename", {"source": identifier(source), "destination": identifier(destination)})


# --- what may be committed leaves a table that loads -----------------------------------------------------------------


def test_statistics_of_a_superseded_snapshot_leave_a_table_that_loads(playground):
    table = Table(playground)
    partition = {key: table.statistics(1)[key] for key in ("snapshot-id", "statistics-path", "file-size-in-bytes")}
    for number in (1, 2):
        assert table.commit({"action": "set-statistics", "statistics": table.statistics(number)})[0] == 200
        partition["snapshot-id"] = number
        assert table.commit({"action": "set-partition-statistics", "partition-statistics": partition})[0] == 200
    everything = playground.http("GET", TABLE)[1]["metadata"]
    status, answer = playground.http("GET", TABLE + "?snapshots=refs")
    assert status == 200
    for key in ("snapshots", "statistics", "partition-statistics"):
        assert [entry["snapshot-id"] for entry in everything[key]] == [1, 2]
        assert [entry["snapshot-id"] for entry in answer["metadata"][key]] == [2]
    assert table.commit({"action": "set-properties", "updates": {"a": "b"}})[0] == 200
    assert playground.call("describe", table="nyc.own")["snapshotId"] == 2


def test_production_s_statistics_do_not_stop_a_load(playground, production):
    path = TABLES + "/counted"
    assert production.request("GET", path + "?snapshots=refs")[0] == 400
    status, loaded = playground.http("GET", path + "?snapshots=refs")
    assert status == 200 and [entry["snapshot-id"] for entry in loaded["metadata"]["snapshots"]] == [2]


@pytest.mark.parametrize("update", [
    {"action": "assign-uuid", "uuid": "99999999-2222-3333-4444-555555555555"},
    {"action": "assign-uuid", "uuid": "x"},
])
def test_a_table_keeps_its_uuid(playground, update):
    table = Table(playground)
    status, kind, message = refusal(table.commit(update))
    assert (status, kind) == (400, "BadRequestException") and "UUID" in message
    assert table.commit({"action": "assign-uuid", "uuid": table.uuid})[0] == 200
    assert table.loads() == [200, 200]
    assert playground.http("GET", TABLE)[1]["metadata"]["table-uuid"] == table.uuid


@pytest.mark.parametrize("schema, words", [
    ([{"id": 1, "name": "a"}, {"id": 1, "name": "b"}], "the column id 1 twice"),
    ([{"id": 1, "name": "a"}, {"id": 2, "name": "a"}], "two columns of one name"),
    ([{"id": 1, "name": "a", "type": "itn"}], "not a type of Iceberg's"),
])
def test_a_schema_that_cannot_be_read_is_refused(playground, schema, words):
    table = Table(playground)
    fields = [{"required": False, "type": "int", **field} for field in schema]
    body = {"type": "struct", "fields": fields}
    for answer in (table.commit({"action": "add-schema", "schema": body}),
                   playground.http("POST", TABLES, {"name": "bad", "schema": body})):
        status, kind, message = refusal(answer)
        assert (status, kind) == (400, "BadRequestException") and words in message


# --- only "no such table" leads to production ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["flights", "own"])
def test_a_table_whose_metadata_is_lost_is_an_error_and_can_be_dropped(playground, name):
    columns = [{"name": "id", "type": "int"}]
    assert playground.call("ensure", table="nyc." + name, columns=columns)["status"] == "CREATED"
    metadata_file(playground, name).unlink()
    path = f"{TABLES}/{name}"
    commit = {"requirements": [], "updates": []}
    for answer in (playground.http("GET", path), playground.http("GET", path + "?snapshots=refs"),
                   playground.http("POST", path, commit), rename(playground, name, "other")):
        assert refusal(answer)[:2] == (404, "NotFoundException")
    assert playground.http("HEAD", path)[0] == 204
    assert "lost" in playground.call("describe", table="nyc." + name)["error"]["message"]
    assert "lost" in playground.call("ensure", table="nyc." + name, columns=columns)["error"]["message"]
    assert playground.http("POST", TABLES, {"name": name, "schema": INT_SCHEMA})[0] == 409
    assert playground.http("DELETE", path + "?purgeRequested=true")[0] == 204
    assert playground.http("GET", path)[0] == (200 if name == "flights" else 404)


def test_a_table_whose_metadata_is_lost_can_be_made_again_and_purged_with_its_playground(playground):
    columns = [{"name": "id", "type": "int"}]
    for name in ("one", "two"):
        playground.call("ensure", table="nyc." + name, columns=columns)
        metadata_file(playground, name).unlink()
    assert playground.call("ensure", table="nyc.one", columns=columns, recreate=True)["status"] == "RECREATED"
    assert playground.http("GET", TABLES + "/one")[0] == 200
    metadata_file(playground, "one").write_text("garbage")
    assert playground.call("purge") == {"tables": 2}
    assert not playground.folder().exists()


# --- names -----------------------------------------------------------------------------------------------------------


def test_levels_are_counted_in_bodies_as_in_urls(playground):
    create(playground, "own")
    deep, most = ["a"] * 17, ["a"] * 16
    for answer in (
        playground.http("POST", "/v1/namespaces", {"namespace": deep}),
        playground.http("POST", "/v1/namespaces", {"namespace": ["a"] * 61}),
        playground.http("GET", "/v1/namespaces/" + "%1F".join(deep)),
        playground.http("POST", "/v1/tables/rename", {
            "source": {"namespace": ["nyc"], "name": "own"}, "destination": {"namespace": deep, "name": "own"}}),
    ):
        status, kind, message = refusal(answer)
        assert (status, kind) == (400, "BadRequestException") and "16 levels" in message
    assert "16 levels" in playground.call(
        "ensure", table=".".join([*deep, "t"]), columns=[{"name": "id", "type": "int"}])["error"]["message"]
    assert playground.http("POST", "/v1/namespaces", {"namespace": most})[0] == 200
    assert playground.http("POST", "/v1/namespaces", {"namespace": ["b" * 128] * 16})[0] == 200
    assert playground.http("POST", "/v1/namespaces", {"namespace": ["b" * 129]})[0] == 400
    assert playground.call("purge") == {"tables": 1}


def test_a_namespace_that_is_too_deep_already_goes_with_its_playground(playground, overlay):
    create(playground, "own")
    root = f"pg_{playground.name}_{playground.generation}"
    for depth in (20, 61):
        assert overlay.request("POST", "/v1/namespaces", {"namespace": [root, *["x"] * depth], "properties": {}})[0] == 200
    assert playground.call("purge") == {"tables": 1}
    assert overlay.request("GET", f"/v1/namespaces/{root}")[0] == 404


@pytest.mark.parametrize("name", ["a/b", "a\\b", "a\nb", "a%b", "\x7f", b"\xff", "x" * 9000, "a.b", "é", "a;b", " ", "~"])
def test_a_name_that_is_refused_is_the_client_s_fault(playground, name):
    name = quote(name, safe="")
    for method, path, body in (
        ("GET", f"{TABLES}/{name}", None), ("HEAD", f"{TABLES}/{name}", None), ("DELETE", f"{TABLES}/{name}", None),
        ("POST", f"{TABLES}/{name}", {"requirements": [], "updates": []}), ("GET", f"/v1/namespaces/{name}", None),
        ("HEAD", f"/v1/namespaces/{name}", None), ("DELETE", f"/v1/namespaces/{name}", None),
        ("GET", f"/v1/namespaces/{name}/tables", None), ("GET", f"/v1/namespaces/{name}/views", None),
        ("GET", f"/v1/namespaces?parent={name}", None), ("GET", f"/v1/namespaces/nyc/views/{name}", None),
        ("POST", f"/v1/namespaces/{name}/properties", {}),
        ("POST", f"/v1/namespaces/{name}/tables", {"name": "t", "schema": INT_SCHEMA}),
    ):
        status, answer = playground.http(method, path, body)
        assert status in (400, 404), (method, path, answer)
        assert method == "HEAD" or answer["error"]["message"]


def test_what_is_missing_says_which_kind(playground):
    for path in ("/v1/namespaces/nonsuch/views", "/v1/namespaces/nonsuch/tables", "/v1/namespaces/nyc%1Fnonsuch/views",
                 "/v1/namespaces/nyc%1Fnonsuch/tables", "/v1/namespaces/a%1Fb%1Fc/tables", "/v1/namespaces?parent=nonsuch"):
        assert refusal(playground.http("GET", path))[:2] == (404, "NoSuchNamespaceException"), path
    report = {"report-type": "scan-report"}
    assert refusal(playground.http("POST", TABLES + "/nonsuch/metrics", report))[:2] == (404, "NoSuchTableException")
    assert playground.http("POST", TABLES + "/flights/metrics", report, token=playground.ro)[0] == 204


# --- new tables ------------------------------------------------------------------------------------------------------


def test_a_name_of_production_s_is_taken_whatever_has_it(playground):
    create(playground, "own")
    ready = staged(playground, "late")
    for taken, kind in (("flights", "Table"), ("seen", "View")):
        moved = ready["metadata"]["location"].replace("/late-", f"/{taken}-")
        for answer in (playground.http("POST", TABLES, {"name": taken, "schema": INT_SCHEMA}),
                       playground.http("POST", TABLES, {"name": taken, "schema": INT_SCHEMA, "stage-create": True}),
                       playground.http("POST", f"{TABLES}/{taken}", new_table(ready, location=moved)),
                       rename(playground, "own", taken)):
            status, error, message = refusal(answer)
            assert (status, error) == (409, "AlreadyExistsException") and message.startswith(kind + " already exists")
    assert refusal(playground.http("POST", "/v1/namespaces", {"namespace": ["nyc"]}))[:2] == (409, "AlreadyExistsException")
    assert playground.http("GET", TABLE)[0] == 200


def test_a_declared_table_hides_production_s_view(playground):
    views = "/v1/namespaces/nyc/views"
    assert {"namespace": ["nyc"], "name": "seen"} in playground.http("GET", views)[1]["identifiers"]
    assert playground.http("GET", views + "/seen")[0] == 200
    assert playground.call("ensure", table="nyc.seen", columns=[{"name": "id", "type": "int"}])["status"] == "CREATED"
    assert {"namespace": ["nyc"], "name": "seen"} not in playground.http("GET", views)[1]["identifiers"]
    assert refusal(playground.http("GET", views + "/seen"))[:2] == (404, "NoSuchViewException")
    assert playground.http("HEAD", views + "/seen")[0] == 404
    assert playground.http("DELETE", TABLES + "/seen")[0] == 204
    assert playground.http("HEAD", views + "/seen")[0] == 204


def test_the_loser_of_two_staged_creates_is_told_so(playground):
    first, second = staged(playground, "own"), staged(playground, "own")
    assert playground.http("POST", TABLE, new_table(first))[0] == 200
    for again in (second, first):
        status, kind, message = refusal(playground.http("POST", TABLE, new_table(again)))
        assert (status, kind) == (409, "AlreadyExistsException")
        assert message.startswith("Requirement failed: table already exists")
    assert playground.http("GET", TABLE)[1]["metadata"]["location"] == first["metadata"]["location"]


def test_of_many_staged_creates_at_once_one_wins(playground):
    ready = [new_table(staged(playground, "own")) for _ in range(6)]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda body: playground.http("POST", TABLE, body), ready))
    assert sorted(status for status, _ in answers) == [200, 409, 409, 409, 409, 409]
    assert {answer["error"]["type"] for status, answer in answers if status == 409} == {"AlreadyExistsException"}


def test_a_renamed_table_keeps_its_location_to_itself(playground):
    ready = staged(playground, "own")
    location = ready["metadata"]["location"]
    assert playground.http("POST", TABLE, new_table(ready))[0] == 200
    assert rename(playground, "own", "moved")[0] == 204
    status, kind, message = refusal(playground.http("POST", TABLE, new_table(ready)))
    assert (status, kind) == (409, "AlreadyExistsException") and "renamed" in message
    assert refusal(playground.http("POST", TABLES + "/moved", new_table(ready)))[0] == 409
    assert rename(playground, "moved", "again")[0] == 204
    assert refusal(playground.http("POST", TABLE, new_table(ready)))[0] == 409
    # A table that was not begun by a staged create has a location of the same form.
    plain = create(playground, "plain")["metadata"]["location"]
    assert rename(playground, "plain", "other")[0] == 204
    late = staged(playground, "plain")
    assert refusal(playground.http("POST", TABLES + "/plain", new_table(late, location=plain)))[0] == 409
    assert playground.http("POST", TABLES + "/plain", new_table(late))[0] == 200
    locations = [playground.http("GET", f"{TABLES}/{name}")[1]["metadata"]["location"] for name in ("again", "other", "plain")]
    assert locations == [location, plain, late["metadata"]["location"]]
    assert "pretzel." not in str(playground.http("GET", "/v1/namespaces")[1])


# --- as the specification says ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_of_a_token_has_no_case(playground, scheme):
    connection = http.client.HTTPConnection("127.0.0.1", playground.facade.port, timeout=60)
    with contextlib.closing(connection):
        headers = {"authorization": f"{scheme} {playground.ro}"}
        connection.request("GET", f"/pg/{playground.name}/v1/namespaces", headers=headers)
        answer = connection.getresponse()
        assert answer.status == 200 and answer.read()
        headers = {"authorization": "Basic " + playground.ro}
        connection.request("GET", f"/pg/{playground.name}/v1/namespaces", headers=headers)
        assert connection.getresponse().status == 401


@pytest.mark.parametrize("value, gone", [("true", True), ("True", True), ("false", False), ("False", False), (None, False)])
def test_purge_takes_the_files_and_drop_does_not(playground, value, gone):
    kept = metadata_file(playground, create(playground, "kept") and "kept")
    files = metadata_file(playground, create(playground, "own") and "own").parent.parent
    query = "" if value is None else "?purgeRequested=" + value
    assert playground.http("DELETE", TABLE + query)[0] == 204
    assert files.exists() != gone and kept.exists()


def test_a_purge_follows_no_link(playground, tmp_path):
    """A job can write below its playground's folder, and put a link to somebody else's tables there."""
    create(playground, "own")
    files = metadata_file(playground, "own").parent.parent
    theirs = tmp_path / "theirs"
    files.parent.rename(theirs)
    files.parent.symlink_to(theirs)
    assert playground.http("DELETE", TABLE + "?purgeRequested=true")[0] == 204
    assert (theirs / files.name / "metadata").is_dir()


@pytest.mark.parametrize("value", ["", "1", "yes", "TRUE"])
def test_a_purge_that_is_neither_true_nor_false(playground, value):
    create(playground, "own")
    assert refusal(playground.http("DELETE", TABLE + "?purgeRequested=" + value))[0] == 400
    assert playground.http("GET", TABLE)[0] == 200
    assert refusal(playground.http("GET", TABLE + "?snapshots=" + (value or "some")))[0] == 400


def pages(playground, path, key, size):
    token, found, sizes = "", [], []
    for _ in range(20):
        mark = "&" if "?" in path else "?"
        status, answer = playground.http("GET", f"{path}{mark}pageToken={quote(token)}&pageSize={size}")
        assert status == 200, answer
        found += [str(entry) for entry in answer[key]]
        sizes.append(len(answer[key]))
        token = answer["next-page-token"]
        if token is None:
            return found, sizes
    pytest.fail("the listing does not end")


def test_listings_come_in_pages_merged_of_both_catalogs(playground):
    for name in ("alpha", "beta", "omega"):
        create(playground, name)
        assert playground.http("POST", "/v1/namespaces", {"namespace": ["outer_of_mine", name]})[0] == 200
    for path, key in (("/v1/namespaces", "namespaces"), ("/v1/namespaces?parent=outer_of_mine", "namespaces"),
                      (TABLES, "identifiers"), ("/v1/namespaces/nyc/views", "identifiers")):
        status, whole = playground.http("GET", path)
        assert status == 200 and "next-page-token" not in whole
        everything = [str(entry) for entry in whole[key]]
        for size in (1, 2, 1000, 10**12):
            found, sizes = pages(playground, path, key, size)
            assert found == everything and max(sizes) <= size
        for bad in ("pageToken=rubbish", "pageToken=after-%2500", "pageSize=0", "pageSize=-1", "pageSize=x", "pageSize="):
            mark = "&" if "?" in path else "?"
            assert refusal(playground.http("GET", f"{path}{mark}{bad}"))[:2] == (400, "BadRequestException"), bad


def test_a_namespace_s_properties_are_changed_as_judged(playground, overlay):
    assert playground.http("POST", "/v1/namespaces", {"namespace": ["mine"], "properties": {"a": "1"}})[0] == 200
    path = "/v1/namespaces/mine/properties"
    assert playground.http("POST", path, {"updates": {"b": "2"}, "removals": ["a", "c"], "x": {"location": "file:///x"}}) == (
        200, {"updated": ["b"], "removed": ["a"], "missing": ["c"]})
    status, kind, message = refusal(playground.http("POST", path, {"updates": {"b": "3"}, "removals": ["b"]}))
    assert (status, kind) == (422, "UnprocessableEntityException") and '"b"' in message
    for body in ({"updates": {"location": "file:///x"}}, {"removals": ["location"]}):
        assert refusal(playground.http("POST", path, body))[:2] == (403, "ForbiddenException")
    assert playground.http("GET", "/v1/namespaces/mine")[1]["properties"] == {"b": "2"}


def test_null_is_as_good_as_absent(playground):
    status, made = playground.http("POST", TABLES, {
        "name": "own", "schema": {**INT_SCHEMA, "identifier-field-ids": None}, "location": None, "partition-spec": None,
        "write-order": None, "properties": None, "stage-create": None})
    assert status == 200, made
    for body in ({"requirements": None, "updates": [{"action": "set-properties", "updates": {"a": "b"}}]},
                 {"requirements": [], "updates": None}, {"updates": []}, {"identifier": None}):
        assert playground.http("POST", TABLE, body)[0] == 200, body
    assert playground.http("POST", "/v1/namespaces", {"namespace": ["mine"], "properties": None})[0] == 200
    assert playground.http("POST", "/v1/namespaces/mine/properties", {"updates": None, "removals": None})[0] == 200
