// SPDX-License-Identifier: Apache-2.0
//
// Answers to clients.
#include "catalog/answers.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/redaction.h"
#include "catalog/json_text.h"

namespace dcp::catalog {
namespace {

using Json = nlohmann::json;

/// The configuration that an upstream may hand to clients through us: where storage is, never
/// what opens it. Everything else is dropped.
constexpr std::array<std::string_view, 4> kHarmlessConfig = {"client.region", "s3.region",
                                                             "s3.endpoint", "s3.path-style-access"};

constexpr size_t kMessageBytesShown = 2000;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

HttpResponse JsonAnswer(int code, const Json& json) { return {code, Dump(json), false}; }

HttpResponse ListAnswer(const char* key, Json list, const Page& page) {
  Json json = {{key, std::move(list)}};
  if (page.paged) json["next-page-token"] = page.next.empty() ? Json() : Json(page.next);
  return JsonAnswer(200, json);
}

std::string Text(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

/// The error object of an upstream's answer; an empty one where it is no Iceberg error.
Json UpstreamErrorOf(const std::string& body) {
  const Json json = CheckJsonDepth(body).ok() ? Json::parse(body, nullptr, false) : Json();
  const Json error = json.is_object() ? json.value("error", Json()) : Json();
  return error.is_object() ? error : Json::object();
}

Result<Json> ParseLoad(const std::string& body) {
  DCP_TRY(CheckJsonDepth(body));
  Json json = Json::parse(body, nullptr, false);
  if (!json.is_object() || !json.value("metadata", Json()).is_object()) {
    return Internal("the upstream catalog answered a load with something else");
  }
  return json;
}

Json WithoutCredentials(const Json& load) {
  Json config = Json::object();
  const Json given = load.value("config", Json());
  if (given.is_object()) {
    for (const std::string_view key : kHarmlessConfig) {
      const auto found = given.find(key);
      if (found != given.end()) config[std::string(key)] = *found;
    }
  }
  // Only what is known is passed on: a field of tomorrow may be a credential.
  Json out = {{"metadata", load["metadata"]}, {"config", std::move(config)}};
  if (load.contains("metadata-location")) out["metadata-location"] = load["metadata-location"];
  return out;
}

}  // namespace

HttpResponse ErrorAnswer(int code, const std::string& type, const std::string& message) {
  return JsonAnswer(code, {{"error", {{"message", message}, {"type", type}, {"code", code}}}});
}

HttpResponse StatusAnswer(const Status& status) {
  switch (status.code()) {
    case Code::kInvalidArgument:
      return ErrorAnswer(400, kBadRequest, status.message());
    case Code::kUnauthenticated:
      return ErrorAnswer(401, kNotAuthorized, status.message());
    case Code::kPermissionDenied:
    case Code::kFailedPrecondition:
      return ErrorAnswer(403, kForbidden, status.message());
    case Code::kNotFound:
      return ErrorAnswer(404, kNoSuchTable, status.message());
    case Code::kAlreadyExists:
      return ErrorAnswer(409, kAlreadyExists, status.message());
    case Code::kUnavailable:
    case Code::kUnknown:  // an upstream broke off; whoever may have changed something says so
                          // itself
    case Code::kResourceExhausted:
    case Code::kCancelled:
    case Code::kDeadlineExceeded:
      return ErrorAnswer(503, kUnavailable, status.message());
    default:
      return ErrorAnswer(500, kServerError, status.message());
  }
}

std::string UpstreamMessage(const std::string& body, const std::string& hidden) {
  std::string message = Text(UpstreamErrorOf(body), "message");
  for (size_t at = message.find(hidden); !hidden.empty() && at != std::string::npos;
       at = message.find(hidden, at)) {
    message.erase(at, hidden.size());
  }
  // A catalog's words go to Spark, to clients and into errors; a cut secret would not be found.
  return Redact(std::move(message)).substr(0, kMessageBytesShown);
}

HttpResponse UpstreamError(const HttpReply& reply, const std::string& hidden) {
  const std::string type = Text(UpstreamErrorOf(reply.body), "type");
  if (type.empty()) {
    const std::string text =
        "the upstream catalog answered with HTTP " + std::to_string(reply.code);
    const bool refused = reply.code == 400 || reply.code == 413 || reply.code == 414 ||
                         reply.code == 422 || reply.code == 431;
    return refused ? ErrorAnswer(400, kBadRequest, text + ": its server does not take such a name")
                   : ErrorAnswer(503, kUnavailable, text + " and not as a catalog does");
  }
  // "Try again later" is for us to say, in the one way that clients know.
  const int code = reply.code == 429 || reply.code == 502 || reply.code == 504 ? 503 : reply.code;
  return ErrorAnswer(code, type, UpstreamMessage(reply.body, hidden));
}

HttpResponse ConfigAnswer(const std::vector<std::string>& endpoints) {
  // Metrics would cost an engine one request for each scan, and nobody reads them here.
  return JsonAnswer(200, {{"defaults", Json::object()},
                          {"overrides", {{"rest-metrics-reporting-enabled", "false"}}},
                          {"endpoints", endpoints}});
}

HttpResponse NamespacesAnswer(const Levels& parent, const Page& page) {
  Json namespaces = Json::array();
  for (const std::string& name : page.names) {
    Levels levels = parent;
    levels.push_back(name);
    namespaces.push_back(std::move(levels));
  }
  return ListAnswer("namespaces", std::move(namespaces), page);
}

HttpResponse TablesAnswer(const Levels& levels, const Page& page) {
  Json identifiers = Json::array();
  for (const std::string& name : page.names) {
    identifiers.push_back({{"namespace", levels}, {"name", name}});
  }
  return ListAnswer("identifiers", std::move(identifiers), page);
}

HttpResponse NamespaceAnswer(const Levels& levels, const std::string& upstream_body) {
  Json properties = Json::object();
  if (CheckJsonDepth(upstream_body).ok()) {
    const Json json = Json::parse(upstream_body, nullptr, false);
    const Json given = json.is_object() ? json.value("properties", Json()) : Json();
    if (given.is_object()) properties = given;
  }
  // The location that a catalog makes up for a namespace is not where our tables go.
  properties.erase("location");
  return JsonAnswer(200, {{"namespace", levels}, {"properties", std::move(properties)}});
}

Result<std::string> StripCredentials(const std::string& load_result) {
  DCP_ASSIGN(const Json json, ParseLoad(load_result));
  return Dump(WithoutCredentials(json));
}

Result<std::string> Defang(const std::string& load_result, const std::string& quarantine) {
  DCP_ASSIGN(const Json json, ParseLoad(load_result));
  Json out = WithoutCredentials(json);
  Json& metadata = out["metadata"];
  if (!metadata.contains("properties") || !metadata["properties"].is_object()) {
    metadata["properties"] = Json::object();
  }
  Json& properties = metadata["properties"];
  for (const char* key : {"write.object-storage.path", "write.folder-storage.path",
                          "write.object-storage.enabled", "write.location-provider.impl"}) {
    properties.erase(key);
  }
  properties["gc.enabled"] = "false";
  properties["write.data.path"] = quarantine + "/data";
  properties["write.metadata.path"] = quarantine + "/metadata";
  return Dump(out);
}

Result<LoadedTable> ReadLoaded(const std::string& load_result) {
  DCP_ASSIGN(const Json json, ParseLoad(load_result));
  LoadedTable table{Text(json["metadata"], "location"), Text(json["metadata"], "table-uuid")};
  if (table.location.empty()) {
    return Internal("the upstream catalog answered a table without location");
  }
  return table;
}

}  // namespace dcp::catalog
