# SPDX-License-Identifier: Apache-2.0
"""Sends every case to a running daemon and says what came back, in words that are the same on every machine.

The golden file is written by a run and reviewed by a person. tests/hostile/inputs_test.py compares with a daemon that has no
services, tests/integration/hostile_inputs_test.py with the whole stack.
"""

import contextlib
import json
import re
import select
import socket
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import lines
import manifests
import statements
import wire
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

HERE = Path(__file__).resolve().parent
EXPECTED = HERE / "expected.jsonl"
PROTO = HERE.parents[1] / "core" / "api" / "proto"
PLAYGROUNDS = {"pg": "hostile-a", "other": "hostile-b", "stranger": "hostile-c"}
STRANGER = "stranger"
MESSAGE_MAX = 300  # characters of a message that the golden file keeps
SECONDS_MAX = 60  # of one case; the slowest reads 50 MB
ANSWER_SECONDS = 1  # an answer comes sooner; what is not answered by then is a request without an end
AT_ONCE = 4


def all_cases():
    for module in (manifests, statements, lines, wire):
        yield from module.all_cases()


def light(daemons, folder):
    """A dcpd without services, whose start takes a second; `daemons` is tests/integration/daemon.py."""
    config = folder / "dcpd.yaml"
    text = daemons.CONFIG.read_text()
    config.write_text(text[: text.index("\n# A closed session")])
    return daemons.Daemon(folder / "d", config=config).principals(STRANGER)


class Runner:
    """`daemon` runs and knows two principals (see Daemon.principals)."""

    def __init__(self, daemon, folder):
        self.daemon, self.folder = daemon, Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.seconds = {}  # by case
        self.tokens = {user: (daemon.state / name).read_text().strip() for user, name in (("", "token"), (STRANGER, f"token-{STRANGER}"))}
        self.api = Api(daemon.state / "run" / "dcpd.sock", self.folder)
        for word, user in (("pg", ""), ("other", ""), ("stranger", STRANGER)):
            daemon.cli("playground", "create", PLAYGROUNDS[word], "--ttl", "2h", env={"PRETZEL_TOKEN": self.tokens[user]})
        access = {(word, write): daemon.json("playground", "connect", PLAYGROUNDS[word], *(["--write"] if write else []))
                  for word in ("pg", "other") for write in (False, True)}
        self.port = int(re.search(r":(\d+)/", access["pg", False]["uri"]).group(1))
        stranger_run = daemon.cli("derived-dataset", "test", "examples/broken/empty.yaml", "-o", "json", "-p", PLAYGROUNDS["stranger"],
                                  env={"PRETZEL_TOKEN": self.tokens[STRANGER]}, check=False)
        own = self.tokens[""]
        self.generation = str(daemon.json("playground", "get", PLAYGROUNDS["pg"])["generation"])
        self.words = {**PLAYGROUNDS, "playground": PLAYGROUNDS["pg"], "generation": self.generation, "token": own, "token_cut": own[:-1],
                      "stranger_run": json.loads(stranger_run.stdout)["runId"], "other_rw": access["other", True]["token"],
                      **spellings(access["pg", True]["token"], access["pg", False]["token"])}

    def close(self):
        for word, user in (("pg", ""), ("other", ""), ("stranger", STRANGER)):
            self.daemon.cli(
                "playground", "delete", PLAYGROUNDS[word], "--yes", "--no-wait", env={"PRETZEL_TOKEN": self.tokens[user]}, check=False,
            )

    def fill(self, text):
        """{word} by what it stands for; other braces stay."""
        return re.sub(r"\{([a-z_0-9]+)\}", lambda found: self.words.get(found.group(1), found.group(0)), text)

    def run(self, cases):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(self.outcome, cases))

    def outcome(self, case):
        how = {"rest": self.rest, "rpc": self.rpc}.get(case.kind, self.command)
        start = time.monotonic()
        try:
            came = how(case)
        except (subprocess.TimeoutExpired, TimeoutError):
            came = {"message": f"no answer within {SECONDS_MAX} s"}
        self.seconds[case.id] = time.monotonic() - start
        return {"case": case.id, **came}

    # --- the command line ---------------------------------------------------------------------------------------------

    def command(self, case):
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        for name, content in case.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if callable(content):
                content(path)
            else:
                path.write_bytes(content)
        words = [word if isinstance(word, bytes) else self.fill(word).replace("{folder}", str(folder)) for word in case.line]
        if case.kind != "line":
            words += ["-o", "json"]
        environment = {"PRETZEL_PLAYGROUND": PLAYGROUNDS["pg"], **case.environment}
        answer = subprocess.run(
            [self.daemon.pretzel, *words], env=self.daemon.environment(**environment), cwd=HERE.parents[1], stdin=subprocess.DEVNULL,
            capture_output=True, timeout=SECONDS_MAX,
        )
        out, err = (data.decode("utf-8", "replace") for data in (answer.stdout, answer.stderr))
        code, message = first_error(out, err)
        return {"exit": answer.returncode, "code": code, "message": self.steady(message, folder)}

    def steady(self, text, folder=None):
        """The text without what differs from run to run."""
        for path, name in ((folder, "<folder>"), (self.daemon.state, "<state>"), (self.daemon.folder, "<daemon>")):
            if path is not None:
                text = text.replace(str(path), name)
        text = text.replace("_" + self.generation, "_<generation>")
        text = re.sub(r"\br[0-9a-f]{16}\b", "<run>", text)
        text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>", text)
        text = re.sub(r"127\.0\.0\.1:\d{4,5}\b", "127.0.0.1:<port>", text)
        text = re.sub(r"\bport \d{4,5}\b", "port <port>", text)
        text = re.sub(r"\bafter \d+ ms\b", "after <n> ms", text)
        return text if len(text) <= MESSAGE_MAX else text[:MESSAGE_MAX] + "..."

    # --- the catalog --------------------------------------------------------------------------------------------------

    def rest(self, case):
        data = self.fill(case.request[0].decode("latin-1")).encode("latin-1")
        # Placeholders are longer or shorter than what they stand for; only bodies of ours count, and those hold none.
        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS_MAX) as connection:
            # A server that has refused stops reading, and may close before all is sent.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(data)
            answer = b""
            # An end of our direction counts as our going where the answer takes long; a request that has no end wants one, and an
            # answer that leaves the connection open another.
            select.select([connection], [], [], ANSWER_SECONDS)
            with contextlib.suppress(OSError):  # ENOTCONN: it has closed already
                connection.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                while chunk := connection.recv(65536):
                    answer += chunk
        if not answer:
            return {"status": 0, "type": "", "message": "closed without an answer"}
        head, _, body = answer.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        error = {}
        with contextlib.suppress(ValueError):
            error = json.JSONDecoder().raw_decode(body.decode("utf-8", "replace"))[0].get("error", {})
        return {"status": status, "type": error.get("type", ""), "message": self.steady(error.get("message", ""))}

    # --- the API ------------------------------------------------------------------------------------------------------

    def rpc(self, case):
        method, message, extra = case.request
        authorization = extra.get("authorization", "Bearer {token}")
        status, code, text = self.api.call(method, message if isinstance(message, bytes) else self.message(message),
                                           None if authorization is None else self.fill(authorization))
        return {"status": status, "code": code, "message": self.steady(text)}

    def message(self, value):
        """Texts filled in, and a file's content that is given as a size made."""
        if isinstance(value, dict):
            return {key: "A" * (item // 3 * 4) if key == "content" and isinstance(
                item, int,
            ) else deep() if item == "deep" else self.message(item)
                    for key, item in value.items()}
        if isinstance(value, list):
            return [self.message(item) for item in value]
        return self.fill(value) if isinstance(value, str) else value


def deep():
    value = {}
    for _ in range(25):
        value = {"a": value}
    return value


def spellings(rw, ro):
    """Tokens as a forger would change them. A character becomes its successor in the alphabet, so it always changes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    def changed(text, at):
        at %= len(text)
        follower = "A" if text[at] not in alphabet else alphabet[(alphabet.index(text[at]) + 1) % len(alphabet)]
        return text[:at] + follower + text[at + 1:]

    body, _, mac = rw.partition(".")
    return {
        "rw": rw, "ro": ro, "rw_body": body, "rw_mac": mac, "ro_mac": ro.partition(".")[2], "rw_mac_cut": mac[:-1],
        "rw_mac_changed": changed(mac, 3), "rw_body_changed": changed(body, 10),
        "rw_mac_standard": mac.replace("-", "+").replace("_", "/") + "+",
        **{f"rw_changed_{at}": changed(rw, at) for at in range(100)},
    }


def first_error(out, err):
    """(id, message) of the first error that the program printed."""
    with contextlib.suppress(ValueError):
        whole = json.loads(out)
        # A command of several runs has a report for each.
        for report in whole.get("reports", [whole]) if isinstance(whole, dict) else []:
            for finding in report.get("findings", []):
                if finding["severity"] == "ERROR":
                    return finding["code"], finding["message"]
    found = re.search(r"(?:^|: |\s)error(?: (PZ\d{4}))?: (.*)", err)
    if found:
        return found.group(1) or "", found.group(2)
    return "", (err.splitlines() or [""])[0]


class Api:
    """The API by its descriptors alone, so that fields can hold what no client of ours would send."""

    STREAMS = {"Runs/WatchRun", "Runs/GetRunLogs"}

    def __init__(self, path, folder):
        self.channel = grpc.insecure_channel(f"unix:{path}", options=[("grpc.max_send_message_length", -1)])
        file = folder / "api.binpb"
        subprocess.run(["protoc", f"-I{PROTO}", "--include_imports", f"--descriptor_set_out={file}", "dcp/v1/dcp.proto"], check=True)
        pool = descriptor_pool.DescriptorPool()
        for each in descriptor_pb2.FileDescriptorSet.FromString(file.read_bytes()).file:
            pool.Add(each)
        self.pool = pool

    def call(self, method, message, authorization):
        """(canonical code, id, message)"""
        service, name = method.split("/")
        if isinstance(message, dict):
            try:
                kind = self.pool.FindServiceByName(f"dcp.v1.{service}").FindMethodByName(name).input_type
                data = json_format.ParseDict(message, message_factory.GetMessageClass(kind)()).SerializeToString()
            except KeyError:
                data = b""
        else:
            data = message
        metadata = [] if authorization is None else [("authorization", authorization)]
        kind = self.channel.unary_stream if method in self.STREAMS else self.channel.unary_unary
        try:
            answer = kind(f"/dcp.v1.{service}/{name}")(data, metadata=metadata, timeout=SECONDS_MAX)
            if method in self.STREAMS:
                list(answer)
        except grpc.RpcError as error:
            return error.code().name, self.id_of(error), error.details()
        if method == "Runs/StartRun":
            return self.wait(message_factory.GetMessageClass(self.pool.FindMessageTypeByName("dcp.v1.Run")).FromString(answer).id, metadata)
        return "OK", "", ""

    def wait(self, run, metadata):
        """What a run that was let in ends with."""
        kind = message_factory.GetMessageClass(self.pool.FindMessageTypeByName("dcp.v1.RunEvent"))
        request = message_factory.GetMessageClass(self.pool.FindMessageTypeByName("dcp.v1.WatchRunRequest"))(id=run)
        last = None
        for data in self.channel.unary_stream("/dcp.v1.Runs/WatchRun")(request.SerializeToString(), metadata=metadata, timeout=SECONDS_MAX):
            event = kind.FromString(data)
            last = event.run if event.HasField("run") else last
        findings = json_format.MessageToDict(last.report).get("findings", [])
        if findings:
            return last.state, findings[0]["code"], findings[0]["message"]
        return last.error_code or last.state, last.error.id, last.error_message

    def id_of(self, error):
        kind = message_factory.GetMessageClass(self.pool.FindMessageTypeByName("dcp.v1.ErrorDetails"))
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                return kind.FromString(value).id
        return ""


def needs_stack(case, outcome):
    """Whether Spark or a catalog had to answer: a daemon without them says so instead."""
    return case.engine or outcome.get("status") == 503 or "does not answer" in outcome.get("message", "")


def check(case, came):
    """What holds for every outcome, whatever the golden file says."""
    if case.kind == "rest":
        # 0: a connection that was cut in the middle of a request has nobody to answer to.
        assert came["status"] == 0 or 400 <= came["status"] < 500, came
    elif case.kind == "rpc":
        # INTERNAL is gRPC's own word for bytes that are no message.
        allowed = {"INTERNAL"} if case.name.startswith("message: ") else set()
        assert came["status"] not in {"OK", "SUCCEEDED", "INTERNAL", "UNKNOWN"} - allowed, came
    else:
        assert came["exit"] in (1, 2, 4, 5, 6), came
    if case.kind in ("manifest", "sql", "file"):
        assert came["code"].startswith("PZ"), came
    # gRPC itself answers what is no message or no method, and says nothing beyond its code.
    by_grpc = case.kind == "rpc" and came["status"] in ("INTERNAL", "UNIMPLEMENTED")
    assert by_grpc or came["message"], came
    assert case.says in came["message"], (case.says, came)


def expected():
    with open(EXPECTED, encoding="utf-8") as file:
        return {line["case"]: line for line in map(json.loads, file)}


def accept(outcomes):
    """Puts these outcomes into the golden file, in the order of the cases; what was not run stays."""
    known = expected() if EXPECTED.exists() else {}
    known |= {outcome["case"]: outcome for outcome in outcomes}
    with open(EXPECTED, "w", encoding="utf-8") as file:
        for case in all_cases():
            if case.id in known:
                file.write(json.dumps(known[case.id], ensure_ascii=True) + "\n")
