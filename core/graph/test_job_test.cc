// SPDX-License-Identifier: Apache-2.0
//
// Tests that answer a process: a call that becomes a job, and leaves nothing. And jobs of either
// kind that stay with the instance they were given to.
#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "graph/status_json.h"
#include "graph/testing.h"
#include "os/file.h"

namespace dcp::graph {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kProcess[] = R"json({"process":{"argv":["/bin/job"],"env":{"PASSWORD":"hunter2"},
  "files":[{"path":"spark.properties","content":"c2VjcmV0"}],
  "stdoutFile":"output","stderrFile":"output","resultFile":"result.json"}})json";
constexpr char kAnswer[] = R"({"valid":false,"findings":[{"severity":"ERROR","code":"PZ0220"}]})";

class TestJobTest : public GraphTest {
 protected:
  TestJobTest() {
    backend_.On("test_backend.Analyze", std::string(kProcess));
    backend_.On("test_backend.Interpret", std::string(kAnswer));
  }
  static NodeSpec Check(const std::string& id = "q") {
    NodeSpec spec = Spec(id, "test_backend", "Analyze");
    spec.request_json = R"({"sql":"select 1","mode":"EXPLAIN"})";
    return spec;
  }
  std::string Folder(const store::Run& run, const std::string& name = "q") const {
    return folder_ + "/jobs/" + run.id + "/" + name + "/" + os::kJobWorkFolder;
  }
  std::vector<std::string> InstancesAsked(const std::string& method) {
    std::vector<std::string> asked;
    for (const Invocation& call : backend_.Calls(method)) asked.push_back(call.instance);
    return asked;
  }
};

TEST_F(TestJobTest, LaunchesInterpretsAndLeavesNothing) {
  StartRunner();
  const store::Run run = RunToEnd(Request("test", {Check()}));
  EXPECT_EQ(run.state, store::kSucceeded) << run.error_json;
  const store::Node node = NodeOf(run.id, "q");
  // What the engine rejects is an answer.
  EXPECT_EQ(node.state, store::kSucceeded);
  EXPECT_EQ(node.response_json, kAnswer);
  EXPECT_EQ(FaultOfHistory(store_->GetTransitions(run.id, 0, kWholeHistory).value()), "");

  const auto analyze = json::parse(backend_.Calls("Analyze").at(0).request_json);
  EXPECT_EQ(analyze["lease"]["directory"], Folder(run));
  EXPECT_EQ(analyze["lease"]["id"], run.id + "/q");
  EXPECT_EQ(analyze["mounts"][0]["mode"], "ro");
  EXPECT_EQ(analyze["context"]["nodeId"], "q");
  EXPECT_EQ(processes_.Launches(), 1);

  const auto calls = backend_.Calls("Interpret");
  ASSERT_EQ(calls.size(), 1U);
  const auto interpret = json::parse(calls[0].request_json);
  EXPECT_EQ(interpret["request"]["sql"], "select 1");
  EXPECT_FALSE(interpret["request"].contains("mounts"));
  EXPECT_THAT(calls[0].request_json, Not(HasSubstr("token-of-mount")));
  EXPECT_EQ(interpret["process"]["phase"], "EXITED");
  EXPECT_EQ(interpret["process"]["result"], "eyJyb3dzIjozfQ==");
  EXPECT_THAT(node.job_json + node.request_json, Not(HasSubstr("hunter2")));
  runner_.reset();  // its last step tidies up
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/jobs/" + run.id));
}

TEST_F(TestJobTest, AnAnswerNeedsNoFolder) {
  backend_.On("test_backend.Analyze", std::string(kAnswer));
  StartRunner();
  const store::Run run = RunToEnd(Request("test", {Check()}));
  EXPECT_EQ(run.state, store::kSucceeded);
  EXPECT_EQ(NodeOf(run.id, "q").response_json, kAnswer);
  EXPECT_EQ(NodeOf(run.id, "q").job_json, "");
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/jobs"));
}

TEST_F(TestJobTest, IsTriedAgainWithANewFolderAndMount) {
  std::atomic<int> asked = 0;
  backend_.On("test_backend.Interpret", [&](const Invocation& call) -> Result<std::string> {
    ++asked;
    EXPECT_EQ(json::parse(call.request_json)["request"]["sql"], "select 1");
    if (backend_.Calls("Analyze").size() == 1) return Unavailable("the catalog was away");
    return std::string(kAnswer);
  });
  StartRunner();
  const store::Run run = RunToEnd(Request("test", {Check()}));
  EXPECT_EQ(run.state, store::kSucceeded) << run.error_json;
  EXPECT_EQ(processes_.Launches(), 2);
  const auto analyses = backend_.Calls("Analyze");
  ASSERT_EQ(analyses.size(), 2U);
  EXPECT_EQ(json::parse(analyses[1].request_json)["lease"]["directory"], Folder(run, "q~2"));
  // Perhaps only the worker had died in the call: it was asked again before the work was repeated.
  EXPECT_EQ(asked, kCallAttemptsMax + 1);
  runner_.reset();
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/jobs/" + run.id));
}

TEST_F(TestJobTest, GivesUpAndKeepsTheLogAlone) {
  backend_.On("test_backend.Interpret",
              [](const Invocation&) { return Result<std::string>(Unavailable("killed")); });
  backend_.On("test_backend.Analyze", [](const Invocation& call) -> Result<std::string> {
    // As the job's own shell would.
    const std::string folder = json::parse(call.request_json)["lease"]["directory"];
    EXPECT_TRUE(os::MakeDirectories(folder, 0700).ok());
    EXPECT_TRUE(os::WriteFileAtomic(folder + "/output", "last words", 0600).ok());
    return std::string(kProcess);
  });
  StartRunner();
  const store::Run run = RunToEnd(Request("test", {Check()}));
  EXPECT_EQ(run.state, store::kFailed);
  EXPECT_EQ(StatusFromJson(run.error_json).message(), "killed");
  EXPECT_EQ(processes_.Launches(), kJobAttemptsMax);
  EXPECT_EQ(FaultOfHistory(store_->GetTransitions(run.id, 0, kWholeHistory).value()), "");
  const std::string folder = runner_->JobDirectory(run.id, "q").value();
  runner_.reset();
  std::vector<std::string> left;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(folder_ + "/jobs/" + run.id)) {
    if (entry.is_regular_file()) left.push_back(entry.path());
  }
  EXPECT_THAT(left, ElementsAre(folder + "/output"));
}

TEST_F(TestJobTest, FailsWhenTheAnswerIsAnotherProcess) {
  backend_.On("test_backend.Interpret", std::string(kProcess));
  StartRunner();
  const store::Run run = RunToEnd(Request("test", {Check()}));
  EXPECT_EQ(StatusFromJson(run.error_json).code(), Code::kInternal);
  EXPECT_EQ(processes_.Launches(), 1);
}

TEST_F(TestJobTest, IsCancelledWhileItRuns) {
  processes_.reads_until_exit = -1;
  StartRunner();
  const auto run = runner_->Start(Request("test", {Check()}));
  AwaitWords(run->id, "launched");
  EXPECT_TRUE(runner_->Cancel(run->id, "enough").ok());
  EXPECT_EQ(Await(run->id).state, store::kCancelled);
  EXPECT_EQ(processes_.processes.begin()->second.stops, 1);
  EXPECT_TRUE(backend_.Calls("Interpret").empty());
  runner_.reset();
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/jobs/" + run->id));
}

TEST_F(TestJobTest, IsBoundedByTheNodesOwnTime) {
  processes_.reads_until_exit = -1;
  StartRunner();
  NodeSpec spec = Check();
  spec.timeout_ms = 60'000;
  const auto run = runner_->Start(Request("test", {spec}));
  AwaitWords(run->id, "launched");
  clock_.Advance(60'000);
  const store::Run ended = Await(run->id);
  EXPECT_EQ(StatusFromJson(ended.error_json).code(), Code::kDeadlineExceeded);
  EXPECT_EQ(processes_.processes.begin()->second.stops, 1);
}

TEST_F(TestJobTest, HasSlotsOfItsOwn) {
  options_.jobs = 1;
  options_.test_jobs = 2;
  processes_.reads_until_exit = -1;
  backend_.On("run_backend.Submit", R"({"process":{"argv":["/bin/job"]}})");
  backend_.On("run_backend.Check", R"({"state":"JOB_RUNNING"})");
  StartRunner();
  NodeSpec long_job = Spec("job", "run_backend", "Submit");
  long_job.request_json = R"({"job":{"table":"prod.nyc.t","sql":"select 1"}})";
  const auto hours = runner_->Start(Request("run", {long_job}));
  AwaitWords(hours->id, "launched");
  const auto tests = runner_->Start(Request("test", {Check("a"), Check("b"), Check("c")}));
  AwaitWords(tests->id, "waiting: 2 tests");
  AwaitWords(tests->id, "launched", 2);
  EXPECT_EQ(processes_.Launches(), 3);  // the run's, and two of three tests
  // The waiting one ends like the others, without ever having been launched.
  EXPECT_TRUE(runner_->Cancel(tests->id, "").ok());
  EXPECT_EQ(Await(tests->id).state, store::kCancelled);
  EXPECT_EQ(processes_.Launches(), 3);
  // And what it waited for is free again.
  {
    const std::lock_guard lock(processes_.mutex);
    processes_.reads_until_exit = 1;
  }
  EXPECT_EQ(RunToEnd(Request("test", {Check("a"), Check("b"), Check("c")})).state,
            store::kSucceeded);
  EXPECT_TRUE(runner_->Cancel(hours->id, "").ok());
}

TEST_F(TestJobTest, StaysWithItsInstanceWhateverTheRoutesSay) {
  backend_.On("test_backend.Analyze", [&](const Invocation&) -> Result<std::string> {
    backend_.Configure("second", {{"at-first", "spark"}, {"second", "other"}});
    return std::string(kProcess);
  });
  StartRunner();
  EXPECT_EQ(RunToEnd(Request("test", {Check()})).state, store::kSucceeded);
  EXPECT_THAT(InstancesAsked("Analyze"), ElementsAre("at-first"));
  EXPECT_THAT(InstancesAsked("Interpret"), ElementsAre("at-first"));
}

TEST_F(TestJobTest, GoesToAnotherInstanceOfItsPluginWhenItsOwnIsGone) {
  backend_.On("test_backend.Analyze", [&](const Invocation&) -> Result<std::string> {
    backend_.Configure("second", {{"second", "spark"}});
    return std::string(kProcess);
  });
  StartRunner();
  EXPECT_EQ(RunToEnd(Request("test", {Check()})).state, store::kSucceeded);
  EXPECT_THAT(InstancesAsked("Interpret"), ElementsAre("second"));
}

TEST_F(TestJobTest, SaysThatItsInstanceIsGone) {
  backend_.On("test_backend.Analyze", [&](const Invocation&) -> Result<std::string> {
    backend_.Configure("second", {{"second", "other"}});
    return std::string(kProcess);
  });
  options_.back_off_ms = 0;
  StartRunner();
  const store::Run run = RunToEnd(Request("test", {Check()}));
  EXPECT_EQ(run.state, store::kFailed);
  EXPECT_THAT(StatusFromJson(run.error_json).message(),
              HasSubstr("\"at-first\" (spark), which is not configured any more"));
  EXPECT_TRUE(backend_.Calls("Interpret").empty());
}

TEST_F(TestJobTest, ARunStaysWithItsInstanceAcrossARestart) {
  backend_.On("run_backend.Submit", [&](const Invocation& call) -> Result<std::string> {
    EXPECT_EQ(call.instance, "at-first");
    return std::string(R"({"handle":"app-17"})");
  });
  backend_.On("run_backend.Check", R"({"state":"JOB_RUNNING","detail":"stage 1"})");
  StartRunner();
  NodeSpec spec = Spec("job", "run_backend", "Submit");
  spec.request_json = R"({"job":{"table":"prod.nyc.t","sql":"select 1"}})";
  const auto run = runner_->Start(Request("run", {spec}));
  AwaitWords(run->id, "stage 1");
  runner_.reset();
  backend_.Configure("second", {{"at-first", "spark"}, {"second", "spark"}});
  backend_.On("run_backend.Check", [](const Invocation& call) -> Result<std::string> {
    EXPECT_EQ(call.instance, "at-first");
    return std::string(R"({"state":"JOB_SUCCEEDED"})");
  });
  StartRunner();
  ASSERT_TRUE(runner_->Recover().ok());
  EXPECT_EQ(Await(run->id).state, store::kSucceeded);
}

}  // namespace
}  // namespace dcp::graph
