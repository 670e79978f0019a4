// SPDX-License-Identifier: Apache-2.0
//
// Values as the contract writes them (PreviewResponse.rows). Standard library only; all [any].
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dcp::spark_connect {

/// Fields of an ANSI interval, as Spark numbers them: of year-month intervals 0 is YEAR and 1 is
/// MONTH, of day-time intervals 0 is DAY and 3 is SECOND.
struct IntervalFields {
  int start = 0;
  int end = 0;
};

/// 128 bits, little-endian, two's complement: "-12.30". Never an exponent.
std::string DecimalText(const uint8_t* bytes, int scale);
/// Days since 1970-01-01: "2013-01-31"; years beyond 9999 and before 0 carry a sign.
std::string DateText(int64_t days);
/// Microseconds since 1970-01-01T00:00:00: "2013-01-31T12:34:56.789", without a zone.
std::string TimestampText(int64_t micros);
/// Nanoseconds since midnight: "12:34:56.789".
std::string TimeText(int64_t nanos);
/// As Spark casts them to string: "INTERVAL '1-2' YEAR TO MONTH", "INTERVAL '1 02:03' DAY TO
/// MINUTE".
std::string YearMonthText(int32_t months, IntervalFields fields);
std::string DayTimeText(int64_t micros, IntervalFields fields);
/// "1 years 2 months 3 days 4 hours 5.5 seconds".
std::string CalendarIntervalText(int32_t months, int32_t days, int64_t micros);
/// RFC 4648, with padding.
std::string Base64Text(std::string_view bytes);
/// Spark's strings are bytes: each that is no part of a character becomes U+FFFD.
std::string Utf8Text(std::string_view bytes);
/// How many bytes the text takes in JSON, quotes included.
int64_t JsonBytes(std::string_view text);

}  // namespace dcp::spark_connect
