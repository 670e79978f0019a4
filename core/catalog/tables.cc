// SPDX-License-Identifier: Apache-2.0
//
// Endpoints for tables, but for create and commit: the overlay's hide production's.
#include <optional>
#include <set>
#include <utility>

#include "catalog/policy.h"
#include "catalog/requests.h"
#include "catalog/url.h"

namespace dcp::catalog {
namespace {

HttpResponse NoSuchTable(const TableName& table) {
  return ErrorAnswer(404, kNoSuchTable, "Table does not exist: " + Display(table));
}

/// "?snapshots=refs" when the client asked so: histories can be most of a table's metadata.
std::string SnapshotsQuery(const std::map<std::string, std::string>& query) {
  const auto found = query.find("snapshots");
  return found != query.end() && found->second == "refs" ? "?snapshots=refs" : "";
}

/// Nothing when the table is the overlay's; otherwise the answer that says whose it is.
std::optional<HttpResponse> RefuseUnlessOverlay(const Backends& backends, const Request& request,
                                                const TableName& table) {
  if (CheckOverlayTable(table).ok()) {
    const Result<bool> in_overlay = backends.overlay.TableExists(request.place.Overlay(table));
    if (!in_overlay.ok()) return StatusAnswer(in_overlay.status());
    if (*in_overlay) return std::nullopt;
  }
  const Result<bool> in_production = backends.production.TableExists(table);
  if (!in_production.ok()) return StatusAnswer(in_production.status());
  if (*in_production) return ReadOnlyAnswer(backends, request.place, Display(table));
  return NoSuchTable(table);
}

}  // namespace

HttpResponse ReadOnlyAnswer(const Backends& backends, const Place& place, const std::string& name) {
  return ErrorAnswer(403, kForbidden,
                     backends.name + "." + name + " is read-only in playground " +
                         place.playground + "; declare it in a manifest to override");
}

std::string QuarantineOf(const Place& place, const TableName& table) {
  std::string out = place.folder + "/_refused";
  for (const std::string& level : table.levels) out += "/" + EncodeSegment(level);
  return out + "/" + EncodeSegment(table.name);
}

Result<HttpReply> LoadFromOverlay(const Backends& backends, const Place& place,
                                  const TableName& table, const std::string& snapshots) {
  if (!CheckOverlayTable(table).ok()) return HttpReply{404, ""};
  return backends.overlay.Get(TablePath(place.Overlay(table)) + snapshots);
}

HttpResponse ListTables(const Backends& backends, const Request& request) {
  const Levels& levels = request.route.levels;
  const Result<std::vector<std::string>> production = backends.production.List(levels, "tables");
  if (!production.ok()) return StatusAnswer(production.status());
  std::set<std::string> merged(production->begin(), production->end());
  if (CheckOverlayLevels(levels).ok()) {
    const Result<std::vector<std::string>> overlay =
        backends.overlay.List(request.place.Overlay(levels), "tables");
    if (!overlay.ok()) return StatusAnswer(overlay.status());
    merged.insert(overlay->begin(), overlay->end());
  }
  if (merged.empty()) {
    const Result<bool> visible = IsNamespaceVisible(backends, request.place, levels);
    if (!visible.ok()) return StatusAnswer(visible.status());
    if (!*visible) {
      return ErrorAnswer(404, kNoSuchNamespace, "Namespace does not exist: " + Display(levels));
    }
  }
  return TablesAnswer(levels, {merged.begin(), merged.end()});
}

HttpResponse LoadTable(const Backends& backends, const Request& request) {
  const TableName table = request.Table();
  const std::string snapshots = SnapshotsQuery(request.query);
  Result<HttpReply> overlay = LoadFromOverlay(backends, request.place, table, snapshots);
  if (!overlay.ok()) return StatusAnswer(overlay.status());
  if (overlay->code != 404) {
    if (overlay->code != 200) {
      return UpstreamError(overlay->code, overlay->body, request.place.hidden);
    }
    Result<std::string> body = StripCredentials(overlay->body);
    return body.ok() ? HttpResponse{200, std::move(body).value(), false}
                     : StatusAnswer(body.status());
  }
  Result<HttpReply> production = backends.production.Get(TablePath(table) + snapshots);
  if (!production.ok()) return StatusAnswer(production.status());
  if (production->code == 404) return NoSuchTable(table);
  if (production->code != 200) return UpstreamError(production->code, production->body, "");
  Result<std::string> body = Defang(production->body, QuarantineOf(request.place, table));
  return body.ok() ? HttpResponse{200, std::move(body).value(), false}
                   : StatusAnswer(body.status());
}

HttpResponse TableExists(const Backends& backends, const Request& request) {
  const TableName table = request.Table();
  if (CheckOverlayTable(table).ok()) {
    const Result<bool> in_overlay = backends.overlay.TableExists(request.place.Overlay(table));
    if (!in_overlay.ok()) return StatusAnswer(in_overlay.status());
    if (*in_overlay) return {204, "", false};
  }
  const Result<bool> in_production = backends.production.TableExists(table);
  if (!in_production.ok()) return StatusAnswer(in_production.status());
  return *in_production ? HttpResponse{204, "", false} : NoSuchTable(table);
}

HttpResponse DropTable(const Backends& backends, const Request& request) {
  const TableName table = request.Table();
  if (auto refusal = RefuseUnlessOverlay(backends, request, table)) return *refusal;
  // The row alone: files are removed with the playground, by prefix, and never by a catalog that
  // would follow a table's metadata to where they are.
  const Result<HttpReply> reply =
      backends.overlay.Delete(TablePath(request.place.Overlay(table)) + "?purgeRequested=false");
  if (!reply.ok()) return StatusAnswer(reply.status());
  if (reply->code == 204 || reply->code == 200) return {204, "", false};
  if (reply->code == 404) return NoSuchTable(table);
  return UpstreamError(reply->code, reply->body, request.place.hidden);
}

HttpResponse RenameTable(const Backends& backends, const Request& request) {
  const Result<RenameRequest> rename = ReadRename(request.body);
  if (!rename.ok()) return StatusAnswer(rename.status());
  if (auto refusal = RefuseUnlessOverlay(backends, request, rename->source)) return *refusal;
  const TableName& target = rename->destination;
  const Result<bool> taken = backends.production.TableExists(target);
  if (!taken.ok()) return StatusAnswer(taken.status());
  if (*taken) {
    return ErrorAnswer(409, kAlreadyExists,
                       "Table already exists in production: " + Display(target));
  }
  const Result<bool> visible = IsNamespaceVisible(backends, request.place, target.levels);
  if (!visible.ok()) return StatusAnswer(visible.status());
  if (!*visible) {
    return ErrorAnswer(404, kNoSuchNamespace,
                       "Namespace does not exist: " + Display(target.levels));
  }
  const Status ensured = EnsureOverlayNamespace(backends, request.place, target.levels);
  if (!ensured.ok()) return StatusAnswer(ensured);
  const Result<HttpReply> reply = backends.overlay.Post(
      "/v1/tables/rename", RenameBody(request.place.Overlay(rename->source.levels),
                                      request.place.Overlay(target.levels), *rename));
  if (!reply.ok()) return StatusAnswer(reply.status());
  if (reply->code == 204 || reply->code == 200) return {204, "", false};
  return UpstreamError(reply->code, reply->body, request.place.hidden);
}

}  // namespace dcp::catalog
