// SPDX-License-Identifier: Apache-2.0
//
// For tests: a clock whose wall time can be set, forwards and backwards, as a machine's is.
#pragma once

#include "base/clock.h"

namespace dcp {

/// [any]
class JumpingClock : public ManualClock {
 public:
  WallMillis Wall() const override { return ManualClock::Wall() + jumped_.load(); }
  /// The steady clock does not notice.
  void JumpWall(int64_t milliseconds) { jumped_ += milliseconds; }

 private:
  std::atomic<int64_t> jumped_ = 0;
};

}  // namespace dcp
