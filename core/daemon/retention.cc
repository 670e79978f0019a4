// SPDX-License-Identifier: Apache-2.0
#include "daemon/retention.h"

#include <utility>

#include "os/file.h"
#include "os/job.h"

namespace dcp::daemon {

Result<bool> AnyJobRuns(const std::string& folder) {
  DCP_ASSIGN(const auto jobs, os::ListDirectory(folder));
  for (const std::string& job : jobs) {
    DCP_ASSIGN(const bool runs, os::JobRuns(folder + "/" + job));
    if (runs) return true;
  }
  return false;
}

RunRetention::RunRetention(store::Store& store, std::function<WallMillis()> now,
                           std::string job_directory, store::Retention retention)
    : store_(store),
      now_(std::move(now)),
      job_directory_(std::move(job_directory)),
      retention_(retention) {}

Result<api::GcReport> RunRetention::Collect(const api::GcOptions& options) {
  if (!mutex_.try_lock()) {
    return Aborted("another gc is at work").WithHint("wait for it; it goes on in the daemon");
  }
  const MutexLock lock(mutex_, std::adopt_lock);
  if (options.dry_run) return CountOnly();
  api::GcReport report;
  for (;;) {
    if (options.cancelled && options.cancelled()) return report;
    // Those that could not go are found again: looking further than them keeps it from standing
    // still.
    const int limit = kRemoveAtOnce + static_cast<int>(report.failures.size());
    DCP_ASSIGN(const auto found, store_.RunsBeyond(retention_, now_(), limit));
    report.failures.clear();
    const auto removable = RemoveFolders(found, &report);
    if (removable.empty() || report.failures.size() >= kGcFailuresMax) return report;
    DCP_TRY(store_.RemoveRuns(removable));
  }
}

Result<api::GcReport> RunRetention::CountOnly() {
  DCP_ASSIGN(const auto found, store_.RunsBeyond(retention_, now_(), kDryRunMax));
  api::GcReport report;
  for (const store::RunBrief& run : found) {
    ++report.runs;
    report.bytes += run.bytes;
  }
  return report;
}

std::vector<std::string> RunRetention::RemoveFolders(const std::vector<store::RunBrief>& runs,
                                                     api::GcReport* report) {
  std::vector<std::string> removable;
  for (const store::RunBrief& run : runs) {
    const std::string folder = job_directory_ + "/" + run.id;
    Status status;
    if (os::Exists(folder)) {
      const auto alive = AnyJobRuns(folder);
      status = alive.status();
      if (alive.ok() && *alive) status = FailedPrecondition("a process of it still runs");
      if (status.ok()) status = os::RemoveTree(folder);
    }
    if (!status.ok()) {
      report->failures.push_back("run " + run.id + ": " + status.message());
      continue;
    }
    removable.push_back(run.id);
    ++report->runs;
    report->bytes += run.bytes;
  }
  return removable;
}

}  // namespace dcp::daemon
