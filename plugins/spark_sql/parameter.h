// SPDX-License-Identifier: Apache-2.0
//
// Typed parameters: a manifest's text becomes a value of its declared type, or is refused before
// anything is sent. The engine gets values, never text to paste.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dcp::spark_sql {

struct ParameterValue {
  enum class Type { kString, kBoolean, kInt, kBigint, kDouble, kDate, kTimestamp, kDecimal };
  Type type = Type::kString;
  bool null = false;
  std::string text;  ///< kString; kDecimal: sign and digits, no '+'
  int64_t number =
      0;              ///< kBoolean, kInt, kBigint; kDate: days, kTimestamp: microseconds since 1970
  double real = 0;    ///< kDouble; finite
  int precision = 0;  ///< kDecimal
  int scale = 0;
};

/// Answers what is wrong, or "". Types: string, boolean, int, bigint, double, decimal(p,s), date,
/// timestamp (without a zone: UTC, so that one manifest means one instant everywhere); no value is
/// NULL. [any]
std::string ReadParameter(std::string_view type, const std::optional<std::string>& value,
                          ParameterValue* out);

}  // namespace dcp::spark_sql
