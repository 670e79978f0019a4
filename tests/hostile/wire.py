# SPDX-License-Identifier: Apache-2.0
"""Requests to the playground's catalog as bytes on a connection, and calls of the API with fields no client of ours sends.

In requests {pg} is the playground, {ro} and {rw} its tokens, {other} a playground of the same user, {stranger} somebody
else's. The runner fills them in.
"""

import json

from cases import Case

CREATE = {"name": "t", "schema": {"type": "struct", "schema-id": 0, "fields": [{"id": 1, "name": "a", "required": False, "type": "int"}]}}
NAMESPACES = "/pg/{pg}/v1/namespaces"
TABLE = NAMESPACES + "/nyc/tables/airlines"


def rest(name, method, path, body=None, says="", token="{rw}", **headers):
    """A well-formed request."""
    data = b"" if body is None else body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    if token is not None:
        head += f"x-pretzel-token: {token}\r\n"
    head += "".join(f"{key.replace('_', '-')}: {value}\r\n" for key, value in headers.items())
    if body is not None or method in ("POST", "PUT"):
        head += f"Content-Length: {len(data)}\r\n"
    return Case("rest", name, says, request=(head.encode("utf-8", "surrogateescape") + b"\r\n" + data,))


def raw(name, text, says=""):
    return Case("rest", name, says, request=(text if isinstance(text, bytes) else text.encode("latin-1"),))


def paths():
    for name, path in {
        "root": "/",
        "no mount": "/v1/config",
        "other mount": "/pg2/{pg}/v1/config",
        "bare mount": "/pg/",
        "no version": "/pg/{pg}",
        "unknown endpoint": "/pg/{pg}/v1/nothing",
        "version two": "/pg/{pg}/v2/config",
        "dots": "/pg/{pg}/v1/../../x",
        "encoded dots": "/pg/{pg}/v1/%2e%2e/config",
        "half-encoded dots": "/pg/{pg}/v1/.%2e/config",
        "dot": "/pg/{pg}/./v1/config",
        "other by dots": "/pg/{pg}/../{other}/v1/config",
        "empty segment": "/pg/{pg}//v1/config",
        "encoded slash": "/pg/{pg}%2Fv1/config",
        "encoded NUL": "/pg/{pg}/v1/namespaces/a%00b",
        "broken escape": "/pg/{pg}/v1/namespaces/%zz",
        "cut escape": "/pg/{pg}/v1/namespaces/%2",
        "half escape": "/pg/{pg}/v1/namespaces/%",
        "empty level": NAMESPACES + "/a%1F%1Fb",
        "only a separator": NAMESPACES + "/%1F",
        "17 levels": NAMESPACES + "/" + "%1F".join("a" * 17),
        "key twice": NAMESPACES + "?parent=a&parent=b",
        "fragment": "/pg/{pg}/v1/config#x",
        "absolute form": "http://127.0.0.1/pg/{pg}/v1/config",
        "other playground": "/pg/{other}/v1/config",
        "no such playground": "/pg/nope/v1/config",
        "stranger's": "/pg/{stranger}/v1/config",
        "upper case": "/PG/{pg}/v1/config",
        "long path": "/pg/{pg}/v1/namespaces/" + "a" * 9000,
        "longer than the head": "/pg/{pg}/v1/namespaces/" + "a" * 20_000,
        "not UTF-8": "/pg/{pg}/v1/namespaces/%ff%fe",
        "raw high bytes": "/pg/{pg}/v1/namespaces/\udcff\udcfe",
        "overlay name": NAMESPACES + "/pg_{pg}_{generation}",
        "quote": NAMESPACES + "/a'%20OR%201=1",
        "backslash": NAMESPACES + "/..%5C..%5Cetc",
        "double encoding": NAMESPACES + "/%252e%252e",
        "table without a namespace": "/pg/{pg}/v1/namespaces//tables/x",
        "table of nothing": NAMESPACES + "/nyc/tables/nope",
        "view of nothing": NAMESPACES + "/nyc/views/nope",
    }.items():
        yield rest(f"path {name}", "GET", path)
    for method in ("PUT", "PATCH", "OPTIONS", "TRACE", "CONNECT", "DELETE", "GETS", "get"):
        yield rest(f"method {method}", method, "/pg/{pg}/v1/config")
    for method, path in (
        ("POST", "/pg/{pg}/v1/transactions/commit"), ("POST", NAMESPACES + "/nyc/register"), ("POST", NAMESPACES + "/nyc/views"),
        ("DELETE", NAMESPACES + "/nyc/views/v"), ("POST", "/pg/{pg}/v1/views/rename"),
    ):
        yield rest(f"refused {method} {path.split('v1/')[1]}", method, path, {})


def tokens():
    for name, token in {
        "none": None, "empty": "", "a dot": ".", "two dots": "a.b.c", "words": "let me in", "long": "a" * 5000,
        "base64": "eyJ1IjoiYSJ9.AAAA", "another's": "{other_rw}", "no mac": "{rw_body}.", "no body": ".{rw_mac}",
        "mac cut": "{rw_body}.{rw_mac_cut}", "mac changed": "{rw_body}.{rw_mac_changed}", "body changed": "{rw_body_changed}.{rw_mac}",
        "padded": "{rw}=", "doubled": "{rw}{rw}", "spaced": "{rw_body} .{rw_mac}", "standard alphabet": "{rw_body}.{rw_mac_standard}",
        "mode raised": "{rw_body}.{ro_mac}", "quoted": '"{rw}"',
        "none algorithm": "eyJhbGciOiJub25lIn0.eyJ1IjoiYSJ9.", "unicode": "\udcc3\udca9",
    }.items():
        yield rest(f"token {name}", "GET", "/pg/{pg}/v1/config", token=token)
    for position in range(0, 100, 7):
        yield rest(f"token with character {position} changed", "GET", "/pg/{pg}/v1/config", token="{rw_changed_%d}" % position)
    yield rest("bearer of another kind", "GET", "/pg/{pg}/v1/config", token=None, Authorization="Basic {rw}")
    yield rest("own header wins", "GET", "/pg/{pg}/v1/config", token="x", Authorization="Bearer {rw}")
    for method, path, body in (
        ("POST", NAMESPACES, {"namespace": ["x"]}), ("POST", NAMESPACES + "/nyc/tables", CREATE),
        ("POST", TABLE, {"requirements": [], "updates": []}), ("DELETE", TABLE, None), ("DELETE", NAMESPACES + "/nyc", None),
        ("POST", "/pg/{pg}/v1/tables/rename", {}), ("POST", NAMESPACES + "/nyc/properties", {}),
    ):
        yield rest(f"reading token {method} {path.split('v1/')[1]}", method, path, body, says="only reads", token="{ro}")


def bodies():
    bad = {
        "no body": "", "not JSON": "{", "a list": "[]", "a text": '"x"', "null": "null", "number": "1", "not UTF-8": b'{"name": "\xff"}',
        "NUL": b"\0", "byte order mark": b"\xef\xbb\xbf{}", "deep": "[" * 100_000, "deep maps": '{"a":' * 300 + "1" + "}" * 300,
        "comment": "{} // x", "trailing": "{} {}", "NaN": '{"name": NaN}', "single quotes": "{'name': 'x'}", "empty object": "{}",
    }
    for name, body in bad.items():
        yield rest(f"create table: {name}", "POST", NAMESPACES + "/lab/tables", body)
        yield rest(f"create namespace: {name}", "POST", NAMESPACES, body)
        yield rest(f"commit: {name}", "POST", TABLE, body)
        yield rest(f"rename: {name}", "POST", "/pg/{pg}/v1/tables/rename", body)
    for name, change in {
        "location": {"location": "file:///tmp/x"}, "location of production": {"location": "s3://prod/x"},
        "location is a number": {"location": 1}, "data path": {"properties": {"write.data.path": "file:///tmp/x"}},
        "metadata path": {"properties": {"write.metadata.path": "/etc"}},
        "object storage": {"properties": {"write.object-storage.enabled": "true"}},
        "provider": {"properties": {"write.location-provider.impl": "evil.Class"}}, "property is a number": {"properties": {"a": 1}},
        "properties are a list": {"properties": []}, "name with a slash": {"name": "a/b"}, "name with dots": {"name": ".."},
        "empty name": {"name": ""}, "long name": {"name": "a" * 129}, "name is a number": {"name": 1}, "name with NUL": {"name": "a\0b"},
        "no schema": {"schema": None}, "schema is a text": {"schema": "x"}, "staged is a text": {"stage-create": "yes"},
    }.items():
        yield rest(f"create table: {name}", "POST", NAMESPACES + "/lab/tables", {**CREATE, **change})
    for name, levels in {
        "empty": [], "a text": "lab", "a number": [1], "slash": ["a/b"], "dots": [".."], "empty level": [""], "long": ["a" * 129],
        "unicode": ["\u00e9"], "separator": ["a\x1fb"],
    }.items():
        yield rest(f"create namespace: levels {name}", "POST", NAMESPACES, {"namespace": levels})
    yield rest("create namespace: location", "POST", NAMESPACES, {"namespace": ["x"], "properties": {"location": "file:///tmp"}})
    for name, update in {
        "unknown update": {"action": "drop-everything"}, "no action": {}, "action is a number": {"action": 1},
        "location": {"action": "set-location", "location": "file:///tmp/x"},
        "snapshot outside": {"action": "add-snapshot", "snapshot": {"manifest-list": "file:///tmp/x.avro"}},
        "no snapshot": {"action": "add-snapshot"},
        "encrypted": {"action": "add-snapshot", "snapshot": {"manifest-list": "x", "key-id": "k"}},
        "statistics outside": {"action": "set-statistics", "statistics": {"statistics-path": "/etc/passwd"}},
        "property outside": {"action": "set-properties", "updates": {"write.data.path": "/x"}},
    }.items():
        yield rest(f"commit production: {name}", "POST", TABLE, {"requirements": [], "updates": [update]})
        yield rest(f"commit nothing: {name}", "POST", NAMESPACES + "/lab/tables/nope", {"requirements": [], "updates": [update]})
    yield rest("commit: unknown requirement", "POST", TABLE, {"requirements": [{"type": "assert-nothing"}], "updates": []})
    yield rest("commit: create over production", "POST", TABLE, {"requirements": [{"type": "assert-create"}], "updates": []})
    yield rest("drop production's table", "DELETE", TABLE + "?purgeRequested=true", says="read-only")
    yield rest("drop production's namespace", "DELETE", NAMESPACES + "/nyc")
    yield rest("change production's namespace", "POST", NAMESPACES + "/nyc/properties", {"removals": [], "updates": {"a": "b"}})
    yield rest(
        "rename production's table", "POST", "/pg/{pg}/v1/tables/rename",
        {"source": {"namespace": ["nyc"], "name": "airlines"}, "destination": {"namespace": ["nyc"], "name": "gone"}},
    )
    yield rest(
        "rename out of the playground", "POST", "/pg/{pg}/v1/tables/rename",
        {"source": {"namespace": ["lab"], "name": "t"}, "destination": {"namespace": ["..", "x"], "name": "t"}},
    )


def http():
    head = "GET /pg/{pg}/v1/config HTTP/1.1\r\nHost: x\r\nx-pretzel-token: {rw}\r\n"
    post = "POST /pg/{pg}/v1/namespaces HTTP/1.1\r\nHost: x\r\nx-pretzel-token: {rw}\r\nConnection: close\r\n"
    yield raw("http: garbage", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64 + b"\r\n\r\n")
    yield raw("http: HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    yield raw("http: HTTP/0.9", "GET /\r\n\r\n")
    yield raw("http: version 9", "GET / HTTP/9.9\r\n\r\n")
    yield raw("http: no version", "GET /pg/{pg}/v1/config\r\nHost: x\r\n\r\n")
    yield raw("http: spaces in the target", "GET /pg/{pg} /v1/config HTTP/1.1\r\nHost: x\r\n\r\n")
    yield raw("http: bare line feeds", head.replace("\r\n", "\n") + "\n")
    yield raw("http: space before the colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n")
    yield raw("http: folded header", head.replace("x-pretzel-token: {rw}", "x-pretzel-token: x\r\n y") + "Connection: close\r\n\r\n")
    yield raw("http: NUL in a header", head + "a: \0\r\n\r\n")
    yield raw("http: header without a name", head + ": x\r\n\r\n")
    yield raw("http: header of 20 KB", head + "a: " + "b" * 20_000 + "\r\n\r\n", "header")
    yield raw("http: 2000 headers", head + "".join(f"h{n}: x\r\n" for n in range(2000)) + "\r\n", "header")
    yield raw("http: two lengths", post + "Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}")
    yield raw("http: length and chunks", post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    yield raw("http: chunks and length", post + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n")
    yield raw("http: negative length", post + "Content-Length: -1\r\n\r\n")
    yield raw("http: signed length", post + "Content-Length: +2\r\n\r\n{}")
    yield raw("http: hex length", post + "Content-Length: 0x2\r\n\r\n{}")
    yield raw("http: huge length", post + "Content-Length: 99999999999999999999\r\n\r\n")
    yield raw("http: 17 MB announced", post + "Content-Length: 17825793\r\n\r\n", "larger")
    yield raw("http: broken chunk size", post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n")
    yield raw("http: huge chunk size", post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n")
    yield raw("http: 17 MB chunk", post + "Transfer-Encoding: chunked\r\n\r\n1100001\r\n" + "x" * 100)
    yield raw("http: other coding", post + "Transfer-Encoding: gzip\r\n\r\n")
    yield raw("http: odd coding", post + "Transfer-Encoding: xchunked\r\nContent-Length: 2\r\n\r\n{}")
    yield raw("http: expect", post + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}", "Expect")
    yield raw(
        "http: chunks without a token",
        "POST /pg/{pg}/v1/namespaces HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    )
    yield raw(
        "http: two requests in one",
        "POST /pg/{pg}/v1/namespaces HTTP/1.1\r\nHost: x\r\nContent-Length: 60\r\n\r\n"
        "GET /pg/{pg}/v1/config HTTP/1.1\r\nx-pretzel-token: {rw}\r\n\r\n" + " " * 60,
    )


def rpc(name, method, message, says="", **extra):
    return Case("rpc", name, says, request=(method, message, extra))


def calls():
    long = "x" * 100_000
    names = {
        "empty": "", "upper": "A", "path": "../x", "NUL": "a\0b", "long": "a" * 64, "very long": long, "unicode": "\u00e9",
        "quote": "' OR 1=1 --", "stranger's": "{stranger}", "missing": "no-such-one", "line feed": "a\nb",
    }
    for name, value in names.items():
        for method in ("GetPlayground", "DeletePlayground", "ConnectPlayground"):
            yield rpc(f"{method} {name}", f"Playgrounds/{method}", {"name": value})
        yield rpc(f"ExtendPlayground {name}", "Playgrounds/ExtendPlayground", {"name": value, "ttl_ms": 3_600_000})
        yield rpc(
            f"StartRun in {name}", "Runs/StartRun",
            {"playground": value, "command": "test", "manifests": [{"path": "m.yaml", "content": "YQ=="}]},
        )
        if name not in ("empty", "missing"):
            yield rpc(f"CreatePlayground {name}", "Playgrounds/CreatePlayground", {"name": value, "ttl_ms": 3_600_000})
    for value in (-1, 1, 59_999, 2**62, -(2**63)):
        yield rpc(f"CreatePlayground for {value} ms", "Playgrounds/CreatePlayground", {"name": "hostile-rpc", "ttl_ms": value})
        yield rpc(f"ExtendPlayground for {value} ms", "Playgrounds/ExtendPlayground", {"name": "{pg}", "ttl_ms": value})
    for name, labels in {
        "control": {"a": "\x01"}, "empty key": {"": "x"}, "long": {"a": "x" * 257}, "33": {f"k{n}": "v" for n in range(33)},
    }.items():
        yield rpc(f"CreatePlayground label {name}", "Playgrounds/CreatePlayground", {"name": "hostile-rpc", "labels": labels})
    sound = [{"path": "m.yaml", "content": "YQ=="}]
    for name, change in {
        "no command": {"command": ""}, "unknown command": {"command": "destroy"}, "long command": {"command": long},
        "upper-case command": {"command": "TEST"}, "no manifest": {"manifests": []},
        "201 manifests": {"manifests": [{"path": f"{n}", "content": "YQ=="} for n in range(201)]},
        "no path": {"manifests": [{"content": "YQ=="}]}, "NUL in a path": {"manifests": [{"path": "a\0b", "content": "YQ=="}]},
        "long path": {"manifests": [{"path": long, "content": "YQ=="}]}, "a path twice": {"manifests": sound * 2},
        "4 MiB and a byte": {"manifests": [{"path": "m", "content": 4 * 2**20 + 1}]},
        "17 MB": {"manifests": [{"path": f"{n}", "content": 3 * 2**20} for n in range(6)]},
        "long client token": {"client_token": "t" * 129}, "unknown option": {"options": {"frobnicate": True}},
        "option of a wrong type": {"options": {"plan": "yes"}}, "unknown mode": {"options": {"mode": "execute"}},
        "params are a list": {"options": {"params": [1]}}, "options of 2 MB": {"options": {"params": {"a": "x" * 2_000_000}}},
        "deep options": {"options": "deep"}, "300 files": {"files": [{"path": f"f{n}", "content": "YQ=="} for n in range(300)]},
    }.items():
        yield rpc(f"StartRun: {name}", "Runs/StartRun", {"playground": "{pg}", "command": "test", "manifests": sound, **change})
    for name, run in {
        "empty": "", "missing": "r0000000000000000", "path": "../x", "NUL": "r\0", "long": long, "quote": "' OR 1=1 --",
        "stranger's": "{stranger_run}",
    }.items():
        for method in ("GetRun", "CancelRun", "WatchRun", "GetRunLogs"):
            yield rpc(f"{method} {name}", f"Runs/{method}", {"id": run})
    yield rpc("ListRuns: negative", "Runs/ListRuns", {"limit": -1}, "negative")
    yield rpc("Doctor in nothing", "System/Doctor", {"playground": "no-such-one"})
    for name, token in {
        "none": None, "empty": "", "not bearer": "Basic abc", "wrong": "Bearer " + "x" * 64, "long": "Bearer " + "x" * 7000,
        "lower": "bearer {token}", "spaces": "Bearer  {token}", "cut": "Bearer {token_cut}",
    }.items():
        yield rpc(f"authorization {name}", "System/WhoAmI", {}, authorization=token)
    yield rpc("unknown method", "System/Shutdown", {})
    yield rpc("unknown service", "Admin/Shutdown", {})
    for name, data in {
        "random bytes": b"\xff\xff\xff\xff", "cut field": b"\x0a\x7f", "wrong wire type": b"\x08\x01", "endless number": b"\xff" * 20,
        "not UTF-8": b"\x0a\x02\xff\xfe", "group": b"\x0b\x0b\x0b",
    }.items():
        yield rpc(f"message: {name}", "Playgrounds/GetPlayground", data)
    yield rpc("message of 18 MB", "Playgrounds/GetPlayground", b"\x0a\x80\x80\x80\x09" + b"x" * (18 << 20))


def all_cases():
    for part in (paths, tokens, bodies, http, calls):
        yield from part()
