// SPDX-License-Identifier: Apache-2.0
//
// A host with the good plugin "echo" and a bad one beside it. Every test ends with the same
// question: does the good plugin still answer?
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "base/clock.h"
#include "host/host.h"

namespace dcp::host {

using Json = nlohmann::json;

inline constexpr char kCompile[] = R"({"command":"test"})";
inline constexpr char kAnalyze[] = R"({"sql":"SELECT 1"})";

class HostFixture : public ::testing::Test {
 protected:
  /// Routes: "good" leads to echo, "bad" to the plugin under test.
  void Start(const std::string& bad, const std::string& config = "{}") {
    if (settings_.worker_program.empty()) settings_.worker_program = TEST_WORKER;
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
      settings_.routes[capability].named = {{"good", "good"}, {"bad", "bad"}};
    }
    auto host = Host::Start(settings_);
    ASSERT_TRUE(host.ok()) << host.status().ToString();
    host_ = std::move(host).value();
  }

  void TearDown() override {
    if (!host_) return;
    const auto reply = host_->Call({"resource", "good", "", "", ""}, "Describe", "{}", {});
    ASSERT_TRUE(reply.ok()) << reply.status().ToString();
    EXPECT_EQ(Json::parse(*reply), Json::parse(R"({"kinds":["Base"]})"));
    EXPECT_EQ(StateOf("good").restarts, 0);
  }

  Result<std::string> Bad(const std::string& method, const CallOptions& options = {}) {
    if (method == "Analyze")
      return host_->Call({"test_backend", "bad", "", "", ""}, method, kAnalyze, options);
    return host_->Call({"resource", "bad", "", "", ""}, method,
                       method == "Compile" ? kCompile : "{}", options);
  }
  Status BadStatus(const std::string& method, const CallOptions& options = {}) {
    return Bad(method, options).status();
  }
  /// The plugin never came up: its state and its calls say why.
  void ExpectFailed(Code code, const std::string& text) {
    const Status status = BadStatus("Describe");
    EXPECT_EQ(status.code(), code) << status.ToString();
    EXPECT_THAT(status.message(), ::testing::HasSubstr(text));
    EXPECT_EQ(StateOf("bad").state, "FAILED");
    EXPECT_THAT(StateOf("bad").detail, ::testing::HasSubstr(text));
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

/// A call of `waits` on a thread of its own, which is known to have begun.
class WaitingCall {
 public:
  explicit WaitingCall(Host& host, const std::string& route = "bad") {
    options_.cancelled = [this] { return cancelled_.load(); };
    options_.on_progress = [this](const std::string& text) {
      const std::lock_guard lock(mutex_);
      progress_ = text;
      changed_.notify_all();
    };
    thread_ = std::thread([this, &host, route] {
      status_ =
          host.Call({"test_backend", route, "", "", ""}, "Analyze", kAnalyze, options_).status();
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

}  // namespace dcp::host
