// SPDX-License-Identifier: Apache-2.0
//
// Authentication, authorisation and dispatch of a request.
#include "catalog/facade.h"

#include <utility>

#include "base/redaction.h"
#include "catalog/url.h"
#include "log/log.h"

namespace dcp::catalog {
namespace {

constexpr std::string_view kMount = "/pg/";

/// The token of a request: our own header, or the bearer token of engines that cannot set one.
std::string TokenOf(const HttpRequest& request) {
  if (const auto own = request.headers.find("x-pretzel-token"); own != request.headers.end()) {
    return own->second;
  }
  const auto bearer = request.headers.find("authorization");
  return bearer == request.headers.end() ? "" : BearerToken(bearer->second);
}

HttpResponse Refused(const std::string& why, const std::string& advice) {
  return ErrorAnswer(403, kForbidden, why + "; " + advice);
}

}  // namespace

void Receipts::Count(const Claims& claims, const Route& route, int code) {
  const MutexLock lock(mutex_);
  Receipt& receipt = receipts_[{claims.playground, claims.generation, claims.mode}];
  if (code == 403) {
    ++receipt.refused;
    return;
  }
  switch (route.endpoint) {
    case Endpoint::kLoadTable:
    case Endpoint::kTableExists:
    case Endpoint::kLoadView:
    case Endpoint::kViewExists:
    case Endpoint::kLoadNamespace:
    case Endpoint::kNamespaceExists:
      ++receipt.loads;
      break;
    case Endpoint::kListNamespaces:
    case Endpoint::kListTables:
    case Endpoint::kListViews:
      ++receipt.lists;
      break;
    case Endpoint::kCreateTable:
    case Endpoint::kCreateNamespace:
      ++receipt.creates;
      break;
    case Endpoint::kCommitTable:
    case Endpoint::kRenameTable:
    case Endpoint::kUpdateNamespace:
      ++receipt.commits;
      break;
    case Endpoint::kDropTable:
    case Endpoint::kDropNamespace:
      ++receipt.drops;
      break;
    default:
      break;
  }
}

Receipt Receipts::Get(const std::string& playground, int64_t generation,
                      const std::string& mode) const {
  const MutexLock lock(mutex_);
  const auto found = receipts_.find({playground, generation, mode});
  return found == receipts_.end() ? Receipt() : found->second;
}

void Receipts::Forget(const std::string& playground, int64_t generation) {
  const MutexLock lock(mutex_);
  for (const char* mode : {"ro", "rw"}) receipts_.erase({playground, generation, mode});
}

Place Place::Of(const Backends& backends, const std::string& playground, int64_t generation) {
  return {playground, generation, PlaygroundFolder(backends.warehouse, playground, generation),
          OverlayRoot(playground, generation) + "."};
}

Levels Place::Overlay(const Levels& levels) const {
  return OverlayLevels(playground, generation, levels);
}

TableName Place::Overlay(const TableName& table) const {
  return {Overlay(table.levels), table.name};
}

Admission Facade::Admit(const HttpRequest& head) {
  if (!head.target.starts_with(kMount)) {
    // Where catalogs point that no playground was mounted over.
    return {false, "",
            Refused("no playground is mounted here",
                    "use the endpoint /pg/<playground> and a token of that playground")};
  }
  const Result<Claims> claims = tokens_.Verify(TokenOf(head), clock_.Wall());
  if (claims.ok()) return {true, claims->user, {}};
  return {false, "", StatusAnswer(claims.status())};
}

HttpResponse Facade::Busy(const HttpRequest& request) {
  const Status busy =
      Unavailable("the playground catalog has too many requests at once; try again");
  Result<Target> target = ParseTarget(request.target);
  if (target.ok() && target->segments.size() > 2) {
    target->segments.erase(target->segments.begin(), target->segments.begin() + 2);
    const Result<Route> route = FindRoute(request.method, target->segments);
    if (route.ok() && route->endpoint == Endpoint::kCommitTable) return NotCommitted(busy);
  }
  return StatusAnswer(busy);
}

Status Facade::CheckClaims(const Claims& claims, const std::string& playground) const {
  if (claims.playground != playground) {
    return PermissionDenied("the token is for playground " + claims.playground +
                            ", not for the one of this endpoint");
  }
  Result<store::Playground> row = store_.GetPlayground(playground);
  if (!row.ok() && row.status().code() != Code::kNotFound) {
    return Unavailable("the daemon's store does not answer; try again");
  }
  if (!row.ok() || row->generation != claims.generation || row->state == store::kDeleted) {
    return PermissionDenied("playground " + playground +
                            " of this token does not exist any more; create one");
  }
  if (row->state != store::kActive) {
    return PermissionDenied("playground " + playground + " is being deleted; create another");
  }
  if (row->expires_at <= clock_.Wall()) {
    return PermissionDenied("playground " + playground + " expired at " +
                            FormatTime(row->expires_at) + "; create another");
  }
  if (row->owner != claims.user) {
    return PermissionDenied("the token's user does not own playground " + playground);
  }
  return Status::Ok();
}

HttpResponse Facade::Handle(const HttpRequest& request, const std::function<bool()>& gone) {
  const Result<Claims> claims = tokens_.Verify(TokenOf(request), clock_.Wall());
  if (!claims.ok()) return StatusAnswer(claims.status());
  Result<Target> target = ParseTarget(request.target);
  if (!target.ok()) return StatusAnswer(target.status());
  std::vector<std::string>& segments = target->segments;
  if (segments.size() < 2 || segments[0] != "pg") {
    return Refused("no playground is mounted here", "use the endpoint /pg/<playground>");
  }
  if (const Status good = CheckClaims(*claims, segments[1]); !good.ok()) return StatusAnswer(good);
  const std::string playground = segments[1];
  segments.erase(segments.begin(), segments.begin() + 2);
  const Result<Route> route = FindRoute(request.method, segments);
  if (!route.ok()) {
    return route.status().code() == Code::kNotFound
               ? ErrorAnswer(404, kUnsupported, route.status().message())
               : StatusAnswer(route.status());
  }
  const Backends backends(backends_,
                          {claims->user, playground, {gone, SystemClock().Steady() + request_ms_}});
  const Place place = Place::Of(backends, playground, claims->generation);
  HttpResponse response;
  if (route->mutates && claims->mode != "rw") {
    response =
        Refused("the token for playground " + playground + " only reads",
                "write with `pretzel derived-dataset run`, or connect with `pretzel playground "
                "connect --write`");
  } else {
    response = Dispatch(backends, {place, *route, target->query, request.body});
  }
  receipts_.Count(*claims, *route, response.code);
  if (route->mutates && gone()) {
    log::Write(log::Id::kOutcomeUntold, {{"playground", playground},
                                         {"method", request.method},
                                         {"path", Redact(request.target).substr(0, 500)},
                                         {"status", response.code}});
  }
  if (response.code >= 500 && !gone()) {  // what ends because its client left is no failure
    log::Write(log::Id::kRequestFailed, {{"playground", playground},
                                         {"method", request.method},
                                         {"path", Redact(request.target).substr(0, 500)},
                                         {"error", Redact(response.body).substr(0, 1000)}});
  }
  return response;
}

HttpResponse Facade::Dispatch(const Backends& backends, const Request& request) {
  switch (request.route.endpoint) {
    case Endpoint::kConfig:
      return ConfigAnswer(ServedEndpoints());
    case Endpoint::kListNamespaces:
      return ListNamespaces(backends, request);
    case Endpoint::kCreateNamespace:
      return CreateNamespace(backends, request);
    case Endpoint::kLoadNamespace:
      return LoadNamespace(backends, request);
    case Endpoint::kNamespaceExists:
      return NamespaceExists(backends, request);
    case Endpoint::kDropNamespace:
      return DropNamespace(backends, request);
    case Endpoint::kUpdateNamespace:
      return UpdateNamespace(backends, request);
    case Endpoint::kListTables:
      return ListTables(backends, request);
    case Endpoint::kCreateTable:
      return CreateTable(backends, request);
    case Endpoint::kLoadTable:
      return LoadTable(backends, request);
    case Endpoint::kTableExists:
      return TableExists(backends, request);
    case Endpoint::kCommitTable:
      return CommitTable(backends, request);
    case Endpoint::kDropTable:
      return DropTable(backends, request);
    case Endpoint::kRenameTable:
      return RenameTable(backends, request);
    case Endpoint::kReportMetrics:
      return ReportMetrics(backends, request);
    case Endpoint::kListViews:
      return ListViews(backends, request);
    case Endpoint::kLoadView:
      return LoadView(backends, request);
    case Endpoint::kViewExists:
      return ViewExists(backends, request);
    case Endpoint::kRefuseRegister:
      return Refused("a playground takes no registered tables: their files are not its own",
                     "write the table with a job");
    case Endpoint::kRefuseTransaction:
      return Refused("a playground takes no commits of several tables at once",
                     "commit each table by itself");
    case Endpoint::kRefuseView:
      return Refused("a playground takes no views", "declare a derived dataset instead");
  }
  return ErrorAnswer(500, kServerError, "the endpoint is not known");
}

}  // namespace dcp::catalog
