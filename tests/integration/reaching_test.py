# SPDX-License-Identifier: Apache-2.0
"""Functions that reach out of a query, by every way a query can go: nothing arrives at a listener, nothing of a planted file
comes back, and each is refused before anything is submitted."""

import http.server
import json
import threading

import pytest

PLANTED = "planted-91c2e7"
SCHEMA = "  schema: {columns: [{name: a, type: string}]}\n"
HEAD = "apiVersion: dcp/v1\nkind: DerivedDataset\nmetadata: {{name: {name}, namespace: lab}}\nspec:\n{extra}  sql: {sql}\n"
REFUSED = {"PZ0208", "PZ0210", "PZ0214", "PZ0223", "PZ0224"}
SPELLINGS = {
    "qualified": "SELECT system.builtin.{f}({a}) AS a", "quoted": "SELECT `{f}`({a}) AS a",
    "identifier": "SELECT IDENTIFIER('{f}')({a}) AS a", "dotless": "SELECT \u0131dent\u0131f\u0131er('{f}')({a}) AS a",
    "cte": "WITH q AS (SELECT {f}({a}) AS a) SELECT a FROM q", "lambda": "SELECT transform(array('x'), x -> {f}({a}))[0] AS a",
}
RUNS = ("quoted", "dotless", "lambda")  # a run of each: every run has a table of its own


class Listener(http.server.ThreadingHTTPServer):
    """Counts what is asked of it."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.seen = []
        self.address = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'<schema xmlns="http://www.w3.org/2001/XMLSchema"><element name="a" type="string"/></schema>')

    def log_message(self, *_arguments):
        pass


@pytest.fixture(scope="module")
def listener():
    server = Listener()
    yield server
    server.shutdown()


@pytest.fixture
def attacks(listener, tmp_path):
    """{name: SQL}: each function that reaches out in each spelling, and the options that do."""
    planted = tmp_path / "planted"
    planted.write_text(PLANTED)
    document = f'<!DOCTYPE a SYSTEM "{listener.address}/d.dtd"><a>1</a>'
    entity = f'<!DOCTYPE a [<!ENTITY e SYSTEM "{planted.as_uri()}">]><a>&e;</a>'
    arguments = {"reflect": "'java.lang.System', 'getProperty', 'user.home'", "java_method": "'java.lang.System', 'lineSeparator'",
                 "try_reflect": "'java.lang.System', 'lineSeparator'", "from_protobuf": f"X'00', 'M', '{planted}'",
                 "to_protobuf": f"named_struct('a', 1), 'M', '{planted}'", "python_worker_logs": ""}
    for kind in ("", "_boolean", "_double", "_float", "_int", "_long", "_number", "_short", "_string"):
        arguments[f"xpath{kind}"] = f"'{document}', 'a'"
    found = {f"{f}_{spelling}": text.format(f=f, a=a) for f, a in arguments.items() for spelling, text in SPELLINGS.items()}
    options = {"http": f"{listener.address}/x.xsd", "file": str(planted), "uri": planted.as_uri()}
    for name, path in options.items():
        found[f"xsd_{name}"] = f"SELECT from_xml('<a>1</a>', 'a STRING', map('rowValidationXSDPath', '{path}')).a AS a"
        found[f"avro_{name}"] = f"SELECT from_avro(X'00', '\"string\"', map('avroSchemaUrl', '{path}')) AS a"
    found["xsd_pieces"] = f"SELECT from_xml('<a/>', 'a STRING', map('rowValidation' 'XSDPath', '{options['http']}')).a AS a"
    found["entity"] = f"SELECT xpath_string('{entity}', 'a') AS a"
    found["udt"] = ("SELECT to_json(from_json('{}', '{\"type\":\"udt\",\"class\":\"org.apache.spark.ml.linalg.VectorUDT\","
                    "\"pyClass\":\"x\",\"sqlType\":\"integer\"}')) AS a")
    return found


def write(folder, name, sql, extra=""):
    path = folder / f"{name}.yaml"
    path.write_text(HEAD.format(name=name, extra=SCHEMA + extra, sql=json.dumps(sql)))
    return path


def refused(stack, *words):
    """The findings of a command that must fail, by the name of the dataset's file."""
    answer = stack.cli(*words, "-o", "json", check=False)
    assert answer.returncode != 0 and PLANTED not in answer.stdout + answer.stderr, answer.stdout[-2000:]
    return json.loads(answer.stdout)


def codes(report):
    found = {}
    for dataset in report["datasets"]:
        name = dataset["name"].removeprefix("lab.")
        found[name] = {finding["code"] for finding in report["findings"]
                       if finding.get("location", {}).get("file", "").endswith(f"/{name}.yaml")}
    return found


@pytest.mark.parametrize("route", ["test", "preview", "batch"])
def test_none_reaches_out_when_it_is_checked(stack, playground, attacks, listener, tmp_path, route):
    extra = "  runtime: {test: batch}\n" if route == "batch" else ""
    paths = [write(tmp_path, name, sql, extra) for name, sql in attacks.items()]
    found = {}
    for at in range(0, len(paths), 10):
        found |= codes(refused(stack, "derived-dataset", "preview" if route == "preview" else "test", *paths[at:at + 10]))
    assert set(found) == set(attacks) and len(found) > 90
    wrong = {name: each for name, each in found.items() if not each or not each <= REFUSED}
    assert wrong == {} and listener.seen == []


def test_none_is_submitted_by_a_run_that_was_never_tested(stack, playground, attacks, listener, tmp_path):
    names = [name for name in attacks if name.startswith(("xsd", "udt", "entity"))]
    names += [f"{f}_{spelling}" for f in ("reflect", "xpath_string", "from_protobuf") for spelling in RUNS]
    good = [write(tmp_path, name, "SELECT 'x' AS a") for name in names]
    for at in range(0, len(good), 10):
        stack.cli("derived-dataset", "apply", *good[at:at + 10])
    for name in names:
        path = write(tmp_path, name, attacks[name])
        answer = stack.cli("derived-dataset", "run", path, "--wait", "-o", "json", check=False)
        assert answer.returncode != 0 and any(code in answer.stdout for code in REFUSED), (name, answer.stdout[-1500:])
        assert PLANTED not in answer.stdout + answer.stderr
    assert listener.seen == []
    for name in names:
        assert stack.playground(playground).load_table(f"lab.{name}").current_snapshot() is None, name
