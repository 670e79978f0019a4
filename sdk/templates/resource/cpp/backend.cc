// SPDX-License-Identifier: Apache-2.0
#include "backend.h"

#include <dcp/sdk/json.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

namespace {

using dcp::sdk::Error;
using dcp::sdk::Outcome;
using Json = nlohmann::json;

Error Bad(const std::string& message) { return {.code = DCP_INVALID_ARGUMENT, .message = message}; }

std::string Text(const Json& json, const char* key) {
  const auto at = json.find(key);
  return at != json.end() && at->is_string() ? at->get<std::string>() : "";
}

/// A `bytes` field, which is base64 in JSON.
std::string Bytes(const Json& json, const char* key) {
  const std::string encoded = "\"" + Text(json, key) + "\"";
  dcp_text bytes = dcp_json_bytes(dcp::sdk::View(encoded));
  std::string copy(bytes.data == nullptr ? "" : bytes.data, bytes.size);
  std::free(bytes.data);
  return copy;
}

Outcome<std::string> Compile(const std::string& kind, const Json& request) {
  const Json manifests = request.value("manifests", Json::array());
  if (Text(request, "command") != "test" || !manifests.is_array() || manifests.empty()) {
    return Error{.code = DCP_INVALID_ARGUMENT,
                 .message = "there is no manifest, or no such command",
                 .hint = "the command is `test`"};
  }
  Json findings = Json::array();
  for (const Json& manifest : manifests) {
    if (Bytes(manifest, "content").find("kind: " + kind) != std::string::npos) continue;
    findings.push_back({{"severity", "ERROR"},
                        {"message", "the manifest is of another kind"},
                        {"location", {{"file", Text(manifest, "path")}}}});
  }
  const std::string status = findings.empty() ? "PASSED" : "FAILED";
  return Json{{"report", {{"kind", "TestReport"}, {"status", status}, {"findings", findings}}}}
      .dump();
}

}  // namespace

Outcome<std::unique_ptr<Backend>> Backend::Create(std::string_view config_json) {
  const Json config = Json::parse(config_json, nullptr, false);
  const std::string kind = config.is_object() ? Text(config, "kind") : "";
  if (kind.empty())
    return Bad("the configuration needs `kind`, the kind of manifest that is served");
  return std::make_unique<Backend>(kind);
}

Outcome<std::string> Backend::Invoke(std::string_view method, std::string_view request,
                                     dcp::sdk::Call&) {
  const Json json = Json::parse(request, nullptr, false);
  if (!json.is_object()) return Bad("the request is no JSON object");
  if (method == "Describe") return Json{{"kinds", {kind_}}, {"commands", {"test"}}}.dump();
  if (method == "Compile") return Compile(kind_, json);
  return Error{.code = DCP_UNIMPLEMENTED,
               .message = "this resource has no such method",
               .hint = "it has Describe and Compile"};
}

DCP_SDK_EXPORT(Backend)
