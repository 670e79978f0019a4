// SPDX-License-Identifier: Apache-2.0
#include "graph/runner.h"

#include <gmock/gmock.h>

#include <condition_variable>
#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "graph/status_json.h"
#include "graph/testing.h"

namespace dcp::graph {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kReport[] = R"({"report":{"kind":"TestReport","status":"PASSED"}})";

/// Holds calls back until opened.
class Gate {
 public:
  void Open() {
    {
      const std::lock_guard lock(mutex_);
      open_ = true;
    }
    changed_.notify_all();
  }
  void Arrive() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void AwaitArrivals(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return arrived_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int arrived_ = 0;
};

class RunnerTest : public GraphTest {
 protected:
  /// A test command's graph: receipt, analyze, report.
  void PrepareTestGraph() {
    backend_.On("resource.Compile", R"({"graph":{"nodes":[
      {"id":"before","capability":"catalog","method":"Receipt","request":{"mode":"ro"}},
      {"id":"check","capability":"test_backend","method":"Analyze","request":{"sql":"select 1"},
       "after":["before"],"title":"check daily"},
      {"id":"report","capability":"resource","method":"Continue","request":{"state":{"k":1}},
       "after":["check"],"always":true}]}})");
    backend_.On("catalog.Receipt", R"({"loads":"0"})");
    backend_.On("test_backend.Analyze", R"({"valid":true})");
    backend_.On("resource.Continue", kReport);
  }
};

TEST_F(RunnerTest, AWallClockThatIsSetLeavesCallsTheirTime) {
  for (const int64_t jump : {-86'400'000, 86'400'000}) {
    std::atomic<int64_t> left = 0;
    backend_.On("resource.Compile", [&](const Invocation& call) -> Result<std::string> {
      clock_.JumpWall(jump);
      left = call.deadline - clock_.Steady();
      return std::string(kReport);
    });
    StartRunner();
    const store::Run run = RunToEnd(Request("test", {Compile()}));
    EXPECT_EQ(run.state, store::kSucceeded) << run.error_json;
    EXPECT_EQ(left, options_.default_timeout_ms);
    EXPECT_EQ(FaultOfHistory(store_->GetTransitions(run.id, 0, kWholeHistory).value()), "");
  }
}

TEST_F(RunnerTest, CompilesRunsAndReports) {
  PrepareTestGraph();
  StartRunner();
  const store::Run run = RunToEnd(Request("test", {Compile()}));
  EXPECT_EQ(run.state, store::kSucceeded) << run.error_json;
  EXPECT_EQ(json::parse(run.report_json)["status"], "PASSED");
  EXPECT_EQ(FaultOfHistory(store_->GetTransitions(run.id, 0, kWholeHistory).value()), "");

  const auto compile = json::parse(backend_.Calls("Compile").at(0).request_json);
  EXPECT_EQ(compile["context"]["runId"], run.id);
  EXPECT_EQ(compile["context"]["playground"], "fin");
  const auto receipt = json::parse(backend_.Calls("Receipt").at(0).request_json);
  EXPECT_EQ(receipt, json::parse(R"({"mode":"ro"})"));
  const auto analyze = json::parse(backend_.Calls("Analyze").at(0).request_json);
  EXPECT_EQ(analyze["mounts"][0]["mode"], "ro");
  EXPECT_EQ(analyze["mounts"][0]["expiresAtMs"], std::to_string(clock_.Wall() + 3'600'000));
  const auto report = json::parse(backend_.Calls("Continue").at(0).request_json);
  EXPECT_EQ(report["state"]["k"], 1);
  EXPECT_EQ(report["outputs"][0]["nodeId"], "check");
  EXPECT_EQ(report["outputs"][0]["response"]["valid"], true);
  EXPECT_EQ(NodeOf(run.id, "report").depth, 1);
}

TEST_F(RunnerTest, StoresNoToken) {
  PrepareTestGraph();
  StartRunner();
  const store::Run run = RunToEnd(Request("test", {Compile()}));
  const auto nodes = store_->GetNodes(run.id).value();
  for (const store::Node& node : nodes) {
    EXPECT_THAT(node.request_json + node.response_json + node.job_json + node.error_json,
                Not(HasSubstr("token-of-mount")));
  }
}

TEST_F(RunnerTest, TellsContinueNodesWhatFailed) {
  PrepareTestGraph();
  backend_.On("test_backend.Analyze", [](const Invocation&) -> Result<std::string> {
    return FailedPrecondition("no cluster").WithHint("start one");
  });
  StartRunner();
  const store::Run run = RunToEnd(Request("test", {Compile()}));
  EXPECT_EQ(run.state, store::kSucceeded);
  const auto output = json::parse(backend_.Calls("Continue").at(0).request_json)["outputs"][0];
  EXPECT_EQ(output["state"], "FAILED");
  EXPECT_EQ(output["errorCode"], "FAILED_PRECONDITION");
  EXPECT_EQ(output["error"]["hint"], "start one");
}

TEST_F(RunnerTest, EndsWithTheFilesThatAreNeeded) {
  backend_.On("resource.Compile", R"({"needsFiles":{"paths":["q.sql"]}})");
  StartRunner();
  const store::Run run = RunToEnd(Request("test", {Compile()}));
  EXPECT_EQ(run.state, store::kFailed);
  EXPECT_EQ(run.needs_files_json, R"({"paths":["q.sql"]})");
  EXPECT_EQ(run.error_json, "");
}

TEST_F(RunnerTest, FailsWithoutRepeatingWhatCannotHelp) {
  backend_.On("resource.Compile", [](const Invocation&) -> Result<std::string> {
    return InvalidArgument("unknown key").WithId("PZ0203").At({"a.yaml", 2, 1});
  });
  StartRunner();
  const store::Run run = RunToEnd(Request("test", {Compile()}));
  EXPECT_EQ(run.state, store::kFailed);
  EXPECT_EQ(StatusFromJson(run.error_json).location().ToString(), "a.yaml:2:1");
  EXPECT_EQ(backend_.Calls("Compile").size(), 1U);
}

TEST_F(RunnerTest, RepeatsACallWhoseWorkerDied) {
  std::atomic<int> calls = 0;
  backend_.On("resource.Compile", [&](const Invocation&) -> Result<std::string> {
    if (++calls < kCallAttemptsMax) return Unavailable("worker died");
    return std::string(kReport);
  });
  StartRunner();
  const store::Run run = RunToEnd(Request("test", {Compile()}));
  EXPECT_EQ(run.state, store::kSucceeded);
  EXPECT_EQ(NodeOf(run.id, "compile").attempt, kCallAttemptsMax);
  EXPECT_EQ(FaultOfHistory(store_->GetTransitions(run.id, 0, kWholeHistory).value()), "");
}

TEST_F(RunnerTest, GivesUpOnAWorkerThatKeepsDying) {
  backend_.On("resource.Compile",
              [](const Invocation&) -> Result<std::string> { return Unavailable("worker died"); });
  StartRunner();
  const store::Run run = RunToEnd(Request("test", {Compile()}));
  EXPECT_EQ(StatusFromJson(run.error_json).code(), Code::kUnavailable);
  EXPECT_EQ(backend_.Calls("Compile").size(), size_t{kCallAttemptsMax});
}

TEST_F(RunnerTest, RefusesGraphsThatBreakTheRules) {
  backend_.On("resource.Compile", R"({"graph":{"nodes":[
    {"id":"a","capability":"shell","method":"Run"}]}})");
  StartRunner();
  const store::Run run = RunToEnd(Request("test", {Compile()}));
  EXPECT_EQ(run.state, store::kFailed);
  EXPECT_THAT(run.error_json, HasSubstr("no capability"));
  EXPECT_EQ(store_->GetNodes(run.id)->size(), 1U);
}

TEST_F(RunnerTest, EndsAContinueThatNeverStops) {
  std::atomic<int> made = 0;
  const auto next = [&](const Invocation&) -> Result<std::string> {
    return R"({"graph":{"nodes":[{"id":"n)" + std::to_string(++made) +
           R"(","capability":"resource","method":"Continue","request":{}}]}})";
  };
  backend_.On("resource.Compile", next);
  backend_.On("resource.Continue", next);
  StartRunner();
  const store::Run run = RunToEnd(Request("test", {Compile()}));
  EXPECT_EQ(run.state, store::kFailed);
  EXPECT_EQ(store_->GetNodes(run.id)->size(), size_t{limits::kGraphDepthMax} + 1);
}

TEST_F(RunnerTest, AnswersTheSameRunForTheSameToken) {
  PrepareTestGraph();
  StartRunner();
  StartRequest request = Request("test", {Compile()});
  request.client_token = "tok";
  const store::Run first = RunToEnd(request);
  EXPECT_EQ(runner_->Start(request)->id, first.id);
  EXPECT_EQ(backend_.Calls("Compile").size(), 1U);
}

TEST_F(RunnerTest, RunsIndependentNodesAtOnce) {
  Gate gate;
  backend_.On("catalog.Receipt", [&](const Invocation&) -> Result<std::string> {
    gate.Arrive();
    return std::string("{}");
  });
  StartRunner();
  const auto run = runner_->Start(
      Request("test", {Spec("a", "catalog", "Receipt"), Spec("b", "catalog", "Receipt")}));
  gate.AwaitArrivals(2);
  gate.Open();
  EXPECT_EQ(Await(run->id).state, store::kSucceeded);
}

TEST_F(RunnerTest, CancelsWhatRunsAndWhatWaits) {
  Gate gate;
  backend_.On("catalog.Receipt", [&](const Invocation& call) -> Result<std::string> {
    gate.Arrive();
    if (call.cancelled()) return Cancelled("stopped");
    return std::string("{}");
  });
  StartRunner();
  const auto run = runner_->Start(
      Request("test", {Spec("a", "catalog", "Receipt"), Spec("b", "catalog", "Receipt", {"a"})}));
  gate.AwaitArrivals(1);
  EXPECT_TRUE(runner_->Cancel(run->id, "enough").ok());
  EXPECT_TRUE(runner_->Cancel(run->id, "again").ok());
  EXPECT_TRUE(store_->GetRun(run->id)->cancel_requested);
  gate.Open();
  const store::Run ended = Await(run->id);
  EXPECT_EQ(ended.state, store::kCancelled);
  EXPECT_THAT(ended.error_json, HasSubstr("enough"));
  EXPECT_EQ(NodeOf(run->id, "a").state, store::kCancelled);
  EXPECT_EQ(NodeOf(run->id, "b").state, store::kCancelled);
  EXPECT_TRUE(runner_->Cancel(run->id, "late").ok());
  EXPECT_EQ(runner_->Cancel("r0", "none").code(), Code::kNotFound);
  EXPECT_EQ(FaultOfHistory(store_->GetTransitions(run->id, 0, kWholeHistory).value()), "");
}

TEST_F(RunnerTest, RefusesASecondWriterOfATableAndNamesTheFirst) {
  Gate gate;
  backend_.On("catalog.EnsureTable", [&](const Invocation&) -> Result<std::string> {
    gate.Arrive();
    return std::string("{}");
  });
  backend_.On("resource.Compile", R"({"graph":{"nodes":[{"id":"make","capability":"catalog",
    "method":"EnsureTable","request":{"table":"nyc.daily"}}]}})");
  StartRunner();
  const auto first = runner_->Start(Request("apply", {Compile()}));
  gate.AwaitArrivals(1);
  const store::Run second = RunToEnd(Request("apply", {Compile()}));
  const Status refused = StatusFromJson(second.error_json);
  EXPECT_EQ(refused.code(), Code::kAborted);
  EXPECT_THAT(refused.message(), HasSubstr(first->id));
  EXPECT_THAT(refused.message(), HasSubstr("nyc.daily"));
  StartRequest elsewhere = Request("apply", {Compile()});
  elsewhere.playground = "other";
  const auto third = runner_->Start(elsewhere);
  gate.AwaitArrivals(2);
  gate.Open();
  EXPECT_EQ(Await(first->id).state, store::kSucceeded);
  EXPECT_EQ(Await(third->id).state, store::kSucceeded);
  EXPECT_EQ(RunToEnd(Request("apply", {Compile()})).state, store::kSucceeded);
}

TEST_F(RunnerTest, DeletesOnlyWhenThePlaygroundsRunsHaveEnded) {
  Gate gate;
  std::atomic<bool> first_ended = false;
  backend_.On("catalog.Receipt", [&](const Invocation&) -> Result<std::string> {
    gate.Arrive();
    first_ended = true;
    return Cancelled("stopped");
  });
  std::atomic<bool> in_order = false;
  backend_.On("catalog.Purge", [&](const Invocation&) -> Result<std::string> {
    in_order = first_ended.load();
    return std::string(R"({"tables":"1"})");
  });
  StartRunner();
  const auto first = runner_->Start(Request("test", {Spec("a", "catalog", "Receipt")}));
  gate.AwaitArrivals(1);
  const StartRequest deletion = Request("delete", {Spec("purge", "catalog", "Purge")});
  const auto run = runner_->Start(deletion);
  EXPECT_EQ(runner_->Start(deletion)->id, run->id);
  EXPECT_EQ(runner_->Start(Request("apply", {Compile()})).status().code(), Code::kAborted);
  EXPECT_TRUE(store_->GetRun(first->id)->cancel_requested);
  EXPECT_EQ(NodeOf(run->id, "purge").state, store::kPending);
  gate.Open();
  EXPECT_EQ(Await(run->id).state, store::kSucceeded);
  EXPECT_EQ(store_->GetRun(first->id)->state, store::kCancelled);
  EXPECT_TRUE(in_order);
}

TEST_F(RunnerTest, OnePrincipalsRunsLeaveRoomForOthersAndDeletionsAreNotRefused) {
  options_.runs_per_principal = 2;
  Gate gate;
  backend_.On("catalog.Receipt", [&](const Invocation&) -> Result<std::string> {
    gate.Arrive();
    return std::string("{}");
  });
  StartRunner();
  const auto start = [&](const std::string& who) {
    StartRequest request = Request("test", {Spec("a", "catalog", "Receipt")});
    request.principal = who;
    return runner_->Start(request);
  };
  const auto first = start("ada");
  ASSERT_TRUE(first.ok() && start("ada").ok());
  const Status refused = start("ada").status();
  EXPECT_EQ(refused.code(), Code::kResourceExhausted);
  EXPECT_EQ(refused.id(), "PZ0911");
  EXPECT_NE(refused.message().find("2 of yours have not ended"), std::string::npos);
  EXPECT_TRUE(start("ben").ok());
  StartRequest deletion = Request("delete", {Spec("purge", "catalog", "Purge")});
  deletion.playground = "other";
  EXPECT_TRUE(runner_->Start(deletion).ok());
  gate.Open();
  Await(first->id);
  EXPECT_TRUE(start("ada").ok());
}

TEST_F(RunnerTest, TellsProgressWithoutStoringIt) {
  Gate gate;
  backend_.On("catalog.Receipt", [&](const Invocation& call) -> Result<std::string> {
    call.on_progress("half");
    call.on_progress("nearly");
    gate.Arrive();
    return std::string("{}");
  });
  StartRunner();
  NodeSpec spec = Spec("a", "catalog", "Receipt");
  spec.title = "count";
  const auto run = runner_->Start(Request("test", {spec}));
  Gate told;  // open from the start: it only counts
  told.Open();
  auto handle = runner_->Subscribe(run->id, [&] { told.Arrive(); });
  gate.AwaitArrivals(1);
  const auto events = runner_->WaitEvents(run->id, 0, 0).value();
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.front().sequence, 1);
  EXPECT_EQ(events.back().state, "");
  EXPECT_EQ(events.back().detail, "nearly");
  EXPECT_EQ(events.back().title, "count");
  gate.Open();
  Await(run->id);
  told.AwaitArrivals(1);  // the run's end, at the latest
  handle.reset();
  const auto rest = runner_->WaitEvents(run->id, 0, 60'000).value();
  for (const Event& event : rest) EXPECT_NE(event.state, "");
  EXPECT_EQ(rest.back().node_id, "");
  EXPECT_EQ(rest.back().state, store::kSucceeded);
  EXPECT_THAT(runner_->WaitEvents(run->id, rest.back().sequence, 60'000).value(), IsEmpty());
  EXPECT_EQ(runner_->WaitEvents("r0", 0, 0).status().code(), Code::kNotFound);
}

TEST_F(RunnerTest, RefusesStartsThatMakeNoSense) {
  StartRunner();
  EXPECT_EQ(runner_->Start(Request("test", {})).status().code(), Code::kInvalidArgument);
  EXPECT_FALSE(runner_->Start(Request("test", {Spec("a", "catalog", "Receipt", {"a"})})).ok());
  EXPECT_THAT(store_->ListRuns({}, "", 10).value().runs, IsEmpty());
  RunnerOptions options = options_;
  options.job_directory = "relative";
  EXPECT_FALSE(Runner::Create(*store_, backend_, clock_, options).ok());
  options = options_;
  options.threads = 0;
  EXPECT_FALSE(Runner::Create(*store_, backend_, clock_, options).ok());
}

}  // namespace
}  // namespace dcp::graph
