# SPDX-License-Identifier: Apache-2.0
"""The decoder of Arrow IPC streams alone, on streams that pyarrow writes: what pyarrow reads back is what it must say.

No Spark here, so there is room for thousands of values and for broken streams.
"""

import base64
import datetime
import decimal
import json
import random
import subprocess

import pyarrow as pa
import pytest
from preview_values import expected_rows, same
from spark_connect_plugin_test import PROGRAM

ROWS = 300
SEED = 20130101
UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
MICROS_MIN = (datetime.datetime(1, 1, 1, tzinfo=UTC) - EPOCH) // datetime.timedelta(microseconds=1)
MICROS_MAX = (datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC) - EPOCH) // datetime.timedelta(microseconds=1)
ALPHABET = ["a", "\0", "\n", '"', "\\", "\x1b", "\N{LATIN SMALL LETTER E WITH ACUTE}", "\N{GRINNING FACE}", "漢", "\x7f", "</"]


class Decoder:
    def __init__(self, rows=1000, size=1 << 22):
        self.process = subprocess.Popen([PROGRAM, "rows", str(rows), str(size)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, stream):
        self.process.stdin.write(base64.b64encode(stream) + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the decoder died with {self.process.wait()}"
        return json.loads(line)

    def stop(self):
        self.process.stdin.close()
        assert self.process.wait(30) == 0
        self.process.stdout.close()


@pytest.fixture(scope="module")
def decoder():
    decoder = Decoder()
    yield decoder
    decoder.stop()


def stream_of(table, **options):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def micros(rng):
    return rng.choice([0, -1, 1, MICROS_MIN, MICROS_MAX, rng.randrange(MICROS_MIN, MICROS_MAX), rng.randrange(10**9) * 10**6])


def decimals(precision, scale):
    def make(rng):
        digits = rng.choice([0, 1, 10**precision - 1, rng.randrange(10**precision), rng.randrange(10**rng.randint(0, precision))])
        return decimal.Decimal(rng.choice([1, -1]) * digits).scaleb(-scale, decimal.Context(prec=50))
    return make


def texts(rng):
    return "".join(rng.choices(ALPHABET, k=rng.choice([0, 1, 5, 40])))


FLOATS = [0.0, -0.0, 1.0, -1.5, 0.1, 1e-45, 1.1754944e-38, 3.4028235e38, 16777217.0, float("nan"), float("inf"), float("-inf")]
DOUBLES = [*FLOATS, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1 + 0.2, 1e15, 1e16, 1e22, -123456789.123456789]
# A type, and what makes one value of it.
PLAIN = {
    "boolean": (pa.bool_(), lambda rng: rng.random() < 0.5),
    "tinyint": (pa.int8(), lambda rng: rng.randint(-128, 127)),
    "smallint": (pa.int16(), lambda rng: rng.choice([-32768, 32767, rng.randint(-9, 9)])),
    "int": (pa.int32(), lambda rng: rng.choice([-2**31, 2**31 - 1, rng.randint(-2**31, 2**31 - 1)])),
    "bigint": (pa.int64(), lambda rng: rng.choice([-2**63, 2**63 - 1, 2**53 + 1, rng.randint(-2**63, 2**63 - 1)])),
    "float": (pa.float32(), lambda rng: rng.choice([*FLOATS, rng.uniform(-1e6, 1e6)])),
    "double": (pa.float64(), lambda rng: rng.choice([*DOUBLES, rng.uniform(-1e6, 1e6), rng.random() * 10.0 ** rng.randint(-300, 300)])),
    "string": (pa.string(), texts),
    "large_string": (pa.large_string(), texts),
    "binary": (pa.binary(), lambda rng: rng.randbytes(rng.choice([0, 1, 2, 3, 30]))),
    "large_binary": (pa.large_binary(), lambda rng: rng.randbytes(3)),
    "date": (pa.date32(), lambda rng: datetime.date.fromordinal(rng.choice(
        [1, 719163, 719162, 730179, 3652059, rng.randint(1, 3652059)]))),
    "timestamp": (pa.timestamp("us", "UTC"), micros),
    "timestamp_berlin": (pa.timestamp("us", "Europe/Berlin"), lambda rng: rng.randrange(-10**15, 10**16)),
    "timestamp_ntz": (pa.timestamp("us"), micros),
    "time": (pa.time64("us"), lambda rng: rng.choice([0, 86399999999, rng.randrange(86400 * 10**6)])),
    "day_time": (pa.duration("us"), lambda rng: rng.choice([0, -1, 1, 86399999999, rng.randrange(-10**16, 10**16)])),
    "decimal_38_10": (pa.decimal128(38, 10), decimals(38, 10)),
    "decimal_38_38": (pa.decimal128(38, 38), decimals(38, 38)),
    "decimal_9_0": (pa.decimal128(9, 0), decimals(9, 0)),
    "decimal_5_-3": (pa.decimal128(5, -3), decimals(5, -3)),
    "void": (pa.null(), lambda rng: None),
}
NESTED = {
    "array": (pa.list_(pa.int64()), lambda rng: [maybe(rng, PLAIN["bigint"][1]) for _ in range(rng.randint(0, 5))]),
    "large_array": (pa.large_list(pa.string()), lambda rng: [texts(rng) for _ in range(rng.randint(0, 3))]),
    "struct": (pa.struct([("b", pa.decimal128(38, 10)), ("a", pa.float64()), ("n", pa.null())]),
               lambda rng: {"b": maybe(rng, decimals(38, 10)), "a": maybe(rng, PLAIN["double"][1]), "n": None}),
    "map": (pa.map_(pa.string(), pa.timestamp("us", "UTC")),
            lambda rng: [(texts(rng), maybe(rng, micros)) for _ in range(rng.randint(0, 4))]),
    "deep": (pa.list_(pa.map_(pa.int32(), pa.struct([("x", pa.list_(pa.binary())), ("y", pa.map_(pa.date32(), pa.bool_()))]))),
             lambda rng: [[(key, {"x": [maybe(rng, PLAIN["binary"][1])], "y": [(PLAIN["date"][1](rng), None)]})
                           for key in range(rng.randint(0, 3))] for _ in range(rng.randint(0, 3))]),
}
TYPES = {**PLAIN, **NESTED}


def maybe(rng, make):
    return None if rng.random() < 0.15 else make(rng)


def table_of(names, rows, seed=SEED):
    rng = random.Random(seed)
    return pa.table({name: pa.array([maybe(rng, TYPES[name][1]) for _ in range(rows)], TYPES[name][0]) for name in names})


@pytest.mark.parametrize("name", TYPES)
def test_each_type_says_what_pyarrow_says(decoder, name):
    table = table_of([name], ROWS)
    answer = decoder.ask(stream_of(table))
    rows = expected_rows(table)
    assert len(rows) == ROWS and "wrong" not in answer, answer.get("wrong")
    assert [(ours, theirs) for ours, theirs in zip(answer["rows"], rows) if not same(ours, theirs)] == []


def test_all_types_in_one_table_and_several_batches(decoder):
    table = pa.concat_tables([table_of(list(TYPES), 40, seed) for seed in range(5)])
    answer = decoder.ask(stream_of(table))
    assert all(map(same, answer["rows"], expected_rows(table))) and len(answer["rows"]) == 200


def test_no_rows_and_names_that_stand_twice(decoder):
    assert decoder.ask(stream_of(table_of(list(TYPES), 0))) == {}
    twice = pa.Table.from_arrays([pa.array([1], pa.int32()), pa.array(["x"])], names=["a", "a"])
    assert decoder.ask(stream_of(twice))["rows"] == [[1, "x"]]


def test_two_thousand_columns(decoder):
    table = pa.table({f"c{i}": pa.array([i, None, -i], pa.int32()) for i in range(2000)})
    assert decoder.ask(stream_of(table))["rows"] == expected_rows(table)


def test_a_calendar_interval(decoder):
    values = [pa.MonthDayNano([14, 3, 3_600_000_000_000]), pa.MonthDayNano([0, 0, 0]), pa.MonthDayNano([-1, 0, -1_500_000_000])]
    table = pa.table({"i": pa.array(values, pa.month_day_nano_interval())})
    assert decoder.ask(stream_of(table))["rows"] == [
        ["1 years 2 months 3 days 1 hours"], ["0 seconds"], ["-1 months -1.5 seconds"]]


def test_bytes_that_are_no_text_become_replacement_characters(decoder):
    raw = [b"\xff", b"a\xc3", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"\xc0\x80", b"\xf4\x90\x80\x80"]
    table = pa.table({"s": pa.array(raw, pa.binary()).view(pa.string())})
    assert decoder.ask(stream_of(table))["rows"] == [
        ["\ufffd"], ["a\ufffd"], ["\ufffd" * 3], ["\U0001f600"], ["\ufffd" * 2], ["\ufffd" * 4]]


def test_what_is_nested_too_deep_is_its_json(decoder):
    kind, value = pa.int64(), 2**60
    for _ in range(30):
        kind, value = pa.list_(pa.struct([("s", kind)])), [{"s": value}]
    answer = decoder.ask(stream_of(pa.table({"deep": pa.array([value], kind)})))
    found, levels = answer["rows"][0][0], 0
    while not found == str(2**60):
        found = json.loads(found) if isinstance(found, str) else found[0] if isinstance(found, list) else found["s"]
        levels += 1
    assert levels >= 60


@pytest.mark.parametrize("rows, size, kept, more, truncated", [
    (10, 1 << 20, 10, False, False), (9, 1 << 20, 9, True, False), (1, 1 << 20, 1, True, False),
    # A row of one text of 98 characters: 1 for the row's place, 100 for the text with its quotes.
    (10, 1010, 10, False, False), (10, 1009, 9, False, True), (10, 100, 0, False, True), (10, 101, 1, False, True)])
def test_limits_at_n_and_one_more(rows, size, kept, more, truncated):
    decoder = Decoder(rows, size)
    answer = decoder.ask(stream_of(pa.table({"s": ["x" * 98] * 10})))
    decoder.stop()
    assert (len(answer.get("rows", [])), answer.get("moreRows", False), answer.get("truncated", False)) == (kept, more, truncated)


@pytest.mark.parametrize("what, table, options", [
    ("compressed", pa.table({"a": ["x" * 1000]}), {"compression": "zstd"}),
    ("dictionary", pa.table({"a": pa.array(["x", "y"]).dictionary_encode()}), {}),
    ("uint64", pa.table({"a": pa.array([1], pa.uint64())}), {}),
    ("units", pa.table({"a": pa.array([1], pa.timestamp("ns"))}), {}),
])
def test_what_spark_does_not_send_is_refused(decoder, what, table, options):
    answer = decoder.ask(stream_of(table, **options))
    assert what in answer["wrong"] and "rows" not in answer


def test_broken_streams_end_in_an_error_or_in_rows(decoder):
    """Cut at every byte, and every bit of the first kilobytes turned: the decoder goes on to the next stream."""
    stream = stream_of(table_of(["string", "bigint", "deep", "decimal_38_10"], 6))
    rng = random.Random(SEED)
    broken = [stream[:length] for length in range(0, len(stream), 3)]
    for place in range(0, len(stream), 2):
        changed = bytearray(stream)
        changed[place] ^= 1 << rng.randrange(8)
        broken.append(bytes(changed))
    wrong = sum("wrong" in decoder.ask(bad) for bad in broken)
    assert len(broken) > 1000 and wrong > len(broken) / 4
    good = decoder.ask(stream)
    assert "wrong" not in good and len(good["rows"]) == 6
