// SPDX-License-Identifier: Apache-2.0
//
// What the host knows of a job's process, read from the contract's ProcessState.
#pragma once

#include <string>

#include "json_io.h"

namespace dcp::spark_runner {

enum class Phase { kUnknown, kRunning, kExited, kLost };

struct ProcessState {
  Phase phase = Phase::kUnknown;
  int exit_code = 0;
  int signal = 0;
  std::string stderr_tail;
  bool cancel_requested = false;
  bool result_damaged = false;
  Json result;  ///< what coreetl.py left; null when there is none
};

/// `json` is a ProcessState.
ProcessState ReadProcess(const Json& json);

}  // namespace dcp::spark_runner
