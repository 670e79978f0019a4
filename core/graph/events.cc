// SPDX-License-Identifier: Apache-2.0
#include "graph/events.h"

#include <chrono>
#include <utility>

#include "base/redaction.h"
#include "graph/limits.h"

namespace dcp::graph {

/// Ends a subscription when it goes, which may be later than the runner.
struct EventHub::Handle {
  Handle(std::shared_ptr<EventHub> its_hub, std::shared_ptr<Listener> its_listener)
      : hub(std::move(its_hub)), listener(std::move(its_listener)) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    {
      const MutexLock lock(hub->mutex_);
      std::erase_if(hub->listeners_, [&](const auto& entry) { return entry.second == listener; });
    }
    const MutexLock lock(listener->mutex);
    listener->notify = nullptr;
  }
  std::shared_ptr<EventHub> hub;
  std::shared_ptr<Listener> listener;
};

void EventHub::Notify(const std::string& run_id) {
  std::vector<std::shared_ptr<Listener>> told;
  {
    const MutexLock lock(mutex_);
    ++version_;
    const auto [begin, end] = listeners_.equal_range(run_id);
    for (auto it = begin; it != end; ++it) told.push_back(it->second);
  }
  news_.notify_all();
  for (const auto& listener : told) {
    const MutexLock lock(listener->mutex);
    if (listener->notify) listener->notify();
  }
}

void EventHub::Progress(const std::string& run_id, Event event) {
  event.detail = Redact(std::move(event.detail));
  if (event.detail.size() > kProgressBytesMax) event.detail.resize(kProgressBytesMax);
  {
    const MutexLock lock(mutex_);
    Words& words = words_[run_id][event.node_id];
    words.version = version_ + 1;
    words.event = std::move(event);
  }
  Notify(run_id);
}

void EventHub::ForgetProgress(const std::string& run_id, const std::string& node_id) {
  const MutexLock lock(mutex_);
  if (const auto run = words_.find(run_id); run != words_.end()) run->second.erase(node_id);
}

void EventHub::Forget(const std::string& run_id) {
  const MutexLock lock(mutex_);
  words_.erase(run_id);
}

std::shared_ptr<void> EventHub::Subscribe(const std::string& run_id, std::function<void()> notify) {
  auto listener = std::make_shared<Listener>();
  {
    const MutexLock lock(listener->mutex);
    listener->notify = std::move(notify);
  }
  {
    const MutexLock lock(mutex_);
    if (listeners_.size() >= kSubscriptionsMax) return nullptr;
    listeners_.emplace(run_id, listener);
  }
  return std::make_shared<Handle>(shared_from_this(), std::move(listener));
}

int64_t EventHub::Version() const {
  const MutexLock lock(mutex_);
  return version_;
}

void EventHub::WaitForNews(int64_t version, int64_t wait_ms) {
  MutexLock lock(mutex_);
  news_.wait_for(lock, std::chrono::milliseconds(wait_ms),
                 [&]() DCP_REQUIRES(mutex_) { return version_ > version; });
}

std::vector<Event> EventHub::ProgressAfter(const std::string& run_id, int64_t version) const {
  std::vector<Event> events;
  const MutexLock lock(mutex_);
  const auto run = words_.find(run_id);
  if (run == words_.end()) return events;
  for (const auto& [node_id, words] : run->second) {
    if (words.version > version) events.push_back(words.event);
  }
  return events;
}

}  // namespace dcp::graph
