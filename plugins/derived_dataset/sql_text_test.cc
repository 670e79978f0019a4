// SPDX-License-Identifier: Apache-2.0
#include "sql_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dcp::derived_dataset {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string Issues(std::string_view sql) {
  std::string out;
  for (const SqlIssue& issue : ScanSql(sql).issues) {
    out += std::string(issue.code) + " " + std::to_string(issue.at.line) + ":" +
           std::to_string(issue.at.column) + " " + issue.message + "\n";
  }
  return out;
}

std::vector<std::string> Params(std::string_view sql) {
  std::vector<std::string> out;
  for (const SqlParam& param : ScanSql(sql).params) {
    out.push_back(param.name + "@" + std::to_string(param.at.line) + ":" +
                  std::to_string(param.at.column));
  }
  return out;
}

TEST(SqlTextTest, QueriesPass) {
  EXPECT_EQ(Issues("SELECT 1"), "");
  EXPECT_EQ(Issues("((SELECT 1) UNION (SELECT 2))"), "");
  EXPECT_EQ(Issues("with x as (select 1) select * from x"), "");
  EXPECT_EQ(Issues("VALUES (1, 'a;b'), (2, \"--\")"), "");
  EXPECT_EQ(Issues("FROM t SELECT a"), "");
  EXPECT_EQ(Issues("TABLE t"), "");
  EXPECT_EQ(Issues("SELECT 'it''s', 'a\\'b', r'\\', `odd``name` /* a /* nested */ one */ -- ' end"),
            "");
  EXPECT_EQ(Issues("SELECT insert, x.update FROM x"), "");
  EXPECT_EQ(Issues("WITH x AS (SELECT 1) SELECT 'INSERT INTO y'"), "");
}

TEST(SqlTextTest, ClosingSemicolonsAreTakenOff) {
  EXPECT_EQ(ScanSql("SELECT 1 ; ; -- done\n").query, "SELECT 1 ");
  EXPECT_EQ(ScanSql("SELECT ';'").query, "SELECT ';'");
  EXPECT_EQ(Issues("SELECT 1;;"), "");
}

TEST(SqlTextTest, WhatIsWrong) {
  EXPECT_EQ(Issues(""), "PZ0110 1:1 the SQL is empty\n");
  EXPECT_EQ(Issues(" -- nothing\n ;"), "PZ0110 2:2 the SQL is empty\n");
  EXPECT_EQ(Issues("SELECT 'ö', 'x"), "PZ0111 1:13 the string that begins here is never closed\n");
  EXPECT_EQ(Issues("SELECT 1\n /* x /* y */"),
            "PZ0111 2:2 the comment that begins here is never closed\n");
  EXPECT_EQ(Issues("SELECT `x"), "PZ0111 1:8 the name that begins here is never closed\n");
  EXPECT_EQ(Issues("SELECT (1"), "PZ0111 1:8 the `(` here is never closed\n");
  EXPECT_EQ(Issues("SELECT 1) UNION (SELECT 2"), "PZ0111 1:9 this `)` closes nothing\n");
  EXPECT_EQ(Issues("SELECT 1;\n  SELECT 2"), "PZ0112 2:3 another statement begins here\n");
  EXPECT_EQ(
      Issues("/* x */ drop TABLE t"),
      "PZ0113 1:9 a query begins with SELECT, WITH, VALUES, FROM or TABLE, not with `drop`\n");
  EXPECT_EQ(Issues("WITH x AS (SELECT 1) INSERT INTO y SELECT * FROM x"),
            "PZ0113 1:22 `INSERT` writes: this is not a query\n");
  EXPECT_EQ(Issues("FROM x INSERT OVERWRITE y SELECT *"),
            "PZ0113 1:8 `INSERT` writes: this is not a query\n");
  EXPECT_EQ(Issues("WITH x AS (SELECT 1) UPDATE y SET a = 1"),
            "PZ0113 1:22 `UPDATE` writes: this is not a query\n");
  EXPECT_EQ(Issues("SELECT '${x}'"),
            "PZ0114 1:9 `${` would let the session's settings change the query\n");
}

TEST(SqlTextTest, AWriteDoesNotHide) {
  // Spark ends a line comment at a carriage return, too.
  EXPECT_EQ(Issues("FROM x -- \rINSERT INTO y SELECT *"),
            "PZ0113 1:12 `INSERT` writes: this is not a query\n");
  // A no-break space is a space to Spark.
  EXPECT_EQ(Issues("FROM x INSERT\xC2\xA0INTO y SELECT *"),
            "PZ0113 1:8 `INSERT` writes: this is not a query\n");
  EXPECT_EQ(Issues("WITH x AS (SELECT 1) MERGE WITH SCHEMA EVOLUTION INTO y USING x ON true"),
            "PZ0113 1:22 `MERGE` writes: this is not a query\n");
  EXPECT_EQ(Issues("WITH x (SELECT 1), z(a) AS (SELECT 2) DELETE FROM y"),
            "PZ0113 1:39 `DELETE` writes: this is not a query\n");
  EXPECT_EQ(Issues("WITH x AS (SELECT 1) TRUNCATE TABLE y"),
            "PZ0113 1:22 behind WITH a query goes on with SELECT, VALUES, FROM or TABLE, not with "
            "`TRUNCATE`\n");
  // Spark does not nest a hint, so what follows the first */ is no comment to it.
  EXPECT_EQ(Issues("FROM x /* /*+ */ INSERT INTO y SELECT * --*/"),
            "PZ0111 1:11 a hint `/*+` within a comment hides where the comment ends\n");
  // A backslash takes the next line into the comment.
  EXPECT_EQ(Issues("SELECT 1 -- \\\n; DROP TABLE y"), "");
}

TEST(SqlTextTest, WithAndItsShapesPass) {
  for (const char* sql :
       {"WITH x AS (SELECT 1), y(a, b) AS (VALUES (1, 2)) SELECT * FROM x, y",
        "WITH RECURSIVE r(n) MAX RECURSION LEVEL 5 AS (SELECT 1 UNION ALL SELECT n FROM r) TABLE r",
        "WITH x AS (SELECT f(1)) (SELECT * FROM x) UNION (SELECT 2)",
        "WITH x AS (SELECT 1) FROM x SELECT *", "SELECT /*+ BROADCAST(t) */ a FROM t",
        "WITH x AS (SELECT f(a) update FROM t) SELECT update FROM x", "WITH x (TABLE t) TABLE x"}) {
    EXPECT_EQ(Issues(sql), "") << sql;
  }
}

TEST(SqlTextTest, AMegabyteOfParametersIsReadInOneGo) {
  std::string sql = "SELECT ";
  for (int i = 0; i < 200'000; ++i) sql += ":a, ";
  const SqlScan scan = ScanSql(sql + "1");
  ASSERT_EQ(scan.params.size(), 200'000u);
  EXPECT_EQ(scan.params.back().at, (sdk::yaml::Position{1, 8 + 4 * 199'999}));
}

TEST(SqlTextTest, Parameters) {
  EXPECT_THAT(Params("SELECT :a, x::int, ':b', -- :c\n  `:d`, \":e\"\nWHERE y>=:f_1"),
              ElementsAre("a@1:8", "f_1@3:10"));
  // Colons of types and of paths into a variant, as Spark prints the former.
  EXPECT_THAT(
      Params("SELECT CAST(s AS STRUCT<a:INT, b:ARRAY<STRUCT<`c`:STRING>>>), v:field, f(v):x, "
             "a[0]:y, v:a.b[:n] WHERE x IN (:p,:q)"),
      ElementsAre("n@1:94", "p@1:110", "q@1:113"));
}

TEST(SqlTextTest, Names) {
  EXPECT_THAT(ScanSql("SELECT a.b FROM prod.nyc.`flights` a, nyc . airports, 'x.y', one").names,
              ElementsAre("a.b", "prod.nyc.flights", "nyc.airports"));
  EXPECT_THAT(ScanSql("SELECT 1.5, 2.e").names, IsEmpty());
}

}  // namespace
}  // namespace dcp::derived_dataset
