# SPDX-License-Identifier: Apache-2.0
"""Previews through real Spark: every type against pyarrow's reading of the same result, limits, refusals, and the end of a query."""

import base64
import json
import subprocess
import time
import uuid

import grpc
import pyarrow as pa
import pytest
from front import TOKEN, Front
from preview_values import expected_rows, same
from pyspark.sql.connect.proto import base_pb2, base_pb2_grpc
from spark_connect_plugin_test import Backend, only_error, place

ROWS = 200
SLOW = "SELECT count(*) AS n FROM range(0, 3000000, 1, 2) a JOIN range(0, 3000000, 1, 2) b ON (a.id + b.id) % 1000003 = 7"
# Values of every type over a number `i`; NULL for each seventh.
TYPES = {
    "boolean": "i % 2 = 0",
    "tinyint": "CAST(i % 256 - 128 AS TINYINT)",
    "smallint": "CAST(i % 200 * 327 - 32768 AS SMALLINT)",
    "int": "CAST(i % 400 * 10737418L - 2147483648 AS INT)",
    "bigint": "9223372036854775807 - i * 46116860184273879",
    "bigint_min": "-9223372036854775807 - 1 + i",
    "float": "CAST(i / 7 AS FLOAT)",
    "float_special": "element_at(array(float('NaN'), float('Infinity'), float('-Infinity'), float('-0.0'), float('1.4E-45')), i % 5 + 1)",
    "double": "CAST(i AS DOUBLE) / 3 * power(10, i % 60 - 30)",
    "double_special": "element_at(array(double('NaN'), double('Infinity'), double('-Infinity'), double('-0.0'),"
                      " double('4.9E-324')), i % 5 + 1)",
    "decimal_38_18": "CAST(i - 100 AS DECIMAL(38,18)) / 7",
    "decimal_38_0": "CAST('99999999999999999999999999999999999999' AS DECIMAL(38,0)) - i",
    "decimal_38_38": "CAST('0.00000000000000000000000000000000000001' AS DECIMAL(38,38)) * i",
    "decimal_9_2": "CAST(i * -12.34 AS DECIMAL(9,2))",
    "string": "concat(repeat('x', i % 5), chr(i), '\N{GRINNING FACE}漢', char(0))",
    "char_": "CAST(i AS STRING)",
    "binary": "CAST(hex(i) AS BINARY)",
    "date": "date_add(DATE'0001-01-01', i * 18250)",
    "date_before_1970": "date_add(DATE'1969-12-31', -i)",
    "timestamp": "timestamp_micros(i * 1000000007L - 100000000000)",
    "timestamp_old": "TIMESTAMP'0001-01-02 00:00:00.000001Z' + make_dt_interval(i * 1000)",
    "timestamp_ntz": "TIMESTAMP_NTZ'1969-12-31 23:59:59.999999' + make_dt_interval(i * 13, i, i)",
    "array": "array(i, NULL, i * 2)",
    "struct": "named_struct('b', i, 'a', CAST(i AS DECIMAL(20,3)), 'n', CAST(NULL AS STRING))",
    "map": "map('k', timestamp_micros(i), concat('z', i), NULL)",
    "map_int": "map(i, array(map(date_add(DATE'2020-02-29', i), named_struct('x', CAST('a' AS BINARY)))))",
    "void": "NULL",
}
NULLABLE = ",\n  ".join(f"IF(i % 7 = 3, NULL, {sql}) AS {name}" if name != "void" else f"{sql} AS {name}" for name, sql in TYPES.items())
EVERY_TYPE = f"SELECT {NULLABLE}\nFROM (SELECT CAST(id AS INT) AS i FROM range(0, {ROWS}, 1, 3)) ORDER BY i"


@pytest.fixture(scope="module")
def backend(connect, front, tmp_path_factory):
    backend = Previews(tmp_path_factory.mktemp("previews"), connect.port, connect.token, front)
    yield backend
    backend.stop()


@pytest.fixture(scope="module")
def front(production):
    front = Front(production.port, production.secret)
    yield front
    front.stop()


class Previews(Backend):
    def rows(self, sql, **options):
        self.start(sql, **options)
        return self.receive()

    def start(self, sql, rows=100, size=1 << 20, timeout_ms=0, key="k", **extra):
        mount = {"name": "prod", "uri": self.uri, "token": TOKEN, "mode": "ro", "sessionKey": key,
                 "expiresAtMs": str(int((time.time() + 3600) * 1000))}
        request = {"sql": sql, "mounts": [mount], "context": {"catalog": "prod"}, "rowsMax": rows, "bytesMax": str(size),
                   "timeoutMs": str(timeout_ms), **extra}
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()

    def good(self, sql, **options):
        answer = self.rows(sql, **options)
        assert answer.get("response", {}).get("valid"), answer
        return answer["response"]


class Oracle:
    """The same query by the bare protocol, read by pyarrow."""

    def __init__(self, connect):
        self.metadata = (("authorization", f"Bearer {connect.token}"),)
        self.channel = grpc.insecure_channel(f"127.0.0.1:{connect.port}")
        self.stub = base_pb2_grpc.SparkConnectServiceStub(self.channel)
        self.session_id = str(uuid.uuid4())

    def table(self, sql):
        request = base_pb2.ExecutePlanRequest(session_id=self.session_id)
        request.user_context.user_id = "oracle"
        request.plan.root.sql.query = sql
        batches = [pa.ipc.open_stream(answer.arrow_batch.data).read_all()
                   for answer in self.stub.ExecutePlan(request, metadata=self.metadata, timeout=120)
                   if answer.HasField("arrow_batch")]
        return pa.concat_tables(batches)


@pytest.fixture(scope="module")
def oracle(connect):
    oracle = Oracle(connect)
    yield oracle
    oracle.channel.close()


def test_every_type_is_what_pyarrow_reads(backend, oracle):
    answer = backend.good(EVERY_TYPE, rows=1000)
    table = oracle.table(EVERY_TYPE)
    rows = expected_rows(table)
    assert len(rows) == len(answer["rows"]) == ROWS and not answer.get("moreRows", False)
    names = [column["name"] for column in answer["columns"]]
    assert names == list(TYPES)
    wrong = [(names[c], ours[c], theirs[c]) for ours, theirs in zip(answer["rows"], rows) for c in range(len(names))
             if not same(ours[c], theirs[c])]
    assert wrong == [] and len(rows) * len(names) > 5000


INTERVALS = {
    "INTERVAL YEAR": ["0", "1", "-178"], "INTERVAL MONTH": ["0", "13", "-7"], "INTERVAL YEAR TO MONTH": ["0-0", "1-2", "-100-11"],
    "INTERVAL DAY": ["0", "-106751990"], "INTERVAL DAY TO HOUR": ["0 0", "1 2", "-3 23"], "INTERVAL DAY TO MINUTE": ["1 02:03", "-1 00:00"],
    "INTERVAL DAY TO SECOND": ["0 00:00:00", "1 02:03:04.5", "-106751991 04:00:54.775807", "0 00:00:00.000001"],
    "INTERVAL HOUR": ["7", "-100"], "INTERVAL HOUR TO MINUTE": ["7:08", "-100:59"], "INTERVAL HOUR TO SECOND": ["7:08:09.001", "-1:00:00"],
    "INTERVAL MINUTE": ["5", "-600"], "INTERVAL MINUTE TO SECOND": ["5:06.7", "-600:00"],
    "INTERVAL SECOND": ["0", "9.000001", "-61.5", "12345"],
}


def literal(kind, text):
    return f"INTERVAL '{text}' {kind.removeprefix('INTERVAL ')}"


def test_intervals_are_as_spark_casts_them(backend):
    columns = [literal(kind, text) for kind, texts in INTERVALS.items() for text in texts]
    sql = "SELECT " + ", ".join(f"{value} AS v{i}, CAST({value} AS STRING) AS s{i}" for i, value in enumerate(columns))
    (row,) = backend.good(sql)["rows"]
    assert [(a, b) for a, b in zip(row[::2], row[1::2]) if a != b] == [] and len(row) == 2 * len(columns)
    nested = "SELECT array(INTERVAL '1-2' YEAR TO MONTH) AS a, map('k', INTERVAL '3' HOUR) AS m, named_struct('d', INTERVAL '4' DAY) AS s"
    assert backend.good(nested)["rows"] == [[
        ["INTERVAL '1-2' YEAR TO MONTH"], [{"key": "k", "value": "INTERVAL '03' HOUR"}], {"d": "INTERVAL '4' DAY"}]]


def test_dates_beyond_pyarrow_s_python(backend):
    sql = ("SELECT DATE'9999-12-31' AS last, date_add(DATE'9999-12-31', 1) AS later, date_add(DATE'0001-01-01', -367) AS before,"
           " timestamp_seconds(-62198755200) AS old")
    row = backend.good(sql)["rows"][0]
    assert row == ["9999-12-31", "+10000-01-01", "-0001-12-31", "-0001-01-01T00:00:00Z"]
    texts = "SELECT CAST(date_add(DATE'9999-12-31', 1) AS STRING), CAST(date_add(DATE'0001-01-01', -367) AS STRING)"
    assert backend.good(texts)["rows"][0] == row[1:3]


@pytest.mark.parametrize("sql, expected", [
    ("SELECT CAST('ab' AS CHAR(4)) AS c, CAST('ab' AS VARCHAR(4)) AS v", None),
    ("SELECT CAST(X'FF' AS STRING) AS s", [["\ufffd"]]),
    ("SELECT 1 AS a, 'x' AS a", [[1, "x"]]),
    ("SELECT named_struct('a', 1, 'a', 2) AS s", [[{"a_0": 1, "a_1": 2}]]),
    ("SELECT 1 AS a WHERE false", None),
    ("SELECT CAST(X'00FF' AS BINARY) AS b", [[base64.b64encode(b"\0\xff").decode()]]),
])
def test_particular_values(backend, sql, expected):
    answer = backend.good(sql)
    if expected is not None:
        assert answer["rows"] == expected
    print(sql, answer.get("columns"), answer.get("rows"))


@pytest.mark.parametrize("sql", [
    "SELECT parse_json('{\"a\": 1}') AS v", "SELECT array(parse_json('1')) AS v"])
def test_a_variant_is_refused_kindly(backend, sql):
    finding = only_error(backend.rows(sql))
    assert finding["code"] == "PZ0222" and "variant" in finding["message"] and "to_json" in finding["hint"]


@pytest.mark.parametrize("sql", ["SELECT make_interval(1, 2, 3, 4, 5, 6, 7.5) AS i", "SELECT TIME'12:34:56.789' AS t"])
def test_types_that_spark_may_not_send_end_in_rows_or_in_a_finding(backend, sql):
    answer = backend.rows(sql)
    print(sql, answer)
    response = answer["response"]
    assert response.get("rows") in ([["1 years 2 months 25 days 5 hours 6 minutes 7.5 seconds"]], [["12:34:56.789"]]) \
        or response["findings"][0]["code"] == "PZ0220"


def test_limits(backend):
    ten = "SELECT id FROM range(10)"
    for rows, more in ((9, True), (10, False), (11, False)):
        answer = backend.good(ten, rows=rows)
        assert (len(answer["rows"]), answer.get("moreRows", False)) == (min(rows, 10), more)
    wide = backend.good("SELECT " + ", ".join(f"{i} AS c{i}" for i in range(2000)))
    assert wide["rows"] == [list(range(2000))]
    large = backend.good("SELECT repeat('x', 1000) AS s FROM range(1000000)", rows=1000, size=100_000)
    assert large["truncated"] and 90 <= len(large["rows"]) < 100 and not large.get("moreRows", False)
    huge = backend.good("SELECT repeat('x', 36000000 + CAST(id AS INT)) AS s FROM range(1)", rows=1)  # more than an RPC of rows may have
    assert huge["truncated"] and huge.get("rows", []) == []


@pytest.mark.parametrize("rows, size, good", [(0, 1, False), (1, 1, True), (1000, 1, True), (1001, 1, False), (1, 0, False),
                                              (1, 4 << 20, True), (1, (4 << 20) + 1, False)])
def test_limits_of_the_limits(backend, rows, size, good):
    answer = backend.rows("SELECT 1", rows=rows, size=size)
    assert ("response" in answer) == good, answer


@pytest.mark.parametrize("sql, code", [
    ("DROP TABLE prod.nyc.plane", "PZ0203"), ("SELECT 1; SELECT 2", "PZ0202"), ("SELECT reflect('java.lang.System', 'exit')", "PZ0210"),
    ("SELECT 1) UNION ALL (SELECT 2", "PZ0205"), ("SELECT * FROM text.`/etc/passwd`", "PZ0211"), ("SELECT nope", "PZ0220")])
def test_what_a_test_refuses_a_preview_refuses(backend, sql, code):
    answer = backend.rows(sql)
    assert only_error(answer)["code"] == code and "rows" not in answer["response"]


def test_an_error_while_it_runs_is_a_finding_with_its_place(backend):
    finding = only_error(backend.rows("SELECT\n  10 / (id - 5) AS x\nFROM range(10)"))
    assert finding["code"] == "PZ0220" and finding["engineCode"] == "DIVIDE_BY_ZERO" and place(finding) == (2, 3)


def test_a_query_that_takes_too_long_is_stopped_in_spark(backend, connect):
    backend.start(SLOW, timeout_ms=20_000)
    end = time.monotonic() + 20
    while not (seen := tasks(connect)) and time.monotonic() < end:
        pass
    assert seen, "the query never ran"
    answer = backend.receive()
    assert answer["error"]["id"] == "PZ0247" and answer["error"]["code"] == 4
    end = time.monotonic() + 60
    while tasks(connect):
        assert time.monotonic() < end, "the query still runs"
    assert backend.good("SELECT 1 AS one")["rows"] == [[1]]


def tasks(connect):
    """Threads of the server that are in a task right now; an idle one keeps its last task's name."""
    dump = subprocess.run(["jstack", str(connect.process.pid)], capture_output=True, text=True, timeout=60, check=True).stdout
    return [block.splitlines()[0] for block in dump.split("\n\n") if "Executor$TaskRunner.run" in block]


def test_limit0_executes_and_says_so(backend):
    answer = backend.ask("SELECT id FROM range(10)", mode="LIMIT0")["response"]
    assert answer["valid"] and "== Analyzed Logical Plan ==" in answer["plan"] and "executeMs" in answer["timings"]
    assert "executeMs" not in backend.ask("SELECT id FROM range(10)", mode="EXPLAIN")["response"]["timings"]
    assert only_error(backend.ask("SELECT nope", mode="LIMIT0"))["engineCode"].startswith("UNRESOLVED_COLUMN")


def test_the_session_is_that_of_test(backend):
    first = backend.ask("SELECT 1", key="both")["response"]
    then = backend.good("SELECT 1 AS a", key="both")
    assert then["sessionReused"] and then["sessionsOpened"] == first["sessionsOpened"]
    assert backend.ask("SELECT 2", key="both")["response"]["valid"]


def test_parameters_are_bound(backend):
    params = [{"name": "n", "type": "int", "value": "41"}, {"name": "s", "type": "string", "value": "it's"}]
    assert backend.good("SELECT :n + 1 AS n, :s AS s", params=params)["rows"] == [[42, "it's"]]
