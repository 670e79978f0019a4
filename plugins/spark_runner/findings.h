// SPDX-License-Identifier: Apache-2.0
//
// Why a job failed, in words for people: the catalogue of this plugin's findings (PZ04xx) and the
// rules that pick one. README.md lists the codes.
#pragma once

#include <string>
#include <string_view>

#include "process_state.h"

namespace dcp::spark_runner {

struct Failure {
  std::string code;  ///< "PZ0401"
  std::string message;
  std::string hint;
  std::string engine_code = {};  ///< Spark's error condition, or a class of exceptions
  std::string sql_state = {};
  bool retryable = false;  ///< the same job may succeed later
};

/// From the error that coreetl.py left in its result.
Failure ExplainError(const std::string& error_class, const std::string& message,
                     const std::string& sql_state);
/// From the process alone, which left no result. `signal` 0: it ended with `exit_code`.
Failure ExplainEnd(int exit_code, int signal, std::string_view stderr_tail);
/// The process is gone, and nobody knows how it ended.
Failure ExplainLost();
/// Somebody other than the host told it to stop.
Failure ExplainStopped();
/// Whichever of these fits a process that ended without success.
Failure ExplainEnding(const ProcessState& process);

}  // namespace dcp::spark_runner
