// SPDX-License-Identifier: Apache-2.0
//
// The screen, as a person or an attacker meets it.
#include <gtest/gtest.h>

#include "spark_sql/positions.h"
#include "spark_sql/screen.h"

namespace dcp::spark_sql {
namespace {

// "" when the SQL passes, else "PZ02xx@line:column".
std::string Verdict(const std::string& sql) {
  const ScreenResult result = Screen(sql);
  if (!result.denial) return {};
  const Place place = PlaceOfByte(sql, result.denial->begin);
  EXPECT_FALSE(result.denial->message.empty());
  EXPECT_FALSE(result.denial->hint.empty());
  return result.denial->id + "@" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

struct Case {
  const char* sql;
  const char* verdict;
};

class Screening : public testing::TestWithParam<Case> {};

TEST_P(Screening, AnswersAsWritten) { EXPECT_EQ(Verdict(GetParam().sql), GetParam().verdict); }

INSTANTIATE_TEST_SUITE_P(
    Passes, Screening,
    testing::Values(Case{"SELECT 1", ""}, Case{"select 1;", ""},
                    Case{"SELECT 1 ; ;\n-- done\n", ""}, Case{"(SELECT 1) UNION (SELECT 2)", ""},
                    Case{"FROM t SELECT a", ""}, Case{"TABLE prod.nyc.flights", ""},
                    Case{"VALUES (1), (2)", ""}, Case{"WITH q AS (SELECT 1) SELECT * FROM q", ""},
                    Case{"/* a /* nested */ b */ SELECT 1 -- c", ""},
                    Case{"SELECT /*+ BROADCAST(a) */ * FROM a", ""},
                    Case{"SELECT ';', \"it's\", 'a''b', 'c\\'d', r'e\\', `f``g;`", ""},
                    Case{"SELECT transform(xs, x -> x + 1) FROM t", ""},
                    Case{"SELECT * FROM a JOIN b USING (id)", ""},
                    Case{"SELECT secret, event_log, t.identifier FROM t", ""},
                    Case{"SELECT text.`body` FROM docs text", ""},
                    Case{"SELECT 'reflect(1)', \"java_method\" FROM t", ""},
                    Case{"SELECT map(1, 2), reduce(xs, 0, (a, b) -> a + b)", ""},
                    Case{"SELECT CAST(v AS STRUCT<a: INT, b: ARRAY<STRING>>)", ""},
                    Case{"SELECT reflect, try_reflect FROM t", ""},
                    Case{"SELECT a.b.`c d` FROM prod.nyc.`odd name` a", ""},
                    Case{"SELECT 2*/*c*/3",
                         ""},  // Spark reads the hint's end here, and refuses it itself
                    Case{"SELECT 'a' AS caf\xC3\xA9", ""}));

INSTANTIATE_TEST_SUITE_P(
    OneQuery, Screening,
    testing::Values(Case{"", "PZ0201@1:1"}, Case{" \n\t;", "PZ0201@1:1"},
                    Case{"-- nothing\n/* at all */", "PZ0201@1:1"},
                    Case{"SELECT 1; SELECT 2", "PZ0202@1:11"},
                    Case{"SELECT 1;\n  DROP TABLE t;", "PZ0202@2:3"},
                    Case{"INSERT INTO t SELECT 1", "PZ0203@1:1"},
                    Case{"drop table t", "PZ0203@1:1"}, Case{"EXPLAIN SELECT 1", "PZ0203@1:1"},
                    Case{"BEGIN SELECT 1; END", "PZ0202@1:17"},
                    Case{"CALL prod.system.expire_snapshots('t')", "PZ0203@1:1"},
                    Case{"SET spark.x=1", "PZ0203@1:1"}, Case{"SELCT 1", "PZ0203@1:1"},
                    Case{"my_table", "PZ0203@1:1"}, Case{"((DROP TABLE t))", "PZ0203@1:3"},
                    Case{"WITH q AS (SELECT 1)\nINSERT INTO t SELECT * FROM q", "PZ0203@2:1"},
                    Case{"FROM a INSERT OVERWRITE b SELECT *", "PZ0203@1:8"},
                    Case{"WITH q AS (SELECT 1) DELETE FROM t", "PZ0203@1:22"},
                    Case{"\xF0\x9F\x98\x80", "PZ0203@1:1"}));

INSTANTIATE_TEST_SUITE_P(
    Shape, Screening,
    testing::Values(Case{"SELECT 'abc", "PZ0204@1:8"}, Case{"SELECT\n `abc", "PZ0204@2:2"},
                    Case{"SELECT 'abc\\'", "PZ0204@1:8"}, Case{"SELECT 1 /* /* */", "PZ0204@1:10"},
                    Case{"SELECT r'a", "PZ0204@1:8"}, Case{"SELECT 1) + (SELECT 2", "PZ0205@1:9"},
                    Case{"SELECT (1", "PZ0205@1:8"}, Case{"SELECT '${env:HOME}'", "PZ0206@1:9"},
                    Case{"SELECT 1 -- ${x}", "PZ0206@1:13"},
                    Case{"SELECT '\xF0\x9F\x98\x80' (", "PZ0205@1:12"},
                    Case{"SELECT $$x$$", "PZ0208@1:8"},
                    Case{"SELECT 1.e5r'\\', reflect('", "PZ0208@1:10"},
                    Case{"SELECT /* /*+ x */ 1 */", "PZ0209@1:11"}));

INSTANTIATE_TEST_SUITE_P(
    Reaching, Screening,
    testing::Values(Case{"SELECT reflect('java.lang.System','exit')", "PZ0210@1:8"},
                    Case{"SELECT ReFlect /**/ ('a','b')", "PZ0210@1:8"},
                    Case{"SELECT `reflect`('a','b')", "PZ0210@1:8"},
                    Case{"SELECT system.builtin.java_method('a','b')", "PZ0210@1:23"},
                    Case{"SELECT try_reflect\xC2\xA0('a','b')", "PZ0210@1:8"},
                    Case{"SELECT reflect\xE3\x80\x80('a','b')", "PZ0210@1:8"},
                    Case{"SELECT 1 -- a \\\n, 2\n, reflect('a','b')", "PZ0210@3:3"},
                    Case{"SELECT /*+ x(reflect('a')) */ 1", "PZ0210@1:14"},
                    Case{"SELECT /*+ reflect(a) */ 1", "PZ0210@1:12"},
                    Case{"SELECT * FROM read_files('/etc')", "PZ0210@1:15"},
                    Case{"SELECT from_protobuf(a, 'm', '/etc/passwd')", "PZ0210@1:8"},
                    Case{"SELECT ?, '?' FROM t -- ?", "PZ0218@1:8"},
                    Case{"SELECT IDENTIFIER('ref' || 'lect')('a','b')", "PZ0214@1:8"},
                    Case{"SELECT * FROM identifier('csv.`/etc`')", "PZ0214@1:15"},
                    Case{"SELECT * FROM csv.`/etc/passwd`", "PZ0211@1:15"},
                    Case{"SELECT * FROM `text`.`/etc/passwd`", "PZ0211@1:15"},
                    Case{"SELECT * FROM a, json.`x`", "PZ0211@1:18"},
                    Case{"SELECT * FROM prod.`/warehouse/t`", "PZ0211@1:15"},
                    Case{"SELECT * FROM org.apache.spark.sql.csv.`/x`", "PZ0211@1:15"},
                    Case{"SELECT 1 a://x--, reflect('a','b')", "PZ0211@1:11"},
                    Case{"SELECT TRANSFORM(a) USING 'cat' FROM t", "PZ0212@1:21"},
                    Case{"SELECT TRANSFORM(a) USING :script FROM t", "PZ0212@1:21"},
                    Case{"MAP a USING 'cat' FROM t", "PZ0212@1:1"},
                    Case{"FROM t REDUCE a USING r'cat'", "PZ0212@1:17"},
                    Case{"SELECT * FROM (MAP 1e+5USING 'cat' AS (x STRING) FROM t)", "PZ0212@1:23"},
                    Case{"FROM t REDUCE a, 1e-5FUSING 'cat'", "PZ0212@1:21"},
                    Case{"SELECT 1e+5FROM csv.`x`", "PZ0211@1:17"},
                    Case{"EXECUTE IMMEDIATE 'DROP TABLE t'", "PZ0203@1:1"},
                    Case{"SELECT * FROM (EXECUTE IMMEDIATE 'x')", "PZ0213@1:16"}));

TEST(Screen, RefusesNulWhereverItStands) {
  EXPECT_EQ(Verdict(std::string("SELECT '\0'", 10)), "PZ0207@1:9");
}

TEST(Screen, StripsTheSemicolonAndKeepsOffsets) {
  EXPECT_EQ(Screen("SELECT 1 ;\n-- x").query.sql, "SELECT 1");
  EXPECT_EQ(Screen("SELECT 1 -- \\").query.sql, "SELECT 1");
  EXPECT_EQ(Screen("-- a\nSELECT 1").query.sql, "-- a\nSELECT 1");
}

TEST(Screen, HoldsItsLimitsAtNAndNPlusOne) {
  const auto nested = [](size_t depth) {
    return "SELECT " + std::string(depth, '(') + "1" + std::string(depth, ')');
  };
  EXPECT_EQ(Verdict(nested(kParenDepthMax)), "");
  EXPECT_EQ(Verdict(nested(kParenDepthMax + 1)), "PZ0205@1:" + std::to_string(8 + kParenDepthMax));
  std::string sql = "SELECT '";
  sql += std::string(kSqlBytesMax - sql.size() - 1, 'x') + "'";
  EXPECT_EQ(Verdict(sql), "");
  EXPECT_EQ(Verdict(sql + " "), "PZ0217@1:1");
  const auto comments = [](size_t depth) {
    std::string text;
    for (size_t i = 0; i < depth; ++i) text += "/*";
    for (size_t i = 0; i < depth; ++i) text += "*/";
    return text + "SELECT 1";
  };
  EXPECT_EQ(Verdict(comments(kCommentDepthMax)), "");
  EXPECT_EQ(Verdict(comments(kCommentDepthMax + 1)), "PZ0209@1:1");
}

TEST(Screen, SurvivesEveryTruncationAndAnyByte) {
  const std::string sql =
      "WITH q AS (SELECT r'a', \"b\", `c`, :d /* e */ -- f\n) FROM q SELECT {1:2}";
  for (size_t i = 0; i <= sql.size(); ++i) (void)Screen(sql.substr(0, i));
  for (size_t i = 0; i < sql.size(); ++i) {
    // Every byte that means something, one of a word, and two that are not UTF-8.
    for (const char byte : std::string("'`;:/*-($\\r\xFF")) {
      std::string broken = sql;
      broken[i] = byte;
      const ScreenResult result = Screen(broken);
      EXPECT_LE(result.denial ? result.denial->begin : 0, broken.size());
    }
  }
}

TEST(Screen, CollectsMarkersOnce) {
  const auto markers = Screen(
                           "SELECT a::int, v:field, :x, CAST(s AS STRUCT<q : INT>)\n"
                           "WHERE a>:y AND b BETWEEN :x AND :y LIMIT :n")
                           .query.markers;
  ASSERT_EQ(markers.size(), 3U);
  EXPECT_EQ(markers[0].name, "x");
  EXPECT_EQ(markers[1].name, "y");
  EXPECT_EQ(markers[2].name, "n");
}

TEST(Screen, SuggestsDeclaredParameters) {
  const auto markers = Screen("SELECT :carier, :year").query.markers;
  const auto unknown = UndeclaredMarkers(markers, {"carrier", "year"});
  ASSERT_EQ(unknown.size(), 1U);
  EXPECT_EQ(unknown[0].id, "PZ0215");
  EXPECT_EQ(unknown[0].hint, "did you mean ':carrier'?");
  EXPECT_EQ(unknown[0].begin, 7U);
  EXPECT_EQ(UnusedParameters(markers, {"carrier", "year"}), std::vector<std::string>{"carrier"});
}

TEST(Screen, NamesTheStatement) {
  EXPECT_EQ(Screen("insert into t select 1").denial->message,
            "this is an INSERT statement; a derived dataset is one query");
  EXPECT_EQ(Screen("SELCT 1").denial->hint, "did you mean SELECT?");
}

}  // namespace
}  // namespace dcp::spark_sql
