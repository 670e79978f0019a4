// SPDX-License-Identifier: Apache-2.0
//
// What Spark says when it refuses a plan, in one shape, whichever way it says it (over Spark
// Connect, or in the result of a batch job), and what that means.
#pragma once

#include <dcp/sdk/plugin.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spark_sql/positions.h"

namespace dcp::spark_sql {

struct EngineError {
  std::string error_id;  ///< by which a server is asked for more; empty when it keeps no more
  std::string error_class;
  std::string sql_state;
  std::string message;  ///< as the engine wrote it
  std::map<std::string, std::string> parameters;
  std::vector<std::string> exceptions;  ///< class names, most special first; of causes too
  int64_t start_index = -1;             ///< in the wrapped text, code points
  int64_t stop_index = -1;
};

/// Whether the person's query is at fault (a finding), rather than the engine or a catalog.
bool IsAboutQuery(const EngineError& error);

/// One paragraph: without class, SQLSTATE, position and plan. [any]
std::string CleanMessage(std::string_view message);

/// Where in the person's SQL, if the engine said so. [any]
std::optional<Span> WhereIn(std::string_view sql, const EngineError& error);

/// Names out of "`a`, `b`.`c`", without quotes. [any]
std::vector<std::string> ParseNames(std::string_view list);

/// What to do, from what the engine suggests; may be empty. [any]
std::string HintFor(const EngineError& error);

/// A failure that is nobody's SQL, as the call's error: a catalog that does not answer, or Spark
/// itself. UNAVAILABLE where another try may end otherwise. [any]
sdk::Error NotTheQuery(const EngineError& error);

}  // namespace dcp::spark_sql
