// SPDX-License-Identifier: Apache-2.0
//
// Small pieces of text output: colour, display width, tables, times.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "cli/io.h"

namespace dcp::cli {

/// --color beats NO_COLOR beats CLICOLOR_FORCE beats "is it a terminal that can".
bool UseColor(const Io& io, const std::string& flag, bool is_terminal);

class Paint {
 public:
  explicit Paint(bool on = false) : on_(on) {}
  std::string Red(const std::string& text) const { return Wrap("31", text); }
  std::string Green(const std::string& text) const { return Wrap("32", text); }
  std::string Yellow(const std::string& text) const { return Wrap("33", text); }
  std::string Bold(const std::string& text) const { return Wrap("1", text); }
  /// By what the word means: PASSED green, FAILED red, RUNNING yellow, others plain.
  std::string State(const std::string& state) const;

 private:
  std::string Wrap(const char* code, const std::string& text) const;
  bool on_;
};

/// Code points, which is the width of all but a few scripts.
size_t Width(std::string_view text);
/// Control characters as \xNN: what a server or a file says must not drive the terminal.
std::string Printable(std::string_view text);

/// "12,345".
std::string Thousands(uint64_t number);

/// Columns that line up; no lines, no trailing spaces.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  size_t size() const { return rows_.size() - 1; }
  std::string Text(const std::string& indent = "") const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// "2026-01-02T03:04:05Z"; "-" for 0.
std::string TimeText(WallMillis time);
/// Of an expired playground: until when it can be taken back, and how.
std::string ExpiredText(const std::string& name, WallMillis purge_at);

/// "error PZ0101: message" with the place in front and the hint below.
std::string ErrorText(const Status& status, const Paint& paint);

}  // namespace dcp::cli
