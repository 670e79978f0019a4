# SPDX-License-Identifier: Apache-2.0
"""Command lines and the files that they name."""

import os
import socket

from cases import HEAD, Case, line

TEST = ("derived-dataset", "test", "{folder}/sub/m.yaml")


def sql_file(name, written, says="", **made):
    """A manifest in a folder of its own that names `written`."""
    body = (HEAD + f"spec:\n  sqlFile: '{written}'\n").encode("utf-8", "surrogatepass")
    return Case("file", name, says, {"sub/m.yaml": body, **made}, TEST)


def link(target):
    return lambda path: path.symlink_to(target)


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as listener:
        # A short name: the folder may be longer than an address holds.
        before = os.getcwd()
        os.chdir(path.parent)
        try:
            listener.bind(path.name)
        finally:
            os.chdir(before)


def unreadable(path):
    path.write_bytes(b"SELECT 1")
    path.chmod(0)


def sparse(size):
    def make(path):
        with open(path, "wb") as file:
            file.truncate(size)

    return make


def files():
    outside = {"outside.sql": b"SELECT 1 AS one"}
    for name, written in {
        "up": "../outside.sql",
        "up and down": "../sub/../outside.sql",
        "absolute": "/etc/passwd",
        "deep up": "../../../../../../etc/passwd",
        "dots within": "x/../../outside.sql",
        "backslash": "..\\outside.sql",
        "empty": "",
        "a dot": ".",
        "a slash": "/",
        "dot dot": "..",
        "home": "~/.ssh/id_rsa",
        "device": "/dev/zero",
        "stdin": "/dev/stdin",
        "process": "/proc/self/environ",
        "uri": "file:///etc/passwd",
        "http": "http://127.0.0.1/x.sql",
        "variable": "${HOME}/x.sql",
        "encoded": "%2e%2e/outside.sql",
        "wide dots": "\uff0e\uff0e/outside.sql",
    }.items():
        yield sql_file(f"escapes: {name}", written, "", **outside)
    yield sql_file("link out", "q.sql", "manifest's folder", **outside, **{"sub/q.sql": link("../outside.sql")})
    yield sql_file("link to a link", "q.sql", "manifest's folder", **{"sub/q.sql": link("r.sql"), "sub/r.sql": link("/etc/hostname")})
    yield sql_file("linked folder", "in/outside.sql", "manifest's folder", **outside, **{"sub/in": link("..")})
    yield sql_file("link to nothing", "q.sql", "", **{"sub/q.sql": link("gone.sql")})
    yield sql_file("link to itself", "q.sql", "", **{"sub/q.sql": link("q.sql")})
    yield sql_file("a folder", "q.sql", "regular file", **{"sub/q.sql/x": b""})
    yield sql_file("a pipe", "q.sql", "regular file", **{"sub/q.sql": os.mkfifo})
    yield sql_file("a socket", "q.sql", "regular file", **{"sub/q.sql": make_socket})
    yield sql_file("missing", "gone.sql", "gone.sql")
    yield sql_file("missing in a folder", "a/b/gone.sql", "gone.sql")
    yield sql_file("a name of 300 characters", "q" * 300 + ".sql")
    yield sql_file("4 MiB and a byte", "q.sql", "4194304", **{"sub/q.sql": sparse((4 << 20) + 1)})
    yield sql_file("a terabyte of holes", "q.sql", "4194304", **{"sub/q.sql": sparse(1 << 40)})
    yield sql_file("zeros", "q.sql", "NUL", **{"sub/q.sql": bytes(100)})
    yield sql_file("binary", "q.sql", "UTF-8", **{"sub/q.sql": bytes(range(128, 256))})
    yield sql_file("empty file", "q.sql", "empty", **{"sub/q.sql": b""})
    yield sql_file("not a query", "q.sql", "INSERT", **{"sub/q.sql": b"INSERT INTO prod.nyc.airlines SELECT 1"})
    yield sql_file(
        "carriage returns", "q.sql", "carriage return",
        **{"sub/q.sql": b"FROM prod.nyc.airlines -- x\rINSERT INTO prod.nyc.airlines SELECT *"},
    )
    yield Case("file", "manifest is a folder without one", "no .yaml", {"sub/x.txt": b""}, ("derived-dataset", "test", "{folder}/sub"))
    yield Case("file", "manifest is a pipe", "regular file", {"m.yaml": os.mkfifo}, ("derived-dataset", "test", "{folder}/m.yaml"))
    yield Case("file", "manifest is a socket", "regular file", {"m.yaml": make_socket}, ("derived-dataset", "test", "{folder}/m.yaml"))
    yield Case("file", "manifest links to itself", "", {"m.yaml": link("m.yaml")}, ("derived-dataset", "test", "{folder}/m.yaml"))
    yield Case("file", "manifest is a device", "regular file", {}, ("derived-dataset", "test", "/dev/zero"))
    yield Case("file", "manifest of the kernel", "", {}, ("derived-dataset", "test", "/proc/self/mem"))
    yield Case("file", "manifest is missing", "gone.yaml", {}, ("derived-dataset", "test", "{folder}/gone.yaml"))
    yield Case("file", "a folder of 201", "missing", {f"f/{n}.yaml": b"a: 1\n" for n in range(201)},
               ("derived-dataset", "test", "{folder}/f"))
    yield Case("file", "a folder of 10001", "10,001", {f"f/{n}.yaml": b"a: 1\n" for n in range(10_001)},
               ("derived-dataset", "test", "{folder}/f"))
    yield Case(
        "file", "17 MB together", "", {f"f/{n}.yaml": sparse(4 << 20) for n in range(5)},
        ("derived-dataset", "test", "{folder}/f"),
    )


def words():
    yield line("nothing known", "frobnicate", says="frobnicate")
    yield line("slip", "derived-dataset", "tset", "x.yaml", says="tset")
    yield line("empty word", "")
    yield line("blank word", " ", says="command")
    yield line("long word", "x" * 100_000, says="command")
    yield line("escape codes", "\x1b[2J\x1b[31mx", says="command")
    yield line("not UTF-8", b"caf\xe9", says="command")
    yield line("bare dashes", "--", says="")
    yield line("three dashes", "---", says="")
    yield line("no manifest", "derived-dataset", "test", says="FILE")
    yield line("unknown flag", "whoami", "--frobnicate", says="--frobnicate")
    yield line("unknown letter", "whoami", "-z", says="-z")
    yield line("slip of a flag", "playground", "create", "x", "--tll", "1h", says="tll")
    yield line("flag without value", "playground", "create", "x", "--ttl", says="ttl")
    yield line("flag twice", "playground", "create", "x", "--ttl", "1h", "--ttl", "2h", says="twice")
    yield line("switch with value", "whoami", "--verbose=yes", says="verbose")
    yield line("long flag", "whoami", "--" + "x" * 5000, says="unknown flag")
    yield line("flag with escape codes", "whoami", "--\x1b[31mx", says="unknown flag")
    yield line("output format", "whoami", "-o", "xml", says="xml")
    yield line("color", "whoami", "--color", "pink", says="pink")
    yield line("too many words", "whoami", "me", says="me")
    yield line("response file", "@/etc/passwd", says="command")
    for text in (
        "0", "0s", "-1h", "1", "h", "1.5h", "1e3s", "999999999999d", "9999999999999999999h", "1h-1m", "1 h", "¹h", "1h30", "infinity", "",
        "0x10s", "1w", "1H",
    ):
        yield line(f"ttl {text!r}", "playground", "create", "hostile-ttl", f"--ttl={text}", says="")
    for text in ("59s", "15d", "3650d"):
        yield line(f"ttl out of bounds {text}", "playground", "create", "hostile-ttl", "--ttl", text, says="")
    for name in (
        "A", "a_b", "1a", "-a", "a-", "a.b", "../x", "a/b", "a b", "x" * 64, "é", "a\n", "a\tb", "pg%1fx", "a;b", "a\u200b", "*",
        "prod'--", "\u0430",
    ):
        yield line(f"playground {name!r}", "playground", "create", "--ttl=1h", "--", name, says="")
    for label in ("x", "=x", "a\x01=b", "a=b\x1b[0m", "k" * 257 + "=v", "k=" + "v" * 257):
        yield line(f"label {label[:20]!r} of {len(label)}", "playground", "create", "hostile-label", "--label", label, says="")
    yield line("33 labels", "playground", "create", "hostile-label", *[word for n in range(33) for word in ("--label", f"k{n}=v")], says="")
    yield line("label twice", "playground", "create", "hostile-label", "--label", "a=b", "--label", "a=c", says="twice")
    for command in (("get",), ("delete", "--yes"), ("extend", "--ttl=1h"), ("connect",), ("use",)):
        yield line(
            f"{command[0]} nothing of that name", "playground", command[0], "no-such-playground", *command[1:], says="no-such-playground",
        )
        yield line(f"{command[0]} path", "playground", command[0], "../../etc", *command[1:], says="")
    for command in ("get", "cancel", "logs", "wait"):
        yield line(f"run {command} nothing", "run", command, "r0000000000000000", says="you have no run")
        yield line(f"run {command} path", "run", command, "../../etc/passwd", says="")
        yield line(f"run {command} quote", "run", command, "' OR 1=1 --", says="")
    yield line("explain nothing", "explain", "PZ" + "9999", says="9999")
    yield line("explain a path", "explain", "../../etc/passwd", says="")
    yield line("connect engine", "playground", "connect", "{playground}", "--engine", "mysql", says="mysql")
    yield line("completion shell", "completion", "fish", says="fish")
    yield line("test mode", "derived-dataset", "test", "examples/flights/aircraft_days.yaml", "--mode", "execute", says="mode")
    yield line("param shape", "derived-dataset", "test", "examples/flights/aircraft_days.yaml", "--param", "x", says="param")
    yield line(
        "param unknown", "derived-dataset", "test", "examples/flights/aircraft_days.yaml", "--param", "nope=1", "-o", "json", says="nope",
    )
    yield line(
        "param injects", "derived-dataset", "test", "examples/flights/daily_carrier_delays.yaml", "--param",
        "first_month=1); DROP TABLE x", "-o", "json", says="first_month",
    )
    yield line("wait without unit", "derived-dataset", "run", "examples/flights/aircraft_days.yaml", "--wait=5", says="")
    yield line("stdin is empty", "derived-dataset", "test", "-", "-o", "json", says="no manifest")
    for endpoint, says in (
        ("http://127.0.0.1:1", ""), ("unix:relative", "endpoint"), ("10.0.0.1:443", "another machine"),
        ("example.org:1", "another machine"), ("", ""), ("unix:/nowhere/dcpd.sock", "dcpd"), ("127.0.0.1:1", "dcpd"),
        ("127.0.0.1:99999", ""), ("127.0.0.1:x", ""), ("unix:/dev/null", "dcpd"), ("unix:/" + "x" * 200, ""), ("[::1]:1", "dcpd"),
        ("localhost:", ""),
    ):
        yield line(f"endpoint {endpoint[:30]!r}", "whoami", f"--endpoint={endpoint}", says=says)
    for name, token in (
        ("wrong", "x" * 64), ("empty line", "\n"), ("long", "x" * 100_000), ("header injection", "x\r\nother: y"),
        ("not ASCII", "é" * 20), ("bearer twice", "Bearer x"),
    ):
        yield line(f"token {name}", "whoami", environment={"PRETZEL_TOKEN": token}, says="")
    for name, path in (("missing", "/nowhere/token"), ("folder", "/tmp"), ("device", "/dev/zero"), ("others may read", "/etc/hostname")):
        yield line(f"token file {name}", "whoami", environment={"PRETZEL_TOKEN_FILE": path}, says=path)


def all_cases():
    yield from files()
    yield from words()
