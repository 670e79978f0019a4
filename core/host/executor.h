// SPDX-License-Identifier: Apache-2.0
//
// Threads for a plugin's code. They are not joined, because nobody can make that code return.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>

#include "base/mutex.h"

namespace dcp::host {

/// Tasks that wait for a thread. The host opens fewer calls than that on one instance.
constexpr size_t kTasksMax = 4096;

/// Runs tasks, at most `threads_max` at a time, on threads that it starts when they are needed.
class Executor {
 public:
  explicit Executor(size_t threads_max) : state_(std::make_shared<State>(threads_max)) {}
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;
  ~Executor();  ///< Threads end when they have nothing to do.

  /// False when too many wait, or the machine gives no thread. [any]
  bool Post(std::function<void()> task);
  /// True when the caller may run a task itself, as one of the threads: nothing waits, and fewer
  /// run than may. Leave() must follow. [any]
  bool Enter();
  void Leave();

 private:
  struct State {
    explicit State(size_t max) : threads_max(max) {}
    bool MayRun() const DCP_REQUIRES(mutex) { return !tasks.empty() && running < threads_max; }

    const size_t threads_max;
    Mutex mutex;
    CondVar ready;
    std::deque<std::function<void()>> tasks DCP_GUARDED_BY(mutex);
    size_t threads DCP_GUARDED_BY(mutex) = 0;
    size_t idle DCP_GUARDED_BY(mutex) = 0;
    size_t running DCP_GUARDED_BY(mutex) = 0;
    bool closed DCP_GUARDED_BY(mutex) = false;
  };
  static void Work(const std::shared_ptr<State>& state);

  const std::shared_ptr<State> state_;
};

}  // namespace dcp::host
