// SPDX-License-Identifier: Apache-2.0
//
// A light look at SQL text, to tell people early what is plainly wrong. It knows Spark's lexical
// rules, not its grammar: the engine, and the test backend's screen, have the last word.
#pragma once

#include <dcp/sdk/yaml.h>

#include <string>
#include <string_view>
#include <vector>

namespace dcp::derived_dataset {

/// Bytes of one query: as much as the test backend shows to Spark, and twenty times the longest one
/// that we have seen a person write.
inline constexpr size_t kSqlBytesMax = size_t{1} << 20;

struct SqlIssue {
  const char* code = "";
  std::string message;
  std::string hint;
  sdk::yaml::Position at;  ///< in the SQL text
};

struct SqlParam {
  std::string name;
  sdk::yaml::Position at;
};

struct SqlScan {
  std::vector<SqlIssue> issues;
  std::vector<SqlParam> params;    ///< each use of `:name`
  std::vector<std::string> names;  ///< dotted names ("prod.nyc.flights"), each once
  std::string query;               ///< the text without closing semicolons and what follows them
};

SqlScan ScanSql(std::string_view text);

}  // namespace dcp::derived_dataset
