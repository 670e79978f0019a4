// SPDX-License-Identifier: Apache-2.0
//
// A few threads for the streams' store and file reads, because gRPC's callback threads must never
// block. Bounded: a task that finds the queue full is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace dcp::api {

class Executor {
 public:
  Executor(int threads, size_t tasks_max);
  ~Executor();  ///< Finishes the task at hand on each thread; drops the rest.

  /// False when the queue is full or the executor is stopping. [any]
  bool Post(std::function<void()> task) { return PostAfter(0, std::move(task)); }
  bool PostAfter(int64_t delay_ms, std::function<void()> task);
  /// No more tasks; returns when those that run have ended. Once, from outside.
  void Stop();

 private:
  void Work();

  const size_t tasks_max_;
  Mutex mutex_;
  CondVar wake_;
  std::multimap<int64_t, std::function<void()>> tasks_
      DCP_GUARDED_BY(mutex_);  ///< by steady time when due
  bool stopping_ DCP_GUARDED_BY(mutex_) = false;
  std::vector<std::jthread> threads_;
};

}  // namespace dcp::api
