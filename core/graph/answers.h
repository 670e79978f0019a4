// SPDX-License-Identifier: Apache-2.0
//
// What plugins answer, read from JSON. A plugin is not trusted to be right: whatever does not fit
// the contract is INTERNAL with the place in the answer.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "graph/graph.h"

namespace dcp::graph {

/// CompileResponse and ContinueResponse.
struct ResourceAnswer {
  enum class Kind { kGraph, kNeedsFiles, kReport };
  Kind kind = Kind::kGraph;
  std::vector<NodeSpec> nodes;
  std::string needs_files_json;  ///< {"paths":[...]}
  std::string report_json;
  std::string report_status;
};
Result<ResourceAnswer> ParseResourceAnswer(const std::string& json);

/// Process, as the host needs it.
struct ProcessPlan {
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<std::pair<std::string, std::string>> files;  ///< path, content (decoded)
  std::string stdout_file;
  std::string stderr_file;
  std::string result_file;
  int64_t stop_grace_ms = 0;
};
/// argv, env and file names of a plan, for a file next to the job; the contents are left out.
std::string ProcessPlanToJson(const ProcessPlan& plan);
Result<ProcessPlan> ProcessPlanFromJson(const std::string& json);

/// SubmitResponse: exactly one of the two is set.
struct SubmitAnswer {
  std::string handle;
  bool has_process = false;
  ProcessPlan process;
};
Result<SubmitAnswer> ParseSubmitAnswer(const std::string& json);
/// Whether it leaves the work to the host, in whatever shape, and names no job of the backend's
/// own.
bool HoldsProcessAlone(const std::string& json);

/// AnalyzeResponse, as far as the runner cares: the process that it holds instead of an answer.
Result<std::optional<ProcessPlan>> ParseAnalyzeAnswer(const std::string& json);

enum class JobState { kPending, kRunning, kSucceeded, kFailed, kCancelled };
/// CheckResponse.
struct CheckAnswer {
  JobState state = JobState::kPending;
  std::string detail;
  bool retryable = false;
  Status failure;  ///< for kFailed: the first finding or the detail
};
Result<CheckAnswer> ParseCheckAnswer(const std::string& json);

}  // namespace dcp::graph
