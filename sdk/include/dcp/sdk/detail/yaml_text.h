// SPDX-License-Identifier: Apache-2.0
//
// The parts of yaml.h that look at characters: UTF-8, line starts, YAML 1.2's core scalars, and
// where a scalar's content stands in the file.
#pragma once

#include <cstdio>

namespace dcp::sdk::yaml::detail {

/// Length of the UTF-8 sequence at `at`, 0 when it is not one (overlong forms and surrogates are
/// none).
inline size_t Utf8Length(std::string_view text, size_t at) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char first = byte(at);
  if (first < 0x80) return 1;
  size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || at + length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80) return 0;
  }
  unsigned char second = byte(at + 1);
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
      (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) {
    return 0;
  }
  return length;
}

inline int CodePoints(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80;
  }));
}

/// A text with lines ended by '\n' alone, and the offset at which each begins.
class Lines {
 public:
  explicit Lines(std::string text) : text_(std::move(text)) {
    starts_.push_back(0);
    for (size_t i = 0; i < text_.size(); ++i) {
      if (text_[i] == '\n') starts_.push_back(i + 1);
    }
  }
  const std::string& text() const { return text_; }
  size_t count() const { return starts_.size(); }
  /// The line without its end; `line` counts from 0.
  std::string_view Line(size_t line) const {
    if (line >= starts_.size()) return {};
    size_t end = line + 1 < starts_.size() ? starts_[line + 1] - 1 : text_.size();
    return std::string_view(text_).substr(starts_[line], end - starts_[line]);
  }
  size_t Offset(int line, int byte_column) const {
    if (line < 0 || static_cast<size_t>(line) >= starts_.size()) return text_.size();
    return std::min(text_.size(),
                    starts_[static_cast<size_t>(line)] + static_cast<size_t>(byte_column));
  }
  /// Cheap when offsets mostly grow, as a parser's do: counting goes on from the place asked last,
  /// else a line of four megabytes would be counted anew for each of its values.
  Position At(size_t offset) const {
    size_t line = static_cast<size_t>(std::upper_bound(starts_.begin(), starts_.end(), offset) -
                                      starts_.begin() - 1);
    if (line != last_line_ || offset < last_offset_) {
      last_line_ = line;
      last_offset_ = starts_[line];
      last_column_ = 1;
    }
    std::string_view between = std::string_view(text_).substr(last_offset_, offset - last_offset_);
    last_column_ += CodePoints(between);
    last_offset_ = std::min(offset, text_.size());
    return {static_cast<int>(line) + 1, last_column_};
  }

 private:
  std::string text_;
  std::vector<size_t> starts_;
  mutable size_t last_line_ = 0;
  mutable size_t last_offset_ = 0;
  mutable int last_column_ = 1;
};

/// Ends lines with '\n', drops a byte order mark, and refuses what is not text.
inline std::optional<Lines> Clean(std::string_view raw, Problems& problems, const Limits& limits) {
  if (raw.size() > limits.bytes) {
    problems.Add({1, 1}, "the file has " + std::to_string(raw.size()) + " bytes; at most " +
                             std::to_string(limits.bytes) + " are read");
    return std::nullopt;
  }
  if (raw.starts_with("\xFF\xFE") || raw.starts_with("\xFE\xFF")) {
    problems.Add({1, 1}, "the file is UTF-16", "save it as UTF-8");
    return std::nullopt;
  }
  if (raw.starts_with("\xEF\xBB\xBF")) raw.remove_prefix(3);
  std::string text;
  text.reserve(raw.size());
  Position here{1, 1};
  for (size_t i = 0; i < raw.size();) {
    auto byte = static_cast<unsigned char>(raw[i]);
    char hex[8];
    std::snprintf(hex, sizeof hex, "0x%02X", static_cast<unsigned>(byte));
    size_t length = Utf8Length(raw, i);
    if (length == 0) {
      problems.Add(here, std::string("byte ") + hex + " is not valid UTF-8",
                   "save the file as UTF-8");
      return std::nullopt;
    }
    if (byte == '\r') {
      if (i + 1 >= raw.size() || raw[i + 1] != '\n') {
        problems.Add(here, "a carriage return without a line feed", "end lines with a line feed");
        return std::nullopt;
      }
    } else if ((byte < 0x20 && byte != '\t' && byte != '\n') || byte == 0x7F) {
      problems.Add(here, byte == 0 ? "a NUL byte" : std::string("the control character ") + hex,
                   "remove it, or write it as an escape in a double-quoted text");
      return std::nullopt;
    } else {
      text.append(raw.substr(i, length));
      here = byte == '\n' ? Position{here.line + 1, 1} : Position{here.line, here.column + 1};
    }
    i += length;
  }
  return Lines(std::move(text));
}

inline bool AllDigits(std::string_view text, std::string_view digits = "0123456789") {
  return !text.empty() && text.find_first_not_of(digits) == std::string_view::npos;
}

inline bool IsFloat(std::string_view text) {
  if (text == ".nan" || text == ".NaN" || text == ".NAN") return true;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (text == ".inf" || text == ".Inf" || text == ".INF") return true;
  size_t exponent = text.find_first_of("eE");
  if (exponent != std::string_view::npos) {
    std::string_view power = text.substr(exponent + 1);
    if (!power.empty() && (power[0] == '-' || power[0] == '+')) power.remove_prefix(1);
    if (!AllDigits(power)) return false;
    text = text.substr(0, exponent);
  }
  size_t dot = text.find('.');
  if (dot == std::string_view::npos) return AllDigits(text);
  std::string_view whole = text.substr(0, dot);
  std::string_view fraction = text.substr(dot + 1);
  if (whole.empty() && fraction.empty()) return false;
  return (whole.empty() || AllDigits(whole)) && (fraction.empty() || AllDigits(fraction));
}

/// What a plain scalar is by YAML 1.2's core schema (null never gets here).
inline Kind CoreKind(std::string_view text) {
  for (std::string_view word : {"true", "True", "TRUE", "false", "False", "FALSE"}) {
    if (text == word) return Kind::kBool;
  }
  if (text.starts_with("0x") && AllDigits(text.substr(2), "0123456789abcdefABCDEF"))
    return Kind::kInt;
  if (text.starts_with("0o") && AllDigits(text.substr(2), "01234567")) return Kind::kInt;
  std::string_view unsigned_text = text;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) unsigned_text.remove_prefix(1);
  if (AllDigits(unsigned_text)) return Kind::kInt;
  return IsFloat(text) ? Kind::kFloat : Kind::kText;
}

/// Where the content of the scalar that begins at `offset` stands.
inline SourceMap MapScalar(const Lines& lines, size_t offset, std::string_view content) {
  const std::string& text = lines.text();
  Position start = lines.At(offset);
  char first = offset < text.size() ? text[offset] : '\0';
  if (first == '|' || first == '>') {
    auto indent_of = [](std::string_view line) { return line.find_first_not_of(' '); };
    auto line = static_cast<size_t>(start.line);  // the line after the indicator, from 0
    while (line < lines.count() && indent_of(lines.Line(line)) == std::string_view::npos) ++line;
    size_t raw = line < lines.count() ? indent_of(lines.Line(line)) : 0;
    size_t own = 0;  // what the first line that is not blank keeps of its indentation
    for (size_t i = 0; i < content.size(); ++i) {
      if (content[i] == '\n') {
        own = 0;
      } else if (content[i] == ' ') {
        ++own;
      } else {
        break;
      }
    }
    int indent = static_cast<int>(raw >= own ? raw - own : 0);
    return {start.line + 1, indent, indent, first == '|'};
  }
  bool quoted = first == '\'' || first == '"';
  size_t begin = offset + (quoted ? 1 : 0);
  bool same = text.compare(std::min(begin, text.size()), content.size(), content) == 0 &&
              content.find('\n') == std::string_view::npos;
  if (quoted && same) {
    size_t end = begin + content.size();
    same = end < text.size() && text[end] == first;
  }
  return {start.line, start.column - 1 + (quoted ? 1 : 0), 0, same};
}

}  // namespace dcp::sdk::yaml::detail
