// SPDX-License-Identifier: Apache-2.0
//
// What Spark says when it refuses a plan, in one shape, whichever way it says it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client.h"
#include "positions.h"

namespace dcp::spark_connect {

struct EngineError {
  std::string error_id;  ///< for FetchErrorDetails; empty when the server keeps no details
  std::string error_class;
  std::string sql_state;
  std::string message;  ///< as the engine wrote it
  std::map<std::string, std::string> parameters;
  std::vector<std::string> exceptions;  ///< class names, most special first; of causes too
  int64_t start_index = -1;             ///< in the wrapped text, code points
  int64_t stop_index = -1;
};

/// What the trailer of a failed RPC holds. [any]
EngineError FromFailure(const RpcFailure& failure);

/// Adds what FetchErrorDetails answered. [any]
void AddDetails(const spark::connect::FetchErrorDetailsResponse& response, EngineError* error);

/// Whether the person's query is at fault (a finding), rather than the engine or a catalog.
bool IsAboutQuery(const EngineError& error);
/// The server no longer has the session: a new one may help.
bool IsSessionLost(const EngineError& error);

/// One paragraph: without class, SQLSTATE, position and plan. [any]
std::string CleanMessage(std::string_view message);

/// Where in the person's SQL, if the engine said so. [any]
std::optional<Span> WhereIn(std::string_view sql, const EngineError& error);

/// Names out of "`a`, `b`.`c`", without quotes. [any]
std::vector<std::string> ParseNames(std::string_view list);

/// What to do, from what the engine suggests; may be empty. [any]
std::string HintFor(const EngineError& error);

/// A failure that is nobody's SQL, as the call's error. [any]
sdk::Error ToCallError(const EngineError& error, const RpcFailure& failure, const Client& client);

}  // namespace dcp::spark_connect
