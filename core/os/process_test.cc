// SPDX-License-Identifier: Apache-2.0
//
// Tests of os/process with real processes.
#include "os/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace dcp::os {
namespace {

/// What a shell script prints.
struct Pipe {
  Pipe() { EXPECT_EQ(::pipe2(fds, O_CLOEXEC), 0); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    ::close(fds[0]);
    if (fds[1] >= 0) ::close(fds[1]);
  }
  std::string ReadAll() {
    ::close(fds[1]);
    fds[1] = -1;
    std::string all;
    char buffer[256];
    for (ssize_t n; (n = ::read(fds[0], buffer, sizeof buffer)) > 0;) {
      all.append(buffer, static_cast<size_t>(n));
    }
    return all;
  }
  int fds[2];
};

SpawnOptions Shell(const std::string& script) {
  SpawnOptions options;
  options.argv = {"/bin/sh", "-c", script};
  return options;
}

TEST(ProcessTest, ReportsExitCodesAndSignals) {
  auto process = Process::Spawn(Shell("exit 3"));
  ASSERT_TRUE(process.ok()) << process.status().ToString();
  EXPECT_EQ(process->Wait(-1)->ToString(), "exit code 3");
  auto killed = Process::Spawn(Shell("kill -9 $$"));
  ASSERT_TRUE(killed.ok());
  EXPECT_EQ(killed->Wait(5000)->ToString(), "signal 9 (KILL)");
}

TEST(ProcessTest, SaysWhyAProgramCannotStart) {
  SpawnOptions options;
  options.argv = {"/no/such/program"};
  Status status = Process::Spawn(options).status();
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_NE(status.message().find("/no/such/program"), std::string::npos);
  options.argv = {"/etc/passwd"};
  EXPECT_EQ(Process::Spawn(options).status().code(), Code::kPermissionDenied);
  options = Shell("true");
  options.directory = "/no/such/folder";
  status = Process::Spawn(options).status();
  EXPECT_NE(status.message().find("/no/such/folder"), std::string::npos);
  options.argv = {"sh"};
  EXPECT_EQ(Process::Spawn(options).status().code(), Code::kInvalidArgument);
}

TEST(ProcessTest, HandsOverExactlyWhatWasAsked) {
  Pipe out;
  // A descriptor that somebody forgot to mark close-on-exec must not leak.
  const int leak = ::fcntl(out.fds[0], F_DUPFD, 50);
  ASSERT_GE(leak, 50);
  SpawnOptions options =
      Shell("echo \"$A|$HOME|$PWD\"; ls /proc/self/fd | tr '\\n' ' '; echo to7 >&7");
  options.env = {{"A", "b c"}, {"PATH", "/usr/bin:/bin"}};
  options.directory = "/usr";
  options.stdout_fd = out.fds[1];
  options.fds = {{out.fds[1], 7}};
  auto process = Process::Spawn(options);
  ASSERT_TRUE(process.ok()) << process.status().ToString();
  const std::string text = out.ReadAll();
  EXPECT_EQ(process->Wait(-1)->code, 0);
  // 3 is the listing itself.
  EXPECT_EQ(text, "b c||/usr\n0 1 2 3 7 to7\n");
  ::close(leak);
}

TEST(ProcessTest, SwapsDescriptors) {
  Pipe first;
  Pipe second;
  // Sources whose numbers are each other's targets.
  const int eight = ::fcntl(first.fds[1], F_DUPFD_CLOEXEC, 8);
  const int nine = ::fcntl(second.fds[1], F_DUPFD_CLOEXEC, 9);
  ASSERT_EQ(eight, 8);
  ASSERT_EQ(nine, 9);
  SpawnOptions options = Shell("echo a >&8; echo b >&9");
  options.fds = {{eight, 9}, {nine, 8}};
  auto process = Process::Spawn(options);
  ::close(eight);
  ::close(nine);
  ASSERT_TRUE(process.ok());
  EXPECT_EQ(process->Wait(-1)->code, 0);
  EXPECT_EQ(first.ReadAll(), "b\n");
  EXPECT_EQ(second.ReadAll(), "a\n");
}

TEST(ProcessTest, GivesDefaultSignals) {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  Pipe out;
  SpawnOptions options;
  options.argv = {"/bin/grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"};
  options.stdout_fd = out.fds[1];
  auto process = Process::Spawn(options);
  ASSERT_TRUE(process.ok());
  EXPECT_EQ(out.ReadAll(), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  EXPECT_EQ(process->Wait(-1)->code, 0);
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

TEST(ProcessTest, WaitsWithALimitAndKillsTheGroup) {
  Pipe out;
  SpawnOptions options = Shell("/bin/sleep 60 & /bin/sleep 60");
  options.stdout_fd = out.fds[1];
  auto process = Process::Spawn(options);
  ASSERT_TRUE(process.ok());
  EXPECT_EQ(process->Wait(5).status().code(), Code::kDeadlineExceeded);
  ASSERT_TRUE(process->KillGroup(SIGKILL).ok());
  EXPECT_EQ(process->Wait(-1)->signal, SIGKILL);
  EXPECT_EQ(out.ReadAll(), "");  // ends only once every holder of the pipe is gone
  EXPECT_TRUE(process->Kill(SIGTERM).ok());
  EXPECT_TRUE(process->KillGroup(SIGTERM).ok());
}

TEST(ProcessTest, DiesWithItsParent) {
  Pipe out;
  const pid_t middle = ::fork();
  if (middle == 0) {
    SpawnOptions options;
    options.argv = {"/bin/sleep", "60"};
    options.stdout_fd = out.fds[1];
    options.die_with_parent = true;
    ::_exit(Process::Spawn(options).ok() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(middle, &status, 0), middle);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(out.ReadAll(), "");
}

TEST(ProcessTest, TellsAProcessFromALaterOneWithItsPid) {
  ProcessIdentity self = IdentityOf(::getpid()).value();
  EXPECT_TRUE(self.Alive());
  ProcessIdentity other = self;
  other.start_ticks += 1;
  EXPECT_FALSE(other.Alive());
  other = self;
  other.boot_id = "another boot";
  EXPECT_FALSE(other.Alive());
  EXPECT_FALSE(ProcessIdentity{}.Alive());

  auto process = Process::Spawn(Shell("exit 0"));
  ASSERT_TRUE(process.ok());
  const auto identity = IdentityOf(process->pid());
  ASSERT_TRUE(identity.ok());
  ASSERT_TRUE(process->Wait(-1).ok());
  EXPECT_FALSE(identity->Alive());
  EXPECT_EQ(IdentityOf(process->pid()).status().code(), Code::kNotFound);
}

TEST(ProcessTest, WhatCannotBeReadIsNotTakenForGone) {
  const auto self = IdentityOf(::getpid()).value();
  ProcessIdentity gone = self;
  gone.pid = (1 << 22) + 1;  // beyond what Linux gives out
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const bool alive = self.Alive();
  const bool gone_alive = gone.Alive();
  const auto members = MembersOfSession(self);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(alive);
  EXPECT_FALSE(gone_alive);
  EXPECT_FALSE(members.ok());
}

TEST(ProcessTest, FindsAFreePort) {
  const int port = FreeLoopbackPort().value();
  EXPECT_GT(port, 1023);
  EXPECT_LT(port, 65536);
}

}  // namespace
}  // namespace dcp::os
