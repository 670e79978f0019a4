// SPDX-License-Identifier: Apache-2.0
//
// Exit codes from statuses and from runs.
#include "cli/exit_code.h"

#include <string_view>

#include "dcp/v1/dcp.pb.h"

namespace dcp::cli {
namespace {

/// Findings PZ010x to PZ012x are about the manifest's own text: the command could not even be
/// understood. Those from PZ0130 on compare it with the engine and the tables: checks that failed.
bool IsManifestId(std::string_view id) {
  return id.starts_with("PZ010") || id.starts_with("PZ011") || id.starts_with("PZ012");
}

bool HasManifestError(const google::protobuf::Struct& report) {
  const auto findings = report.fields().find("findings");
  if (findings == report.fields().end()) return false;
  for (const auto& finding : findings->second.list_value().values()) {
    const auto& fields = finding.struct_value().fields();
    const auto code = fields.find("code");
    const auto severity = fields.find("severity");
    const bool error = severity == fields.end() || severity->second.string_value() == "ERROR";
    if (error && code != fields.end() && IsManifestId(code->second.string_value())) {
      return true;
    }
  }
  return false;
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
    if (HasManifestError(run.report())) return kExitUsage;
    return run.command() == "run" ? kExitRunFailed : kExitChecksFailed;
  }
  if (run.error_code().empty()) return kExitRunFailed;
  const Code code = CodeFromName(run.error_code());
  return code == Code::kOk || code == Code::kCancelled ? kExitRunFailed : ExitCodeOf(code);
}

}  // namespace dcp::cli
