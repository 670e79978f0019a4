// SPDX-License-Identifier: Apache-2.0
//
// What is not known ends no node: lost and late answers, silent launchers, backends that are away.
// Each row of what may happen to one job; all of them together: simulation_test.cc.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "graph/status_json.h"
#include "graph/testing.h"

namespace dcp::graph {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr char kRunning[] = R"({"state":"JOB_RUNNING"})";
constexpr char kSucceededJob[] = R"({"state":"JOB_SUCCEEDED","result":{"rows":"3"}})";
constexpr char kProcess[] = R"({"process":{"argv":["/bin/job"],"resultFile":"result.json"}})";
/// More than any number of tries that would once have been the last.
constexpr int kManyFailures = 30;

class UnknownOutcomeTest : public GraphTest {
 protected:
  UnknownOutcomeTest() {
    options_.back_off_ms = 0;
    backend_.On("run_backend.Submit", [this](const Invocation& call) -> Result<std::string> {
      const std::lock_guard lock(mutex_);
      const std::string key = json::parse(call.request_json)["idempotencyKey"];
      if (started_.insert(key).second) alive_.insert(key);
      return R"({"handle":")" + key + "\"}";
    });
    backend_.On("run_backend.Check", [this](const Invocation& call) -> Result<std::string> {
      const json request = json::parse(call.request_json);
      if (request.contains("process")) {
        const json process = request["process"];
        if (process["phase"] == "RUNNING") return std::string(kRunning);
        if (process["cancelRequested"] == true) return std::string(R"({"state":"JOB_CANCELLED"})");
        return std::string(kSucceededJob);
      }
      const std::lock_guard lock(mutex_);
      if (alive_.contains(request["handle"])) return std::string(kRunning);
      return std::string(R"({"state":"JOB_CANCELLED"})");
    });
    backend_.On("run_backend.Cancel", [this](const Invocation& call) -> Result<std::string> {
      const std::lock_guard lock(mutex_);
      alive_.erase(json::parse(call.request_json)["handle"]);
      return std::string("{}");
    });
  }

  static NodeSpec Job(const std::string& id = "job", const std::string& table = "t") {
    NodeSpec spec = Spec(id, "run_backend", "Submit");
    spec.request_json = R"({"job":{"table":"prod.nyc.)" + table + R"(","sql":"select 1"}})";
    return spec;
  }
  /// Of that method, the first `n` calls fail: before they have done anything, or after.
  void Lose(const std::string& call, int n, const Status& failure, bool after) {
    const auto usual = backend_.AnswerOf(call);
    const auto left = std::make_shared<std::atomic<int>>(n);
    backend_.On(call, [=](const Invocation& invocation) -> Result<std::string> {
      if (left->fetch_sub(1) <= 0) return usual(invocation);
      if (after) static_cast<void>(usual(invocation).status());
      return failure;
    });
  }
  size_t Alive() {
    const std::lock_guard lock(mutex_);
    return alive_.size();
  }

  std::mutex mutex_;
  std::set<std::string> started_;
  std::set<std::string> alive_;
};

TEST_F(UnknownOutcomeTest, AnAnswerOfSubmitThatIsLostManyTimesIsAskedForAgain) {
  for (const Status& failure : {Unavailable("the worker died"), DeadlineExceeded("too slow"),
                                Status(Code::kInternal, "a fault of it")}) {
    for (const bool after : {false, true}) {
      started_.clear();
      Lose("run_backend.Submit", kManyFailures, failure, after);
      StartRunner();
      const auto run = runner_->Start(Request("run", {Job()}));
      AwaitWords(run->id, "submitted");
      EXPECT_EQ(started_, std::set<std::string>{run->id + "/job"});
      std::string details;
      int told = 0;
      for (const auto& step : store_->GetTransitions(run->id, 0, kWholeHistory).value()) {
        details += step.detail + "\n";
        told += step.detail.find("asking again") != step.detail.npos ? 1 : 0;
      }
      EXPECT_THAT(details,
                  HasSubstr("its backend has not said whether it took the job, for 0 s: "));
      EXPECT_THAT(details, HasSubstr(failure.message() + "; asking again with the same key"));
      EXPECT_THAT(details, HasSubstr("its backend answers again"));
      EXPECT_LE(told, 5) << "the history grows with each try";
      EXPECT_TRUE(runner_->Cancel(run->id, "").ok());
      EXPECT_EQ(Await(run->id).state, store::kCancelled);
      EXPECT_EQ(Alive(), 0U);
      runner_.reset();
    }
  }
}

TEST_F(UnknownOutcomeTest, AJobWhoseSubmitWasNeverAnsweredIsFoundByItsKeyAndEnded) {
  Lose("run_backend.Submit", kManyFailures, DeadlineExceeded("too slow"), /*after=*/true);
  StartRunner();
  const auto run = runner_->Start(Request("run", {Job()}));
  AwaitWords(run->id, "asking again");
  EXPECT_EQ(Alive(), 1U);
  EXPECT_TRUE(runner_->Cancel(run->id, "enough").ok());
  EXPECT_EQ(Await(run->id).state, store::kCancelled);
  EXPECT_EQ(Alive(), 0U);
  EXPECT_EQ(started_.size(), 1U);
  EXPECT_GE(backend_.Calls("Cancel").size(), 1U);
  EXPECT_EQ(FaultOfHistory(store_->GetTransitions(run->id, 0, kWholeHistory).value()), "");
}

TEST_F(UnknownOutcomeTest, WhatABackendRefusesEndsAtOnce) {
  backend_.On("run_backend.Submit", [](const Invocation&) -> Result<std::string> {
    return InvalidArgument("no such queue");
  });
  StartRunner();
  const store::Run run = RunToEnd(Request("run", {Job()}));
  EXPECT_EQ(run.state, store::kFailed);
  EXPECT_EQ(StatusFromJson(run.error_json).message(), "no such queue");
  EXPECT_EQ(backend_.Calls("Submit").size(), 1U);
}

TEST_F(UnknownOutcomeTest, ARouteThatIsGoneSaysNothingOfACallThatWasMade) {
  // The worker dies in the call, then the instance is out of service.
  std::atomic<int> calls = 0;
  const auto usual = backend_.AnswerOf("run_backend.Submit");
  backend_.On("run_backend.Submit", [&](const Invocation& call) -> Result<std::string> {
    const int number = ++calls;
    if (number > 8) return usual(call);
    if (number == 1) return Unavailable("the worker died");
    *call.reach = Reach::kNotSent;
    return FailedPrecondition("out of service");
  });
  backend_.keeps_reach = true;
  StartRunner();
  const auto run = runner_->Start(Request("run", {Job()}));
  AwaitWords(run->id, "submitted");
  EXPECT_TRUE(runner_->Cancel(run->id, "").ok());
  Await(run->id);
  // Where no call was made before, nothing can live.
  calls = 1;
  const store::Run refused = RunToEnd(Request("run", {Job("job", "u")}));
  EXPECT_EQ(refused.state, store::kFailed);
  EXPECT_EQ(StatusFromJson(refused.error_json).message(), "out of service");
}

TEST_F(UnknownOutcomeTest, ABackendThatStartsNothingItselfIsNotWaitedFor) {
  backend_.starts_jobs = false;
  Lose("run_backend.Submit", kManyFailures, Unavailable("the worker died"), false);
  StartRunner();
  EXPECT_EQ(RunToEnd(Request("run", {Job()})).state, store::kFailed);
  EXPECT_EQ(backend_.Calls("Submit").size(), size_t{kCallAttemptsMax});
}

TEST_F(UnknownOutcomeTest, AJobWhoseBackendIsAwayForLongGoesOn) {
  for (const Status& failure : {Unavailable("the worker died"), InvalidArgument("what handle?"),
                                NotFound("no such job"), Status(Code::kInternal, "a fault")}) {
    Lose("run_backend.Check", kManyFailures, failure, false);
    StartRunner();
    const auto run = runner_->Start(Request("run", {Job()}));
    AwaitWords(run->id, "its backend has not said what its job does, for");
    AwaitWords(run->id, "its backend answers again");
    EXPECT_EQ(Alive(), 1U);
    EXPECT_EQ(NodeOf(run->id, "job").state, store::kRunning);
    EXPECT_TRUE(runner_->Cancel(run->id, "").ok());
    EXPECT_EQ(Await(run->id).state, store::kCancelled);
    runner_.reset();
  }
}

TEST_F(UnknownOutcomeTest, ACancelThatIsLostOrTakenTwiceEndsTheJobOnce) {
  for (const bool after : {false, true}) {
    Lose("run_backend.Cancel", kManyFailures, Unavailable("the worker died"), after);
    StartRunner();
    const auto run = runner_->Start(Request("run", {Job()}));
    AwaitWords(run->id, "submitted");
    EXPECT_TRUE(runner_->Cancel(run->id, "").ok());
    EXPECT_EQ(Await(run->id).state, store::kCancelled);
    EXPECT_EQ(Alive(), 0U);
    runner_.reset();
  }
}

TEST_F(UnknownOutcomeTest, ARunWhoseEndCannotBeConfirmedKeepsItsTablesUntilAnOperatorAbandonsIt) {
  Lose("run_backend.Submit", 1'000'000, Unavailable("the network is down"), /*after=*/true);
  options_.back_off_ms = 1;
  StartRunner();
  const auto run = runner_->Start(Request("run", {Job()}));
  const std::string job = run->id + "/job";
  AwaitWords(run->id, "asking again");
  EXPECT_TRUE(runner_->Cancel(run->id, "enough").ok());
  const std::string words = AwaitWords(run->id, "cancelling: not confirmed");
  EXPECT_THAT(words, HasSubstr("UNAVAILABLE: the network is down"));
  EXPECT_THAT(words, HasSubstr("pretzel run abandon " + run->id));
  EXPECT_EQ(store_->GetRun(run->id)->state, store::kRunning);
  EXPECT_TRUE(backend_.MayWrite(run->id, job));
  const auto second = runner_->Start(Request("run", {Job()}));
  EXPECT_EQ(second.status().code(), Code::kAborted);
  EXPECT_THAT(second.status().message(), HasSubstr(run->id));
  // So does a deletion, which waits.
  backend_.On("catalog.Purge", "{}");
  const auto deletion = runner_->Start(Request("delete", {Spec("purge", "catalog", "Purge")}));
  ASSERT_TRUE(deletion.ok());
  EXPECT_EQ(store_->GetRun(deletion->id)->state, store::kPending);

  EXPECT_TRUE(runner_->Abandon(run->id, "bo").value());
  const store::Run ended = store_->GetRun(run->id).value();
  EXPECT_EQ(ended.state, store::kCancelled);
  EXPECT_EQ(StatusFromJson(ended.error_json).message(),
            "the run was abandoned by bo: what its jobs do is not known");
  EXPECT_THAT(NodeOf(run->id, "job").detail, HasSubstr("abandoned by bo"));
  EXPECT_FALSE(backend_.MayWrite(run->id, job));
  EXPECT_EQ(Await(deletion->id).state, store::kSucceeded);
  EXPECT_EQ(FaultOfHistory(store_->GetTransitions(run->id, 0, kWholeHistory).value()), "");
  // Said again it is true still; of a deletion it is refused.
  EXPECT_TRUE(runner_->Abandon(run->id, "bo").value());
  EXPECT_EQ(runner_->Abandon("r0000000000000000", "bo").status().code(), Code::kNotFound);
}

TEST_F(UnknownOutcomeTest, ARunThatWasNotCancelledIsCancelledFirst) {
  StartRunner();
  const auto run = runner_->Start(Request("run", {Job()}));
  AwaitWords(run->id, "submitted");
  EXPECT_FALSE(runner_->Abandon(run->id, "bo").value());
  const store::Run ended = Await(run->id);
  EXPECT_EQ(ended.state, store::kCancelled);
  EXPECT_THAT(ended.error_json, HasSubstr("asked for by bo, an operator"));
  EXPECT_EQ(Alive(), 0U);
}

TEST_F(UnknownOutcomeTest, ASilentLauncherIsWaitedForAndNothingIsLaunchedTwice) {
  backend_.On("run_backend.Submit", std::string(kProcess));
  processes_.silent_reads = kManyFailures;
  StartRunner();
  const store::Run run = RunToEnd(Request("run", {Job()}));
  EXPECT_EQ(run.state, store::kSucceeded) << run.error_json;
  EXPECT_EQ(processes_.Launches(), 1);
  EXPECT_EQ(FaultOfHistory(store_->GetTransitions(run.id, 0, kWholeHistory).value()), "");
}

TEST_F(UnknownOutcomeTest, ARunThatIsCancelledWhileItsLauncherIsSilentWaitsForItsEnd) {
  backend_.On("run_backend.Submit", std::string(kProcess));
  processes_.silent_reads = 1'000'000;
  processes_.reads_until_exit = -1;
  options_.back_off_ms = 1;
  StartRunner();
  const auto run = runner_->Start(Request("run", {Job()}));
  AwaitWords(run->id, "asking again");
  EXPECT_TRUE(runner_->Cancel(run->id, "").ok());
  AwaitWords(run->id, "cancelling: not confirmed");
  EXPECT_EQ(NodeOf(run->id, "job").state, store::kRunning);
  {
    const std::lock_guard lock(processes_.mutex);
    for (auto& [folder, process] : processes_.processes) {
      process.reads_until_recorded = std::min(process.reads_until_recorded, 1);
    }
  }
  EXPECT_EQ(Await(run->id).state, store::kCancelled);
  const std::lock_guard lock(processes_.mutex);
  for (const auto& [folder, process] : processes_.processes) EXPECT_FALSE(process.Lives());
}

TEST_F(UnknownOutcomeTest, AProcessThatDoesNotEndWhenToldKeepsItsNodeRunning) {
  backend_.On("run_backend.Submit", std::string(kProcess));
  processes_.reads_until_exit = -1;
  processes_.deaf = true;
  options_.stop_again_ms = 1;
  StartRunner();
  const auto run = runner_->Start(Request("run", {Job()}));
  AwaitWords(run->id, "launched");
  EXPECT_TRUE(runner_->Cancel(run->id, "").ok());
  AwaitWords(run->id, "stopping: cancelled");
  clock_.Advance(kStopGraceMs + kStopPatienceMs);
  EXPECT_THAT(AwaitWords(run->id, "cancelling: not confirmed"),
              HasSubstr("it was told to stop and still runs"));
  EXPECT_EQ(NodeOf(run->id, "job").state, store::kRunning);
  {
    const std::lock_guard lock(processes_.mutex);
    processes_.deaf = false;
  }
  EXPECT_EQ(Await(run->id).state, store::kCancelled);
}

TEST_F(UnknownOutcomeTest, AProcessWhoseFolderCannotBeReadIsLookedAtAgain) {
  backend_.On("run_backend.Submit", std::string(kProcess));
  int reads = 0;
  processes_.fault = [&](const char* method, bool) {
    const bool fails = std::string_view(method) == "Read" && ++reads > 3 && reads < kManyFailures;
    return fails ? Status(Code::kInternal, "no descriptor is left") : Status();
  };
  processes_.reads_until_exit = 5;
  StartRunner();
  const store::Run run = RunToEnd(Request("run", {Job()}));
  EXPECT_EQ(run.state, store::kSucceeded) << run.error_json;
  EXPECT_EQ(processes_.Launches(), 1);
}

TEST_F(UnknownOutcomeTest, WhatAnEndedProcessCameToIsAskedForUntilItIsKnown) {
  backend_.On("run_backend.Submit", std::string(kProcess));
  Lose("run_backend.Check", kManyFailures, Unavailable("the worker died"), false);
  StartRunner();
  EXPECT_EQ(RunToEnd(Request("run", {Job()})).state, store::kSucceeded);
}

}  // namespace
}  // namespace dcp::graph
