# SPDX-License-Identifier: Apache-2.0
"""What a preview must say of a value, computed from pyarrow's `to_pylist`: written from the contract, not from the code."""

import base64
import datetime
import math
import struct

import pyarrow as pa


def number(value):
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 and math.copysign(1, value) < 0:
        return "-0.0"
    return value


def shortest_float(value):
    """The number with the fewest digits that is this 32-bit float."""
    if math.isnan(value) or math.isinf(value):
        return value
    packed = struct.pack("<f", value)
    return next(short for short in (float(f"{value:.{digits}g}") for digits in range(1, 10))
                if abs(short) < 3.4028236e38 and struct.pack("<f", short) == packed)


def clock(value):
    text = value.strftime("%H:%M:%S")
    return f"{text}.{value.microsecond:06d}".rstrip("0") if value.microsecond else text


def moment(value, zoned):
    if zoned:
        value = value.astimezone(datetime.timezone.utc)
    return f"{value.date().isoformat()}T{clock(value)}{'Z' if zoned else ''}"


def day_time(value):
    """`INTERVAL … DAY TO SECOND`: what a duration is without further words."""
    micros = (value.days * 86400 + value.seconds) * 10**6 + value.microseconds
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    seconds, rest = divmod(micros, 10**6)
    fraction = f".{rest:06d}".rstrip("0") if rest else ""
    return (f"INTERVAL '{sign}{seconds // 86400} {seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}'"
            " DAY TO SECOND")


def expected(value, kind):  # noqa: C901 (a table of types)
    if value is None:
        return None
    if pa.types.is_boolean(kind):
        return bool(value)
    if pa.types.is_int64(kind):
        return str(value)
    if pa.types.is_integer(kind):
        return int(value)
    if pa.types.is_float32(kind):
        return number(shortest_float(value))
    if pa.types.is_floating(kind):
        return number(value)
    if pa.types.is_decimal(kind):
        return format(value, "f")
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return value
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return base64.b64encode(value).decode()
    if pa.types.is_date(kind):
        return value.isoformat()
    if pa.types.is_timestamp(kind):
        return moment(value, kind.tz is not None)
    if pa.types.is_time(kind):
        return clock(value)
    if pa.types.is_duration(kind):
        return day_time(value)
    if pa.types.is_map(kind):
        return [{"key": expected(k, kind.key_type), "value": expected(v, kind.item_type)} for k, v in value]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [expected(item, kind.value_type) for item in value]
    if pa.types.is_struct(kind):
        return {field.name: expected(value[field.name], field.type) for field in kind}
    raise AssertionError(f"no rule for {kind}")


def expected_rows(table):
    """Column by column, since names may stand twice."""
    columns = [[expected(value, field.type) for value in column.to_pylist()]
               for field, column in zip(table.schema, table.columns)]
    return [list(row) for row in zip(*columns)] if columns else []


def same(ours, theirs):
    """Equal, and of the same kind: JSON's true is not 1."""
    if isinstance(theirs, (list, dict)):
        if type(ours) is not type(theirs) or len(ours) != len(theirs):
            return False
        if isinstance(theirs, dict):
            return ours.keys() == theirs.keys() and all(same(ours[key], theirs[key]) for key in theirs)
        return all(map(same, ours, theirs))
    if isinstance(theirs, (int, float)) and not isinstance(theirs, bool):
        return isinstance(ours, (int, float)) and not isinstance(ours, bool) and ours == theirs
    return type(ours) is type(theirs) and ours == theirs
