// SPDX-License-Identifier: Apache-2.0
//
// What crosses this room's edges as JSON: answers read, requests written, records kept.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "graph/answers.h"
#include "graph/base64.h"
#include "graph/job_record.h"
#include "graph/requests.h"
#include "graph/status_json.h"

namespace dcp::graph {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TEST(StatusJsonTest, BringsBackWhatItWrote) {
  const Status status =
      NotFound("no such \"table\"").WithId("PZ0401").WithHint("look").At({"a.yaml", 3, 4});
  EXPECT_EQ(StatusFromJson(StatusToJson(status)), status);
  EXPECT_EQ(StatusToJson(Status::Ok()), "");
  EXPECT_TRUE(StatusFromJson("").ok());
  EXPECT_EQ(StatusFromJson("{").code(), Code::kInternal);
  EXPECT_EQ(StatusFromJson(R"({"code":"OK"})").code(), Code::kUnknown);
  EXPECT_THAT(StatusToJson(Internal("bad \xff byte")), HasSubstr("bad"));
}

TEST(Base64Test, BringsBackBytesOfEveryLength) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(DecodeBase64(EncodeBase64(bytes)), bytes);
    bytes += static_cast<char>(i * 7);
  }
  EXPECT_EQ(EncodeBase64("f"), "Zg==");
  EXPECT_EQ(EncodeBase64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(DecodeBase64("-_8"), std::string("\xfb\xff"));
  EXPECT_EQ(DecodeBase64("a"), std::nullopt);
  EXPECT_EQ(DecodeBase64("Zg=x"), std::nullopt);
}

TEST(AnswersTest, ReadsAGraph) {
  const auto answer = ParseResourceAnswer(
      R"({"graph":{"nodes":[{"id":"a","capability":"catalog","method":"Receipt",
      "request":{"mode":"ro"},"after":["b"],"route":"r","title":"t","always":true,
      "timeoutMs":"5000"}]}})");
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  ASSERT_EQ(answer->nodes.size(), 1U);
  const NodeSpec& node = answer->nodes[0];
  EXPECT_EQ(node.id + node.capability + node.method + node.route + node.title, "acatalogReceiptrt");
  EXPECT_THAT(node.after, ElementsAre("b"));
  EXPECT_TRUE(node.always);
  EXPECT_EQ(node.timeout_ms, 5000);
  EXPECT_EQ(node.request_json, R"({"mode":"ro"})");
}

TEST(AnswersTest, RefusesWhatDoesNotFitTheContract) {
  for (const char* text :
       {"", "[]", "{}", R"({"graph":[]})", R"({"graph":{"nodes":{}}})",
        R"({"graph":{"nodes":[1]}})", R"({"graph":{"nodes":[{"id":1}]}})",
        R"({"graph":{"nodes":[{"after":"x"}]}})", R"({"graph":{"nodes":[{"timeoutMs":"soon"}]}})",
        R"({"needsFiles":{"paths":[]}})", R"({"needsFiles":{"paths":[1]}})",
        R"({"report":"fine"})"}) {
    EXPECT_EQ(ParseResourceAnswer(text).status().code(), Code::kInternal) << text;
  }
}

TEST(AnswersTest, ReadsAProcess) {
  const auto answer = ParseSubmitAnswer(
      R"({"process":{"argv":["/bin/true","x"],"env":{"A":"1"},"files":[{"path":"in/spec.json",
      "content":"Zm9v"}],"resultFile":"result.json","stopGraceMs":"7"}})");
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  const ProcessPlan& plan = answer->process;
  EXPECT_THAT(plan.argv, ElementsAre("/bin/true", "x"));
  EXPECT_THAT(plan.env, ElementsAre(Pair("A", "1")));
  EXPECT_THAT(plan.files, ElementsAre(Pair("in/spec.json", "foo")));
  EXPECT_EQ(plan.stdout_file + plan.stderr_file + plan.result_file, "stdoutstderrresult.json");
  EXPECT_EQ(plan.stop_grace_ms, 7);
  const auto again = ProcessPlanFromJson(ProcessPlanToJson(plan));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->argv, plan.argv);
  EXPECT_EQ(again->env, plan.env);
  EXPECT_EQ(again->files.size(), 0U);
  EXPECT_EQ(again->stop_grace_ms, 7);
}

TEST(AnswersTest, RefusesProcessesThatLeaveTheirFolder) {
  const auto with_file = [](const std::string& path) {
    json file = {{"path", path}, {"content", ""}};
    return json({{"process", {{"argv", {"/bin/true"}}, {"files", {file}}}}}).dump();
  };
  EXPECT_TRUE(ParseSubmitAnswer(with_file("a/b..c")).ok());
  for (const char* path :
       {"", "/etc/x", "../x", "a/../x", "a//b", "./a", "a/", "exit", "lock", "process.json"}) {
    EXPECT_EQ(ParseSubmitAnswer(with_file(path)).status().code(), Code::kInternal) << path;
  }
  EXPECT_FALSE(ParseSubmitAnswer(R"({"process":{"argv":["true"]}})").ok());
  EXPECT_FALSE(ParseSubmitAnswer(R"({"process":{"argv":["/t"],"resultFile":"../r"}})").ok());
  EXPECT_FALSE(ParseSubmitAnswer(R"({"process":{"argv":["/t"]},"handle":"h"})").ok());
  EXPECT_FALSE(ParseSubmitAnswer("{}").ok());
  EXPECT_EQ(ParseSubmitAnswer(R"({"handle":"h"})")->handle, "h");
}

TEST(AnswersTest, ReadsAFailedJobsFirstFinding) {
  const auto answer = ParseCheckAnswer(
      R"({"state":"JOB_FAILED","detail":"d","retryable":true,"findings":[{"code":"PZ0411",
      "message":"division by zero","hint":"h","location":{"file":"q.sql","line":3}}]})");
  ASSERT_TRUE(answer.ok());
  EXPECT_TRUE(answer->retryable);
  EXPECT_EQ(answer->failure.message(), "division by zero");
  EXPECT_EQ(answer->failure.id(), "PZ0411");
  EXPECT_EQ(answer->failure.location().line, 3);
  EXPECT_EQ(ParseCheckAnswer(R"({"state":"JOB_FAILED","detail":"d"})")->failure.message(), "d");
  EXPECT_FALSE(ParseCheckAnswer(R"({"state":"DONE"})").ok());
  EXPECT_FALSE(ParseCheckAnswer("{}").ok());
}

TEST(RequestsTest, AddsWhatOnlyTheHostKnows) {
  store::Run run;
  run.id = "r1";
  run.principal = "ada";
  run.playground = "fin";
  store::Node node;
  node.id = "n";
  node.request_json = R"({"sql":"select 1","context":{"principal":"root"},"mounts":[{"x":1}]})";
  const std::string context = ContextJson(run, "n", "prod");
  const json request = json::parse(BuildRequest(node, context, "", {R"({"mode":"ro"})"}).value());
  EXPECT_EQ(request["context"]["principal"], "ada");
  EXPECT_EQ(request["context"]["catalog"], "prod");
  EXPECT_EQ(request["context"]["runId"], "r1");
  EXPECT_EQ(request["mounts"], json::parse(R"([{"mode":"ro"}])"));
  EXPECT_EQ(request["sql"], "select 1");
  EXPECT_FALSE(request.contains("outputs"));

  node.request_json = R"({"job":{"table":"prod.nyc.daily","runId":"forged"}})";
  const json submit = json::parse(
      BuildSubmit(node, context, R"({"mode":"rw"})", {"r1", "/jobs/r1/n", "r1/n", 99}).value());
  EXPECT_EQ(submit["job"]["runId"], "r1");
  EXPECT_EQ(submit["job"]["deadlineMs"], "99");
  EXPECT_EQ(submit["job"]["mounts"][0]["mode"], "rw");
  EXPECT_EQ(submit["lease"]["directory"], "/jobs/r1/n");
  EXPECT_EQ(submit["idempotencyKey"], "r1/n");
  node.request_json = "{}";
  EXPECT_FALSE(BuildSubmit(node, context, "{}", {}).ok());
}

TEST(RequestsTest, GivesOutputsOfFailedNodesToo) {
  RunState state(store::Run{}, {});
  NodeSpec a;
  a.id = "a";
  a.capability = "catalog";
  a.method = "Receipt";
  NodeSpec b = a;
  b.id = "b";
  NodeSpec c = a;
  c.id = "c";
  c.after = {"a", "b"};
  ASSERT_TRUE(state.Add({a, b, c}, 0, 1).ok());
  state.Succeed("a", R"({"loads":"1"})", 2);
  state.Fail("b", NotFound("gone").WithHint("look"), "", 2);
  const json outputs = json::parse(OutputsJson(state, *state.Find("c")));
  EXPECT_EQ(outputs[0],
            json::parse(R"({"nodeId":"a","state":"SUCCEEDED","response":{"loads":"1"}})"));
  EXPECT_EQ(outputs[1]["state"], "FAILED");
  EXPECT_EQ(outputs[1]["errorCode"], "NOT_FOUND");
  EXPECT_EQ(outputs[1]["error"]["message"], "gone");
  EXPECT_FALSE(outputs[1]["error"].contains("code"));
}

TEST(RequestsTest, TellsAJobsEndInTheContractsWords) {
  ProcessFacts facts;
  facts.exit_code = 3;
  facts.result = "foo";
  facts.stderr_tail = "bad \xff byte";
  const json request = json::parse(BuildProcessCheck("{}", facts));
  EXPECT_EQ(request["process"]["phase"], "EXITED");
  EXPECT_EQ(request["process"]["exitCode"], 3);
  EXPECT_EQ(request["process"]["result"], "Zm9v");
  facts.lost = true;
  EXPECT_EQ(json::parse(BuildProcessCheck("{}", facts))["process"]["phase"], "LOST");
}

TEST(JobRecordTest, BringsBackWhatItWrote) {
  JobRecord record;
  record.step = JobRecord::Step::kLaunched;
  record.attempt = 2;
  record.directory = "/jobs/r1/n~2";
  record.idempotency_key = "r1/n/2";
  record.deadline = 77;
  record.handle = "h";
  record.stderr_file = "stderr";
  record.result_file = "result.json";
  record.stop_grace_ms = 5;
  record.stop = JobRecord::Stop::kDeadline;
  record.stop_at = 78;
  const std::string text = JobRecordToJson(record);
  const auto again = JobRecordFromJson(text);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(JobRecordToJson(*again), text);
  EXPECT_EQ(again->step, JobRecord::Step::kLaunched);
  EXPECT_EQ(JobRecordFromJson("")->step, JobRecord::Step::kNone);
  EXPECT_EQ(JobRecordFromJson("{}").status().code(), Code::kDataLoss);
}

TEST(JobRecordTest, GivesEachAttemptAFolderOfItsOwn) {
  EXPECT_EQ(JobFolder("/jobs", "r1", "n", 1), "/jobs/r1/n");
  EXPECT_EQ(JobFolder("/jobs", "r1", "n", 2), "/jobs/r1/n~2");
}

}  // namespace
}  // namespace dcp::graph
