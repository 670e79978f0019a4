// SPDX-License-Identifier: Apache-2.0
#include "liveness.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace dcp::spark_connect {

using Clock = std::chrono::steady_clock;

Liveness::Liveness(std::function<bool()> reachable, int64_t look_after_ms)
    : reachable_(std::move(reachable)), look_after_(look_after_ms) {}

Liveness::~Liveness() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

Liveness::Watch::Watch(Liveness& liveness, std::function<void()> stop)
    : liveness_(liveness), stop_(std::move(stop)), due_(Clock::now() + liveness.look_after_) {
  const std::lock_guard lock(liveness_.mutex_);
  // First: a machine that gives no thread must leave no trace of us behind.
  if (!liveness_.thread_.joinable()) {
    liveness_.thread_ = std::thread([owner = &liveness_] { owner->Work(); });
  }
  place_ = liveness_.watches_.insert(liveness_.watches_.end(), this);
  liveness_.wake_.notify_all();
}

Liveness::Watch::~Watch() {
  const std::lock_guard lock(liveness_.mutex_);
  liveness_.watches_.erase(place_);
}

bool Liveness::Watch::lost() const {
  const std::lock_guard lock(liveness_.mutex_);
  return lost_;
}

std::list<Liveness::Watch*> Liveness::Due(Clock::time_point now) const {
  std::list<Watch*> due;
  std::copy_if(watches_.begin(), watches_.end(), std::back_inserter(due),
               [now](const Watch* watch) { return !watch->lost_ && watch->due_ <= now; });
  return due;
}

void Liveness::Work() {
  std::unique_lock lock(mutex_);
  while (!closing_) {
    if (watches_.empty()) {
      wake_.wait(lock);
      continue;
    }
    const auto begin = Clock::now();
    if (Due(begin).empty()) {
      const auto next =
          *std::min_element(watches_.begin(), watches_.end(),
                            [](const Watch* a, const Watch* b) { return a->due_ < b->due_; });
      wake_.wait_for(lock, next->lost_ ? look_after_ : next->due_ - begin);
      continue;
    }
    lock.unlock();
    const bool alive = reachable_();
    lock.lock();
    // Those that waited when the look began; some of them may have ended meanwhile.
    for (Watch* watch : Due(begin)) {
      watch->due_ = Clock::now() + look_after_;
      if (alive) continue;
      watch->lost_ = true;
      watch->stop_();
    }
  }
}

}  // namespace dcp::spark_connect
