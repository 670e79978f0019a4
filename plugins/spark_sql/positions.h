// SPDX-License-Identifier: Apache-2.0
//
// Places: from bytes and from Spark's indices to lines and columns that a person can jump to.
// Spark's start_index and "pos" count Unicode code points from 0 (tested with an emoji in front of
// the error); its "line" counts from 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dcp::spark_sql {

/// What is put around a query: the prefix fixes the statement's kind, the line feeds defeat a
/// trailing comment. One line, kWrapPrefix.size() code points, in front of the person's text.
constexpr std::string_view kWrapPrefix = "SELECT * FROM (\n";
constexpr std::string_view kWrapSuffix = "\n)";

std::string Wrap(std::string_view sql);

/// A place in the person's SQL; both count from 1 (columns in code points); 0 is not known.
struct Place {
  int32_t line = 0;
  int32_t column = 0;
  friend bool operator==(const Place&, const Place&) = default;
};

/// Start and end (just behind the last character) of something in the SQL.
struct Span {
  Place begin;
  Place end;
  bool at_end = false;  ///< the engine ran off the end of the query
};

/// Byte offsets in `sql` (clamped to its size). [any]
Place PlaceOfByte(std::string_view sql, size_t offset);
Span SpanOfBytes(std::string_view sql, size_t begin, size_t end);

/// Spark's 0-based inclusive code point indices in Wrap(sql). Empty when they are not known (-1) or
/// lie in the prefix. [any]
std::optional<Span> SpanOfIndices(std::string_view sql, int64_t start, int64_t stop);

/// Spark's line (from 1) and pos (from 0) in Wrap(sql). [any]
std::optional<Span> SpanOfLine(std::string_view sql, int64_t line, int64_t pos);

/// The last "(line N, pos M)", "; line N pos M" or "== SQL (line N, position M) ==" of an error
/// message. `pos` from 0. [any]
struct LinePos {
  int64_t line = 0;
  int64_t pos = 0;
};
std::optional<LinePos> FindLinePos(std::string_view message);

/// Where the SQL stands in a file (the contract's SourceMap, without protobuf).
struct Origin {
  bool known = false;
  std::string file;
  int32_t line = 1;
  int32_t first_line_offset = 0;
  int32_t line_offset = 0;
  bool exact = true;
};

/// The place in the file of a place in the SQL. [any]
Place ToFile(const Origin& origin, Place place);

}  // namespace dcp::spark_sql
