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

/// Things that one sweep removes, and as many more that it only reports; the rest is the next
/// one's. They are counted apart: what is kept for ever must not use up what may be removed.
constexpr size_t kSweepItemsMax = 500;
/// Of those that could not be removed the last time, so many are tried again in one sweep.
constexpr size_t kSweepFailuresMax = 100;
/// Things that could not be looked at which are told one by one; the others are counted.
constexpr size_t kSweepUnreadMax = 20;

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
  /// Whether a removal may be tried; else it is left for the next sweep.
  bool MayTry(const std::string& key) DCP_REQUIRES(mutex_);
  void Remove(const Found& found, api::SweepItem* item) DCP_REQUIRES(mutex_);
  /// One thing could not be looked at, which keeps its age; the others can.
  void NoteUnread(const std::string& key, const Status& why, api::SweepReport* report)
      DCP_REQUIRES(mutex_);

  catalog::Catalog& catalog_;
  store::Store& store_;
  const Clock& clock_;
  const std::string job_directory_;
  const int64_t grace_ms_;
  Mutex mutex_;                                                      // held by the one sweep
  std::map<std::string, SteadyMillis> seen_ DCP_GUARDED_BY(mutex_);  // when first
  std::set<std::string> failed_ DCP_GUARDED_BY(mutex_);              // to be removed, last time
  // Of this sweep:
  std::set<std::string> met_ DCP_GUARDED_BY(mutex_);
  size_t shown_ DCP_GUARDED_BY(mutex_) = 0;    // and not removed
  size_t tried_ DCP_GUARDED_BY(mutex_) = 0;    // to remove
  size_t retried_ DCP_GUARDED_BY(mutex_) = 0;  // of these, what failed the last time
  size_t unread_ DCP_GUARDED_BY(mutex_) = 0;
  bool whole_ DCP_GUARDED_BY(mutex_) = false;  // everything was met
};

}  // namespace dcp::daemon
