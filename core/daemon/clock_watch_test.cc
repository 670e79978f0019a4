// SPDX-License-Identifier: Apache-2.0
#include "daemon/clock_watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "base/jumping_clock.h"
#include "store/testing.h"

namespace dcp::daemon {
namespace {

constexpr int64_t kMinute = 60'000;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;

class ClockWatchTest : public ::testing::Test {
 protected:
  ClockWatchTest() {
    std::string pattern = ::testing::TempDir() + "dcp_clock_XXXXXX";
    folder_ = mkdtemp(pattern.data());
    store_ = store::OpenCounting(folder_ + "/state.db").value();
    Start("boot-1");
  }
  ~ClockWatchTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  /// A daemon's start, and its first look.
  void Start(const std::string& boot) {
    watch_ = std::make_unique<ClockWatch>(*store_, clock_, kDay, boot);
    EXPECT_TRUE(watch_->Holds()) << "nothing is known yet";
    Look();
  }
  void Look() { ASSERT_TRUE(watch_->Look().ok()); }
  /// Both clocks go on, and are looked at now and then.
  void Pass(int64_t ms) {
    for (; ms > 0; ms -= 30 * kMinute) {
      clock_.Advance(std::min(ms, 30 * kMinute));
      Look();
    }
  }

  std::string folder_;
  JumpingClock clock_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<ClockWatch> watch_;
};

TEST_F(ClockWatchTest, AClockThatGoesRightIsBelieved) {
  Pass(3 * kHour);
  EXPECT_EQ(watch_->Served(), 3 * kHour);
  EXPECT_EQ(watch_->Believed(), clock_.Wall());
  EXPECT_FALSE(watch_->Holds());
  EXPECT_EQ(watch_->Jumped(), 0);
  EXPECT_TRUE(watch_->TakeWentBack()) << "the first look";
  EXPECT_FALSE(watch_->TakeWentBack());
}

TEST_F(ClockWatchTest, SlewingIsNoJumpHoweverLong) {
  for (int i = 0; i < 400; ++i) {
    clock_.JumpWall(i % 3 == 0 ? 2'000 : 1'000);
    Pass(kMinute);
    EXPECT_FALSE(watch_->Holds());
  }
}

TEST_F(ClockWatchTest, AJumpForwardHoldsUntilTheClockIsBack) {
  Pass(kHour);
  clock_.JumpWall(kJumpMs - 1);
  Look();
  EXPECT_FALSE(watch_->Holds());
  clock_.JumpWall(365 * kDay);
  Pass(2 * kHour);
  EXPECT_EQ(watch_->Jumped(), 365 * kDay);
  EXPECT_TRUE(watch_->Holds());
  EXPECT_LE(watch_->Believed(), clock_.Wall() - 365 * kDay + kFollow * 3 * kHour);
  clock_.JumpWall(-365 * kDay);
  Look();
  EXPECT_FALSE(watch_->Holds());
  EXPECT_TRUE(watch_->TakeWentBack());
  EXPECT_FALSE(watch_->TakeSettledBack());
  EXPECT_EQ(watch_->Believed(), clock_.Wall());
}

TEST_F(ClockWatchTest, AJumpIsTakenAsRightAfterAPeriodOfService) {
  clock_.JumpWall(30 * kDay);
  Look();
  Pass(kDay - kMinute);
  EXPECT_TRUE(watch_->Holds());
  Start("boot-1");  // counts on
  EXPECT_TRUE(watch_->Holds());
  EXPECT_EQ(watch_->Jumped(), 30 * kDay);
  Pass(kMinute);
  EXPECT_FALSE(watch_->Holds());
  EXPECT_FALSE(watch_->TakeSettledBack());
}

TEST_F(ClockWatchTest, ASecondJumpHoldsForItsOwnTime) {
  clock_.JumpWall(kDay);
  Pass(23 * kHour);
  clock_.JumpWall(kDay);
  Pass(2 * kHour);
  EXPECT_TRUE(watch_->Holds());
  Pass(22 * kHour + 30 * kMinute);
  EXPECT_FALSE(watch_->Holds());
}

TEST_F(ClockWatchTest, ATombstonePeriodOfNothingStillHoldsAJump) {
  watch_ = std::make_unique<ClockWatch>(*store_, clock_, 0, "boot-1");
  Look();
  clock_.JumpWall(kDay);
  Pass(kJumpHoldMsMin - kMinute);
  EXPECT_TRUE(watch_->Holds());
  Pass(kHour);
  EXPECT_FALSE(watch_->Holds());
}

TEST_F(ClockWatchTest, AJumpWhileTheDaemonWasDownIsNoticedWithinOneBoot) {
  Pass(kHour);
  const int64_t served = watch_->Served();
  clock_.Advance(3 * kDay);  // a stop
  Start("boot-1");
  EXPECT_FALSE(watch_->Holds()) << "a stop is no jump";
  EXPECT_EQ(watch_->Served(), served) << "nor service";
  clock_.JumpWall(3 * kDay);
  Start("boot-1");
  EXPECT_TRUE(watch_->Holds());
}

TEST_F(ClockWatchTest, OverARebootALaterTimeMayBeRightAndAnEarlierOneIsNot) {
  Pass(kHour);
  const WallMillis before = clock_.Wall();
  clock_.JumpWall(300 * kDay);
  Start("boot-2");
  EXPECT_FALSE(watch_->Holds()) << "the machine may have been off";
  EXPECT_EQ(watch_->Believed(), before) << "but ages are not counted by it at once";
  Pass(kHour);
  EXPECT_LE(watch_->Believed(), before + kFollow * kHour);
  clock_.JumpWall(-10 * kDay);
  Start("boot-3");
  EXPECT_TRUE(watch_->Holds());
  EXPECT_LT(watch_->Jumped(), -9 * kDay);
}

TEST_F(ClockWatchTest, ARebootThatPutsAJumpRightEndsIt) {
  clock_.JumpWall(300 * kDay);
  Look();
  clock_.Advance(kHour);
  Start("boot-2");
  EXPECT_TRUE(watch_->Holds()) << "still ahead";
  clock_.JumpWall(-300 * kDay);
  Start("boot-3");
  EXPECT_FALSE(watch_->Holds());
}

TEST_F(ClockWatchTest, AStopEachNightIsCaughtUp) {
  for (int day = 0; day < 5; ++day) {
    Pass(8 * kHour);
    clock_.Advance(16 * kHour);
    Start("boot-of-day-" + std::to_string(day));
    EXPECT_FALSE(watch_->Holds());
    Pass(kHour);
    EXPECT_EQ(watch_->Believed(), clock_.Wall());
  }
  EXPECT_EQ(watch_->Served(), 45 * kHour);
}

TEST_F(ClockWatchTest, AClockThatStaysBackIsTakenAsRight) {
  clock_.JumpWall(-400 * kDay);
  Look();
  EXPECT_TRUE(watch_->TakeWentBack());
  EXPECT_TRUE(watch_->Holds());
  EXPECT_EQ(watch_->Believed(), clock_.Wall());
  Pass(kDay + 30 * kMinute);
  EXPECT_FALSE(watch_->Holds());
  EXPECT_TRUE(watch_->TakeSettledBack());
  EXPECT_FALSE(watch_->TakeSettledBack());
}

TEST_F(ClockWatchTest, AKillLosesAMinuteOfServiceAtMost) {
  Pass(kHour);
  clock_.Advance(kClockSaveMs / 2);
  Look();
  Start("boot-1");
  EXPECT_GE(watch_->Served(), kHour);
}

TEST_F(ClockWatchTest, WhatIsKeptAndNotReadableCountsAsNothing) {
  for (const char* text : {"", "[]", "{", R"({"wall":"x","served":-4,"boot":7})", "null"}) {
    ASSERT_TRUE(store_->PutFact("clock", text).ok());
    Start("boot-1");
    EXPECT_EQ(watch_->Served(), 0) << text;
    EXPECT_FALSE(watch_->Holds()) << text;
  }
}

TEST_F(ClockWatchTest, SaysWhenAnExpiredPlaygroundIsPurged) {
  Pass(kHour);
  store::Playground playground;
  EXPECT_EQ(watch_->PurgeAt(playground), clock_.Wall() + kDay);
  playground.ended_served = 0;
  EXPECT_EQ(watch_->PurgeAt(playground), clock_.Wall() + kDay - kHour);
  clock_.JumpWall(10 * kDay);
  Look();
  EXPECT_EQ(watch_->PurgeAt(playground), clock_.Wall() + kDay) << "it is held";
}

}  // namespace
}  // namespace dcp::daemon
