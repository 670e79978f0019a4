// SPDX-License-Identifier: Apache-2.0
//
// Reads the few forms of Markdown that the page of error ids uses.
#include "cli/error_page.h"

#include <algorithm>

namespace dcp::cli {
namespace {

constexpr size_t kIdDigits = 4;
constexpr size_t kCells = 3;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsId(std::string_view text) {
  return text.starts_with("PZ") && text.size() == 2 + kIdDigits &&
         std::all_of(text.begin() + 2, text.end(), IsDigit);
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

/// "[words](address)" becomes "words": an address within the repository is of no use elsewhere.
std::string Plain(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t close = text.front() == '[' ? text.find(']') : text.npos;
    const bool link = close != text.npos && text.substr(close).starts_with("](");
    const size_t end = link ? text.find(')', close) : text.npos;
    if (end == text.npos) {
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    out += text.substr(1, close - 1);
    text.remove_prefix(end + 1);
  }
  return out;
}

/// The cells of "| a | b |"; "\|" is a bar within a cell. Empty when the line is no row.
std::vector<std::string> Cells(std::string_view line) {
  line = Trim(line);
  if (line.size() < 2 || line.front() != '|' || line.back() != '|') return {};
  std::vector<std::string> cells;
  std::string cell;
  for (size_t i = 1; i < line.size(); ++i) {
    if (line[i] == '\\' && i + 1 < line.size() && line[i + 1] == '|') {
      cell += line[++i];
    } else if (line[i] == '|') {
      cells.push_back(Plain(Trim(cell)));
      cell.clear();
    } else {
      cell += line[i];
    }
  }
  return cells;
}

}  // namespace

std::vector<ErrorEntry> ParseErrorPage(std::string_view page) {
  std::vector<ErrorEntry> entries;
  std::string block;
  while (!page.empty()) {
    const size_t end = page.find('\n');
    const std::string_view line = page.substr(0, end);
    page.remove_prefix(end == page.npos ? page.size() : end + 1);
    if (const size_t colon = line.find(": "); line.starts_with("## ") && colon != line.npos) {
      block = Plain(Trim(line.substr(colon + 2)));
    }
    std::vector<std::string> cells = Cells(line);
    if (cells.size() != kCells || !IsId(cells[0])) continue;
    entries.push_back({std::move(cells[0]), block, std::move(cells[1]), std::move(cells[2])});
  }
  return entries;
}

std::string FullErrorId(std::string_view typed) {
  std::string_view digits = typed;
  if (digits.size() > 2 && (digits[0] == 'P' || digits[0] == 'p') &&
      (digits[1] == 'Z' || digits[1] == 'z')) {
    digits.remove_prefix(2);
  }
  const bool number = !digits.empty() && digits.size() <= kIdDigits &&
                      std::all_of(digits.begin(), digits.end(), IsDigit);
  if (!number) return std::string(typed);
  return "PZ" + std::string(kIdDigits - digits.size(), '0') + std::string(digits);
}

}  // namespace dcp::cli
