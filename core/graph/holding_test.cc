// SPDX-License-Identifier: Apache-2.0
//
// What is held for as long as a job may live, and by whom: slots, threads, write tokens.
#include <gtest/gtest.h>

#include <condition_variable>
#include <nlohmann/json.hpp>

#include "graph/testing.h"
#include "graph/testing_store.h"

namespace dcp::graph {
namespace {

using nlohmann::json;

constexpr char kRunning[] = R"({"state":"JOB_RUNNING"})";
constexpr char kSucceededJob[] = R"({"state":"JOB_SUCCEEDED","result":{"rows":"3"}})";
constexpr char kProcess[] = R"({"process":{"argv":["/bin/job"],"resultFile":"result.json"}})";

class HoldingTest : public GraphTest {
 protected:
  HoldingTest() {
    backend_.On("run_backend.Submit", R"({"handle":"app-17"})");
    backend_.On("run_backend.Check", [this](const Invocation&) -> Result<std::string> {
      return std::string(cancelled_ ? R"({"state":"JOB_CANCELLED"})" : kRunning);
    });
    backend_.On("run_backend.Cancel", [this](const Invocation&) -> Result<std::string> {
      cancelled_ = true;
      return std::string("{}");
    });
  }
  static NodeSpec Job() {
    NodeSpec spec = Spec("job", "run_backend", "Submit");
    spec.request_json = R"({"job":{"table":"prod.nyc.t","sql":"select 1"}})";
    return spec;
  }
  std::atomic<bool> cancelled_ = false;
};

TEST_F(HoldingTest, TestsThatWaitedQueueAgainAfterARestart) {
  options_.test_jobs = 2;
  backend_.On("test_backend.Analyze", std::string(kProcess));
  backend_.On("test_backend.Interpret", R"({"valid":true})");
  processes_.reads_until_exit = -1;
  int alive = 0;
  int most = 0;
  std::set<std::string> living;
  processes_.changed = [&](const std::string& folder, const FakeProcesses::Process& process) {
    if (process.Lives()) living.insert(folder);
    if (!process.Lives()) living.erase(folder);
    alive = static_cast<int>(living.size());
    most = std::max(most, alive);
  };
  StartRunner();
  std::vector<NodeSpec> checks;
  for (const char* id : {"a", "b", "c", "d", "e", "f", "g"}) {
    NodeSpec spec = Spec(id, "test_backend", "Analyze");
    spec.request_json = R"({"sql":"select 1","mode":"EXPLAIN"})";
    checks.push_back(spec);
  }
  const auto run = runner_->Start(Request("test", checks));
  for (int i = 0; i < 1000; ++i) {  // until all of them wait or run
    int prepared = 0;
    for (const auto& step : store_->GetTransitions(run->id, 0, kWholeHistory).value()) {
      prepared += step.detail == "prepared" ? 1 : 0;
    }
    if (prepared == 7 && processes_.Launches() == 2) break;
    static_cast<void>(runner_->WaitEvents(run->id, 0, 1).status());
  }
  EXPECT_EQ(processes_.Launches(), 2);
  runner_.reset();
  {
    const std::lock_guard lock(processes_.mutex);
    processes_.reads_until_exit = 3;
    for (auto& [folder, process] : processes_.processes) {
      if (process.Lives()) process.reads_until_exit = 3;
    }
  }
  StartRunner();
  ASSERT_TRUE(runner_->Recover().ok());
  EXPECT_EQ(Await(run->id).state, store::kSucceeded);
  runner_.reset();
  EXPECT_EQ(most, 2);
  EXPECT_EQ(processes_.Launches(), 7);
}

TEST_F(HoldingTest, CallsThatHangKeepNoJobAndNoDeletionWaiting) {
  options_.threads = 4;
  std::mutex mutex;
  std::condition_variable changed;
  int hanging = 0;
  bool over = false;
  backend_.On("catalog.EnsureTable", [&](const Invocation&) -> Result<std::string> {
    std::unique_lock lock(mutex);
    ++hanging;
    changed.notify_all();
    changed.wait(lock, [&] { return over; });
    return std::string(R"({"status":"CREATED"})");
  });
  backend_.On("catalog.Purge", "{}");
  StartRunner();
  const auto job = runner_->Start(Request("run", {Job()}));
  AwaitWords(job->id, "submitted");
  std::vector<NodeSpec> calls;
  for (int i = 0; i < 4 * options_.threads; ++i) {
    NodeSpec spec = Spec("c" + std::to_string(i), "catalog", "EnsureTable");
    spec.request_json = R"({"table":"nyc.c)" + std::to_string(i) + "\"}";
    calls.push_back(spec);
  }
  StartRequest others = Request("apply", calls);
  others.playground = "ops";
  const auto stuck = runner_->Start(others);
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return hanging == options_.threads; });
  }
  EXPECT_TRUE(runner_->Cancel(job->id, "").ok());
  EXPECT_EQ(Await(job->id).state, store::kCancelled);
  const auto deletion = runner_->Start(Request("delete", {Spec("purge", "catalog", "Purge")}));
  EXPECT_EQ(Await(deletion->id).state, store::kSucceeded);
  EXPECT_EQ(store_->GetRun(stuck->id)->state, store::kRunning);
  {
    const std::lock_guard lock(mutex);
    over = true;
  }
  changed.notify_all();
  EXPECT_EQ(Await(stuck->id).state, store::kSucceeded);
}

TEST_F(HoldingTest, AWriteTokenIsGoodForAsLongAsItsJobMayLive) {
  backend_.On("run_backend.Submit", std::string(kProcess));
  processes_.lost = true;
  std::vector<std::string> keys;
  backend_.On("run_backend.Check", [&](const Invocation& call) -> Result<std::string> {
    if (json::parse(call.request_json)["process"]["phase"] == "RUNNING") {
      EXPECT_TRUE(backend_.MayWrite(call.run_id, JobKey(call.run_id, "job", 1 + int(keys.size()))));
      return std::string(kRunning);
    }
    keys.push_back(JobKey(call.run_id, "job", 1 + static_cast<int>(keys.size())));
    if (keys.size() < 2) return std::string(R"({"state":"JOB_FAILED","retryable":true})");
    EXPECT_FALSE(backend_.MayWrite(call.run_id, keys[0])) << "the first attempt is over";
    EXPECT_TRUE(backend_.MayWrite(call.run_id, keys[1]));
    return std::string(kSucceededJob);
  });
  StartRunner();
  const store::Run run = RunToEnd(Request("run", {Job()}));
  EXPECT_EQ(run.state, store::kSucceeded);
  ASSERT_EQ(keys.size(), 2U);
  runner_.reset();
  EXPECT_FALSE(backend_.MayWrite(run.id, keys[1]));
}

TEST_F(HoldingTest, AWriteThatFailsKeepsNobodyWaiting) {
  /// Reads, and writes nothing once it is told.
  class Full : public ForwardingStore {
   public:
    using ForwardingStore::ForwardingStore;
    std::atomic<bool> full = false;
    Status ChangeRun(const std::string& id, const store::RunChange& change) override {
      return full ? Unavailable("disk full") : real_.ChangeRun(id, change);
    }
  };
  // Who slept under the run's lock would sleep for a minute.
  options_.back_off_ms = options_.rest_ms = 60'000;
  Full full(*store_);
  runner_ = MakeRunner(full);
  const auto run = runner_->Start(Request("run", {Job()}));
  AwaitWords(run->id, "submitted");
  full.full = true;
  const SteadyMillis before = SystemClock().Steady();
  EXPECT_EQ(runner_->Cancel(run->id, "").code(), Code::kUnavailable);
  EXPECT_EQ(runner_->Abandon(run->id, "bo").status().code(), Code::kUnavailable);
  EXPECT_LT(SystemClock().Steady() - before, 30'000);
  runner_.reset();
}

}  // namespace
}  // namespace dcp::graph
