// SPDX-License-Identifier: Apache-2.0
//
// Group G: the plugin in the real worker, through the daemon's own code.
#pragma once

#include <string>

#include "plugin_check/probe/job.h"

namespace dcp::plugin_check {

/// No check of its own: holds a worker until it is killed, for worker-orphans.
constexpr char kWorkerHold[] = "worker-hold";
/// First argument of this program as the child that does one of these checks.
constexpr char kIsolatedArgument[] = "--isolated";

/// The child's main function: job in, verdict out, one check.
int RunIsolated(const std::string& own_program);

}  // namespace dcp::plugin_check
