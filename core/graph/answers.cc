// SPDX-License-Identifier: Apache-2.0
#include "graph/answers.h"

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/limits.h"
#include "graph/base64.h"
#include "graph/limits.h"

namespace dcp::graph {
namespace {

using nlohmann::json;

/// File names in a job's folder that are not the backend's to write.
constexpr std::array<std::string_view, 5> kReservedNames = {"spec", "lock", "launched", "exit",
                                                            "process.json"};

Status Wrong(const std::string& what) {
  return Internal("the plugin's answer does not fit the contract: " + what)
      .WithHint("this is a fault of the plugin; its log may say more");
}

std::string Dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

const json* Find(const json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

Result<std::string> Text(const json& object, const char* key) {
  const json* value = Find(object, key);
  if (value == nullptr) return std::string();
  if (!value->is_string()) return Wrong(std::string(key) + " is no text");
  return value->get<std::string>();
}

Result<bool> Flag(const json& object, const char* key) {
  const json* value = Find(object, key);
  if (value == nullptr) return false;
  if (!value->is_boolean()) return Wrong(std::string(key) + " is neither true nor false");
  return value->get<bool>();
}

/// An int64 in protobuf's JSON: a number, or a text with one.
Result<int64_t> Integer(const json& object, const char* key) {
  const json* value = Find(object, key);
  if (value == nullptr) return int64_t{0};
  if (value->is_number_integer()) return value->get<int64_t>();
  if (value->is_string()) {
    const auto& text = value->get_ref<const std::string&>();
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size()) return number;
  }
  return Wrong(std::string(key) + " is no whole number");
}

Result<std::vector<std::string>> Texts(const json& object, const char* key) {
  std::vector<std::string> texts;
  const json* list = Find(object, key);
  if (list == nullptr) return texts;
  if (!list->is_array()) return Wrong(std::string(key) + " is no list");
  for (const json& item : *list) {
    if (!item.is_string()) return Wrong(std::string(key) + " holds something else than text");
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

Result<NodeSpec> ParseNode(const json& object) {
  if (!object.is_object()) return Wrong("a node is no object");
  NodeSpec node;
  DCP_ASSIGN(node.id, Text(object, "id"));
  DCP_ASSIGN(node.capability, Text(object, "capability"));
  DCP_ASSIGN(node.method, Text(object, "method"));
  DCP_ASSIGN(node.route, Text(object, "route"));
  DCP_ASSIGN(node.title, Text(object, "title"));
  DCP_ASSIGN(node.after, Texts(object, "after"));
  DCP_ASSIGN(node.always, Flag(object, "always"));
  DCP_ASSIGN(node.timeout_ms, Integer(object, "timeoutMs"));
  if (const json* request = Find(object, "request")) node.request_json = Dump(*request);
  return node;
}

Result<json> ParseObject(const std::string& text) {
  json object = json::parse(text, nullptr, false);
  if (object.is_discarded()) return Wrong("it is no JSON");
  if (!object.is_object()) return Wrong("it is no object");
  return object;
}

Result<std::vector<NodeSpec>> ParseGraph(const json& graph) {
  std::vector<NodeSpec> nodes;
  if (!graph.is_object()) return Wrong("graph is no object");
  const json* list = Find(graph, "nodes");
  if (list == nullptr) return nodes;
  if (!list->is_array()) return Wrong("graph.nodes is no list");
  if (list->size() > limits::kGraphNodesMax) {
    return ResourceExhausted("the graph has " + std::to_string(list->size()) + " nodes, at most " +
                             std::to_string(limits::kGraphNodesMax) + " are taken");
  }
  for (const json& item : *list) {
    DCP_ASSIGN(NodeSpec node, ParseNode(item));
    nodes.push_back(std::move(node));
  }
  return nodes;
}

/// Relative, below the folder, and not one of the host's own files.
Status CheckFileName(const std::string& path) {
  const std::string framed = "/" + path + "/";
  const bool bad = path.empty() || path.front() == '/' || path.find('\0') != path.npos ||
                   framed.find("//") != framed.npos || framed.find("/./") != framed.npos ||
                   framed.find("/../") != framed.npos;
  if (bad) return Wrong("file \"" + path + "\" is not a path below the job's folder");
  for (const std::string_view reserved : kReservedNames) {
    if (path == reserved) return Wrong("file \"" + path + "\" belongs to the host");
  }
  return Status::Ok();
}

Result<ProcessPlan> ParseProcess(const json& object) {
  if (!object.is_object()) return Wrong("process is no object");
  ProcessPlan plan;
  DCP_ASSIGN(plan.argv, Texts(object, "argv"));
  if (plan.argv.empty() || plan.argv[0].empty() || plan.argv[0][0] != '/') {
    return Wrong("process.argv does not begin with an absolute path");
  }
  if (const json* env = Find(object, "env")) {
    if (!env->is_object()) return Wrong("process.env is no object");
    for (const auto& [key, value] : env->items()) {
      if (!value.is_string()) return Wrong("process.env." + key + " is no text");
      plan.env.emplace_back(key, value.get<std::string>());
    }
  }
  if (const json* files = Find(object, "files")) {
    if (!files->is_array()) return Wrong("process.files is no list");
    for (const json& file : *files) {
      if (!file.is_object()) return Wrong("process.files holds something else than objects");
      DCP_ASSIGN(std::string path, Text(file, "path"));
      DCP_ASSIGN(const std::string encoded, Text(file, "content"));
      DCP_TRY(CheckFileName(path));
      auto content = DecodeBase64(encoded);
      if (!content) return Wrong("process.files: the content of " + path + " is no base64");
      plan.files.emplace_back(std::move(path), std::move(*content));
    }
  }
  DCP_ASSIGN(plan.stdout_file, Text(object, "stdoutFile"));
  DCP_ASSIGN(plan.stderr_file, Text(object, "stderrFile"));
  DCP_ASSIGN(plan.result_file, Text(object, "resultFile"));
  for (std::string* file : {&plan.stdout_file, &plan.stderr_file}) {
    if (file->empty()) *file = file == &plan.stdout_file ? "stdout" : "stderr";
    DCP_TRY(CheckFileName(*file));
  }
  if (!plan.result_file.empty()) DCP_TRY(CheckFileName(plan.result_file));
  DCP_ASSIGN(plan.stop_grace_ms, Integer(object, "stopGraceMs"));
  if (plan.stop_grace_ms <= 0) plan.stop_grace_ms = kStopGraceMs;
  return plan;
}

/// The first finding of a failed job, as the node's failure; its detail when there is none.
Status JobFailure(const json& object, const std::string& detail) {
  const std::string fallback = detail.empty() ? "the job failed" : detail;
  const json* findings = Find(object, "findings");
  if (findings == nullptr || !findings->is_array() || findings->empty()) return Aborted(fallback);
  const json& finding = findings->front();
  if (!finding.is_object()) return Aborted(fallback);
  const std::string message = Text(finding, "message").value_or("");
  Location place;
  if (const json* at = Find(finding, "location"); at != nullptr && at->is_object()) {
    place.file = Text(*at, "file").value_or("");
    place.line = static_cast<int32_t>(Integer(*at, "line").value_or(0));
    place.column = static_cast<int32_t>(Integer(*at, "column").value_or(0));
  }
  return Aborted(message.empty() ? fallback : message)
      .WithId(Text(finding, "code").value_or(""))
      .WithHint(Text(finding, "hint").value_or(""))
      .At(std::move(place));
}

std::optional<JobState> StateOf(const json* value) {
  if (value == nullptr || !value->is_string()) return std::nullopt;
  const auto& name = value->get_ref<const std::string&>();
  if (name == "JOB_PENDING") return JobState::kPending;
  if (name == "JOB_RUNNING") return JobState::kRunning;
  if (name == "JOB_SUCCEEDED") return JobState::kSucceeded;
  if (name == "JOB_FAILED") return JobState::kFailed;
  if (name == "JOB_CANCELLED") return JobState::kCancelled;
  return std::nullopt;
}

}  // namespace

Result<ResourceAnswer> ParseResourceAnswer(const std::string& text) {
  DCP_ASSIGN(const json object, ParseObject(text));
  ResourceAnswer answer;
  if (const json* graph = Find(object, "graph")) {
    DCP_ASSIGN(answer.nodes, ParseGraph(*graph));
    return answer;
  }
  if (const json* needs = Find(object, "needsFiles")) {
    if (!needs->is_object()) return Wrong("needsFiles is no object");
    DCP_ASSIGN(const auto paths, Texts(*needs, "paths"));
    if (paths.empty()) return Wrong("needsFiles names no file");
    answer.kind = ResourceAnswer::Kind::kNeedsFiles;
    answer.needs_files_json = Dump({{"paths", paths}});
    return answer;
  }
  if (const json* report = Find(object, "report")) {
    if (!report->is_object()) return Wrong("report is no object");
    answer.kind = ResourceAnswer::Kind::kReport;
    DCP_ASSIGN(answer.report_status, Text(*report, "status"));
    answer.report_json = Dump(*report);
    return answer;
  }
  return Wrong("it has neither graph, needsFiles nor report");
}

std::string ProcessPlanToJson(const ProcessPlan& plan) {
  json env = json::object();
  for (const auto& [key, value] : plan.env) env[key] = value;
  return Dump({{"argv", plan.argv},
               {"env", env},
               {"stdoutFile", plan.stdout_file},
               {"stderrFile", plan.stderr_file},
               {"resultFile", plan.result_file},
               {"stopGraceMs", plan.stop_grace_ms}});
}

Result<ProcessPlan> ProcessPlanFromJson(const std::string& text) {
  DCP_ASSIGN(const json object, ParseObject(text));
  return ParseProcess(object);
}

Result<SubmitAnswer> ParseSubmitAnswer(const std::string& text) {
  DCP_ASSIGN(const json object, ParseObject(text));
  SubmitAnswer answer;
  DCP_ASSIGN(answer.handle, Text(object, "handle"));
  const json* process = Find(object, "process");
  answer.has_process = process != nullptr;
  if (answer.has_process == !answer.handle.empty()) {
    return Wrong("it must have either a handle or a process");
  }
  if (answer.has_process) {
    DCP_ASSIGN(answer.process, ParseProcess(*process));
  }
  return answer;
}

bool HoldsProcessAlone(const std::string& text) {
  const json object = json::parse(text, nullptr, false);
  return object.is_object() && Find(object, "process") != nullptr &&
         Find(object, "handle") == nullptr;
}

Result<std::optional<ProcessPlan>> ParseAnalyzeAnswer(const std::string& text) {
  DCP_ASSIGN(const json object, ParseObject(text));
  const json* process = Find(object, "process");
  if (process == nullptr) return std::optional<ProcessPlan>();
  DCP_ASSIGN(ProcessPlan plan, ParseProcess(*process));
  return std::optional(std::move(plan));
}

Result<CheckAnswer> ParseCheckAnswer(const std::string& text) {
  DCP_ASSIGN(const json object, ParseObject(text));
  CheckAnswer answer;
  const auto state = StateOf(Find(object, "state"));
  if (!state) return Wrong("state is not a job's");
  answer.state = *state;
  DCP_ASSIGN(answer.detail, Text(object, "detail"));
  DCP_ASSIGN(answer.retryable, Flag(object, "retryable"));
  if (answer.state == JobState::kFailed) answer.failure = JobFailure(object, answer.detail);
  return answer;
}

}  // namespace dcp::graph
