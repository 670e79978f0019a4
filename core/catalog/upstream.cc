// SPDX-License-Identifier: Apache-2.0
//
// Calls to one upstream catalog.
#include "catalog/upstream.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "catalog/json_text.h"
#include "catalog/url.h"

namespace dcp::catalog {
namespace {

using Json = nlohmann::json;

constexpr char kSecretHeader[] = "x-pretzel-secret";
constexpr char kPageSize[] = "1000";

std::string WithoutSlash(std::string uri) {
  while (uri.ends_with('/')) uri.pop_back();
  return uri;
}

std::string NextPage(const Json& json) {
  const auto found = json.find("next-page-token");
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

/// The type that an Iceberg error has; empty for any other answer.
std::string ErrorType(const std::string& body) {
  if (!CheckJsonDepth(body).ok()) return "";
  const Json json = Json::parse(body, nullptr, false);
  const Json error = json.is_object() ? json.value("error", Json()) : Json();
  const Json type = error.is_object() ? error.value("type", Json()) : Json();
  return type.is_string() ? type.get<std::string>() : "";
}

/// Leaves the snapshots that a ref names, and the statistics of those.
Result<std::string> KeepReferenced(const std::string& load_result) {
  DCP_TRY(CheckJsonDepth(load_result));
  Json json = Json::parse(load_result, nullptr, false);
  if (!json.is_object() || !json.value("metadata", Json()).is_object()) return load_result;
  Json& metadata = json["metadata"];
  std::set<Json> kept = {metadata.value("current-snapshot-id", Json())};
  for (const Json& ref : metadata.value("refs", Json())) {
    if (ref.is_object()) kept.insert(ref.value("snapshot-id", Json()));
  }
  for (const char* key : {"snapshots", "statistics", "partition-statistics"}) {
    if (!metadata.value(key, Json()).is_array()) continue;
    Json left = Json::array();
    for (const Json& entry : metadata[key]) {
      if (entry.is_object() && kept.contains(entry.value("snapshot-id", Json()))) {
        left.push_back(entry);
      }
    }
    metadata[key] = std::move(left);
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

bool SaysAbsent(const HttpReply& reply) {
  if (reply.code != 404) return false;
  const std::string type = ErrorType(reply.body);
  // The third is what a catalog over a metastore says of a table of another format.
  return type == "NoSuchTableException" || type == "NoSuchNamespaceException" ||
         type == "NoSuchIcebergTableException" || type == "NoSuchViewException";
}

bool DidNotHappen(const Status& failure) {
  return failure.code() == Code::kUnavailable || failure.code() == Code::kCancelled ||
         failure.code() == Code::kDeadlineExceeded;
}

UpstreamCatalog::Shared::Shared(const std::string& name, const Upstream& upstream,
                                int64_t timeout_ms, const std::atomic<bool>& stops)
    : what(name),
      stopping(stops),
      client({WithoutSlash(upstream.uri), kSecretHeader, upstream.secret, timeout_ms}, stops),
      gate(name, upstream.limits),
      breaker(name, SystemClock()) {}

UpstreamCatalog::UpstreamCatalog(const std::string& what, const Upstream& upstream,
                                 int64_t timeout_ms, const std::atomic<bool>& stopping)
    : shared_(std::make_shared<Shared>(what, upstream, timeout_ms, stopping)) {}

UpstreamCatalog UpstreamCatalog::For(const Caller& caller) const {
  UpstreamCatalog own = *this;
  own.caller_ = caller;
  return own;
}

Result<UpstreamCatalog::Dialect> UpstreamCatalog::GetDialect() const {
  {
    const MutexLock lock(shared_->mutex);
    if (shared_->dialect) return *shared_->dialect;
  }
  DCP_ASSIGN(const HttpReply reply, CallAsIs("GET", "/v1/config", ""));
  const Json json =
      CheckJsonDepth(reply.body).ok() ? Json::parse(reply.body, nullptr, false) : Json();
  if (reply.code != 200 || !json.is_object()) {
    return Unavailable(shared_->what + " answered a request for its configuration with HTTP " +
                       std::to_string(reply.code));
  }
  Dialect dialect;
  for (const char* part : {"defaults", "overrides"}) {
    const Json given = json.value(part, Json());
    if (!given.is_object()) continue;
    const Json prefix = given.value("prefix", Json());
    if (prefix.is_string() && !prefix.get<std::string>().empty()) {
      dialect.prefix = "/" + prefix.get<std::string>();
    }
    const Json separator = given.value("namespace-separator", Json());
    if (separator.is_string() && !separator.get<std::string>().empty()) {
      dialect.separator = separator.get<std::string>();
    }
  }
  const MutexLock lock(shared_->mutex);
  shared_->dialect = dialect;
  return dialect;
}

Result<HttpReply> UpstreamCatalog::Call(const std::string& method, const std::string& path,
                                        const std::string& body) const {
  constexpr std::string_view kVersion = "/v1";
  constexpr std::string_view kSeparator = "%1F";
  DCP_ASSIGN(const Dialect dialect, GetDialect());
  std::string spelled = path.substr(kVersion.size());
  for (size_t at = spelled.find(kSeparator); at != std::string::npos;
       at = spelled.find(kSeparator, at + dialect.separator.size())) {
    spelled.replace(at, kSeparator.size(), dialect.separator);
  }
  return CallAsIs(method, std::string(kVersion) + dialect.prefix + spelled, body);
}

Result<HttpReply> UpstreamCatalog::CallInTurn(const std::string& method, const std::string& path,
                                              const std::string& body) const {
  const Patience& patience = caller_.patience;
  DCP_TRY(shared_->breaker.Check());
  DCP_ASSIGN(const Gate::Pass pass, shared_->gate.Enter(caller_, [&]() -> Status {
    if (shared_->stopping) return Unavailable("the daemon is stopping");
    if (patience.gone && patience.gone()) return Cancelled("the caller has gone");
    if (patience.deadline > 0 && SystemClock().Steady() >= patience.deadline) {
      return DeadlineExceeded("no call could be made in the time that was left");
    }
    return shared_->breaker.Check();
  }));
  DCP_ASSIGN(const bool probe, shared_->breaker.Begin());
  const SteadyMillis begun = SystemClock().Steady();
  Result<HttpReply> reply = shared_->client.Call(method, path, body, patience);
  const int64_t spent_ms = SystemClock().Steady() - begun;
  Breaker::Outcome outcome = Breaker::Outcome::kAnswered;
  if (!reply.ok()) {
    outcome = Breaker::Outcome::kFailed;
    const Code code = reply.status().code();
    if (code == Code::kResourceExhausted) outcome = Breaker::Outcome::kAnswered;
    const bool given_up = code == Code::kCancelled || code == Code::kDeadlineExceeded;
    const bool hung = spent_ms >= kBreakerHangMs;
    if (shared_->stopping || (given_up && !hung)) outcome = Breaker::Outcome::kUnknown;
  }
  shared_->breaker.End(probe, outcome, reply.ok() ? Status() : reply.status(), spent_ms);
  if (!reply.ok()) return std::move(reply).status().With(shared_->what);
  return reply;
}

Result<HttpReply> UpstreamCatalog::CallAsIs(const std::string& method, const std::string& path,
                                            const std::string& body) const {
  Result<HttpReply> reply = CallInTurn(method, path, body);
  if (!reply.ok()) return reply;
  if (reply->code == 401) {
    return Unavailable(shared_->what + " does not take the daemon's secret; ask its operator");
  }
  if (reply->code >= 300 && reply->code < 400) {
    return Unavailable(shared_->what +
                       " redirects, which is not followed; configure its real address");
  }
  if (reply->code == 200 && method != "HEAD" && !Json::accept(reply->body)) {
    // Perhaps it was cut on its way, and a POST has happened.
    return Status(method == "GET" ? Code::kUnavailable : Code::kUnknown,
                  shared_->what + " answered " + method + " with something that is no JSON");
  }
  return reply;
}

Status UpstreamCatalog::Failed(const std::string& what, const HttpReply& reply) const {
  const std::string text =
      shared_->what + " answered " + what + " with HTTP " + std::to_string(reply.code);
  switch (reply.code) {
    case 400:  // a character that its server takes in no path
    case 413:
    case 414:
    case 422:
    case 431:
      return InvalidArgument(text + ": its server does not take such a name");
    case 403:
      return PermissionDenied(text + ": the daemon may not see that; ask its operator");
    default:
      return Unavailable(text);
  }
}

Status UpstreamCatalog::CheckNames(size_t count) const {
  if (count <= kListNamesMax) return {};
  return ResourceExhausted(shared_->what + " lists more than " + std::to_string(kListNamesMax) +
                           " names");
}

Result<bool> UpstreamCatalog::Exists(const std::string& path) const {
  DCP_ASSIGN(const HttpReply reply, Call("HEAD", path, ""));
  if (reply.code == 200 || reply.code == 204) return true;
  if (reply.code == 404) return false;
  return Failed("an existence check", reply);
}

Result<bool> UpstreamCatalog::NamespaceExists(const Levels& levels) const {
  return Exists(NamespacePath(levels));
}

Result<bool> UpstreamCatalog::TableExists(const TableName& table) const {
  return Exists(TablePath(table));
}

Result<bool> UpstreamCatalog::ViewExists(const TableName& view) const {
  DCP_ASSIGN(const HttpReply reply, Get(ViewPath(view)));
  if (reply.code == 200) return true;
  // A catalog without views answers 400, 404, 405, 406 or 501, as its maker liked.
  if (reply.code == 501 || (reply.code >= 400 && reply.code <= 406 && reply.code != 403)) {
    return false;
  }
  return Failed("a request for a view", reply);
}

Result<HttpReply> UpstreamCatalog::LoadTable(const TableName& table, bool refs) const {
  if (!refs) return Get(TablePath(table));
  DCP_ASSIGN(HttpReply reply, Get(TablePath(table) + "?snapshots=refs"));
  if (reply.code != 400) return reply;
  // Iceberg's own server cannot leave out a snapshot that has statistics.
  DCP_ASSIGN(reply, Get(TablePath(table)));
  if (reply.code == 200) {
    DCP_ASSIGN(reply.body, KeepReferenced(reply.body));
  }
  return reply;
}

Result<std::vector<Levels>> UpstreamCatalog::ListNamespaces(const Levels& parent) const {
  std::vector<Levels> out;
  std::string token;
  for (int page = 0; page < kListPagesMax; ++page) {
    std::string path =
        "/v1/namespaces?pageSize=" + std::string(kPageSize) + "&pageToken=" + EncodeSegment(token);
    if (!parent.empty()) path += "&parent=" + EncodeNamespace(parent);
    DCP_ASSIGN(const HttpReply reply, Call("GET", path, ""));
    if (SaysAbsent(reply)) return out;
    if (reply.code != 200) return Failed("a listing", reply);
    DCP_TRY(CheckJsonDepth(reply.body));
    const Json json = Json::parse(reply.body, nullptr, false);
    const Json given = json.is_object() ? json.value("namespaces", Json()) : Json();
    if (!given.is_array())
      return Unavailable(shared_->what + " answered a listing with something else");
    for (const Json& entry : given) {
      Levels levels;
      for (const Json& level : entry) {
        if (level.is_string()) levels.push_back(level.get<std::string>());
      }
      // A catalog over SQL may look with LIKE 'parent%': then siblings with a longer name come too.
      if (levels.size() == parent.size() + 1 &&
          std::equal(parent.begin(), parent.end(), levels.begin())) {
        out.push_back(std::move(levels));
      }
    }
    DCP_TRY(CheckNames(out.size()));
    token = NextPage(json);
    if (token.empty()) return out;
  }
  return ResourceExhausted(shared_->what + " lists more than " + std::to_string(kListPagesMax) +
                           " pages");
}

Result<std::vector<std::string>> UpstreamCatalog::List(const Levels& levels,
                                                       const std::string& kind) const {
  std::vector<std::string> out;
  std::string token;
  for (int page = 0; page < kListPagesMax; ++page) {
    DCP_ASSIGN(const HttpReply reply, Call("GET",
                                           NamespacePath(levels) + "/" + kind + "?pageSize=" +
                                               kPageSize + "&pageToken=" + EncodeSegment(token),
                                           ""));
    if (SaysAbsent(reply)) return out;
    if (reply.code != 200) return Failed("a listing", reply);
    DCP_TRY(CheckJsonDepth(reply.body));
    const Json json = Json::parse(reply.body, nullptr, false);
    const Json given = json.is_object() ? json.value("identifiers", Json()) : Json();
    if (!given.is_array())
      return Unavailable(shared_->what + " answered a listing with something else");
    for (const Json& entry : given) {
      const Json name = entry.is_object() ? entry.value("name", Json()) : Json();
      if (name.is_string()) out.push_back(name.get<std::string>());
    }
    DCP_TRY(CheckNames(out.size()));
    token = NextPage(json);
    if (token.empty()) return out;
  }
  return ResourceExhausted(shared_->what + " lists more than " + std::to_string(kListPagesMax) +
                           " pages");
}

std::string NamespacePath(const Levels& levels) {
  return "/v1/namespaces/" + EncodeNamespace(levels);
}

std::string TablePath(const TableName& table) {
  return NamespacePath(table.levels) + "/tables/" + EncodeSegment(table.name);
}

std::string ViewPath(const TableName& view) {
  return NamespacePath(view.levels) + "/views/" + EncodeSegment(view.name);
}

}  // namespace dcp::catalog
