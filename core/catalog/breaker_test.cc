// SPDX-License-Identifier: Apache-2.0
//
// When calls are not tried, and how that ends.
#include "catalog/breaker.h"

#include <gtest/gtest.h>

namespace dcp::catalog {
namespace {

class BreakerTest : public testing::Test {
 protected:
  void Fail() {
    const auto probe = breaker_.Begin();
    ASSERT_TRUE(probe.ok());
    breaker_.End(*probe, Breaker::Outcome::kFailed, Unavailable("no answer within 3 s"), 3'000);
  }
  void Open() {
    for (int i = 0; i < kBreakerFailures; ++i) Fail();
  }

  ManualClock clock_;
  Breaker breaker_{"the production catalog", clock_};
};

TEST_F(BreakerTest, OpensAfterFailuresInARowAndSaysWhy) {
  for (int i = 0; i < kBreakerFailures - 1; ++i) Fail();
  breaker_.End(false, Breaker::Outcome::kAnswered, {}, 0);  // not in a row
  for (int i = 0; i < kBreakerFailures - 1; ++i) Fail();
  EXPECT_TRUE(breaker_.Check().ok());
  EXPECT_FALSE(breaker_.State().paused);
  Fail();
  const Status refused = breaker_.Begin().status();
  EXPECT_EQ(refused.code(), Code::kUnavailable);
  EXPECT_NE(refused.message().find("the production catalog has not answered since"),
            std::string::npos);
  EXPECT_NE(refused.message().find("no answer within 3 s"), std::string::npos);
  EXPECT_TRUE(breaker_.State().paused);
}

TEST_F(BreakerTest, OneProbeAtATimeAfterPausesThatGrow) {
  Open();
  int64_t paused = 0;
  for (int round = 0; round < 10; ++round) {
    int64_t pause = 0;
    while (!breaker_.Check().ok()) {
      clock_.Advance(10);
      pause += 10;
      ASSERT_LE(pause, kBreakerPauseMsMax * 5 / 4 + 10);
    }
    EXPECT_GE(pause, kBreakerPauseMs * 3 / 4 - 10);
    paused = pause;
    const auto probe = breaker_.Begin();
    ASSERT_TRUE(probe.ok() && *probe);
    EXPECT_FALSE(breaker_.Begin().ok()) << "one at a time";
    breaker_.End(true, Breaker::Outcome::kFailed, Unavailable("still"), 30'000);
  }
  EXPECT_GE(paused, kBreakerPauseMsMax * 3 / 4 - 10);
  clock_.Advance(kBreakerPauseMsMax * 2);
  ASSERT_TRUE(*breaker_.Begin());
  breaker_.End(true, Breaker::Outcome::kAnswered, {}, 0);
  EXPECT_FALSE(*breaker_.Begin());
  EXPECT_FALSE(breaker_.State().paused);
}

TEST_F(BreakerTest, WhatRefusesAtOnceIsAskedSoonAgain) {
  Open();
  for (int round = 0; round < 10; ++round) {
    clock_.Advance(kBreakerPauseMs * 5 / 4);
    const auto probe = breaker_.Begin();
    ASSERT_TRUE(probe.ok() && *probe) << round;
    breaker_.End(true, Breaker::Outcome::kFailed, Unavailable("refused"), 1);
  }
}

TEST_F(BreakerTest, AProbeThatIsGivenUpIsFollowedByAnother) {
  Open();
  clock_.Advance(kBreakerPauseMs * 2);
  ASSERT_TRUE(*breaker_.Begin());
  breaker_.End(true, Breaker::Outcome::kUnknown, {}, 0);
  EXPECT_TRUE(*breaker_.Begin());
}

TEST_F(BreakerTest, WhatBeganBeforeItOpenedDoesNotPutOffTheProbe) {
  const auto early = breaker_.Begin();
  ASSERT_TRUE(early.ok());
  Open();
  clock_.Advance(kBreakerPauseMs * 2);
  breaker_.End(*early, Breaker::Outcome::kFailed, Unavailable("late"), 3'000);
  EXPECT_TRUE(*breaker_.Begin());
  breaker_.End(false, Breaker::Outcome::kAnswered, {}, 0);  // nor keep it open when it is answered
  EXPECT_FALSE(breaker_.State().paused);
}

}  // namespace
}  // namespace dcp::catalog
