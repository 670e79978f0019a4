// SPDX-License-Identifier: Apache-2.0
//
// Ctrl-C while waiting: it detaches and never cancels a run. Signals belong to the process, so
// this is one object for it.
#pragma once

#include <cstdint>
#include <functional>
#include <thread>
#include <utility>

#include "base/mutex.h"

namespace dcp::cli {

/// The way to cancel the call that is open right now, if any.
class CancelSlot {
 public:
  void Set(std::function<void()> cancel) {
    const MutexLock lock(mutex_);
    cancel_ = std::move(cancel);
    if (cancelled_) cancel_();
  }
  void Cancel() {
    const MutexLock lock(mutex_);
    cancelled_ = true;
    if (cancel_) cancel_();
  }

 private:
  Mutex mutex_;
  bool cancelled_ DCP_GUARDED_BY(mutex_) = false;
  std::function<void()> cancel_ DCP_GUARDED_BY(mutex_);
};

/// While one lives, SIGINT calls `action` once (from a thread) instead of ending the process. One
/// may live within another: an interrupt is both's, also when it came before the inner one was
/// made.
class Interrupts {
 public:
  explicit Interrupts(std::function<void()> action);
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  bool Happened() const;
  /// Waits for an interrupt; false when `milliseconds` are over without one.
  bool WaitFor(int64_t milliseconds) const;

 private:
  int stop_pipe_[2] = {-1, -1};
  void (*previous_)(int) = nullptr;
  std::jthread thread_;
};

}  // namespace dcp::cli
