// SPDX-License-Identifier: Apache-2.0
//
// Child processes of the checker: one for each check, with an end that is certain.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "plugin_check/probe/job.h"

namespace dcp::plugin_check {

/// Runs a program that prints, and answers what it printed on stdout. UNAVAILABLE when it cannot be
/// run, DEADLINE_EXCEEDED. Its exit code does not count. [any] blocks
Result<std::string> RunForOutput(const std::vector<std::string>& argv, int64_t timeout_ms,
                                 const std::vector<std::pair<std::string, std::string>>& env = {});

/// Runs a program that reads a job from kJobFd and writes a verdict to kVerdictFd. However it ends
/// is a verdict: killed after `timeout_ms`, by a signal, by an exit() of the plugin's, each with
/// what was going on. What it started is ended with it. [any] blocks
Verdict RunChild(const std::vector<std::string>& argv, const Job& job, int64_t timeout_ms);

/// As RunChild(), for a child that would go on for ever: once it has said its verdict it alone is
/// killed, and what it started is left to itself. [any] blocks
Verdict RunUntilVerdict(const std::vector<std::string>& argv, const Job& job, int64_t timeout_ms);

}  // namespace dcp::plugin_check
