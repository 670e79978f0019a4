// SPDX-License-Identifier: Apache-2.0
#include "spark_type.h"

#include <gtest/gtest.h>

namespace dcp::derived_dataset {
namespace {

TEST(SparkTypeTest, OneSpelling) {
  EXPECT_EQ(CheckType("LONG").canonical, "bigint");
  EXPECT_EQ(CheckType("integer").canonical, "int");
  EXPECT_EQ(CheckType("timestamptz").canonical, "timestamp");
  EXPECT_EQ(CheckType(" decimal ( 18 , 2 ) ").canonical, "decimal(18,2)");
  EXPECT_EQ(CheckType("decimal").canonical, "decimal(10,0)");
  EXPECT_EQ(CheckType("ARRAY<STRUCT<a: INT NOT NULL, `b c`: MAP<string, long>>>").canonical,
            "array<struct<a:int,b c:map<string,bigint>>>");
  EXPECT_EQ(StoredType("array<smallint>").canonical, "array<int>");
  EXPECT_EQ(StoredType("tinyint").canonical, "int");
}

TEST(SparkTypeTest, WhatIsNoType) {
  auto wrong = [](const char* text) {
    TypeCheck check = CheckType(text);
    return check.canonical + check.error + (check.hint.empty() ? "" : " (" + check.hint + ")");
  };
  EXPECT_EQ(wrong("integr"), "unknown type `integr` (did you mean `integer`?)");
  EXPECT_EQ(wrong(""), "a type name is missing");
  EXPECT_EQ(wrong("array"), "`<` is missing (for example array<string>)");
  EXPECT_EQ(wrong("array<int"), "`>` is missing");
  EXPECT_EQ(wrong("map<int>"), "`map` takes a key and a value type: map<string,int>");
  EXPECT_EQ(wrong("int int"), "unexpected `int`");
  EXPECT_EQ(wrong("varchar(10)"), "Iceberg has no `varchar` (use string)");
  EXPECT_EQ(wrong("smallint"), "Iceberg has no smallint (use int)");
  EXPECT_EQ(wrong("decimal(39,0)"),
            "decimal needs 1 to 38 digits, and no more of them after the point");
  EXPECT_EQ(wrong("decimal(2,3)"),
            "decimal needs 1 to 38 digits, and no more of them after the point");
  EXPECT_EQ(wrong("decimal(99999999999,3)"), "a number is missing");
  EXPECT_EQ(wrong("void"),
            "a column of type void holds nothing but NULL (cast it: CAST(NULL AS string))");
  std::string deep = "int";
  for (int i = 0; i < 17; ++i) deep = "array<" + deep + ">";
  EXPECT_EQ(wrong(deep.c_str()), "types nest deeper than 16 levels");
}

TEST(SparkTypeTest, ParameterTypes) {
  EXPECT_EQ(CheckParamType("long").canonical, "bigint");
  EXPECT_EQ(CheckParamType("decimal(5,1)").canonical, "decimal(5,1)");
  EXPECT_EQ(CheckParamType("array<int>").error, "a parameter cannot be of type array<int>");
}

TEST(SparkTypeTest, Literals) {
  EXPECT_FALSE(WrongLiteral("date", "2012-02-29"));
  EXPECT_TRUE(WrongLiteral("date", "2013-02-29"));
  EXPECT_TRUE(WrongLiteral("date", "2013-2-9"));
  EXPECT_EQ(WrongLiteral("date", "today()"), "`today()` is not a date such as 2013-01-31");
  EXPECT_FALSE(WrongLiteral("timestamp", "2013-01-31 12:30:59.123456+01:00"));
  EXPECT_FALSE(WrongLiteral("timestamp", "2013-01-31T12:30Z"));
  EXPECT_TRUE(WrongLiteral("timestamp", "2013-01-31 24:00"));
  EXPECT_FALSE(WrongLiteral("int", "-2147483648"));
  EXPECT_TRUE(WrongLiteral("int", "2147483648"));
  EXPECT_FALSE(WrongLiteral("bigint", "2147483648"));
  EXPECT_FALSE(WrongLiteral("double", "1e3"));
  EXPECT_TRUE(WrongLiteral("double", "1,5"));
  EXPECT_FALSE(WrongLiteral("decimal(4,2)", "-12.34"));
  EXPECT_TRUE(WrongLiteral("decimal(4,2)", "123.4"));
  EXPECT_TRUE(WrongLiteral("decimal(4,2)", "1.234"));
  EXPECT_TRUE(WrongLiteral("boolean", "yes"));
  EXPECT_FALSE(WrongLiteral("string", "anything; at 'all"));
}

}  // namespace
}  // namespace dcp::derived_dataset
