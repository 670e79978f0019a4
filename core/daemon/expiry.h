// SPDX-License-Identifier: Apache-2.0
//
// The timer that ends playgrounds whose time is over: it submits the same delete graph that a
// person's `playground delete` does.
#pragma once

#include <thread>

#include "graph/graph.h"
#include "playground/playgrounds.h"
#include "store/store.h"

namespace dcp::daemon {

class Expiry {
 public:
  Expiry(playground::Playgrounds& playgrounds, store::Store& store, graph::Runner& runner,
         int64_t poll_ms);
  ~Expiry();  ///< Stops the timer; delete graphs that were started go on.

  /// One look at the clock: starts a delete graph for each playground that is over. [any]
  Status Sweep();

 private:
  playground::Playgrounds& playgrounds_;
  store::Store& store_;
  graph::Runner& runner_;
  std::jthread thread_;
};

}  // namespace dcp::daemon
