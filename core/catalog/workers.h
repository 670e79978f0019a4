// SPDX-License-Identifier: Apache-2.0
//
// Threads that handle requests: made when needed, ended when they have been idle, as many as can
// be at work at once. One principal has half of them at most.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "base/mutex.h"

namespace dcp::catalog {

/// A thread that had nothing to do for so long ends, and with it what its stack has taken.
constexpr int64_t kIdleThreadMs = 10'000;

/// [any]
class Workers {
 public:
  Workers(int threads_max, size_t waiting_max)
      : threads_max_(threads_max), waiting_max_(waiting_max) {}
  ~Workers() { Finish(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// False when there is no room: too much waits, too much of this principal's is at work or
  /// waits, no thread can be made, or Finish() was called.
  bool Post(const std::string& principal, std::function<void()> task);
  /// Takes nothing more, and returns when everything that was taken is done.
  void Finish();

 private:
  using Task = std::pair<std::string, std::function<void()>>;
  void StartThread() DCP_REQUIRES(mutex_);
  void Work(std::list<std::thread>::iterator self);

  const int threads_max_;
  const size_t waiting_max_;
  Mutex mutex_;
  CondVar wake_;
  std::deque<Task> tasks_ DCP_GUARDED_BY(mutex_);
  std::map<std::string, int> held_ DCP_GUARDED_BY(mutex_);  ///< tasks of each, waiting or at work
  std::list<std::thread> threads_ DCP_GUARDED_BY(mutex_);
  std::list<std::thread> over_ DCP_GUARDED_BY(mutex_);  ///< have nothing more to do; to be joined
  int idle_ DCP_GUARDED_BY(mutex_) = 0;
  bool finishing_ DCP_GUARDED_BY(mutex_) = false;
};

}  // namespace dcp::catalog
