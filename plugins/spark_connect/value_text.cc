// SPDX-License-Identifier: Apache-2.0
#include "value_text.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace dcp::spark_connect {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kMicrosPerMinute = 60 * kMicrosPerSecond;
constexpr int64_t kMicrosPerHour = 60 * kMicrosPerMinute;
constexpr int64_t kMicrosPerDay = 24 * kMicrosPerHour;

std::string Padded(uint64_t value, size_t width) {
  std::string text = std::to_string(value);
  return text.size() < width ? std::string(width - text.size(), '0') + text : text;
}

// ".789" out of 789000 and 6 digits; "" for nothing.
std::string Fraction(uint64_t value, size_t digits) {
  if (value == 0) return {};
  std::string text = "." + Padded(value, digits);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

uint64_t Magnitude(int64_t value) {
  const auto bits = static_cast<uint64_t>(value);
  return value < 0 ? ~bits + 1 : bits;
}

// Quotient rounded down, and the rest, which is never negative.
struct Split {
  int64_t whole;
  int64_t rest;
};
Split FloorSplit(int64_t value, int64_t unit) {
  const int64_t rest = value % unit;
  return rest < 0 ? Split{value / unit - 1, rest + unit} : Split{value / unit, rest};
}

// "05.25" out of 5250000.
std::string Seconds(uint64_t micros) {
  const auto unit = static_cast<uint64_t>(kMicrosPerSecond);
  return Padded(micros / unit, 2) + Fraction(micros % unit, 6);
}

std::string Units(const char* from, const char* to, bool same) {
  return same ? std::string("' ") + from : std::string("' ") + from + " TO " + to;
}

// Length of the character at the front of `text`; 0 when there is none.
size_t CharacterLength(std::string_view text) {
  const auto at = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  // Too long a form, a surrogate, or beyond the last character.
  if ((first == 0xE0 && at(1) < 0xA0) || (first == 0xED && at(1) > 0x9F) ||
      (first == 0xF0 && at(1) < 0x90) || (first == 0xF4 && at(1) > 0x8F)) {
    return 0;
  }
  return length;
}

}  // namespace

std::string DecimalText(const uint8_t* bytes, int scale) {
  // Base 2^32, the most significant digit first.
  std::array<uint32_t, 4> words{};
  for (size_t i = 0; i < 4; ++i) std::memcpy(&words.at(3 - i), bytes + 4 * i, 4);
  const bool negative = (words[0] & 0x80000000U) != 0;
  if (negative) {
    uint64_t carry = 1;
    for (size_t i = 4; i-- > 0;) {
      carry += static_cast<uint32_t>(~words.at(i));
      words.at(i) = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
  }
  std::string digits;
  while (std::any_of(words.begin(), words.end(), [](uint32_t word) { return word != 0; })) {
    uint64_t rest = 0;
    for (uint32_t& word : words) {
      rest = (rest << 32) | word;
      word = static_cast<uint32_t>(rest / 10);
      rest %= 10;
    }
    digits += static_cast<char>('0' + rest);
  }
  std::reverse(digits.begin(), digits.end());
  if (scale > 0) {
    const auto places = static_cast<size_t>(scale);
    if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
    digits.insert(digits.size() - places, 1, '.');
  } else if (!digits.empty()) {
    digits.append(static_cast<size_t>(-static_cast<int64_t>(scale)), '0');
  }
  if (digits.empty()) digits = "0";
  return negative ? "-" + digits : digits;
}

std::string DateText(int64_t days) {
  // Eras of 400 years, each of which has 146097 days; years that begin in March.
  const auto [era, day_of_era] = FloorSplit(days + 719468, 146097);
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month_from_march = (5 * day_of_year + 2) / 153;
  const int64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  const int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  const int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  const std::string sign = year < 0 ? "-" : year > 9999 ? "+" : "";
  return sign + Padded(Magnitude(year), 4) + "-" + Padded(Magnitude(month), 2) + "-" +
         Padded(Magnitude(day), 2);
}

std::string TimestampText(int64_t micros) {
  const auto [days, rest] = FloorSplit(micros, kMicrosPerDay);
  return DateText(days) + "T" + TimeText(rest * 1000);
}

std::string TimeText(int64_t nanos) {
  constexpr uint64_t kNanosPerSecond = 1'000'000'000;
  const uint64_t value = Magnitude(nanos);
  const uint64_t seconds = value / kNanosPerSecond;
  return Padded(seconds / 3600, 2) + ":" + Padded(seconds / 60 % 60, 2) + ":" +
         Padded(seconds % 60, 2) + Fraction(value % kNanosPerSecond, 9);
}

std::string YearMonthText(int32_t months, IntervalFields fields) {
  const uint64_t total = Magnitude(months);
  const std::string sign = months < 0 ? "-" : "";
  const std::string units =
      Units(fields.start == 0 ? "YEAR" : "MONTH", "MONTH", fields.start == fields.end);
  if (fields.start != 0) return "INTERVAL '" + sign + std::to_string(total) + units;
  std::string text = "INTERVAL '" + sign + std::to_string(total / 12);
  if (fields.end != 0) text += "-" + std::to_string(total % 12);
  return text + units;
}

std::string DayTimeText(int64_t micros, IntervalFields fields) {
  constexpr std::array<const char*, 4> kNames = {"DAY", "HOUR", "MINUTE", "SECOND"};
  constexpr std::array<int64_t, 3> kUnits = {kMicrosPerDay, kMicrosPerHour, kMicrosPerMinute};
  constexpr std::array<const char*, 4> kBefore = {"", " ", ":", ":"};
  const int start = std::clamp(fields.start, 0, 3);
  const int end = std::clamp(fields.end, start, 3);
  uint64_t rest = Magnitude(micros);
  std::string text = micros < 0 ? "INTERVAL '-" : "INTERVAL '";
  for (int i = start; i <= end; ++i) {
    const auto field = static_cast<size_t>(i);
    if (i > start) text += kBefore.at(field);
    if (i == 3) {
      text += Seconds(rest);
      break;
    }
    const auto unit = static_cast<uint64_t>(kUnits.at(field));
    text += Padded(rest / unit, i == 0 ? 1 : 2);
    rest %= unit;
  }
  return text + Units(kNames.at(static_cast<size_t>(start)), kNames.at(static_cast<size_t>(end)),
                      start == end);
}

std::string CalendarIntervalText(int32_t months, int32_t days, int64_t micros) {
  std::string text;
  const auto add = [&text](const std::string& value, const char* unit) {
    text += (text.empty() ? "" : " ") + value + " " + unit;
  };
  const auto add_number = [&add](int64_t value, const char* unit) {
    if (value != 0) add(std::to_string(value), unit);
  };
  add_number(months / 12, "years");
  add_number(months % 12, "months");
  add_number(days, "days");
  add_number(micros / kMicrosPerHour, "hours");
  add_number(micros % kMicrosPerHour / kMicrosPerMinute, "minutes");
  if (const int64_t rest = micros % kMicrosPerMinute; rest != 0) {
    const uint64_t size = Magnitude(rest);
    const auto unit = static_cast<uint64_t>(kMicrosPerSecond);
    add((rest < 0 ? "-" : "") + std::to_string(size / unit) + Fraction(size % unit, 6), "seconds");
  }
  return text.empty() ? "0 seconds" : text;
}

std::string Base64Text(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [bytes](size_t at) -> unsigned {
      return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U;
    };
    const unsigned bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    text += kDigits[bits >> 18];
    text += kDigits[(bits >> 12) & 63];
    text += i + 1 < bytes.size() ? kDigits[(bits >> 6) & 63] : '=';
    text += i + 2 < bytes.size() ? kDigits[bits & 63] : '=';
  }
  return text;
}

std::string Utf8Text(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const size_t length = CharacterLength(bytes);
    text += length == 0 ? std::string_view("\xEF\xBF\xBD") : bytes.substr(0, length);
    bytes.remove_prefix(std::max<size_t>(length, 1));
  }
  return text;
}

int64_t JsonBytes(std::string_view text) {
  int64_t bytes = 2;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    bytes += byte < 0x20 ? 6 : c == '"' || c == '\\' ? 2 : 1;
  }
  return bytes;
}

}  // namespace dcp::spark_connect
