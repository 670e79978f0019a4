// SPDX-License-Identifier: Apache-2.0
//
// Exit codes, as documented in docs/reference/cli.md: scripts depend on them, so they only grow.
#pragma once

#include "base/status.h"

namespace dcp::v1 {
class Run;
}

namespace dcp::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitChecksFailed = 1;  ///< the person can mend it
inline constexpr int kExitUsage = 2;         ///< wrong command line or manifest
inline constexpr int kExitDenied = 4;        ///< who you are, or what you may
inline constexpr int kExitConflict = 5;      ///< not found, conflict, quota
inline constexpr int kExitUnavailable = 6;   ///< the daemon or a backend failed: try again
inline constexpr int kExitRunFailed = 7;     ///< the run ended FAILED or CANCELLED
inline constexpr int kExitTimedOut = 8;      ///< stopped waiting; the run goes on
inline constexpr int kExitInterrupted = 130;

int ExitCodeOf(Code code);
/// Of a run that has ended.
int ExitCodeOf(const v1::Run& run);

}  // namespace dcp::cli
