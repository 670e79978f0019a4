// SPDX-License-Identifier: Apache-2.0
//
// The timer that tidies up. It ends playgrounds whose time is over, by the same delete graph that a
// person's `playground delete` starts; takes up deletions that a crash or a failure left halfway;
// and sweeps up what has no owner left.
#pragma once

#include <atomic>
#include <thread>

#include "base/clock.h"
#include "daemon/orphans.h"
#include "graph/graph.h"
#include "playground/playgrounds.h"
#include "store/store.h"

namespace dcp::daemon {

/// A delete that failed is tried again this often: its reason (a catalog that is down) takes
/// minutes to mend, and each try is a run that people see.
constexpr int64_t kDeleteRetryMs = 600'000;
/// Playgrounds that one round ends: a backlog is worked off over several, not all at once.
constexpr int kExpireMax = 50;

class Janitor {
 public:
  Janitor(playground::Playgrounds& playgrounds, store::Store& store, graph::Runner& runner,
          Orphans& orphans, const Clock& clock, int64_t sweep_every_ms);
  ~Janitor();  ///< Stops the timer; delete graphs that were started go on.

  void Start(int64_t poll_ms);
  /// One round. What fails for one playground does not hold up the others. Before Start, or by the
  /// timer's thread.
  void Round();

 private:
  Status Expire();
  Status Resume();
  void SweepOrphans();

  playground::Playgrounds& playgrounds_;
  store::Store& store_;
  graph::Runner& runner_;
  Orphans& orphans_;
  const Clock& clock_;
  const int64_t sweep_every_ms_;
  SteadyMillis next_resume_ = 0;  // the timer thread's own, like the next
  SteadyMillis next_sweep_ = 0;
  std::atomic<bool> stopping_ = false;
  std::jthread thread_;
};

}  // namespace dcp::daemon
