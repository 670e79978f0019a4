// SPDX-License-Identifier: Apache-2.0
//
// Remembers that an upstream does not answer, so that calls to it fail at once instead of waiting
// for the same again. It opens after several failures in a row; open, it lets one call through at a
// time, after a pause that grows; one answer, whatever it says, closes it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

namespace dcp::catalog {

/// One lost answer is an accident, and two may be the same accident of two callers.
constexpr int kBreakerFailures = 3;
/// The pause before the first probe. A catalog on this machine is restarted within a second.
constexpr int64_t kBreakerPauseMs = 500;
/// Pauses double up to the time that a failure takes, since asking what refuses at once costs
/// nothing, and at most up to this: how late a catalog that is back may be noticed.
constexpr int64_t kBreakerPauseMsMax = 5'000;
/// A call that its caller gave up after so long without a byte of an answer counts as a failure:
/// else an impatient client would keep the breaker from opening.
constexpr int64_t kBreakerHangMs = 5'000;

/// What is known of an upstream now.
struct UpstreamState {
  std::string name;     ///< "the production catalog"
  bool paused = false;  ///< calls fail at once
  std::string detail;   ///< why, and since when; empty when not paused
};

/// [any]
class Breaker {
 public:
  enum class Outcome { kAnswered, kFailed, kUnknown };

  Breaker(std::string what, const Clock& clock) : what_(std::move(what)), clock_(clock) {}

  /// UNAVAILABLE, with the last failure, while nothing but a probe may call.
  Status Check() const;
  /// Before a call: the same, but takes the probe when one is due, and answers whether it did. Each
  /// that is OK is followed by End().
  Result<bool> Begin();
  /// `failure` is what a kFailed call said, after `spent_ms`.
  void End(bool probe, Outcome outcome, const Status& failure, int64_t spent_ms);
  UpstreamState State() const;

 private:
  bool ProbeIsDue() const DCP_REQUIRES(mutex_);
  Status Refusal() const DCP_REQUIRES(mutex_);
  /// What is to be logged once the mutex is free.
  enum class News { kNothing, kOpened, kClosed };
  News Settle(bool probe, Outcome outcome, const Status& failure, int64_t spent_ms)
      DCP_REQUIRES(mutex_);

  const std::string what_;
  const Clock& clock_;
  mutable Mutex mutex_;
  int failures_ DCP_GUARDED_BY(mutex_) = 0;  ///< in a row
  bool open_ DCP_GUARDED_BY(mutex_) = false;
  bool probing_ DCP_GUARDED_BY(mutex_) = false;
  int64_t pause_ms_ DCP_GUARDED_BY(mutex_) = 0;
  SteadyMillis probe_at_ DCP_GUARDED_BY(mutex_) = 0;
  WallMillis since_ DCP_GUARDED_BY(mutex_) = 0;
  std::string why_ DCP_GUARDED_BY(mutex_);
};

}  // namespace dcp::catalog
