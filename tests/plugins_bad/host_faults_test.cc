// SPDX-License-Identifier: Apache-2.0
//
// The host against faulty plugins, through the real worker program. Every test ends with the same
// question: does the good plugin beside the bad one still answer?
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/clock.h"
#include "host/host.h"

namespace dcp::host {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

constexpr char kCompile[] = R"({"command":"test"})";
constexpr char kAnalyze[] = R"({"sql":"SELECT 1"})";

class HostFaultsTest : public ::testing::Test {
 protected:
  /// Routes: "good" leads to echo, "bad" to the plugin under test.
  void Start(const std::string& bad, const std::string& config = "{}") {
    settings_.worker_program = TEST_WORKER;
    if (settings_.directories.empty()) settings_.directories = {TEST_PLUGINS};
    settings_.instances.resize(2);
    settings_.instances[0].id = "good";
    settings_.instances[0].plugin = "echo";
    settings_.instances[0].config_json = Secret("{}");
    settings_.instances[0].env = {{"TEST_ECHO", "allowed"}};
    settings_.instances[1].id = "bad";
    settings_.instances[1].plugin = bad;
    settings_.instances[1].config_json = Secret(config);
    for (const char* capability : {"resource", "test_backend"}) {
      settings_.routes[capability] = {{"good", "good"}, {"bad", "bad"}};
    }
    auto host = Host::Start(settings_);
    ASSERT_TRUE(host.ok()) << host.status().ToString();
    host_ = std::move(host).value();
  }

  void TearDown() override {
    if (!host_) return;
    const auto reply = host_->Call("resource", "good", "Describe", "{}", {});
    ASSERT_TRUE(reply.ok()) << reply.status().ToString();
    EXPECT_EQ(Json::parse(*reply), Json::parse(R"({"kinds":["Base"]})"));
    EXPECT_EQ(StateOf("good").restarts, 0);
  }

  Result<std::string> Bad(const std::string& method, const CallOptions& options = {}) {
    if (method == "Analyze") return host_->Call("test_backend", "bad", method, kAnalyze, options);
    return host_->Call("resource", "bad", method, method == "Compile" ? kCompile : "{}", options);
  }
  Status BadStatus(const std::string& method, const CallOptions& options = {}) {
    return Bad(method, options).status();
  }
  /// The plugin never came up: its state and its calls say why.
  void ExpectFailed(Code code, const std::string& text) {
    const Status status = BadStatus("Describe");
    EXPECT_EQ(status.code(), code) << status.ToString();
    EXPECT_THAT(status.message(), HasSubstr(text));
    EXPECT_EQ(StateOf("bad").state, "FAILED");
    EXPECT_THAT(StateOf("bad").detail, HasSubstr(text));
  }
  void ExpectDescribes(const std::string& kind) {
    const auto reply = Bad("Describe");
    ASSERT_TRUE(reply.ok()) << reply.status().ToString();
    EXPECT_EQ(Json::parse(*reply)["kinds"][0], kind);
  }
  InstanceState StateOf(const std::string& id) {
    for (const InstanceState& state : host_->States()) {
      if (state.id == id) return state;
    }
    return {};
  }

  Settings settings_;
  std::unique_ptr<Host> host_;
};

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
  const auto reply = host_->Call("test_backend", "good", "Analyze",
                                 R"({"sql":"SELECT 1","source":{"first_line_offset":3}})", {});
  ASSERT_TRUE(reply.ok()) << reply.status().ToString();
  const Json json = Json::parse(*reply);
  EXPECT_EQ(Json::parse(json["engine"].get<std::string>()),
            Json::parse(R"({"sql":"SELECT 1","source":{"firstLineOffset":3}})"));
  const Status unknown =
      host_->Call("test_backend", "good", "Analyze", R"({"sqll":"SELECT 1"})", {}).status();
  EXPECT_EQ(unknown.code(), Code::kInternal);
  EXPECT_THAT(unknown.message(), HasSubstr("sqll"));
}

TEST_F(HostFaultsTest, TheWorkerSeesOnlyTheAllowedEnvironment) {
  ASSERT_EQ(setenv("TEST_ECHO", "inherited", 1), 0);
  Start("waits");
  const auto reply = host_->Call("test_backend", "good", "Analyze", kAnalyze, {});
  ASSERT_TRUE(reply.ok()) << reply.status().ToString();
  EXPECT_EQ(Json::parse(*reply)["engineVersion"], "allowed");
}

TEST_F(HostFaultsTest, AnErrorKeepsItsCodeIdHintAndPlace) {
  Start("waits");
  const Status status = host_->Call("resource", "good", "Compile", kCompile, {}).status();
  EXPECT_EQ(status.ToString(), "b.yaml:4:9: INVALID_ARGUMENT [PZ0203]: no column dayy (hint: day)");
}

TEST_F(HostFaultsTest, RoutesAndMethodsThatDoNotExistAreNamed) {
  Start("waits");
  Status status = host_->Call("resource", "goof", "Describe", "{}", {}).status();
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_THAT(status.message(), HasSubstr("configured: bad, good"));
  EXPECT_THAT(status.hint(), HasSubstr("\"good\""));
  status = host_->Call("resource", "good", "Continue", "{}", {}).status();
  EXPECT_EQ(status.code(), Code::kUnimplemented);
  EXPECT_THAT(status.message(), HasSubstr("Describe Compile"));
}

TEST_F(HostFaultsTest, FilesThatAreNoPlugins) {
  const struct {
    const char* name;
    const char* reason;
  } cases[] = {
      {"no_entry", "does not export dcp_plugin_v1"},
      {"other_major", "is built for plugin ABI 2 (it exports dcp_plugin_v2), this host has ABI 1"},
      {"no_section", "has no section .dcp.manifest"},
  };
  for (const auto& c : cases) {
    settings_ = {};
    Start(c.name);
    const std::string path = std::string(TEST_PLUGINS) + "/" + c.name + ".so";
    ExpectFailed(Code::kFailedPrecondition, path + " ");
    ExpectFailed(Code::kFailedPrecondition, c.reason);
  }
}

TEST_F(HostFaultsTest, DamagedFiles) {
  namespace fs = std::filesystem;
  const fs::path folder =
      fs::path(::testing::TempDir()) / ("dcp_damaged_" + std::to_string(getpid()));
  fs::create_directories(folder);
  std::ifstream in(std::string(TEST_PLUGINS) + "/echo.so", std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  ASSERT_GT(whole.size(), 1000U);
  const auto write = [&](const char* name, const std::string& bytes) {
    std::ofstream(folder / name, std::ios::binary) << bytes;
  };
  write("a_text.so", "this is no shared object\n");
  write("b_empty.so", "");
  write("c_truncated.so", whole.substr(0, whole.size() / 2));
  std::string other = whole;
  other[18] = 0x28;  // e_machine: 32-bit ARM
  write("d_arm.so", other);
  other = whole;
  other[4] = 1;  // EI_CLASS: 32 bit
  write("e_narrow.so", other);
  settings_.directories = {"/nowhere/at/all", folder.string(), TEST_PLUGINS};
  Start("missing");
  ExpectFailed(Code::kFailedPrecondition, "no plugin \"missing\" in /nowhere/at/all, ");
  for (const char* reason :
       {"/nowhere/at/all: No such file", "a_text.so is not an ELF file",
        "b_empty.so is not an ELF file", "c_truncated.so is truncated or damaged",
        "d_arm.so is built for arm, this machine is", "e_narrow.so is not a 64-bit ELF file"}) {
    EXPECT_THAT(StateOf("bad").detail, HasSubstr(reason));
  }
  fs::remove_all(folder);
}

TEST_F(HostFaultsTest, TablesThatBreakTheAbi) {
  const struct {
    const char* name;
    Code code;
    const char* reason;
  } cases[] = {
      {"short_table", Code::kInvalidArgument, "bytes, ABI 1.0 needs"},
      {"null_slot", Code::kInvalidArgument, "no function in the required slot \"cancel\""},
      {"null_table", Code::kInvalidArgument, "returned no table"},
      {"wrong_descriptor", Code::kInvalidArgument, "descriptor differs"},
      {"newer_host", Code::kFailedPrecondition, "needs host ABI 1.7, this host has 1.0"},
      {"unresolved", Code::kInvalidArgument, "dcp_test_function_nobody_defines"},
      {"fails_silently", Code::kFailedPrecondition, "create() failed and gave no reason"},
      {"no_instance", Code::kInternal, "answered OK and made no instance"},
  };
  for (const auto& c : cases) {
    settings_ = {};
    Start(c.name);
    ExpectFailed(c.code, c.reason);
    EXPECT_EQ(StateOf("bad").restarts, 0) << c.name;  // trying again cannot help
  }
}

TEST_F(HostFaultsTest, ANewerTableIsNoFault) {
  Start("long_table");
  ExpectDescribes("Base");
}

TEST_F(HostFaultsTest, ARefusedConfigurationIsNamedAndNotShown) {
  Start("never_completes", "password=hunter2");
  ExpectFailed(Code::kInvalidArgument,
               "plugin never_completes (instance bad) refuses its configuration: the configuration "
               "is not an object");
  EXPECT_THAT(StateOf("bad").detail, Not(HasSubstr("hunter2")));
}

TEST_F(HostFaultsTest, ACrashWhileLoadingIsRetriedAndThenGivenUp) {
  Start("crash_constructor");
  EXPECT_THAT(StateOf("bad").state, ::testing::AnyOf("RESTARTING", "FAILED"));
  const Status status = BadStatus("Describe");
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("plugin crash_constructor (instance bad)"),
                                      HasSubstr("signal 4"), HasSubstr("while it started")));
  EXPECT_EQ(StateOf("bad").state, "FAILED");
  EXPECT_GT(StateOf("bad").restarts, 1);
}

TEST_F(HostFaultsTest, ACrashInCreateQuotesTheLastWords) {
  Start("crash_create");
  const Status status = BadStatus("Describe");
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("signal 6"), HasSubstr("about to give up")));
}

TEST_F(HostFaultsTest, ACrashInACallIsAnAnswerAndTheNextCallIsServed) {
  Start("crash_invoke");
  const Status status = BadStatus("Compile");
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("plugin crash_invoke (instance bad) ended with signal 4"),
                    HasSubstr("in Compile"), HasSubstr("the widget is upside down")));
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

/// A call of `waits` on a thread of its own, which is known to have begun.
class WaitingCall {
 public:
  explicit WaitingCall(Host& host) {
    options_.cancelled = [this] { return cancelled_.load(); };
    options_.on_progress = [this](const std::string& text) {
      const std::lock_guard lock(mutex_);
      progress_ = text;
      changed_.notify_all();
    };
    thread_ = std::thread([this, &host] {
      status_ = host.Call("test_backend", "bad", "Analyze", kAnalyze, options_).status();
    });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !progress_.empty(); });
  }
  void Cancel() { cancelled_ = true; }
  Status Join() {
    thread_.join();
    return status_;
  }
  const std::string& progress() const { return progress_; }

 private:
  CallOptions options_;
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string progress_;
  Status status_;
  std::thread thread_;
};

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

TEST_F(HostFaultsTest, AStoppedWorkerIsFoundByItsSilence) {
  settings_.ping_timeout_ms = 100;
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

TEST_F(HostFaultsTest, AWorkerProgramThatIsMissingIsNamed) {
  Settings settings;
  settings.directories = {TEST_PLUGINS};
  settings.worker_program = "/nowhere/dcp-plugin-worker";
  settings.instances.resize(1);
  settings.instances[0].id = "good";
  settings.instances[0].plugin = "echo";
  settings.routes["resource"] = {{"", "good"}};
  auto host = Host::Start(settings);
  ASSERT_TRUE(host.ok());
  const Status status = (*host)->Call("resource", "", "Describe", "{}", {}).status();
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("/nowhere/dcp-plugin-worker"));
}

}  // namespace
}  // namespace dcp::host
