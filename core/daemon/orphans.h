// SPDX-License-Identifier: Apache-2.0
//
// Finds what has no owner left and removes it: job folders of runs that are unknown or whose
// playground is deleted, and what deleted or unknown playgrounds have left in the overlay.
//
// Why nothing that is alive is ever taken: whatever begins is in the store before the first file or
// namespace of it is made, and the store is asked after the listing; a generation that is DELETED
// never comes back, and one that is unknown is made DELETED in the store before it is touched; what
// is not of the very form that Pretzel writes is reported and left alone.
#pragma once

#include <map>
#include <set>
#include <string>

#include "api/server.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "catalog/catalog.h"
#include "store/store.h"

namespace dcp::daemon {

/// Things that one sweep reports and removes; the rest is the next one's.
constexpr size_t kSweepItemsMax = 500;

/// [any] blocks
class Orphans {
 public:
  /// `grace_ms`: how long something must have been seen without an owner. Counted by this daemon's
  /// own looks on the steady clock: file times and wall clocks are other people's to set.
  Orphans(catalog::Catalog& catalog, store::Store& store, const Clock& clock,
          std::string job_directory, int64_t grace_ms);

  /// ABORTED when another sweep is at work. What fails is in the report; the rest is done.
  Result<api::SweepReport> Sweep(const api::SweepOptions& options);

 private:
  struct Found {
    api::SweepItem item;
    std::string key;                 ///< what it is remembered by between sweeps
    bool keep = false;               ///< whatever its age; item.reason says why
    std::function<Status()> remove;  ///< empty when it is kept
    std::function<void(api::SweepItem*)> measure;
  };

  Status SweepJobs(const api::SweepOptions& options, api::SweepReport* report) DCP_REQUIRES(mutex_);
  Status SweepOverlay(const api::SweepOptions& options, api::SweepReport* report)
      DCP_REQUIRES(mutex_);
  Status LookAtRunFolder(const std::string& name, Found* found, bool* owned);
  Status LookAtPlace(const catalog::Trace& trace, bool with_unknown, Found* found, bool* owned);
  void Settle(Found found, const api::SweepOptions& options, api::SweepReport* report)
      DCP_REQUIRES(mutex_);

  catalog::Catalog& catalog_;
  store::Store& store_;
  const Clock& clock_;
  const std::string job_directory_;
  const int64_t grace_ms_;
  Mutex mutex_;                                                      // held by the one sweep
  std::map<std::string, SteadyMillis> seen_ DCP_GUARDED_BY(mutex_);  // when first
  std::set<std::string> met_ DCP_GUARDED_BY(mutex_);                 // in this sweep
};

}  // namespace dcp::daemon
