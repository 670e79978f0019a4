// SPDX-License-Identifier: Apache-2.0
#include "graph/requests.h"

#include <nlohmann/json.hpp>

#include "graph/base64.h"
#include "graph/status_json.h"

namespace dcp::graph {
namespace {

using nlohmann::json;

std::string Dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Our own text, or one that was checked before: what cannot be read is left out.
json Parse(const std::string& text) {
  json value = json::parse(text, nullptr, false);
  return value.is_discarded() ? json() : value;
}

Result<json> RequestOf(const store::Node& node) {
  json request = json::parse(node.request_json, nullptr, false);
  if (request.is_object()) return request;
  return DataLoss("the stored request of node " + node.id + " cannot be read");
}

json LeaseJson(const LeaseFacts& facts) {
  return {{"id", facts.idempotency_key}, {"kind", "cold"}, {"directory", facts.directory}};
}

json ProcessJson(const ProcessFacts& facts) {
  return {{"phase", facts.running ? "RUNNING" : (facts.lost ? "LOST" : "EXITED")},
          {"exitCode", facts.exit_code},
          {"signal", facts.signal},
          {"result", EncodeBase64(facts.result)},
          {"stderrTail", facts.stderr_tail},
          {"cancelRequested", facts.cancel_requested}};
}

}  // namespace

std::string ContextJson(const store::Run& run, const std::string& node_id,
                        const std::string& catalog) {
  return Dump({{"requestId", run.id},
               {"runId", run.id},
               {"nodeId", node_id},
               {"principal", run.principal},
               {"team", run.team},
               {"environment", run.environment},
               {"playground", run.playground},
               {"catalog", catalog}});
}

std::string OutputsJson(const RunState& state, const store::Node& node) {
  json outputs = json::array();
  for (const std::string& id : node.after) {
    const store::Node* before = state.Find(id);
    if (before == nullptr) continue;
    json output = {{"nodeId", id}, {"state", before->state}};
    if (json response = Parse(before->response_json); response.is_object()) {
      output["response"] = std::move(response);
    }
    if (json error = Parse(before->error_json); error.is_object()) {
      output["errorCode"] = error.value("code", "");
      error.erase("code");
      output["error"] = std::move(error);
    }
    outputs.push_back(std::move(output));
  }
  return Dump(outputs);
}

Result<std::string> BuildRequest(const store::Node& node, const std::string& context,
                                 const std::string& outputs,
                                 const std::vector<std::string>& mounts) {
  DCP_ASSIGN(json request, RequestOf(node));
  request["context"] = Parse(context);
  if (!outputs.empty()) request["outputs"] = Parse(outputs);
  // What a graph says about mounts is not asked: they are the host's to give.
  request.erase("mounts");
  for (const std::string& mount : mounts) request["mounts"].push_back(Parse(mount));
  return Dump(request);
}

Result<std::string> BuildSubmit(const store::Node& node, const std::string& context,
                                const std::string& mount, const LeaseFacts& facts) {
  DCP_ASSIGN(json request, RequestOf(node));
  json& job = request["job"];
  if (!job.is_object()) return Internal("node " + node.id + ": its request holds no job");
  job["context"] = Parse(context);
  job["mounts"] = json::array({Parse(mount)});
  job["runId"] = facts.run_id;
  job["deadlineMs"] = std::to_string(facts.deadline);
  request["lease"] = LeaseJson(facts);
  request["idempotencyKey"] = facts.idempotency_key;
  return Dump(request);
}

Result<std::string> BuildAnalyze(const store::Node& node, const std::string& context,
                                 const std::string& mount, const LeaseFacts& facts) {
  DCP_ASSIGN(json request, RequestOf(node));
  request["context"] = Parse(context);
  // What a graph says about mounts and leases is not asked: they are the host's to give.
  request["mounts"] = json::array({Parse(mount)});
  request["lease"] = LeaseJson(facts);
  return Dump(request);
}

Result<std::string> BuildInterpret(const store::Node& node, const std::string& context,
                                   const ProcessFacts& facts) {
  DCP_ASSIGN(json request, RequestOf(node));
  request["context"] = Parse(context);
  request.erase("mounts");
  return Dump({{"context", Parse(context)},
               {"request", std::move(request)},
               {"process", ProcessJson(facts)}});
}

std::string BuildProcessCheck(const std::string& context, const ProcessFacts& facts) {
  return Dump({{"context", Parse(context)}, {"process", ProcessJson(facts)}});
}

std::string BuildHandleCall(const std::string& context, const std::string& handle) {
  return Dump({{"context", Parse(context)}, {"handle", handle}});
}

}  // namespace dcp::graph
