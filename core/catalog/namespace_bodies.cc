// SPDX-License-Identifier: Apache-2.0
//
// Judging and making the bodies of namespace requests.
#include "catalog/namespace_bodies.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "catalog/json_text.h"
#include "catalog/shapes.h"

namespace dcp::catalog {
namespace {

using Json = nlohmann::json;

Result<Json> ParseBody(Body kind, const std::string& body) {
  DCP_ASSIGN(const std::string remade, Remake(kind, body));
  return Json::parse(remade, nullptr, false);
}

Status LocationIsNotTaken() {
  return PermissionDenied(
      "a namespace's location in a playground is not for clients to set; leave it out");
}

}  // namespace

Result<Levels> ReadNamespace(const std::string& body) {
  DCP_ASSIGN(const Json json, ParseBody(Body::kCreateNamespace, body));
  Levels levels = json["namespace"].get<Levels>();
  DCP_TRY(CheckOverlayLevels(levels));
  return levels;
}

Result<std::string> NamespaceBody(const Levels& levels, const std::string& client_body) {
  Json properties = Json::object();
  if (!client_body.empty()) {
    DCP_ASSIGN(const Json json, ParseBody(Body::kCreateNamespace, client_body));
    properties = json["properties"];
  }
  if (properties.contains("location")) return LocationIsNotTaken();
  const Json out = {{"namespace", levels}, {"properties", std::move(properties)}};
  return out.dump();
}

Result<std::string> NamespaceUpdateBody(const std::string& client_body) {
  DCP_ASSIGN(const Json json, ParseBody(Body::kUpdateNamespace, client_body));
  if (json["updates"].contains("location")) return LocationIsNotTaken();
  for (const Json& key : json["removals"]) {
    if (key == "location") return LocationIsNotTaken();
    if (json["updates"].contains(key.get<std::string>())) {
      return FailedPrecondition("the property \"" + key.get<std::string>().substr(0, 100) +
                                "\" is set and removed in one request; do one of both");
    }
  }
  return json.dump();
}

std::string NamespaceUpdateAnswer(const std::string& upstream_body) {
  const Json json =
      CheckJsonDepth(upstream_body).ok() ? Json::parse(upstream_body, nullptr, false) : Json();
  Json out = Json::object();
  for (const char* key : {"updated", "removed", "missing"}) {
    const Json given = json.is_object() ? json.value(key, Json()) : Json();
    out[key] = given.is_array() ? given : Json::array();
  }
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace dcp::catalog
