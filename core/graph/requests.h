// SPDX-License-Identifier: Apache-2.0
//
// What the runner adds to the requests of nodes: context, mounts, outputs, leases. The result
// holds tokens: it goes to the backend, never into the store.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "graph/run_state.h"

namespace dcp::graph {

/// contract Context
std::string ContextJson(const store::Run& run, const std::string& node_id,
                        const std::string& catalog);
/// Outputs of the nodes that `node` stands after: a list of contract NodeOutput.
std::string OutputsJson(const RunState& state, const store::Node& node);

/// The node's request with `context`, and with `outputs` and `mounts` where they are not empty.
Result<std::string> BuildRequest(const store::Node& node, const std::string& context,
                                 const std::string& outputs,
                                 const std::vector<std::string>& mounts);

/// What is given along with work that may become a job.
struct LeaseFacts {
  std::string run_id;
  std::string directory;
  std::string idempotency_key;  ///< the lease's id too
  WallMillis deadline = 0;
};
/// contract SubmitRequest from a node's {"job":{...}}.
Result<std::string> BuildSubmit(const store::Node& node, const std::string& context,
                                const std::string& mount, const LeaseFacts& facts);
/// contract AnalyzeRequest
Result<std::string> BuildAnalyze(const store::Node& node, const std::string& context,
                                 const std::string& mount, const LeaseFacts& facts);

/// contract ProcessState
struct ProcessFacts {
  bool running = false;
  bool lost = false;
  int exit_code = 0;
  int signal = 0;
  std::string result;
  std::string stderr_tail;
  bool cancel_requested = false;
};
std::string BuildProcessCheck(const std::string& context, const ProcessFacts& facts);
/// contract InterpretRequest of a process that a node's Analyze answered.
Result<std::string> BuildInterpret(const store::Node& node, const std::string& context,
                                   const ProcessFacts& facts);
/// CheckRequest or CancelRequest of a job with a handle.
std::string BuildHandleCall(const std::string& context, const std::string& handle);

}  // namespace dcp::graph
