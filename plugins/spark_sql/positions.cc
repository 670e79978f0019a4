// SPDX-License-Identifier: Apache-2.0
#include "spark_sql/positions.h"

#include <algorithm>
#include <charconv>

namespace dcp::spark_sql {
namespace {

bool StartsCodePoint(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

// Byte offset of the code point with index `wanted`; the size of the text when it has fewer.
size_t ByteOfCodePoint(std::string_view text, int64_t wanted) {
  int64_t index = -1;
  for (size_t i = 0; i < text.size(); ++i) {
    if (StartsCodePoint(text[i]) && ++index == wanted) return i;
  }
  return text.size();
}

// End of the text without the white space behind it.
size_t TrimmedEnd(std::string_view sql) {
  const size_t last = sql.find_last_not_of(" \t\r\n");
  return last == std::string_view::npos ? 0 : last + 1;
}

Span EndOf(std::string_view sql) {
  const Place end = PlaceOfByte(sql, TrimmedEnd(sql));
  return {end, end, true};
}

// The number at the front of `text`, which is cut behind it.
std::optional<int64_t> TakeNumber(std::string_view& text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

}  // namespace

std::string Wrap(std::string_view sql) {
  std::string out(kWrapPrefix);
  out += sql;
  out += kWrapSuffix;
  return out;
}

Place PlaceOfByte(std::string_view sql, size_t offset) {
  Place place{1, 1};
  for (size_t i = 0; i < std::min(offset, sql.size()); ++i) {
    if (sql[i] == '\n') {
      ++place.line;
      place.column = 1;
    } else if (i > 0 ? StartsCodePoint(sql[i]) : true) {
      ++place.column;
    }
  }
  return place;
}

Span SpanOfBytes(std::string_view sql, size_t begin, size_t end) {
  return {PlaceOfByte(sql, begin), PlaceOfByte(sql, std::max(begin, end)), false};
}

std::optional<Span> SpanOfIndices(std::string_view sql, int64_t start, int64_t stop) {
  const int64_t begin = start - static_cast<int64_t>(kWrapPrefix.size());
  if (begin < 0) return std::nullopt;
  const size_t first = ByteOfCodePoint(sql, begin);
  if (first >= sql.size()) return EndOf(sql);
  const int64_t last = std::max(begin, stop - static_cast<int64_t>(kWrapPrefix.size()));
  return SpanOfBytes(sql, first, ByteOfCodePoint(sql, last + 1));
}

std::optional<Span> SpanOfLine(std::string_view sql, int64_t line, int64_t pos) {
  if (line < 2 || pos < 0) return std::nullopt;  // line 1 is the wrapper's own
  size_t begin = 0;
  for (int64_t i = 2; i < line; ++i) {
    const size_t feed = sql.find('\n', begin);
    if (feed == std::string_view::npos) return EndOf(sql);
    begin = feed + 1;
  }
  const size_t feed = std::min(sql.find('\n', begin), sql.size());
  const size_t at = begin + ByteOfCodePoint(sql.substr(begin, feed - begin), pos);
  if (at >= TrimmedEnd(sql)) return EndOf(sql);
  return SpanOfBytes(sql, at, at);
}

std::optional<LinePos> FindLinePos(std::string_view message) {
  std::optional<LinePos> found;
  for (size_t at = message.find("line "); at != std::string_view::npos;
       at = message.find("line ", at + 1)) {
    std::string_view rest = message.substr(at + 5);
    const auto line = TakeNumber(rest);
    if (!line) continue;
    if (rest.starts_with(",")) rest.remove_prefix(1);
    // "position" counts from 1, "pos" from 0.
    const bool from_one = rest.starts_with(" position ");
    if (!from_one && !rest.starts_with(" pos ")) continue;
    rest.remove_prefix(from_one ? 10 : 5);
    if (const auto pos = TakeNumber(rest)) found = LinePos{*line, from_one ? *pos - 1 : *pos};
  }
  return found;
}

Place ToFile(const Origin& origin, Place place) {
  if (!origin.known || place.line == 0) return place;
  // Of a quoted or folded scalar only the start is known; a column would be a guess.
  if (!origin.exact) return {origin.line, 0};
  const int32_t offset = place.line == 1 ? origin.first_line_offset : origin.line_offset;
  return {origin.line + place.line - 1, place.column == 0 ? 0 : place.column + offset};
}

}  // namespace dcp::spark_sql
