// SPDX-License-Identifier: Apache-2.0
#include "spark_sql/engine_error.h"

#include <algorithm>
#include <utility>

#include "spark_sql/suggest.h"

namespace dcp::spark_sql {
namespace {

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

sdk::Error NotTheQuery(const EngineError& error) {
  sdk::Error out;
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
    out.hint = "read Spark's log";
  }
  return out;
}

}  // namespace dcp::spark_sql
