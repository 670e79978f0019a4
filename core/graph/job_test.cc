// SPDX-License-Identifier: Apache-2.0
//
// The life of a batch job, with processes in memory.
#include <gmock/gmock.h>
#include <sys/stat.h>

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

constexpr char kProcess[] = R"({"process":{"argv":["/bin/job","--spec","spec.json"],
  "env":{"PASSWORD":"hunter2"},"files":[{"path":"conf/spec.json","content":"c2VjcmV0"}],
  "resultFile":"result.json"}})";
constexpr char kSucceededJob[] = R"({"state":"JOB_SUCCEEDED","result":{"rows":"3"}})";

class JobTest : public GraphTest {
 protected:
  JobTest() {
    backend_.On("run_backend.Submit", std::string(kProcess));
    backend_.On("run_backend.Check", [](const Invocation& call) -> Result<std::string> {
      const json process = json::parse(call.request_json)["process"];
      if (process["phase"] == "RUNNING") {
        return std::string(R"({"state":"JOB_RUNNING","detail":"stage 2 of 3"})");
      }
      if (process["cancelRequested"] == true) return std::string(R"({"state":"JOB_CANCELLED"})");
      return std::string(kSucceededJob);
    });
    backend_.On("run_backend.Cancel", "{}");
  }
  static NodeSpec Job(const std::string& id = "job") {
    NodeSpec spec = Spec(id, "run_backend", "Submit");
    spec.request_json = R"({"job":{"table":"prod.nyc.)" + id + R"(","sql":"select 1"}})";
    return spec;
  }
};

TEST_F(JobTest, LaunchesWhatTheBackendDescribes) {
  StartRunner();
  const store::Run run = RunToEnd(Request("run", {Job()}));
  EXPECT_EQ(run.state, store::kSucceeded) << run.error_json;
  const store::Node node = NodeOf(run.id, "job");
  EXPECT_EQ(node.response_json, kSucceededJob);
  EXPECT_EQ(FaultOfHistory(store_->GetTransitions(run.id, 0, kWholeHistory).value()), "");

  const auto submit = json::parse(backend_.Calls("Submit").at(0).request_json);
  const std::string folder = folder_ + "/jobs/" + run.id + "/job";
  EXPECT_EQ(submit["lease"]["directory"], os::JobWorkFolder(folder))
      << "all that the job may touch";
  EXPECT_EQ(submit["idempotencyKey"], run.id + "/job");
  EXPECT_EQ(submit["job"]["runId"], run.id);
  EXPECT_EQ(submit["job"]["mounts"][0]["mode"], "rw");
  EXPECT_EQ(submit["job"]["deadlineMs"], std::to_string(clock_.Wall() + options_.job_timeout_ms));
  EXPECT_EQ(submit["job"]["context"]["nodeId"], "job");

  const auto& process = processes_.processes.at(folder);
  EXPECT_EQ(process.launches, 1);
  EXPECT_THAT(process.spec.argv, ElementsAre("/bin/job", "--spec", "spec.json"));
  EXPECT_EQ(runner_->JobDirectory(run.id, "job").value(), os::JobWorkFolder(folder));
  EXPECT_EQ(runner_->JobDirectory(run.id, "other").status().code(), Code::kNotFound);
  const auto check = json::parse(backend_.Calls("Check").back().request_json);
  EXPECT_EQ(check["process"]["result"], "eyJyb3dzIjozfQ==");
}

TEST_F(JobTest, KeepsSecretsInPrivateFilesOnly) {
  StartRunner();
  const store::Run run = RunToEnd(Request("run", {Job()}));
  const std::string folder = folder_ + "/jobs/" + run.id + "/job";
  EXPECT_EQ(os::ReadFile(os::JobWorkFolder(folder) + "/conf/spec.json", 100).value(), "secret");
  const std::string work = os::JobWorkFolder(folder);
  for (const std::string& path :
       {folder, folder + "/process.json", work, work + "/conf", work + "/conf/spec.json"}) {
    struct stat facts {};
    ASSERT_EQ(stat(path.c_str(), &facts), 0) << path;
    EXPECT_EQ(facts.st_mode & 0077U, 0U) << path;
  }
  const store::Node node = NodeOf(run.id, "job");
  EXPECT_THAT(node.job_json + node.request_json + node.response_json, Not(HasSubstr("hunter2")));
  EXPECT_THAT(node.job_json + node.request_json, Not(HasSubstr("c2VjcmV0")));
}

TEST_F(JobTest, AsksAgainForFilesThatAnEarlierReleaseLaidElsewhere) {
  std::atomic<int> looks = 0;
  processes_.fault = [&](const std::string& method, bool before) -> Status {
    if (method != "Runs" || !before || ++looks > 1) return {};
    const std::string run_id = store_->UnfinishedRuns().value().front().id;
    return os::RemoveTree(os::JobWorkFolder(folder_ + "/jobs/" + run_id + "/job"));
  };
  StartRunner();
  const store::Run run = RunToEnd(Request("run", {Job()}));
  EXPECT_EQ(run.state, store::kSucceeded) << run.error_json;
  const auto submits = backend_.Calls("Submit");
  ASSERT_EQ(submits.size(), 2U);
  for (const Invocation& submit : submits) {
    EXPECT_EQ(json::parse(submit.request_json)["idempotencyKey"], run.id + "/job");
  }
  EXPECT_EQ(processes_.Launches(), 1);
  EXPECT_EQ(FaultOfHistory(store_->GetTransitions(run.id, 0, kWholeHistory).value()), "");
}

TEST_F(JobTest, FollowsAHandle) {
  std::atomic<int> checks = 0;
  backend_.On("run_backend.Submit", R"({"handle":"app-17"})");
  backend_.On("run_backend.Check", [&](const Invocation& call) -> Result<std::string> {
    EXPECT_EQ(json::parse(call.request_json)["handle"], "app-17");
    return std::string(++checks < 3 ? R"({"state":"JOB_PENDING","detail":"queued"})"
                                    : kSucceededJob);
  });
  StartRunner();
  EXPECT_EQ(RunToEnd(Request("run", {Job()})).state, store::kSucceeded);
  EXPECT_EQ(checks, 3);
  EXPECT_EQ(processes_.Launches(), 0);
}

TEST_F(JobTest, FailsAsTheJobFailed) {
  const std::string failed = R"({"state":"JOB_FAILED","findings":[{"code":"PZ0411",
    "message":"division by zero","location":{"file":"q.sql","line":3,"column":1}}]})";
  backend_.On("run_backend.Check", failed);
  StartRunner();
  const store::Run run = RunToEnd(Request("run", {Job()}));
  EXPECT_EQ(run.state, store::kFailed);
  EXPECT_EQ(StatusFromJson(run.error_json).ToString(),
            "q.sql:3:1: ABORTED [PZ0411]: division by zero");
  EXPECT_EQ(NodeOf(run.id, "job").response_json, failed);
  EXPECT_EQ(backend_.Calls("Submit").size(), 1U);
}

TEST_F(JobTest, SubmitsALostJobAgainUnderTheSameRunId) {
  processes_.lost = true;
  backend_.On("run_backend.Check", [](const Invocation& call) -> Result<std::string> {
    const json process = json::parse(call.request_json)["process"];
    if (process["phase"] == "LOST") {
      return std::string(R"({"state":"JOB_FAILED","detail":"the machine went down",
        "retryable":true})");
    }
    return std::string(R"({"state":"JOB_RUNNING"})");
  });
  StartRunner();
  const store::Run run = RunToEnd(Request("run", {Job()}));
  EXPECT_EQ(run.state, store::kFailed);
  const auto submits = backend_.Calls("Submit");
  ASSERT_EQ(submits.size(), size_t{kJobAttemptsMax});
  std::vector<std::string> keys;
  for (const Invocation& submit : submits) {
    const auto request = json::parse(submit.request_json);
    keys.push_back(request["idempotencyKey"]);
    EXPECT_EQ(request["job"]["runId"], run.id);
  }
  EXPECT_THAT(keys, ElementsAre(run.id + "/job", run.id + "/job/2", run.id + "/job/3"));
  EXPECT_EQ(processes_.processes.size(), 3U);
  // What a dead launcher left of one attempt is ended before the next begins.
  for (const auto& [folder, process] : processes_.processes) EXPECT_GE(process.stops, 1) << folder;
  EXPECT_EQ(FaultOfHistory(store_->GetTransitions(run.id, 0, kWholeHistory).value()), "");
}

TEST_F(JobTest, StopsAProcessThatIsCancelled) {
  processes_.reads_until_exit = -1;
  StartRunner();
  const auto run = runner_->Start(Request("run", {Job()}));
  AwaitWords(run->id, "launched");
  EXPECT_TRUE(runner_->Cancel(run->id, "enough").ok());
  EXPECT_EQ(Await(run->id).state, store::kCancelled);
  const auto& process = processes_.processes.begin()->second;
  EXPECT_EQ(process.stops, 1);
  EXPECT_EQ(process.state.phase, os::JobState::Phase::kExited);
}

TEST_F(JobTest, CancelsAJobWithAHandleThroughItsBackend) {
  std::atomic<bool> cancelled = false;
  backend_.On("run_backend.Submit", R"({"handle":"app-17"})");
  backend_.On("run_backend.Cancel", [&](const Invocation&) -> Result<std::string> {
    cancelled = true;
    return std::string("{}");
  });
  backend_.On("run_backend.Check", [&](const Invocation&) -> Result<std::string> {
    return std::string(cancelled ? R"({"state":"JOB_CANCELLED"})" : R"({"state":"JOB_RUNNING"})");
  });
  StartRunner();
  const auto run = runner_->Start(Request("run", {Job()}));
  AwaitWords(run->id, "submitted");
  EXPECT_TRUE(runner_->Cancel(run->id, "enough").ok());
  EXPECT_EQ(Await(run->id).state, store::kCancelled);
  EXPECT_EQ(backend_.Calls("Cancel").size(), 1U);
}

TEST_F(JobTest, StopsAJobWhoseTimeIsOver) {
  processes_.reads_until_exit = -1;
  StartRunner();
  NodeSpec spec = Job();
  spec.timeout_ms = 60'000;
  const auto run = runner_->Start(Request("run", {spec}));
  AwaitWords(run->id, "launched");
  clock_.Advance(59'999);
  AwaitWords(run->id, "stage 2");  // a later look found it within its time
  clock_.Advance(1);
  const store::Run ended = Await(run->id);
  EXPECT_EQ(ended.state, store::kFailed);
  EXPECT_EQ(StatusFromJson(ended.error_json).code(), Code::kDeadlineExceeded);
  EXPECT_EQ(processes_.processes.begin()->second.stops, 1);
}

TEST_F(JobTest, AWallClockThatIsSetBackLetsAJobRunOn) {
  processes_.reads_until_exit = -1;
  StartRunner();
  NodeSpec spec = Job();
  spec.timeout_ms = 60'000;
  const auto run = runner_->Start(Request("run", {spec}));
  AwaitWords(run->id, "launched");
  clock_.JumpWall(-3'600'000);
  clock_.Advance(59'999);
  AwaitWords(run->id, "stage 2");
  EXPECT_EQ(processes_.processes.begin()->second.stops, 0);
  // The job's deadline is a wall time, as its token's is: forwards, both are over together.
  clock_.JumpWall(2 * 3'600'000);
  const store::Run ended = Await(run->id);
  EXPECT_EQ(StatusFromJson(ended.error_json).code(), Code::kDeadlineExceeded);
  EXPECT_EQ(processes_.processes.begin()->second.stops, 1);
}

TEST_F(JobTest, TellsWhatARunningJobDoes) {
  processes_.reads_until_exit = -1;
  StartRunner();
  const auto run = runner_->Start(Request("run", {Job()}));
  AwaitWords(run->id, "stage 2 of 3");
  EXPECT_TRUE(runner_->Cancel(run->id, "").ok());
  Await(run->id);
}

TEST_F(JobTest, LooksAgainWhenItsBackendIsAway) {
  std::atomic<int> checks = 0;
  backend_.On("run_backend.Submit", [&](const Invocation&) -> Result<std::string> {
    if (backend_.Calls("Submit").size() == 1) return Unavailable("worker died");
    return std::string(R"({"handle":"app-17"})");
  });
  backend_.On("run_backend.Check", [&](const Invocation&) -> Result<std::string> {
    if (++checks <= 3) return Unavailable("worker died");
    return std::string(kSucceededJob);
  });
  StartRunner();
  EXPECT_EQ(RunToEnd(Request("run", {Job()})).state, store::kSucceeded);
}

TEST_F(JobTest, FailsWhatCannotBeLaunched) {
  processes_.launch_fails = Unavailable("no processes left");
  StartRunner();
  const store::Run run = RunToEnd(Request("run", {Job()}));
  EXPECT_EQ(StatusFromJson(run.error_json).message(), "no processes left");
}

TEST_F(JobTest, FailsOnAnswersThatAreNone) {
  backend_.On("run_backend.Submit", R"({"process":{"argv":["relative"]}})");
  StartRunner();
  const store::Run run = RunToEnd(Request("run", {Job()}));
  EXPECT_EQ(StatusFromJson(run.error_json).code(), Code::kInternal);
  EXPECT_EQ(processes_.Launches(), 0);
}

TEST_F(JobTest, BoundsJobsThatLiveAtOnce) {
  options_.jobs = 2;
  std::atomic<int> alive = 0;
  std::atomic<int> most = 0;
  backend_.On("run_backend.Submit", [&](const Invocation& call) -> Result<std::string> {
    most = std::max(most.load(), ++alive);
    return R"({"handle":")" + call.node_id + "\"}";
  });
  backend_.On("run_backend.Check", [&](const Invocation&) -> Result<std::string> {
    --alive;
    return std::string(kSucceededJob);
  });
  StartRunner();
  std::vector<NodeSpec> jobs;
  for (const char* id : {"a", "b", "c", "d", "e"}) jobs.push_back(Job(id));
  EXPECT_EQ(RunToEnd(Request("run", jobs)).state, store::kSucceeded);
  EXPECT_LE(most, 2);
  EXPECT_EQ(alive, 0);
}

TEST_F(JobTest, FreesTheSlotOfAJobCancelledWhileItWaited) {
  options_.jobs = 1;
  processes_.reads_until_exit = -1;
  StartRunner();
  const auto first = runner_->Start(Request("run", {Job("a")}));
  AwaitWords(first->id, "launched");
  const auto second = runner_->Start(Request("run", {Job("b")}));
  EXPECT_TRUE(runner_->Cancel(second->id, "").ok());
  EXPECT_EQ(Await(second->id).state, store::kCancelled);
  EXPECT_TRUE(runner_->Cancel(first->id, "").ok());
  Await(first->id);
  processes_.reads_until_exit = 1;
  EXPECT_EQ(RunToEnd(Request("run", {Job("c")})).state, store::kSucceeded);
}

}  // namespace
}  // namespace dcp::graph
