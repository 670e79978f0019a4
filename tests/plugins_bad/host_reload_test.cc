// SPDX-License-Identifier: Apache-2.0
//
// Settings that change while calls run, through the real worker program.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "host_fixture.h"

namespace dcp::host {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr int64_t kPatienceMs = 30'000;

/// Waits until it holds; false after a time in which it must have.
template <typename Condition>
bool Until(Condition condition) {
  const SteadyMillis end = SystemClock().Steady() + kPatienceMs;
  while (!condition()) {
    if (SystemClock().Steady() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

size_t Entries(const char* folder) {
  size_t count = 0;
  for (const auto& entry : fs::directory_iterator(folder)) count += entry.exists() ? 1 : 0;
  return count;
}

size_t Children() {
  size_t count = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::ifstream stat(entry.path() / "stat");
    std::string text;
    if (!std::getline(stat, text)) continue;
    // "pid (name) state parent": the name may hold anything, also ')'.
    const size_t name_end = text.rfind(')');
    if (name_end == std::string::npos || name_end + 4 > text.size()) continue;
    if (std::strtol(text.c_str() + name_end + 4, nullptr, 10) == getpid()) ++count;
  }
  return count;
}

bool Alive(int64_t pid) { return kill(static_cast<pid_t>(pid), 0) == 0; }

class HostReloadTest : public HostFixture {
 protected:
  Result<Reloaded> Reload(const Settings& settings) { return host_->Reload(settings, nullptr); }

  static InstanceSettings Echo(const std::string& id, const std::string& shown) {
    InstanceSettings instance;
    instance.id = id;
    instance.plugin = "echo";
    instance.config_json = Secret("{}");
    instance.env = {{"TEST_ECHO", shown}};
    return instance;
  }

  /// `settings_` without the instance and its routes.
  Settings Without(const std::string& id) const {
    Settings settings = settings_;
    std::erase_if(settings.instances, [&](const InstanceSettings& i) { return i.id == id; });
    for (auto& [capability, routes] : settings.routes) routes.named.erase(id);
    return settings;
  }
};

TEST_F(HostReloadTest, AThousandSwitchesUnderEightCallersFailNoCall) {
#ifdef __SANITIZE_THREAD__
  constexpr int kSwitches = 200;  // each takes ten times as long; a race shows in any of them
#else
  constexpr int kSwitches = 1000;
#endif
  constexpr int kReloaders = 2;
  constexpr int kCallers = 8;
  constexpr int kServedMin = 100;
  Start("waits");
  // Two backends of one capability, and a third instance that comes and goes.
  settings_.instances.push_back(Echo("other", "other"));
  Settings wanted[2] = {settings_, settings_};
  wanted[0].routes["test_backend"].named[""] = "good";
  wanted[1].routes["test_backend"].named[""] = "other";
  wanted[1].routes["test_backend"].rules = {{"fin-*", "", "", "good"}};
  ASSERT_TRUE(Reload(wanted[0]).ok());
  const auto counts = [] {
    return std::vector<size_t>{Entries("/proc/self/fd"), Entries("/proc/self/task"), Children()};
  };
  const std::vector<size_t> before = counts();

  std::atomic<bool> done{false};
  std::atomic<int> served[2] = {0, 0};
  std::mutex mutex;
  std::vector<std::string> failures;
  const auto fail = [&](const std::string& what) {
    const std::lock_guard lock(mutex);
    failures.push_back(what);
  };
  const auto enough = [&] { return served[0] >= kServedMin && served[1] >= kServedMin; };
  std::vector<std::thread> threads;
  for (int i = 0; i < kCallers; ++i) {
    threads.emplace_back([&, i] {
      const Target target{"test_backend", "", i % 2 == 0 ? "fin-1" : "ops", "", ""};
      while (!done || !enough()) {
        const auto reply = host_->Call(target, "Analyze", kAnalyze, {});
        if (!reply.ok()) return fail(reply.status().ToString());
        const bool other = Json::parse(*reply)["engineVersion"] == "other";
        ++served[other ? 1 : 0];
      }
    });
  }
  std::vector<std::thread> reloaders;
  for (int r = 0; r < kReloaders; ++r) {
    reloaders.emplace_back([&, r] {
      for (int i = 0; i < kSwitches / kReloaders; ++i) {
        Settings settings = wanted[i % 2];
        if (i % 25 == r) settings.instances.push_back(Echo("extra", std::to_string(i)));
        if (i % 25 == 12) settings.instances[2].env[0].second = "other";
        const auto reloaded = host_->Reload(settings, nullptr);
        if (!reloaded.ok()) fail(reloaded.status().ToString());
      }
    });
  }
  for (std::thread& thread : reloaders) thread.join();
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(failures, IsEmpty());
  EXPECT_GE(served[0], kServedMin);
  EXPECT_GE(served[1], kServedMin);
  ASSERT_TRUE(Reload(wanted[0]).ok());
  EXPECT_TRUE(Until([&] { return counts() == before; }))
      << "fds, threads, processes: " << ::testing::PrintToString(before) << " before, "
      << ::testing::PrintToString(counts()) << " after";
}

TEST_F(HostReloadTest, ACallStaysWithItsInstanceUntilItEnds) {
  Start("waits");
  const int64_t pid = StateOf("bad").pid;
  const int64_t good = StateOf("good").pid;
  WaitingCall call(*host_);
  const auto reloaded = Reload(Without("bad"));
  ASSERT_TRUE(reloaded.ok()) << reloaded.status().ToString();
  EXPECT_THAT(reloaded->stopped, ElementsAre("bad"));
  EXPECT_THAT(reloaded->kept, ElementsAre("good"));
  EXPECT_THAT(reloaded->routes,
              ElementsAre("resource: bad bad -> (none)", "test_backend: bad bad -> (none)"));
  EXPECT_EQ(StateOf("good").pid, good);
  EXPECT_EQ(StateOf("bad").id, "");
  EXPECT_EQ(BadStatus("Describe").code(), Code::kNotFound);
  const Status pinned = host_->Call("bad", "resource", "Describe", "{}", {}).status();
  EXPECT_EQ(pinned.code(), Code::kFailedPrecondition);
  EXPECT_EQ(pinned.message(),
            "the plugin instance \"bad\" is not configured any more; configured: good");
  EXPECT_THAT(pinned.hint(), HasSubstr("configure it again"));
  EXPECT_TRUE(Alive(pid));
  call.Cancel();
  EXPECT_EQ(call.Join().code(), Code::kCancelled);
  EXPECT_TRUE(Until([&] { return !Alive(pid); }));
}

TEST_F(HostReloadTest, WhoLeavesIsWaitedForNoLongerThanTheLimit) {
  Start("waits");
  WaitingCall call(*host_);
  Settings settings = Without("bad");
  settings.drain_ms = 50;
  ASSERT_TRUE(Reload(settings).ok());
  const Status status = call.Join();
  EXPECT_EQ(status.code(), Code::kUnavailable) << status.ToString();
}

TEST_F(HostReloadTest, AnInstanceThatDoesNotStartChangesNothing) {
  Start("waits");
  const int64_t pid = StateOf("bad").pid;
  const struct {
    const char* plugin;
    const char* config;
    Code code;
    const char* reason;
  } cases[] = {
      {"never_completes", "password=hunter2", Code::kInvalidArgument, "refuses its configuration"},
      {"crash_create", "{}", Code::kUnavailable, "about to give up"},
      {"missing", "{}", Code::kFailedPrecondition, "no plugin \"missing\""},
      {"null_table", "{}", Code::kInvalidArgument, "returned no table"},
  };
  for (const auto& c : cases) {
    Settings settings = settings_;
    settings.routes["test_backend"].named[""] = "good";
    settings.instances[1].plugin = c.plugin;
    settings.instances[1].config_json = Secret(c.config);
    const Status status = Reload(settings).status();
    EXPECT_EQ(status.code(), c.code) << status.ToString();
    EXPECT_THAT(status.ToString(), AllOf(HasSubstr("nothing was changed: "), HasSubstr(c.reason),
                                         Not(HasSubstr("hunter2"))));
    EXPECT_EQ(host_->Resolve({"test_backend", "", "", "", ""}).status().code(), Code::kNotFound);
    EXPECT_EQ(StateOf("bad").pid, pid);
    ExpectDescribes("Base");
  }
  Settings settings = settings_;
  settings.routes["resource"].named[""] = "nobody";
  EXPECT_EQ(Reload(settings).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(StateOf("bad").pid, pid);
}

TEST_F(HostReloadTest, AStartThatIsNotWaitedForChangesNothing) {
  Start("waits");
  Settings settings = settings_;
  settings.instances.push_back(Echo("late", "late"));
  const Status status = host_->Reload(settings, [] { return true; }).status();
  EXPECT_EQ(status.code(), Code::kCancelled);
  EXPECT_EQ(StateOf("late").id, "");
}

TEST_F(HostReloadTest, TheHostMayEndWhileInstancesLeave) {
  Start("waits");
  for (int round = 0; round < 20; ++round) {
    settings_.ping_timeout_ms += 1;  // makes both anew
    ASSERT_TRUE(Reload(settings_).ok());
    host_.reset();
    auto host = Host::Start(settings_);
    ASSERT_TRUE(host.ok()) << host.status().ToString();
    host_ = std::move(host).value();
  }
}

TEST_F(HostReloadTest, AFileIsJudgedByWhatIsInIt) {
  const fs::path folder =
      fs::path(::testing::TempDir()) / ("dcp_reload_" + std::to_string(getpid()));
  fs::create_directories(folder);
  const fs::path file = folder / "waits.so";
  fs::copy_file(std::string(TEST_PLUGINS) + "/waits.so", file);
  settings_.directories = {folder.string(), TEST_PLUGINS};
  Start("waits");
  int64_t pid = StateOf("bad").pid;
  EXPECT_THAT(Reload(settings_)->kept, ElementsAre("good", "bad"));
  // The same bytes in a new file.
  const fs::path fresh = folder / "fresh";
  fs::copy_file(file, fresh);
  fs::rename(fresh, file);
  EXPECT_THAT(Reload(settings_)->kept, ElementsAre("good", "bad"));
  EXPECT_EQ(StateOf("bad").pid, pid);
  // A new build in its place.
  fs::copy_file(file, fresh);
  std::ofstream(fresh, std::ios::app) << "more";
  fs::rename(fresh, file);
  const auto reloaded = Reload(settings_);
  ASSERT_TRUE(reloaded.ok()) << reloaded.status().ToString();
  EXPECT_THAT(reloaded->restarted, ElementsAre("bad"));
  EXPECT_NE(StateOf("bad").pid, pid);
  ExpectDescribes("Base");
  // Another configuration, and another environment.
  pid = StateOf("bad").pid;
  settings_.instances[1].config_json = Secret("{ }");
  EXPECT_THAT(Reload(settings_)->restarted, ElementsAre("bad"));
  EXPECT_NE(StateOf("bad").pid, pid);
  settings_.instances[1].env = {{"A", "B"}};
  EXPECT_THAT(Reload(settings_)->restarted, ElementsAre("bad"));
  settings_.ping_timeout_ms += 1;
  EXPECT_THAT(Reload(settings_)->restarted, ElementsAre("good", "bad"));
  fs::remove_all(folder);
}

TEST_F(HostReloadTest, WhatFailedBeforeIsTriedAgainAndStandsInNobodysWay) {
  const fs::path folder = fs::path(::testing::TempDir()) / ("dcp_late_" + std::to_string(getpid()));
  fs::create_directories(folder);
  fs::copy_file(std::string(TEST_PLUGINS) + "/echo.so", folder / "echo.so");
  settings_.directories = {folder.string()};
  Start("waits");
  EXPECT_EQ(StateOf("bad").state, "FAILED");
  settings_.routes["resource"].named[""] = "good";
  auto reloaded = Reload(settings_);
  ASSERT_TRUE(reloaded.ok()) << reloaded.status().ToString();
  EXPECT_THAT(reloaded->failed, ElementsAre("bad"));
  EXPECT_THAT(reloaded->restarted, IsEmpty());
  EXPECT_EQ(*host_->Resolve({"resource", "", "", "", ""}), "good");
  fs::copy_file(std::string(TEST_PLUGINS) + "/waits.so", folder / "waits.so");
  reloaded = Reload(settings_);
  ASSERT_TRUE(reloaded.ok()) << reloaded.status().ToString();
  EXPECT_THAT(reloaded->failed, IsEmpty());
  EXPECT_THAT(reloaded->restarted, ElementsAre("bad"));
  ExpectDescribes("Base");
  fs::remove_all(folder);
}

TEST_F(HostReloadTest, SecretsAreAskedForAtEachStart) {
  const auto asked = std::make_shared<std::atomic<int>>(0);
  settings_.secrets = [asked](const std::string& reference) -> Result<Secret> {
    ++*asked;
    if (reference != "secret.a") return NotFound("no secret is called so");
    return Secret("hunter2");
  };
  Start("waits", R"({"token":"${secret.a}"})");
  ExpectDescribes("Base");
  EXPECT_EQ(*asked, 1);
  EXPECT_THAT(Reload(settings_)->kept, ElementsAre("good", "bad"));
  EXPECT_EQ(*asked, 1);
  ASSERT_TRUE(host_->Restart("bad").ok());
  // A call that goes to the worker that ends is told so; the next one has the new worker.
  while (BadStatus("Describe").code() == Code::kUnavailable) {
  }
  ExpectDescribes("Base");
  EXPECT_EQ(*asked, 2);
  settings_.instances[1].config_json = Secret(R"({"token":"${secret.b}"})");
  const Status status = Reload(settings_).status();
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_THAT(status.message(),
              HasSubstr("plugin waits (instance bad): cannot resolve `${secret.b}`"));
  ExpectDescribes("Base");
}

TEST_F(HostReloadTest, DescribesWhatServesAndWhatWould) {
  Start("missing");
  EXPECT_EQ(host_->Describe("good")->id, "echo");
  EXPECT_EQ(host_->Describe("echo")->id, "echo");
  EXPECT_EQ(host_->Describe("waits")->id, "waits");  // in the folder, and not configured
  EXPECT_EQ(host_->Describe("bad").status().code(), Code::kNotFound);
  EXPECT_EQ(host_->Describe("nobody").status().code(), Code::kNotFound);
}

TEST_F(HostReloadTest, TooManyThatLeaveAndDoNotEndRefuseTheNextReload) {
  Start("waits");
  settings_.leave_room_ms = 50;
  std::vector<std::unique_ptr<WaitingCall>> calls;
  const auto leave_one = [&] {
    calls.push_back(std::make_unique<WaitingCall>(*host_));
    // Another configuration is another instance; the one before waits for its call's end.
    const std::string config = "{\"n\":" + std::to_string(calls.size()) + "}";
    settings_.instances[1].config_json = Secret(config);
    return Reload(settings_).status();
  };
  for (size_t i = 0; i < kLeavingMax; ++i) {
    const Status status = leave_one();
    ASSERT_TRUE(status.ok()) << i << ": " << status.ToString();
  }
  const Status status = Reload(settings_).status();
  EXPECT_EQ(status.code(), Code::kResourceExhausted);
  EXPECT_THAT(status.message(), HasSubstr("16 plugin instances that left"));
  calls.front()->Cancel();
  EXPECT_EQ(calls.front()->Join().code(), Code::kCancelled);
  EXPECT_TRUE(Until([&] { return Reload(settings_).ok(); }));
  for (size_t i = 1; i < calls.size(); ++i) {
    calls[i]->Cancel();
    EXPECT_EQ(calls[i]->Join().code(), Code::kCancelled);
  }
}

TEST_F(HostReloadTest, NothingThatLeavesOutlivesTheHost) {
  Start("waits");
  const int64_t pid = StateOf("bad").pid;
  WaitingCall call(*host_);
  ASSERT_TRUE(Reload(Without("bad")).ok());
  call.Cancel();
  EXPECT_EQ(call.Join().code(), Code::kCancelled);
  host_.reset();
  EXPECT_FALSE(Alive(pid));
}

}  // namespace
}  // namespace dcp::host
