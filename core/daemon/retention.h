// SPDX-License-Identifier: Apache-2.0
//
// How long ended runs are kept: by age, and for each principal by number and bytes. The oldest go
// first, with their reports, histories and job folders.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/server.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "store/store.h"

namespace dcp::daemon {

/// Runs that one transaction removes: the store's other writers wait for it.
constexpr int kRemoveAtOnce = 50;
/// What dry runs look at; "more than" that is told as a number.
constexpr int kDryRunMax = 100'000;
/// Failures that one report names.
constexpr size_t kGcFailuresMax = 100;

/// Whether a process of one of the jobs in a run's folder lives.
Result<bool> AnyJobRuns(const std::string& folder);

/// [any] blocks
class RunRetention {
 public:
  /// `now`: up to when ages are counted; a wall clock may jump, and is not to be taken at its word.
  RunRetention(store::Store& store, std::function<WallMillis()> now, std::string job_directory,
               store::Retention retention);

  /// ABORTED when another one is at work. A run of which a process still lives stays, and is named.
  Result<api::GcReport> Collect(const api::GcOptions& options);

 private:
  Result<api::GcReport> CountOnly();
  /// The job folders first: a crash between the two leaves a run without logs, not logs without a
  /// run. Answers the runs that can go.
  std::vector<std::string> RemoveFolders(const std::vector<store::RunBrief>& runs,
                                         api::GcReport* report);

  store::Store& store_;
  const std::function<WallMillis()> now_;
  const std::string job_directory_;
  const store::Retention retention_;
  Mutex mutex_;  // held by the one collection
};

}  // namespace dcp::daemon
