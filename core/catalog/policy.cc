// SPDX-License-Identifier: Apache-2.0
//
// Judging what clients want to write. Lists of what is known and allowed; the rest is refused.
#include "catalog/policy.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>
#include <string_view>

#include "catalog/location.h"
#include "catalog/shapes.h"

namespace dcp::catalog {
namespace {

using Json = nlohmann::json;

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

/// The body as its shape makes it: what is read below has the kind that it should have.
Result<Json> ParseBody(Body kind, const std::string& body) {
  DCP_ASSIGN(const std::string remade, Remake(kind, body));
  return Json::parse(remade, nullptr, false);
}

Status OutsideTable(const std::string& what, const std::string& value) {
  return PermissionDenied(what + " \"" + value.substr(0, 200) +
                          "\" leads out of the table's own location, which the playground "
                          "assigned; leave it out");
}

Status CheckPath(const std::string& value, const std::string& what, const std::string& location) {
  return IsWithin(value, location) ? Status::Ok() : OutsideTable("the " + what, value);
}

Status CheckProperties(const Json& object, const char* key, const std::string& location) {
  const auto properties = object.find(key);
  if (properties == object.end()) return Status::Ok();
  for (const auto& [name, value] : properties->items()) {
    DCP_TRY(CheckTableProperty(name, value.get<std::string>(), location));
  }
  return Status::Ok();
}

Status CheckSnapshot(const Json& snapshot, const std::string& location) {
  if (snapshot.contains("key-id")) {
    return PermissionDenied("encrypted snapshots are not taken by a playground");
  }
  // Metadata has -1 for "no snapshot": a table whose snapshot has that name is never loaded again.
  if (snapshot["snapshot-id"].get<int64_t>() <= 0) {
    return InvalidArgument("the snapshot's snapshot-id is not positive");
  }
  const bool listed = snapshot.contains("manifest-list");
  if (listed) DCP_TRY(CheckPath(Text(snapshot, "manifest-list"), "manifest list", location));
  const auto manifests = snapshot.find("manifests");  // format 1 may name them one by one
  if (manifests == snapshot.end()) {
    return listed ? Status::Ok() : InvalidArgument("the snapshot names no manifest list");
  }
  for (const Json& manifest : *manifests) {
    DCP_TRY(CheckPath(manifest.get<std::string>(), "manifest", location));
  }
  return Status::Ok();
}

bool IsUuid(const std::string& text) {
  constexpr std::string_view kForm = "00000000-0000-0000-0000-000000000000";
  if (text.size() != kForm.size()) return false;
  for (size_t i = 0; i < kForm.size(); ++i) {
    const bool dash = kForm[i] == '-';
    if (dash ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0) {
      return false;
    }
  }
  return true;
}

/// A catalog takes another UUID for a table, and cannot answer the commit for which it has done so.
Status CheckUuid(const std::string& uuid, const CommitTarget& target) {
  if (!IsUuid(uuid)) return InvalidArgument("the update assign-uuid has no UUID");
  if (target.uuid.empty() || uuid == target.uuid) return Status::Ok();
  return InvalidArgument("the table has a UUID already, " + target.uuid +
                         ", which cannot be changed; leave assign-uuid out");
}

Status CheckUpdate(const Json& update, const CommitTarget& target) {
  const std::string action = Text(update, "action");
  const std::string& location = target.location;
  if (action == "assign-uuid") return CheckUuid(Text(update, "uuid"), target);
  if (action == "set-location") {
    const std::string value = Text(update, "location");
    if (IsSameLocation(value, location)) return Status::Ok();
    return PermissionDenied("the location \"" + value.substr(0, 200) +
                            "\" is not the one that the playground assigned; leave it out");
  }
  if (action == "set-properties") {
    DCP_TRY(CheckProperties(update, "updates", location));
    return CheckProperties(update, "updated", location);
  }
  if (action == "add-snapshot") return CheckSnapshot(update["snapshot"], location);
  for (const char* key : {"statistics", "partition-statistics"}) {
    if (const auto found = update.find(key); found != update.end()) {
      return CheckPath(Text(*found, "statistics-path"), "statistics file", location);
    }
  }
  return Status::Ok();
}

/// Old clients say "updated" and "removed". Servers read one or the other; they are given the one.
Status UseOneSpelling(Json* update) {
  const std::string action = Text(*update, "action");
  if (action != "set-properties" && action != "remove-properties") return Status::Ok();
  const bool sets = action == "set-properties";
  const char* key = sets ? "updates" : "removals";
  const char* old = sets ? "updated" : "removed";
  if (update->contains(key) && update->contains(old)) {
    return InvalidArgument("the update " + action + " has both " + key + " and " + old);
  }
  if (!update->contains(key)) {
    const Json none = sets ? Json::object() : Json::array();
    (*update)[key] = update->contains(old) ? (*update)[old] : none;
  }
  update->erase(old);
  return Status::Ok();
}

/// What a new table's commit adds, and the update that makes it the table's own.
struct Part {
  std::string_view add;
  const char* object;
  const char* object_id;
  std::string_view choose;
  const char* id;
};
constexpr std::array<Part, 3> kParts = {{
    {"add-schema", "schema", "schema-id", "set-current-schema", "schema-id"},
    {"add-spec", "spec", "spec-id", "set-default-spec", "spec-id"},
    {"add-sort-order", "sort-order", "order-id", "set-default-sort-order", "sort-order-id"},
}};

/// A catalog numbers what a new table adds as it likes, so "the last added" is all that a commit
/// can mean; Iceberg's own server fails with 500 on any other number.
Status ChooseLastAdded(const Part& part, Json* updates) {
  Json added;  // the id of the last one
  bool chosen = false;
  for (Json& update : *updates) {
    if (update["action"] == part.add) {
      added = update[part.object].value(part.object_id, Json(0));
      chosen = false;
    }
    if (update["action"] != part.choose) continue;
    if (added.is_null() || (update[part.id] != -1 && update[part.id] != added)) {
      return InvalidArgument("the update " + std::string(part.choose) +
                             " of a new table names none that the commit has added; use -1");
    }
    update[part.id] = -1;
    chosen = true;
  }
  if (added.is_null() || added == 0 || chosen) return Status::Ok();
  return InvalidArgument("the commit of a new table has no " + std::string(part.choose) +
                         " after " + std::string(part.add));
}

Result<TableName> ReadIdentifier(const Json& identifier) {
  const TableName table{identifier["namespace"].get<Levels>(), Text(identifier, "name")};
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
  DCP_ASSIGN(const Json json, ParseBody(Body::kCreateTable, body));
  return CreateRequest{Text(json, "name"), json.value("stage-create", false)};
}

Result<std::string> PrepareCreate(const std::string& body, const std::string& assigned_location) {
  DCP_ASSIGN(Json json, ParseBody(Body::kCreateTable, body));
  if (json.contains("location")) {
    return PermissionDenied("a table's location in a playground is assigned by it; leave out \"" +
                            Text(json, "location").substr(0, 200) + "\"");
  }
  DCP_TRY(CheckProperties(json, "properties", assigned_location));
  json["location"] = assigned_location;
  return json.dump();
}

Result<CommitRequest> ReadCommit(const std::string& body) {
  DCP_ASSIGN(const Json json, ParseBody(Body::kCommit, body));
  CommitRequest request;
  for (const Json& requirement : json["requirements"]) {
    request.creates = request.creates || Text(requirement, "type") == "assert-create";
  }
  for (const Json& update : json["updates"]) {
    if (Text(update, "action") == "set-location") {
      request.set_locations.push_back(Text(update, "location"));
    }
  }
  return request;
}

Result<std::string> PrepareCommit(const std::string& body, const CommitTarget& target) {
  DCP_ASSIGN(Json json, ParseBody(Body::kCommit, body));
  for (Json& update : json["updates"]) {
    DCP_TRY(CheckUpdate(update, target));
    // One spelling in the metadata, whatever the client's.
    if (Text(update, "action") == "set-location") update["location"] = target.location;
    DCP_TRY(UseOneSpelling(&update));
  }
  if (target.uuid.empty()) {
    for (const Part& part : kParts) DCP_TRY(ChooseLastAdded(part, &json["updates"]));
  }
  return json.dump();
}

Result<RenameRequest> ReadRename(const std::string& body) {
  DCP_ASSIGN(const Json json, ParseBody(Body::kRename, body));
  RenameRequest request;
  DCP_ASSIGN(request.source, ReadIdentifier(json["source"]));
  DCP_ASSIGN(request.destination, ReadIdentifier(json["destination"]));
  return request;
}

std::string RenameBody(const Levels& source_levels, const Levels& destination_levels,
                       const RenameRequest& request) {
  const Json json = {
      {"source", {{"namespace", source_levels}, {"name", request.source.name}}},
      {"destination", {{"namespace", destination_levels}, {"name", request.destination.name}}}};
  return json.dump();
}

}  // namespace dcp::catalog
