// SPDX-License-Identifier: Apache-2.0
//
// Time is an interface, so that expiry, deadlines and back-off are tested without sleeping.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace dcp {

/// Milliseconds since 1970-01-01T00:00:00Z. Stored and shown.
using WallMillis = int64_t;
/// Milliseconds on CLOCK_MONOTONIC. Deadlines and back-off.
using SteadyMillis = int64_t;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallMillis Wall() const = 0;      // [any]
  virtual SteadyMillis Steady() const = 0;  // [any]
  /// Milliseconds on CLOCK_BOOTTIME: as Steady, and on while the machine is suspended. What the
  /// wall clock's progress is compared with. [any]
  virtual SteadyMillis SinceBoot() const { return Steady(); }
};

/// The machine's clocks. [any]
const Clock& SystemClock();

/// A clock that moves only when told to. [any]
class ManualClock : public Clock {
 public:
  explicit ManualClock(WallMillis start = 1'700'000'000'000) : now_(start) {}
  WallMillis Wall() const override { return now_.load(); }
  SteadyMillis Steady() const override { return now_.load(); }
  void Advance(int64_t milliseconds) { now_ += milliseconds; }

 private:
  std::atomic<int64_t> now_;
};

/// RFC 3339 in UTC with milliseconds, "2026-01-02T03:04:05.678Z".
std::string FormatTime(WallMillis time);

}  // namespace dcp
