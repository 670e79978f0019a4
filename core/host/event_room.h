// SPDX-License-Identifier: Apache-2.0
//
// How many bytes of DATA events one call may have on their way: emit() waits here, on the plugin's
// side, for what the caller has taken. The same in a worker and in this process.
#pragma once

#include <dcp/plugin.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/mutex.h"
#include "host/frame.h"

namespace dcp::host {

class EventRoom {
 public:
  /// Takes room for one event; an event larger than all of it goes when anything is left, so that
  /// it goes at all. Waits while there is none, until the deadline (0: none) or the call's end.
  /// [any] blocks
  dcp_code Take(size_t bytes, int64_t deadline_ns) {
    MutexLock lock(mutex_);
    const auto free = [this]() DCP_REQUIRES(mutex_) { return left_ > 0 || end_ != DCP_OK; };
    if (!free()) {
      if (deadline_ns == 0) {
        changed_.wait(lock, free);
      } else {
        const std::chrono::steady_clock::time_point due{std::chrono::nanoseconds(deadline_ns)};
        if (!changed_.wait_until(lock, due, free)) return DCP_DEADLINE_EXCEEDED;
      }
    }
    if (end_ != DCP_OK) return end_;
    left_ -= static_cast<int64_t>(EventCost(bytes));
    return DCP_OK;
  }
  /// The caller has taken that much. [any]
  void Give(uint64_t cost) {
    const MutexLock lock(mutex_);
    left_ += static_cast<int64_t>(cost);
    changed_.notify_all();
  }
  /// Nobody takes any more: whoever waits is answered `why`; the first reason counts. [any]
  void End(dcp_code why) {
    const MutexLock lock(mutex_);
    if (end_ == DCP_OK) end_ = why;
    changed_.notify_all();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int64_t left_ DCP_GUARDED_BY(mutex_) = static_cast<int64_t>(kEventWindowBytes);
  dcp_code end_ DCP_GUARDED_BY(mutex_) = DCP_OK;
};

}  // namespace dcp::host
