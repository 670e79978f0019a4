// SPDX-License-Identifier: Apache-2.0
//
// Create and commit: the only ways to write, and into the overlay alone.
#include <utility>

#include "catalog/location.h"
#include "catalog/policy.h"
#include "catalog/requests.h"

namespace dcp::catalog {
namespace {

HttpResponse ExistsInProduction(const Backends& backends, const Place& place,
                                const TableName& table) {
  return ErrorAnswer(409, kAlreadyExists,
                     "Table already exists in production: " + backends.name + "." + Display(table) +
                         " is read-only in playground " + place.playground +
                         "; declare it in a manifest to override");
}

/// Nothing was committed, and the client may be sure of it: a 5xx would make engines believe that
/// the outcome is unknown, and keep files of a write that never was.
HttpResponse NotCommitted(const Status& status) {
  return ErrorAnswer(409, "CommitFailedException", "nothing was committed: " + status.message());
}

HttpResponse WrittenTable(const Result<HttpReply>& reply, const Place& place) {
  if (!reply.ok()) {
    return ErrorAnswer(500, kCommitStateUnknown,
                       "the outcome is unknown: " + reply.status().message());
  }
  if (reply->code != 200) return UpstreamError(reply->code, reply->body, place.hidden);
  Result<std::string> body = StripCredentials(reply->body);
  // It was written, so an answer that cannot be read leaves the outcome unknown to the client.
  if (!body.ok()) return ErrorAnswer(500, kCommitStateUnknown, body.status().message());
  return {200, std::move(body).value(), false};
}

HttpResponse SendCommit(const Backends& backends, const Request& request,
                        const std::string& location) {
  const Result<std::string> body = PrepareCommit(request.body, location);
  if (!body.ok()) return StatusAnswer(body.status());
  const Result<HttpReply> reply =
      backends.overlay.Post(TablePath(request.place.Overlay(request.Table())), *body);
  if (!reply.ok() && reply.status().code() == Code::kUnavailable) {
    return NotCommitted(reply.status());
  }
  return WrittenTable(reply, request.place);
}

/// The second half of a staged create. Which location was assigned in the first half is not
/// remembered: it has a form that only we give, and is checked for that.
HttpResponse CommitNewTable(const Backends& backends, const Request& request,
                            const CommitRequest& commit) {
  const TableName table = request.Table();
  const Status name = CheckOverlayTable(table);
  if (!name.ok()) return StatusAnswer(name);
  const Result<bool> in_production = backends.production.TableExists(table);
  if (!in_production.ok()) return NotCommitted(in_production.status());
  if (*in_production) return ExistsInProduction(backends, request.place, table);
  const std::string given = commit.set_locations.empty() ? "" : commit.set_locations.back();
  if (!IsAssignedLocation(given, request.place.folder, table)) {
    return StatusAnswer(PermissionDenied(
        "the location \"" + given.substr(0, 200) +
        "\" is not one that the playground assigned; begin with a staged create and use the one "
        "it answers"));
  }
  const Result<std::string> location = CanonicalLocation(given, Percent::kKeep);
  if (!location.ok()) return StatusAnswer(location.status());
  const Result<bool> visible = IsNamespaceVisible(backends, request.place, table.levels);
  if (!visible.ok()) return NotCommitted(visible.status());
  if (!*visible) {
    return ErrorAnswer(404, kNoSuchNamespace, "Namespace does not exist: " + Display(table.levels));
  }
  const Status ensured = EnsureOverlayNamespace(backends, request.place, table.levels);
  if (!ensured.ok()) return NotCommitted(ensured);
  return SendCommit(backends, request, *location);
}

}  // namespace

HttpResponse CreateTable(const Backends& backends, const Request& request) {
  const Result<CreateRequest> create = ReadCreate(request.body);
  if (!create.ok()) return StatusAnswer(create.status());
  const TableName table{request.route.levels, create->name};
  const Status name = CheckOverlayTable(table);
  if (!name.ok()) return StatusAnswer(name);
  const Result<std::string> body =
      PrepareCreate(request.body, NewTableLocation(request.place.folder, table));
  if (!body.ok()) return StatusAnswer(body.status());
  const Result<bool> in_production = backends.production.TableExists(table);
  if (!in_production.ok()) return StatusAnswer(in_production.status());
  if (*in_production) return ExistsInProduction(backends, request.place, table);
  const Result<bool> visible = IsNamespaceVisible(backends, request.place, table.levels);
  if (!visible.ok()) return StatusAnswer(visible.status());
  if (!*visible) {
    return ErrorAnswer(404, kNoSuchNamespace, "Namespace does not exist: " + Display(table.levels));
  }
  const Status ensured = EnsureOverlayNamespace(backends, request.place, table.levels);
  if (!ensured.ok()) return StatusAnswer(ensured);
  const Result<HttpReply> reply =
      backends.overlay.Post(NamespacePath(request.place.Overlay(table.levels)) + "/tables", *body);
  if (!reply.ok() && reply.status().code() == Code::kUnavailable) {
    return StatusAnswer(reply.status());
  }
  return WrittenTable(reply, request.place);
}

HttpResponse CommitTable(const Backends& backends, const Request& request) {
  const Result<CommitRequest> commit = ReadCommit(request.body);
  if (!commit.ok()) return StatusAnswer(commit.status());
  const TableName table = request.Table();
  const Result<HttpReply> overlay =
      LoadFromOverlay(backends, request.place, table, "?snapshots=refs");
  if (!overlay.ok()) return NotCommitted(overlay.status());
  if (overlay->code == 404) {
    if (commit->creates) return CommitNewTable(backends, request, *commit);
    const Result<bool> in_production = backends.production.TableExists(table);
    if (!in_production.ok()) return NotCommitted(in_production.status());
    if (*in_production) return ReadOnlyAnswer(backends, request.place, Display(table));
    return ErrorAnswer(404, kNoSuchTable, "Table does not exist: " + Display(table));
  }
  if (overlay->code != 200) {
    return NotCommitted(
        Unavailable("the overlay catalog answered with HTTP " + std::to_string(overlay->code)));
  }
  const Result<std::string> location = LoadedLocation(overlay->body);
  if (!location.ok()) return NotCommitted(location.status());
  if (!IsWithin(*location, request.place.folder)) {
    return ErrorAnswer(403, kForbidden,
                       "the table " + Display(table) +
                           " lies outside its playground and takes no writes; drop it");
  }
  return SendCommit(backends, request, *location);
}

}  // namespace dcp::catalog
