// SPDX-License-Identifier: Apache-2.0
//
// The bounded executor.
#include "api/executor.h"

#include <chrono>

#include "base/clock.h"

namespace dcp::api {

Executor::Executor(int threads, size_t tasks_max) : tasks_max_(tasks_max) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

Executor::~Executor() { Stop(); }

bool Executor::PostAfter(int64_t delay_ms, std::function<void()> task) {
  const MutexLock lock(mutex_);
  if (stopping_ || tasks_.size() >= tasks_max_) return false;
  tasks_.emplace(SystemClock().Steady() + delay_ms, std::move(task));
  wake_.notify_one();
  return true;
}

void Executor::Stop() {
  std::multimap<int64_t, std::function<void()>> dropped;  // destroyed without the lock
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    dropped.swap(tasks_);
  }
  wake_.notify_all();
  threads_.clear();  // joins
}

void Executor::Work() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    if (tasks_.empty()) {
      wake_.wait(lock);
      continue;
    }
    const int64_t wait_ms = tasks_.begin()->first - SystemClock().Steady();
    if (wait_ms > 0) {
      wake_.wait_for(lock, std::chrono::milliseconds(wait_ms));
      continue;
    }
    auto task = std::move(tasks_.extract(tasks_.begin()).mapped());
    lock.unlock();
    task();
    task = nullptr;  // what it holds is let go without the lock
    lock.lock();
  }
}

}  // namespace dcp::api
