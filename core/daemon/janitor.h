// SPDX-License-Identifier: Apache-2.0
//
// The timer that tidies up. It notices that the time of playgrounds is over, and purges them a
// tombstone period later, by the same delete graph that a person's `playground delete` starts;
// takes up deletions that a crash or a failure left halfway; sweeps up what has no owner left; and
// gives up runs that are older than they are kept.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include "base/clock.h"
#include "daemon/clock_watch.h"
#include "daemon/orphans.h"
#include "daemon/retention.h"
#include "graph/graph.h"
#include "playground/playgrounds.h"
#include "store/store.h"

namespace dcp::daemon {

/// How often deletions that failed are looked for.
constexpr int64_t kDeleteLookMs = 60'000;
/// The pause after the first failure: its reason (a catalog that is down) takes minutes to repair,
/// and each try is a run that people see. It doubles with each failure, up to the longest: one that
/// always fails makes four runs a day.
constexpr int64_t kDeleteRetryMs = 600'000;
constexpr int64_t kDeleteRetryMsMax = int64_t{6} * 3600 * 1000;
/// Playgrounds that one round ends: a backlog is worked off over several, not all at once.
constexpr int kExpireMax = 50;
/// For how long one round removes old runs.
constexpr int64_t kGcAtOnceMs = 1'000;

class Janitor {
 public:
  Janitor(playground::Playgrounds& playgrounds, store::Store& store, graph::Runner& runner,
          Orphans& orphans, RunRetention& retention, ClockWatch& watch, const Clock& clock,
          int64_t sweep_every_ms, std::function<void()> chores = {});
  ~Janitor();  ///< Stops the timer; delete graphs that were started go on.

  void Start(int64_t poll_ms);
  /// One round. What fails for one playground does not hold up the others. Before Start, or by the
  /// timer's thread.
  void Round();

 private:
  Status LookAtClock();
  Status NoticeEnds();
  Status CancelRunsOf(const store::Playground& playground);
  Status Expire();
  Status Resume();
  /// False: it is being deleted right now, or failed a short time ago.
  Result<bool> DeletionIsDue(const store::Playground& playground);
  void SweepOrphans();
  void RemoveOldRuns();

  playground::Playgrounds& playgrounds_;
  store::Store& store_;
  graph::Runner& runner_;
  Orphans& orphans_;
  RunRetention& retention_;
  ClockWatch& watch_;
  const Clock& clock_;
  const int64_t sweep_every_ms_;
  const std::function<void()> chores_;  ///< small things, each round
  SteadyMillis next_resume_ = 0;        // the timer thread's own, like the next
  SteadyMillis next_sweep_ = 0;
  SteadyMillis next_gc_ = 0;
  std::atomic<bool> stopping_ = false;
  std::jthread thread_;
};

}  // namespace dcp::daemon
