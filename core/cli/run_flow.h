// SPDX-License-Identifier: Apache-2.0
//
// From files to an outcome: what apply, test, run and their short forms share.
#pragma once

#include <string>
#include <vector>

#include "cli/manifests.h"
#include "cli/session.h"

namespace dcp::cli {

/// How often a command may ask for further files before that is called a fault of the plugin.
constexpr int kNeedsFilesRoundsMax = 4;
/// A daemon that restarts is waited for this long while a run is watched, which is durable, or
/// started, whose answer may be lost.
constexpr int64_t kReconnectMs = 30'000;
constexpr int64_t kReconnectPauseMs = 500;
/// Who waits asks again when the daemon has no room for it now: after a pause that doubles from the
/// first of these to the second, so that a crowd that waits costs little.
constexpr int64_t kNotNowPauseMs = 500;
constexpr int64_t kNotNowPauseMsMax = 10'000;

struct RunPlan {
  std::string command;  ///< "apply", "test", "preview", "run"
  google::protobuf::Struct options;
  bool wait = true;          ///< until the run has ended; else until its graph is made
  int64_t timeout_ms = 0;    ///< 0: as long as it takes
  std::string client_token;  ///< of a command that is repeated; empty: a new one
  int64_t start_patience_ms = kReconnectMs;
};

/// Reads, starts, watches, prints; answers the exit code.
int RunManifests(Session& session, const RunPlan& plan, const std::vector<std::string>& paths);
/// Watches a run that exists to its end, and prints it.
int WaitForRun(Session& session, const std::string& id, int64_t timeout_ms);

}  // namespace dcp::cli
