// SPDX-License-Identifier: Apache-2.0
#include "plugin_check/probe/posts.h"

#include <utility>

namespace dcp::plugin_check {
namespace {

/// What plugin.h promises: so many run at once.
constexpr size_t kThreadsMax = 16;
constexpr size_t kTasksMax = 1024;

}  // namespace

bool Posts::Add(void (*run)(void*), void* user) {
  const std::lock_guard lock(mutex_);
  if (!taking_ || tasks_.size() >= kTasksMax) return false;
  tasks_.emplace_back(run, user);
  if (idle_ < tasks_.size() && threads_.size() < kThreadsMax) {
    threads_.emplace_back([this] { Work(); });
  }
  ready_.notify_one();
  return true;
}

void Posts::Begin() {
  const std::lock_guard lock(mutex_);
  taking_ = true;
}

void Posts::Finish() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    taking_ = false;
    threads.swap(threads_);
    ready_.notify_all();
  }
  for (std::thread& thread : threads) thread.join();
}

void Posts::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    ready_.wait(lock, [this] { return !tasks_.empty() || !taking_; });
    --idle_;
    if (tasks_.empty()) return;
    const auto [run, user] = tasks_.front();
    tasks_.pop_front();
    lock.unlock();
    run(user);
    lock.lock();
  }
}

}  // namespace dcp::plugin_check
