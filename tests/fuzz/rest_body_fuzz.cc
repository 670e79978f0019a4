// SPDX-License-Identifier: Apache-2.0
//
// Bodies of create, commit and rename requests, and column types. Whatever is passed on keeps every
// location under the table's own, and means the same when it is judged once more.
#include <nlohmann/json.hpp>
#include <string>

#include "catalog/json_text.h"
#include "catalog/location.h"
#include "catalog/policy.h"
#include "catalog/spark_type.h"
#include "fuzz.h"

namespace {

using namespace dcp::catalog;  // NOLINT: one room, and its words are plain here
using Json = nlohmann::json;

const std::string kLocation =  // NOLINT: as NewTableLocation makes them
    "file:///w/pg/p-1/ns/t-00112233445566778899aabbccddeeff";

template <typename T>
bool Passed(const dcp::Result<T>& result) {
  if (result.ok()) return true;
  FUZZ_CHECK(result.status().code() == dcp::Code::kInvalidArgument ||
             result.status().code() == dcp::Code::kPermissionDenied);
  FUZZ_CHECK(!result.status().message().empty() && result.status().message().size() < 2'000);
  return false;
}

/// Every text under a key that means a place lies under the table, however deep it stands.
void CheckPlaces(const Json& json, const std::string& key) {
  if (json.is_object()) {
    for (const auto& [name, value] : json.items()) CheckPlaces(value, name);
  } else if (json.is_array()) {
    for (const Json& value : json) CheckPlaces(value, key);
  } else if (json.is_string() &&
             (key == "manifest-list" || key == "manifests" || key == "statistics-path" ||
              key == "write.data.path" || key == "write.metadata.path")) {
    FUZZ_CHECK(IsWithin(json.get<std::string>(), kLocation));
  }
}

void CheckCommit(const std::string& body) {
  const auto read = ReadCommit(body);
  const auto prepared = PrepareCommit(body, {kLocation, ""});
  Passed(read);
  if (!Passed(prepared)) return;
  FUZZ_CHECK(read.ok());
  const Json json = Json::parse(*prepared, nullptr, false);
  FUZZ_CHECK(json.is_object() && json.size() == 2);
  for (const Json& update : json["updates"]) {
    const std::string action = update["action"].get<std::string>();
    if (action == "set-location") FUZZ_CHECK(update["location"] == kLocation);
    if (action == "add-snapshot") CheckPlaces(update["snapshot"], "");
    if (action == "set-statistics") CheckPlaces(update["statistics"], "");
    if (action == "set-properties") CheckPlaces(update, "");
  }
  const auto again = PrepareCommit(*prepared, {kLocation, ""});
  FUZZ_CHECK(again.ok() && *again == *prepared);
}

void CheckCreate(const std::string& body) {
  const auto prepared = PrepareCreate(body, kLocation);
  Passed(ReadCreate(body));
  if (!Passed(prepared)) return;
  const Json json = Json::parse(*prepared, nullptr, false);
  FUZZ_CHECK(json.is_object() && json["location"] == kLocation);
  if (json.contains("properties")) CheckPlaces(json["properties"], "");
}

void CheckRename(const std::string& body) {
  const auto read = ReadRename(body);
  if (!Passed(read)) return;
  const std::string out = RenameBody(read->source.levels, read->destination.levels, *read);
  const auto again = ReadRename(out);
  FUZZ_CHECK(again.ok() && again->source.name == read->source.name);
  FUZZ_CHECK(again->destination.levels == read->destination.levels);
}

void CheckType(const std::string& text) {
  const auto type = ParseSparkType(text);
  if (!Passed(type)) return;
  const std::string ddl = SparkDdl(*type);
  const auto again = ParseSparkType(ddl);
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(SparkDdl(*again) == ddl);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string body(dcp::fuzz::Text(data, size));
  (void)CheckJsonDepth(body);
  CheckCommit(body);
  CheckCreate(body);
  CheckRename(body);
  CheckType(body);
  return 0;
}
