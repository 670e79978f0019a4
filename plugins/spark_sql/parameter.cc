// SPDX-License-Identifier: Apache-2.0
#include "spark_sql/parameter.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

#include "spark_sql/lexer.h"

namespace dcp::spark_sql {
namespace {

using Type = ParameterValue::Type;

template <typename T>
std::optional<T> Number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Exactly `digits` digits at the front of `text`, which is cut behind them.
std::optional<int> Digits(std::string_view& text, size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int number = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    number = number * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return number;
}

bool Take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// "2013-01-31" as days since 1970.
std::optional<int32_t> TakeDate(std::string_view& text) {
  const auto year = Digits(text, 4);
  if (!year || !Take(text, '-')) return std::nullopt;
  const auto month = Digits(text, 2);
  if (!month || !Take(text, '-')) return std::nullopt;
  const auto day = Digits(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return static_cast<int32_t>(std::chrono::sys_days(date).time_since_epoch().count());
}

// "2013-01-31[ T]12:30[:15[.123456]][Z|+02:00]" as microseconds since 1970; without a zone in UTC,
// so that the same manifest means the same instant on every server.
std::optional<int64_t> ToTimestamp(std::string_view text) {
  constexpr int64_t kMicros = 1'000'000;
  const auto days = TakeDate(text);
  if (!days) return std::nullopt;
  int64_t seconds = int64_t{*days} * 86'400;
  int64_t micros = 0;
  if (text.empty()) return seconds * kMicros;
  if (!Take(text, ' ') && !Take(text, 'T')) return std::nullopt;
  const auto hour = Digits(text, 2);
  if (!hour || *hour > 23 || !Take(text, ':')) return std::nullopt;
  const auto minute = Digits(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  seconds += *hour * 3600 + *minute * 60;
  if (Take(text, ':')) {
    const auto second = Digits(text, 2);
    if (!second || *second > 59) return std::nullopt;
    seconds += *second;
    if (Take(text, '.')) {
      int64_t unit = kMicros;
      while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
        if ((unit /= 10) == 0) return std::nullopt;
        micros += (text.front() - '0') * unit;
        text.remove_prefix(1);
      }
    }
  }
  if (Take(text, 'Z'))
    return text.empty() ? std::optional(seconds * kMicros + micros) : std::nullopt;
  if (text.empty()) return seconds * kMicros + micros;
  const int sign = text.front() == '-' ? 1 : -1;
  if (!Take(text, '-') && !Take(text, '+')) return std::nullopt;
  const auto zone_hour = Digits(text, 2);
  if (!zone_hour || *zone_hour > 18 || !Take(text, ':')) return std::nullopt;
  const auto zone_minute = Digits(text, 2);
  if (!zone_minute || *zone_minute > 59 || !text.empty()) return std::nullopt;
  return (seconds + sign * (*zone_hour * 3600 + *zone_minute * 60)) * kMicros + micros;
}

struct DecimalType {
  int precision = 0;
  int scale = 0;
};

// "decimal", "decimal(p)" or "decimal(p,s)", in lower case.
std::optional<DecimalType> ParseDecimal(std::string_view type) {
  std::string packed;
  for (const char c : type) {
    if (c != ' ') packed += c;
  }
  std::string_view rest = packed;
  if (rest == "decimal") return DecimalType{10, 0};
  if (!rest.starts_with("decimal(") || !rest.ends_with(")")) return std::nullopt;
  rest = rest.substr(8, rest.size() - 9);
  const size_t comma = rest.find(',');
  const auto precision = Number<int>(rest.substr(0, comma));
  const auto scale =
      comma == std::string_view::npos ? std::optional(0) : Number<int>(rest.substr(comma + 1));
  if (!precision || !scale || *precision < 1 || *precision > 38 || *scale < 0 ||
      *scale > *precision) {
    return std::nullopt;
  }
  return DecimalType{*precision, *scale};
}

// Digits with an optional sign and point, within the type. No exponent: people expect none.
bool FitsDecimal(std::string_view text, DecimalType type) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  const size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view part = point == std::string_view::npos ? "" : text.substr(point + 1);
  if (whole.empty() && part.empty()) return false;
  for (const char c : std::string(whole) + std::string(part)) {
    if (c < '0' || c > '9') return false;
  }
  const size_t zeros = std::min(whole.find_first_not_of('0'), whole.size());
  return part.size() <= static_cast<size_t>(type.scale) &&
         whole.size() - zeros <= static_cast<size_t>(type.precision - type.scale);
}

std::string Wrong(std::string_view value, std::string_view type) {
  return "'" + std::string(value) + "' is not a value of type " + std::string(type);
}

// What stands behind a type's name (in lower case), if it is one that a parameter may have.
std::optional<ParameterValue> TypeOf(const std::string& type) {
  ParameterValue value;
  if (type == "string")
    value.type = Type::kString;
  else if (type == "boolean")
    value.type = Type::kBoolean;
  else if (type == "int")
    value.type = Type::kInt;
  else if (type == "bigint")
    value.type = Type::kBigint;
  else if (type == "double")
    value.type = Type::kDouble;
  else if (type == "date")
    value.type = Type::kDate;
  else if (type == "timestamp")
    value.type = Type::kTimestamp;
  else if (const auto decimal = ParseDecimal(type)) {
    value.type = Type::kDecimal;
    value.precision = decimal->precision;
    value.scale = decimal->scale;
  } else {
    return std::nullopt;
  }
  return value;
}

// Sets the value; false when the text is none of its type.
bool ReadValue(const std::string& text, ParameterValue* out) {
  std::optional<int64_t> number;
  switch (out->type) {
    case Type::kString:
      out->text = text;
      return true;
    case Type::kBoolean: {
      const std::string lower = Lower(text);
      if (lower == "true" || lower == "false") number = lower == "true" ? 1 : 0;
      break;
    }
    case Type::kInt:
      if (const auto small = Number<int32_t>(text)) number = *small;
      break;
    case Type::kBigint:
      number = Number<int64_t>(text);
      break;
    case Type::kDouble: {
      const auto real = Number<double>(text);
      out->real = real.value_or(0);
      return real && std::isfinite(*real);
    }
    case Type::kDate: {
      std::string_view rest = text;
      if (const auto days = TakeDate(rest); days && rest.empty()) number = *days;
      break;
    }
    case Type::kTimestamp:
      number = ToTimestamp(text);
      break;
    case Type::kDecimal:
      out->text = text.starts_with('+') ? text.substr(1) : text;
      return FitsDecimal(text, {out->precision, out->scale});
  }
  out->number = number.value_or(0);
  return number.has_value();
}

}  // namespace

std::string ReadParameter(std::string_view declared, const std::optional<std::string>& value,
                          ParameterValue* out) {
  const std::string type = Lower(declared);
  auto read = TypeOf(type);
  if (!read) return "the type '" + type + "' is not one that a parameter may have";
  read->null = !value.has_value();
  if (value && !ReadValue(*value, &*read)) return Wrong(*value, type);
  *out = std::move(*read);
  return {};
}

}  // namespace dcp::spark_sql
