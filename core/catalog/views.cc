// SPDX-License-Identifier: Apache-2.0
//
// Endpoints for views: production's, to read. Engines resolve what is in their SQL by names, which
// lead back here, so a view reads overlay tables where there are some.
#include <utility>

#include "catalog/requests.h"

namespace dcp::catalog {

HttpResponse ListViews(const Backends& backends, const Request& request) {
  const Levels& levels = request.route.levels;
  const Result<HttpReply> probe = backends.production.Get(NamespacePath(levels) + "/views");
  if (!probe.ok()) return StatusAnswer(probe.status());
  // A catalog without views answers 400, 404, 405, 406 or 501, as its maker liked.
  if (probe->code != 200) return TablesAnswer(levels, {});
  const Result<std::vector<std::string>> names = backends.production.List(levels, "views");
  return names.ok() ? TablesAnswer(levels, *names) : StatusAnswer(names.status());
}

HttpResponse LoadView(const Backends& backends, const Request& request) {
  const TableName view = request.Table();
  const Result<HttpReply> reply = backends.production.Get(ViewPath(view));
  if (!reply.ok()) return StatusAnswer(reply.status());
  if (reply->code == 200) {
    Result<std::string> body = StripCredentials(reply->body);
    return body.ok() ? HttpResponse{200, std::move(body).value(), false}
                     : StatusAnswer(body.status());
  }
  if (reply->code >= 500) return UpstreamError(reply->code, reply->body, "");
  return ErrorAnswer(404, kNoSuchView, "View does not exist: " + Display(view));
}

HttpResponse ViewExists(const Backends& backends, const Request& request) {
  const HttpResponse loaded = LoadView(backends, request);
  return loaded.code == 200 ? HttpResponse{204, "", false} : loaded;
}

}  // namespace dcp::catalog
