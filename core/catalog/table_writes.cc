// SPDX-License-Identifier: Apache-2.0
//
// Create and commit: the only ways to write, and into the overlay alone.
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "catalog/location.h"
#include "catalog/policy.h"
#include "catalog/requests.h"

namespace dcp::catalog {
namespace {

/// The upstream failed on the load before a commit: a refusal is final, a failure may pass.
HttpResponse NotLoaded(const HttpReply& reply, const Place& place) {
  HttpResponse answer = UpstreamError(reply, place.hidden);
  if (answer.code < 500) return answer;
  return NotCommitted(
      Unavailable("the overlay catalog answered with HTTP " + std::to_string(reply.code)));
}

HttpResponse TableExistsAlready(const TableName& table) {
  // As Iceberg's own server says it; clients look for these words.
  return ErrorAnswer(409, kAlreadyExists,
                     "Requirement failed: table already exists: " + Display(table));
}

HttpResponse WrittenTable(const Result<HttpReply>& reply, const Place& place) {
  if (!reply.ok() && DidNotHappen(reply.status())) {
    return NotCommitted(reply.status());
  }
  if (!reply.ok()) {
    return ErrorAnswer(500, kCommitStateUnknown,
                       "the outcome is unknown: " + reply.status().message());
  }
  if (reply->code == 429) {
    return NotCommitted(Unavailable("the overlay catalog has too many requests"));
  }
  if (reply->code >= 500) {
    return ErrorAnswer(500, kCommitStateUnknown,
                       "the outcome is unknown: the overlay catalog answered with HTTP " +
                           std::to_string(reply->code) + ": " +
                           UpstreamMessage(reply->body, place.hidden));
  }
  if (reply->code != 200) return UpstreamError(*reply, place.hidden);
  Result<std::string> body = StripCredentials(reply->body);
  // It was written, so an answer that cannot be read leaves the outcome unknown to the client.
  if (!body.ok()) return ErrorAnswer(500, kCommitStateUnknown, body.status().message());
  return {200, std::move(body).value(), false};
}

HttpResponse SendCommit(const Backends& backends, const Request& request,
                        const CommitTarget& target) {
  const Result<std::string> body = PrepareCommit(request.body, target);
  if (!body.ok()) return StatusAnswer(body.status());
  return WrittenTable(
      backends.overlay.Post(TablePath(request.place.Overlay(request.Table())), *body),
      request.place);
}

/// The second half of a staged create. Which location was assigned in the first half is not
/// remembered: it has a form that only we give, and is checked for that.
HttpResponse CommitNewTable(const Backends& backends, const Request& request,
                            const CommitRequest& commit) {
  const TableName table = request.Table();
  const std::string given = commit.set_locations.empty() ? "" : commit.set_locations.back();
  const Status name = CheckOverlayTable(table);
  if (!name.ok()) return StatusAnswer(name);
  if (!IsAssignedLocation(given, request.place.folder, table)) {
    return StatusAnswer(PermissionDenied(
        "the location \"" + given.substr(0, 200) +
        "\" is not one that the playground assigned; begin with a staged create and use the one "
        "it answers"));
  }
  const Result<std::string> location = CanonicalLocation(given, Percent::kKeep);
  if (!location.ok()) return StatusAnswer(location.status());
  if (auto refusal = PrepareName(backends, request.place, table, NotCommitted)) return *refusal;
  const std::shared_lock lock(backends.renaming);
  const Result<bool> renamed = IsNotedRenamed(backends, request.place, *location);
  if (!renamed.ok()) return NotCommitted(renamed.status());
  if (*renamed) {
    return ErrorAnswer(409, kAlreadyExists,
                       "Table already exists: the location \"" + given.substr(0, 200) +
                           "\" is that of a table that was renamed; begin with another staged "
                           "create");
  }
  HttpResponse answer = SendCommit(backends, request, {*location, ""});
  // Somebody else's commit came in between, which "assert-create" has found.
  return answer.code == 409 ? TableExistsAlready(table) : answer;
}

}  // namespace

HttpResponse NotCommitted(const Status& status) {
  // What no second try changes is told as it is: a conflict would be tried again.
  if (!DidNotHappen(status) && status.code() != Code::kUnknown) return StatusAnswer(status);
  return ErrorAnswer(409, kCommitFailed, "nothing was committed: " + status.message());
}

HttpResponse CreateTable(const Backends& backends, const Request& request) {
  const Result<CreateRequest> create = ReadCreate(request.body);
  if (!create.ok()) return StatusAnswer(create.status());
  const TableName table{request.route.levels, create->name};
  const Status name = CheckOverlayTable(table);
  if (!name.ok()) return StatusAnswer(name);  // before a location is made of it
  const Result<std::string> body =
      PrepareCreate(request.body, NewTableLocation(request.place.folder, table));
  if (!body.ok()) return StatusAnswer(body.status());
  if (auto refusal = PrepareName(backends, request.place, table, StatusAnswer)) return *refusal;
  const Result<HttpReply> reply =
      backends.overlay.Post(NamespacePath(request.place.Overlay(table.levels)) + "/tables", *body);
  if (!reply.ok() && DidNotHappen(reply.status())) {
    return StatusAnswer(reply.status());
  }
  // The upstream looks at the table that has the name, and cannot read it.
  if (reply.ok() && reply->code == 404 && !SaysAbsent(*reply)) {
    return ErrorAnswer(409, kAlreadyExists,
                       "Table already exists: " + Display(table) + "; its metadata is lost: " +
                           UpstreamMessage(reply->body, request.place.hidden) + "; drop it");
  }
  return WrittenTable(reply, request.place);
}

HttpResponse CommitTable(const Backends& backends, const Request& request) {
  const Result<CommitRequest> commit = ReadCommit(request.body);
  if (!commit.ok()) return StatusAnswer(commit.status());
  const TableName table = request.Table();
  const Result<HttpReply> overlay = LoadFromOverlay(backends, request.place, table, true);
  if (!overlay.ok()) return NotCommitted(overlay.status());
  if (SaysAbsent(*overlay)) {
    if (commit->creates) return CommitNewTable(backends, request, *commit);
    const Result<bool> in_production = backends.production.TableExists(table);
    if (!in_production.ok()) return NotCommitted(in_production.status());
    return *in_production ? ReadOnlyAnswer(backends, request.place, Display(table))
                          : NoSuchTable(table);
  }
  // The loser of two staged creates; its location is not the table's, which is no fault of its own.
  if (commit->creates) return TableExistsAlready(table);
  if (overlay->code != 200) return NotLoaded(*overlay, request.place);
  const Result<LoadedTable> loaded = ReadLoaded(overlay->body);
  if (!loaded.ok()) return NotCommitted(loaded.status());
  if (!IsWithin(loaded->location, request.place.folder)) {
    return ErrorAnswer(403, kForbidden,
                       "the table " + Display(table) +
                           " lies outside its playground and takes no writes; drop it");
  }
  return SendCommit(backends, request, {loaded->location, loaded->uuid});
}

}  // namespace dcp::catalog
