// SPDX-License-Identifier: Apache-2.0
//
// What becomes of playgrounds and runs when the clock jumps.
#include <gmock/gmock.h>

#include "daemon/janitor.h"
#include "daemon/testing.h"

namespace dcp::daemon {
namespace {

using ::testing::IsEmpty;

constexpr int64_t kMinute = 60'000;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kTombstone = kDay;

class JanitorClockTest : public SweepingTest {
 protected:
  JanitorClockTest() : SweepingTest(kTombstone) {}

  /// The daemon's rounds, fewer than in life: each writes to the disk.
  void Pass(int64_t ms, int64_t step = kHour / 2) {
    for (; ms > 0; ms -= step) {
      clock_.Advance(std::min(ms, step));
      janitor_->Round();
    }
  }
  std::string StateOf(const std::string& name) { return store_->PlaygroundState(name, 1).value(); }
  Status Used(const std::string& name) { return playgrounds_->Usable(ana_, name).status(); }
};

TEST_F(JanitorClockTest, AnExpiredPlaygroundIsKeptWholeForItsTombstonePeriod) {
  Make("a");
  Make("b");
  ASSERT_TRUE(playgrounds_->Extend(ana_, "a", kHour).ok());
  const auto before = Listing();
  Pass(kHour);
  EXPECT_EQ(Used("a").code(), Code::kFailedPrecondition);
  EXPECT_TRUE(Used("b").ok());
  Pass(kTombstone - kMinute);
  EXPECT_EQ(Listing(), before);
  EXPECT_EQ(StateOf("a"), store::kActive);
  Pass(20 * kMinute);
  ASSERT_EQ(Deletions("a", 1).size(), 1U);
  EXPECT_EQ(AwaitRun(Deletions("a", 1)[0].id), store::kSucceeded);
  EXPECT_EQ(StateOf("a"), store::kDeleted);
  EXPECT_EQ(StateOf("b"), store::kActive);
}

TEST_F(JanitorClockTest, RestoreBringsItBackWhole) {
  const std::string run = Make("a");
  ASSERT_TRUE(playgrounds_->Extend(ana_, "a", kHour).ok());
  const auto before = Listing();
  EXPECT_EQ(playgrounds_->Restore(ana_, "a", 0).status().id(), "PZ0310") << "it lives";
  Pass(kHour + kTombstone - 30 * kMinute);
  EXPECT_EQ(playgrounds_->Restore({"eve", "", ""}, "a", 0).status().code(), Code::kNotFound);
  const auto restored = playgrounds_->Restore(ana_, "a", 2 * kHour).value();
  EXPECT_EQ(restored.expires_at, clock_.Wall() + 2 * kHour);
  EXPECT_TRUE(Used("a").ok());
  EXPECT_EQ(Listing(), before);
  EXPECT_EQ(store_->GetRun(run)->report_json, kReport);
  EXPECT_EQ(playgrounds_->Datasets(restored)->size(), 1U);
  // Its next end has a period of its own.
  Pass(2 * kHour + kTombstone - 20 * kMinute);
  EXPECT_EQ(StateOf("a"), store::kActive);
  Pass(kHour);
  EXPECT_EQ(playgrounds_->Restore(ana_, "a", 0).status().code(),
            StateOf("a") == store::kDeleted ? Code::kNotFound : Code::kFailedPrecondition);
}

TEST_F(JanitorClockTest, ARunOfAnExpiredPlaygroundIsCancelled) {
  const std::string job = jobs_ + "/" + Make("a") + "/a.run";
  const auto lock = os::FileLock::Acquire(job + "/lock").value();  // a process that does not end
  graph::NodeSpec waits;
  waits.id = "jobs";
  waits.capability = "playground";
  waits.method = "EndJobs";
  graph::StartRequest request;
  request.playground = "a";
  request.generation = 1;
  request.principal = "ana";
  request.command = "run";
  request.nodes = {waits};
  const std::string going = runner_->Start(request).value().id;
  janitor_->Round();
  EXPECT_FALSE(store_->GetRunSummary(going)->cancel_requested);
  ASSERT_TRUE(store_->SetPlaygroundExpiry("a", 1, clock_.Wall()).ok());
  janitor_->Round();
  EXPECT_EQ(AwaitRun(going), store::kCancelled);
  EXPECT_THAT(Deletions("a", 1), IsEmpty());
}

/// The fault: a clock that is set a year ahead took every playground with it within seconds.
TEST_F(JanitorClockTest, AJumpForwardPurgesNothing) {
  for (const char* name : {"a", "b", "c"}) Make(name);
  const auto before = Listing();
  Pass(kHour);
  clock_.JumpWall(365 * kDay);
  Pass(kHour);
  EXPECT_EQ(Used("a").code(), Code::kFailedPrecondition);
  EXPECT_TRUE(watch_->Holds());
  EXPECT_EQ(Listing(), before);
  clock_.JumpWall(-365 * kDay);
  Pass(kHour);
  EXPECT_TRUE(Used("a").ok()) << "and all is as it was";
  // An end that was noticed by the wrong clock does not shorten the tombstone of the true one.
  Pass(kLifeMs, 4 * kHour);
  EXPECT_EQ(Used("a").code(), Code::kFailedPrecondition);
  Pass(kTombstone - 5 * kHour, 4 * kHour);
  EXPECT_EQ(StateOf("a"), store::kActive);
  EXPECT_EQ(Listing(), before);
}

TEST_F(JanitorClockTest, AJumpIsSurvivedWhereverTheDaemonIsStopped) {
  for (const char* name : {"a", "b"}) Make(name);
  const auto before = Listing();
  Pass(kHour);
  for (const int64_t jump : {400 * kDay, -400 * kDay, 800 * kDay}) {
    clock_.JumpWall(jump);
    MakeJanitor(kLong);
    Pass(10 * kHour);
  }
  EXPECT_EQ(Listing(), before);
  // The owner had no chance yet: the second daemon saw the end only half a day ago.
  ASSERT_TRUE(playgrounds_->Restore(ana_, "a", 0).ok()) << "although its longest life is over";
  EXPECT_TRUE(Used("a").ok());
  Pass(kTombstone + kHour);
  EXPECT_EQ(AwaitRun(Deletions("b", 1).at(0).id), store::kSucceeded) << "the clock is right";
  EXPECT_EQ(Deletions("a", 1).size(), 0U);
}

TEST_F(JanitorClockTest, AClockThatStaysBackExtendsNoLifeForEver) {
  clock_.JumpWall(400 * kDay);  // wrong from the beginning
  janitor_->Round();
  Make("a");
  clock_.JumpWall(-400 * kDay);
  Pass(kTombstone + kHour);
  const auto playground = store_->GetPlayground("a").value();
  EXPECT_LE(playground.expires_at, clock_.Wall() + playground::Limits().max_ttl_ms);
  EXPECT_LE(playground.created_at, clock_.Wall());
  EXPECT_TRUE(Used("a").ok());
}

TEST_F(JanitorClockTest, TheOwnersDeletionDoesNotWaitForAClock) {
  Make("a");
  janitor_->Round();
  clock_.JumpWall(365 * kDay);
  janitor_->Round();
  ASSERT_TRUE(playgrounds_->BeginDelete(ana_, "a").ok());
  clock_.Advance(kDeleteRetryMs);
  janitor_->Round();
  EXPECT_EQ(AwaitRun(Deletions("a", 1).at(0).id), store::kSucceeded);
}

TEST_F(JanitorClockTest, RunsAreNotOldBecauseAClockSaysSo) {
  const std::string run = Make("a");
  RunRetention month(*store_, [this] { return watch_->Believed(); }, jobs_,
                     {30 * kDay, 30 * kDay, kLong, kLong});
  janitor_->Round();
  clock_.JumpWall(365 * kDay);
  for (int hour = 0; hour < 24; ++hour) {
    Pass(kHour);
    EXPECT_EQ(month.Collect({}).value().runs, 0) << hour;
  }
  EXPECT_TRUE(store_->GetRun(run).ok());
}

}  // namespace
}  // namespace dcp::daemon
