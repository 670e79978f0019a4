# SPDX-License-Identifier: Apache-2.0
"""What the batch job's modes share: its errors, its result file, typed parameters, and what Java's exceptions say."""

import datetime
import decimal
import json
import math
import os
import re
import sys
import tempfile
import time

SPEC_VERSION = 1
# The result travels through a control plane; a plan in an error message can be megabytes.
MAX_ERROR_CHARS = 16 * 1024
MAX_BRIEF_CHARS = 400
# A catalog that restarts is back within seconds; the pause grows so that one that stays away is not hammered.
FIRST_PAUSE_SECONDS = 0.25
MAX_PAUSE_SECONDS = 5.0
# Twice what Spark holds: what is too long is for Spark to refuse.
MAX_DECIMAL_DIGITS = 76
# A chain of causes longer than this is a loop.
MAX_CAUSES = 32


# What a lost connection looks like in the JVM; a class that extends one of these counts too (the HTTP client's own do). The
# Iceberg ones are answers of a catalog that is starting or stopping; after CommitStateUnknown the run id decides whether the
# commit happened.
TRANSIENT_CAUSES = {
    "java.net.SocketException",
    "java.net.SocketTimeoutException",
    "java.nio.channels.ClosedChannelException",
    "org.apache.hc.core5.http.NoHttpResponseException",
    "org.apache.hc.core5.http.ConnectionClosedException",
    "org.apache.iceberg.exceptions.ServiceUnavailableException",
    "org.apache.iceberg.exceptions.CommitStateUnknownException",
}
# Iceberg's runtime carries its own copy of the HTTP client under this name.
SHADED_PREFIX = "org.apache.iceberg.shaded."


class JobError(Exception):
    """A failure of this job's own finding; `condition` is stable, like one of Spark's error conditions."""

    def __init__(self, condition, message):
        super().__init__(message)
        self.condition = condition


class Cancelled(BaseException):
    """SIGTERM arrived. Not an Exception, so that no handler for errors swallows it."""


def progress(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


def read_spec(path, required, optional):
    try:
        with open(path, encoding="utf-8") as file:
            spec = json.load(file)
    except (OSError, ValueError) as error:
        raise JobError("COREETL_SPEC", f"cannot read the specification {path}: {error}") from error
    if not isinstance(spec, dict):
        raise JobError("COREETL_SPEC", f"the specification {path} is not a JSON object")
    if spec.get("version") != SPEC_VERSION:
        raise JobError("COREETL_SPEC", f"the specification is version {spec.get('version')!r}; this job reads {SPEC_VERSION}")
    missing = sorted(required - spec.keys())
    unknown = sorted(spec.keys() - required - optional)
    if missing or unknown:
        parts = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has unknown keys {', '.join(unknown)}"] * bool(unknown)
        raise JobError("COREETL_SPEC", f"the specification {path} {' and '.join(parts)}")
    return spec


def write_result(path, result):
    """All or nothing: a reader sees no file or a whole one, also after a power cut."""
    folder = os.path.dirname(os.path.abspath(path))
    handle, temporary = tempfile.mkstemp(prefix=".result-", dir=folder)  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(result, file, ensure_ascii=False, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    folder_handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder_handle)
    finally:
        os.close(folder_handle)


# How Spark writes a literal of each integer and floating type. A literal is all that spark.sql takes as an argument (a cast is
# none), and a bare Python 5 would be an int where the manifest says bigint.
NUMBER_SUFFIX = {"tinyint": "Y", "smallint": "S", "int": "", "bigint": "L", "float": "F", "double": "D"}
TYPE_ALIASES = {"byte": "tinyint", "short": "smallint", "integer": "int", "long": "bigint", "real": "float"}


def number_literal(kind, value):
    if isinstance(value, bool):
        raise ValueError("a boolean is no number")
    if kind in ("float", "double"):
        number = float(value)
        if not math.isfinite(number):
            raise ValueError("not a finite number")
        return f"{number!r}{NUMBER_SUFFIX[kind]}"
    if isinstance(value, float):
        raise ValueError("not a whole number")
    return f"{int(value)}{NUMBER_SUFFIX[kind]}"


def decimal_value(kind, value):
    """With the declared scale, as over Spark Connect: its precision is then that of its digits, and Spark widens where decimals meet."""
    number = decimal.Decimal(str(value))
    scale = int((re.search(r",\s*(\d+)\s*\)", kind) or [0, 0])[1])
    if not number.is_finite() or -number.as_tuple().exponent >= scale:
        return number
    return number.quantize(decimal.Decimal(1).scaleb(-scale), context=decimal.Context(prec=MAX_DECIMAL_DIGITS))


def instant_literal(kind, value):
    if kind == "date":
        return f"DATE'{datetime.date.fromisoformat(value).isoformat()}'"
    moment = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    if kind == "timestamp_ntz" and moment.tzinfo is not None:
        raise ValueError("a timestamp_ntz has no time zone")
    return f"{kind.upper()}'{moment.isoformat(sep=' ')}'"


def parameter_literal(parameter):
    """A column that is one typed literal. What becomes SQL text here was parsed first, and is printed by us."""
    from pyspark.sql import functions

    name, value = parameter["name"], parameter["value"]
    declared = parameter["type"].strip().lower()
    kind = TYPE_ALIASES.get(declared, declared)
    if value is None:
        return functions.lit(None)
    try:
        if kind == "string":
            return functions.lit(str(value))
        if kind == "boolean":
            if str(value).lower() not in ("true", "false"):
                raise ValueError("neither true nor false")
            return functions.lit(str(value).lower() == "true")
        if kind in NUMBER_SUFFIX:
            return functions.expr(number_literal(kind, value))
        if kind.startswith("decimal"):
            return functions.lit(decimal_value(kind, value))
        if kind in ("date", "timestamp", "timestamp_ntz"):
            return functions.expr(instant_literal(kind, value))
    except (ValueError, TypeError, AttributeError, decimal.InvalidOperation) as error:
        raise JobError("COREETL_PARAMETER", f"parameter {name}: {value!r} is not a {declared}: {error}") from error
    raise JobError("COREETL_PARAMETER", f"parameter {name}: the type {declared!r} is not supported")


def java_causes(error):
    """The Java exceptions behind a Python one, outermost first; none where the JVM is gone."""
    causes = []
    try:
        origin = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
        while origin is not None and len(causes) < MAX_CAUSES:
            causes.append(origin)
            origin = origin.getCause()
    except Exception:
        # The JVM that holds the exception does not answer any more; what was read of the chain is all there is.
        pass
    return causes


def is_transient(error):
    for cause in java_causes(error):
        java_class = cause.getClass()
        while java_class is not None:
            if java_class.getName().removeprefix(SHADED_PREFIX) in TRANSIENT_CAUSES:
                return True
            java_class = java_class.getSuperclass()
    return False


def message_of(error):
    """What went wrong, without stack traces: Spark's own message, or those of the Java exceptions."""
    if getattr(error, "java_exception", None) is None:
        return str(error).split("\nJVM stacktrace:")[0].strip()
    texts = []
    for cause in java_causes(error):
        text = str(cause.toString()).strip()
        if text not in texts:
            texts.append(text)
    return "; caused by ".join(texts)


def until_deadline(deadline, what, action):
    """Calls `action` until it ends in anything but a lost connection, or until the deadline."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return action()
        except JobError:
            raise
        except Exception as error:
            if not is_transient(error):
                raise
            if time.time() + pause >= deadline:
                raise JobError(
                    "COREETL_DEADLINE", f"cannot {what}: the catalog did not answer until the deadline: {brief(error)}"
                ) from error
            progress(f"cannot {what}: {brief(error)}; trying again in {pause:.2g} s")
            time.sleep(pause)
            pause = min(pause * 2, MAX_PAUSE_SECONDS)


def brief(error):
    """One line for the log."""
    return (" ".join(message_of(error).split()) or type(error).__name__)[:MAX_BRIEF_CHARS]


def describe(error):
    """What a person or a program needs to know of an exception, from Spark or from here."""
    if isinstance(error, JobError):
        return {"class": error.condition, "message": str(error)[:MAX_ERROR_CHARS], "sql_state": None}
    condition = state = None
    try:
        condition = error.getCondition()
        state = error.getSqlState()
    except Exception:
        # Not an exception of Spark's, or the JVM that holds its details is gone; the class and the text remain.
        pass
    causes = java_causes(error)
    return {
        "class": condition or (str(causes[0].getClass().getName()) if causes else type(error).__name__),
        "message": message_of(error)[:MAX_ERROR_CHARS],
        "sql_state": state,
    }
