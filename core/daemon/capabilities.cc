// SPDX-License-Identifier: Apache-2.0
#include "daemon/capabilities.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/crash_point.h"

namespace dcp::daemon {
namespace {

using Json = nlohmann::json;

/// Node requests come from plugins, so a wrong shape is the plugin's fault and says so.
Result<Json> Parse(const std::string& method, const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) {
    return InvalidArgument("the request of " + method + " is not a JSON object");
  }
  return json;
}

Result<std::string> Text(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string()) {
    return InvalidArgument(std::string("the request lacks the text \"") + key + "\"");
  }
  return found->get<std::string>();
}

std::string TextOr(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool FlagOr(const Json& json, const char* key, bool fallback) {
  const auto found = json.find(key);
  return found != json.end() && found->is_boolean() ? found->get<bool>() : fallback;
}

Result<catalog::TableSpec> SpecFrom(const Json& json) {
  catalog::TableSpec spec;
  DCP_ASSIGN(spec.table, Text(json, "table"));
  spec.recreate = FlagOr(json, "recreate", false);
  for (const auto& column : json.value("columns", Json::array())) {
    if (!column.is_object()) return InvalidArgument("a column of the request is not an object");
    catalog::Column parsed;
    DCP_ASSIGN(parsed.name, Text(column, "name"));
    DCP_ASSIGN(parsed.type, Text(column, "type"));
    parsed.nullable = FlagOr(column, "nullable", true);
    parsed.description = TextOr(column, "description");
    spec.columns.push_back(std::move(parsed));
  }
  for (const auto& transform : json.value("partitioning", Json::array())) {
    if (!transform.is_string()) return InvalidArgument("a partition transform is not text");
    spec.partitioning.push_back(transform.get<std::string>());
  }
  const Json properties = json.value("properties", Json::object());
  for (const auto& [key, value] : properties.items()) {
    if (!value.is_string()) return InvalidArgument("property \"" + key + "\" is not text");
    spec.properties.emplace_back(key, value.get<std::string>());
  }
  return spec;
}

Json ColumnsJson(const std::vector<catalog::Column>& columns) {
  Json list = Json::array();
  for (const auto& column : columns) {
    Json entry = {{"name", column.name}, {"type", column.type}, {"nullable", column.nullable}};
    if (!column.description.empty()) entry["description"] = column.description;
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace

Capabilities::Capabilities(catalog::Catalog& catalog, playground::Playgrounds& playgrounds,
                           store::Store& store, Removal& removal, const Clock& clock)
    : catalog_(catalog),
      playgrounds_(playgrounds),
      store_(store),
      removal_(removal),
      clock_(clock) {}

bool Capabilities::Serves(const std::string& capability) {
  return capability == "catalog" || capability == "playground";
}

Result<std::string> Capabilities::Invoke(const Scope& scope, const std::string& capability,
                                         const std::string& method,
                                         const std::string& request_json) {
  try {
    if (capability == "catalog") {
      if (method == "EnsureTable") return EnsureTable(scope, request_json);
      if (method == "DescribeTable") return DescribeTable(scope, request_json);
      if (method == "Receipt") return Receipt(scope, request_json);
      if (method == "Purge") return Purge(scope);
    } else {
      if (method == "Register") return Register(scope, request_json);
      if (method == "EndJobs") return EndJobs(scope);
      if (method == "FinishDelete") return FinishDelete(scope);
    }
  } catch (const Json::exception& error) {
    return InvalidArgument("the request of " + capability + "." + method +
                           " has a wrong shape: " + error.what());
  }
  return Unimplemented("capability " + capability + " has no method \"" + method + "\"");
}

Result<store::Playground> Capabilities::PlaygroundOf(const Scope& scope) {
  DCP_ASSIGN(store::Playground playground, store_.GetPlayground(scope.playground));
  if (playground.generation == scope.generation && playground.state == store::kActive) {
    return playground;
  }
  return FailedPrecondition("playground " + scope.playground + " is being deleted, or was since");
}

Result<std::string> Capabilities::EnsureTable(const Scope& scope, const std::string& request_json) {
  DCP_ASSIGN(const Json request, Parse("catalog.EnsureTable", request_json));
  DCP_ASSIGN(const catalog::TableSpec spec, SpecFrom(request));
  DCP_ASSIGN(const store::Playground playground, PlaygroundOf(scope));
  DCP_ASSIGN(const catalog::TableState state,
             catalog_.EnsureTable(playground, spec, scope.Patience()));
  DCP_CRASH_POINT("catalog.create.after_commit");
  return Json{{"status", state.status},
              {"uuid", state.uuid},
              {"location", state.location},
              {"drift", state.drift}}
      .dump();
}

Result<std::string> Capabilities::DescribeTable(const Scope& scope,
                                                const std::string& request_json) {
  DCP_ASSIGN(const Json request, Parse("catalog.DescribeTable", request_json));
  DCP_ASSIGN(const std::string table, Text(request, "table"));
  DCP_ASSIGN(const store::Playground playground, PlaygroundOf(scope));
  DCP_ASSIGN(const catalog::TableInfo info,
             catalog_.DescribeTable(playground, table, scope.Patience()));
  return Json{{"exists", info.exists},
              {"inOverlay", info.in_overlay},
              {"columns", ColumnsJson(info.columns)},
              {"uuid", info.uuid},
              {"snapshotId", std::to_string(info.snapshot_id)},
              {"metadataLocation", info.metadata_location}}
      .dump();
}

Result<std::string> Capabilities::Receipt(const Scope& scope, const std::string& request_json) {
  DCP_ASSIGN(const Json request, Parse("catalog.Receipt", request_json));
  DCP_ASSIGN(const std::string mode, Text(request, "mode"));
  const catalog::Receipt receipt = catalog_.ReceiptFor(scope.playground, scope.generation, mode);
  return Json{{"loads", receipt.loads},     {"lists", receipt.lists}, {"creates", receipt.creates},
              {"commits", receipt.commits}, {"drops", receipt.drops}, {"refused", receipt.refused}}
      .dump();
}

Result<std::string> Capabilities::EndJobs(const Scope& scope) {
  DCP_TRY(removal_.EndJobs(scope.playground, scope.generation, scope.cancelled));
  return std::string("{}");
}

Result<std::string> Capabilities::Purge(const Scope& scope) {
  DCP_ASSIGN(const int64_t tables,
             removal_.Purge(scope.playground, scope.generation, scope.Patience()));
  return Json{{"tables", tables}}.dump();
}

Result<std::string> Capabilities::Register(const Scope& scope, const std::string& request_json) {
  DCP_ASSIGN(const Json request, Parse("playground.Register", request_json));
  store::Dataset dataset;
  dataset.playground = scope.playground;
  dataset.generation = scope.generation;
  DCP_ASSIGN(dataset.name, Text(request, "name"));
  DCP_ASSIGN(dataset.kind, Text(request, "kind"));
  DCP_ASSIGN(dataset.spec_hash, Text(request, "specHash"));
  dataset.spec_json = request.value("spec", Json::object()).dump();
  dataset.updated_at = clock_.Wall();
  DCP_TRY(playgrounds_.Register(dataset));
  DCP_CRASH_POINT("playground.register.after_commit");
  return std::string("{}");
}

Result<std::string> Capabilities::FinishDelete(const Scope& scope) {
  DCP_TRY(removal_.Finish(scope.playground, scope.generation));
  DCP_CRASH_POINT("playground.finish.after_commit");
  return std::string("{}");
}

}  // namespace dcp::daemon
