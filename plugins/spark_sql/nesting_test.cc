// SPDX-License-Identifier: Apache-2.0
#include "spark_sql/nesting.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "spark_sql/screen.h"

namespace dcp::spark_sql {
namespace {

std::string Repeat(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

/// "", or the id and the message of what the screen refuses.
std::string Refused(const std::string& sql) {
  const ScreenResult result = Screen(sql);
  return result.denial ? result.denial->id + " " + result.denial->message : "";
}

struct Shape {
  const char* name;
  std::string before;
  std::string open;
  std::string middle;
  std::string close;
  size_t limit;  // levels that are allowed
};

const Shape kShapes[] = {
    {"array", "SELECT CAST(NULL AS ", "ARRAY<", "INT", ">", kTypeDepthMax},
    {"map", "SELECT CAST(NULL AS ", "map<int, ", "INT", ">", kTypeDepthMax},
    {"struct", "SELECT CAST(NULL AS ", "STRUCT<a: ", "INT", ">", kTypeDepthMax},
    {"struct, no space", "SELECT x::", "struct<a:", "INT", ">", kTypeDepthMax},
    {"from_json", "SELECT from_json('', '", "struct<a:", "INT", ">", kTypeDepthMax},
    {"from_json in JSON", "SELECT from_json('', '", R"({"type":"array","elementType":)", "1", "}",
     kTypeDepthMax},
    {"schema_of_json", "SELECT schema_of_json('", "[", "1", "]", kTypeDepthMax},
    {"from_json of schema_of_json", "SELECT from_json('', schema_of_json('", R"({"a":)", "1", "}",
     kTypeDepthMax},
    {"CASE", "SELECT ", "CASE WHEN a THEN 1 ELSE ", "1", " END", kCaseDepthMax},
    {"CASE of CASE", "SELECT ", "case ", "1", " when 1 then 1 end", kCaseDepthMax},
    {"NOT", "SELECT ", "NOT ", "true", "", kPrefixesMax},
    {"minus", "SELECT ", "- ", "1", "", kPrefixesMax},
    {"tilde", "SELECT ", "~", "1", "", kPrefixesMax},
    {"mixed", "SELECT ", "!", "true", "", kPrefixesMax},
    {"sum", "SELECT 0", " + 1", "", "", kChainMax},
    {"concatenation", "SELECT ''", " || a", "", "", kChainMax / 2},
    {"cast", "SELECT 1", "::INT", "", "", kChainMax},
    {"path", "SELECT a", ".b", "", "", kChainMax},
    {"element", "SELECT a", "[0]", "", "", kChainMax},
    {"comparison", "SELECT 1", " = 1", "", "", kChainMax},
    {"UNION", "SELECT 1", " UNION ALL SELECT 1", "", "", kChainMax},
    {"JOIN", "SELECT 1 FROM a.b.c", " JOIN a.b.c", "", "", kChainMax},
    {"brackets", "SELECT ", "a[", "0", "]", kParenDepthMax},
};

TEST(NestingTest, EachShapeUpToItsLimit) {
  for (const Shape& shape : kShapes) {
    const auto sql = [&](size_t levels) {
      std::string text =
          shape.before + Repeat(shape.open, levels) + shape.middle + Repeat(shape.close, levels);
      // What the text in front has left open.
      const auto count = [&](char c) {
        return std::count(shape.before.begin(), shape.before.end(), c);
      };
      if (count('\'') % 2 == 1) text += "'";
      return text + std::string(static_cast<size_t>(count('(') - count(')')), ')');
    };
    EXPECT_EQ(Refused(sql(shape.limit)), "") << shape.name;
    for (const size_t more : {shape.limit + 1, shape.limit * 10}) {
      EXPECT_EQ(Refused(sql(more)).substr(0, 6), "PZ0205") << shape.name;
    }
  }
}

TEST(NestingTest, WhatIsLongAndNotDeepStays) {
  for (const std::string& sql :
       {"SELECT 1 WHERE a = 1" + Repeat(" OR a = 1", 5000),
        "SELECT 1" + Repeat(", a + b - c", 5000),
        "SELECT CASE" + Repeat(" WHEN a = 1 THEN 2", 5000) + " END",
        "SELECT " + Repeat("CASE WHEN a THEN 1 END, ", 500) + "1",
        "SELECT 1 IN (1" + Repeat(", - 1", 5000) + ")",
        "SELECT " + Repeat("CAST(NULL AS ARRAY<INT>), ", 500) + "1",
        "SELECT " + Repeat("(1 + 2), ", 2000) + "map < 3 AND array < 4",
        "SELECT " + Repeat("t.s.a[1].b, ", 2000) + "t.`case`, t.end, t.case",
        "SELECT '" + Repeat("<", 100) + "', regexp_like(a, '" + Repeat("[{", 50) + "')"}) {
    EXPECT_EQ(Refused(sql), "") << sql.substr(0, 60);
  }
}

TEST(NestingTest, AnErrorStandsAtItsPlace) {
  const ScreenResult result = Screen("SELECT 1,\n" + Repeat("NOT ", kPrefixesMax + 5) + "true");
  ASSERT_TRUE(result.denial);
  EXPECT_EQ(result.denial->begin, 10 + 4 * kPrefixesMax);
}

TEST(NestingTest, ManyMarkersAreReadInOneGo) {
  std::string sql = "SELECT 1";
  for (int i = 0; i < 60'000; ++i) sql += ",:p" + std::to_string(i);
  const ScreenResult result = Screen(sql);
  ASSERT_FALSE(result.denial);
  EXPECT_EQ(result.query.markers.size(), 60'000u);
  EXPECT_EQ(UndeclaredMarkers(result.query.markers, {"p1", "q"}).size(), kUndeclaredMax);
}

}  // namespace
}  // namespace dcp::spark_sql
