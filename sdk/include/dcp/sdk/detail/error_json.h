// SPDX-License-Identifier: Apache-2.0
//
// An Error in the contract's JSON form. Included by dcp/sdk/plugin.h alone.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace dcp::sdk {

namespace detail {

/// Length of the well-formed UTF-8 sequence at the start of `text`, 0 when there is none.
inline size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what lies beyond U+10FFFF.
  if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F)) return 0;
  if ((lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)) return 0;
  return length;
}

/// Appends `text` as a JSON string. Bytes that are not UTF-8 become U+FFFD, so that the result is
/// always valid JSON, whatever a library put into its message.
inline void AppendJsonString(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text[0]);
    const size_t length = Utf8Length(text);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += text[0];
    } else if (c < 0x20 || c == 0x7F) {
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 0xF];
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  out += '"';
}

}  // namespace detail

inline std::string ErrorToJson(const Error& error) {
  std::string out = "{";
  const auto add = [&out](std::string_view key, std::string_view value) {
    if (value.empty()) return;
    if (out.size() > 1) out += ',';
    detail::AppendJsonString(out, key);
    out += ':';
    detail::AppendJsonString(out, value);
  };
  add("id", error.id);
  add("message", error.message);
  add("hint", error.hint);
  if (!error.file.empty() || error.line > 0) {
    if (out.size() > 1) out += ',';
    out += "\"location\":{\"file\":";
    detail::AppendJsonString(out, error.file);
    out += ",\"line\":" + std::to_string(error.line);
    out += ",\"column\":" + std::to_string(error.column) + "}";
  }
  return out + "}";
}

}  // namespace dcp::sdk
