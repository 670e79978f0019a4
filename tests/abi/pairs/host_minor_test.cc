// SPDX-License-Identifier: Apache-2.0
//
// The host itself, of each minor, with plugins of each minor: in a worker, in a worker that was
// built with the frozen header of 1.0, and in this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "host/host.h"

namespace dcp::host {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr char kDrained[] = "drain\nlate\nrefused\ndestroy\n";
constexpr char kDestroyed[] = "destroy\n";
/// For a worker to start or to end on a machine that does other things too.
constexpr std::chrono::seconds kPatience{30};

std::string Read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

struct Pair {
  const char* name;
  const char* worker;  ///< nullptr: in this process
  const char* plugin;
  const char* kind;   ///< how calls are answered, or nullptr when the plugin is refused
  const char* story;  ///< the trace, or the reason of the refusal
};

class HostMinorTest : public ::testing::TestWithParam<Pair> {
 protected:
  HostMinorTest() {
    fs::create_directories(scratch_);
    settings_.worker_program = GetParam().worker == nullptr ? TEST_WORKER : GetParam().worker;
    settings_.directories = {TEST_PLUGINS};
    settings_.store_directory = scratch_ + "/libraries";
    settings_.instances.resize(1);
    settings_.instances[0].id = "it";
    settings_.instances[0].sandboxed = false;  // it tells its story in a file
    settings_.instances[0].plugin = GetParam().plugin;
    settings_.instances[0].isolation =
        GetParam().worker == nullptr ? kIsolationInProcess : kIsolationWorker;
    Trace("first");
  }
  ~HostMinorTest() override { fs::remove_all(scratch_); }

  void Trace(const std::string& name) {
    const nlohmann::json config = {{"trace", scratch_ + "/" + name}};
    settings_.instances[0].config_json = Secret(config.dump());
  }
  std::string Written(const std::string& name) { return Read(scratch_ + "/" + name); }

  void Start() {
    auto host = Host::Start(settings_);
    ASSERT_TRUE(host.ok()) << host.status().ToString();
    host_ = std::move(host).value();
  }
  void CheckCalls() {
    for (int i = 0; i < 20; ++i) {
      const auto reply = host_->Call("it", "resource", "Describe", "{}", {});
      ASSERT_TRUE(reply.ok()) << reply.status().ToString();
      EXPECT_EQ(nlohmann::json::parse(*reply)["kinds"][0], GetParam().kind);
    }
  }

  const std::string scratch_ = ::testing::TempDir() + "dcp_minor_" + std::to_string(getpid());
  Settings settings_;
  std::unique_ptr<Host> host_;
};

TEST_P(HostMinorTest, CallsAreAnsweredAndTheInstanceLeavesInOrder) {
  Start();
  if (GetParam().kind == nullptr) {
    EXPECT_THAT(host_->States().front().detail, HasSubstr(GetParam().story));
    EXPECT_EQ(host_->States().front().state, "FAILED");
    return;
  }
  CheckCalls();
  host_.reset();
  EXPECT_EQ(Written("first"), GetParam().story);
}

TEST_P(HostMinorTest, AReloadSeesTheOldInstanceOffTheSameWay) {
  if (GetParam().kind == nullptr) GTEST_SKIP() << "refused, as the test above says";
  Start();
  Trace("second");
  const auto reloaded = host_->Reload(settings_, nullptr);
  ASSERT_TRUE(reloaded.ok()) << reloaded.status().ToString();
  CheckCalls();
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (Written("first") != GetParam().story && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(Written("first"), GetParam().story);
  EXPECT_EQ(Written("second"), "");
}

constexpr char kNeeds[] = "the plugin needs host ABI 1.1, this host has 1.0";
constexpr char kShort[] = "the plugin's table has 72 bytes, ABI 1.0 needs 80";

INSTANTIATE_TEST_SUITE_P(
    Pairs, HostMinorTest,
    ::testing::Values(Pair{"Host0Plugin0", TEST_OLD_WORKER, "plugin_1_0", "inline", kDestroyed},
                      Pair{"Host0Plugin1", TEST_OLD_WORKER, "plugin_1_1", "inline", kDestroyed},
                      Pair{"Host1Plugin0", TEST_WORKER, "plugin_1_0", "inline", kDestroyed},
                      Pair{"Host1Plugin1", TEST_WORKER, "plugin_1_1", "posted", kDrained},
                      Pair{"Host1Targets0", TEST_WORKER, "plugin_targets_1_0", "inline",
                           kDestroyed},
                      Pair{"Host0Needs1", TEST_OLD_WORKER, "plugin_needs_1_1", nullptr, kNeeds},
                      Pair{"Host1Needs1", TEST_WORKER, "plugin_needs_1_1", "posted", kDrained},
                      Pair{"Host0Short", TEST_OLD_WORKER, "plugin_short", nullptr, kShort},
                      Pair{"Host1Short", TEST_WORKER, "plugin_short", nullptr, kShort},
                      Pair{"InProcessPlugin0", nullptr, "plugin_1_0", "inline", kDestroyed},
                      Pair{"InProcessPlugin1", nullptr, "plugin_1_1", "posted", kDrained}),
    [](const ::testing::TestParamInfo<Pair>& pair) { return std::string(pair.param.name); });

}  // namespace
}  // namespace dcp::host
