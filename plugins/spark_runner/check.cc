// SPDX-License-Identifier: Apache-2.0
//
// Interprets a process. The result file is the truth where there is one: rows that were committed
// stay committed, whatever happened to the process afterwards.
#include "check.h"

#include <cmath>

#include "findings.h"
#include "json_io.h"
#include "process_state.h"

namespace dcp::spark_runner {
namespace {

/// A detail is one line on a person's screen.
constexpr size_t kDetailBytesMax = 300;
/// How coreetl.py marks a line about its progress.
constexpr std::string_view kProgressMark = "==> ";

std::string Cut(std::string text) {
  if (text.size() <= kDetailBytesMax) return text;
  size_t end = kDetailBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

/// What the job said last about its progress.
std::string LastProgress(const std::string& tail) {
  const size_t at = tail.rfind(kProgressMark);
  if (at == tail.npos || (at > 0 && tail[at - 1] != '\n')) return "starting Spark";
  const size_t from = at + kProgressMark.size();
  return Cut(tail.substr(from, tail.find('\n', from) - from));
}

Json Succeeded(const ProcessState& process) {
  const Json& result = process.result;
  const Json& total = Child(Child(result, "seconds"), "total");
  const double seconds = total.is_number() ? total.get<double>() : 0;
  const int64_t rows = Int64(result, "rows");
  const bool already = Bool(result, "already_written");
  std::string detail = (already ? "already written: " : "wrote ") + std::to_string(rows) + " rows";
  if (process.phase == Phase::kExited && (process.exit_code != 0 || process.signal != 0)) {
    detail += "; its process failed afterwards";
  }
  return {{"state", "JOB_SUCCEEDED"},
          {"detail", detail},
          {"result",
           {{"table", Text(result, "table")},
            {"rows", std::to_string(rows)},
            {"snapshotId", std::to_string(Int64(result, "snapshot_id"))},
            {"alreadyWritten", already},
            {"durationMs", std::to_string(std::llround(seconds * 1000))},
            {"engineVersion", "Spark " + Text(result, "spark_version")}}}};
}

Json Cancelled() {
  return {{"state", "JOB_CANCELLED"},
          {"detail", "cancelled; had a commit been under way, its snapshot carries the run's id"}};
}

Json Failed(const Failure& failure) {
  Json finding = {{"severity", "ERROR"},
                  {"code", failure.code},
                  {"message", failure.message},
                  {"hint", failure.hint}};
  if (!failure.engine_code.empty()) finding["engineCode"] = failure.engine_code;
  if (!failure.sql_state.empty()) finding["sqlState"] = failure.sql_state;
  return {{"state", "JOB_FAILED"},
          {"detail", Cut(failure.message.substr(0, failure.message.find('\n')))},
          {"findings", Json::array({finding})},
          {"retryable", failure.retryable}};
}

Json Judge(const ProcessState& process) {
  if (process.phase == Phase::kRunning) {
    const std::string detail =
        process.cancel_requested ? "stopping" : LastProgress(process.stderr_tail);
    return {{"state", "JOB_RUNNING"}, {"detail", detail}};
  }
  if (Text(process.result, "state") == "SUCCEEDED") return Succeeded(process);
  if (process.cancel_requested) return Cancelled();
  return Failed(ExplainEnding(process));
}

}  // namespace

sdk::Outcome<std::string> Check(std::string_view request) {
  const Json json = Json::parse(request, nullptr, false);
  const Json& process_json = Child(json, "process");
  if (!process_json.is_object()) {
    return sdk::Error{.code = DCP_INVALID_ARGUMENT,
                      .message =
                          "cannot check a job without its process: spark_runner gives no "
                          "handles, its jobs are processes of the host"};
  }
  const ProcessState process = ReadProcess(process_json);
  if (process.phase == Phase::kUnknown) {
    return sdk::Error{.code = DCP_INVALID_ARGUMENT,
                      .message = "cannot check a job: its process has no known phase"};
  }
  return Dump(Judge(process));
}

}  // namespace dcp::spark_runner
