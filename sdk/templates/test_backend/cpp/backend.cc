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

std::string Base64(const std::string& bytes) {
  dcp_text text{};
  dcp_text_base64(&text, bytes.data(), bytes.size());
  std::string copy(text.data == nullptr ? "" : text.data, text.size);
  std::free(text.data);
  return copy;
}

Outcome<std::string> Analyze(const std::string& command, const Json& request) {
  const std::string folder = Text(request.value("lease", Json::object()), "directory");
  if (folder.empty() || folder[0] != '/' || Text(request, "sql").empty()) {
    return Bad("cannot analyse: the request has no query, or no lease with a folder");
  }
  const Json process = {
      {"argv", {"/bin/sh", "-c", command}},
      {"env",
       {{"REQUEST_FILE", folder + "/request.json"},
        {"RESULT_FILE", folder + "/result.json"},
        {"PATH", "/usr/local/bin:/usr/bin:/bin"},
        {"LANG", "C.UTF-8"}}},
      {"files", Json::array({{{"path", "request.json"}, {"content", Base64(request.dump())}}})},
      {"stdoutFile", "output"},
      {"stderrFile", "errors"},
      {"resultFile", "result.json"}};
  return Json{{"process", process}}.dump();
}

Outcome<std::string> Interpret(const Json& request) {
  const Json process = request.value("process", Json::object());
  if (Text(process, "phase") != "EXITED" || process.value("signal", 0) != 0) {
    return Error{.code = DCP_UNAVAILABLE,
                 .message = "the command did not end by itself",
                 .hint = "test again"};
  }
  if (process.value("exitCode", 0) != 0) {
    // The command rejected the query: a result, not a failed call.
    const std::string words = Text(process, "stderrTail");
    const Json finding = {
        {"severity", "ERROR"},
        {"message", words.empty() ? "the command rejected the query and did not say why" : words}};
    return Json{{"valid", false}, {"findings", Json::array({finding})}}.dump();
  }
  const Json result = Json::parse(Bytes(process, "result"), nullptr, false);
  if (!result.is_object() || !result.value("columns", Json()).is_array()) {
    return Error{.code = DCP_INTERNAL,
                 .message = "the command ended well and left no `columns`",
                 .hint = "let it write {\"columns\": [...]} to $RESULT_FILE"};
  }
  return Json{{"valid", true}, {"engine", "command"}, {"columns", result["columns"]}}.dump();
}

}  // namespace

Outcome<std::unique_ptr<Backend>> Backend::Create(std::string_view config_json) {
  const Json config = Json::parse(config_json, nullptr, false);
  const std::string command = config.is_object() ? Text(config, "command") : "";
  if (command.empty())
    return Bad("the configuration needs `command`, a shell command that checks a query");
  return std::make_unique<Backend>(command);
}

Outcome<std::string> Backend::Invoke(std::string_view method, std::string_view request,
                                     dcp::sdk::Call&) {
  const Json json = Json::parse(request, nullptr, false);
  if (!json.is_object()) return Bad("the request is no JSON object");
  if (method == "Analyze") return Analyze(command_, json);
  if (method == "Interpret") return Interpret(json);
  return Error{.code = DCP_UNIMPLEMENTED,
               .message = "this backend has no such method",
               .hint = "it has Analyze and Interpret"};
}

DCP_SDK_EXPORT(Backend)
