// SPDX-License-Identifier: Apache-2.0
//
// Endpoints for views: production's, to read. Engines resolve what is in their SQL by names, which
// lead back here, so a view reads overlay tables where there are some.
#include <set>
#include <utility>

#include "catalog/requests.h"

namespace dcp::catalog {

HttpResponse ListViews(const Backends& backends, const Request& request) {
  const Levels& levels = request.route.levels;
  const Result<PageRequest> page = ReadPageRequest(request.query);
  if (!page.ok()) return StatusAnswer(page.status());
  const Result<bool> visible = IsNamespaceVisible(backends, request.place, levels);
  if (!visible.ok()) return StatusAnswer(visible.status());
  if (!*visible) return NoSuchNamespace(levels);
  const Result<HttpReply> probe = backends.production.Get(NamespacePath(levels) + "/views");
  if (!probe.ok()) return StatusAnswer(probe.status());
  // A catalog without views answers 400, 404, 405, 406 or 501, as its maker liked.
  if (probe->code != 200) return TablesAnswer(levels, TakePage({}, *page));
  const Result<std::vector<std::string>> names = backends.production.List(levels, "views");
  if (!names.ok()) return StatusAnswer(names.status());
  std::set<std::string> shown(names->begin(), names->end());
  if (!shown.empty() && CheckOverlayLevels(levels).ok()) {
    // The overlay's tables hide whatever production has under their names.
    const Result<std::vector<std::string>> tables =
        backends.overlay.List(request.place.Overlay(levels), "tables");
    if (!tables.ok()) return StatusAnswer(tables.status());
    for (const std::string& table : *tables) shown.erase(table);
  }
  return TablesAnswer(levels, TakePage(shown, *page));
}

HttpResponse LoadView(const Backends& backends, const Request& request) {
  const TableName view = request.Table();
  const Result<HttpReply> reply = backends.production.Get(ViewPath(view));
  if (!reply.ok()) return StatusAnswer(reply.status());
  if (reply->code == 200) {
    const Result<bool> hidden = IsInOverlay(backends, request.place, view);
    if (!hidden.ok()) return StatusAnswer(hidden.status());
    if (*hidden) return ErrorAnswer(404, kNoSuchView, "View does not exist: " + Display(view));
    Result<std::string> body = StripCredentials(reply->body);
    return body.ok() ? HttpResponse{200, std::move(body).value(), false}
                     : StatusAnswer(body.status());
  }
  if (reply->code >= 500 && reply->code != 501) return UpstreamError(*reply, "");
  return ErrorAnswer(404, kNoSuchView, "View does not exist: " + Display(view));
}

HttpResponse ViewExists(const Backends& backends, const Request& request) {
  const HttpResponse loaded = LoadView(backends, request);
  return loaded.code == 200 ? HttpResponse{204, "", false} : loaded;
}

}  // namespace dcp::catalog
