// SPDX-License-Identifier: Apache-2.0
//
// Values at their bounds; what Spark says of them is compared in tests/spark.
#include "value_text.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <limits>

namespace dcp::spark_connect {
namespace {

std::string Decimal(int64_t value, int scale) {
  std::array<uint8_t, 16> bytes{};
  std::memset(bytes.data(), value < 0 ? 0xFF : 0, bytes.size());
  std::memcpy(bytes.data(), &value, sizeof value);
  return DecimalText(bytes.data(), scale);
}

TEST(ValueTextTest, DecimalsNeverHaveAnExponent) {
  EXPECT_EQ(Decimal(0, 0), "0");
  EXPECT_EQ(Decimal(0, 3), "0.000");
  EXPECT_EQ(Decimal(-1, 3), "-0.001");
  EXPECT_EQ(Decimal(12345, 2), "123.45");
  EXPECT_EQ(Decimal(-12345, 5), "-0.12345");
  EXPECT_EQ(Decimal(7, -3), "7000");
  EXPECT_EQ(Decimal(0, -3), "0");
  EXPECT_EQ(Decimal(std::numeric_limits<int64_t>::min(), 0), "-9223372036854775808");
  std::array<uint8_t, 16> least{};
  least[15] = 0x80;
  EXPECT_EQ(DecimalText(least.data(), 0), "-170141183460469231731687303715884105728");
}

TEST(ValueTextTest, DatesAndTimes) {
  EXPECT_EQ(DateText(0), "1970-01-01");
  EXPECT_EQ(DateText(-1), "1969-12-31");
  EXPECT_EQ(DateText(-719162), "0001-01-01");
  EXPECT_EQ(DateText(-719163), "0000-12-31");
  EXPECT_EQ(DateText(-719529), "-0001-12-31");
  EXPECT_EQ(DateText(2932896), "9999-12-31");
  EXPECT_EQ(DateText(2932897), "+10000-01-01");
  EXPECT_EQ(DateText(11016), "2000-02-29");
  EXPECT_EQ(TimestampText(-1), "1969-12-31T23:59:59.999999");
  EXPECT_EQ(TimestampText(1'500'000), "1970-01-01T00:00:01.5");
  EXPECT_EQ(TimeText(0), "00:00:00");
  EXPECT_EQ(TimeText(86'399'999'999'999), "23:59:59.999999999");
}

TEST(ValueTextTest, Intervals) {
  constexpr auto kLeast = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(YearMonthText(-14, {0, 1}), "INTERVAL '-1-2' YEAR TO MONTH");
  EXPECT_EQ(YearMonthText(24, {0, 0}), "INTERVAL '2' YEAR");
  EXPECT_EQ(YearMonthText(-14, {1, 1}), "INTERVAL '-14' MONTH");
  EXPECT_EQ(YearMonthText(std::numeric_limits<int32_t>::min(), {1, 1}),
            "INTERVAL '-2147483648' MONTH");
  EXPECT_EQ(DayTimeText(kLeast, {0, 3}), "INTERVAL '-106751991 04:00:54.775808' DAY TO SECOND");
  EXPECT_EQ(DayTimeText(0, {0, 0}), "INTERVAL '0' DAY");
  EXPECT_EQ(DayTimeText(3'600'000'000, {1, 2}), "INTERVAL '01:00' HOUR TO MINUTE");
  EXPECT_EQ(DayTimeText(-61'500'000, {3, 3}), "INTERVAL '-61.5' SECOND");
  EXPECT_EQ(DayTimeText(5, {2, -7}), "INTERVAL '00' MINUTE");  // fields that are none
  EXPECT_EQ(CalendarIntervalText(0, 0, 0), "0 seconds");
  EXPECT_EQ(CalendarIntervalText(-14, 3, kLeast),
            "-1 years -2 months 3 days -2562047788 hours -54.775808 seconds");
}

TEST(ValueTextTest, BytesAsText) {
  EXPECT_EQ(Base64Text(""), "");
  EXPECT_EQ(Base64Text("f"), "Zg==");
  EXPECT_EQ(Base64Text("fo"), "Zm8=");
  EXPECT_EQ(Base64Text("foo"), "Zm9v");
  EXPECT_EQ(Base64Text("\xFF\xFE"), "//4=");
  EXPECT_EQ(Utf8Text("a\xC3\xA9\xF0\x9F\x98\x80"), "a\xC3\xA9\xF0\x9F\x98\x80");
  EXPECT_EQ(Utf8Text("\xC3("), "\xEF\xBF\xBD(");
  EXPECT_EQ(Utf8Text("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(JsonBytes("a\"\n"), 2 + 1 + 2 + 6);
}

}  // namespace
}  // namespace dcp::spark_connect
