// SPDX-License-Identifier: Apache-2.0
//
// Endpoints for namespaces: production's and the overlay's as one tree.
#include <set>
#include <utility>

#include "catalog/namespace_bodies.h"
#include "catalog/requests.h"
#include "catalog/url.h"

namespace dcp::catalog {
namespace {

HttpResponse NamespaceIsReadOnly(const Backends& backends, const Place& place,
                                 const Levels& levels) {
  return ErrorAnswer(403, kForbidden,
                     "namespace " + backends.name + "." + Display(levels) +
                         " belongs to production and is read-only in playground " +
                         place.playground + "; create a namespace of another name");
}

/// Names that the overlay cannot hold are not asked for: it joins levels with dots.
Result<bool> IsInOverlay(const Backends& backends, const Place& place, const Levels& levels) {
  if (!CheckOverlayLevels(levels).ok()) return false;
  return backends.overlay.NamespaceExists(place.Overlay(levels));
}

Status PostNamespace(const Backends& backends, const Levels& levels) {
  DCP_ASSIGN(const std::string body, NamespaceBody(levels, ""));
  DCP_ASSIGN(const HttpReply reply, backends.overlay.Post("/v1/namespaces", body));
  if (reply.code == 200 || reply.code == 409) return Status::Ok();  // 409: it is there
  const std::string text =
      "the overlay catalog answered a new namespace with HTTP " + std::to_string(reply.code);
  // The names were judged before, so what refuses them here is the overlay's own limit.
  return reply.code == 400 || reply.code == 414 ? InvalidArgument(text) : Unavailable(text);
}

}  // namespace

HttpResponse NoSuchNamespace(const Levels& levels) {
  return ErrorAnswer(404, kNoSuchNamespace, "Namespace does not exist: " + Display(levels));
}

Result<bool> IsNamespaceVisible(const Backends& backends, const Place& place,
                                const Levels& levels) {
  DCP_ASSIGN(const bool in_overlay, IsInOverlay(backends, place, levels));
  if (in_overlay) return true;
  return backends.production.NamespaceExists(levels);
}

Status EnsureOverlayNamespace(const Backends& backends, const Place& place, const Levels& levels) {
  const Levels wanted = place.Overlay(levels);
  DCP_ASSIGN(const bool exists, backends.overlay.NamespaceExists(wanted));
  if (exists) return Status::Ok();
  for (size_t depth = 1; depth <= wanted.size(); ++depth) {
    DCP_TRY(PostNamespace(backends,
                          Levels(wanted.begin(), wanted.begin() + static_cast<ptrdiff_t>(depth))));
  }
  return Status::Ok();
}

HttpResponse ListNamespaces(const Backends& backends, const Request& request) {
  Result<PageRequest> page = ReadPageRequest(request.query);
  if (!page.ok()) return StatusAnswer(page.status());
  Levels parent;
  if (const auto found = request.query.find("parent");
      found != request.query.end() && !found->second.empty()) {
    Result<Levels> levels = SplitNamespace(found->second);
    if (!levels.ok()) return StatusAnswer(levels.status());
    parent = std::move(levels).value();
  }
  Result<std::vector<Levels>> production = backends.production.ListNamespaces(parent);
  if (!production.ok()) return StatusAnswer(production.status());
  std::set<std::string> merged;
  for (const Levels& levels : *production) merged.insert(levels.back());
  if (parent.empty() || CheckOverlayLevels(parent).ok()) {
    const Result<std::vector<Levels>> overlay =
        backends.overlay.ListNamespaces(request.place.Overlay(parent));
    if (!overlay.ok()) return StatusAnswer(overlay.status());
    for (const Levels& levels : *overlay) merged.insert(levels.back());
  }
  if (merged.empty() && !parent.empty()) {
    const Result<bool> visible = IsNamespaceVisible(backends, request.place, parent);
    if (!visible.ok()) return StatusAnswer(visible.status());
    if (!*visible) return NoSuchNamespace(parent);
  }
  return NamespacesAnswer(parent, TakePage(merged, *page));
}

HttpResponse LoadNamespace(const Backends& backends, const Request& request) {
  const Levels& levels = request.route.levels;
  const Result<HttpReply> production = backends.production.Get(NamespacePath(levels));
  if (!production.ok()) return StatusAnswer(production.status());
  if (production->code == 200) return NamespaceAnswer(levels, production->body);
  if (!SaysAbsent(*production)) return UpstreamError(*production, "");
  if (!CheckOverlayLevels(levels).ok()) return NoSuchNamespace(levels);
  const Result<HttpReply> overlay =
      backends.overlay.Get(NamespacePath(request.place.Overlay(levels)));
  if (!overlay.ok()) return StatusAnswer(overlay.status());
  if (overlay->code == 200) return NamespaceAnswer(levels, overlay->body);
  if (SaysAbsent(*overlay)) return NoSuchNamespace(levels);
  return UpstreamError(*overlay, request.place.hidden);
}

HttpResponse NamespaceExists(const Backends& backends, const Request& request) {
  const Result<bool> visible = IsNamespaceVisible(backends, request.place, request.route.levels);
  if (!visible.ok()) return StatusAnswer(visible.status());
  return *visible ? HttpResponse{204, "", false} : NoSuchNamespace(request.route.levels);
}

HttpResponse CreateNamespace(const Backends& backends, const Request& request) {
  const Result<Levels> levels = ReadNamespace(request.body);
  if (!levels.ok()) return StatusAnswer(levels.status());
  const Result<std::string> body = NamespaceBody(request.place.Overlay(*levels), request.body);
  if (!body.ok()) return StatusAnswer(body.status());
  const Result<bool> in_production = backends.production.NamespaceExists(*levels);
  if (!in_production.ok()) return StatusAnswer(in_production.status());
  if (*in_production) {
    return ErrorAnswer(409, kAlreadyExists,
                       "Namespace already exists in production: " + Display(*levels));
  }
  const Status parents =
      EnsureOverlayNamespace(backends, request.place, Levels(levels->begin(), levels->end() - 1));
  if (!parents.ok()) return StatusAnswer(parents);
  const Result<HttpReply> reply = backends.overlay.Post("/v1/namespaces", *body);
  if (!reply.ok()) return StatusAnswer(reply.status());
  if (reply->code == 200) return NamespaceAnswer(*levels, reply->body);
  return UpstreamError(*reply, request.place.hidden);
}

HttpResponse DropNamespace(const Backends& backends, const Request& request) {
  const Levels& levels = request.route.levels;
  const Result<bool> in_production = backends.production.NamespaceExists(levels);
  if (!in_production.ok()) return StatusAnswer(in_production.status());
  if (*in_production) return NamespaceIsReadOnly(backends, request.place, levels);
  if (!CheckOverlayLevels(levels).ok()) return NoSuchNamespace(levels);
  const Levels overlay = request.place.Overlay(levels);
  const Result<std::vector<Levels>> children = backends.overlay.ListNamespaces(overlay);
  if (!children.ok()) return StatusAnswer(children.status());
  if (!children->empty()) {
    return ErrorAnswer(409, kNamespaceNotEmpty,
                       "Namespace " + Display(levels) + " is not empty: it has " +
                           std::to_string(children->size()) + " namespaces; drop them first");
  }
  const Result<HttpReply> reply = backends.overlay.Delete(NamespacePath(overlay));
  if (!reply.ok()) return StatusAnswer(reply.status());
  if (reply->code == 204 || reply->code == 200) return {204, "", false};
  if (SaysAbsent(*reply)) return NoSuchNamespace(levels);
  return UpstreamError(*reply, request.place.hidden);
}

HttpResponse UpdateNamespace(const Backends& backends, const Request& request) {
  const Levels& levels = request.route.levels;
  const Result<std::string> body = NamespaceUpdateBody(request.body);
  if (!body.ok() && body.status().code() == Code::kFailedPrecondition) {
    return ErrorAnswer(422, kUnprocessable, body.status().message());
  }
  if (!body.ok()) return StatusAnswer(body.status());
  const Result<bool> in_production = backends.production.NamespaceExists(levels);
  if (!in_production.ok()) return StatusAnswer(in_production.status());
  if (*in_production) return NamespaceIsReadOnly(backends, request.place, levels);
  if (!CheckOverlayLevels(levels).ok()) return NoSuchNamespace(levels);
  const Result<HttpReply> reply =
      backends.overlay.Post(NamespacePath(request.place.Overlay(levels)) + "/properties", *body);
  if (!reply.ok()) return StatusAnswer(reply.status());
  if (reply->code == 200) return {200, NamespaceUpdateAnswer(reply->body), false};
  if (SaysAbsent(*reply)) return NoSuchNamespace(levels);
  return UpstreamError(*reply, request.place.hidden);
}

}  // namespace dcp::catalog
