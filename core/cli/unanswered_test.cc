// SPDX-License-Identifier: Apache-2.0
//
// Answers that are lost on their way, and runs whose end is not confirmed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "api/testing/fixture.h"
#include "cli/app.h"
#include "cli/exit_code.h"
#include "cli/run_flow.h"

namespace dcp::cli {
namespace {

using ::testing::HasSubstr;

class UnansweredTest : public ::testing::Test {
 protected:
  UnansweredTest() {
    manifest_ = daemon_.folder + "/B.yaml";
    std::ofstream(manifest_) << "select y\n";
    env_ = {{"HOME", daemon_.folder},
            {"PRETZEL_ENDPOINT", daemon_.target()},
            {"PRETZEL_TOKEN", "ana-token"},
            {"PRETZEL_PLAYGROUND", "fin"}};
    const Status started = daemon_.Start();
    EXPECT_TRUE(started.ok()) << started.ToString();
    EXPECT_TRUE(daemon_.playgrounds->Create({"ana", "finance", "dev"}, "fin", 0, {}).ok());
    daemon_.runner->on_start = [this](const store::Run& run) {
      graph::NodeSpec job;
      job.id = "job";
      EXPECT_TRUE(daemon_.runner->AddNode(run.id, job).ok());
      EXPECT_TRUE(daemon_.runner->SetNode(run.id, "compile", store::kSucceeded).ok());
      if (!ends_) return;
      EXPECT_TRUE(daemon_.runner->Finish(run.id, store::kSucceeded).ok());
    };
  }

  Io IoOf(std::istringstream& in) {
    return {&in, &out_, &err_, false, false, false, [this](const std::string& name) {
              const auto found = env_.find(name);
              return found == env_.end() ? std::string() : found->second;
            }};
  }
  int Pretzel(std::vector<std::string> line) {
    out_.str("");
    err_.str("");
    std::istringstream in;
    return Main(IoOf(in), std::move(line));
  }
  std::vector<std::string> Runs() {
    std::vector<std::string> ids;
    for (const store::RunSummary& run :
         daemon_.store->ListRuns({"ana", ""}, "", 100).value().runs) {
      ids.push_back(run.id);
    }
    return ids;
  }

  api::testing::Daemon daemon_;
  bool ends_ = true;
  std::map<std::string, std::string> env_;
  std::string manifest_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(UnansweredTest, AStartWhoseAnswersAreLostStartsOneRun) {
  daemon_.runner->lost_answers = 2;
  EXPECT_EQ(Pretzel({"test", manifest_}), kExitOk) << err_.str();
  EXPECT_EQ(Runs().size(), 1U);
  EXPECT_EQ(daemon_.runner->lost_answers, 0);
}

TEST_F(UnansweredTest, WhoGivesUpSaysHowToFindTheRun) {
  daemon_.runner->lost_answers = 1'000'000;
  std::istringstream in;
  const auto session = Session::Open(IoOf(in), {});
  ASSERT_TRUE(session.ok());
  RunPlan plan;
  plan.command = "test";
  plan.start_patience_ms = 1;
  EXPECT_EQ(RunManifests(**session, plan, {manifest_}), kExitUnavailable);
  EXPECT_THAT(err_.str(), HasSubstr("it is not known whether the run was started"));
  const std::string flag = "--client-token ";
  const size_t at = err_.str().find(flag);
  ASSERT_NE(at, std::string::npos) << err_.str();
  const size_t token = at + flag.size();
  const std::string text = err_.str().substr(token, err_.str().find(',', token) - token);
  ASSERT_EQ(Runs().size(), 1U);
  daemon_.runner->lost_answers = 0;
  EXPECT_EQ(Pretzel({"test", manifest_, "--client-token", text, "-o", "name"}), kExitOk);
  EXPECT_EQ(out_.str(), Runs().front() + "\n");
  EXPECT_EQ(Runs().size(), 1U);
  // Without it, it is another command.
  EXPECT_EQ(Pretzel({"test", manifest_}), kExitOk) << err_.str();
  EXPECT_EQ(Runs().size(), 2U);
}

TEST_F(UnansweredTest, ADaemonThatIsNotThereIsSaidAtOnce) {
  env_["PRETZEL_ENDPOINT"] = "unix:" + daemon_.folder + "/nobody.sock";
  const SteadyMillis before = SystemClock().Steady();
  EXPECT_EQ(Pretzel({"test", manifest_}), kExitUnavailable);
  EXPECT_LT(SystemClock().Steady() - before, kReconnectMs);
  EXPECT_EQ(err_.str().find("client-token"), std::string::npos) << err_.str();
}

TEST_F(UnansweredTest, OperatorsAbandonAnybodysRunInTwoSteps) {
  ends_ = false;
  EXPECT_EQ(Pretzel({"run", manifest_}), kExitOk) << err_.str();
  const auto runs = Runs();
  ASSERT_EQ(runs.size(), 1U);
  const std::string& id = runs.front();
  EXPECT_EQ(Pretzel({"run", "abandon", id, "--yes"}), kExitDenied);
  EXPECT_THAT(err_.str(), HasSubstr("PZ0910"));
  env_["PRETZEL_TOKEN"] = "bo-token";
  EXPECT_EQ(Pretzel({"run", "abandon", id}), kExitUsage) << "nobody was asked";
  EXPECT_EQ(Pretzel({"run", "abandon", id, "--yes"}), kExitOk) << err_.str();
  EXPECT_EQ(out_.str(), "run " + id + ": is being cancelled\n");
  EXPECT_EQ(daemon_.store->GetRun(id)->state, store::kPending);
  EXPECT_EQ(Pretzel({"run", "abandon", id, "--yes"}), kExitOk) << err_.str();
  EXPECT_EQ(out_.str(), "run " + id + ": has ended, CANCELLED\n");
  EXPECT_EQ(Pretzel({"run", "abandon", "r0000000000000000", "--yes"}), kExitConflict);
  EXPECT_THAT(err_.str(), HasSubstr("PZ0904"));
}

}  // namespace
}  // namespace dcp::cli
