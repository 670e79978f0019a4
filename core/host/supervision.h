// SPDX-License-Identifier: Apache-2.0
//
// Keeps instances running, and lets go of those that left the configuration. It owns the one thread
// that may start workers, since a worker dies with the thread that spawned it.
#pragma once

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "host/instance.h"

namespace dcp::host {

class Supervision {
 public:
  Supervision();
  Supervision(const Supervision&) = delete;
  Supervision& operator=(const Supervision&) = delete;
  ~Supervision();  ///< Ends every worker, with no patience for calls.

  /// Starts them, and again whenever they die. [any]
  void Add(const std::vector<std::shared_ptr<Instance>>& instances);
  /// Stops each when its last call has ended, or after `drain_ms`, on a thread of its own. They
  /// must be in nobody's reach for new calls, but for calls that are about to find them closed.
  /// [any]
  void Leave(const std::vector<std::shared_ptr<Instance>>& instances, int64_t drain_ms);
  /// Whether fewer than `count` have left and not ended yet; waits for that. [any] blocks
  bool WaitFewer(size_t count, int64_t timeout_ms);
  /// Some instance wants to be looked at. [any]
  void Wake();

 private:
  struct Leaving {
    std::shared_ptr<Instance> instance;
    SteadyMillis due = 0;
  };

  void Supervise();
  void Drain();
  void StopAll();

  Mutex mutex_;
  CondVar wake_;  ///< for both threads
  CondVar gone_;
  std::vector<std::shared_ptr<Instance>> instances_
      DCP_GUARDED_BY(mutex_);  ///< all, also those that leave
  std::vector<Leaving> leaving_ DCP_GUARDED_BY(mutex_);
  bool woken_ DCP_GUARDED_BY(mutex_) = false;
  bool ended_ DCP_GUARDED_BY(mutex_) =
      false;  ///< a call of an instance that leaves, or there are more of them
  bool stopping_ DCP_GUARDED_BY(mutex_) = false;
  bool drained_ DCP_GUARDED_BY(mutex_) = false;  ///< the drainer has ended
  std::thread supervisor_;
  std::thread drainer_;
};

}  // namespace dcp::host
