// SPDX-License-Identifier: Apache-2.0
//
// Interprets a process. The result file is the truth where there is one: rows that were committed
// stay committed, whatever happened to the process afterwards.
#include "check.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base64.h"
#include "findings.h"

namespace dcp::spark_runner {
namespace {

using Json = nlohmann::json;

/// A detail is one line on a person's screen.
constexpr size_t kDetailBytesMax = 300;
/// How coreetl.py marks a line about its progress.
constexpr std::string_view kProgressMark = "==> ";

enum class Phase { kUnknown, kRunning, kExited, kLost };

struct Process {
  Phase phase = Phase::kUnknown;
  int exit_code = 0;
  int signal = 0;
  std::string stderr_tail;
  bool cancel_requested = false;
  bool result_damaged = false;
  Json result;  ///< null when there is none
};

const Json& Child(const Json& json, const char* key) {
  static const Json kNull;
  if (!json.is_object()) return kNull;
  const auto at = json.find(key);
  return at != json.end() ? *at : kNull;
}

std::string Text(const Json& json, const char* key) {
  const Json& value = Child(json, key);
  return value.is_string() ? value.get<std::string>() : "";
}

int64_t Int64(const Json& json, const char* key) {
  const Json& value = Child(json, key);
  if (value.is_number_integer()) return value.get<int64_t>();
  int64_t number = 0;
  const std::string text = value.is_string() ? value.get<std::string>() : "";
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

bool Bool(const Json& json, const char* key) {
  const Json& value = Child(json, key);
  return value.is_boolean() && value.get<bool>();
}

/// Enums come by name, or by number.
Phase ReadPhase(const Json& process) {
  const Json& value = Child(process, "phase");
  const std::string name = value.is_string() ? value.get<std::string>() : "";
  const int number = value.is_number_integer() ? value.get<int>() : 0;
  if (name == "RUNNING" || number == 1) return Phase::kRunning;
  if (name == "EXITED" || number == 2) return Phase::kExited;
  if (name == "LOST" || number == 3) return Phase::kLost;
  return Phase::kUnknown;
}

Process ReadProcess(const Json& json) {
  Process process;
  process.phase = ReadPhase(json);
  process.exit_code = static_cast<int>(Int64(json, "exitCode"));
  process.signal = static_cast<int>(Int64(json, "signal"));
  process.stderr_tail = Text(json, "stderrTail");
  process.cancel_requested = Bool(json, "cancelRequested");
  const std::string encoded = Text(json, "result");
  if (encoded.empty()) return process;
  const auto text = DecodeBase64(encoded);
  Json result = text ? Json::parse(*text, nullptr, false) : Json();
  process.result_damaged = !result.is_object() || Text(result, "state").empty();
  if (!process.result_damaged) process.result = std::move(result);
  return process;
}

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

Json Succeeded(const Process& process) {
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

Failure Explain(const Process& process) {
  const std::string state = Text(process.result, "state");
  if (state == "FAILED") {
    const Json& error = Child(process.result, "error");
    return ExplainError(Text(error, "class"), Text(error, "message"), Text(error, "sql_state"));
  }
  if (state == "CANCELLED") return ExplainStopped();
  if (process.phase == Phase::kLost) return ExplainLost();
  Failure failure = ExplainEnd(process.exit_code, process.signal, process.stderr_tail);
  if (process.result_damaged || !state.empty()) {
    failure.code = "PZ0414";
    failure.message = "the job left a result that cannot be read; " + failure.message;
  }
  return failure;
}

Json Interpret(const Process& process) {
  if (process.phase == Phase::kRunning) {
    const std::string detail =
        process.cancel_requested ? "stopping" : LastProgress(process.stderr_tail);
    return {{"state", "JOB_RUNNING"}, {"detail", detail}};
  }
  if (Text(process.result, "state") == "SUCCEEDED") return Succeeded(process);
  if (process.cancel_requested) return Cancelled();
  return Failed(Explain(process));
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
  const Process process = ReadProcess(process_json);
  if (process.phase == Phase::kUnknown) {
    return sdk::Error{.code = DCP_INVALID_ARGUMENT,
                      .message = "cannot check a job: its process has no known phase"};
  }
  return Interpret(process).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace dcp::spark_runner
