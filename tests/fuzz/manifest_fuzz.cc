// SPDX-License-Identifier: Apache-2.0
//
// A derived dataset's manifest through the whole of Compile, and column types and literals by
// themselves: an answer comes back that is findings, wanted files or a graph, and each finding has
// an id, words and a place in the file.
#include <nlohmann/json.hpp>
#include <string>

#include "fuzz.h"
#include "service.h"
#include "spark_type.h"
#include "sql_text.h"

namespace {

using Json = nlohmann::json;
namespace dd = dcp::derived_dataset;

std::string ToBase64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  uint32_t buffer = 0;
  int bits = 0;
  for (const char c : bytes) {
    buffer = (buffer << 8) | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 6; bits -= 6) out += kDigits[(buffer >> (bits - 6)) & 63];
  }
  if (bits > 0) out += kDigits[(buffer << (6 - bits)) & 63];
  return out;
}

void CheckCompile(const std::string& command, std::string_view text) {
  const Json request = {
      {"context", {{"catalog", "prod"}, {"playground", "p"}}},
      {"command", command},
      {"manifests", {{{"path", "m.yaml"}, {"content", ToBase64(text)}}}},
      {"files", {{{"path", "q.sql"}, {"content", ToBase64(text)}}}},
      {"options", Json::object()},
  };
  const dd::Answer answer = dd::Handle("Compile", request.dump());
  FUZZ_CHECK(answer.message.empty());
  const Json json = Json::parse(answer.body, nullptr, false);
  FUZZ_CHECK(json.is_object());
  FUZZ_CHECK(json.contains("report") || json.contains("graph") || json.contains("needsFiles"));
  if (!json.contains("report")) return;
  size_t errors = 0;
  for (const Json& finding : json["report"]["findings"]) {
    FUZZ_CHECK(finding["code"].get<std::string>().starts_with("PZ01"));
    FUZZ_CHECK(!finding["message"].get<std::string>().empty());
    if (finding["severity"] == "ERROR") ++errors;
    if (!finding.contains("location")) continue;
    FUZZ_CHECK(finding["location"].value("line", 0) >= 1);
    FUZZ_CHECK(finding["location"].value("column", 0) >= 1);
  }
  FUZZ_CHECK(errors > 0);
}

void CheckTypes(const std::string& text) {
  const dd::TypeCheck type = dd::CheckType(text);
  FUZZ_CHECK(type.canonical.empty() != type.error.empty());
  if (!type.canonical.empty()) {
    FUZZ_CHECK(dd::CheckType(type.canonical).canonical == type.canonical);
  }
  (void)dd::StoredType(text);
  const dd::TypeCheck param = dd::CheckParamType(text);
  FUZZ_CHECK(param.canonical.empty() != param.error.empty());
  for (const char* kind :
       {"int", "bigint", "double", "boolean", "date", "timestamp", "string", "decimal(10,2)"}) {
    (void)dd::WrongLiteral(kind, text);
  }
}

void CheckScan(std::string_view text) {
  const dd::SqlScan scan = dd::ScanSql(text);
  FUZZ_CHECK(text.starts_with(scan.query));
  for (const dd::SqlIssue& issue : scan.issues) {
    FUZZ_CHECK(issue.at.line >= 1 && issue.at.column >= 1 && !issue.message.empty());
  }
  if (!scan.issues.empty()) return;
  // What passes does so again without what was cut off.
  const dd::SqlScan again = dd::ScanSql(scan.query);
  FUZZ_CHECK(again.issues.empty() && again.query == scan.query);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = dcp::fuzz::Text(data, size);
  CheckScan(text);
  CheckTypes(std::string(text));
  CheckCompile("apply", text);
  CheckCompile("test", text);
  return 0;
}
