// SPDX-License-Identifier: Apache-2.0
//
// What is counted and kept of instances while they work, fail, die and are replaced, through the
// real worker program.
#include <stdlib.h>

#include <filesystem>
#include <vector>

#include "host_fixture.h"

namespace dcp::host {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kPatienceMs = 30'000;

class HostMetricsTest : public HostFixture {
 protected:
  InstanceMetrics MetricsOf(const std::string& id) {
    for (InstanceMetrics& metrics : host_->Metrics()) {
      if (metrics.id == id) return metrics;
    }
    return {};
  }
  static uint64_t Count(const InstanceMetrics& metrics, Code code) {
    return metrics.calls.by_code[static_cast<size_t>(code)];
  }
  static uint64_t Durations(const InstanceMetrics& metrics) {
    uint64_t sum = 0;
    for (const uint64_t count : metrics.calls.by_duration) sum += count;
    return sum;
  }
  /// "source: text" lines.
  std::string Journal(const std::string& id) {
    std::string text;
    const auto journal = host_->JournalOf(id);
    if (!journal.ok()) return journal.status().ToString();
    for (const JournalLine& line : (*journal)->Read(0, kJournalLinesMax).lines) {
      text += line.source + ": " + line.text + "\n";
    }
    return text;
  }
  template <typename Condition>
  static bool Until(Condition condition) {
    const SteadyMillis end = SystemClock().Steady() + kPatienceMs;
    while (!condition()) {
      if (SystemClock().Steady() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }
};

TEST_F(HostMetricsTest, CallsAreCountedByWhatTheyEndedWith) {
  Start("waits");
  ASSERT_TRUE(host_->Call({"resource", "good", "", "", ""}, "Describe", "{}", {}).ok());
  ASSERT_TRUE(host_->Call({"test_backend", "good", "", "", ""}, "Analyze", kAnalyze, {}).ok());
  EXPECT_FALSE(host_->Call({"resource", "good", "", "", ""}, "Compile", kCompile, {}).ok());
  EXPECT_FALSE(host_->Call({"resource", "good", "", "", ""}, "Continue", "{}", {}).ok());
  const InstanceMetrics good = MetricsOf("good");
  EXPECT_EQ(good.plugin, "echo");
  EXPECT_EQ(good.state, "READY");
  EXPECT_EQ(good.calls.ended, 4U);
  EXPECT_EQ(good.calls.errors, 2U);
  EXPECT_EQ(good.calls.open, 0U);
  EXPECT_EQ(Count(good, Code::kOk), 2U);
  EXPECT_EQ(Count(good, Code::kInvalidArgument), 1U);
  EXPECT_EQ(Count(good, Code::kUnimplemented), 1U);
  EXPECT_EQ(Durations(good), 4U);
  EXPECT_GT(good.calls.duration_seconds, 0);
  ASSERT_TRUE(good.worker.has_value());
  EXPECT_GT(good.worker->resident_bytes, 0U);
  EXPECT_EQ(MetricsOf("bad").calls.ended, 0U);
}

TEST_F(HostMetricsTest, ACallIsOpenUntilItEnds) {
  Start("waits");
  WaitingCall call(*host_);
  EXPECT_EQ(MetricsOf("bad").calls.open, 1U);
  EXPECT_EQ(MetricsOf("bad").calls.queued, 0U);
  call.Cancel();
  EXPECT_EQ(call.Join().code(), Code::kCancelled);
  EXPECT_EQ(MetricsOf("bad").calls.open, 0U);
  EXPECT_EQ(Count(MetricsOf("bad"), Code::kCancelled), 1U);
}

TEST_F(HostMetricsTest, ACallThatWaitsForAWorkerIsQueued) {
  settings_.instances.resize(2);
  settings_.instances[1].wait_for_debugger = true;  // never ready
  Start("waits");
  CallOptions options;
  std::atomic<bool> cancelled{false};
  options.cancelled = [&] { return cancelled.load(); };
  Status status;
  std::thread caller([&] { status = BadStatus("Analyze", options); });
  EXPECT_TRUE(Until([&] { return MetricsOf("bad").calls.queued == 1; }));
  EXPECT_EQ(MetricsOf("bad").calls.open, 1U);
  cancelled = true;
  caller.join();
  EXPECT_EQ(status.code(), Code::kCancelled);
  EXPECT_EQ(MetricsOf("bad").calls.queued, 0U);
  EXPECT_THAT(Journal("bad"), HasSubstr("waits for a debugger"));
}

TEST_F(HostMetricsTest, ADeathIsARestartAndItsReasonIsKept) {
  Start("crash_invoke");
  EXPECT_EQ(BadStatus("Compile").code(), Code::kUnavailable);
  ExpectDescribes("Base");
  const InstanceMetrics bad = MetricsOf("bad");
  EXPECT_EQ(bad.calls.restarts, 1U);
  EXPECT_EQ(Count(bad, Code::kUnavailable), 1U);
  EXPECT_EQ(Count(bad, Code::kOk), 1U);
  const std::string journal = Journal("bad");
  EXPECT_THAT(journal, AllOf(HasSubstr("host: ready: worker "), HasSubstr("host: died: "),
                             HasSubstr("stderr: the widget is upside down")));
  EXPECT_LT(journal.find("host: died"), journal.rfind("host: ready: worker ")) << journal;
}

TEST_F(HostMetricsTest, ARequestThatIsDeniedIsSaidOnce) {
  settings_.deny_after = 2;
  Start("exit_invoke");
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(Bad("Compile").ok());
  const std::string journal = Journal("bad");
  const size_t first = journal.find("a request of Compile is refused from now on, after 2 deaths");
  EXPECT_NE(first, std::string::npos) << journal;
  EXPECT_EQ(journal.find("is refused from now on", first + 30), std::string::npos) << journal;
  EXPECT_EQ(Count(MetricsOf("bad"), Code::kFailedPrecondition), 2U);
}

TEST_F(HostMetricsTest, NothingIsLostWithAReload) {
  Start("echo");
  ExpectDescribes("Base");
  const int64_t before = StateOf("bad").pid;
  Settings next = settings_;
  next.instances[1].env = {{"TEST_ECHO", "changed"}};
  const auto reloaded = host_->Reload(next, nullptr);
  ASSERT_TRUE(reloaded.ok()) << reloaded.status().ToString();
  ExpectDescribes("Base");
  EXPECT_NE(StateOf("bad").pid, before);
  EXPECT_EQ(MetricsOf("bad").calls.ended, 2U);
  EXPECT_EQ(MetricsOf("bad").calls.restarts, 0U);  // the new one was never started again
  EXPECT_THAT(Journal("bad"),
              AllOf(HasSubstr("ready: worker " + std::to_string(before)),
                    HasSubstr("ready: worker " + std::to_string(StateOf("bad").pid))));
  // One that has left is forgotten, once a further reload looks.
  next.instances.pop_back();
  for (auto& [capability, routes] : next.routes) routes.named.erase("bad");
  ASSERT_TRUE(host_->Reload(next, nullptr).ok());
  EXPECT_EQ(MetricsOf("bad").id, "");
  ASSERT_TRUE(host_->Reload(next, nullptr).ok());
  ASSERT_TRUE(host_->Reload(settings_, nullptr).ok());
  EXPECT_EQ(MetricsOf("bad").id, "bad");
  EXPECT_EQ(MetricsOf("bad").calls.ended, 0U);
}

TEST_F(HostMetricsTest, WhatAReloadFailedOfIsKept) {
  Start("echo");
  Settings next = settings_;
  next.instances[1].plugin = "crash_create";
  EXPECT_FALSE(host_->Reload(next, nullptr).ok());
  EXPECT_THAT(Journal("bad"), HasSubstr("died: "));
  ExpectDescribes("Base");
}

TEST_F(HostMetricsTest, AFloodIsCutAndSaid) {
  Start("noisy");
  ExpectDescribes("Base");
  // The flood's remainder is said with the next second's first line.
  EXPECT_TRUE(Until([&] {
    ExpectDescribes("Base");
    return Journal("bad").find("lines of its stderr were dropped") != std::string::npos;
  }));
  EXPECT_THAT(Journal("bad"),
              AllOf(HasSubstr("stdout: \\u0005\\u0001 line 0"), HasSubstr("stderr: complaint 0")));
}

TEST_F(HostMetricsTest, WhatAPluginSaysIsKeptByLevelAsPrintableLines) {
  char folder[] = "/tmp/dcp_metrics_XXXXXX";
  settings_.store_directory = mkdtemp(folder);
  settings_.instances.resize(2);
  for (const char* isolation : {kIsolationWorker, kIsolationInProcess}) {
    settings_.instances[1].isolation = isolation;
    Start("logs");
    ExpectDescribes("Base");
    std::vector<std::string> lines;
    for (const JournalLine& line : host_->JournalOf("bad").value()->Read(0, 100).lines) {
      if (line.source != kSourcePlugin) continue;
      lines.push_back(std::to_string(static_cast<int>(line.level)) + " " + line.text);
    }
    EXPECT_THAT(lines, ElementsAre("0 at trace", "2 at info", "3 at warning\\u001b[2J\\nand more",
                                   "4 at fatal"))
        << isolation;
    EXPECT_EQ(Count(MetricsOf("bad"), Code::kOk), 1U);
    const bool in_process = isolation == std::string(kIsolationInProcess);
    EXPECT_EQ(MetricsOf("bad").worker.has_value(), !in_process);
    EXPECT_EQ(MetricsOf("bad").pid == 0, in_process);
  }
  std::filesystem::remove_all(folder);
}

TEST_F(HostMetricsTest, AnUnknownInstanceIsNamedWithTheNearest) {
  Start("echo");
  const Status status = host_->JournalOf("goood").status();
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_EQ(status.id(), "PZ0909");
  EXPECT_THAT(status.message(), HasSubstr("goood"));
  EXPECT_THAT(status.hint(), HasSubstr("did you mean good?"));
}

}  // namespace
}  // namespace dcp::host
