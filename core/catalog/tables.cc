// SPDX-License-Identifier: Apache-2.0
//
// Endpoints for tables, but for create and commit: the overlay's hide production's.
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <utility>

#include "catalog/location.h"
#include "catalog/policy.h"
#include "catalog/requests.h"
#include "catalog/shapes.h"
#include "catalog/url.h"
#include "os/untrusted_folder.h"

namespace dcp::catalog {
namespace {

/// Histories can be most of a table's metadata, so clients may ask for what refs name alone.
Result<bool> WantsRefs(const std::map<std::string, std::string>& query) {
  const auto found = query.find("snapshots");
  if (found == query.end() || found->second == "all") return false;
  if (found->second == "refs") return true;
  return InvalidArgument("the query parameter snapshots is neither all nor refs");
}

/// Python's clients write it with a capital.
Result<bool> WantsPurge(const std::map<std::string, std::string>& query) {
  const auto found = query.find("purgeRequested");
  if (found == query.end() || found->second == "false" || found->second == "False") return false;
  if (found->second == "true" || found->second == "True") return true;
  return InvalidArgument("the query parameter purgeRequested is neither true nor false");
}

/// Whose a table is that the overlay does not have.
HttpResponse NotInOverlay(const Backends& backends, const Place& place, const TableName& table) {
  const Result<bool> in_production = backends.production.TableExists(table);
  if (!in_production.ok()) return StatusAnswer(in_production.status());
  return *in_production ? ReadOnlyAnswer(backends, place, Display(table)) : NoSuchTable(table);
}

/// A client's answer made of an upstream's reply that is 200.
HttpResponse Loaded(Result<std::string> body) {
  return body.ok() ? HttpResponse{200, std::move(body).value(), false}
                   : StatusAnswer(body.status());
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

HttpResponse NoSuchTable(const TableName& table) {
  return ErrorAnswer(404, kNoSuchTable, "Table does not exist: " + Display(table));
}

Result<HttpReply> LoadFromOverlay(const Backends& backends, const Place& place,
                                  const TableName& table, bool refs) {
  if (!CheckOverlayTable(table).ok()) return HttpReply{404, NoSuchTable(table).body};
  return backends.overlay.LoadTable(place.Overlay(table), refs);
}

Result<bool> IsInOverlay(const Backends& backends, const Place& place, const TableName& table) {
  DCP_ASSIGN(const HttpReply reply, LoadFromOverlay(backends, place, table, true));
  if (SaysAbsent(reply)) return false;
  if (reply.code < 500) return true;
  return Unavailable("the overlay catalog answered a load with HTTP " + std::to_string(reply.code));
}

HttpResponse ListTables(const Backends& backends, const Request& request) {
  const Levels& levels = request.route.levels;
  const Result<PageRequest> page = ReadPageRequest(request.query);
  if (!page.ok()) return StatusAnswer(page.status());
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
    if (!*visible) return NoSuchNamespace(levels);
  }
  return TablesAnswer(levels, TakePage(merged, *page));
}

HttpResponse LoadTable(const Backends& backends, const Request& request) {
  const TableName table = request.Table();
  const Result<bool> refs = WantsRefs(request.query);
  if (!refs.ok()) return StatusAnswer(refs.status());
  const Result<HttpReply> overlay = LoadFromOverlay(backends, request.place, table, *refs);
  if (!overlay.ok()) return StatusAnswer(overlay.status());
  if (overlay->code == 200) return Loaded(StripCredentials(overlay->body));
  if (!SaysAbsent(*overlay)) return UpstreamError(*overlay, request.place.hidden);
  const Result<HttpReply> production = backends.production.LoadTable(table, *refs);
  if (!production.ok()) return StatusAnswer(production.status());
  if (production->code == 200) {
    return Loaded(Defang(production->body, QuarantineOf(request.place, table)));
  }
  return SaysAbsent(*production) ? NoSuchTable(table) : UpstreamError(*production, "");
}

HttpResponse TableExists(const Backends& backends, const Request& request) {
  const TableName table = request.Table();
  const Result<bool> in_overlay = IsInOverlay(backends, request.place, table);
  if (!in_overlay.ok()) return StatusAnswer(in_overlay.status());
  if (*in_overlay) return {204, "", false};
  const Result<bool> in_production = backends.production.TableExists(table);
  if (!in_production.ok()) return StatusAnswer(in_production.status());
  return *in_production ? HttpResponse{204, "", false} : NoSuchTable(table);
}

namespace {

/// The table is gone already; what stays of its files goes with the playground. Jobs can write
/// below the playground's folder, so no part of the path below it may be a link to somebody else's
/// table.
void RemoveFiles(const std::string& location, const std::string& playground_folder) {
  const Result<std::string> path = LocalPath(location);
  const Result<std::string> root = LocalPath(playground_folder);
  if (!path.ok() || !root.ok() || !path->starts_with(*root)) return;
  const auto levels =
      std::count(path->begin() + static_cast<std::ptrdiff_t>(root->size()), path->end(), '/');
  const auto folder = os::UntrustedFolder::Open(*path, static_cast<int>(levels));
  if (folder.ok() && folder->RemoveAllBut({}).ok()) (void)::rmdir(path->c_str());  // when empty
}

}  // namespace

HttpResponse DropTable(const Backends& backends, const Request& request) {
  const TableName table = request.Table();
  const Result<bool> purge = WantsPurge(request.query);
  if (!purge.ok()) return StatusAnswer(purge.status());
  if (!CheckOverlayTable(table).ok()) return NotInOverlay(backends, request.place, table);
  std::string files;  // where they are, if that can still be read
  if (*purge) {
    const Result<HttpReply> loaded = LoadFromOverlay(backends, request.place, table, true);
    const Result<LoadedTable> found =
        loaded.ok() && loaded->code == 200 ? ReadLoaded(loaded->body) : NotFound("not loaded");
    if (found.ok() && IsTableLocation(found->location, request.place.folder)) {
      files = found->location;
    }
  }
  // The row first, and without loading the table: one whose metadata is lost must go as well. Its
  // files are never removed by the upstream, which would follow the metadata to where they are.
  const Result<HttpReply> reply =
      backends.overlay.Delete(TablePath(request.place.Overlay(table)) + "?purgeRequested=false");
  if (!reply.ok()) return StatusAnswer(reply.status());
  if (SaysAbsent(*reply)) return NotInOverlay(backends, request.place, table);
  if (reply->code != 204 && reply->code != 200) return UpstreamError(*reply, request.place.hidden);
  if (!files.empty()) {
    RemoveFiles(files, request.place.folder);
  }
  return {204, "", false};
}

HttpResponse RenameTable(const Backends& backends, const Request& request) {
  const Result<RenameRequest> rename = ReadRename(request.body);
  if (!rename.ok()) return StatusAnswer(rename.status());
  const TableName& source = rename->source;
  const TableName& target = rename->destination;
  const Result<HttpReply> loaded = LoadFromOverlay(backends, request.place, source, true);
  if (!loaded.ok()) return StatusAnswer(loaded.status());
  if (SaysAbsent(*loaded)) return NotInOverlay(backends, request.place, source);
  if (loaded->code != 200) return UpstreamError(*loaded, request.place.hidden);
  const Result<LoadedTable> table = ReadLoaded(loaded->body);
  if (!table.ok()) return StatusAnswer(table.status());
  if (auto refusal = PrepareName(backends, request.place, target, StatusAnswer)) return *refusal;
  const std::unique_lock lock(backends.renaming);
  const Status noted = NoteRenamed(backends, request.place, table->location);
  if (!noted.ok()) return StatusAnswer(noted);
  const Result<HttpReply> reply = backends.overlay.Post(
      "/v1/tables/rename", RenameBody(request.place.Overlay(source.levels),
                                      request.place.Overlay(target.levels), *rename));
  if (!reply.ok()) return StatusAnswer(reply.status());
  if (reply->code == 204 || reply->code == 200) return {204, "", false};
  return UpstreamError(*reply, request.place.hidden);
}

HttpResponse ReportMetrics(const Backends& backends, const Request& request) {
  const Result<std::string> report = Remake(Body::kMetrics, request.body);
  if (!report.ok()) return StatusAnswer(report.status());
  return TableExists(backends, request);  // 204: taken, and read by nobody
}

}  // namespace dcp::catalog
