# SPDX-License-Identifier: Apache-2.0
"""Stock clients read production through a playground, write in it, read each other's tables, and change nothing outside it.

Each client is a process of its own for the whole module, which gets one command a line: drivers.py, and iceberg_go.
"""

import contextlib
import json
import os
import re
import subprocess
import textwrap
from pathlib import Path

import pytest
import stack
from facade import Playground
from shared import AIRLINES

HERE = Path(__file__).resolve().parent
PAGE = (stack.ROOT / "docs" / "reference" / "clients.md").read_text(encoding="utf-8")
PYTHON = stack.LOCAL / "clients" / "bin" / "python"
COMMANDS = {
    "pyiceberg": [PYTHON, HERE / "drivers.py", "pyiceberg"],
    "daft": [PYTHON, HERE / "drivers.py", "daft"],
    "duckdb": [PYTHON, HERE / "drivers.py", "duckdb"],
    "iceberg-go": [stack.LOCAL / "go" / "bin" / "iceberg_go"],
}
SNIPPET_SECONDS = 120
# (who reads, who wrote): the reader's own fault, which docs/reference/clients.md names. One that is gone fails the test.
CANNOT_READ = {("iceberg-go", "duckdb"): "only parquet format is implemented, got parquet"}
SCHEMA = {"type": "struct", "fields": [{"id": 1, "name": "id", "required": False, "type": "long"}]}


class Client:
    def __init__(self, name, playground, folder):
        self.log = folder / f"{name}.stderr"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(COMMANDS[name], env=environment(playground, folder), cwd=folder, text=True,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)

    def ask(self, do, **arguments):
        """{"answer": ...} or {"error": TEXT}"""
        self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the client ended: {self.log.read_text()[-4000:]}"
        return json.loads(line)

    def __call__(self, do, **arguments):
        answer = self.ask(do, **arguments)
        assert "error" not in answer, answer
        return answer["answer"]

    def stop(self):
        self.process.stdin.close()
        status = self.process.wait(30)
        self.process.stdout.close()
        return status


def environment(playground, folder):
    """What `pretzel playground connect --engine env --write` exports; HOME keeps a client from settings of the caller."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYICEBERG_", "AWS_", "GO"))}
    return {**kept, "HOME": str(folder), "PRETZEL_CATALOG": "prod", "PRETZEL_CATALOG_URI": playground.endpoint,
            "PRETZEL_CATALOG_TOKEN": playground.rw, "DAFT_ANALYTICS_ENABLED": "0", "DO_NOT_TRACK": "true"}


@pytest.fixture(scope="module")
def playground(facade):
    place = Playground(facade, "clients")
    assert place.http("POST", "/v1/namespaces", {"namespace": ["mine"]})[0] == 200
    return place


@pytest.fixture(scope="module")
def clients(playground, tmp_path_factory):
    """All of them, with a table of its own in the playground each: mine.by_<client>."""
    started = {name: Client(name, playground, tmp_path_factory.mktemp(name)) for name in COMMANDS}
    yield started
    assert [client.stop() for client in started.values()] == [0] * len(started)


def own(name):
    return "mine.by_" + name.replace("-", "_")


def written(name):
    return [[1, f"by {name}"], [2, "é \U0001f986"]]


@pytest.fixture(scope="module")
def tables(clients):
    for name, client in clients.items():
        client("create", table=own(name))
        client("append", table=own(name), rows=written(name)[:1])
        client("append", table=own(name), rows=written(name)[1:])
    return {own(name): written(name) for name in clients}


@pytest.fixture(params=sorted(COMMANDS))
def name(request):
    return request.param


@pytest.fixture
def client(clients, name):
    return clients[name]


def test_production_is_read_through_the_playground(client):
    assert client("list", namespace="nyc") == ["nyc.airlines"]
    assert sorted(client("read", table="nyc.airlines")) == AIRLINES


def test_each_client_reads_what_each_wrote(client, name, tables):
    assert sorted(client("list", namespace="mine")) == sorted(tables)
    for writer in COMMANDS:
        if (name, writer) in CANNOT_READ:
            assert CANNOT_READ[name, writer] in client.ask("read", table=own(writer))["error"]
        else:
            assert sorted(client("read", table=own(writer))) == tables[own(writer)], writer


def test_production_s_own_catalog_has_no_table_of_the_playground(tables, production):
    assert production.request("GET", "/v1/namespaces")[1]["namespaces"] == [["nyc"]]


def test_production_is_refused_and_unchanged(client, production):
    before = production.listing()
    assert "error" in client.ask("append", table="nyc.airlines", rows=[[9, "Nobody"]])
    assert "read-only in playground clients" in client.ask("drop", table="nyc.airlines")["error"]
    assert production.listing() == before
    assert sorted(client("read", table="nyc.airlines")) == AIRLINES


def test_what_is_not_there_is_an_error_of_the_client(client):
    assert "error" in client.ask("read", table="nyc.nothing")
    assert "error" in client.ask("append", table="nyc.nothing", rows=[[1, "x"]])
    assert "error" in client.ask("create", table="nowhere.table")


def test_a_client_creates_once_and_drops(client, name):
    table = own(name) + "_again"
    client("create", table=table)
    assert client("read", table=table) == []
    assert "error" in client.ask("create", table=table)
    client("drop", table=table)
    assert table not in client("list", namespace="mine")


def test_go_s_update_without_requirements(clients, tables):
    """It sends "requirements": null."""
    go = clients["iceberg-go"]
    go("set", table=own("iceberg-go"), set={"note": "mine"})
    assert "read-only" in go.ask("set", table="nyc.airlines", set={"note": "mine"})["error"]


def test_a_read_only_token_reads_and_writes_nothing(playground, tables, tmp_path_factory):
    reading = Playground.__new__(Playground)
    reading.__dict__.update({**playground.__dict__, "rw": playground.ro})
    for name in COMMANDS:
        client = Client(name, reading, tmp_path_factory.mktemp("ro"))
        with contextlib.ExitStack() as stack_:
            stack_.callback(client.stop)
            assert sorted(client("read", table="nyc.airlines")) == AIRLINES
            assert "only reads" in client.ask("create", table="mine.not_made")["error"], name


# --- the page that users read ----------------------------------------------------------------------------------------


def snippet(name):
    found = re.search(rf"<!-- tested: {name} -->\n```(\w+)\n(.*?)```", PAGE, re.DOTALL)
    assert found, f"docs/reference/clients.md has no snippet {name}"
    return found[1], found[2]


@pytest.mark.parametrize("of", ["pyiceberg", "daft", "duckdb"])
def test_the_page_s_snippets_run(of, playground, tmp_path):
    (tmp_path / "snippet.py").write_text(snippet(of)[1], encoding="utf-8")
    done = subprocess.run([PYTHON, "snippet.py"], env=environment(playground, tmp_path), cwd=tmp_path, capture_output=True,
                          text=True, timeout=SNIPPET_SECONDS, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "Endeavor Air" in done.stdout and "my first row" in done.stdout


def test_the_page_s_go_is_what_is_built(clients):
    built = (HERE / "iceberg_go" / "main.go").read_text(encoding="utf-8")
    (connecting,) = re.findall(r"// docs/reference/clients.md: begin\n(.*?)\s*// docs/reference/clients.md: end", built, re.DOTALL)
    assert textwrap.dedent(connecting) in snippet("iceberg-go")[1].expandtabs(4).replace("    ", "\t")


@pytest.mark.parametrize("status, method, path, body", [
    (403, "DELETE", "nyc/tables/airlines", None),
    (403, "DELETE", "nyc", None),
    (403, "POST", "nyc/tables/airlines", {"requirements": [], "updates": [{"action": "remove-properties", "removals": ["x"]}]}),
    (403, "POST", "mine/tables", {"name": "placed", "schema": SCHEMA, "location": "file:///tmp/elsewhere"}),
    *((403, "POST", "mine/tables", {"name": "placed", "schema": SCHEMA, "properties": {key: value}}) for key, value in (
        ("write.data.path", "file:///tmp/elsewhere"), ("write.metadata.path", "file:///tmp/elsewhere"),
        ("write.object-storage.enabled", "true"), ("write.location-provider.impl", "a.B"))),
    (400, "POST", "mine/tables", {"name": "dots.in", "schema": SCHEMA}),
    (400, "POST", "mine/tables", {"name": "two words", "schema": SCHEMA}),
    (400, "POST", "", {"namespace": ["mine", "dots.in"]}),
])
def test_the_page_s_refusals(status, method, path, body, playground):
    answer = playground.http(method, f"/v1/namespaces/{path}".rstrip("/"), body)
    assert answer[0] == status, answer


def test_what_the_page_calls_not_offered(playground):
    offered = playground.http("GET", "/v1/config")[1]["endpoints"]
    assert "POST /v1/{prefix}/namespaces/{namespace}/tables" in offered
    changes = [endpoint for endpoint in offered if endpoint.startswith("POST")]
    assert not [endpoint for endpoint in changes if re.search("register|views|transactions", endpoint)]
