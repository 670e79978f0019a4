// SPDX-License-Identifier: Apache-2.0
//
// The schema's history, compiled in from schema/*.sql, and how a script is cut into statements.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace dcp::store {

struct Migration {
  int version = 0;
  std::string_view name;
  std::string_view sql;
};

/// All of them, 1, 2, 3, ... without gaps.
std::span<const Migration> Migrations();

/// The statements of a script: each ends with a semicolon at the end of a line. Comments stay in.
std::vector<std::string_view> Statements(std::string_view script);

}  // namespace dcp::store
