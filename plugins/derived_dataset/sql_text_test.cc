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

TEST(SqlTextTest, Parameters) {
  EXPECT_THAT(Params("SELECT :a, x::int, ':b', -- :c\n  `:d`, \":e\"\nWHERE y>=:f_1"),
              ElementsAre("a@1:8", "f_1@3:10"));
}

TEST(SqlTextTest, Names) {
  EXPECT_THAT(ScanSql("SELECT a.b FROM prod.nyc.`flights` a, nyc . airports, 'x.y', one").names,
              ElementsAre("a.b", "prod.nyc.flights", "nyc.airports"));
  EXPECT_THAT(ScanSql("SELECT 1.5, 2.e").names, IsEmpty());
}

}  // namespace
}  // namespace dcp::derived_dataset
