// SPDX-License-Identifier: Apache-2.0
#include "engine_error.h"

#include <dcp/spark_connect/rpc_status.pb.h>
#include <spark/connect/base.pb.h>

#include <nlohmann/json.hpp>

namespace dcp::spark_connect {
namespace {

// Causes that are followed: Spark itself sends five.
constexpr int kCausesMax = 8;

void ReadInfo(const RpcErrorInfo& info, EngineError* error) {
  using nlohmann::json;
  const auto get = [&](const char* key) {
    const auto found = info.metadata().find(key);
    return found == info.metadata().end() ? std::string() : found->second;
  };
  error->error_id = get("errorId");
  error->error_class = get("errorClass");
  error->sql_state = get("sqlState");
  const json classes = json::parse(get("classes"), nullptr, false);
  if (classes.is_array()) {
    for (const json& name : classes) {
      if (name.is_string()) error->exceptions.push_back(name.get<std::string>());
    }
  }
  const json parameters = json::parse(get("messageParameters"), nullptr, false);
  if (parameters.is_object()) {
    for (const auto& [key, value] : parameters.items()) {
      if (value.is_string()) error->parameters[key] = value.get<std::string>();
    }
  }
}

}  // namespace

EngineError FromFailure(const RpcFailure& failure) {
  EngineError error;
  error.message = failure.message;
  RpcStatus status;
  if (!status.ParseFromString(failure.details)) return error;
  for (const auto& any : status.details()) {
    RpcErrorInfo info;
    if (any.type_url().ends_with("/google.rpc.ErrorInfo") && info.ParseFromString(any.value())) {
      ReadInfo(info, &error);
    }
  }
  return error;
}

void AddDetails(const spark::connect::FetchErrorDetailsResponse& response, EngineError* error) {
  if (!response.has_root_error_idx()) return;
  int index = response.root_error_idx();
  if (index < 0 || index >= response.errors_size()) return;
  const auto& root = response.errors(index);
  error->message = root.message();
  error->exceptions.clear();
  for (int depth = 0; depth < kCausesMax; ++depth) {
    const auto& cause = response.errors(index);
    for (const std::string& name : cause.error_type_hierarchy()) error->exceptions.push_back(name);
    if (!cause.has_cause_idx() || cause.cause_idx() < 0 ||
        cause.cause_idx() >= response.errors_size()) {
      break;
    }
    index = cause.cause_idx();
  }
  if (!root.has_spark_throwable()) return;
  const auto& throwable = root.spark_throwable();
  if (throwable.has_error_class()) error->error_class = throwable.error_class();
  if (throwable.has_sql_state()) error->sql_state = throwable.sql_state();
  for (const auto& [key, value] : throwable.message_parameters()) error->parameters[key] = value;
  for (const auto& context : throwable.query_contexts()) {
    // Indices of a view's body are of no use in the person's text.
    if (context.context_type() != spark::connect::FetchErrorDetailsResponse::QueryContext::SQL ||
        !context.object_type().empty() || error->start_index >= 0) {
      continue;
    }
    error->start_index = context.start_index();
    error->stop_index = context.stop_index();
  }
}

bool IsSessionLost(const EngineError& error) {
  return error.error_class.starts_with("INVALID_HANDLE.SESSION_") ||
         error.message.find("[INVALID_HANDLE.SESSION_") != std::string::npos;
}

sdk::Error ToCallError(const EngineError& error, const RpcFailure& failure, const Client& client) {
  const bool spark_spoke = !error.exceptions.empty() || !error.error_class.empty();
  const bool of_the_query = failure.code == DCP_INTERNAL || failure.code == DCP_UNKNOWN;
  // Without an exception of Spark's the words are gRPC's, about the connection.
  if (!of_the_query || !spark_spoke) return client.ToError(failure);
  return NotTheQuery(error);
}

}  // namespace dcp::spark_connect
