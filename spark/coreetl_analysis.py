# SPDX-License-Identifier: Apache-2.0
"""Asks Spark about one query and writes nothing but the result file.

    schema    parse and analyse: the columns, or what Spark refuses
    explain   schema, and the text of EXPLAIN EXTENDED
    limit0    explain, and the query executed for no rows

SPEC, version 1: run_id; sql (the query as it was screened and wrapped: only a query can parse there); params as for a run;
catalogs, the names of the mounted ones, production's first; result_file.

The result: {"state", "spark_version", "ms": {"session", "analyze", "explain", "execute"}, "columns": [{"name", "type",
"nullable"}], "plan", "analyzed", "error", "listings"}. `state` is SUCCEEDED; REFUSED when Spark threw something about the
query or while it read a catalog (`error` says all that a server of Spark Connect would tell its client); FAILED when it
could not be asked; CANCELLED after SIGTERM. Exit status 0 for the first two, 1, or 143.
"""

import difflib
import re
import time

from coreetl_base import (
    MAX_ERROR_CHARS, Cancelled, JobError, brief, describe, java_causes, parameter_literal, progress, read_spec, write_result,
)

MODES = ("schema", "explain", "limit0")
REQUIRED_KEYS = {"version", "run_id", "sql", "result_file"}
OPTIONAL_KEYS = {"params", "catalogs"}

# What the reader of the result keeps of a plan is 1 MiB; a little more tells it that there was more.
MAX_PLAN_BYTES = (1 << 20) + 1024
ANALYZED_HEAD = "== Analyzed Logical Plan ==\n"
ANALYZED_END = "\n== Optimized Logical Plan =="

# For the hint about a misspelt table: names that are listed at most, listings, and namespaces that are near enough to look into.
MAX_NAMES = 5000
MAX_LISTINGS = 24
MAX_NEAR_NAMESPACES = 8
LAST_PART = re.compile(r"(?:`((?:[^`]|``)*)`|([^`.]*))$")

# Beyond this character a place that Spark maps back through a parameter is wrong; see Analysis.locate.
LAST_NARROW = 0xFFFF


def ddl(kind):
    """A type in the form that the test backends share: array<struct<a:int NOT NULL>>."""
    from pyspark.sql.types import ArrayType, MapType, StructType, UserDefinedType

    if isinstance(kind, ArrayType):
        return f"array<{ddl(kind.elementType)}>"
    if isinstance(kind, MapType):
        return f"map<{ddl(kind.keyType)},{ddl(kind.valueType)}>"
    if isinstance(kind, StructType):
        fields = [f"{field_name(f.name)}:{ddl(f.dataType)}{'' if f.nullable else ' NOT NULL'}" for f in kind.fields]
        return f"struct<{','.join(fields)}>"
    if isinstance(kind, UserDefinedType):
        return ddl(kind.sqlType())
    return kind.simpleString()


def field_name(name):
    return name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) else "`" + name.replace("`", "``") + "`"


def quoted(parts):
    return ".".join("`" + part.replace("`", "``") + "`" for part in parts)


def parse_parts(name):
    """The parts of `a`.`b c`.`d`, as Spark writes the name of a relation."""
    return [part[0].replace("``", "`") or part[1] for part in re.findall(r"`((?:[^`]|``)+)`|([^`.]+)", name)]


def cut(text):
    return text.encode()[:MAX_PLAN_BYTES].decode(errors="ignore")


def narrow(parameter):
    """The parameter with an `x` for each character that Java counts twice."""
    value = parameter["value"]
    if parameter["type"] != "string" or value is None:
        return parameter
    return {**parameter, "value": "".join("x" if ord(letter) > LAST_NARROW else letter for letter in value)}


def refusal(error):
    """What Spark Connect's server would tell its client of this exception."""
    causes = java_causes(error)
    told = {"class": "", "sql_state": "", "message": "", "parameters": {}, "exceptions": [], "start_index": -1, "stop_index": -1}
    told["message"] = str((causes[0].getMessage() if causes else str(error)) or "")[:MAX_ERROR_CHARS]
    for cause in causes:
        java_class = cause.getClass()
        while java_class is not None:
            told["exceptions"].append(str(java_class.getName()))
            java_class = java_class.getSuperclass()
    if getattr(error, "getCondition", None) is not None:
        told["class"] = error.getCondition() or ""
        told["sql_state"] = error.getSqlState() or ""
        told["parameters"] = dict(error.getMessageParameters() or {})
        for context in error.getQueryContext() or []:
            # Indices into a view's body are of no use in the person's text.
            if context.contextType().name == "SQL" and not context.objectType():
                told["start_index"], told["stop_index"] = context.startIndex(), context.stopIndex()
                break
    return told


class Names:
    """Listings of the mounted catalogs around a name that none of them knows; for a hint, so a failure is no news."""

    def __init__(self, spark, catalogs):
        self.spark = spark
        self.catalogs = catalogs
        self.listings = []

    def rows(self, statement):
        try:
            return self.spark.sql(statement).limit(MAX_NAMES).collect()
        except Exception:
            return None  # no such namespace, or no answer: not known

    def add(self, catalog, kind, levels):
        if len(self.listings) >= MAX_LISTINGS:
            return None
        place = quoted([catalog, *levels])
        rows = self.rows(f"SHOW {kind.upper()} IN {place}")
        if rows is None:
            return None
        if kind == "tables":
            names = [row["tableName"] for row in rows]
        else:
            found = [LAST_PART.search(row["namespace"]) for row in rows]
            names = [match.group(2) or (match.group(1) or "").replace("``", "`") for match in found]
        # A hint ends on a terminal.
        names = [name for name in names if name and name.isprintable()]
        self.listings.append({"catalog": catalog, "kind": kind, "levels": levels, "names": names})
        return names

    def around(self, parts):
        for catalog in self.catalogs:
            # The first part is a catalog's name, perhaps misspelt; or it is a namespace of the default one.
            for levels in (parts[1:-1], parts[:-1]):
                if not levels or self.add(catalog, "tables", levels) is not None:
                    continue
                spaces = self.add(catalog, "namespaces", levels[:-1]) or []
                wanted = levels[-1].lower()
                spaces.sort(key=lambda name: -difflib.SequenceMatcher(None, name.lower(), wanted).ratio())
                for space in spaces[:MAX_NEAR_NAMESPACES]:
                    self.add(catalog, "tables", [*levels[:-1], space])
        return self.listings


class Analysis:
    def __init__(self, spec_file, mode):
        self.spec = read_spec(spec_file, REQUIRED_KEYS, OPTIONAL_KEYS)
        self.mode = mode
        self.parameters = self.spec.get("params") or []
        self.spark = None
        self.done = False
        self.result = {"state": "SUCCEEDED", "spark_version": None, "ms": {}, "columns": [], "plan": "", "error": None,
                       "catalogs": self.spec.get("catalogs") or []}

    def timed(self, name, action):
        started = time.monotonic()
        try:
            return action()
        finally:
            self.result["ms"][name] = round((time.monotonic() - started) * 1000)

    def start_session(self):
        from pyspark.sql import SparkSession

        return SparkSession.builder.getOrCreate()

    def argument(self, parameter):
        if parameter["value"] is not None:
            return parameter_literal(parameter)
        # A NULL that knows its type, as Spark Connect sends it. PySpark can write none: its lit(None) is a void.
        from pyspark.sql.classic.column import Column

        jvm = self.spark._jvm.org.apache.spark.sql
        kind = jvm.types.DataType.fromDDL(parameter["type"])
        return Column(jvm.classic.ExpressionUtils.column(jvm.catalyst.expressions.Literal.create(None, kind)))

    def ask(self, parameters):
        arguments = {parameter["name"]: self.argument(parameter) for parameter in parameters}
        return self.spark.sql(self.spec["sql"], args=arguments) if arguments else self.spark.sql(self.spec["sql"])

    def refused_again(self, parameters, condition):
        """What the same refusal says when it is asked with other values; None when it is not the same."""
        try:
            self.ask(parameters)
        except JobError:
            return None
        except Exception as error:
            again = refusal(error)
            return again if again["class"] == condition else None
        return None

    def locate(self, error):
        """Spark pastes parameters before it parses, and is wrong about places behind them: ask so that it is right.

        A parse error counts in the text that was made, so it is asked again without values. Any other place is mapped back
        by the values' lengths in UTF-16, though it counts characters, so it is asked again with values without wide ones.
        """
        if not self.parameters:
            return
        if error["start_index"] < 0:
            again = self.refused_again([], error["class"])
            if again is not None:
                error["message"] = again["message"]
            return
        narrowed = [narrow(parameter) for parameter in self.parameters]
        again = self.refused_again(narrowed, error["class"]) if narrowed != self.parameters else None
        if again is not None and again["start_index"] >= 0:
            error["start_index"], error["stop_index"] = again["start_index"], again["stop_index"]

    def look(self):
        frame = self.timed("analyze", lambda: self.ask(self.parameters))
        columns = [{"name": f.name, "type": ddl(f.dataType), "nullable": f.nullable} for f in frame.schema.fields]
        if self.mode != "schema":
            self.timed("explain", lambda: self.explain(frame))
        if self.mode == "limit0":
            progress("executing for no rows")
            self.timed("execute", lambda: frame.limit(0).collect())
        self.result["columns"] = columns

    def explain(self, frame):
        text = self.spark._jvm.PythonSQLUtils.explainString(frame._jdf.queryExecution(), "extended")
        self.result["plan"] = cut(text)
        if self.result["plan"] != text and ANALYZED_HEAD in text:
            # What it reads must not be lost with the rest of it.
            self.result["analyzed"] = cut(ANALYZED_HEAD + text.split(ANALYZED_HEAD, 1)[1].split(ANALYZED_END, 1)[0])

    def refuse(self, error):
        told = refusal(error)
        if not told["exceptions"]:
            raise error  # not one of Spark's
        self.locate(told)
        self.result.update(state="REFUSED", error=told, plan="")
        parts = parse_parts(told["parameters"].get("relationName", ""))
        if told["class"] == "TABLE_OR_VIEW_NOT_FOUND" and len(parts) > 1:
            progress("looking for a table of a similar name")
            self.result["listings"] = Names(self.spark, self.spec.get("catalogs") or []).around(parts)

    def execute(self):
        status = 0
        try:
            self.spark = self.timed("session", self.start_session)
            self.result["spark_version"] = self.spark.version
            progress(f"run {self.spec['run_id']}, Spark {self.spark.version}: asking Spark ({self.mode})")
            try:
                self.look()
            except JobError:
                raise
            except Exception as error:
                self.refuse(error)
            self.done = True
            progress(self.result["state"].lower())
        except Cancelled:
            self.done = True
            self.result.update(state="CANCELLED", error={"class": "COREETL_CANCELLED", "message": "cancelled by SIGTERM"})
            status = 143
            progress("cancelled")
        except Exception as error:
            self.done = True
            self.result.update(state="FAILED", error=describe(error))
            status = 1
            progress(f"cannot ask Spark: {self.result['error']['class']}: {brief(error)}")
        write_result(self.spec["result_file"], self.result)
        return status
