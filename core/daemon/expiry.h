// SPDX-License-Identifier: Apache-2.0
//
// The timer that ends playgrounds whose time is over: it submits the same delete graph that a
// person's `playground delete` does. It also takes up deletes that a crash or a failure left
// halfway.
#pragma once

#include <thread>

#include "base/clock.h"
#include "graph/graph.h"
#include "playground/playgrounds.h"
#include "store/store.h"

namespace dcp::daemon {

/// A delete that failed is tried again this often: its reason (a catalog that is down) takes
/// minutes to mend, and each try is a run that people see.
constexpr int64_t kDeleteRetryMs = 600'000;

class Expiry {
 public:
  Expiry(playground::Playgrounds& playgrounds, store::Store& store, graph::Runner& runner,
         const Clock& clock, int64_t poll_ms);
  ~Expiry();  ///< Stops the timer; delete graphs that were started go on.

 private:
  Status Sweep();
  Status Resume();

  playground::Playgrounds& playgrounds_;
  store::Store& store_;
  graph::Runner& runner_;
  const Clock& clock_;
  SteadyMillis next_resume_ = 0;  // the timer thread's own
  std::jthread thread_;
};

}  // namespace dcp::daemon
