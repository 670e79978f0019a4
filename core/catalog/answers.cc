// SPDX-License-Identifier: Apache-2.0
//
// Answers to clients.
#include "catalog/answers.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

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

std::string Text(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
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
      return ErrorAnswer(503, kUnavailable, status.message());
    default:
      return ErrorAnswer(500, kServerError, status.message());
  }
}

HttpResponse UpstreamError(int code, const std::string& body, const std::string& hidden) {
  const Json json = CheckJsonDepth(body).ok() ? Json::parse(body, nullptr, false)
                                              : Json(Json::value_t::discarded);
  const Json error = json.is_object() ? json.value("error", Json()) : Json();
  if (!error.is_object()) {
    return ErrorAnswer(code, kServerError,
                       "the upstream catalog answered with HTTP " + std::to_string(code));
  }
  std::string message = Text(error, "message");
  for (size_t at = message.find(hidden); !hidden.empty() && at != std::string::npos;
       at = message.find(hidden, at)) {
    message.erase(at, hidden.size());
  }
  const std::string type = Text(error, "type");
  return ErrorAnswer(code, type.empty() ? kServerError : type,
                     message.substr(0, kMessageBytesShown));
}

HttpResponse ConfigAnswer(const std::vector<std::string>& endpoints) {
  // Metrics would cost an engine one request for each scan, and nobody reads them here.
  return JsonAnswer(200, {{"defaults", Json::object()},
                          {"overrides", {{"rest-metrics-reporting-enabled", "false"}}},
                          {"endpoints", endpoints}});
}

HttpResponse NamespacesAnswer(const std::vector<Levels>& namespaces) {
  return JsonAnswer(200, {{"namespaces", namespaces}});
}

HttpResponse TablesAnswer(const Levels& levels, const std::vector<std::string>& names) {
  Json identifiers = Json::array();
  for (const std::string& name : names) {
    identifiers.push_back({{"namespace", levels}, {"name", name}});
  }
  return JsonAnswer(200, {{"identifiers", std::move(identifiers)}});
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

Result<std::string> LoadedLocation(const std::string& load_result) {
  DCP_ASSIGN(const Json json, ParseLoad(load_result));
  const std::string location = Text(json["metadata"], "location");
  if (location.empty()) return Internal("the upstream catalog answered a table without location");
  return location;
}

Result<Levels> ReadNamespace(const std::string& body) {
  DCP_TRY(CheckJsonDepth(body));
  const Json json = Json::parse(body, nullptr, false);
  const Json given = json.is_object() ? json.value("namespace", Json()) : Json();
  if (!given.is_array()) return InvalidArgument("the request has no namespace");
  Levels levels;
  for (const Json& level : given) {
    if (!level.is_string()) return InvalidArgument("a level of the namespace is not a text");
    levels.push_back(level.get<std::string>());
  }
  DCP_TRY(CheckOverlayLevels(levels));
  return levels;
}

Result<std::string> NamespaceBody(const Levels& levels, const std::string& client_body) {
  Json properties = Json::object();
  if (!client_body.empty()) {
    DCP_TRY(CheckJsonDepth(client_body));
    const Json json = Json::parse(client_body, nullptr, false);
    const Json given = json.is_object() ? json.value("properties", Json()) : Json();
    if (given.is_object()) properties = given;
    if (properties.contains("location")) {
      return PermissionDenied(
          "a namespace's location in a playground is not for clients to set; "
          "leave it out");
    }
  }
  return Dump({{"namespace", levels}, {"properties", std::move(properties)}});
}

Status CheckNamespaceUpdate(const std::string& body) {
  DCP_TRY(CheckJsonDepth(body));
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return InvalidArgument("the request body is not a JSON object");
  const Json updates = json.value("updates", Json());
  if (updates.is_object() && updates.contains("location")) {
    return PermissionDenied("a namespace's location in a playground is not for clients to set");
  }
  return Status::Ok();
}

}  // namespace dcp::catalog
