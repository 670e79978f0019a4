// SPDX-License-Identifier: Apache-2.0
//
// Judging what clients want to write. Lists of what is known and allowed; the rest is refused.
#include "catalog/policy.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "catalog/json_text.h"
#include "catalog/location.h"

namespace dcp::catalog {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 8> kRequirements = {
    "assert-create",
    "assert-table-uuid",
    "assert-ref-snapshot-id",
    "assert-last-assigned-field-id",
    "assert-current-schema-id",
    "assert-last-assigned-partition-id",
    "assert-default-spec-id",
    "assert-default-sort-order-id",
};

/// Updates without a location in them. Encryption keys are left out: nothing here uses them.
constexpr std::array<std::string_view, 17> kPlainUpdates = {
    "assign-uuid",
    "upgrade-format-version",
    "add-schema",
    "set-current-schema",
    "add-spec",
    "set-default-spec",
    "add-sort-order",
    "set-default-sort-order",
    "set-snapshot-ref",
    "remove-snapshots",
    "remove-snapshot-ref",
    "remove-properties",
    "remove-statistics",
    "remove-partition-statistics",
    "remove-partition-specs",
    "remove-schemas",
    "enable-row-lineage",
};

constexpr std::array<std::string_view, 4> kPathProperties = {
    "write.data.path",
    "write.metadata.path",
    "write.object-storage.path",
    "write.folder-storage.path",
};

template <typename List>
bool Contains(const List& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::string Text(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Json> ParseObject(const std::string& body) {
  DCP_TRY(CheckJsonDepth(body));
  Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return InvalidArgument("the request body is not a JSON object");
  return json;
}

Status OutsideTable(const std::string& what, const std::string& value) {
  return PermissionDenied(what + " \"" + value.substr(0, 200) +
                          "\" leads out of the table's own location, which the playground "
                          "assigned; leave it out");
}

Status CheckPath(const Json& object, const char* key, const std::string& what,
                 const std::string& location) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return Status::Ok();
  if (!found->is_string()) return InvalidArgument(what + " is not a text");
  const std::string value = found->get<std::string>();
  if (!IsWithin(value, location)) return OutsideTable("the " + what, value);
  return Status::Ok();
}

Status CheckProperties(const Json& properties, const std::string& location) {
  if (properties.is_null()) return Status::Ok();
  if (!properties.is_object()) return InvalidArgument("the properties are not a JSON object");
  for (const auto& [key, value] : properties.items()) {
    if (!value.is_string()) return InvalidArgument("the property \"" + key + "\" is not a text");
    DCP_TRY(CheckTableProperty(key, value.get<std::string>(), location));
  }
  return Status::Ok();
}

Status CheckSnapshot(const Json& snapshot, const std::string& location) {
  if (!snapshot.is_object()) return InvalidArgument("the update add-snapshot has no snapshot");
  DCP_TRY(CheckPath(snapshot, "manifest-list", "manifest list", location));
  if (snapshot.contains("key-id")) {
    return PermissionDenied("encrypted snapshots are not taken by a playground");
  }
  const auto manifests = snapshot.find("manifests");  // format 1 may name them one by one
  if (manifests == snapshot.end() || manifests->is_null()) {
    if (Text(snapshot, "manifest-list").empty()) {
      return InvalidArgument("the snapshot names no manifest list");
    }
    return Status::Ok();
  }
  if (!manifests->is_array()) return InvalidArgument("the snapshot's manifests are no list");
  for (const Json& manifest : *manifests) {
    if (!manifest.is_string()) return InvalidArgument("a manifest of the snapshot is not a text");
    const std::string value = manifest.get<std::string>();
    if (!IsWithin(value, location)) return OutsideTable("the manifest", value);
  }
  return Status::Ok();
}

Status CheckStatistics(const Json& statistics, const std::string& location) {
  if (!statistics.is_object()) return InvalidArgument("a statistics update has no statistics");
  return CheckPath(statistics, "statistics-path", "statistics file", location);
}

Status CheckUpdate(const Json& update, const std::string& location) {
  if (!update.is_object()) return InvalidArgument("an update is not a JSON object");
  const std::string action = Text(update, "action");
  if (Contains(kPlainUpdates, action)) return Status::Ok();
  if (action == "set-location") {
    const std::string value = Text(update, "location");
    if (IsSameLocation(value, location)) return Status::Ok();
    return PermissionDenied("the location \"" + value.substr(0, 200) +
                            "\" is not the one that the playground assigned; leave it out");
  }
  if (action == "set-properties") {
    // "updated" is how old clients spell it, and servers still read it. What else stands there may
    // be one more spelling to some server, and nobody would have looked at it.
    for (const auto& [key, value] : update.items()) {
      if (key == "action" || key == "updates" || key == "updated") continue;
      return InvalidArgument("set-properties has the unknown key \"" + key.substr(0, 100) + "\"");
    }
    DCP_TRY(CheckProperties(update.value("updates", Json()), location));
    return CheckProperties(update.value("updated", Json()), location);
  }
  if (action == "add-snapshot") return CheckSnapshot(update.value("snapshot", Json()), location);
  if (action == "set-statistics") {
    return CheckStatistics(update.value("statistics", Json()), location);
  }
  if (action == "set-partition-statistics") {
    return CheckStatistics(update.value("partition-statistics", Json()), location);
  }
  return PermissionDenied("the update \"" + action.substr(0, 100) +
                          "\" is not one that a playground takes");
}

Status CheckLists(const Json& commit) {
  for (const char* key : {"requirements", "updates"}) {
    if (!commit.contains(key) || !commit[key].is_array()) {
      return InvalidArgument("the commit has no list of " + std::string(key));
    }
  }
  for (const Json& requirement : commit["requirements"]) {
    const std::string type = requirement.is_object() ? Text(requirement, "type") : "";
    if (!Contains(kRequirements, type)) {
      return PermissionDenied("the requirement \"" + type.substr(0, 100) +
                              "\" is not one that a playground takes");
    }
  }
  return Status::Ok();
}

Result<TableName> ReadIdentifier(const Json& json, const char* key) {
  TableName table;
  const Json identifier = json.value(key, Json());
  const Json levels = identifier.is_object() ? identifier.value("namespace", Json()) : Json();
  if (!levels.is_array()) {
    return InvalidArgument("the rename has no " + std::string(key) + " with a namespace");
  }
  for (const Json& level : levels) {
    if (!level.is_string()) return InvalidArgument("a level of a namespace is not a text");
    table.levels.push_back(level.get<std::string>());
  }
  table.name = Text(identifier, "name");
  DCP_TRY(CheckOverlayTable(table));
  return table;
}

}  // namespace

Status CheckTableProperty(const std::string& key, const std::string& value,
                          const std::string& table_location) {
  if (Contains(kPathProperties, key)) {
    if (IsWithin(value, table_location)) return Status::Ok();
    return OutsideTable("the property " + key + " =", value);
  }
  if (key == "write.location-provider.impl") {
    return PermissionDenied("the property " + key +
                            " is not taken by a playground: it lets code choose where files go");
  }
  if (key == "write.object-storage.enabled" && value != "false") {
    return PermissionDenied(
        "the property write.object-storage.enabled is not taken by a playground: its files would "
        "not lie under the table's location");
  }
  return Status::Ok();
}

Result<CreateRequest> ReadCreate(const std::string& body) {
  DCP_ASSIGN(const Json json, ParseObject(body));
  CreateRequest request;
  request.name = Text(json, "name");
  const Json staged = json.value("stage-create", Json(false));
  if (!staged.is_boolean() && !staged.is_null()) {
    return InvalidArgument("the field stage-create is not true or false");
  }
  request.staged = staged.is_boolean() && staged.get<bool>();
  if (!json.value("schema", Json()).is_object()) {
    return InvalidArgument("the create request has no schema");
  }
  return request;
}

Result<std::string> PrepareCreate(const std::string& body, const std::string& assigned_location) {
  DCP_ASSIGN(const Json json, ParseObject(body));
  const auto location = json.find("location");
  if (location != json.end() && !location->is_null()) {
    return PermissionDenied("a table's location in a playground is assigned by it; leave out \"" +
                            Text(json, "location").substr(0, 200) + "\"");
  }
  DCP_TRY(CheckProperties(json.value("properties", Json()), assigned_location));
  Json out = {{"location", assigned_location}};
  for (const char* key :
       {"name", "schema", "partition-spec", "write-order", "stage-create", "properties"}) {
    const auto found = json.find(key);
    if (found != json.end() && !found->is_null()) out[key] = *found;
  }
  return Dump(out);
}

Result<CommitRequest> ReadCommit(const std::string& body) {
  DCP_ASSIGN(const Json json, ParseObject(body));
  DCP_TRY(CheckLists(json));
  CommitRequest request;
  for (const Json& requirement : json["requirements"]) {
    request.creates = request.creates || Text(requirement, "type") == "assert-create";
  }
  for (const Json& update : json["updates"]) {
    if (update.is_object() && Text(update, "action") == "set-location") {
      request.set_locations.push_back(Text(update, "location"));
    }
  }
  return request;
}

Result<std::string> PrepareCommit(const std::string& body, const std::string& table_location) {
  DCP_ASSIGN(const Json json, ParseObject(body));
  DCP_TRY(CheckLists(json));
  Json updates = Json::array();
  for (const Json& update : json["updates"]) {
    DCP_TRY(CheckUpdate(update, table_location));
    updates.push_back(update);
    // One spelling in the metadata, whatever the client's.
    if (Text(update, "action") == "set-location") updates.back()["location"] = table_location;
  }
  // The identifier in the body is the client's name for the table; the path has the overlay's.
  return Dump({{"requirements", json["requirements"]}, {"updates", std::move(updates)}});
}

Result<RenameRequest> ReadRename(const std::string& body) {
  DCP_ASSIGN(const Json json, ParseObject(body));
  RenameRequest request;
  DCP_ASSIGN(request.source, ReadIdentifier(json, "source"));
  DCP_ASSIGN(request.destination, ReadIdentifier(json, "destination"));
  return request;
}

std::string RenameBody(const Levels& source_levels, const Levels& destination_levels,
                       const RenameRequest& request) {
  return Dump(
      {{"source", {{"namespace", source_levels}, {"name", request.source.name}}},
       {"destination", {{"namespace", destination_levels}, {"name", request.destination.name}}}});
}

}  // namespace dcp::catalog
