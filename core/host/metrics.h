// SPDX-License-Identifier: Apache-2.0
//
// What is counted of each plugin instance: calls by outcome and duration, what is open and what
// waits, restarts, and what its worker uses. Counting is a few relaxed atomic additions, because
// every call pays for it; whoever reads puts the numbers together.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/status.h"

namespace dcp::host {

/// Upper bounds of the histogram of durations, in seconds: from a call in this process to a node
/// that Spark takes minutes for. Fixed, because a bucket that changes makes old and new samples
/// incomparable.
inline constexpr std::array<double, 21> kDurationBounds = {
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
    0.5,    1,       2.5,    5,     10,     30,    60,   120,   300,  600};
/// The last one is without a bound.
inline constexpr size_t kDurationBuckets = kDurationBounds.size() + 1;
/// Canonical codes, OK among them.
inline constexpr size_t kCodeCount = 17;

/// The bucket of that many nanoseconds: the first whose bound is not below it.
size_t DurationBucket(int64_t nanoseconds);

/// Of one instance's id. A reload that replaces the instance goes on with them: what only ever
/// grows must not go back. [any]
class Counters {
 public:
  void Begin() { begun_.fetch_add(1, std::memory_order_relaxed); }
  void End(Code code, int64_t nanoseconds);
  void Queue() { queued_.fetch_add(1, std::memory_order_relaxed); }
  void Unqueue() { queued_.fetch_sub(1, std::memory_order_relaxed); }
  void Restarted() { restarts_.fetch_add(1, std::memory_order_relaxed); }

  struct Values {
    std::array<uint64_t, kCodeCount> by_code{};  ///< calls that ended, by canonical code
    /// Of these, by duration; not cumulative.
    std::array<uint64_t, kDurationBuckets> by_duration{};
    double duration_seconds = 0;  ///< of all of them together
    uint64_t ended = 0;
    uint64_t errors = 0;  ///< of these, not OK
    uint64_t open = 0;    ///< being served, or waiting
    uint64_t queued = 0;  ///< of these, waiting for a worker to be ready
    uint64_t restarts = 0;
  };
  /// Calls that end meanwhile are in some of the numbers and not yet in others.
  Values Read() const;

 private:
  // A line of its own: what lies beside it must not be slowed down by calls.
  alignas(64) std::atomic<uint64_t> begun_{0};
  std::array<std::atomic<uint64_t>, kCodeCount> by_code_{};
  std::array<std::atomic<uint64_t>, kDurationBuckets> by_duration_{};
  std::atomic<uint64_t> nanoseconds_{0};
  std::atomic<uint64_t> queued_{0};
  std::atomic<uint64_t> restarts_{0};
};

/// One call, from its construction to End().
class CountedCall {
 public:
  explicit CountedCall(Counters& counters)
      : counters_(counters), begun_(std::chrono::steady_clock::now()) {
    counters_.Begin();
  }
  CountedCall(const CountedCall&) = delete;
  CountedCall& operator=(const CountedCall&) = delete;
  /// Once.
  void End(Code code) {
    counters_.End(code,
                  std::chrono::nanoseconds(std::chrono::steady_clock::now() - begun_).count());
  }

 private:
  Counters& counters_;
  const std::chrono::steady_clock::time_point begun_;
};

/// A call that waits for a worker, for as long as it does.
class QueuedCall {
 public:
  explicit QueuedCall(Counters& counters) : counters_(counters) { counters_.Queue(); }
  QueuedCall(const QueuedCall&) = delete;
  QueuedCall& operator=(const QueuedCall&) = delete;
  ~QueuedCall() { counters_.Unqueue(); }

 private:
  Counters& counters_;
};

/// What a process uses now.
struct ProcessUsage {
  uint64_t resident_bytes = 0;
  double cpu_seconds = 0;  ///< since its start, of all its threads
  /// Nothing when the kernel does not tell: of a process that is not dumpable, as workers are, only
  /// root is told.
  std::optional<uint64_t> open_fds;
};

/// From /proc; nothing when there is no such process (any more). [any]
std::optional<ProcessUsage> UsageOf(int64_t pid);

/// All about one instance, at one time.
struct InstanceMetrics {
  std::string id;
  std::string plugin;
  std::string version;
  std::string isolation;
  std::string state;  ///< READY, RESTARTING, FAILED
  int64_t pid = 0;    ///< of its worker; 0 without one
  Counters::Values calls;
  std::optional<ProcessUsage> worker;
};

}  // namespace dcp::host
