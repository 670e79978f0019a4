// SPDX-License-Identifier: Apache-2.0
//
// The same life of a job with real processes under dcp-launch: what job_test.cc takes on trust.
#include <gmock/gmock.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "graph/base64.h"
#include "graph/testing.h"
#include "os/file.h"

namespace dcp::graph {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class RealJobTest : public GraphTest {
 protected:
  RealJobTest() {
    options_.launcher = DCP_TEST_LAUNCHER;
    backend_.On("run_backend.Check", [](const Invocation& call) -> Result<std::string> {
      const json process = json::parse(call.request_json)["process"];
      if (process["phase"] == "RUNNING") return std::string(R"({"state":"JOB_RUNNING"})");
      if (process["signal"] == 15) return std::string(R"({"state":"JOB_CANCELLED"})");
      const auto result = DecodeBase64(process["result"].get<std::string>());
      const bool good = process["exitCode"] == 0 && result == "done\n";
      return std::string(good ? R"({"state":"JOB_SUCCEEDED"})" : R"({"state":"JOB_FAILED"})");
    });
  }
  void StartRealRunner() {
    runner_ = Runner::Create(*store_, backend_, clock_, options_).value();
    ASSERT_TRUE(runner_->Recover().ok());
  }
  /// Notes each start in `starts`, waits for the line in the pipe `go`, leaves a result.
  std::string StartWaitingJob() {
    backend_.On("run_backend.Submit", [this](const Invocation&) -> Result<std::string> {
      const std::string script =
          "echo x >> starts; [ -p go ] || mkfifo go; echo up > up; read line < go; echo done > "
          "result";
      return json({{"process",
                    {{"argv", {"/bin/sh", "-c", "cd \"$1\" && " + script, "sh", Folder()}},
                     {"env", {{"PATH", "/usr/bin:/bin"}}},
                     {"resultFile", "result"}}}})
          .dump();
    });
    NodeSpec spec = Spec("job", "run_backend", "Submit");
    spec.request_json = R"({"job":{"table":"prod.nyc.daily"}})";
    return runner_->Start(Request("run", {spec}))->id;
  }
  /// Every run in a test has one job.
  std::string Folder() {
    const auto runs = store_->UnfinishedRuns().value();
    return folder_ + "/jobs/" + runs.front().id + "/job/" + os::kJobWorkFolder;
  }
  void AwaitLaunched(const std::string& run_id) {
    int64_t after = 0;
    for (int i = 0; i < 1000; ++i) {
      const auto events = runner_->WaitEvents(run_id, after, 5000).value();
      for (const Event& event : events) {
        after = std::max(after, event.sequence);
        if (event.detail == "launched") return;
      }
    }
    ADD_FAILURE() << "not launched";
  }
};

TEST_F(RealJobTest, OutlivesItsDaemonAndIsStartedOnce) {
  StartRealRunner();
  const std::string run_id = StartWaitingJob();
  AwaitLaunched(run_id);
  const std::string folder = Folder();
  runner_.reset();
  store_.reset();
  OpenStore();
  EXPECT_EQ(NodeOf(run_id, "job").state, store::kRunning);
  StartRealRunner();
  while (!os::Exists(folder + "/up")) std::this_thread::yield();
  std::ofstream(folder + "/go") << "now\n";  // opens when the job reads
  EXPECT_EQ(Await(run_id).state, store::kSucceeded);
  EXPECT_EQ(os::ReadFile(folder + "/starts", 100).value(), "x\n");
  EXPECT_EQ(backend_.Calls("Submit").size(), 1U);
  EXPECT_EQ(FaultOfHistory(store_->GetTransitions(run_id, 0, kWholeHistory).value()), "");
}

TEST_F(RealJobTest, ALostJobLeavesNoProcessBehind) {
  backend_.On("run_backend.Submit", [this](const Invocation&) -> Result<std::string> {
    const std::string script =
        "cd \"$1\"; sleep 600 & echo $! > child.new; mv child.new child; wait";
    return json({{"process",
                  {{"argv", {"/bin/sh", "-c", script, "sh", Folder()}},
                   {"env", {{"PATH", "/usr/bin:/bin"}}}}}})
        .dump();
  });
  backend_.On("run_backend.Check", [](const Invocation& call) -> Result<std::string> {
    const json process = json::parse(call.request_json)["process"];
    return std::string(process["phase"] == "RUNNING" ? R"({"state":"JOB_RUNNING"})"
                                                     : R"({"state":"JOB_FAILED"})");
  });
  StartRealRunner();
  NodeSpec spec = Spec("job", "run_backend", "Submit");
  spec.request_json = R"({"job":{"table":"prod.nyc.daily"}})";
  const std::string run_id = runner_->Start(Request("run", {spec}))->id;
  AwaitLaunched(run_id);
  const std::string folder = Folder();
  while (!os::Exists(folder + "/child")) std::this_thread::yield();
  const auto child = os::IdentityOf(std::stoi(os::ReadFile(folder + "/child", 100).value()));
  ASSERT_TRUE(child.ok()) << child.status().ToString();
  ASSERT_EQ(::kill(os::ReadJobState(folder.substr(0, folder.rfind('/')))->launcher.pid, SIGKILL),
            0);
  EXPECT_EQ(Await(run_id).state, store::kFailed);
  while (child->Alive()) std::this_thread::yield();  // it was killed before the run ended
}

TEST_F(RealJobTest, EndsWithItsRun) {
  StartRealRunner();
  const std::string run_id = StartWaitingJob();
  AwaitLaunched(run_id);
  const std::string folder = Folder();
  EXPECT_TRUE(runner_->Cancel(run_id, "enough").ok());
  EXPECT_EQ(Await(run_id).state, store::kCancelled);
  const auto state = os::ReadJobState(folder.substr(0, folder.rfind('/')));
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->phase, os::JobState::Phase::kExited);
  EXPECT_FALSE(state->job.Alive());
}

}  // namespace
}  // namespace dcp::graph
