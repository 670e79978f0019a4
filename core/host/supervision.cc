// SPDX-License-Identifier: Apache-2.0
//
// Two threads: one starts workers, the other sees those off that left.
#include "host/supervision.h"

#include <algorithm>
#include <chrono>

#include "log/log.h"

namespace dcp::host {
namespace {

/// Until `due`, and never in the past.
std::chrono::milliseconds Left(SteadyMillis due) {
  return std::chrono::milliseconds(std::max<int64_t>(0, due - SystemClock().Steady()) + 1);
}

}  // namespace

Supervision::Supervision() : supervisor_([this] { Supervise(); }), drainer_([this] { Drain(); }) {}

Supervision::~Supervision() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  drainer_.join();
  {
    const MutexLock lock(mutex_);
    drained_ = true;
    wake_.notify_all();
  }
  // Workers die with the thread that spawned them, so it is the last to go, and stops them.
  supervisor_.join();
}

void Supervision::Add(const std::vector<std::shared_ptr<Instance>>& instances) {
  const MutexLock lock(mutex_);
  instances_.insert(instances_.end(), instances.begin(), instances.end());
  woken_ = true;
  wake_.notify_all();
}

void Supervision::Leave(const std::vector<std::shared_ptr<Instance>>& instances, int64_t drain_ms) {
  const MutexLock lock(mutex_);
  const SteadyMillis due = SystemClock().Steady() + drain_ms;
  for (const auto& instance : instances) leaving_.push_back({instance, due});
  ended_ = true;
  wake_.notify_all();
}

bool Supervision::WaitFewer(size_t count, int64_t timeout_ms) {
  MutexLock lock(mutex_);
  return gone_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                        [&]() DCP_REQUIRES(mutex_) { return leaving_.size() < count; });
}

void Supervision::Wake() {
  const MutexLock lock(mutex_);
  woken_ = true;
  ended_ = true;
  wake_.notify_all();
}

void Supervision::Supervise() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    woken_ = false;
    const std::vector<std::shared_ptr<Instance>> instances = instances_;
    lock.unlock();
    SteadyMillis due = kNever;
    const SteadyMillis now = SystemClock().Steady();
    for (const auto& instance : instances) due = std::min(due, instance->Supervise(now));
    lock.lock();
    const auto ready = [this]() DCP_REQUIRES(mutex_) { return stopping_ || woken_; };
    if (due == kNever) {
      wake_.wait(lock, ready);
    } else {
      wake_.wait_for(lock, Left(due), ready);
    }
  }
  // An instance is stopped by one thread alone: who comes second would not wait for its end.
  wake_.wait(lock, [this]() DCP_REQUIRES(mutex_) { return drained_; });
  lock.unlock();
  StopAll();
}

void Supervision::Drain() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    ended_ = false;
    std::vector<std::shared_ptr<Instance>> gone;
    const SteadyMillis now = SystemClock().Steady();
    SteadyMillis due = kNever;
    for (const Leaving& each : leaving_) {
      if (each.instance->Close(now >= each.due)) {
        gone.push_back(each.instance);
      } else {
        due = std::min(due, each.due);
      }
    }
    lock.unlock();
    for (const auto& instance : gone) {
      instance->Stop();
      log::Write(log::Id::kPluginStopped, {{"instance", instance->id()}});
    }
    lock.lock();
    for (const auto& instance : gone) {
      std::erase(instances_, instance);
      std::erase_if(leaving_, [&](const Leaving& each) { return each.instance == instance; });
    }
    gone_.notify_all();
    if (!gone.empty()) continue;  // time has passed
    const auto ready = [this]() DCP_REQUIRES(mutex_) { return stopping_ || ended_; };
    if (due == kNever) {
      wake_.wait(lock, ready);
    } else {
      wake_.wait_for(lock, Left(due), ready);
    }
  }
}

/// In parallel: each may take its grace time.
void Supervision::StopAll() {
  std::vector<std::shared_ptr<Instance>> instances;
  {
    const MutexLock lock(mutex_);
    instances = instances_;
  }
  std::vector<std::thread> threads;
  for (const auto& instance : instances) {
    threads.emplace_back([&instance = *instance] { instance.Stop(); });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace dcp::host
