// SPDX-License-Identifier: Apache-2.0
#include "store/migrations.h"

namespace dcp::store {
namespace {

constexpr Migration kMigrations[] = {
#include "migrations.inc"
};

/// Whether there is anything but blanks and whole-line comments.
bool SaysSomething(std::string_view statement) {
  while (!statement.empty()) {
    const size_t end = statement.find('\n');
    const std::string_view line = statement.substr(0, end);
    const size_t first = line.find_first_not_of(" \t\r");
    if (first != line.npos && line.substr(first, 2) != "--") return true;
    if (end == statement.npos) return false;
    statement.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace

std::span<const Migration> Migrations() { return kMigrations; }

std::vector<std::string_view> Statements(std::string_view script) {
  std::vector<std::string_view> statements;
  size_t begin = 0;
  while (begin < script.size()) {
    const size_t mark = script.find(";\n", begin);
    const size_t end = mark == script.npos ? script.size() : mark + 1;
    const std::string_view statement = script.substr(begin, end - begin);
    if (SaysSomething(statement)) statements.push_back(statement);
    begin = end;
  }
  return statements;
}

}  // namespace dcp::store
