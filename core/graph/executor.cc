// SPDX-License-Identifier: Apache-2.0
#include "graph/executor.h"

#include <algorithm>
#include <utility>

namespace dcp::graph {

Executor::Executor(int threads) {
  for (int i = 0; i < std::max(threads, 1); ++i) threads_.emplace_back([this] { Work(); });
}

Executor::~Executor() { Stop(); }

void Executor::Post(Task task) {
  {
    const MutexLock lock(mutex_);
    if (stopped_) return;
    queue_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void Executor::PostAfter(int64_t delay_ms, Task task) {
  {
    const MutexLock lock(mutex_);
    if (stopped_) return;
    const auto when = std::chrono::steady_clock::now() + std::chrono::milliseconds(delay_ms);
    waiting_.emplace(when, std::move(task));
  }
  // A waiting thread may sleep towards a later time than this one.
  wake_.notify_one();
}

void Executor::Stop() {
  std::deque<Task> queue;
  std::multimap<TimePoint, Task> waiting;
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    // Destroyed below without the lock: what a task holds may post when it goes.
    queue.swap(queue_);
    waiting.swap(waiting_);
  }
  wake_.notify_all();
  threads_.clear();
}

void Executor::Work() {
  MutexLock lock(mutex_);
  while (!stopped_) {
    const auto now = std::chrono::steady_clock::now();
    while (!waiting_.empty() && waiting_.begin()->first <= now) {
      queue_.push_back(std::move(waiting_.begin()->second));
      waiting_.erase(waiting_.begin());
      wake_.notify_one();
    }
    if (queue_.empty()) {
      if (waiting_.empty()) {
        wake_.wait(lock);
      } else {
        wake_.wait_until(lock, TimePoint(waiting_.begin()->first));
      }
      continue;
    }
    Task task = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    task();
    task = nullptr;  // what it holds goes without the lock
    lock.lock();
  }
}

}  // namespace dcp::graph
