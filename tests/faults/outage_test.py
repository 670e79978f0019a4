# SPDX-License-Identifier: Apache-2.0
"""While production hangs, what does not need it goes on: the overlay's commits and loads, refusals, cancellations, deletions, and
clients that come through a crowd of idle connections. And a production that answers, but not as it should."""

import contextlib
import http.client
import json
import socket
import socketserver
import sys
import threading
import time
from pathlib import Path

import daemon as daemons
import pyarrow
import pytest
import tcp_gate
from daemon import until

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "spark"))
import stack  # noqa: E402
from facade import Facade, Playground  # noqa: E402

AT_ONCE = 1.0  # what "at once" means to a person
LISTINGS = 24  # more than production is asked at once, from two playgrounds
IDLE = 600  # more connections than the catalog keeps
MANIFEST = """\
apiVersion: dcp/v1
kind: DerivedDataset
metadata: {{name: {name}, namespace: lab}}
spec:
  sql: SELECT 1 AS one
  schema: {{columns: [{{name: one, type: int}}]}}
"""
COLUMNS = {"type": "struct", "schema-id": 0, "fields": [{"id": 1, "name": "one", "required": False, "type": "int"}]}


class Client:
    """Bare HTTP on a playground, with the token that `playground connect` prints."""

    def __init__(self, daemon, name):
        access = daemon.json("playground", "connect", name, "--write")
        self.name, self.token = name, access["token"]
        self.port = int(access["uri"].split(":")[2].split("/")[0])

    def ask(self, method, path, body=None, token=None):
        """(status, decoded body, seconds)"""
        start = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, f"/pg/{self.name}/v1/{path}", None if body is None else json.dumps(body),
                               {"x-pretzel-token": token or self.token})
            answer = connection.getresponse()
            text = answer.read()
        return answer.status, json.loads(text or b"{}"), time.monotonic() - start


@pytest.fixture(scope="module")
def gated(tmp_path_factory):
    """dcpd without Spark, whose production can be made to hang."""
    gate = tcp_gate.Gate()
    text = daemons.CONFIG.read_text()
    text = text[: text.index("\n  # The shared test server.")].replace("recycle: {service: spark-connect, after_sessions: 500}", "")
    text = text.replace("uri: http://127.0.0.1:${port.production-catalog}", f"uri: http://127.0.0.1:{gate.port}")
    folder = tmp_path_factory.mktemp("outage")
    config = folder / "dcpd.yaml"
    config.write_text(text)
    daemon = daemons.Daemon(folder, config=config)
    with daemons.started(daemon):
        host, port = daemon.service("production-catalog")["endpoint"].rsplit(":", 1)
        gate.target = (host, int(port))
        yield daemon, gate
    gate.stop()


def manifests(folder, names):
    paths = []
    for name in names:
        paths.append(folder / f"{name}.yaml")
        paths[-1].write_text(MANIFEST.format(name=name))
    return paths


def timed(call, *arguments, **options):
    start = time.monotonic()
    return call(*arguments, **options), time.monotonic() - start


def test_nobody_waits_for_a_production_that_hangs(gated, tmp_path):
    daemon, gate = gated
    for name in ("hangs", "hangs-too", "works", "ends"):
        daemon.cli("playground", "create", name, "--ttl", "1h")
    for name in ("works", "ends"):
        daemon.cli("derived-dataset", "apply", *manifests(tmp_path, ["own"]), "-p", name)
    hanging, works = [Client(daemon, "hangs"), Client(daemon, "hangs-too")], Client(daemon, "works")
    table = "namespaces/lab/tables/own"
    commit = {"requirements": [], "updates": [{"action": "set-properties", "updates": {"a": "b"}}]}
    assert works.ask("POST", table, commit)[0] == 200
    answers, idle = [], []
    with gate.fault("half_open"):
        # A run whose every node asks production, and listings in two playgrounds.
        before = gate.accepted
        paths = manifests(tmp_path, [f"m{number}" for number in range(3)])
        run = daemon.cli("derived-dataset", "run", *paths, "-p", "hangs").stdout.strip()
        until(lambda: gate.accepted >= before + len(paths), "the run asks production")
        threads = [
            threading.Thread(target=lambda client: answers.append(client.ask("GET", "namespaces")), args=(hanging[number % 2],))
            for number in range(LISTINGS)
        ]
        for thread in threads:
            thread.start()
        until(lambda: gate.accepted >= before + 8, "production is being asked by all who may")
        asked = time.monotonic()
        spent = {}
        spent["overlay load"] = works.ask("GET", table)
        spent["overlay commit"] = works.ask("POST", table, commit)
        spent["config"] = works.ask("GET", "config")
        spent["bad token"] = works.ask("GET", "namespaces", token="rubbish")
        assert {name: answer[0] for name, answer in spent.items()} == {
            "overlay load": 200, "overlay commit": 200, "config": 200, "bad token": 401}
        for _ in range(IDLE):
            with contextlib.suppress(OSError):
                idle.append(socket.create_connection(("127.0.0.1", works.port), timeout=5))
        spent["through idle connections"] = works.ask("POST", table, commit)
        assert spent["through idle connections"][0] == 200
        spent = {name: answer[2] for name, answer in spent.items()}
        _, spent["cancel"] = timed(daemon.cli, "run", "cancel", run)
        state, ended = timed(daemon.cli, "run", "wait", run, check=False)
        assert "CANCELLED" in state.stdout + state.stderr and ended < 5, (ended, state.stdout + state.stderr)
        _, spent["deletion of another playground"] = timed(daemon.cli, "playground", "delete", "ends", "--yes", "--wait")
        print({name: round(seconds, 3) for name, seconds in spent.items()}, f"the cancelled run had ended after {ended:.3f} s")
        # The proof that it hung all the while.
        waited = time.monotonic() - asked
        hang = sum(thread.is_alive() for thread in threads)
        # Eight calls of one user run at once, three of them were the run's; who waits is told so after 5 s.
        assert hang >= 5 and not [answer for answer in answers if answer[0] == 200], answers
        assert all(seconds < AT_ONCE for seconds in spent.values()), spent
        assert "ends" not in daemon.cli("playground", "list", "-o", "name").stdout.split()
    for thread in threads:
        thread.join(60)
    print(f"{hang} of {LISTINGS} listings had hung for {waited:.1f} s by then")
    for connection in idle:
        connection.close()
    until(lambda: hanging[0].ask("GET", "namespaces")[0] == 200, "production is asked again", 20)


def test_a_table_of_any_letters_is_read(gated):
    """The embedded catalogs write file names in UTF-8, whatever dcpd's own locale is."""
    daemon, _ = gated
    daemon.cli("playground", "create", "letters", "--ttl", "1h")
    upstream = daemon.upstream()
    upstream.create_namespace_if_not_exists("maße")
    upstream.create_table(("maße", "Größe"), schema=pyarrow.schema([("größe", pyarrow.int32())]))
    playground = daemon.playground("letters")
    assert playground.list_tables("maße") == [("maße", "Größe")]
    assert [field.name for field in playground.load_table(("maße", "Größe")).schema().fields] == ["größe"]


def test_a_client_that_leaves_ends_its_call(gated):
    daemon, gate = gated
    daemon.cli("playground", "create", "leaves", "--ttl", "1h")
    client = Client(daemon, "leaves")
    with gate.fault("half_open"):
        for _ in range(3 * LISTINGS):  # each would hold a place for 30 s
            connection = socket.create_connection(("127.0.0.1", client.port))
            connection.sendall(f"GET /pg/leaves/v1/namespaces HTTP/1.1\r\nx-pretzel-token: {client.token}\r\n\r\n".encode())
            connection.close()
    status, _, seconds = client.ask("GET", "namespaces")
    assert (status, seconds < AT_ONCE) == (200, True), (status, seconds)


# --- a production that answers, but not as it should -----------------------------------------------------------------


class Odd(socketserver.BaseRequestHandler):
    """One request, one odd answer."""

    def handle(self):
        self.request.recv(65536)
        with contextlib.suppress(OSError):
            self.server.answer(self.request)


def trickle(connection):
    for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 4000\r\n\r\n" + b" " * 4000:
        connection.sendall(bytes([byte]))
        time.sleep(1)


def flood(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n")
    for _ in range(100):
        connection.sendall(b"x" * 2**20)


def fail(connection):
    connection.sendall(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")


def pages(connection):
    """A listing that never ends."""
    body = json.dumps({"namespaces": [[f"n{number}"] for number in range(10_000)], "next-page-token": "more"}).encode()
    connection.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)


def config(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}")


def resident(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) // 1024


class OddProduction:
    secret = "s" * 32

    def __init__(self):
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Odd)
        self.server.daemon_threads, self.server.request_queue_size = True, 64
        self.server.answer = config
        self.uri = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    production = OddProduction()
    overlay = stack.CatalogServer(tmp_path_factory.mktemp("overlay")).start()
    process = Facade(tmp_path_factory.mktemp("facade"), production, overlay, timeout_ms=8000)
    playground = Playground(process, "odd")
    with contextlib.suppress(ConnectionError):
        playground.http("GET", "/v1/namespaces")  # its config is asked for once
    yield production.server, process, playground
    assert process.stop() == 0
    overlay.stop()
    production.server.shutdown()


@pytest.mark.parametrize("answer, words", [
    (fail, "HTTP 500"), (trickle, "answers too slowly"), (flood, "more than 33554432 bytes"), (pages, "lists more than 200000 names"),
])
def test_an_odd_answer_is_a_clear_error_in_bounded_time_and_memory(odd, answer, words):
    server, process, playground = odd
    # What was odd before is forgotten once one call is answered.
    until(lambda: "something else" in playground.http("GET", "/v1/namespaces")[1]["error"]["message"], "production is asked", 20)
    server.answer = answer
    answers = []

    def ask():
        answers.append(timed(playground.http, "GET", "/v1/namespaces"))

    # A listing that never ends costs time of ours to read, and not only its own.
    threads = [threading.Thread(target=ask) for _ in range(1 if answer is pages else 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    server.answer = config
    print(answer.__name__, [round(seconds, 2) for _, seconds in answers], resident(process.process.pid), "MiB")
    for (status, body), seconds in answers:
        assert status in (500, 503) and "the production catalog" in body["error"]["message"], body
        assert words in body["error"]["message"] and seconds < 10, (body, seconds)
    assert resident(process.process.pid) < 400
    until(lambda: playground.http("GET", "/v1/config")[0] == 200, "the catalog goes on")
