// SPDX-License-Identifier: Apache-2.0
#include "engine_error.h"

#include <dcp/spark_connect/rpc_status.pb.h>
#include <spark/connect/base.pb.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "suggest.h"

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

bool HasException(const EngineError& error, std::string_view part) {
  return std::any_of(error.exceptions.begin(), error.exceptions.end(),
                     [&](const std::string& name) { return name.find(part) != std::string::npos; });
}

std::string Parameter(const EngineError& error, const char* key) {
  const auto found = error.parameters.find(key);
  return found == error.parameters.end() ? std::string() : found->second;
}

std::string Join(const std::vector<std::string>& names, std::string_view separator) {
  std::string out;
  for (const std::string& name : names) {
    if (!out.empty()) out += separator;
    out += name;
  }
  return out;
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

bool IsAboutQuery(const EngineError& error) {
  // A catalog that fails is wrapped in nothing, or in a class of its own.
  if (HasException(error, "org.apache.iceberg.exceptions.") &&
      !HasException(error, "ValidationException") && !HasException(error, "NoSuch")) {
    return HasException(error, "AnalysisException") && !HasException(error, "REST") &&
           !HasException(error, "Service") && !HasException(error, "NotAuthorized") &&
           !HasException(error, "Forbidden");
  }
  return !error.error_class.empty() || HasException(error, "AnalysisException");
}

std::string CleanMessage(std::string_view message) {
  std::string_view text = message;
  const auto cut = [&text](std::string_view mark) {
    text = text.substr(0, std::min(text.find(mark), text.size()));
  };
  while (!text.empty() && (text.front() == '\n' || text.front() == ' ')) text.remove_prefix(1);
  if (text.starts_with('[')) {
    const size_t close = text.find("] ");
    const std::string_view name = text.substr(1, close == std::string_view::npos ? 0 : close - 1);
    if (!name.empty() && name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") ==
                             std::string_view::npos) {
      text.remove_prefix(close + 2);
    }
  }
  cut(" SQLSTATE: ");
  cut("\n== SQL");
  cut("\n\nJVM stacktrace");
  if (const size_t line = text.find("; line "); line != std::string_view::npos) cut("; line ");
  // Advice for other situations, which Spark appends.
  cut(" Verify the spelling and correctness of the schema and catalog.");
  std::string out;
  for (const char c : text) {
    const char plain = c == '\n' || c == '\t' || c == '\r' ? ' ' : c;
    if (plain != ' ' || out.empty() || out.back() != ' ') out += plain;
  }
  while (!out.empty() && (out.back() == ' ' || out.back() == '.')) out.pop_back();
  return out;
}

std::optional<Span> WhereIn(std::string_view sql, const EngineError& error) {
  if (error.start_index >= 0) {
    if (auto span = SpanOfIndices(sql, error.start_index, error.stop_index)) return span;
  }
  if (const auto found = FindLinePos(error.message)) {
    if (auto span = SpanOfLine(sql, found->line, found->pos)) return span;
  }
  // A string or comment of the person's cannot be open (the screen saw to it), so an error that
  // names the wrapper's first line is one about the whole query.
  return std::nullopt;
}

std::vector<std::string> ParseNames(std::string_view list) {
  std::vector<std::string> names;
  std::string name;
  bool quoted = false;
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i] == '`') {
      if (quoted && i + 1 < list.size() && list[i + 1] == '`') {
        name += list[i++];
      } else {
        quoted = !quoted;
      }
    } else if (!quoted && list[i] == ',') {
      names.push_back(std::exchange(name, {}));
    } else if (quoted || (list[i] != ' ' && list[i] != '[' && list[i] != ']')) {
      name += list[i];
    }
  }
  if (!name.empty()) names.push_back(name);
  return names;
}

std::string HintFor(const EngineError& error) {
  if (const std::string proposal = Parameter(error, "proposal"); !proposal.empty()) {
    const auto names = ParseNames(proposal);
    const auto wanted = ParseNames(Parameter(error, "objectName"));
    const std::string nearest = wanted.empty() ? "" : Nearest(wanted.front(), names);
    if (!nearest.empty()) return "did you mean '" + nearest + "'?";
    return "columns here: " + Join(names, ", ");
  }
  if (error.error_class == "AMBIGUOUS_REFERENCE") {
    return "write one of: " + Join(ParseNames(Parameter(error, "referenceNames")), ", ");
  }
  if (error.error_class == "UNRESOLVED_ROUTINE") {
    return "use a built-in function of Spark; functions of one's own are not on this server";
  }
  return {};
}

sdk::Error ToCallError(const EngineError& error, const RpcFailure& failure, const Client& client) {
  sdk::Error out = client.ToError(failure);
  if (failure.code != DCP_INTERNAL && failure.code != DCP_UNKNOWN) return out;
  out.message = "Spark could not read the catalog: " + CleanMessage(error.message).substr(0, 300);
  out.id = "PZ0244";
  out.hint = "look at the playground's catalog endpoint and its log";
  if (HasException(error, "NotAuthorized")) {
    out.code = DCP_UNAUTHENTICATED;
    out.hint = "the playground's token is over or foreign; run the command again";
  } else if (HasException(error, "Forbidden")) {
    out.code = DCP_PERMISSION_DENIED;
  } else if (HasException(error, "org.apache.iceberg.exceptions.") ||
             HasException(error, "java.net.") || HasException(error, "org.apache.hc.") ||
             HasException(error, "java.io.IOException") ||
             HasException(error, "java.io.UncheckedIOException")) {
    out.code = DCP_UNAVAILABLE;
  } else {
    out.code = DCP_INTERNAL;
    out.id = "PZ0243";
    out.message = "Spark failed on this query: " + CleanMessage(error.message).substr(0, 300);
    out.hint = "read the server's log";
  }
  return out;
}

}  // namespace dcp::spark_connect
