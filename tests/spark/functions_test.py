# SPDX-License-Identifier: Apache-2.0
"""The functions of the running Spark, each judged once (plugins/spark_sql/functions.tsv), its words and options; and that the
screen reads calls as Spark's own parser does, over other people's queries as well as over hostile ones."""

import json
import os
import re
import subprocess
import sys
from collections import Counter

import pytest
import stack

sys.path.insert(0, str(stack.ROOT / "scripts" / "lib"))
import spark_functions  # noqa: E402

JUDGEMENTS = {"pure", "arguments", "context", "reaches"}
PROGRAM = stack.ROOT / os.environ.get("PRETZEL_BUILD", "build/release") / "bin" / "spark_runner_call"

# Queries whose every '(' some rule of the grammar explains; Spark's own examples do not have these.
SHAPES = [
    "WITH q(a, b) AS (SELECT 1, 2), r (c) AS (SELECT 3), s (SELECT 4) SELECT * FROM q, r, s",
    "WITH RECURSIVE r(n) MAX RECURSION LEVEL 9 AS (SELECT 1) SELECT * FROM r",
    "SELECT * FROM t x(a, b), u AS y(c) JOIN (VALUES (1)) z(d) USING (e) JOIN (f) ON (g)",
    "SELECT * FROM t VERSION AS OF 1 x(a), u TIMESTAMP AS OF '2020-01-01' y(b)",
    "SELECT * FROM t TABLESAMPLE (10 PERCENT) REPEATABLE (3) x(a)",
    "SELECT * FROM t TABLESAMPLE (BUCKET 1 OUT OF 4)",
    "SELECT * FROM t LATERAL VIEW OUTER explode(a) x AS b LATERAL VIEW posexplode(c) y AS d, e",
    "SELECT * FROM t, LATERAL explode(a) AS x(b) JOIN LATERAL inline(c) y(d) ON (true)",
    "SELECT * FROM t PIVOT (sum(a) AS s FOR (b, c) IN ((1, 2) AS x, (3, 4) AS y))",
    "SELECT * FROM t UNPIVOT INCLUDE NULLS ((a, b) FOR n IN ((c, d) AS x))",
    "SELECT sum(a) OVER (PARTITION BY b ORDER BY c ROWS BETWEEN (1) PRECEDING AND (2) FOLLOWING) FROM t",
    "SELECT sum(a) FILTER (WHERE (b)), percentile_cont(0.5) WITHIN GROUP (ORDER BY c) OVER w FROM t WINDOW w AS (ORDER BY d)",
    "SELECT a FROM t GROUP BY GROUPING SETS ((a), (b, c), ()), CUBE (a), ROLLUP (b) HAVING (a) LIMIT (1)",
    "SELECT CAST(a AS STRUCT<b: VARCHAR(3), c: MAP<STRING, ARRAY<DEC(4, 1)>>>), a::dec(3), TRY_CAST(b AS NUMERIC(4)) FROM t",
    "SELECT CASE WHEN (a) THEN (b) ELSE (c) END, a BETWEEN (1) AND (2), a LIKE ANY ('x'), a LIKE ALL ('x'), NOT (b), a IN (1) FROM t",
    "SELECT /*+ BROADCAST(a), REPARTITION(3, b) no_such(c) */ * EXCEPT (d) FROM a",
    "FROM t |> WHERE (a) |> EXTEND upper(b) AS c |> AGGREGATE sum(d) AS e GROUP BY f |> LIMIT (1)",
    "SELECT stack(2, 1, 2, 3, 4) AS (a, b), prod.system.bucket(4, c), (SELECT max(d) FROM u WHERE EXISTS (SELECT lower(e))) FROM t",
    "(SELECT 1) UNION ALL (SELECT 2) EXCEPT (SELECT 3) MINUS (SELECT 4) INTERSECT (SELECT upper('a')) ORDER BY (1) OFFSET (1)",
    "SELECT TRIM(BOTH lower(a) FROM b), EXTRACT(DAY FROM c), SUBSTRING(d FROM (1) FOR (2)), OVERLAY(e PLACING (f) FROM (1)) FROM t",
]
# Calls of what nobody judged, in the clothes of something else. Each must be refused, or be no query to Spark.
DRESSED = [
    "SELECT no_such(a) FROM t", "SELECT 1e+5and no_such(a) FROM t", "SELECT 1.5and no_such(a) FROM t", "SELECT a * no_such(a) FROM t",
    "SELECT no_such(a) AS (select) FROM t", "SELECT (with AS (a), no_such(a)) FROM t", "SELECT (with AS (select), no_such(a)) FROM t",
    "SELECT (with AS (table, b), no_such(a)) FROM t", "SELECT (with(a), no_such(a)) FROM t", "SELECT (with AS (a)), no_such(a) FROM t",
    "SELECT TRIM(BOTH no_such(a) FROM b) FROM t", "SELECT a REGEXP no_such(a) FROM t", "SELECT a MINUS SELECT no_such(a) FROM t",
    "FROM t |> AGGREGATE no_such(a)", "FROM t |> EXTEND no_such(a) AS b", "SELECT DISTINCT no_such(a) FROM t",
    "SELECT * FROM t JOIN LATERAL no_such(a)", "SELECT * FROM t LATERAL VIEW no_such(a) x AS b", "SELECT * FROM no_such(a)",
    "SELECT where(a) FROM t", "SELECT from(a) FROM t", "SELECT as(a) FROM t", "SELECT on(a) FROM t", "SELECT with(a) FROM t",
    "SELECT a.b.no_such(a) FROM t", "SELECT `no_such`(a) FROM t", "SELECT `where`(a) FROM t", "SELECT no_such/**/(a) FROM t",
    "SELECT no_such\u3000(a) FROM t", "SELECT \u0131dentifier('abs')(a) FROM t", "SELECT IDENTIFIER('abs')(a) FROM t",
    "SELECT transform(a, x -> no_such(x)) FROM t", "SELECT varchar(3) FROM t", "SELECT a < varchar(3) FROM t",
    "SELECT a FROM t ORDER BY no_such(a)",
    "SELECT CASE a WHEN no_such(a) THEN b END FROM t", "SELECT a FROM t WHERE b BETWEEN c AND no_such(d)", "SELECT -no_such(a) FROM t",
    "SELECT * FROM t x(a) JOIN no_such(b) y(c)", "WITH q(a) AS (SELECT no_such(b)) SELECT * FROM q", "SELECT a[no_such(b)] FROM t",
]

# Asks Spark's registry, parser and readers, in a JVM without a session: it starts in a second or two.
JVM = """
import json, re, sys
from pyspark.java_gateway import launch_gateway
jvm = launch_gateway().jvm
catalyst = jvm.org.apache.spark.sql.catalyst
options = {}
for family, name in (("json", "JSONOptions"), ("csv", "CSVOptions"), ("xml", "XmlOptions")):
    found = getattr(getattr(getattr(catalyst, family), name + "$"), "MODULE$").getAllOptions()
    options[family] = found.mkString(",").split(",")
texts = [json.loads(line) for line in open(sys.argv[1])]
for name in ("FunctionRegistry$", "TableFunctionRegistry$"):
    registry = getattr(getattr(catalyst.analysis, name), "MODULE$").builtin()
    functions = registry.listFunction().iterator()
    while functions.hasNext():
        examples = registry.lookupFunction(functions.next()).get().getExamples()
        texts += [sql.strip() for sql in re.findall(r"> (SELECT.*?);$", examples, re.M | re.S)]
parser = jvm.org.apache.spark.sql.execution.SparkSqlParser()
parsed = []
for sql in texts:
    try:
        plan = parser.parsePlan(sql)
        parsed.append(plan.toString() + plan.toJSON())
    except Exception:
        parsed.append(None)
json.dump({"options": options, "texts": texts, "parsed": parsed}, open(sys.argv[2], "w"))
"""


@pytest.fixture(scope="module")
def judged():
    return spark_functions.read_table("functions.tsv")


@pytest.fixture(scope="module")
def registry(connect, production):
    session = connect.session(stack.mount(production.uri, production.secret))
    yield spark_functions.of_session(session, "prod")
    session.stop()


def test_every_function_of_the_running_spark_is_judged(judged, registry):
    own = {line["name"] for line in judged if line["where"] in ("expression", "table", "both")}
    of_catalog = {line["name"] for line in judged if line["where"] == "catalog"}
    refused = {line["name"] for line in judged if line["judgement"] == "reaches"}
    print(f"\nfunctions of Spark {registry['version']}: {len(registry['functions'])} in all, {len(own & registry['functions'])} judged, "
          f"{len(registry['functions'] - refused)} allowed, {len(registry['functions'] & refused)} refused; "
          f"of Iceberg's catalog: {len(registry['catalog'])}")
    assert len(registry["functions"]) > 500
    assert registry["functions"] - own == set(), "nobody has judged these: scripts/lib/spark_functions.py says how"
    assert own - registry["functions"] == set(), "these are judged, and Spark does not have them any more"
    assert registry["catalog"] == of_catalog
    assert registry["words"] == spark_functions.words() - spark_functions.UNLISTED_WORDS


def test_each_line_says_what_it_must(judged):
    assert [name for name, count in Counter((line["name"], line["where"] == "catalog") for line in judged).items() if count > 1] == []
    for line in judged:
        assert line["judgement"] in JUDGEMENTS and len(line["why"]) > 5, line
        assert line["checks"] == "-" or line["judgement"] == "arguments", line


def screened(folder, texts):
    """What the screen says of each: the code of its finding, or ""."""
    config = {"mode": "local", "sparkHome": str(stack.SPARK_HOME), "python": str(stack.PYTHON), "jars": [str(stack.iceberg_jar())],
              "coreetl": str(stack.ROOT / "spark" / "coreetl.py")}
    path = stack.write_private(folder / "config.json", json.dumps(config))
    lines = [json.dumps({"method": "Analyze", "request": {"sql": sql, "mode": "EXPLAIN", "context": {"runId": "r1"},
                                                          "lease": {"id": "1", "kind": "cold", "directory": str(folder / "job")}}})
             for sql in texts]
    answer = subprocess.run([PROGRAM, path], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True, timeout=120)
    answers = [json.loads(line)["response"] for line in answer.stdout.splitlines()]
    return ["" if "process" in each else each["findings"][0]["code"] for each in answers]


def called(text):
    """Names of functions in what Spark's parser made of a query, their parts in lower case."""
    names = re.findall(r'\.Unresolved(?:Function|TableValuedFunction)"[^{}]*?"(?:nameParts|name)":"\[([^\]]*)\]"', text)
    # What stands in sub-queries is in the plan's text only: 'name( or 'a.b.name(.
    names += re.findall(r"'((?:\w+\.)*\w+)\(", text.partition('[{"class"')[0])
    return {tuple(re.split(r"[,.]\s*", name.lower())) for name in names}


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Spark's options by family; and of each query what the screen says and which functions Spark's parser finds (None: no query)."""
    folder = tmp_path_factory.mktemp("parser")
    own = SHAPES + DRESSED
    (folder / "sql.jsonl").write_text("".join(json.dumps(sql) + "\n" for sql in own))
    (folder / "ask.py").write_text(JVM)
    subprocess.run([stack.PYTHON, folder / "ask.py", folder / "sql.jsonl", folder / "answer.json"], check=True, timeout=300,
                   env=stack.spark_environment(), cwd=folder)
    answer = json.loads((folder / "answer.json").read_text())
    codes = screened(folder, answer["texts"])
    queries = [{"sql": sql, "code": code, "calls": None if text is None else called(text)}
               for sql, code, text in zip(answer["texts"], codes, answer["parsed"], strict=True)]
    return {"options": answer["options"], "queries": queries}


def test_every_option_of_the_running_spark_is_judged(asked):
    judged = spark_functions.read_table("options.tsv")
    assert {line["judgement"] for line in judged} == {"pure", "reaches"}
    for family, keys in asked["options"].items():
        assert len(keys) > 25
        assert {line["key"] for line in judged if line["family"] == family} == set(keys), family


def test_shapes_of_the_grammar_are_no_calls(asked):
    for query in asked["queries"][:len(SHAPES)]:
        assert query["calls"] is not None, f"Spark does not parse {query['sql']}"
        assert query["code"] == "", query


def test_calls_in_the_clothes_of_something_else_are_refused(asked):
    dressed = asked["queries"][len(SHAPES):len(SHAPES) + len(DRESSED)]
    assert sum(query["calls"] is not None for query in dressed) >= 25, "most of them are queries to Spark"
    for query in dressed:
        assert query["code"] != "" or query["calls"] is None, query


def test_what_passes_calls_only_what_is_allowed_as_spark_reads_it(asked, judged):
    allowed = {(line["name"],) for line in judged if line["judgement"] != "reaches" and line["where"] != "catalog"}
    allowed |= {("prod", "system", line["name"]) for line in judged if line["where"] == "catalog"}
    seen = set()
    for query in asked["queries"]:
        if query["code"] == "" and query["calls"] is not None:
            seen |= query["calls"]
            assert query["calls"] <= allowed, query
    assert len(seen) > 350


def test_examples_of_spark_pass_but_for_what_is_refused(asked, judged):
    """Its own examples of each function: those that it parses itself and that call nothing that is refused."""
    refused = {(line["name"],) for line in judged if line["judgement"] == "reaches"}
    examples = [query for query in asked["queries"][len(SHAPES) + len(DRESSED):] if query["calls"] is not None]
    assert len(examples) > 800
    wrong = [query for query in examples if (query["code"] in ("PZ0210", "PZ0223")) != bool(query["calls"] & refused)]
    assert wrong == [], "\n".join(f"{query['code']} {query['sql']}" for query in wrong)
