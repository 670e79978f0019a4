// SPDX-License-Identifier: Apache-2.0
#include "test_request.h"

#include <algorithm>

namespace dcp::spark_runner {
namespace {

std::string ReadMode(const Json& value) {
  const std::string name = value.is_string() ? value.get<std::string>() : "";
  const int number = value.is_number_integer() ? value.get<int>() : 0;
  if (name == "EXPLAIN" || number == 2) return "explain";
  if (name == "LIMIT0" || number == 3) return "limit0";
  return "schema";
}

int32_t Int32(const Json& json, const char* key) { return static_cast<int32_t>(Int64(json, key)); }

spark_sql::Origin ReadOrigin(const Json& source) {
  if (!source.is_object()) return {};
  return {true,
          Text(source, "file"),
          std::max(Int32(source, "line"), 1),
          Int32(source, "firstLineOffset"),
          Int32(source, "lineOffset"),
          Bool(source, "exact")};
}

}  // namespace

TestRequest ReadTestRequest(const Json& json) {
  TestRequest request;
  const Json& context = Child(json, "context");
  request.run_id = Text(context, "runId");
  request.catalog = Text(context, "catalog");
  request.mode = ReadMode(Child(json, "mode"));
  request.sql = Text(json, "sql");
  for (const Json& parameter : Child(json, "params")) {
    const Json& value = Child(parameter, "value");
    request.parameters.push_back(
        {Text(parameter, "name"), Text(parameter, "type"),
         value.is_string() ? std::optional(value.get<std::string>()) : std::nullopt});
  }
  request.origin = ReadOrigin(Child(json, "source"));
  return request;
}

Json ToJson(const spark_sql::Finding& finding) {
  Json location = {
      {"file", finding.file}, {"line", finding.begin.line}, {"column", finding.begin.column}};
  if (finding.end) {
    location["endLine"] = finding.end->line;
    location["endColumn"] = finding.end->column;
  }
  return {{"severity", finding.is_error ? "ERROR" : "WARNING"},
          {"code", finding.code},
          {"message", finding.message},
          {"hint", finding.hint},
          {"location", std::move(location)},
          {"engineCode", finding.engine_code},
          {"sqlState", finding.sql_state}};
}

bool IsValid(const Json& findings) {
  return std::none_of(findings.begin(), findings.end(),
                      [](const Json& finding) { return Text(finding, "severity") == "ERROR"; });
}

}  // namespace dcp::spark_runner
