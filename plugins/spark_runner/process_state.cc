// SPDX-License-Identifier: Apache-2.0
#include "process_state.h"

#include <utility>

#include "base64.h"

namespace dcp::spark_runner {
namespace {

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

}  // namespace

ProcessState ReadProcess(const Json& json) {
  ProcessState process;
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

}  // namespace dcp::spark_runner
