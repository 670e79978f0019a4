// SPDX-License-Identifier: Apache-2.0
//
// Tests of the supervisor with real processes and a clock moved by hand.
#include "os/supervisor.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "os/file.h"
#include "os/process.h"

namespace dcp::os {
namespace {

constexpr int64_t kWaitMs = 10'000;

class SupervisorTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "dcp_sup_XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    dir_ = name;
  }
  void TearDown() override {
    supervisor_.reset();
    ASSERT_TRUE(RemoveTree(dir_).ok());
  }
  ServiceSpec Script(const std::string& name, const std::string& script) const {
    ServiceSpec spec;
    spec.name = name;
    spec.argv = {"/bin/sh", "-c", script};
    spec.env = {{"PATH", "/usr/bin:/bin"}};
    spec.directory = dir_;
    spec.log_file = dir_ + "/" + name + ".log";
    spec.stop_grace_ms = 1000;
    return spec;
  }
  ServiceState Only() const { return supervisor_->States().at(0); }
  /// Waits for a state. Back-off is skipped; otherwise the clock moves by `step_ms` a look.
  bool Reach(const std::string& state, int64_t step_ms = 0) {
    const SteadyMillis end = SystemClock().Steady() + kWaitMs;
    while (SystemClock().Steady() < end) {
      const ServiceState now = Only();
      if (now.state == state) return true;
      clock_.Advance(now.state == "RESTARTING" && now.pid == 0 ? 30'000 : step_ms);
      (void)supervisor_->WaitReady(1);
      std::this_thread::yield();
    }
    return false;
  }
  std::string dir_;
  ManualClock clock_;
  std::unique_ptr<Supervisor> supervisor_ = Supervisor::Create(clock_);
};

TEST_F(SupervisorTest, AWaitCanBeGivenUp) {
  ServiceSpec spec = Script("slow", "exec sleep 60");
  spec.healthy = [] { return Unavailable("never"); };
  ASSERT_TRUE(supervisor_->Add(spec).ok());
  int asked = 0;
  const Status status = supervisor_->WaitReady(kWaitMs, [&] { return ++asked == 2; });
  EXPECT_EQ(status.code(), Code::kCancelled) << status.ToString();
  EXPECT_EQ(supervisor_->WaitReady(1, [] { return false; }).code(), Code::kDeadlineExceeded);
}

TEST_F(SupervisorTest, StartsAndStops) {
  ServiceSpec spec = Script("one", "echo hello; exec sleep 60");
  spec.endpoint = "127.0.0.1:1";
  spec.healthy = [log = spec.log_file] {
    return ReadFile(log, 100).value_or("") == "hello\n" ? Status() : Unavailable("not yet");
  };
  spec.ready_poll_ms = 0;  // the clock stands still
  ASSERT_TRUE(supervisor_->Add(spec).ok());
  EXPECT_EQ(supervisor_->Add(spec).code(), Code::kAlreadyExists);
  ASSERT_TRUE(supervisor_->Add(Script("two", "exec sleep 60")).ok());
  ASSERT_TRUE(supervisor_->WaitReady(kWaitMs).ok());
  const auto states = supervisor_->States();
  ASSERT_EQ(states.size(), 2u);
  EXPECT_EQ(states[0].state, "READY");
  EXPECT_EQ(states[0].endpoint, "127.0.0.1:1");
  EXPECT_EQ(states[0].restarts, 0);
  EXPECT_GT(states[0].pid, 0);
  const auto identity = IdentityOf(static_cast<pid_t>(states[0].pid)).value();
  supervisor_.reset();
  EXPECT_FALSE(identity.Alive());
}

TEST_F(SupervisorTest, GivesUpOnWhatCannotStart) {
  ASSERT_TRUE(supervisor_->Add(Script("bad", "echo port in use; exit 3")).ok());
  ASSERT_TRUE(Reach("FAILED"));
  const ServiceState state = Only();
  EXPECT_EQ(state.restarts, 4);
  EXPECT_NE(state.detail.find("exit code 3"), std::string::npos) << state.detail;
  EXPECT_EQ(state.detail.find("port in use"), std::string::npos) << state.detail;
  EXPECT_NE(state.log_tail.find("port in use"), std::string::npos) << state.log_tail;
  const Status status = supervisor_->WaitReady(kWaitMs);
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_NE(status.log_tail().find("port in use"), std::string::npos);
}

TEST_F(SupervisorTest, OneThatFailedHoldsUpNobodyAndIsTriedAgain) {
  const std::string there = dir_ + "/there";
  ASSERT_TRUE(supervisor_->Add(Script("late", "test -e " + there + " && exec sleep 60")).ok());
  ASSERT_TRUE(Reach("FAILED"));
  // The other has not been looked at yet: it is waited for, though one has failed already.
  ServiceSpec other = Script("other", "exec sleep 60");
  std::atomic<int> asked = 0;
  other.healthy = [&asked] { return ++asked < 3 ? Unavailable("not yet") : Status(); };
  other.ready_poll_ms = 0;
  ASSERT_TRUE(supervisor_->Add(other).ok());
  const Status degraded = supervisor_->WaitReady(kWaitMs);
  EXPECT_EQ(degraded.code(), Code::kUnavailable);
  EXPECT_NE(degraded.message().find("service late is FAILED"), std::string::npos)
      << degraded.message();
  EXPECT_EQ(degraded.message().find("other"), std::string::npos) << degraded.message();
  EXPECT_EQ(supervisor_->States().at(1).state, "READY");

  ASSERT_TRUE(WriteFileAtomic(there, "", 0600).ok());
  clock_.Advance(59'000);
  (void)supervisor_->WaitReady(1);
  EXPECT_EQ(Only().state, "FAILED");
  clock_.Advance(1'000);
  ASSERT_TRUE(Reach("READY"));
}

TEST_F(SupervisorTest, SaysWhichProgramIsMissing) {
  ServiceSpec spec = Script("bad", "");
  spec.argv = {"/no/such/program"};
  ASSERT_TRUE(supervisor_->Add(spec).ok());
  ASSERT_TRUE(Reach("FAILED"));
  EXPECT_NE(Only().detail.find("/no/such/program"), std::string::npos);
  EXPECT_TRUE(supervisor_->Restart("bad").ok());
  ASSERT_TRUE(Reach("FAILED"));
  EXPECT_EQ(supervisor_->Restart("none").code(), Code::kNotFound);
}

TEST_F(SupervisorTest, RestartsWhatIsKilled) {
  ServiceSpec spec = Script("one", "exec sleep 60");
  spec.healthy = [] { return Status(); };
  ASSERT_TRUE(supervisor_->Add(spec).ok());
  ASSERT_TRUE(supervisor_->WaitReady(kWaitMs).ok());
  const auto pid = static_cast<pid_t>(Only().pid);
  const auto first = IdentityOf(pid).value();
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_TRUE(Reach("RESTARTING"));
  EXPECT_NE(Only().detail.find("KILL"), std::string::npos);
  ASSERT_TRUE(Reach("READY"));
  EXPECT_EQ(Only().restarts, 1);
  EXPECT_NE(Only().pid, first.pid);
  EXPECT_EQ(Only().detail, "");
}

TEST_F(SupervisorTest, RestartsOnRequest) {
  ASSERT_TRUE(supervisor_->Add(Script("one", "exec sleep 60")).ok());
  ASSERT_TRUE(supervisor_->WaitReady(kWaitMs).ok());
  const int64_t pid = Only().pid;
  ASSERT_TRUE(supervisor_->Restart("one").ok());
  ASSERT_TRUE(supervisor_->WaitReady(kWaitMs).ok());
  EXPECT_NE(Only().pid, pid);
  EXPECT_EQ(Only().restarts, 1);
}

TEST_F(SupervisorTest, RestartsWhatIsUnhealthy) {
  auto broken = std::make_shared<std::atomic<bool>>(false);
  ServiceSpec spec = Script("one", "exec sleep 60");
  spec.healthy = [broken] { return *broken ? Unavailable("no answer") : Status(); };
  ASSERT_TRUE(supervisor_->Add(spec).ok());
  ASSERT_TRUE(supervisor_->WaitReady(kWaitMs).ok());
  *broken = true;
  ASSERT_TRUE(Reach("RESTARTING", 1000));
  EXPECT_NE(Only().detail.find("no answer"), std::string::npos);
  *broken = false;
  ASSERT_TRUE(Reach("READY"));
}

TEST_F(SupervisorTest, SaysWhatIsNotReadyInTime) {
  ServiceSpec spec = Script("slow", "exec sleep 60");
  spec.healthy = [] { return Unavailable("port is closed"); };
  ASSERT_TRUE(supervisor_->Add(spec).ok());
  const Status status = supervisor_->WaitReady(10);
  EXPECT_EQ(status.code(), Code::kDeadlineExceeded);
  EXPECT_NE(status.message().find("service slow is STARTING"), std::string::npos)
      << status.message();
  // When its own time is over it is ended and started anew.
  ASSERT_TRUE(Reach("RESTARTING", 60'000));
  EXPECT_NE(Only().detail.find("port is closed"), std::string::npos);
}

TEST_F(SupervisorTest, KillsWhatIgnoresTheStop) {
  ServiceSpec spec = Script("one", "trap '' TERM; echo x; while :; do sleep 60; done");
  spec.healthy = [log = spec.log_file] {
    return ReadFile(log, 100).value_or("") == "x\n" ? Status() : Unavailable("not yet");
  };
  spec.ready_poll_ms = 0;
  spec.stop_grace_ms = 5;
  ASSERT_TRUE(supervisor_->Add(spec).ok());
  ASSERT_TRUE(supervisor_->WaitReady(kWaitMs).ok());
  const pid_t group = static_cast<pid_t>(Only().pid);
  supervisor_.reset();
  EXPECT_TRUE(::kill(group, 0) != 0 && errno == ESRCH);
}

TEST(CheckTcpTest, TellsAnOpenPortFromAClosedOne) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const int port = ntohs(address.sin_port);
  EXPECT_FALSE(CheckTcp("127.0.0.1", port, 1000).ok());  // bound, not listening
  ASSERT_EQ(::listen(fd, 1), 0);
  EXPECT_TRUE(CheckTcp("127.0.0.1", port, 1000).ok());
  ::close(fd);
  EXPECT_EQ(CheckTcp("localhost", port, 1000).code(), Code::kInvalidArgument);
  EXPECT_EQ(CheckTcp("127.0.0.1", 0, 1000).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace dcp::os
