// SPDX-License-Identifier: Apache-2.0
//
// The daemon dies at every write of a run, one after another; whoever opens the store next carries
// the run to the end that it would have had, and starts nothing twice.
#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "graph/testing.h"
#include "graph/testing_store.h"

namespace dcp::graph {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

/// A store that takes a number of changes and then none: what a killed daemon would have written.
class DyingStore : public ForwardingStore {
 public:
  DyingStore(store::Store& real, int changes) : ForwardingStore(real), left_(changes) {}

  bool dead() const { return dead_; }
  /// Blocks until the store has refused a change, or `run_id` has ended.
  void AwaitDeath(const std::string& run_id) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      const auto run = real_.GetRun(run_id);
      return dead_ || (run.ok() && store::IsTerminal(run->state));
    });
  }

  Status ChangeRun(const std::string& run_id, const store::RunChange& change) override {
    const std::lock_guard lock(mutex_);
    const Status status = left_-- > 0 ? real_.ChangeRun(run_id, change) : Unavailable("killed");
    dead_ = dead_ || !status.ok();
    changed_.notify_all();
    return status;
  }
  Result<store::Run> GetRun(const std::string& id) override {
    if (dead_) return Unavailable("killed");
    return real_.GetRun(id);
  }
  Result<store::Run> CreateRun(const store::Run& run, const std::vector<store::Node>& nodes,
                               const std::vector<store::Transition>& transitions) override {
    if (on_create && run.command != "delete") on_create();
    return real_.CreateRun(run, nodes, transitions);
  }
  std::function<void()> on_create;  ///< what happens just before a run is stored
  Result<store::RunSummary> GetRunSummary(const std::string& id) override {
    if (dead_) return Unavailable("killed");
    return real_.GetRunSummary(id);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int left_;
  std::atomic<bool> dead_ = false;
};

class RecoveryTest : public GraphTest {
 protected:
  RecoveryTest() {
    backend_.On("resource.Compile", R"({"graph":{"nodes":[
      {"id":"make","capability":"catalog","method":"EnsureTable","request":{"table":"nyc.daily"}},
      {"id":"job","capability":"run_backend","method":"Submit","after":["make"],
       "request":{"job":{"table":"prod.nyc.daily","sql":"select 1"}}},
      {"id":"report","capability":"resource","method":"Continue","after":["job"],"always":true,
       "request":{}}]}})");
    backend_.On("catalog.EnsureTable", R"({"status":"CREATED"})");
    backend_.On("resource.Continue", [](const Invocation& call) -> Result<std::string> {
      const json outputs = json::parse(call.request_json)["outputs"];
      const bool good = outputs[0]["state"] == "SUCCEEDED";
      return std::string(R"({"report":{"status":")") + (good ? "SUCCEEDED" : "FAILED") + "\"}}";
    });
    backend_.On("run_backend.Check", [](const Invocation& call) -> Result<std::string> {
      const json request = json::parse(call.request_json);
      if (request.contains("process") && request["process"]["phase"] == "RUNNING") {
        return std::string(R"({"state":"JOB_RUNNING"})");
      }
      if (request.contains("process") && request["process"]["phase"] != "EXITED") {
        return std::string(R"({"state":"JOB_FAILED"})");
      }
      if (request.contains("process") && request["process"]["signal"] == 15) {
        return std::string(R"({"state":"JOB_CANCELLED"})");
      }
      return std::string(R"({"state":"JOB_SUCCEEDED","result":{"rows":"3"}})");
    });
    backend_.On("run_backend.Cancel", "{}");
  }

  /// Starts a run on a store that dies after `changes` writes, waits for that, and goes on with
  /// `between` and a new runner on the store's file. Answers whether the store died at all.
  bool DieAfter(int changes, std::string* run_id, const std::function<void()>& between = {}) {
    DyingStore dying(*store_, changes);
    runner_ = MakeRunner(dying);
    const auto run = runner_->Start(Request("run", {Compile()}));
    EXPECT_TRUE(run.ok()) << run.status().ToString();
    *run_id = run->id;
    dying.AwaitDeath(*run_id);
    runner_.reset();
    store_.reset();
    OpenStore();
    if (between) between();
    StartRunner();
    const Status recovered = runner_->Recover();
    EXPECT_TRUE(recovered.ok()) << recovered.ToString();
    return dying.dead();
  }
  std::set<std::string> SubmitKeys() {
    std::set<std::string> keys;
    const auto calls = backend_.Calls("Submit");
    for (const Invocation& call : calls) {
      keys.insert(json::parse(call.request_json)["idempotencyKey"].get<std::string>());
    }
    return keys;
  }
};

/// Each death is a test of its own: the first parameter is how many writes come before it. A run of
/// this graph makes at least kWritesMin and fewer than kWritesMax.
constexpr int kWritesMin = 11;
constexpr int kWritesMax = 16;
/// The process runs, and the write that says so is refused.
constexpr int kWritesBeforeLaunched = 7;
class DeathTest : public RecoveryTest, public ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(AtEveryWrite, DeathTest, ::testing::Range(0, kWritesMax));

TEST_P(DeathTest, LeavesOneProcessAndItsResult) {
  backend_.On("run_backend.Submit",
              R"({"process":{"argv":["/bin/job"],"resultFile":"result.json"}})");
  std::string run_id;
  const bool died = DieAfter(GetParam(), &run_id);
  const store::Run run = Await(run_id);
  EXPECT_EQ(run.state, store::kSucceeded) << run.error_json;
  EXPECT_EQ(processes_.Launches(), 1);
  EXPECT_EQ(SubmitKeys().size(), 1U);
  EXPECT_EQ(FaultOfHistory(store_->GetTransitions(run_id, 0, kWholeHistory).value()), "");
  // The walk must reach every write of the run, and go beyond the last one.
  if (GetParam() == kWritesMax - 1) {
    EXPECT_FALSE(died) << "raise kWritesMax";
  } else if (GetParam() < kWritesMin) {
    EXPECT_TRUE(died) << "the run makes fewer writes than it did";
  }
}

TEST_P(DeathTest, LeavesOneRemoteJobAndItsResult) {
  std::mutex mutex;
  std::map<std::string, int> started;
  backend_.On("run_backend.Submit", [&](const Invocation& call) -> Result<std::string> {
    const std::lock_guard lock(mutex);
    const std::string key = json::parse(call.request_json)["idempotencyKey"];
    if (started[key] == 0) started[key] = 1;  // the same key again starts nothing
    return R"({"handle":")" + key + "\"}";
  });
  std::string run_id;
  DieAfter(GetParam(), &run_id);
  EXPECT_EQ(Await(run_id).state, store::kSucceeded);
  EXPECT_EQ(started.size(), 1U);
  EXPECT_EQ(FaultOfHistory(store_->GetTransitions(run_id, 0, kWholeHistory).value()), "");
}

/// A run whose only node of interest is a test that answers a process.
class TestDeathTest : public RecoveryTest, public ::testing::WithParamInterface<int> {
 protected:
  TestDeathTest() {
    backend_.On("resource.Compile", R"({"graph":{"nodes":[
      {"id":"q","capability":"test_backend","method":"Analyze","request":{"sql":"select 1"}},
      {"id":"report","capability":"resource","method":"Continue","after":["q"],"always":true,
       "request":{}}]}})");
    backend_.On("test_backend.Analyze",
                R"({"process":{"argv":["/bin/job"],"resultFile":"result.json"}})");
    backend_.On("test_backend.Interpret", [](const Invocation& call) -> Result<std::string> {
      const json process = json::parse(call.request_json)["process"];
      if (process["phase"] != "EXITED") return Unavailable("lost");
      return std::string(R"({"valid":true})");
    });
  }
};
constexpr int kTestWritesMin = 8;
constexpr int kTestWritesMax = 12;
/// The test's process runs, and the write that says so is refused.
constexpr int kTestWritesBeforeLaunched = 4;
INSTANTIATE_TEST_SUITE_P(AtEveryWrite, TestDeathTest, ::testing::Range(0, kTestWritesMax));

TEST_P(TestDeathTest, LeavesOneProcessAndItsAnswer) {
  std::string run_id;
  const bool died = DieAfter(GetParam(), &run_id);
  const store::Run run = Await(run_id);
  EXPECT_EQ(run.state, store::kSucceeded) << run.error_json;
  EXPECT_EQ(NodeOf(run_id, "q").response_json, R"({"valid":true})");
  EXPECT_EQ(processes_.Launches(), 1);
  EXPECT_EQ(FaultOfHistory(store_->GetTransitions(run_id, 0, kWholeHistory).value()), "");
  if (GetParam() == kTestWritesMax - 1) {
    EXPECT_FALSE(died) << "raise kTestWritesMax";
  } else if (GetParam() < kTestWritesMin) {
    EXPECT_TRUE(died) << "the run makes fewer writes than it did";
  }
  runner_.reset();  // its last step tidies up
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/jobs/" + run_id));
}

TEST_P(TestDeathTest, EndsWhatAnEarlierDaemonWasAskedToCancel) {
  processes_.reads_until_exit = -1;
  DyingStore dying(*store_, std::min(GetParam(), kTestWritesBeforeLaunched));
  runner_ = MakeRunner(dying);
  const std::string run_id = runner_->Start(Request("test", {Compile()}))->id;
  dying.AwaitDeath(run_id);
  runner_.reset();
  store_.reset();
  OpenStore();
  store::RunChange change;
  change.run = store_->GetRun(run_id).value();
  change.run->cancel_requested = true;
  ASSERT_TRUE(store_->ChangeRun(run_id, change).ok());
  StartRunner();
  ASSERT_TRUE(runner_->Recover().ok());
  EXPECT_EQ(Await(run_id).state, store::kCancelled);
  for (const auto& [directory, process] : processes_.processes) {
    EXPECT_NE(process.state.phase, os::JobState::Phase::kRunning);
  }
  EXPECT_EQ(FaultOfHistory(store_->GetTransitions(run_id, 0, kWholeHistory).value()), "");
}

TEST_P(DeathTest, CancelsWhatAnEarlierDaemonWasAskedToCancel) {
  backend_.On("run_backend.Submit", R"({"process":{"argv":["/bin/job"]}})");
  processes_.reads_until_exit = -1;
  std::string run_id;
  DyingStore dying(*store_, std::min(GetParam(), kWritesBeforeLaunched));
  runner_ = MakeRunner(dying);
  run_id = runner_->Start(Request("run", {Compile()}))->id;
  dying.AwaitDeath(run_id);
  runner_.reset();
  store_.reset();
  OpenStore();
  store::RunChange change;
  change.run = store_->GetRun(run_id).value();
  change.run->cancel_requested = true;
  ASSERT_TRUE(store_->ChangeRun(run_id, change).ok());
  StartRunner();
  ASSERT_TRUE(runner_->Recover().ok());
  EXPECT_EQ(Await(run_id).state, store::kCancelled);
  for (const auto& [directory, process] : processes_.processes) {
    EXPECT_NE(process.state.phase, os::JobState::Phase::kRunning);
  }
  EXPECT_EQ(FaultOfHistory(store_->GetTransitions(run_id, 0, kWholeHistory).value()), "");
}

TEST_F(RecoveryTest, StoppingLeavesCallsToTheNextDaemon) {
  std::atomic<bool> first = true;
  std::mutex mutex;
  std::condition_variable arrived;
  bool called = false;
  backend_.On("resource.Compile", [&](const Invocation& call) -> Result<std::string> {
    if (!first.exchange(false)) return std::string(R"({"report":{"status":"PASSED"}})");
    {
      const std::lock_guard lock(mutex);
      called = true;
    }
    arrived.notify_all();
    while (!call.cancelled()) std::this_thread::yield();
    return Cancelled("stopped");
  });
  StartRunner();
  const auto run = runner_->Start(Request("test", {Compile()}));
  {
    std::unique_lock lock(mutex);
    arrived.wait(lock, [&] { return called; });
  }
  runner_.reset();
  EXPECT_EQ(NodeOf(run->id, "compile").state, store::kRunning);
  StartRunner();
  ASSERT_TRUE(runner_->Recover().ok());
  EXPECT_EQ(Await(run->id).state, store::kSucceeded);
  const store::Node node = NodeOf(run->id, "compile");
  EXPECT_EQ(node.attempt, 2);
  const auto history = store_->GetTransitions(run->id, 0, kWholeHistory).value();
  EXPECT_EQ(FaultOfHistory(history), "");
  std::string details;
  for (const auto& step : history) details += step.detail;
  EXPECT_THAT(details, HasSubstr("restarted"));
}

TEST_F(RecoveryTest, GoesOnByItselfWhenTheStoreComesBack) {
  class Hiccup : public DyingStore {
   public:
    explicit Hiccup(store::Store& real) : DyingStore(real, 1000), real_(real) {}
    Status ChangeRun(const std::string& run_id, const store::RunChange& change) override {
      const int number = ++changes_;
      if (number > 2 && number <= 5) return Unavailable("disk full");
      return real_.ChangeRun(run_id, change);
    }

   private:
    store::Store& real_;
    std::atomic<int> changes_ = 0;
  };
  backend_.On("run_backend.Submit", R"({"handle":"h"})");
  Hiccup hiccup(*store_);
  runner_ = MakeRunner(hiccup);
  const store::Run run = RunToEnd(Request("run", {Compile()}));
  EXPECT_EQ(run.state, store::kSucceeded) << run.error_json;
  EXPECT_EQ(FaultOfHistory(store_->GetTransitions(run.id, 0, kWholeHistory).value()), "");
  runner_.reset();
}

/// The deletion finds a run that it cannot cancel yet, because it is only being stored.
TEST_F(RecoveryTest, ADeletionThatComesWhileARunIsBeingStoredCancelsIt) {
  backend_.On("run_backend.Submit", R"({"handle":"h"})");
  backend_.On("catalog.Purge", R"({"tables":"1"})");
  DyingStore store(*store_, 1000);
  runner_ = MakeRunner(store);
  std::string deletion;
  store.on_create = [&] {
    deletion = runner_->Start(Request("delete", {Spec("purge", "catalog", "Purge")}))->id;
    EXPECT_EQ(store_->GetRun(deletion)->state, store::kPending);
  };
  const store::Run run = RunToEnd(Request("run", {Compile()}));
  EXPECT_EQ(run.state, store::kCancelled);
  EXPECT_TRUE(backend_.Calls("Submit").empty());
  EXPECT_EQ(Await(deletion).state, store::kSucceeded);
  runner_.reset();
}

TEST_F(RecoveryTest, KeepsTablesClaimedAcrossARestart) {
  processes_.reads_until_exit = -1;
  backend_.On("run_backend.Submit", R"({"process":{"argv":["/bin/job"]}})");
  std::string run_id;
  DieAfter(kWritesBeforeLaunched, &run_id);
  const store::Run second = RunToEnd(Request("run", {Compile()}));
  EXPECT_EQ(second.state, store::kFailed);
  EXPECT_THAT(second.error_json, HasSubstr(run_id));
  EXPECT_TRUE(runner_->Cancel(run_id, "").ok());
  Await(run_id);
}

}  // namespace
}  // namespace dcp::graph
