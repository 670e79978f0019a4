# SPDX-License-Identifier: Apache-2.0
"""The batch job: runs one query and replaces the content of one Iceberg table with its rows, or only asks Spark about it.

    spark-submit --properties-file FILE coreetl.py [--mode run|schema|explain|limit0] --spec SPEC.json

Standard library and pyspark only, so that the same files run under spark-submit, in a pod, on EMR and on Databricks (where
they do not stand in one folder, --py-files names the others). The Spark session, the master and the catalogs come from outside
(the properties file); this file names none. What the modes other than `run` do: coreetl_analysis.py.

Two promises of `run`. It writes at most once for a run id: the id is a property of the snapshot it commits, and it looks for that
snapshot before each attempt to write, so a job that was started again reports the first one's result. And it outlives a
restart of the catalog: refused and broken connections are tried again until the deadline.

SPEC, version 1:
    run_id, attempt     who is running; the run id marks the snapshot
    table               the target, as SQL would name it: prod.ns.name (it must exist)
    sql, params         the query; params = [{"name", "type", "value"}], bound by Spark, never pasted into the text
    materialization     "full": all rows of the table are replaced, in one commit
    plan_nodes          optional: names of the nodes that the analyzed plan may hold; with another one the query is refused before
                        anything of it is executed
    columns             optional: the declared schema, [{"name", "type", "nullable"}]; a table that differs is refused
    result_file         where the result goes, written once and whole
    deadline_ms         when to give up trying again, in milliseconds since 1970

The result: {"state": "SUCCEEDED"|"FAILED"|"CANCELLED", "rows", "snapshot_id", "already_written", "seconds", "error",
"spark_version", "run_id", "attempt"}. Exit status 0, 1, or 143 after SIGTERM. Progress goes to stderr.
"""

import argparse
import signal
import sys
import time

import coreetl_analysis
from coreetl_base import Cancelled, JobError, brief, describe, parameter_literal, progress, read_spec, until_deadline, write_result

RUN_ID_PROPERTY = "pretzel.run-id"
REQUIRED_KEYS = {"version", "run_id", "attempt", "table", "sql", "materialization", "result_file", "deadline_ms"}
OPTIONAL_KEYS = {"params", "columns", "plan_nodes"}

# A value of the left type can be written to any of the right without loss.
WIDENS_TO = {
    "tinyint": {"smallint", "int", "bigint", "float", "double"},
    "smallint": {"int", "bigint", "float", "double"},
    "int": {"bigint", "double"},
    "float": {"double"},
}


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


def plan_nodes(plan):
    """The names of a plan's nodes: those of its subqueries, and of what stands inside a node, too."""
    names = set()
    rest = [plan]
    while rest:
        node = rest.pop()
        names.add(node.getClass().getSimpleName())
        for more in (node.children(), node.subqueries()):
            rest += [more.apply(index) for index in range(more.size())]
    return names


def check_plan(frame, allowed):
    refused = sorted(plan_nodes(frame._jdf.queryExecution().analyzed()) - allowed)
    if refused:
        raise JobError("COREETL_PLAN_NODE", f"the plan of the query holds {', '.join(refused)}, which a run does not allow")


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
        if "plan_nodes" in spec:
            check_plan(frame, set(spec["plan_nodes"]))
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


def run_spec(path):
    spec = read_spec(path, REQUIRED_KEYS, OPTIONAL_KEYS)
    if spec["materialization"] != "full":
        raise JobError("COREETL_SPEC", f"materialization {spec['materialization']!r} is not supported; use \"full\"")
    return spec


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spec", required=True, help="the job's specification, a JSON file")
    parser.add_argument("--mode", default="run", choices=("run", *coreetl_analysis.MODES), help="what to do (default: run)")
    options = parser.parse_args(arguments)
    try:
        job = Job(run_spec(options.spec)) if options.mode == "run" else coreetl_analysis.Analysis(options.spec, options.mode)
    except JobError as error:
        print(f"coreetl: {error}", file=sys.stderr)
        return 1

    def on_terminate(_signal, _frame):
        # Once the rows are committed there is nothing to cancel; the result is about to say so.
        if not job.done:
            raise Cancelled

    signal.signal(signal.SIGTERM, on_terminate)
    return run(job) if options.mode == "run" else job.execute()


def run(job):
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
