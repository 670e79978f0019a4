// SPDX-License-Identifier: Apache-2.0
//
// Which '(' is a call, and what may be called.
#include "spark_sql/calls.h"

#include <gtest/gtest.h>

#include "spark_sql/screen.h"

namespace dcp::spark_sql {
namespace {

// "" when the SQL passes, else "PZ02xx@offset".
std::string Verdict(const std::string& sql) {
  const ScreenResult result = Screen(sql);
  return result.denial ? result.denial->id + "@" + std::to_string(result.denial->begin) : "";
}

class Passing : public testing::TestWithParam<const char*> {};

TEST_P(Passing, IsNoCallOrAllowed) { EXPECT_EQ(Verdict(GetParam()), ""); }

INSTANTIATE_TEST_SUITE_P(
    Grammar, Passing,
    testing::Values(
        "SELECT a FROM t WHERE a IN (1, 2) AND (b) OR NOT (c) AND EXISTS (SELECT 1)",
        "SELECT CASE WHEN (a) THEN (b) ELSE (c) END, a BETWEEN (1) AND (2), a LIKE ANY ('x')",
        "SELECT a LIKE ALL (b), a RLIKE (b), a REGEXP (b), a DIV (b), a IS DISTINCT FROM (b)",
        "VALUES (1, 2), (3, 4)", "SELECT * FROM VALUES (1) x(a)",
        "SELECT * FROM (VALUES (1)) AS x(a)", "SELECT * FROM t x(a, b), u AS y(c)",
        "SELECT * FROM a.b.c `x`(`d`)", "SELECT * FROM t VERSION AS OF 1 x(a)",
        "SELECT * FROM t TIMESTAMP AS OF '2020-01-01' x(a)", "SELECT * FROM range(3) r(id)",
        "SELECT * FROM t TABLESAMPLE (10 PERCENT) REPEATABLE (3) x(a)",
        "SELECT * FROM t TABLESAMPLE (BUCKET 1 OUT OF 4 ON rand())",
        "WITH q(a, b) AS (SELECT 1, 2), r (c) AS (SELECT 3), s (SELECT 4) SELECT * FROM q, r, s",
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT * FROM r",
        "WITH RECURSIVE r(n) MAX RECURSION LEVEL 9 AS (SELECT 1) SELECT * FROM r",
        "SELECT * FROM (WITH q(a) AS (SELECT 1) SELECT * FROM q) z",
        "WITH upper_q(a) AS (WITH inner_q(b) AS (SELECT 1) SELECT * FROM inner_q) TABLE upper_q",
        "SELECT stack(2, 1, 2, 3, 4) AS (a, b)", "SELECT stack(2, 1, 2) (a, b)",
        "SELECT * FROM t LATERAL VIEW OUTER explode(a) x AS b LATERAL VIEW posexplode(c) y AS d, e",
        "SELECT * FROM t, LATERAL explode(a) AS x(b) JOIN LATERAL inline(c) y(d) ON (true)",
        "SELECT * FROM a JOIN b USING (id) JOIN (c) ON (a.x = c.x)",
        "SELECT sum(a) FILTER (WHERE (b)) FROM t",
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY c) OVER w FROM t WINDOW w AS (ORDER BY "
        "d)",
        "SELECT * FROM t PIVOT (sum(a) AS s FOR (b, c) IN ((1, 2) AS x, (3, 4) AS y))",
        "SELECT * FROM t UNPIVOT INCLUDE NULLS ((a, b) FOR n IN ((c, d) AS x))",
        "SELECT sum(a) OVER (PARTITION BY b ORDER BY c ROWS BETWEEN (1) PRECEDING AND (2) "
        "FOLLOWING)",
        "SELECT sum(a) OVER w FROM t WINDOW w AS (PARTITION BY b)",
        "SELECT sum(a) FILTER (WHERE b), percentile_cont(0.5) WITHIN GROUP (ORDER BY c)",
        "SELECT a FROM t GROUP BY GROUPING SETS ((a), (b, c), ()), CUBE (a), ROLLUP (b)",
        "SELECT CAST(a AS DECIMAL(10, 2)), CAST(a AS VARCHAR(3)), TRY_CAST(a AS NUMERIC(4)), "
        "a::char(2)",
        "SELECT CAST(a AS STRUCT<b: VARCHAR(3), c: MAP<STRING, ARRAY<DEC(4, 1)>>>), a::dec(3)",
        "SELECT EXTRACT(DAY FROM a), TRIM(BOTH ' ' FROM b), POSITION('a' IN b), SUBSTR(a FROM 1 "
        "FOR 2)",
        "SELECT TIMESTAMPADD(DAY, 1, a), TIMESTAMPDIFF(HOUR, a, b), DATEADD(DAY, 1, a), "
        "OVERLAY(a PLACING b FROM 1 FOR 2)",
        "SELECT STRUCT(1 AS a, 2), ARRAY(1), MAP('a', 1), NAMED_STRUCT('a', 1), LEFT(a, 1), IF(a, "
        "b, c)",
        "SELECT FIRST(a IGNORE NULLS), ANY_VALUE(b), COUNT(DISTINCT a, b), count(*)",
        "SELECT CURRENT_DATE, CURRENT_TIMESTAMP, CURRENT_USER, current_date(), now()",
        "SELECT /*+ BROADCAST(a), REPARTITION(3, b) no_such(c) */ * FROM a",
        "SELECT transform(a, x -> x + 1), reduce(a, 0, (b, c) -> b + c, d -> (d)), filter(a, x -> "
        "(x))",
        "FROM t |> WHERE (a) |> EXTEND upper(b) AS c |> AGGREGATE sum(d) AS e GROUP BY f |> LIMIT "
        "(1)",
        "SELECT * EXCEPT (a), t.* EXCEPT (b, c.d) FROM t",
        "SELECT UPPER (a), upper/**/(b), `upper`(c)",
        "SELECT upper\n--x\n(a), prod.system.bucket(4, b), prod.`SYSTEM`.`Days`(c)",
        "SELECT mask(a, otherChar => 'x'), `+`(1, 2), a || upper(b)",
        "SELECT * FROM json_tuple('{}', 'a'), explode(array(1)), sql_keywords()",
        "SELECT * FROM range(TABLE(SELECT 1))", "SELECT * FROM t WITH (`split-size` = 5)",
        "SELECT reflect, t.xpath AS java_method FROM t ORDER BY from_protobuf", "SELECT 1 (a)"));

// A name calls nothing by being that of a function which is refused, or whose arguments count.
INSTANTIATE_TEST_SUITE_P(
    Names, Passing,
    testing::Values(
        "SELECT 1 AS reflect, 2 secret, 3 AS `xpath`, reflect FROM t reflect",
        "SELECT t.reflect, `java_method`, t.`xpath`.secret, a.b.from_protobuf FROM t",
        "SELECT reflect.a, reflect.* FROM prod.secret.reflect AS reflect JOIN reflect USING (a)",
        "WITH reflect AS (SELECT 1 AS secret), xpath AS (SELECT 2) SELECT * FROM reflect, xpath",
        "WITH reflect(a, b) AS (SELECT 1, 2), xpath (secret) AS (SELECT 3) TABLE reflect",
        "WITH secret(reflect) (SELECT 1) SELECT reflect FROM secret ORDER BY reflect",
        "SELECT * FROM t AS reflect(a, b) JOIN (SELECT 1) AS xpath (secret) ON (true)",
        "SELECT * FROM VALUES (1, 2) AS reflect(reflect, java_method) WHERE reflect IN (1)",
        "SELECT * FROM t AS from_json(a), u AS `from_xml`(b)",
        "SELECT transform(a, reflect -> reflect + 1), reduce(a, 0, (secret, xpath) -> secret + "
        "xpath, reflect -> (reflect))",
        "SELECT named_struct('reflect', 1).reflect, CAST(a AS STRUCT<reflect: INT, xpath: DEC(3)>)",
        "SELECT mask(a, otherChar => reflect), CASE WHEN secret THEN (1) ELSE (reflect) END",
        "SELECT sum(a) OVER reflect FROM t WINDOW reflect AS (PARTITION BY secret)",
        "SELECT * FROM t PIVOT (sum(a) AS reflect FOR secret IN (1 AS xpath))",
        "SELECT a FROM t LATERAL VIEW explode(a) reflect AS xpath GROUP BY reflect, (secret)",
        "SELECT :reflect, 'reflect(1)' AS \"secret\", a AS reflect /* (1) */ FROM t"));

INSTANTIATE_TEST_SUITE_P(
    Arguments, Passing,
    testing::Values(
        "SELECT from_json(a, 'b INT'), from_json(a, \"b INT\", map('mode', 'FAILFAST', 'MODE', "
        ":m))",
        "SELECT from_json(a, 'b INT COMMENT ''it {is}''', MAP('dateFormat', 'd' 'M'))",
        "SELECT from_json(a, '{\"type\":\"struct\",\"fields\":[]}'), from_json(a, 'STRUCT<udt: "
        "INT>')",
        "SELECT from_json(a, schema_of_json('{\"b\": 1}', map('allowComments', 'true')))",
        "SELECT to_json(struct(a, b), map('pretty', 'true')), to_json(a), schema_of_json('{}')",
        "SELECT from_csv(a, 'b INT', map('sep', ';')), to_csv(a, map('nullValue', '')), "
        "schema_of_csv('1')",
        "SELECT from_xml(a, 'b INT', map('rowTag', 'r')), schema_of_xml('<a/>'), to_xml(a)",
        "SELECT from_avro(a, '{\"type\": \"string\"}', map('mode', 'PERMISSIVE')), to_avro(a)",
        "SELECT variant_get(a, '$.b', 'int'), try_variant_get(a, '$.b', 'array<string>')",
        "SELECT variant_get(a, '$.b'), to_json(a, map())",
        "SELECT from_json(concat(a, b), 'c INT')"));

struct Case {
  const char* sql;
  const char* verdict;
};

class Refused : public testing::TestWithParam<Case> {};

TEST_P(Refused, AtItsPlace) { EXPECT_EQ(Verdict(GetParam().sql), GetParam().verdict); }

INSTANTIATE_TEST_SUITE_P(
    Unknown, Refused,
    testing::Values(
        Case{"SELECT no_such(1)", "PZ0223@7"}, Case{"SELECT `no such`(1)", "PZ0223@7"},
        Case{"SELECT prod.ns.fn(1)", "PZ0223@7"}, Case{"SELECT a.b.c.d.e(1)", "PZ0223@9"},
        Case{"SELECT prod.bucket(4, a)", "PZ0223@7"}, Case{"SELECT bucket(4, a)", "PZ0223@7"},
        Case{"SELECT system.bucket(4, a)", "PZ0223@7"},
        Case{"SELECT spark_catalog.system.bucket(4, a)", "PZ0223@7"},
        Case{"SELECT prod.system.upper(a)", "PZ0223@7"},
        Case{"SELECT system.builtin.upper(a)", "PZ0223@7"},
        Case{"SELECT builtin.upper(a)", "PZ0223@7"}, Case{"SELECT abs(1).no(2)", "PZ0223@13"},
        Case{"SELECT `mas\xE2\x84\xAA`(a)", "PZ0223@7"}, Case{"SELECT \xC3\xA9(1)", "PZ0223@7"},
        Case{"SELECT `where`(1)", "PZ0223@7"}, Case{"SELECT t.where(1)", "PZ0223@7"},
        Case{"SELECT * FROM no_such(1)", "PZ0223@14"},
        Case{"SELECT * FROM LATERAL no_such()", "PZ0223@22"},
        Case{"SELECT * FROM t LATERAL VIEW no_such(a) x AS b", "PZ0223@29"},
        Case{"SELECT a FROM t ORDER BY no_such(a)", "PZ0223@25"},
        Case{"SELECT varchar(3)", "PZ0223@7"}, Case{"SELECT a < varchar(3)", "PZ0223@11"},
        Case{"SELECT CAST(a AS varchar(no_such(1)))", "PZ0223@17"},
        Case{"FROM t |> EXTEND no_such(a)", "PZ0223@17"}));

// What looks like the columns of an alias and is a call to Spark.
INSTANTIATE_TEST_SUITE_P(
    Dressed, Refused,
    testing::Values(
        Case{"SELECT no_such(a)", "PZ0223@7"}, Case{"SELECT 1 AND no_such(a)", "PZ0223@13"},
        Case{"SELECT 1e+5and no_such(a)", "PZ0223@15"}, Case{"SELECT 1 * no_such(a)", "PZ0223@11"},
        Case{"SELECT a, no_such(a)", "PZ0223@10"}, Case{"SELECT DISTINCT no_such(a)", "PZ0223@16"},
        Case{"SELECT no_such(a) AS (select)", "PZ0223@7"},
        Case{"SELECT (with AS (a), no_such(a))", "PZ0223@21"},
        Case{"SELECT (with AS (select), no_such(a))", "PZ0223@26"},
        Case{"SELECT (with AS (table, b), no_such(a))", "PZ0223@28"},
        Case{"SELECT (with(a), no_such(a))", "PZ0223@8"},
        Case{"SELECT TRIM(BOTH no_such(a) FROM b)", "PZ0223@17"},
        Case{"SELECT a REGEXP no_such(a)", "PZ0223@16"},
        Case{"SELECT a MINUS SELECT no_such(a)", "PZ0223@22"},
        Case{"FROM t |> AGGREGATE no_such(a)", "PZ0223@20"},
        Case{"WITH q AS (SELECT 1) SELECT f(q), no_such(a)", "PZ0223@28"},
        Case{"SELECT where(a) FROM t", "PZ0223@7"}, Case{"SELECT from(a)", "PZ0223@7"},
        Case{"SELECT DISTINCT from(a)", "PZ0223@16"}, Case{"SELECT b * from(a)", "PZ0223@11"},
        Case{"SELECT a, as(b)", "PZ0223@10"}, Case{"SELECT NOT where(b)", "PZ0223@11"},
        Case{"SELECT a > on(b)", "PZ0223@11"}, Case{"SELECT with(b)", "PZ0223@7"},
        Case{"SELECT /*+ x(no_such(a)) */ 1", "PZ0223@13"}));

INSTANTIATE_TEST_SUITE_P(
    Reaching, Refused,
    testing::Values(
        Case{"SELECT xpath_string(a, 'b')", "PZ0210@7"}, Case{"SELECT XPath(a, 'b')", "PZ0210@7"},
        Case{"SELECT `xpath_int`(a, 'b')", "PZ0210@7"},
        Case{"SELECT system.builtin.xpath(a, 'b')", "PZ0210@22"},
        Case{"SELECT transform(a, x -> xpath(x, 'b'))", "PZ0210@25"},
        Case{"WITH q AS (SELECT reflect('a', 'b')) TABLE q", "PZ0210@18"},
        Case{"SELECT to_protobuf(a, 'M', X'00')", "PZ0210@7"},
        Case{"SELECT * FROM python_worker_logs()", "PZ0210@14"},
        Case{"SELECT \xC4\xB1"
             "dentifier('reflect')('a')",
             "PZ0208@7"},
        Case{"SELECT TRANSFORM(a) u\xC5\xBFing 'cat' FROM t", "PZ0208@20"},
        Case{"SELECT identifier('reflect')('a')", "PZ0214@7"},
        Case{"SELECT struct(with in (select 1), java_method('a', 'b')) FROM t", "PZ0210@34"},
        Case{"SELECT (with like (select 'a'), reflect('a', 'b')) FROM t", "PZ0210@32"},
        Case{"SELECT (with and max + 1 in (select 1), xpath(a, 'b')) FROM t", "PZ0210@40"},
        Case{"SELECT 1 a, b xpath(a, b)", "PZ0210@14"}));

// What only looks like the columns of an alias, or of a common table expression.
INSTANTIATE_TEST_SUITE_P(
    NoNames, Refused,
    testing::Values(
        Case{"SELECT reflect (a, b) AS c", "PZ0210@7"}, Case{"SELECT a, reflect(b)", "PZ0210@10"},
        Case{"SELECT reflect /* AS */ (a)", "PZ0210@7"},
        Case{"SELECT a AS reflect('b')", "PZ0210@12"}, Case{"SELECT a AS reflect()", "PZ0210@12"},
        Case{"SELECT a AS b.reflect(c)", "PZ0210@14"}, Case{"SELECT as(reflect(a))", "PZ0223@7"},
        Case{"SELECT as, reflect(a)", "PZ0210@11"}, Case{"SELECT as + reflect(a)", "PZ0210@12"},
        Case{"SELECT `as` reflect(a)", "PZ0210@12"}, Case{"SELECT 'as' reflect(a)", "PZ0210@12"},
        Case{"SELECT 1e+5as reflect(a)", "PZ0210@14"}, Case{"SELECT t.as, xpath(a)", "PZ0210@13"},
        Case{"SELECT mask(as => reflect(a))", "PZ0210@18"},
        Case{"SELECT * FROM t TIMESTAMP AS OF reflect(a)", "PZ0210@32"},
        Case{"SELECT /*+ as reflect(a) */ 1", "PZ0210@14"},
        Case{"SELECT (with reflect(a) AS (select 1), b)", "PZ0210@13"},
        Case{"SELECT with, reflect(a) AS (b)", "PZ0210@13"},
        Case{"WITH q AS (SELECT 1), reflect(a) TABLE q", "PZ0210@22"},
        Case{"WITH q AS (SELECT 1) SELECT reflect(a) AS (b)", "PZ0210@28"},
        Case{"WITH q AS (SELECT 1) SELECT q, reflect(a) AS (b)", "PZ0210@31"},
        Case{"WITH q AS (WITH x AS (SELECT 1) SELECT y, reflect(a) AS (b)) TABLE q", "PZ0210@42"},
        Case{"SELECT a AS from_json(b, :c)", "PZ0224@25"},
        Case{"SELECT from_json(a, b) AS c", "PZ0224@20"}));

INSTANTIATE_TEST_SUITE_P(
    Options, Refused,
    testing::Values(
        Case{"SELECT from_xml(a, 'b INT', map('rowValidationXSDPath', 'http://x'))", "PZ0224@32"},
        Case{"SELECT from_xml(a, 'b INT', map('mode', 'x', 'ROWVALIDATIONXSDPATH', '/x'))",
             "PZ0224@45"},
        Case{"SELECT schema_of_xml('<a/>', map('rowValidationXsdPath', '/x'))", "PZ0224@33"},
        Case{"SELECT from_xml(a, 'b INT', map('rowValidation' 'XSDPath', '/x'))", "PZ0224@28"},
        Case{"SELECT from_xml(a, 'b INT', map('rowValidation\\u0058SDPath', '/x'))", "PZ0224@28"},
        Case{"SELECT from_xml(a, 'b INT', map(r'mode', '/x'))", "PZ0224@28"},
        Case{"SELECT from_xml(a, 'b INT', map(:k, '/x'))", "PZ0224@28"},
        Case{"SELECT from_xml(a, 'b INT', map(b, c))", "PZ0224@28"},
        Case{"SELECT from_xml(a, 'b INT', map(lower('mode'), 'x'))", "PZ0224@28"},
        Case{"SELECT from_xml(a, 'b INT', map_from_arrays(b, c))", "PZ0224@28"},
        Case{"SELECT from_xml(a, 'b INT', o)", "PZ0224@28"},
        Case{"SELECT from_xml(a, 'b INT', if(true, map('mode', 'x'), b))", "PZ0224@28"},
        Case{"SELECT from_xml(a, 'b INT', options => map('mode', 'x'))", "PZ0224@28"},
        Case{"SELECT from_avro(a, '{}', map('avroSchemaUrl', '/x'))", "PZ0224@30"},
        Case{"SELECT schema_of_avro('{}', map('avroSchemaUrl', '/x'))", "PZ0224@32"},
        Case{"SELECT to_json(a, map('compression', 'x.Y'))", "PZ0224@22"},
        Case{"SELECT from_json(a, 'b INT', map('mood', 'x'))", "PZ0224@33"},
        Case{"SELECT from_json(a, b)", "PZ0224@20"}, Case{"SELECT from_json(a, :b)", "PZ0224@20"},
        Case{"SELECT from_json(a, '{\"type\":\"udt\",\"class\":\"x.Y\"}')", "PZ0224@20"},
        Case{"SELECT from_json(a, '{\"type\":\"u' 'dt\"}')", "PZ0224@20"},
        Case{"SELECT from_json(a, '\\u007b\"type\":\"UDT\"}')", "PZ0224@20"},
        Case{"SELECT from_json(a, concat('{\"type\":', '\"udt\"}'))", "PZ0224@20"},
        Case{"SELECT from_json(a, schema_of_json('{}') || '')", "PZ0224@20"},
        Case{"SELECT variant_get(a, '$', '{\"type\":\"udt\"}')", "PZ0224@27"},
        Case{"SELECT from_csv(a, b)", "PZ0224@19"},
        Case{"SELECT (with in (select 1), from_xml(a, 'b INT', map('rowValidationXSDPath', '/x'))) "
             "FROM t",
             "PZ0224@53"},
        Case{"SELECT from_json(a, '{\"type\":\"ud' r't\"}')", "PZ0224@20"},
        Case{"SELECT from_json(a, r'b INT')", "PZ0224@20"},
        Case{"SELECT variant_get(x::map<string, variant>['k'], '$.a', '{}')", "PZ0224@20"}));

TEST(Calls, SayWhatToDo) {
  EXPECT_EQ(Screen("SELECT uper(a)").denial->hint, "did you mean 'upper'?");
  EXPECT_EQ(Screen("SELECT uper(a)").denial->message,
            "there is no function 'uper' that a query may call");
  EXPECT_EQ(Screen("SELECT bucket(4, a)").denial->hint,
            "Iceberg's functions are written with their catalog: CATALOG.system.bucket");
  EXPECT_EQ(Screen("SELECT builtin.upper(a)").denial->hint,
            "write upper(...) alone, without a catalog or a namespace");
  EXPECT_EQ(Screen("SELECT from_json(a, 'b INT', map('moed', 'x'))").denial->hint,
            "did you mean 'mode'?");
  EXPECT_EQ(Screen("SELECT reflect('a', 'b')").denial->message,
            "'reflect' runs Java code on the shared cluster");
  EXPECT_EQ(Screen("SELECT * FROM (SELECT 1) reflect(a)").denial->hint,
            "if these are the columns of an alias, write AS reflect(...)");
}

TEST(Calls, AreJudgedInTimeThatGrowsWithTheText) {
  std::string dots = "SELECT a";
  for (int i = 0; i < 60'000; ++i) dots += ".a";
  EXPECT_EQ(Verdict(dots + "(1)").substr(0, 6), "PZ0205");
  std::string types = "SELECT CAST(a AS STRUCT<b: INT";
  for (int i = 0; i < 20'000; ++i) types += ",c:dec(1)";
  // Too far from the STRUCT< to be a type: refused, and quickly.
  EXPECT_EQ(Verdict(types + ">)").substr(0, 6), "PZ0223");
}

}  // namespace
}  // namespace dcp::spark_sql
