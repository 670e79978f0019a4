// SPDX-License-Identifier: Apache-2.0
//
// Deletions and expiry, broken off wherever they can be.
#include "daemon/janitor.h"

#include <gmock/gmock.h>

#include <map>

#include "daemon/testing.h"

namespace dcp::daemon {
namespace {

namespace fs = std::filesystem;
using catalog::testing::FakeOverlay;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using JanitorTest = SweepingTest;

TEST_F(JanitorTest, TheTimerSweepsAtItsOwnPace) {
  MakeJanitor(5'000);
  Write(jobs_ + "/r0123456789abcdef/a.run/output", "123");
  janitor_->Round();
  clock_.Advance(4'999);
  janitor_->Round();
  EXPECT_TRUE(fs::exists(jobs_ + "/r0123456789abcdef"));
  clock_.Advance(1);
  janitor_->Round();
  EXPECT_FALSE(fs::exists(jobs_ + "/r0123456789abcdef"));
}

TEST_F(JanitorTest, ExpiryRemovesOnePlaygroundAndNoNeighbour) {
  const std::vector<std::string> names = {"a", "a-1", "a-2", "ab", "a-1-1", "b"};
  std::map<std::string, std::string> runs;
  for (const std::string& name : names) runs[name] = Make(name);
  const auto before = Listing();
  ASSERT_TRUE(store_->SetPlaygroundExpiry("a", 1, clock_.Wall()).ok());
  const auto preview = removal_->Preview(store_->GetPlayground("a").value()).value();
  EXPECT_THAT(preview.footprint.tables, ElementsAre("lab.one"));
  EXPECT_EQ(preview.footprint.files, 1);
  EXPECT_THAT(preview.datasets, ElementsAre("lab.one"));
  EXPECT_THAT(preview.runs, IsEmpty());
  ASSERT_EQ(preview.job_folders.size(), 1U);
  EXPECT_EQ(preview.job_folders[0].path, jobs_ + "/" + runs["a"]);
  EXPECT_EQ(preview.job_folders[0].files, 2);
  EXPECT_EQ(preview.job_folders[0].bytes, 7);
  EXPECT_EQ(Listing(), before);

  janitor_->Round();
  ASSERT_EQ(Deletions("a", 1).size(), 1U);
  EXPECT_EQ(AwaitRun(Deletions("a", 1)[0].id), store::kSucceeded);
  EXPECT_EQ(store_->PlaygroundState("a", 1).value(), store::kDeleted);
  auto expected = Without(before, {"pg_a_1", FolderOf("a", 1) + "/", runs["a"]});
  std::erase(expected, FolderOf("a", 1));
  EXPECT_EQ(Listing(), expected);
  for (const std::string& name : names) {
    if (name == "a") continue;
    EXPECT_EQ(store_->GetPlayground(name)->state, store::kActive) << name;
    EXPECT_THAT(playgrounds_->Datasets(store_->GetPlayground(name).value())->size(), 1U);
  }
}

/// The overlay goes down at the n-th call of a deletion, for every n until it comes through: the
/// deletion fails, and a later round's takes it to the same end.
TEST_F(JanitorTest, ADeletionGoesOnWhereverItWasBrokenOff) {
  Make("a-1");
  Make("ab");
  const auto others = Listing();
  int broken = 0;
  for (int n = 1;; ++n) {
    const std::string run = Make("a");
    const int64_t generation = store_->GetPlayground("a")->generation;
    ASSERT_EQ(generation, n);
    ASSERT_TRUE(playgrounds_->BeginDelete(ana_, "a").ok());  // and killed before the run is stored
    overlay_.FailAt(n, n % 2 == 0 ? FakeOverlay::Fault::kBefore : FakeOverlay::Fault::kAfter, true);
    clock_.Advance(kDeleteRetryMs);
    janitor_->Round();
    ASSERT_EQ(Deletions("a", generation).size(), 1U);
    const std::string state = AwaitRun(Deletions("a", generation)[0].id);
    if (!overlay_.failed()) {
      EXPECT_EQ(state, store::kSucceeded);
      EXPECT_EQ(store_->GetRun(run)->report_json, "");
      break;
    }
    ++broken;
    EXPECT_EQ(state, store::kFailed);
    EXPECT_EQ(store_->PlaygroundState("a", generation).value(), store::kDeleting);
    EXPECT_EQ(store_->GetRun(run)->report_json, kReport);
    overlay_.FailAt(0, FakeOverlay::Fault::kBefore);
    janitor_->Round();  // too early for another try
    EXPECT_EQ(Deletions("a", generation).size(), 1U);
    clock_.Advance(kDeleteRetryMs);
    janitor_->Round();
    ASSERT_EQ(Deletions("a", generation).size(), 2U) << "call " << n;
    EXPECT_EQ(AwaitRun(Deletions("a", generation)[1].id), store::kSucceeded) << "call " << n;
    EXPECT_EQ(store_->PlaygroundState("a", generation).value(), store::kDeleted);
    EXPECT_EQ(store_->GetRun(run)->report_json, "") << "rows go with their playground";
    EXPECT_EQ(Listing(), others) << "call " << n;
  }
  EXPECT_EQ(Listing(), others);
  EXPECT_GE(broken, 8);
}

TEST_F(JanitorTest, ADeletionThatAlwaysFailsIsTriedLessAndLess) {
  Make("a");
  ASSERT_TRUE(playgrounds_->BeginDelete(ana_, "a").ok());
  overlay_.FailAt(1, FakeOverlay::Fault::kBefore, true);
  std::vector<size_t> tries;
  for (int day = 0; day < 2; ++day) {
    for (int64_t passed = 0; passed < 24 * 3'600'000; passed += kDeleteLookMs) {
      clock_.Advance(kDeleteLookMs);
      janitor_->Round();
      const auto runs = Deletions("a", 1);
      if (!store::IsTerminal(runs.back().state)) AwaitRun(runs.back().id);
    }
    tries.push_back(Deletions("a", 1).size());
  }
  EXPECT_LE(tries[0], 9U);
  EXPECT_EQ(tries[1] - tries[0], 4U);
}

/// Each step done twice, as after a kill between the step and the record of its end.
TEST_F(JanitorTest, EveryStepOfADeletionCanBeRepeated) {
  Make("a");
  const std::string neighbour = Make("a-1");
  ASSERT_TRUE(playgrounds_->BeginDelete(ana_, "a").ok());
  const auto never = [] { return false; };
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(removal_->EndJobs("a", 1, never).ok());
  for (int i = 0; i < 2; ++i) EXPECT_EQ(removal_->Purge("a", 1, {}).value(), i == 0 ? 1 : 0);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(removal_->Finish("a", 1).ok());
  EXPECT_TRUE(removal_->EndJobs("a", 1, never).ok());
  EXPECT_EQ(store_->PlaygroundState("a", 1).value(), store::kDeleted);
  EXPECT_EQ(store_->GetRun(neighbour)->report_json, kReport);
  // A later bearer of the name is safe from what is left of the first one's deletion.
  const std::string later = Make("a");
  const auto before = Listing();
  EXPECT_TRUE(removal_->Purge("a", 1, {}).ok());
  EXPECT_TRUE(removal_->Finish("a", 1).ok());
  EXPECT_EQ(Listing(), before);
  EXPECT_EQ(store_->GetRun(later)->report_json, kReport);
  EXPECT_EQ(store_->GetPlayground("a")->state, store::kActive);
}

TEST_F(JanitorTest, NothingIsRemovedWhileAJobRuns) {
  const std::string run = Make("a");
  ASSERT_TRUE(playgrounds_->BeginDelete(ana_, "a").ok());
  auto lock = std::make_unique<os::FileLock>(
      os::FileLock::Acquire(jobs_ + "/" + run + "/a.run/lock").value());
  const auto before = Listing();
  const Status status = removal_->EndJobs("a", 1, [] { return true; });
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr(jobs_ + "/" + run + "/a.run"));
  EXPECT_EQ(Listing(), before);

  janitor_->Round();
  const std::string deletion = Deletions("a", 1).at(0).id;
  int64_t last = 0;
  bool at_work = false;
  while (!at_work) {
    for (const graph::Event& event : runner_->WaitEvents(deletion, last, 10'000).value()) {
      last = event.sequence;
      at_work = at_work || (event.node_id == "jobs" && event.state == store::kRunning);
    }
  }
  EXPECT_EQ(Listing(), before);
  lock.reset();
  EXPECT_EQ(AwaitRun(deletion), store::kSucceeded);
  std::vector<std::string> history;
  for (const auto& step : store_->GetTransitions(deletion, 0, 1000).value()) {
    if (!step.node_id.empty()) history.push_back(step.node_id + " " + step.to);
  }
  EXPECT_THAT(history, ElementsAre("jobs PENDING", "purge PENDING", "finish PENDING",
                                   "jobs RUNNING", "jobs SUCCEEDED", "purge RUNNING",
                                   "purge SUCCEEDED", "finish RUNNING", "finish SUCCEEDED"));
}

/// A run that was let in before its playground was deleted and made anew acts in neither.
TEST_F(JanitorTest, ASlowRunDoesNotActInALaterPlaygroundOfTheName) {
  Make("a");
  SetState("a", 1, store::kDeleted);
  Make("a");
  const Scope old{"a", 1, [] { return false; }};
  const std::string request = R"({"table":"lab.two","columns":[{"name":"x","type":"int"}]})";
  for (const char* method : {"EnsureTable", "DescribeTable"}) {
    const auto answer = capabilities_->Invoke(old, "catalog", method, request);
    EXPECT_EQ(answer.status().code(), Code::kFailedPrecondition) << method;
  }
  SetState("a", 2, store::kDeleting);
  const Scope going{"a", 2, [] { return false; }};
  EXPECT_EQ(capabilities_->Invoke(going, "catalog", "EnsureTable", request).status().code(),
            Code::kFailedPrecondition);
}

}  // namespace
}  // namespace dcp::daemon
