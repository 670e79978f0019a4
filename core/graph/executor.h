// SPDX-License-Identifier: Apache-2.0
//
// A fixed number of threads, a queue, and a timer. Whoever waits does so in the timer, not in a
// thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace dcp::graph {

/// The queue has no bound of its own: the runner posts at most one task for each unfinished node,
/// and both runs and nodes are bounded.
class Executor {
 public:
  using Task = std::function<void()>;

  explicit Executor(int threads);
  /// Drops what waits, lets what runs end.
  ~Executor();

  /// Dropped without a word once stopped. [any]
  void Post(Task task);
  /// Real time: the clock that tests move is for deadlines, not for this. [any]
  void PostAfter(int64_t delay_ms, Task task);
  /// Takes no more tasks, drops what waits and returns when nothing runs any more. [any]
  void Stop();

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  void Work();

  Mutex mutex_;
  CondVar wake_;
  bool stopped_ DCP_GUARDED_BY(mutex_) = false;
  std::deque<Task> queue_ DCP_GUARDED_BY(mutex_);
  std::multimap<TimePoint, Task> waiting_ DCP_GUARDED_BY(mutex_);
  std::vector<std::jthread> threads_;
};

}  // namespace dcp::graph
