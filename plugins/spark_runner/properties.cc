// SPDX-License-Identifier: Apache-2.0
//
// Escaping for java.util.Properties: separators and white space by backslash, everything beyond
// ASCII as UTF-16 escapes, so that no reader's idea of the encoding matters.
#include "properties.h"

#include <dcp/sdk/plugin.h>

#include <cstdint>

namespace dcp::spark_runner {
namespace {

void AppendUnit(uint32_t unit, std::string* out) {
  constexpr char kHex[] = "0123456789abcdef";
  *out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) *out += kHex[unit >> shift & 15];
}

void AppendCodePoint(uint32_t point, std::string* out) {
  if (point < 0x10000) return AppendUnit(point, out);
  point -= 0x10000;
  AppendUnit(0xD800 + (point >> 10), out);
  AppendUnit(0xDC00 + (point & 0x3FF), out);
}

std::string Escape(std::string_view text, bool is_key) {
  std::string out;
  bool first = true;
  while (!text.empty()) {
    const size_t length = sdk::detail::Utf8Length(text);
    const auto lead = static_cast<uint8_t>(text[0]);
    if (length == 0) {
      AppendUnit(0xFFFD, &out);
    } else if (length > 1) {
      uint32_t point = lead & (0x7Fu >> length);
      for (size_t i = 1; i < length; ++i) {
        point = point << 6 | (static_cast<uint8_t>(text[i]) & 0x3Fu);
      }
      AppendCodePoint(point, &out);
    } else if (lead < 0x20 || lead == 0x7F) {
      AppendUnit(lead, &out);
    } else {
      const bool special = text[0] == '\\' || (text[0] == ' ' && (is_key || first)) ||
                           (is_key && std::string_view("=:#!").find(text[0]) != std::string::npos);
      if (special) out += '\\';
      out += text[0];
    }
    first = false;
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

}  // namespace

std::string FormatProperties(const std::map<std::string, std::string>& properties) {
  std::string out;
  for (const auto& [key, value] : properties) {
    out += Escape(key, true) + "=" + Escape(value, false) + "\n";
  }
  return out;
}

std::string QuoteJavaOption(std::string_view option) {
  std::string out = "\"";
  for (const char c : option) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace dcp::spark_runner
