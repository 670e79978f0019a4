# SPDX-License-Identifier: Apache-2.0
"""What the screen lets through at its limits of nesting and growth (plugins/spark_sql/nesting.h, growth.h), the shared test server
takes: it answers each query, soon, and the next one as well."""

import math
import re

import stack

LIMITS = {
    name: 1 << int(value.split("<<")[1]) if "<<" in value else int(value.replace("'", ""))
    for header in ("nesting.h", "screen.h", "growth.h")
    for name, value in re.findall(r"constexpr size_t (k\w+) = ([^;]+);", (stack.ROOT / "plugins/spark_sql" / header).read_text())
}


def shapes():
    types, cases, prefixes, chain, parentheses = (
        LIMITS[name] for name in ("kTypeDepthMax", "kCaseDepthMax", "kPrefixesMax", "kChainMax", "kParenDepthMax"))
    yield "array", "SELECT CAST(NULL AS " + "ARRAY<" * types + "INT" + ">" * types + ") AS x"
    yield "map", "SELECT CAST(NULL AS " + "MAP<INT, " * types + "INT" + ">" * types + ") AS x"
    yield "struct", "SELECT from_json('{}', '" + "struct<a:" * types + "INT" + ">" * types + "') AS x"
    yield "schema_of_json", "SELECT from_json('', schema_of_json('" + '{"a":' * types + "1" + "}" * types + "')) AS x"
    yield "CASE", "SELECT " + "CASE WHEN rand() > 2 THEN 1 ELSE " * cases + "1" + " END" * cases + " AS x"
    yield "NOT", "SELECT " + "NOT " * prefixes + "(rand() > 2) AS x"
    yield "minus", "SELECT " + "- " * prefixes + "rand() AS x"
    yield "sum", "SELECT id" + " + 1" * chain + " AS x FROM range(1)"
    yield "concatenation", "SELECT ''" + " || id" * (chain // 2) + " AS x FROM range(1)"
    yield "cast", "SELECT id" + "::INT" * chain + " AS x FROM range(1)"
    yield "UNION", "SELECT 1 AS x" + " UNION ALL SELECT 1" * chain
    yield "parentheses", "SELECT " + "(" * (parentheses - 1) + "1" + ")" * (parentheses - 1) + " AS x"
    yield from growing()


def growing():
    links = int(math.log2(LIMITS["kCopiesMax"])) - 1
    chain = "WITH t0 AS (SELECT 1 AS x)" + "".join(
        f", t{i} AS (SELECT x FROM t{i - 1} UNION ALL SELECT x FROM t{i - 1})" for i in range(1, links + 1))
    yield "WITH", f"{chain} SELECT count(*) AS x FROM t{links}"
    levels = int(math.log2(LIMITS["kColumnCopiesMax"]))
    yield "struct of itself", "SELECT struct(x, x) AS x FROM (" * levels + "SELECT 1 AS x" + ")" * levels
    yield "star", "SELECT count(1) AS x FROM (" + "SELECT *, * FROM (" * (levels - 2) + "SELECT 1 AS x" + ")" * (levels - 2) + ")"


def test_the_server_takes_what_the_screen_lets_through(connect):
    session = connect.session({})
    failed = {}
    for name, sql in shapes():
        try:
            assert session.sql(f"SELECT * FROM (\n{sql}\n)").schema.names == ["x"]
        except Exception as error:
            failed[name] = str(error)[:200]
        assert session.sql("SELECT 1 AS y").collect()[0].y == 1, name
    assert not failed
