// SPDX-License-Identifier: Apache-2.0
//
// Calls of faulty plugins, through the real worker program.
#include <signal.h>

#include "host_fixture.h"

namespace dcp::host {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class HostFaultsTest : public HostFixture {};

CallOptions Within(int64_t milliseconds) {
  CallOptions options;
  options.deadline = SystemClock().Steady() + milliseconds;
  return options;
}

TEST_F(HostFaultsTest, GoodPluginsAnswerInBothEncodings) {
  Start("proto_echo");
  ExpectDescribes("Proto");
  const InstanceState state = StateOf("good");
  EXPECT_EQ(state.state, "READY");
  EXPECT_EQ(state.version, "1.0.0");
  EXPECT_THAT(state.capabilities, ElementsAre("resource", "test_backend"));
  const Status garbled = BadStatus("Analyze");
  EXPECT_EQ(garbled.code(), Code::kInternal);
  EXPECT_THAT(garbled.message(), HasSubstr("not the contract's message"));
  const Status error = BadStatus("Compile");
  EXPECT_EQ(error.code(), Code::kNotFound);
  EXPECT_EQ(error.message(), "nothing");
  EXPECT_EQ(error.id(), "PZ0001");
}

TEST_F(HostFaultsTest, RequestsAreCheckedAndMadeCanonical) {
  Start("waits");
  const auto reply = host_->Call({"test_backend", "good", "", "", ""}, "Analyze",
                                 R"({"sql":"SELECT 1","source":{"first_line_offset":3}})", {});
  ASSERT_TRUE(reply.ok()) << reply.status().ToString();
  const Json json = Json::parse(*reply);
  EXPECT_EQ(Json::parse(json["engine"].get<std::string>()),
            Json::parse(R"({"sql":"SELECT 1","source":{"firstLineOffset":3}})"));
  const Status unknown =
      host_->Call({"test_backend", "good", "", "", ""}, "Analyze", R"({"sqll":"SELECT 1"})", {})
          .status();
  EXPECT_EQ(unknown.code(), Code::kInternal);
  EXPECT_THAT(unknown.message(), HasSubstr("sqll"));
}

TEST_F(HostFaultsTest, TheWorkerSeesOnlyTheAllowedEnvironment) {
  ASSERT_EQ(setenv("TEST_ECHO", "inherited", 1), 0);
  Start("waits");
  const auto reply = host_->Call({"test_backend", "good", "", "", ""}, "Analyze", kAnalyze, {});
  ASSERT_TRUE(reply.ok()) << reply.status().ToString();
  EXPECT_EQ(Json::parse(*reply)["engineVersion"], "allowed");
}

TEST_F(HostFaultsTest, AnErrorKeepsItsCodeIdHintAndPlace) {
  Start("waits");
  const Status status =
      host_->Call({"resource", "good", "", "", ""}, "Compile", kCompile, {}).status();
  EXPECT_EQ(status.ToString(), "b.yaml:4:9: INVALID_ARGUMENT [PZ0203]: no column dayy (hint: day)");
}

TEST_F(HostFaultsTest, RoutesAndMethodsThatDoNotExistAreNamed) {
  Start("waits");
  Status status = host_->Call({"resource", "goof", "", "", ""}, "Describe", "{}", {}).status();
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_THAT(status.message(), HasSubstr("configured: bad, good"));
  EXPECT_THAT(status.hint(), HasSubstr("\"good\""));
  status = host_->Call({"resource", "good", "", "", ""}, "Continue", "{}", {}).status();
  EXPECT_EQ(status.code(), Code::kUnimplemented);
  EXPECT_THAT(status.message(), HasSubstr("Describe Compile"));
}

TEST_F(HostFaultsTest, ACrashInACallIsAnAnswerAndTheNextCallIsServed) {
  Start("crash_invoke");
  const Status status = BadStatus("Compile");
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("plugin crash_invoke (instance bad) ended with signal 4"),
                    HasSubstr("in Compile"), Not(HasSubstr("the widget is upside down"))));
  // What it printed may be about others: the caller is not told, an operator is.
  EXPECT_THAT(status.log_tail(), HasSubstr("the widget is upside down"));
  ExpectDescribes("Base");
  EXPECT_EQ(StateOf("bad").restarts, 1);
  EXPECT_EQ(StateOf("bad").state, "READY");
}

TEST_F(HostFaultsTest, AnExitInACallIsAnAnswer) {
  Start("exit_invoke");
  const Status status = BadStatus("Compile");
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("ended with exit code 7 in Compile"));
  ExpectDescribes("Base");
}

TEST_F(HostFaultsTest, CrashesWithAnswersBetweenThemDoNotAddUp) {
  settings_.deny_after = 0;  // the same request each time, and it is the deaths that are counted
  Start("exit_invoke");
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(BadStatus("Compile").code(), Code::kUnavailable);
    ExpectDescribes("Base");
  }
  EXPECT_EQ(StateOf("bad").state, "READY");
}

TEST_F(HostFaultsTest, ACallThatNeverCompletesEndsAtItsDeadline) {
  Start("never_completes");
  const Status status = BadStatus("Compile", Within(50));
  EXPECT_EQ(status.code(), Code::kDeadlineExceeded);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("never_completes"), HasSubstr("Compile")));
  ExpectDescribes("Base");
}

TEST_F(HostFaultsTest, AHungCallCostsTheWorkerItsLife) {
  settings_.hang_grace_ms = 50;
  settings_.ping_timeout_ms = 200;
  Start("spins");
  EXPECT_EQ(BadStatus("Compile", Within(20)).code(), Code::kDeadlineExceeded);
  // Serial: the next call waits behind the stuck one, dies with it, or finds the new worker.
  Status status = BadStatus("Describe", Within(20'000));
  if (status.code() == Code::kUnavailable) {
    EXPECT_THAT(status.message(), HasSubstr("did not end although it was asked to"));
    status = BadStatus("Describe", Within(20'000));
  }
  EXPECT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(StateOf("bad").restarts, 1);
}

TEST_F(HostFaultsTest, OnlyTheFirstAnswerCounts) {
  Start("completes_twice");
  for (int i = 0; i < 3; ++i) ExpectDescribes("First");
  EXPECT_EQ(StateOf("bad").restarts, 0);
}

TEST_F(HostFaultsTest, AnExceptionThatLeavesThePluginIsNamed) {
  Start("throws");
  const Status status = BadStatus("Describe");
  EXPECT_EQ(status.code(), Code::kInternal);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("C++ exception left the plugin's invoke()"),
                                      HasSubstr("the plug was pulled")));
  EXPECT_EQ(StateOf("bad").restarts, 0);
}

TEST_F(HostFaultsTest, PrintingDoesNotDisturbTheProtocol) {
  Start("noisy");
  for (int i = 0; i < 3; ++i) ExpectDescribes("Base");
}

TEST_F(HostFaultsTest, ThirtyTwoMegabytesPassAndTooManyAreRefused) {
  Start("big_response");
  const auto reply = Bad("Analyze");
  ASSERT_TRUE(reply.ok()) << reply.status().ToString();
  EXPECT_EQ(reply->size(), size_t{32} << 20);
  const Status status = BadStatus("Compile");
  EXPECT_EQ(status.code(), Code::kResourceExhausted);
  EXPECT_THAT(status.message(), HasSubstr("the limit is 67108864"));
}

TEST_F(HostFaultsTest, AnswersOutsideTheContractAreInternal) {
  Start("odd_answers");
  Status status = BadStatus("Describe");
  EXPECT_EQ(status.code(), Code::kInternal);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("odd_answers"), HasSubstr("resource.Describe"), HasSubstr("kind")));
  EXPECT_EQ(BadStatus("Analyze").code(), Code::kInternal);
  status = BadStatus("Compile");
  EXPECT_EQ(status.code(), Code::kUnknown);
  EXPECT_THAT(status.message(), HasSubstr("not json either"));
}

TEST_F(HostFaultsTest, ACancelledCallEndsSoon) {
  Start("waits");
  WaitingCall call(*host_);
  EXPECT_EQ(call.progress(), R"({"state":"waiting"})");
  call.Cancel();
  EXPECT_EQ(call.Join().code(), Code::kCancelled);
  EXPECT_EQ(StateOf("bad").restarts, 0);
}

TEST_F(HostFaultsTest, APluginOfTheSdkAnswersFailsAndStops) {
  Start("sdk_plugin");
  ExpectDescribes("Sdk");
  EXPECT_EQ(BadStatus("Compile").ToString(),
            "b.yaml:4:9: INVALID_ARGUMENT [PZ0203]: no column \"dayy\" (hint: day)");
  WaitingCall call(*host_);
  ExpectDescribes("Sdk");  // in parallel
  call.Cancel();
  EXPECT_EQ(call.Join().code(), Code::kCancelled);
  EXPECT_EQ(StateOf("bad").restarts, 0);
  host_.reset();
  Start("sdk_plugin", "{\"colour\":1}");
  ExpectFailed(Code::kInvalidArgument, "no settings are known");
}

TEST_F(HostFaultsTest, ADeadlineStopsAPluginThatListens) {
  Start("waits");
  EXPECT_EQ(BadStatus("Analyze", Within(30)).code(), Code::kDeadlineExceeded);
  ExpectDescribes("Base");
  EXPECT_EQ(StateOf("bad").restarts, 0);
}

TEST_F(HostFaultsTest, KillingTheWorkerAnswersEveryOpenCall) {
  Start("waits");
  WaitingCall first(*host_);
  WaitingCall second(*host_);
  ASSERT_EQ(kill(static_cast<pid_t>(StateOf("bad").pid), SIGKILL), 0);
  for (WaitingCall* call : {&first, &second}) {
    const Status status = call->Join();
    EXPECT_EQ(status.code(), Code::kUnavailable);
    EXPECT_THAT(status.message(), HasSubstr("ended with signal 9 (KILL) in Analyze"));
  }
  ExpectDescribes("Base");
}

/// Little, so that the silence is short; but the good worker must answer within it.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int64_t kPingTimeoutMs = 2'000;
#else
constexpr int64_t kPingTimeoutMs = 100;
#endif

TEST_F(HostFaultsTest, AStoppedWorkerIsFoundByItsSilence) {
  settings_.ping_timeout_ms = kPingTimeoutMs;
  Start("waits");
  WaitingCall call(*host_);
  ASSERT_EQ(kill(static_cast<pid_t>(StateOf("bad").pid), SIGSTOP), 0);
  const Status status = call.Join();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("did not answer a ping"));
  ExpectDescribes("Base");
}

TEST_F(HostFaultsTest, NothingIsLeftBehind) {
  Start("waits");
  const auto good = static_cast<pid_t>(StateOf("good").pid);
  const auto bad = static_cast<pid_t>(StateOf("bad").pid);
  host_.reset();
  EXPECT_EQ(kill(good, 0), -1);
  EXPECT_EQ(kill(bad, 0), -1);
}

}  // namespace
}  // namespace dcp::host
