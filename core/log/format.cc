// SPDX-License-Identifier: Apache-2.0
//
// Formats log lines as text (for people) and JSON (for machines), and the catalogue as Markdown.
#include "log/format.h"

#include <array>
#include <cstdint>

namespace dcp::log {
namespace {

constexpr auto kMessages = std::to_array<Message>({
#define DCP_LOG_MESSAGE(name, level, text, meaning, action) \
  {std::string_view(#name).substr(1), Level::level, text, meaning, action},
#include "log/messages.inc"
#undef DCP_LOG_MESSAGE
});

constexpr std::string_view kCut = "... (cut)";
constexpr char kHexDigits[] = "0123456789abcdef";

std::string_view LevelName(Level level) {
  switch (level) {
    case Level::kTrace:
      return "trace";
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
  }
  return "error";
}

struct CodePoint {
  uint32_t value = 0;
  size_t bytes = 0;  ///< 0: not well-formed UTF-8
};

CodePoint Decode(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(text[i])); };
  const uint32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return {};
  uint32_t value = first & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    value = (value << 6) | (byte(i) & 0x3F);
  }
  const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  if (overlong || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
  return {value, length};
}

/// Ends a line, moves the cursor, or turns the direction of what follows: nothing that a value may
/// do to a reader's terminal.
bool IsHostile(uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029 ||
         (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

void AppendHex(uint32_t value, int digits, std::string* out) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
    *out += kHexDigits[(value >> shift) & 0xF];
  }
}

enum class Form { kPlain, kQuoted, kJson };

/// The body of a string that goes without quotes, in quotes, or into JSON. Outside JSON, bytes that
/// are not UTF-8 are shown.
void AppendEscaped(std::string_view text, Form form, size_t bytes_max, std::string* out) {
  const bool cut = text.size() > bytes_max;
  text = text.substr(0, bytes_max);
  while (!text.empty()) {
    const CodePoint point = Decode(text);
    if (point.bytes == 0) {
      if (form == Form::kJson) {
        *out += "\\ufffd";
      } else {
        *out += "\\x";
        AppendHex(static_cast<uint8_t>(text[0]), 2, out);
      }
      text.remove_prefix(1);
      continue;
    }
    if (form != Form::kPlain && (point.value == '"' || point.value == '\\')) {
      *out += '\\';
      *out += text[0];
    } else if (point.value == '\n') {
      *out += "\\n";
    } else if (point.value == '\t') {
      *out += "\\t";
    } else if (IsHostile(point.value)) {
      *out += "\\u";
      AppendHex(point.value, 4, out);
    } else {
      *out += text.substr(0, point.bytes);
    }
    text.remove_prefix(point.bytes);
  }
  if (cut) *out += kCut;
}

void AppendQuoted(std::string_view text, bool json, std::string* out) {
  *out += '"';
  AppendEscaped(text, json ? Form::kJson : Form::kQuoted, kFieldBytesMax, out);
  *out += '"';
}

bool IsPlainWord(std::string_view text) {
  if (text.empty() || text.size() > kFieldBytesMax) return false;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       std::string_view("_-.:/+,@%").find(c) != std::string_view::npos;
    if (!plain) return false;
  }
  return true;
}

}  // namespace

std::string OneLine(std::string_view text, size_t bytes_max) {
  std::string line;
  AppendEscaped(text, Form::kPlain, bytes_max, &line);
  return line;
}

std::string FormatText(WallMillis time, const Message& message, std::span<const Field> fields) {
  std::string line = FormatTime(time);
  line += ' ';
  line += LevelName(message.level);
  line += ' ';
  line += message.name;
  line += ": ";
  line += message.text;
  for (const Field& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    if (IsPlainWord(field.value)) {
      line += field.value;
    } else {
      AppendQuoted(field.value, false, &line);
    }
  }
  return line;
}

std::string FormatJson(WallMillis time, const Message& message, std::span<const Field> fields) {
  std::string line = "{\"time\":\"" + FormatTime(time) + "\",\"level\":\"";
  line += LevelName(message.level);
  line += "\",\"id\":\"";
  line += message.name;
  line += "\",\"text\":";
  AppendQuoted(message.text, true, &line);
  if (fields.size() > 0) line += ",\"fields\":";
  char before = '{';
  for (const Field& field : fields) {
    line += before;
    before = ',';
    AppendQuoted(field.key, true, &line);
    line += ':';
    AppendQuoted(field.value, true, &line);
  }
  if (fields.size() > 0) line += '}';
  return line + '}';
}

std::span<const Message> Catalogue() { return kMessages; }

const Message& MessageOf(Id id) { return kMessages.at(static_cast<size_t>(id)); }

std::string CatalogueMarkdown() {
  std::string page =
      "# Log messages\n\n"
      "Every line that `dcpd` logs has one of these ids. Made from `core/log/messages.inc` by\n"
      "`ninja log-messages`; do not edit.\n";
  for (const Message& message : kMessages) {
    page += "\n## " + std::string(message.name) + "\n\n";
    page += std::string(LevelName(message.level)) + ": \"" + std::string(message.text) + "\"\n\n";
    page += "* What it means: " + std::string(message.meaning) + "\n";
    page += "* What to do: " + std::string(message.action) + "\n";
  }
  return page;
}

}  // namespace dcp::log
