// SPDX-License-Identifier: Apache-2.0
//
// An instance whose worker waits for a debugger: this test is the debugger.
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <chrono>
#include <fstream>
#include <sstream>

#include "host_fixture.h"

namespace dcp::host {
namespace {

class HostDebugTest : public HostFixture {
 protected:
  void SetUp() override {
    settings_.instances.resize(2);
    settings_.instances[1].wait_for_debugger = true;
    settings_.ping_timeout_ms = kPingTimeoutMs;
    Start("long_table");
    ASSERT_NE(host_, nullptr);
    while (StateOf("bad").pid == 0) std::this_thread::yield();
    pid_ = static_cast<pid_t>(StateOf("bad").pid);
  }
  /// Whether the worker has mapped the plugin's file.
  bool Loaded() const {
    std::ostringstream maps;
    maps << std::ifstream("/proc/" + std::to_string(pid_) + "/maps").rdbuf();
    return maps.str().find("long_table.so") != std::string::npos;
  }

  static constexpr int64_t kPingTimeoutMs = 2'000;
  pid_t pid_ = 0;
};

TEST_F(HostDebugTest, TheWorkerWaitsAndNothingElseDoes) {
  // Start() has returned, and the good plugin serves.
  EXPECT_TRUE(host_->Call({"resource", "good", "", "", ""}, "Describe", "{}", {}).ok());
  EXPECT_FALSE(Loaded());
  CallOptions soon;
  soon.deadline = SystemClock().Steady() + 50;
  EXPECT_EQ(BadStatus("Describe", soon).code(), Code::kDeadlineExceeded);
  EXPECT_FALSE(Loaded());
}

TEST_F(HostDebugTest, ADebuggerLetsItGoOnAndMayStopItForLong) {
  ASSERT_EQ(ptrace(PTRACE_SEIZE, pid_, nullptr, nullptr), 0);
  ExpectDescribes("Base");
  EXPECT_TRUE(Loaded());
  ASSERT_EQ(ptrace(PTRACE_INTERRUPT, pid_, nullptr, nullptr), 0);
  int state = 0;
  ASSERT_EQ(waitpid(pid_, &state, __WALL), pid_);
  ASSERT_TRUE(WIFSTOPPED(state));
  // The time is the test: a worker without `debug` that answers no ping so long is ended.
  std::this_thread::sleep_for(std::chrono::milliseconds(2 * kPingTimeoutMs));
  ASSERT_EQ(ptrace(PTRACE_DETACH, pid_, nullptr, nullptr), 0);
  ExpectDescribes("Base");
  EXPECT_EQ(StateOf("bad").pid, pid_);
  EXPECT_EQ(StateOf("bad").restarts, 0);
}

}  // namespace
}  // namespace dcp::host
