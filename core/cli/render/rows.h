// SPDX-License-Identifier: Apache-2.0
//
// Rows that a preview shows: as a table for people, as CSV for programs. The values are
// production's data, so nothing in them may drive a terminal.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dcp/v1/dcp.pb.h"

namespace dcp::cli {

/// A cell wider than this makes a table that nobody reads; -o json and csv have it whole.
inline constexpr size_t kCellWidthMax = 40;

struct ShownRows {
  struct Column {
    std::string name;
    std::string type;
  };
  std::vector<Column> columns;
  /// The contract's values as text, nested ones as JSON; none is NULL.
  std::vector<std::vector<std::optional<std::string>>> rows;
  bool more_rows = false;
  bool truncated = false;
};

/// Of a dataset of a PreviewReport, or of a TestReport with rows, as JSON; none when it has no
/// rows.
std::optional<ShownRows> ShownRowsOf(const std::string& dataset_json);
/// Of each dataset of the report.
std::vector<ShownRows> ShownRowsOf(const v1::Run& run);

/// Columns that line up, numbers to the right, and a line that says how many rows there are.
std::string RowsText(const ShownRows& shown, const std::string& indent);
/// RFC 4180 in UTF-8: NULL is empty, and an empty text is "".
std::string RowsCsv(const ShownRows& shown);

/// Columns of a terminal that the text takes: 2 for wide characters, 0 for combining ones.
size_t DisplayWidth(std::string_view text);
/// One line: control characters, and those that turn the direction of text, as escapes.
std::string OneLine(std::string_view text);

}  // namespace dcp::cli
