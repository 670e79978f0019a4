// SPDX-License-Identifier: Apache-2.0
#include "backend.h"

#include <dcp/sdk/json.h>

#include <nlohmann/json.hpp>

namespace {

using dcp::sdk::Error;
using dcp::sdk::Outcome;
using Json = nlohmann::json;

/// Time for the command to end by itself after SIGTERM.
constexpr int kStopGraceMs = 5000;

Error Bad(const std::string& message) { return {.code = DCP_INVALID_ARGUMENT, .message = message}; }

std::string Base64(const std::string& bytes) {
  dcp_text text{};
  dcp_text_base64(&text, bytes.data(), bytes.size());
  std::string copy(text.data == nullptr ? "" : text.data, text.size);
  std::free(text.data);
  return copy;
}

/// Fields of the contract's messages: absent, null and of another type read as `none`.
std::string Text(const Json& json, const char* key) {
  const auto at = json.find(key);
  return at != json.end() && at->is_string() ? at->get<std::string>() : "";
}

int64_t Number(const Json& json, const char* key, int64_t none) {
  const auto at = json.find(key);
  if (at == json.end()) return none;
  const std::string text = at->dump();
  return dcp_json_int(dcp::sdk::View(text), none);
}

Outcome<std::string> Submit(const std::string& command, const Json& request) {
  const Json job = request.value("job", Json());
  const std::string folder = Text(request.value("lease", Json::object()), "directory");
  if (!job.is_object() || folder.empty() || folder[0] != '/') {
    return Bad("cannot submit: the request has no job, or no lease with a folder");
  }
  const Json process = {
      {"argv", {"/bin/sh", "-c", command}},
      {"env",
       {{"JOB_DIRECTORY", folder},
        {"JOB_FILE", folder + "/job.json"},
        {"RESULT_FILE", folder + "/result.json"},
        {"PATH", "/usr/local/bin:/usr/bin:/bin"},
        {"LANG", "C.UTF-8"}}},
      {"files", Json::array({{{"path", "job.json"}, {"content", Base64(job.dump())}}})},
      {"stdoutFile", "output"},
      {"stderrFile", "output"},
      {"resultFile", "result.json"},
      {"stopGraceMs", std::to_string(kStopGraceMs)}};
  return Json{{"process", process}}.dump();
}

std::string Failed(const std::string& message, const std::string& hint, bool retryable) {
  const Json finding = {{"severity", "ERROR"}, {"message", message}, {"hint", hint}};
  return Json{{"state", "JOB_FAILED"},
              {"detail", message},
              {"findings", Json::array({finding})},
              {"retryable", retryable}}
      .dump();
}

/// A process that has ended with 0.
std::string Succeeded(const Json& process) {
  const std::string encoded = "\"" + Text(process, "result") + "\"";
  dcp_text bytes = dcp_json_bytes(dcp::sdk::View(encoded));
  const std::string text(bytes.data == nullptr ? "" : bytes.data, bytes.size);
  std::free(bytes.data);
  const Json result = Json::parse(text, nullptr, false);
  const int64_t rows = result.is_object() ? Number(result, "rows", -1) : -1;
  if (rows < 0) {
    return Failed("the command ended well and left no result with `rows`",
                  "let it write {\"rows\": N} to $RESULT_FILE", false);
  }
  return Json{{"state", "JOB_SUCCEEDED"},
              {"result",
               {{"rows", std::to_string(rows)},
                {"snapshotId", std::to_string(Number(result, "snapshotId", 0))}}}}
      .dump();
}

Outcome<std::string> Check(const Json& request) {
  const Json process = request.value("process", Json::object());
  const std::string phase = Text(process, "phase");
  const int64_t exit_code = Number(process, "exitCode", 0);
  const int64_t signal = Number(process, "signal", 0);
  if (phase == "RUNNING") {
    return Json{{"state", "JOB_RUNNING"}, {"detail", "the command runs"}}.dump();
  }
  if (phase == "EXITED" && exit_code == 0 && signal == 0) return Succeeded(process);
  if (process.value("cancelRequested", false)) {
    return Json{{"state", "JOB_CANCELLED"}, {"detail", "the command was stopped"}}.dump();
  }
  if (phase == "LOST") {
    return Failed("the command is gone and left no exit status", "run it again", true);
  }
  if (phase != "EXITED") return Bad("cannot check: no known process");
  const std::string how = signal != 0 ? "signal " + std::to_string(signal) + " ended the command"
                                      : "the command ended with " + std::to_string(exit_code);
  return Failed(how, "`pretzel run logs` shows what it wrote", false);
}

}  // namespace

Outcome<std::unique_ptr<Backend>> Backend::Create(std::string_view config_json) {
  const Json config = Json::parse(config_json, nullptr, false);
  const std::string command = config.is_object() ? Text(config, "command") : "";
  if (command.empty()) {
    return Bad("the configuration needs `command`, a shell command that runs a job");
  }
  return std::make_unique<Backend>(command);
}

Outcome<std::string> Backend::Invoke(std::string_view method, std::string_view request,
                                     dcp::sdk::Call&) {
  const Json json = Json::parse(request, nullptr, false);
  if (!json.is_object()) return Bad("the request is no JSON object");
  if (method == "Submit") return Submit(command_, json);
  if (method == "Check") return Check(json);
  return Error{.code = DCP_UNIMPLEMENTED,
               .message = "this backend has no such method",
               .hint = "it has Submit and Check"};
}

DCP_SDK_EXPORT(Backend)
