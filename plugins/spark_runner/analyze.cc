// SPDX-License-Identifier: Apache-2.0
#include "analyze.h"

#include <chrono>

#include "process.h"
#include "test_request.h"

namespace dcp::spark_runner {
namespace {

using spark_sql::ParameterValue;
using Type = ParameterValue::Type;

sdk::Error Bad(const std::string& why) {
  return {.code = DCP_INVALID_ARGUMENT, .message = "cannot check the query: " + why};
}

std::string Digits(int64_t number, size_t width) {
  std::string digits = std::to_string(number);
  return std::string(width - std::min(digits.size(), width), '0') + digits;
}

std::string DateOf(int64_t days) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  return Digits(static_cast<int>(date.year()), 4) + "-" +
         Digits(static_cast<unsigned>(date.month()), 2) + "-" +
         Digits(static_cast<unsigned>(date.day()), 2);
}

/// In UTC, and says so: what the manifest means does not depend on the session's time zone.
std::string InstantOf(int64_t micros) {
  constexpr int64_t kDay = int64_t{86'400} * 1'000'000;
  int64_t days = micros / kDay;
  if (micros % kDay < 0) --days;
  const int64_t rest = micros - days * kDay;
  const int64_t seconds = rest / 1'000'000;
  return DateOf(days) + "T" + Digits(seconds / 3600, 2) + ":" + Digits(seconds / 60 % 60, 2) + ":" +
         Digits(seconds % 60, 2) + "." + Digits(rest % 1'000'000, 6) + "+00:00";
}

/// A parameter in the job's own form: its type in full, its value checked.
Json ParameterJson(const std::string& name, const ParameterValue& value) {
  Json json = {{"name", name}};
  switch (value.type) {
    case Type::kString:
      json.update({{"type", "string"}, {"value", value.text}});
      break;
    case Type::kBoolean:
      json.update({{"type", "boolean"}, {"value", value.number != 0 ? "true" : "false"}});
      break;
    case Type::kInt:
      json.update({{"type", "int"}, {"value", value.number}});
      break;
    case Type::kBigint:
      json.update({{"type", "bigint"}, {"value", value.number}});
      break;
    case Type::kDouble:
      json.update({{"type", "double"}, {"value", value.real}});
      break;
    case Type::kDate:
      json.update({{"type", "date"}, {"value", DateOf(value.number)}});
      break;
    case Type::kTimestamp:
      json.update({{"type", "timestamp"}, {"value", InstantOf(value.number)}});
      break;
    case Type::kDecimal:
      json.update({{"type", "decimal(" + std::to_string(value.precision) + "," +
                                std::to_string(value.scale) + ")"},
                   {"value", value.text}});
      break;
  }
  if (value.null) json["value"] = nullptr;
  return json;
}

/// What the shared test server has, beyond what every job has. Without Iceberg's SQL extensions:
/// with them, parameters would be bound in another way than there, and errors look different.
std::map<std::string, std::string> TestSettings(const std::vector<Mount>& mounts) {
  std::map<std::string, std::string> settings = {// A plan is read to its end.
                                                 {"spark.sql.debug.maxToStringFields", "100000"},
                                                 {"spark.sql.maxMetadataStringLength", "10000"}};
  if (!mounts.empty()) settings["spark.sql.defaultCatalog"] = mounts.front().name;
  return settings;
}

}  // namespace

sdk::Outcome<std::string> Analyze(const Config& config, std::string_view request_json) {
  const Json json = Json::parse(request_json, nullptr, false);
  if (!json.is_object()) return Bad("the request is not a JSON object");
  const TestRequest request = ReadTestRequest(json);
  Json list = Json::array();
  spark_sql::Findings findings(
      request.sql, request.origin,
      [&list](const spark_sql::Finding& finding) { list.push_back(ToJson(finding)); });
  const auto query = spark_sql::PrepareQuery(request.sql, request.parameters, &findings);
  if (!query) return Dump({{"valid", false}, {"findings", std::move(list)}});

  Work work;
  work.run_id = request.run_id;
  if (!IsPlainValue(work.run_id)) return Bad("it has no usable run id");
  work.directory = ReadDirectory(Child(json, "lease"));
  if (work.directory.empty()) {
    return Bad("its lease has no folder with an absolute path, where a process could live");
  }
  if (const std::string why = ReadMounts(Child(json, "mounts"), &work.mounts); !why.empty()) {
    return Bad(why);
  }
  Json params = Json::array();
  for (const auto& [name, value] : query->values) params.push_back(ParameterJson(name, value));
  Json catalogs = Json::array();
  for (const Mount& mount : work.mounts) {
    if (mount.mode != "ro") return Bad("the mount " + mount.name + " is not read-only");
    catalogs.push_back(mount.name);
  }
  work.mode = request.mode;
  work.settings = TestSettings(work.mounts);
  work.spec = {{"sql", query->text}, {"params", std::move(params)}, {"catalogs", catalogs}};
  return Dump({{"process", MakeProcess(config, work)}});
}

}  // namespace dcp::spark_runner
