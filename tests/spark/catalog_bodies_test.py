# SPDX-License-Identifier: Apache-2.0
"""Every member of every body that clients send, replaced by what it should not be, over the real catalog servers.

Whatever is sent: no 5xx (on a commit, engines take it for "perhaps written"), nothing changes outside the playground, and what
was accepted leaves a table that still loads.
"""

import copy
import json
import time
import uuid

import pytest
from catalog_facade_test import INT_SCHEMA, Facade, Playground

TABLES = "/v1/namespaces/nyc/tables"
TABLE = TABLES + "/own"


class Raw:
    """JSON that json.dumps would not write."""

    def __init__(self, text):
        self.text = text


HOSTILE = [
    None, True, 7, -1, 0, 1.5, 2**31, -2**31 - 1, 2**63, 2**64, Raw("1e400"), "", "x", "../x", "a/b", "x" * 5000, [], {}, [None],
    [[]], [7], ["x"], {"x": None}, {"": ""}, Raw("[" * 300 + "]" * 300), Raw('"\\ud800"'), Raw('"\xff"'), "\x00", "\x1f", "é",
]


def encode(body):
    """The body as bytes, with each Raw as it stands."""
    raws = {}

    def mark(value):
        if isinstance(value, Raw):
            raws[f"raw-{len(raws)}-{uuid.uuid4().hex}"] = value.text
            return list(raws)[-1]
        if isinstance(value, dict):
            return {key: mark(item) for key, item in value.items()}
        return [mark(item) for item in value] if isinstance(value, list) else value

    text = json.dumps(mark(body))
    for name, raw in raws.items():
        text = text.replace(f'"{name}"', raw)
    return text.encode("latin-1")


def places(body, path=()):
    """The path of each member and item in the body."""
    members = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in members:
        yield (*path, key)
        yield from places(value, (*path, key))


def replaced(body, path, value):
    body = copy.deepcopy(body)
    at = body
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return body


def without(body, path):
    body = copy.deepcopy(body)
    at = body
    for key in path[:-1]:
        at = at[key]
    del at[path[-1]]
    return body


def variants(body):
    """(what was done, the body)"""
    for path in places(body):
        yield f"{path} left out", without(body, path)
        for value in HOSTILE:
            shown = value.text if isinstance(value, Raw) else repr(value)
            yield f"{path} = {shown[:40]}", replaced(body, path, value)


SCHEMA = {"type": "struct", "schema-id": 0, "identifier-field-ids": [], "fields": [
    {"id": 1, "name": "id", "required": False, "type": "int", "doc": "d"},
    {"id": 2, "name": "list", "required": False, "type": {
        "type": "list", "element-id": 3, "element": "int", "element-required": False}},
    {"id": 4, "name": "map", "required": False, "type": {
        "type": "map", "key-id": 5, "key": "int", "value-id": 6, "value": "int", "value-required": False}},
]}
SPEC = {"spec-id": 0, "fields": [{"source-id": 1, "field-id": 1000, "name": "part", "transform": "bucket[4]"}]}
ORDER = {"order-id": 1, "fields": [{"source-id": 1, "transform": "identity", "direction": "asc", "null-order": "nulls-first"}]}


class Table:
    """The playground's nyc.own with two snapshots, the first superseded."""

    def __init__(self, playground):
        self.playground, self.now = playground, int(time.time() * 1000)
        status, made = playground.http("POST", TABLES, {"name": "own", "schema": SCHEMA})
        assert status == 200, made
        self.location, self.uuid = made["metadata"]["location"], made["metadata"]["table-uuid"]
        self.sequence = 0
        for snapshot in (1, 2):
            assert self.commit(self.snapshot(snapshot), self.ref(snapshot))[0] == 200

    def snapshot(self, number):
        self.sequence += 1
        return {"action": "add-snapshot", "snapshot": {
            "snapshot-id": number, "sequence-number": self.sequence, "timestamp-ms": self.now + self.sequence, "schema-id": 0,
            "manifest-list": f"{self.location}/metadata/snap-{number}.avro", "summary": {"operation": "append"}}}

    @staticmethod
    def ref(number, name="main"):
        return {"action": "set-snapshot-ref", "ref-name": name, "type": "branch", "snapshot-id": number}

    def statistics(self, number):
        return {"snapshot-id": number, "statistics-path": f"{self.location}/metadata/s.puffin", "file-size-in-bytes": 1,
                "file-footer-size-in-bytes": 1, "blob-metadata": [
                    {"type": "t", "snapshot-id": number, "sequence-number": 1, "fields": [1], "properties": {"a": "b"}}]}

    def commit(self, *updates):
        return self.playground.http("POST", TABLE, {"requirements": [], "updates": list(updates)})

    def loads(self):
        return [self.playground.http("GET", TABLE + query)[0] for query in ("", "?snapshots=refs")]

    def updates(self):
        partition = {key: value for key, value in self.statistics(1).items() if key[:4] in ("snap", "stat", "file")}
        return [
            {"action": "assign-uuid", "uuid": self.uuid},
            {"action": "upgrade-format-version", "format-version": 2},
            {"action": "add-schema", "schema": SCHEMA, "last-column-id": 6},
            {"action": "set-current-schema", "schema-id": 0},
            {"action": "add-spec", "spec": SPEC},
            {"action": "set-default-spec", "spec-id": 0},
            {"action": "add-sort-order", "sort-order": ORDER},
            {"action": "set-default-sort-order", "sort-order-id": 0},
            {**self.ref(1, "tag"), "max-ref-age-ms": 1, "max-snapshot-age-ms": 1, "min-snapshots-to-keep": 1},
            {"action": "remove-snapshot-ref", "ref-name": "gone"},
            {"action": "remove-snapshots", "snapshot-ids": [99]},
            {"action": "set-location", "location": self.location},
            {"action": "set-properties", "updates": {"a": "b"}},
            {"action": "remove-properties", "removals": ["a"]},
            {"action": "set-statistics", "snapshot-id": 1, "statistics": self.statistics(1)},
            {"action": "remove-statistics", "snapshot-id": 99},
            {"action": "set-partition-statistics", "partition-statistics": partition},
            {"action": "remove-partition-statistics", "snapshot-id": 99},
            {"action": "remove-partition-specs", "spec-ids": [99]},
            {"action": "remove-schemas", "schema-ids": [99]},
        ]

    def requirements(self):
        return [
            {"type": "assert-create"}, {"type": "assert-table-uuid", "uuid": self.uuid},
            {"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": 2},
            {"type": "assert-last-assigned-field-id", "last-assigned-field-id": 6},
            {"type": "assert-current-schema-id", "current-schema-id": 0},
            {"type": "assert-last-assigned-partition-id", "last-assigned-partition-id": 999},
            {"type": "assert-default-spec-id", "default-spec-id": 0},
            {"type": "assert-default-sort-order-id", "default-sort-order-id": 0},
        ]


@pytest.fixture(scope="module")
def facade(tmp_path_factory, production, overlay):
    process = Facade(tmp_path_factory.mktemp("facade"), production, overlay)
    status, answer = production.request("POST", "/v1/namespaces/nyc/tables", {"name": "bodies", "schema": INT_SCHEMA})
    assert status in (200, 409), answer
    yield process
    assert process.stop() == 0
    assert production.request("DELETE", "/v1/namespaces/nyc/tables/bodies")[0] == 204  # others use the server, too


@pytest.fixture
def playground(facade):
    return Playground(facade, "pg-" + uuid.uuid4().hex[:8])


@pytest.fixture(autouse=True)
def nothing_outside_changes(playground, production):
    before = production.listing()
    yield
    assert production.listing() == before
    stray = [path for path in playground.facade.warehouse.rglob("*") if path.is_file() and "pg" not in path.parts[-6:-1]
             and playground.folder().parent not in path.parents]
    assert stray == []
    assert "tables" in playground.call("purge")
    assert not playground.folder().exists()


def judge(playground, method, path, name, body, faults):
    data = body if isinstance(body, bytes) else encode(body)
    status, answer = playground.http(method, path, data)
    if status >= 500 or (status >= 400 and not answer["error"]["message"]):
        faults.append((status, name, answer["error"]["type"], answer["error"]["message"][:200]))
    return status


def test_each_member_of_a_commit(playground):
    table = Table(playground)
    faults, accepted, sent = [], 0, 0
    for update in [*table.updates(), table.snapshot(3)]:
        for name, changed in variants(update):
            sent += 1
            body = {"requirements": [], "updates": [changed]}
            if judge(playground, "POST", TABLE, f"{update['action']}: {name}", body, faults) < 300:
                accepted += 1
                if table.loads() != [200, 200]:
                    pytest.fail(f"the table is lost after {update['action']}: {name}: {table.loads()}")
    for requirement in table.requirements():
        for name, changed in variants(requirement):
            sent += 1
            body = {"requirements": [changed], "updates": [{"action": "set-properties", "updates": {"a": "b"}}]}
            judge(playground, "POST", TABLE, f"{requirement['type']}: {name}", body, faults)
    assert faults == [], f"{len(faults)} of {sent}"
    assert table.loads() == [200, 200]
    assert accepted > 50 and sent > 1000


def test_each_member_of_a_create(playground):
    faults = []
    create = {"name": "made", "schema": SCHEMA, "partition-spec": SPEC, "write-order": ORDER, "stage-create": False,
              "properties": {"a": "b"}}
    for name, changed in variants(create):
        if judge(playground, "POST", TABLES, name, changed, faults) == 200:
            made = changed["name"]
            if changed.get("stage-create") is not True:
                assert playground.http("GET", f"{TABLES}/{made}")[0] == 200, name
                assert playground.http("GET", f"{TABLES}/{made}?snapshots=refs")[0] == 200, name
            playground.http("DELETE", f"{TABLES}/{made}")
    assert faults == []


def test_each_member_of_a_staged_create_s_commit(playground):
    faults = []
    staged = {"name": "late", "schema": SCHEMA, "partition-spec": SPEC, "write-order": ORDER, "stage-create": True}
    metadata = playground.http("POST", TABLES, staged)[1]["metadata"]
    updates = [
        {"action": "assign-uuid", "uuid": metadata["table-uuid"]}, {"action": "upgrade-format-version", "format-version": 2},
        {"action": "add-schema", "schema": metadata["schemas"][0], "last-column-id": 6},
        {"action": "set-current-schema", "schema-id": -1},
        {"action": "add-spec", "spec": metadata["partition-specs"][0]}, {"action": "set-default-spec", "spec-id": -1},
        {"action": "add-sort-order", "sort-order": metadata["sort-orders"][0]},
        {"action": "set-default-sort-order", "sort-order-id": -1},
        {"action": "set-location", "location": metadata["location"]},
    ]
    body = {"requirements": [{"type": "assert-create"}], "updates": updates}
    for path in places(body):
        cases = [(f"{path} left out", without(body, path))]
        # The members of schemas, specs and orders are the same as in the tests above.
        if len(path) <= 3:
            cases += [(f"{path} = {value!r}", replaced(body, path, value)) for value in HOSTILE]
        for name, changed in cases:
            if judge(playground, "POST", TABLES + "/late", name, changed, faults) == 200:
                assert playground.http("GET", TABLES + "/late")[0] == 200, name
                assert playground.http("GET", TABLES + "/late?snapshots=refs")[0] == 200, name
                assert playground.http("DELETE", TABLES + "/late")[0] == 204
    assert faults == []


def test_each_member_of_the_other_bodies(playground):
    Table(playground)
    faults = []
    rename = {"source": {"namespace": ["nyc"], "name": "own"}, "destination": {"namespace": ["nyc"], "name": "other"}}
    for name, changed in variants(rename):
        if judge(playground, "POST", "/v1/tables/rename", "rename: " + name, changed, faults) == 204:
            target = changed["destination"]
            back = {"source": target, "destination": rename["source"]}
            assert playground.http("POST", "/v1/tables/rename", back)[0] == 204, name
    for name, changed in variants({"namespace": ["mine", "deep"], "properties": {"a": "b"}}):
        judge(playground, "POST", "/v1/namespaces", "namespace: " + name, changed, faults)
    for name, changed in variants({"removals": ["a"], "updates": {"b": "c"}}):
        judge(playground, "POST", "/v1/namespaces/mine/properties", "properties: " + name, changed, faults)
    for name, changed in variants({"report-type": "scan-report", "table-name": "own", "metrics": {}}):
        judge(playground, "POST", TABLE + "/metrics", "metrics: " + name, changed, faults)
    assert faults == []
    assert playground.http("GET", TABLE)[0] == 200


@pytest.mark.parametrize("path", ["/v1/namespaces", "/v1/namespaces/mine/properties", TABLES, TABLE, "/v1/tables/rename",
                                  TABLE + "/metrics"])
def test_bodies_that_are_no_json_object(playground, path):
    bodies = [b"", b"null", b"7", b"[]", b"{", b'{"a":}', b'{"a":1}}', b'{"a":"\xff"}', b'{"a":"\\ud800"}', b"\xef\xbb\xbf{", b"\x00",
              b"[" * 100_000, b'{"a":' * 1000 + b"1" + b"}" * 1000, b'{"a":NaN}', b"{'a':1}", b'{"a":1e999}']
    for body in bodies:
        status, answer = playground.http("POST", path, body)
        assert (status, answer["error"]["type"]) == (400, "BadRequestException"), body[:40]


def test_of_two_equal_keys_the_one_that_is_judged_is_the_one_that_counts(playground, production):
    table = Table(playground)
    outside = production.warehouse.as_uri() + "/nyc/bodies"
    for body in (
        f'{{"updates":[{{"action":"set-location","location":"{outside}","location":"{table.location}"}}],"requirements":[]}}',
        f'{{"updates":[{{"action":"set-properties","updates":{{"write.data.path":"{outside}"}},"updates":{{"a":"b"}}}}]}}',
        f'{{"updates":[{{"action":"set-location","location":"{outside}"}}],"updates":[]}}',
    ):
        assert playground.http("POST", TABLE, body)[0] == 200, body
    metadata = playground.http("GET", TABLE)[1]["metadata"]
    assert metadata["location"] == table.location and "write.data.path" not in metadata["properties"]
