// SPDX-License-Identifier: Apache-2.0
#include "ddl.h"

#include <gtest/gtest.h>
#include <spark/connect/expressions.pb.h>
#include <spark/connect/relations.pb.h>

namespace dcp::spark_connect {
namespace {

using spark::connect::DataType;
using Literal = spark::connect::Expression_Literal;

TEST(Ddl, WritesNestedTypes) {
  DataType type;
  auto* outer = type.mutable_struct_()->add_fields();
  outer->set_name("odd name");
  outer->set_nullable(true);
  auto* map = outer->mutable_data_type()->mutable_map();
  map->mutable_key_type()->mutable_string();
  map->mutable_value_type()
      ->mutable_array()
      ->mutable_element_type()
      ->mutable_decimal()
      ->set_precision(18);
  map->mutable_value_type()->mutable_array()->mutable_element_type()->mutable_decimal()->set_scale(
      2);
  auto* inner = type.mutable_struct_()->add_fields();
  inner->set_name("b");
  inner->mutable_data_type()->mutable_long_();
  EXPECT_EQ(ToDdl(type), "struct<`odd name`:map<string,array<decimal(18,2)>>,b:bigint NOT NULL>");
}

TEST(Ddl, WritesScalarsAndIntervals) {
  DataType type;
  type.mutable_timestamp_ntz();
  EXPECT_EQ(ToDdl(type), "timestamp_ntz");
  type.mutable_var_char()->set_length(9);
  EXPECT_EQ(ToDdl(type), "varchar(9)");
  type.mutable_string()->set_collation("UNICODE_CI");
  EXPECT_EQ(ToDdl(type), "string collate UNICODE_CI");
  type.mutable_day_time_interval()->set_end_field(2);
  EXPECT_EQ(ToDdl(type), "interval day to minute");
  type.mutable_null();
  EXPECT_EQ(ToDdl(type), "void");
}

TEST(Ddl, StopsAtItsDepth) {
  DataType type;
  DataType* at = &type;
  for (int i = 0; i < kTypeDepthMax + 2; ++i) at = at->mutable_array()->mutable_element_type();
  EXPECT_NE(ToDdl(type).find("..."), std::string::npos);
}

TEST(Literals, TakeEachType) {
  Literal literal;
  EXPECT_EQ(ToLiteral("date", "1970-04-11", &literal), "");
  EXPECT_EQ(literal.date(), 100);
  EXPECT_EQ(ToLiteral("timestamp", "1970-01-01 01:00:00.5+01:00", &literal), "");
  EXPECT_EQ(literal.timestamp(), 500'000);
  EXPECT_EQ(ToLiteral("TIMESTAMP", "1970-01-02", &literal), "");
  EXPECT_EQ(literal.timestamp(), 86'400'000'000);
  EXPECT_EQ(ToLiteral("bigint", "-9223372036854775808", &literal), "");
  EXPECT_EQ(literal.long_(), INT64_MIN);
  EXPECT_EQ(ToLiteral("decimal(5, 2)", "123.45", &literal), "");
  EXPECT_EQ(literal.decimal().value(), "123.45");
  EXPECT_EQ(ToLiteral("boolean", "True", &literal), "");
  EXPECT_TRUE(literal.boolean());
  EXPECT_EQ(ToLiteral("string", "it's ${x}", &literal), "");
  EXPECT_EQ(literal.string(), "it's ${x}");
  EXPECT_EQ(ToLiteral("int", std::nullopt, &literal), "");
  EXPECT_TRUE(literal.null().has_integer());
}

TEST(Literals, AreMadeNarrow) {
  spark::connect::SQL query;
  auto& arguments = *query.mutable_named_arguments();
  EXPECT_EQ(ToLiteral("string", "\xC3\xA9\xE2\x82\xAC", arguments["bmp"].mutable_literal()), "");
  EXPECT_EQ(ToLiteral("int", "7", arguments["number"].mutable_literal()), "");
  EXPECT_FALSE(MakeNarrow(&query));
  EXPECT_EQ(arguments["bmp"].literal().string(), "\xC3\xA9\xE2\x82\xAC");
  EXPECT_EQ(ToLiteral("string", "a\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xC3\xA9",
                      arguments["wide"].mutable_literal()),
            "");
  EXPECT_TRUE(MakeNarrow(&query));
  EXPECT_EQ(arguments["wide"].literal().string(), "axx\xC3\xA9");
  EXPECT_EQ(arguments["number"].literal().integer(), 7);
  EXPECT_FALSE(MakeNarrow(&query));
}

TEST(Literals, RefuseWhatDoesNotFit) {
  Literal literal;
  for (const auto& [type, value] :
       std::vector<std::pair<std::string, std::string>>{{"int", "2147483648"},
                                                        {"int", "1x"},
                                                        {"int", ""},
                                                        {"bigint", "1.0"},
                                                        {"double", "nan"},
                                                        {"boolean", "yes"},
                                                        {"date", "2013-02-30"},
                                                        {"date", "2013-1-1"},
                                                        {"timestamp", "2013-01-01 24:00"},
                                                        {"timestamp", "2013-01-01 10:00 CET"},
                                                        {"decimal(5,2)", "1234.5"},
                                                        {"decimal(5,2)", "1.234"},
                                                        {"decimal(5,2)", "1e2"},
                                                        {"decimal(39,2)", "1"},
                                                        {"array<int>", "1"},
                                                        {"", "1"}}) {
    EXPECT_NE(ToLiteral(type, value, &literal), "") << type << " " << value;
  }
}

}  // namespace
}  // namespace dcp::spark_connect
