// SPDX-License-Identifier: Apache-2.0
#include "spark_sql/parameter.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace dcp::spark_sql {
namespace {

using Type = ParameterValue::Type;

ParameterValue Read(const std::string& type, const std::optional<std::string>& value) {
  ParameterValue read;
  EXPECT_EQ(ReadParameter(type, value, &read), "") << type;
  return read;
}

TEST(Parameters, AreReadToTheLastValueOfTheirType) {
  EXPECT_EQ(Read("int", "-2147483648").number, INT32_MIN);
  EXPECT_EQ(Read("INT", "+2147483647").number, INT32_MAX);
  EXPECT_EQ(Read("bigint", "-9223372036854775808").number, INT64_MIN);
  EXPECT_EQ(Read("double", "1e300").real, 1e300);
  EXPECT_EQ(Read("boolean", "TRUE").number, 1);
  EXPECT_EQ(Read("string", "it's").text, "it's");
  EXPECT_EQ(Read("date", "1969-12-31").number, -1);
  EXPECT_EQ(Read("timestamp", "1970-01-01T02:00:00.000001+02:00").number, 1);
  EXPECT_EQ(Read("timestamp", "1970-01-01 00:00:01").number, 1'000'000);  // without a zone: UTC
  const ParameterValue decimal = Read("decimal( 5, 2 )", "+123.4");
  EXPECT_EQ(decimal.type, Type::kDecimal);
  EXPECT_EQ(decimal.text, "123.4");
  EXPECT_EQ(decimal.precision, 5);
  EXPECT_EQ(decimal.scale, 2);
}

TEST(Parameters, KeepTheirTypeWithoutAValue) {
  const ParameterValue null = Read("decimal(7,3)", std::nullopt);
  EXPECT_TRUE(null.null);
  EXPECT_EQ(null.type, Type::kDecimal);
  EXPECT_EQ(null.precision, 7);
}

TEST(Parameters, AreRefusedOneBeyondTheirType) {
  const std::vector<std::pair<std::string, std::string>> kWrong = {
      {"int", "2147483648"},     {"bigint", "9223372036854775808"},
      {"double", "nan"},         {"boolean", "yes"},
      {"date", "2013-02-30"},    {"timestamp", "2013-01-01 24:00"},
      {"decimal(5,2)", "1.234"}, {"decimal(5,2)", "1000"}};
  for (const auto& [type, value] : kWrong) {
    ParameterValue read;
    EXPECT_EQ(ReadParameter(type, value, &read), "'" + value + "' is not a value of type " + type);
  }
  ParameterValue read;
  EXPECT_EQ(ReadParameter("array<int>", "1", &read),
            "the type 'array<int>' is not one that a parameter may have");
}

}  // namespace
}  // namespace dcp::spark_sql
