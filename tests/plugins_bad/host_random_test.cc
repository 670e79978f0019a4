// SPDX-License-Identifier: Apache-2.0
//
// A thousand calls to good and bad plugins in one host, from several threads, with deadlines,
// cancellations and restarts by chance. Every call comes back with a code that it may have, in
// time; the good plugin never notices; nothing is left behind.
//
// PRETZEL_SEED=N draws other calls.
#include <sys/wait.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "host_fixture.h"

namespace dcp::host {
namespace {

/// Little, so that much happens; but "echo" must never need it.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int64_t kGraceMs = 1'000;
#else
constexpr int64_t kGraceMs = 100;
#endif

constexpr int kCalls = 1'000;
constexpr int kThreads = 8;
/// A call's own time, and what the host may need beyond it on a busy machine.
constexpr int kDeadlineMsMax = 60;
constexpr int64_t kBeyondMs = 20'000;

const std::vector<std::string> kPlugins = {
    "echo",  "crash_invoke",   "exit_invoke", "never_completes", "waits", "completes_twice",
    "noisy", "fails_silently", "odd_answers", "throws"};

size_t OpenFiles() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(files), end(files)));
}

Settings AllPlugins() {
  Settings settings;
  settings.worker_program = TEST_WORKER;
  settings.directories = {TEST_PLUGINS};
  settings.cancel_grace_ms = kGraceMs;
  settings.hang_grace_ms = kGraceMs;
  for (const std::string& plugin : kPlugins) {
    InstanceSettings instance;
    instance.id = plugin;
    instance.plugin = plugin;
    instance.config_json = Secret("{}");
    settings.instances.push_back(std::move(instance));
    for (const char* capability : {"resource", "test_backend"}) {
      settings.routes[capability].named[plugin] = plugin;
    }
  }
  return settings;
}

Result<std::string> CallByChance(Host& host, std::mt19937_64& random, const std::string& plugin) {
  CallOptions options;
  options.deadline = SystemClock().Steady() + 1 + static_cast<int>(random() % kDeadlineMsMax);
  if (random() % 4 == 0) {
    const SteadyMillis at = SystemClock().Steady() + static_cast<int>(random() % kDeadlineMsMax);
    options.cancelled = [at] { return SystemClock().Steady() >= at; };
  }
  switch (random() % 3) {
    case 0:
      return host.Call(plugin, "resource", "Describe", "{}", options);
    case 1:
      return host.Call(plugin, "resource", "Compile", kCompile, options);
    default:
      return host.Call(plugin, "test_backend", "Analyze", kAnalyze, options);
  }
}

TEST(HostRandomTest, OutlivesAThousandCallsOfEveryKind) {
  const char* text = std::getenv("PRETZEL_SEED");  // NOLINT: before any thread exists
  const uint64_t seed = text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
  SCOPED_TRACE("PRETZEL_SEED=" + std::to_string(seed));
  const size_t files = OpenFiles();
  const std::set<Code> allowed = {
      Code::kOk,       Code::kUnavailable,     Code::kDeadlineExceeded, Code::kCancelled,
      Code::kInternal, Code::kInvalidArgument, Code::kNotFound,         Code::kFailedPrecondition,
      Code::kUnknown,  Code::kUnimplemented};
  auto started = Host::Start(AllPlugins());
  ASSERT_TRUE(started.ok()) << started.status().ToString();
  Host& host = **started;
  std::atomic<int> left = kCalls;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      std::mt19937_64 random(seed * 1'000 + static_cast<uint64_t>(thread));
      while (left-- > 0) {
        const std::string& plugin = kPlugins[random() % kPlugins.size()];
        const SteadyMillis begin = SystemClock().Steady();
        const auto reply = CallByChance(host, random, plugin);
        EXPECT_LT(SystemClock().Steady() - begin, kDeadlineMsMax + kBeyondMs) << plugin;
        EXPECT_TRUE(allowed.contains(reply.status().code())) << reply.status().ToString();
        if (!reply.ok()) {
          EXPECT_FALSE(reply.status().message().empty()) << plugin;
        }
        if (random() % 50 == 0 && plugin != "echo") {
          const Status restarted = host.Restart(plugin);
          EXPECT_TRUE(restarted.ok()) << restarted.ToString();
        }
      }
    });
  }
  threads.clear();
  for (const InstanceState& state : host.States()) {
    if (state.id == "echo") {
      EXPECT_EQ(state.restarts, 0) << state.detail;
    }
  }
  // One that gave up is back when asked for.
  EXPECT_TRUE(host.Restart("crash_invoke").ok());
  for (const char* plugin : {"echo", "crash_invoke"}) {
    // A worker that was ready is ended by it, with the calls that it had just been given.
    const SteadyMillis end = SystemClock().Steady() + kBeyondMs;
    auto reply = host.Call(plugin, "resource", "Describe", "{}", {});
    while (reply.status().code() == Code::kUnavailable && SystemClock().Steady() < end) {
      reply = host.Call(plugin, "resource", "Describe", "{}", {});
    }
    EXPECT_TRUE(reply.ok()) << reply.status().ToString();
  }
  EXPECT_EQ(host.Restart("nobody").code(), Code::kNotFound);
  started->reset();
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a worker is left";
  EXPECT_EQ(OpenFiles(), files);
}

}  // namespace
}  // namespace dcp::host
