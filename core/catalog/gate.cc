// SPDX-License-Identifier: Apache-2.0
#include "catalog/gate.h"

#include <algorithm>
#include <chrono>

namespace dcp::catalog {
namespace {

/// How soon a caller that waits learns that it need not.
constexpr int64_t kLookMs = 50;
/// A principal's part of those that wait.
constexpr int kWaitingPerPrincipalMax = kWaitingCallsMax / 2;

int CountOf(const std::map<std::string, int>& counts, const std::string& key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

void Lower(std::map<std::string, int>& counts, const std::string& key) {
  const auto found = counts.find(key);
  if (--found->second == 0) counts.erase(found);
}

}  // namespace

int Gate::RunningOf(const std::string& principal) const {
  return CountOf(of_principal_, principal);
}

bool Gate::Fits(const Caller& caller) const {
  return running_ < limits_.calls && RunningOf(caller.principal) < limits_.per_principal &&
         CountOf(of_playground_, caller.playground) < limits_.per_playground;
}

void Gate::Take(const Caller& caller) {
  ++running_;
  ++of_principal_[caller.principal];
  ++of_playground_[caller.playground];
}

void Gate::Leave(const std::string& principal, const std::string& playground) {
  const MutexLock lock(mutex_);
  --running_;
  Lower(of_principal_, principal);
  Lower(of_playground_, playground);
  LetIn();
}

void Gate::LetIn() {
  for (;;) {
    Waiting* next = nullptr;
    for (Waiting* waiting : waiting_) {
      if (waiting->in || !Fits(waiting->caller)) continue;
      if (next == nullptr ||
          RunningOf(waiting->caller.principal) < RunningOf(next->caller.principal)) {
        next = waiting;
      }
    }
    if (next == nullptr) return;
    next->in = true;
    Take(next->caller);
    wake_.notify_all();
  }
}

int Gate::waiting() const {
  const MutexLock lock(mutex_);
  return static_cast<int>(waiting_.size());
}

Status Gate::Full(const Caller& caller) const {
  const auto of_this = std::count_if(waiting_.begin(), waiting_.end(), [&](const Waiting* each) {
    return each->caller.principal == caller.principal;
  });
  if (waiting_.size() < kWaitingCallsMax && of_this < kWaitingPerPrincipalMax) return {};
  return Unavailable(what_ + " has " + std::to_string(running_) + " calls under way, " +
                     std::to_string(RunningOf(caller.principal)) + " of them " +
                     (caller.principal.empty() ? "the daemon's own" : "of " + caller.principal) +
                     ", and " + std::to_string(waiting_.size()) + " wait; try again");
}

Result<Gate::Pass> Gate::Enter(const Caller& caller, const std::function<Status()>& hopeless) {
  MutexLock lock(mutex_);
  // Nobody who waits would fit: LetIn() has looked when the place became free.
  if (Fits(caller)) {
    Take(caller);
    return Pass(*this, caller);
  }
  DCP_TRY(Full(caller));
  Waiting own{caller};
  const auto at = waiting_.insert(waiting_.end(), &own);
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(kCallWaitMs);
  Status failure;
  while (!own.in && failure.ok()) {
    wake_.wait_for(lock, std::chrono::milliseconds(kLookMs), [&own] { return own.in; });
    if (own.in) break;
    lock.unlock();
    failure = hopeless();
    lock.lock();
    if (failure.ok() && std::chrono::steady_clock::now() >= end) {
      failure = Unavailable(what_ + " was too busy for " + std::to_string(kCallWaitMs) +
                            " ms to take another call; try again");
    }
  }
  waiting_.erase(at);
  if (own.in) return Pass(*this, caller);  // perhaps just before it gave up
  return failure;
}

}  // namespace dcp::catalog
