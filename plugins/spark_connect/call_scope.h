// SPDX-License-Identifier: Apache-2.0
//
// One call of ours and the RPCs it makes: they share a deadline and end together when the call is
// cancelled. Standard library only.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

namespace dcp::spark_connect {

class CallScope {
 public:
  using Clock = std::chrono::steady_clock;

  explicit CallScope(int64_t timeout_ms)
      : deadline_(Clock::now() + std::chrono::milliseconds(timeout_ms)) {}
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;

  Clock::time_point deadline() const { return deadline_; }
  int64_t RemainingMs() const {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now());
    return left.count() > 0 ? left.count() : 0;
  }

  /// [any] Ends every RPC that is under way, and those to come.
  void Cancel() {
    std::lock_guard lock(mutex_);
    cancelled_ = true;
    for (const auto& [id, stop] : stops_) stop();
    wake_.notify_all();
  }
  bool cancelled() const {
    std::lock_guard lock(mutex_);
    return cancelled_;
  }

  /// [any] Waits; false when cancelled meanwhile.
  bool Wait(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return !wake_.wait_for(lock, time, [this] { return cancelled_; });
  }

  /// [any] While it lives, Cancel() runs `stop`; at once, if that has happened.
  class Guard {
   public:
    Guard(CallScope& scope, std::function<void()> stop) : scope_(scope) {
      std::lock_guard lock(scope_.mutex_);
      if (scope_.cancelled_) stop();
      id_ = scope_.next_++;
      scope_.stops_.emplace(id_, std::move(stop));
    }
    ~Guard() {
      std::lock_guard lock(scope_.mutex_);
      scope_.stops_.erase(id_);
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    CallScope& scope_;
    int64_t id_ = 0;
  };

 private:
  const Clock::time_point deadline_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool cancelled_ = false;
  int64_t next_ = 0;
  std::map<int64_t, std::function<void()>> stops_;
};

}  // namespace dcp::spark_connect
