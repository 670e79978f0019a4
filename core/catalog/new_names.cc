// SPDX-License-Identifier: Apache-2.0
//
// Names for new tables: those of production's tables and views are taken, and a location is given
// once.
#include <nlohmann/json.hpp>
#include <utility>

#include "catalog/json_text.h"
#include "catalog/requests.h"

namespace dcp::catalog {
namespace {

using Json = nlohmann::json;

constexpr char kNotePrefix[] = "pretzel.renamed.";

/// The last segment: "<table>-<32 hex digits>" is no other table's, whatever it is called now.
std::string NoteKey(const std::string& location) {
  return kNotePrefix + location.substr(location.rfind('/') + 1);
}

HttpResponse Taken(const Backends& backends, const Place& place, const TableName& table,
                   const std::string& kind) {
  return ErrorAnswer(409, kAlreadyExists,
                     kind + " already exists in production: " + backends.name + "." +
                         Display(table) + " is read-only in playground " + place.playground +
                         "; declare it in a manifest to override");
}

}  // namespace

std::optional<HttpResponse> PrepareName(const Backends& backends, const Place& place,
                                        const TableName& table,
                                        HttpResponse (*failed)(const Status&)) {
  const Status name = CheckOverlayTable(table);
  if (!name.ok()) return StatusAnswer(name);
  const Result<bool> is_table = backends.production.TableExists(table);
  if (!is_table.ok()) return failed(is_table.status());
  if (*is_table) return Taken(backends, place, table, "Table");
  const Result<bool> is_view = backends.production.ViewExists(table);
  if (!is_view.ok()) return failed(is_view.status());
  if (*is_view) return Taken(backends, place, table, "View");
  const Result<bool> visible = IsNamespaceVisible(backends, place, table.levels);
  if (!visible.ok()) return failed(visible.status());
  if (!*visible) return NoSuchNamespace(table.levels);
  const Status ensured = EnsureOverlayNamespace(backends, place, table.levels);
  if (!ensured.ok()) return failed(ensured);
  return std::nullopt;
}

Status NoteRenamed(const Backends& backends, const Place& place, const std::string& location) {
  const Json body = {{"removals", Json::array()}, {"updates", {{NoteKey(location), "1"}}}};
  DCP_ASSIGN(const HttpReply reply,
             backends.overlay.Post(NamespacePath(place.Overlay(Levels())) + "/properties",
                                   body.dump(-1, ' ', false, Json::error_handler_t::replace)));
  if (reply.code == 200) return Status::Ok();
  return Unavailable("the overlay catalog answered the note of a rename with HTTP " +
                     std::to_string(reply.code));
}

Result<bool> IsNotedRenamed(const Backends& backends, const Place& place,
                            const std::string& location) {
  DCP_ASSIGN(const HttpReply reply, backends.overlay.Get(NamespacePath(place.Overlay(Levels()))));
  if (SaysAbsent(reply)) return false;
  DCP_TRY(CheckJsonDepth(reply.body));
  const Json json = Json::parse(reply.body, nullptr, false);
  if (reply.code != 200 || !json.is_object()) {
    return Unavailable("the overlay catalog answered for the playground's namespace with HTTP " +
                       std::to_string(reply.code));
  }
  const Json properties = json.value("properties", Json());
  return properties.is_object() && properties.contains(NoteKey(location));
}

}  // namespace dcp::catalog
