// SPDX-License-Identifier: Apache-2.0
#include "catalog/breaker.h"

#include <algorithm>
#include <random>
#include <utility>

#include "log/log.h"

namespace dcp::catalog {
namespace {

/// Of several daemons before one catalog not all ask at the same moment.
int64_t Jittered(int64_t pause_ms) {
  thread_local std::minstd_rand random(std::random_device{}());
  return std::uniform_int_distribution<int64_t>(pause_ms * 3 / 4, pause_ms * 5 / 4)(random);
}

}  // namespace

bool Breaker::ProbeIsDue() const { return !probing_ && clock_.Steady() >= probe_at_; }

Status Breaker::Refusal() const {
  return Unavailable(what_ + " has not answered since " + FormatTime(since_) + " (" + why_ +
                     "); it is asked again in a moment");
}

Status Breaker::Check() const {
  const MutexLock lock(mutex_);
  return !open_ || ProbeIsDue() ? Status() : Refusal();
}

Result<bool> Breaker::Begin() {
  const MutexLock lock(mutex_);
  if (!open_) return false;
  if (!ProbeIsDue()) return Refusal();
  return probing_ = true;
}

Breaker::News Breaker::Settle(bool probe, Outcome outcome, const Status& failure,
                              int64_t spent_ms) {
  if (probe) probing_ = false;
  if (outcome == Outcome::kUnknown) return News::kNothing;  // of a probe: the next call is one
  if (outcome == Outcome::kAnswered) {
    failures_ = 0;
    return std::exchange(open_, false) ? News::kClosed : News::kNothing;
  }
  ++failures_;
  why_ = failure.message();
  if (open_ ? !probe : failures_ < kBreakerFailures) return News::kNothing;
  const int64_t longest = std::clamp(spent_ms, kBreakerPauseMs, kBreakerPauseMsMax);
  pause_ms_ = open_ ? std::min(pause_ms_ * 2, longest) : kBreakerPauseMs;
  probe_at_ = clock_.Steady() + Jittered(pause_ms_);
  if (std::exchange(open_, true)) return News::kNothing;
  since_ = clock_.Wall();
  return News::kOpened;
}

void Breaker::End(bool probe, Outcome outcome, const Status& failure, int64_t spent_ms) {
  News news;
  {
    const MutexLock lock(mutex_);
    news = Settle(probe, outcome, failure, spent_ms);
  }
  if (news == News::kOpened) {
    log::Write(log::Id::kUpstreamPaused, {{"upstream", what_}, {"error", failure.message()}});
  } else if (news == News::kClosed) {
    log::Write(log::Id::kUpstreamResumed, {{"upstream", what_}});
  }
}

UpstreamState Breaker::State() const {
  const MutexLock lock(mutex_);
  if (!open_) return {what_, false, ""};
  return {what_, true, "no answer since " + FormatTime(since_) + ": " + why_};
}

}  // namespace dcp::catalog
