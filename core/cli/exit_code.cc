// SPDX-License-Identifier: Apache-2.0
//
// Exit codes from statuses and from runs.
#include "cli/exit_code.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "dcp/v1/dcp.pb.h"

namespace dcp::cli {
namespace {

/// Findings PZ010x to PZ012x are about the manifest's own text: the command could not even be
/// understood. Those from PZ0130 on compare it with the engine and the tables: checks that failed.
bool IsManifestId(std::string_view id) {
  return id.starts_with("PZ010") || id.starts_with("PZ011") || id.starts_with("PZ012");
}

/// Findings PZ016x lie outside the manifest: a catalog that is down, an engine that did not answer.
bool IsOutside(std::string_view id) { return id.starts_with("PZ016"); }

/// The ids of a report's errors.
std::vector<std::string> ErrorIds(const google::protobuf::Struct& report) {
  std::vector<std::string> ids;
  const auto findings = report.fields().find("findings");
  if (findings == report.fields().end()) return ids;
  for (const auto& finding : findings->second.list_value().values()) {
    const auto& fields = finding.struct_value().fields();
    const auto code = fields.find("code");
    const auto severity = fields.find("severity");
    const bool error = severity == fields.end() || severity->second.string_value() == "ERROR";
    if (error && code != fields.end()) ids.push_back(code->second.string_value());
  }
  return ids;
}

}  // namespace

int ExitCodeOf(Code code) {
  switch (code) {
    case Code::kOk:
      return kExitOk;
    case Code::kCancelled:
      return kExitInterrupted;
    case Code::kInvalidArgument:
    case Code::kOutOfRange:
    case Code::kUnimplemented:  // this program asked for what the daemon does not know
      return kExitUsage;
    case Code::kPermissionDenied:
    case Code::kUnauthenticated:
      return kExitDenied;
    case Code::kNotFound:
    case Code::kAlreadyExists:
    case Code::kResourceExhausted:
    case Code::kFailedPrecondition:
    case Code::kAborted:
      return kExitConflict;
    case Code::kUnknown:
    case Code::kDeadlineExceeded:
    case Code::kInternal:
    case Code::kUnavailable:
    case Code::kDataLoss:
      return kExitUnavailable;
  }
  return kExitUnavailable;
}

int ExitCodeOf(const v1::Run& run) {
  if (run.state() == "SUCCEEDED") return kExitOk;
  if (run.state() == "CANCELLED") return kExitRunFailed;
  if (run.has_report()) {
    const std::vector<std::string> ids = ErrorIds(run.report());
    if (std::any_of(ids.begin(), ids.end(), IsManifestId)) return kExitUsage;
    if (run.command() == "run") return kExitRunFailed;
    const bool none_is_theirs = !ids.empty() && std::all_of(ids.begin(), ids.end(), IsOutside);
    return none_is_theirs ? kExitUnavailable : kExitChecksFailed;
  }
  if (run.error_code().empty()) return kExitRunFailed;
  const Code code = CodeFromName(run.error_code());
  return code == Code::kOk || code == Code::kCancelled ? kExitRunFailed : ExitCodeOf(code);
}

}  // namespace dcp::cli
