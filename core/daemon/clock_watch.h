// SPDX-License-Identifier: Apache-2.0
//
// What the wall clock may be trusted with. It jumps: somebody sets it, a time server corrects it, a
// machine starts without a battery. So nothing is destroyed because of its word alone:
//
// * An expired playground is purged once the daemon has *served* for the tombstone period since it
//   noticed the end. Served() counts steady time over all lives of the store, so a stop, a restart
//   and a jump of any size leave the owner the whole period.
// * Ages of ended runs are counted up to Believed(), which follows the wall clock no faster than
//   kFollow times the steady one.
// * A jump that is noticed is logged and shown by doctor, and holds purges until the clock is back,
//   or the daemon has served for as long as a tombstone lasts.
//
// What was seen last is kept in the store. Within one boot of the machine a jump is noticed even if
// the daemon was down; over a reboot only a clock that went back is certain.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/status.h"
#include "store/store.h"

namespace dcp::daemon {

/// Wall and steady progress that differ by more are a jump; a time server's slewing never does.
constexpr int64_t kJumpMs = int64_t{5} * 60 * 1000;
/// A jump holds purges for at least so long, whatever the tombstone period: time to be seen.
constexpr int64_t kJumpHoldMsMin = int64_t{60} * 60 * 1000;
/// The believed time catches up with a wall clock that is ahead at this pace: the usual age of
/// runs, 30 days, takes more than a day of service; a night's stop is caught up in half an hour.
constexpr int64_t kFollow = 24;
/// How often what was seen is written down: a kill loses no more of the service that was counted.
constexpr int64_t kClockSaveMs = 60'000;

class ClockWatch {
 public:
  /// `boot`: an id of this run of the machine; empty: none is known, and each start is another.
  ClockWatch(store::Store& store, const Clock& clock, int64_t tombstone_ms, std::string boot);

  /// One look, some seconds after the last one; the first reads what an earlier daemon has seen. A
  /// failure is the store's, and leaves what is kept here good. [one thread]
  Status Look();

  /// How long daemons of this store have looked at the clock, in steady time. [any]
  int64_t Served() const;
  /// What of the wall clock ages may be counted by. [any]
  WallMillis Believed() const;
  /// Whether nothing may be purged for its age: the clock has jumped, or was never looked at. [any]
  bool Holds() const;
  /// The earliest time, by the wall clock of now, at which an expired playground is purged. [any]
  WallMillis PurgeAt(const store::Playground& playground) const;
  /// By how much the clock is ahead of (or, negative, behind) where it should be; 0: not. [any]
  int64_t Jumped() const;
  /// Whether, since the last call, the clock went back at all, or the first look was made: what was
  /// concluded from it is to be looked at again. [one thread]
  bool TakeWentBack();
  /// Whether, since the last call, a clock that was set back came to be taken as right. [one
  /// thread]
  bool TakeSettledBack();

 private:
  /// As it is kept in the store.
  struct Seen {
    std::string boot;
    WallMillis wall = 0;
    SteadyMillis since_boot = 0;
    int64_t served = 0;
    WallMillis believed = 0;
    int64_t jump = 0;           ///< of the wall clock, not taken as right yet
    int64_t jumped_served = 0;  ///< Served() when it was noticed
  };

  Status Load() DCP_REQUIRES(mutex_);
  Status Save() DCP_REQUIRES(mutex_);
  void Follow(int64_t moved, int64_t wall_moved) DCP_REQUIRES(mutex_);
  void Judge(int64_t off) DCP_REQUIRES(mutex_);
  bool HoldsNow() const DCP_REQUIRES(mutex_);

  store::Store& store_;
  const Clock& clock_;
  const int64_t tombstone_ms_;
  const int64_t hold_ms_;
  const std::string boot_;
  mutable Mutex mutex_;
  Seen seen_ DCP_GUARDED_BY(mutex_);
  bool looked_ DCP_GUARDED_BY(mutex_) = false;
  SteadyMillis last_ DCP_GUARDED_BY(mutex_) = 0;  // steady time of the last look
  SteadyMillis saved_ DCP_GUARDED_BY(mutex_) = 0;
  bool went_back_ DCP_GUARDED_BY(mutex_) = false;
  bool settled_back_ DCP_GUARDED_BY(mutex_) = false;
  bool must_save_ DCP_GUARDED_BY(mutex_) = false;
};

/// The kernel's id of this run of the machine, or "".
std::string BootId();

}  // namespace dcp::daemon
