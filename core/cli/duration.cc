// SPDX-License-Identifier: Apache-2.0
//
// Durations as people write and read them.
#include "cli/duration.h"

#include <algorithm>
#include <array>
#include <utility>

namespace dcp::cli {
namespace {

constexpr std::array<std::pair<std::string_view, int64_t>, 5> kUnits = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr int64_t kDurationMax = int64_t{3650} * 86'400'000;  // ten years: a slip beyond

Status Wrong(const std::string& text) {
  return InvalidArgument("\"" + text.substr(0, 80) + "\" is not a duration")
      .WithHint("write a number and a unit: 72h, 15m, 90s, 14d");
}

}  // namespace

Result<int64_t> ParseDuration(const std::string& text) {
  int64_t total = 0;
  size_t at = 0;
  while (at < text.size()) {
    int64_t number = 0;
    size_t digits = 0;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      number = number * 10 + (text[at++] - '0');
      if (++digits > 12) return Wrong(text);
    }
    size_t end = at;
    while (end < text.size() && (text[end] < '0' || text[end] > '9')) ++end;
    const std::string_view unit = std::string_view(text).substr(at, end - at);
    int64_t scale = 0;
    for (const auto& [name, milliseconds] : kUnits) {
      if (name == unit) scale = milliseconds;
    }
    if (digits == 0 || scale == 0 || number > kDurationMax / scale) return Wrong(text);
    total += number * scale;
    at = end;
  }
  if (total <= 0 || total > kDurationMax) return Wrong(text);
  return total;
}

std::string FormatDuration(int64_t milliseconds) {
  if (milliseconds < 1'000) return std::to_string(std::max<int64_t>(milliseconds, 0)) + " ms";
  if (milliseconds < 60'000) {
    return std::to_string(milliseconds / 1'000) + "." + std::to_string(milliseconds % 1'000 / 100) +
           " s";
  }
  std::string text;
  int parts = 0;
  for (const auto& [name, scale] : kUnits) {
    if (scale < 1'000 || parts == 2) break;
    const int64_t count = milliseconds / scale;
    milliseconds %= scale;
    if (count == 0) {
      if (parts > 0) break;
      continue;
    }
    text += (parts++ > 0 ? " " : "") + std::to_string(count) + std::string(name);
  }
  return text;
}

}  // namespace dcp::cli
