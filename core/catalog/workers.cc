// SPDX-License-Identifier: Apache-2.0
#include "catalog/workers.h"

#include <chrono>
#include <exception>

namespace dcp::catalog {

bool Workers::Post(const std::string& principal, std::function<void()> task) {
  std::list<std::thread> over;
  {
    const MutexLock lock(mutex_);
    over.swap(over_);
    const auto held = held_.find(principal);
    const bool shared = held == held_.end() || held->second < (threads_max_ + 1) / 2;
    if (!finishing_ && shared && tasks_.size() < waiting_max_) {
      if (static_cast<size_t>(idle_) <= tasks_.size() &&
          threads_.size() < static_cast<size_t>(threads_max_)) {
        StartThread();
      }
      if (!threads_.empty()) {
        tasks_.emplace_back(principal, std::move(task));
        ++held_[principal];
        wake_.notify_one();
        task = nullptr;
      }
    }
  }
  for (std::thread& thread : over) thread.join();
  return task == nullptr;
}

/// Where the system gives no thread, those that are there do the work.
void Workers::StartThread() {
  const auto self = threads_.emplace(threads_.end());
  try {
    *self = std::thread([this, self] { Work(self); });
  } catch (const std::exception&) {
    threads_.erase(self);
  }
}

void Workers::Finish() {
  std::list<std::thread> over;
  {
    MutexLock lock(mutex_);
    finishing_ = true;
    wake_.notify_all();
    wake_.wait(lock, [this]() DCP_REQUIRES(mutex_) { return threads_.empty(); });
    over.swap(over_);
  }
  for (std::thread& thread : over) thread.join();
}

void Workers::Work(std::list<std::thread>::iterator self) {
  MutexLock lock(mutex_);
  for (;;) {
    ++idle_;
    const bool woken =
        wake_.wait_for(lock, std::chrono::milliseconds(kIdleThreadMs),
                       [this]() DCP_REQUIRES(mutex_) { return !tasks_.empty() || finishing_; });
    --idle_;
    if (tasks_.empty() && (finishing_ || !woken)) break;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task.second();
    task.second = nullptr;  // with what it holds
    lock.lock();
    if (const auto held = held_.find(task.first); --held->second == 0) held_.erase(held);
  }
  over_.splice(over_.end(), threads_, self);
  wake_.notify_all();  // for Finish()
}

}  // namespace dcp::catalog
