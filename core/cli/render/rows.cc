// SPDX-License-Identifier: Apache-2.0
//
// Rows that a preview shows.
#include "cli/render/rows.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

namespace dcp::cli {
namespace {

using nlohmann::json;

struct Range {
  uint32_t first;
  uint32_t last;
};
// Characters that terminals draw over the one before, and those that they draw two columns wide:
// the blocks that data holds, not every character of Unicode.
constexpr std::array<Range, 9> kNarrowest = {{{0x300, 0x36F},
                                              {0x483, 0x489},
                                              {0x591, 0x5BD},
                                              {0x1AB0, 0x1AFF},
                                              {0x200B, 0x200D},
                                              {0x20D0, 0x20FF},
                                              {0xFE00, 0xFE0F},
                                              {0xFE20, 0xFE2F},
                                              {0xE0100, 0xE01EF}}};
constexpr std::array<Range, 14> kWide = {{{0x1100, 0x115F},
                                          {0x2E80, 0x303E},
                                          {0x3041, 0x33FF},
                                          {0x3400, 0x4DBF},
                                          {0x4E00, 0x9FFF},
                                          {0xA000, 0xA4CF},
                                          {0xAC00, 0xD7A3},
                                          {0xF900, 0xFAFF},
                                          {0xFE30, 0xFE6F},
                                          {0xFF00, 0xFF60},
                                          {0xFFE0, 0xFFE6},
                                          {0x1F300, 0x1F64F},
                                          {0x1F680, 0x1F9FF},
                                          {0x20000, 0x3FFFD}}};

template <size_t N>
bool IsIn(const std::array<Range, N>& ranges, uint32_t code) {
  return std::any_of(ranges.begin(), ranges.end(), [code](const Range& range) {
    return code >= range.first && code <= range.last;
  });
}

// The character at the front, and how many bytes it is; of bytes that are none, the first.
struct Character {
  uint32_t code;
  size_t bytes;
};
Character FrontOf(std::string_view text) {
  const auto at = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = at(0);
  const size_t length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (length == 1 || first < 0xC0 || text.size() < length) return {first, 1};
  uint32_t code = first & (0xFFU >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0) != 0x80) return {first, 1};
    code = (code << 6) | (at(i) & 0x3FU);
  }
  return {code, length};
}

size_t WidthOf(uint32_t code) { return IsIn(kNarrowest, code) ? 0 : IsIn(kWide, code) ? 2 : 1; }

// C0, DEL and C1 (some terminals obey the latter), line ends of Unicode, turners of direction.
bool IsControl(uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code <= 0x9F) || code == 0x61C ||
         (code >= 0x200E && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

std::string Escaped(uint32_t code) {
  if (code == '\n') return "\\n";
  if (code == '\t') return "\\t";
  if (code == '\r') return "\\r";
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = code < 0x100 ? "\\x" : "\\u";
  for (int shift = code < 0x100 ? 4 : 12; shift >= 0; shift -= 4)
    text += kDigits[(code >> shift) & 15];
  return text;
}

bool IsFloating(const std::string& type) { return type == "float" || type == "double"; }
bool IsNumber(const std::string& type) {
  constexpr std::array<std::string_view, 4> kIntegers = {"tinyint", "smallint", "int", "bigint"};
  return IsFloating(type) || type.starts_with("decimal(") ||
         std::find(kIntegers.begin(), kIntegers.end(), type) != kIntegers.end();
}

std::optional<std::string> CellOf(const json& value, const std::string& type) {
  if (value.is_null()) return std::nullopt;
  if (value.is_string()) return value.get<std::string>();
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  // Protobuf's JSON has no fraction where there is none to write: 5.0 comes as 5.
  if (IsFloating(type) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string Cut(const std::string& text) {
  if (DisplayWidth(text) <= kCellWidthMax) return text;
  std::string cut;
  size_t width = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const Character next = FrontOf(rest);
    width += WidthOf(next.code);
    if (width > kCellWidthMax - 1) break;  // the mark takes one
    cut += rest.substr(0, next.bytes);
    rest.remove_prefix(next.bytes);
  }
  return cut + "…";
}

// A text that could be taken for NULL, or for nothing, stands in quotes.
std::string Seen(const std::optional<std::string>& cell) {
  if (!cell) return "NULL";
  const bool quote = cell->empty() || *cell == "NULL" || cell->front() == ' ' ||
                     cell->back() == ' ' || cell->front() == '"';
  return Cut(quote ? "\"" + OneLine(*cell) + "\"" : OneLine(*cell));
}

std::string CountText(const ShownRows& shown) {
  const size_t count = shown.rows.size();
  std::string text = std::to_string(count) + (count == 1 ? " row" : " rows");
  if (shown.more_rows) text += "; there are more (--rows)";
  if (shown.truncated) text += "; the rest is over the size limit of a preview";
  return text;
}

std::string CsvField(const std::string& text) {
  const bool quote = text.empty() || text.find_first_of(",\"\r\n") != std::string::npos ||
                     text.front() == ' ' || text.back() == ' ';
  if (!quote) return text;
  std::string field = "\"";
  for (const char c : text) {
    field += c;
    if (c == '"') field += c;
  }
  return field + "\"";
}

}  // namespace

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const Character next = FrontOf(text);
    width += WidthOf(next.code);
    text.remove_prefix(next.bytes);
  }
  return width;
}

std::string OneLine(std::string_view text) {
  std::string line;
  while (!text.empty()) {
    const Character next = FrontOf(text);
    line += IsControl(next.code) ? Escaped(next.code) : std::string(text.substr(0, next.bytes));
    text.remove_prefix(next.bytes);
  }
  return line;
}

std::optional<ShownRows> ShownRowsOf(const std::string& dataset_json) {
  const json dataset = json::parse(dataset_json, nullptr, false);
  if (!dataset.is_object()) return std::nullopt;
  const json& holder =
      dataset.contains("preview") && dataset["preview"].is_object() ? dataset["preview"] : dataset;
  if (!holder.contains("rows") || !holder["rows"].is_array()) return std::nullopt;
  ShownRows shown;
  for (const json& column : dataset.value("columns", json::array())) {
    shown.columns.push_back({column.value("name", ""), column.value("type", "")});
  }
  for (const json& row : holder["rows"]) {
    auto& cells = shown.rows.emplace_back();
    for (size_t i = 0; i < shown.columns.size(); ++i) {
      const bool has = row.is_array() && i < row.size();
      cells.push_back(has ? CellOf(row[i], shown.columns[i].type) : std::nullopt);
    }
  }
  shown.more_rows = holder.value("moreRows", false);
  shown.truncated = holder.value("truncated", false);
  return shown;
}

std::vector<ShownRows> ShownRowsOf(const v1::Run& run) {
  std::vector<ShownRows> all;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(run.report(), &text).ok()) return all;
  const json report = json::parse(text, nullptr, false);
  if (!report.is_object() || !report.contains("body")) return all;
  for (const json& dataset : report["body"].value("datasets", json::array())) {
    if (auto shown = ShownRowsOf(dataset.dump())) all.push_back(*std::move(shown));
  }
  return all;
}

std::string RowsText(const ShownRows& shown, const std::string& indent) {
  std::vector<std::vector<std::string>> lines(1);
  std::vector<size_t> widths;
  for (const auto& column : shown.columns) lines[0].push_back(Cut(OneLine(column.name)));
  for (const auto& row : shown.rows) {
    auto& line = lines.emplace_back();
    for (const auto& cell : row) line.push_back(Seen(cell));
  }
  for (size_t i = 0; i < shown.columns.size(); ++i) {
    size_t width = 0;
    for (const auto& line : lines) width = std::max(width, DisplayWidth(line[i]));
    widths.push_back(width);
  }
  std::string text;
  for (const auto& line : lines) {
    std::string out = indent;
    for (size_t i = 0; i < line.size(); ++i) {
      const std::string padding(widths[i] - DisplayWidth(line[i]), ' ');
      out += IsNumber(shown.columns[i].type) ? padding + line[i] : line[i] + padding;
      if (i + 1 < line.size()) out += "  ";
    }
    out.erase(out.find_last_not_of(' ') + 1);
    text += out + "\n";
  }
  return text + indent + CountText(shown) + "\n";
}

std::string RowsCsv(const ShownRows& shown) {
  std::string text;
  const auto end_field = [&](size_t i) { text += i + 1 < shown.columns.size() ? "," : "\r\n"; };
  for (size_t i = 0; i < shown.columns.size(); ++i) {
    text += CsvField(shown.columns[i].name);
    end_field(i);
  }
  for (const auto& row : shown.rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      if (row[i]) text += CsvField(*row[i]);
      end_field(i);
    }
  }
  return text;
}

}  // namespace dcp::cli
