# SPDX-License-Identifier: Apache-2.0
"""The batch job: runs one query and replaces the content of one Iceberg table with its rows.

    spark-submit --properties-file FILE coreetl.py --spec SPEC.json

Standard library and pyspark only, so that the same file runs under spark-submit, in a pod, on EMR and on Databricks. The Spark
session, the master and the catalogs come from outside (the properties file); this file names none.

Two promises. It writes at most once for a run id: the id is a property of the snapshot it commits, and it looks for that
snapshot before each attempt to write, so a job that was started again reports the first one's result. And it outlives a
restart of the catalog: refused and broken connections are tried again until the deadline.

SPEC, version 1:
    run_id, attempt     who is running; the run id marks the snapshot
    table               the target, as SQL would name it: prod.ns.name (it must exist)
    sql, params         the query; params = [{"name", "type", "value"}], bound by Spark, never pasted into the text
    materialization     "full": all rows of the table are replaced, in one commit
    columns             optional: the declared schema, [{"name", "type", "nullable"}]; a table that differs is refused
    result_file         where the result goes, written once and whole
    deadline_ms         when to give up trying again, in milliseconds since 1970

The result: {"state": "SUCCEEDED"|"FAILED"|"CANCELLED", "rows", "snapshot_id", "already_written", "seconds", "error",
"spark_version", "run_id", "attempt"}. Exit status 0, 1, or 143 after SIGTERM. Progress goes to stderr.
"""

import argparse
import datetime
import decimal
import json
import math
import os
import signal
import sys
import tempfile
import time

RUN_ID_PROPERTY = "pretzel.run-id"
SPEC_VERSION = 1
REQUIRED_KEYS = {"version", "run_id", "attempt", "table", "sql", "materialization", "result_file", "deadline_ms"}
OPTIONAL_KEYS = {"params", "columns"}
# The result travels through a control plane; a plan in an error message can be megabytes.
MAX_ERROR_CHARS = 16 * 1024
MAX_BRIEF_CHARS = 400
# A catalog that restarts is back within seconds; the pause grows so that one that stays away is not hammered.
FIRST_PAUSE_SECONDS = 0.25
MAX_PAUSE_SECONDS = 5.0
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

# A value of the left type can be written to any of the right without loss.
WIDENS_TO = {
    "tinyint": {"smallint", "int", "bigint", "float", "double"},
    "smallint": {"int", "bigint", "float", "double"},
    "int": {"bigint", "double"},
    "float": {"double"},
}


class JobError(Exception):
    """A failure of this job's own finding; `condition` is stable, like one of Spark's error conditions."""

    def __init__(self, condition, message):
        super().__init__(message)
        self.condition = condition


class Cancelled(BaseException):
    """SIGTERM arrived. Not an Exception, so that no handler for errors swallows it."""


def progress(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


def read_spec(path):
    try:
        with open(path, encoding="utf-8") as file:
            spec = json.load(file)
    except (OSError, ValueError) as error:
        raise JobError("COREETL_SPEC", f"cannot read the specification {path}: {error}") from error
    if not isinstance(spec, dict):
        raise JobError("COREETL_SPEC", f"the specification {path} is not a JSON object")
    if spec.get("version") != SPEC_VERSION:
        raise JobError("COREETL_SPEC", f"the specification is version {spec.get('version')!r}; this job reads {SPEC_VERSION}")
    missing = sorted(REQUIRED_KEYS - spec.keys())
    unknown = sorted(spec.keys() - REQUIRED_KEYS - OPTIONAL_KEYS)
    if missing or unknown:
        parts = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has unknown keys {', '.join(unknown)}"] * bool(unknown)
        raise JobError("COREETL_SPEC", f"the specification {path} {' and '.join(parts)}")
    if spec["materialization"] != "full":
        raise JobError("COREETL_SPEC", f"materialization {spec['materialization']!r} is not supported; use \"full\"")
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
            # Its precision is that of its digits; Spark widens decimals by itself where they meet.
            return functions.lit(decimal.Decimal(str(value)))
        if kind in ("date", "timestamp", "timestamp_ntz"):
            return functions.expr(instant_literal(kind, value))
    except (ValueError, TypeError, AttributeError, decimal.InvalidOperation) as error:
        raise JobError("COREETL_PARAMETER", f"parameter {name}: {value!r} is not a {declared}: {error}") from error
    raise JobError("COREETL_PARAMETER", f"parameter {name}: the type {declared!r} is not supported")


def same_type(left, right):
    """Equal but for nullability, which Spark checks row by row when it writes."""
    return left.simpleString() == right.simpleString()


def can_store(source, target):
    if same_type(source, target) or source.typeName() == "void":
        return True
    if target.simpleString() in WIDENS_TO.get(source.simpleString(), ()):
        return True
    if source.typeName() == "decimal" and target.typeName() == "decimal":
        return target.scale >= source.scale and target.precision - target.scale >= source.precision - source.scale
    return False


def check_declared(table, schema, columns):
    """The table must be what the manifest declares; anything else means that it was not applied since."""
    from pyspark.sql.types import StringType, StructType, VarcharType, CharType

    actual = {field.name.lower(): field.dataType for field in schema.fields}
    problems = []
    for column in columns:
        declared = StructType.fromDDL("c " + column["type"]).fields[0].dataType
        if isinstance(declared, (VarcharType, CharType)):
            declared = StringType()  # all that Iceberg keeps of them
        found = actual.pop(column["name"].lower(), None)
        if found is None:
            problems.append(f"column {column['name']} is missing")
        elif not same_type(declared, found):
            problems.append(f"column {column['name']}: declared {declared.simpleString()}, found {found.simpleString()}")
    problems += [f"column {name} is not declared" for name in actual]
    if problems:
        raise JobError(
            "COREETL_TABLE_DRIFT",
            f"the table {table} differs from its manifest: {'; '.join(problems)}; apply the manifest again",
        )


def arrange(frame, schema, table):
    """The query's columns in the table's order, or an error that names every column that does not fit."""
    given = {}
    problems = []
    for position, field in enumerate(frame.schema.fields):
        if field.name.lower() in given:
            problems.append(f"column {field.name}: the query gives it twice")
        given[field.name.lower()] = (position, field)
    for field in schema.fields:
        found = given.pop(field.name.lower(), None)
        if found is None:
            problems.append(f"column {field.name}: expected {field.dataType.simpleString()}, found no such column")
        elif not can_store(found[1].dataType, field.dataType):
            problems.append(
                f"column {field.name}: expected {field.dataType.simpleString()}, "
                f"found {found[1].dataType.simpleString()}"
            )
    problems += [f"column {field.name}: not in the table" for _, field in given.values()]
    if problems:
        raise JobError("COREETL_SCHEMA_MISMATCH", f"the query does not fit the table {table}: {'; '.join(problems)}")
    return frame.select([frame["`" + field.name.replace("`", "``") + "`"] for field in schema.fields])


def find_snapshot(spark, table, run_id):
    """(snapshot id, rows) of the snapshot that this run committed, or None."""
    from pyspark.sql import functions

    found = (
        spark.read.table(f"{table}.snapshots")
        .where(functions.col("summary").getItem(RUN_ID_PROPERTY) == functions.lit(run_id))
        .orderBy(functions.col("committed_at").desc())
        .select("snapshot_id", functions.col("summary").getItem("added-records").alias("rows"))
        .limit(1)
        .collect()
    )
    # An overwrite with no rows leaves added-records out.
    return (found[0]["snapshot_id"], int(found[0]["rows"] or 0)) if found else None


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


class Job:
    def __init__(self, spec):
        self.spec = spec
        self.deadline = spec["deadline_ms"] / 1000.0
        self.seconds = {}
        self.spark_version = None
        self.done = False

    def timed(self, name, action):
        started = time.monotonic()
        try:
            return action()
        finally:
            self.seconds[name] = round(self.seconds.get(name, 0) + time.monotonic() - started, 3)

    def start_session(self):
        from pyspark.sql import SparkSession

        return SparkSession.builder.getOrCreate()

    def run(self):
        """(snapshot id, rows, whether an earlier attempt had written it)"""
        spec, table = self.spec, self.spec["table"]
        if time.time() >= self.deadline:
            raise JobError("COREETL_DEADLINE", "the deadline passed before the job started")
        spark = self.timed("session", self.start_session)
        self.spark_version = spark.version
        progress(f"run {spec['run_id']}, attempt {spec['attempt']}, Spark {spark.version}: {table}")

        wrote = False

        def attempt():
            nonlocal wrote
            written = self.timed("look_up", lambda: find_snapshot(spark, table, spec["run_id"]))
            if written is not None:
                # Found after a write of our own whose answer was lost: it is this process's snapshot, not an earlier one's.
                return (*written, not wrote)
            frame = self.timed("plan", lambda: self.plan(spark))
            progress("writing")
            wrote = True
            self.timed("write", lambda: self.write(frame))
            return (*self.timed("look_up", lambda: self.committed(spark)), False)

        return until_deadline(self.deadline, f"write {table}", attempt)

    def plan(self, spark):
        spec = self.spec
        schema = spark.table(spec["table"]).schema
        if spec.get("columns"):
            check_declared(spec["table"], schema, spec["columns"])
        parameters = spec.get("params") or []
        arguments = {parameter["name"]: parameter_literal(parameter) for parameter in parameters}
        # Without arguments none are passed: Spark would then read a ":name" inside the text as a missing parameter.
        frame = spark.sql(spec["sql"], args=arguments) if arguments else spark.sql(spec["sql"])
        return arrange(frame, schema, spec["table"])

    def write(self, frame):
        from pyspark.sql import functions

        writer = frame.writeTo(self.spec["table"]).option(f"snapshot-property.{RUN_ID_PROPERTY}", self.spec["run_id"])
        writer.overwrite(functions.lit(True))

    def committed(self, spark):
        found = find_snapshot(spark, self.spec["table"], self.spec["run_id"])
        if found is None:
            raise JobError("COREETL_NO_SNAPSHOT", f"the write to {self.spec['table']} left no snapshot with this run's id")
        return found


def outcome(job, state, snapshot_id=None, rows=None, already_written=False, error=None):
    return {
        "state": state,
        "run_id": job.spec["run_id"],
        "attempt": job.spec["attempt"],
        "rows": rows,
        "snapshot_id": snapshot_id,
        "already_written": already_written,
        "seconds": job.seconds,
        "error": error,
        "spark_version": job.spark_version,
    }


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spec", required=True, help="the job's specification, a JSON file")
    options = parser.parse_args(arguments)
    try:
        job = Job(read_spec(options.spec))
    except JobError as error:
        print(f"coreetl: {error}", file=sys.stderr)
        return 1

    def on_terminate(_signal, _frame):
        # Once the rows are committed there is nothing to cancel; the result is about to say so.
        if not job.done:
            raise Cancelled

    signal.signal(signal.SIGTERM, on_terminate)
    started = time.monotonic()
    try:
        snapshot_id, rows, already_written = job.run()
        job.done = True
        result, status = outcome(job, "SUCCEEDED", snapshot_id, rows, already_written), 0
        progress(f"{'already written' if already_written else 'written'}: {rows} rows, snapshot {snapshot_id}")
    except Cancelled:
        job.done = True
        message = "cancelled by SIGTERM; if a commit was under way, its snapshot carries this run's id"
        error = {"class": "COREETL_CANCELLED", "message": message, "sql_state": None}
        result, status = outcome(job, "CANCELLED", error=error), 143
        progress("cancelled")
    except Exception as error:
        job.done = True
        result, status = outcome(job, "FAILED", error=describe(error)), 1
        print(f"coreetl: {result['error']['class']}: {brief(error)}", file=sys.stderr, flush=True)
    job.seconds["total"] = round(time.monotonic() - started, 3)
    write_result(job.spec["result_file"], result)
    return status


if __name__ == "__main__":
    code = main(sys.argv[1:])
    # An exit with 0 through SystemExit is a failure on some Databricks runtimes; returning is a success everywhere.
    if code:
        sys.exit(code)
