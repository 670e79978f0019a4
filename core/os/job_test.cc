// SPDX-License-Identifier: Apache-2.0
//
// Tests of local jobs with the real launcher and real processes: what is recorded, what survives,
// and what happens when either side is killed.
#include "os/job.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "base/clock.h"
#include "os/file.h"
#include "os/job_files.h"
#include "os/peer.h"
#include "os/testing/neighbour.h"

extern "C" {
#include <sys/pidfd.h>
}

namespace dcp::os {
namespace {

using Phase = JobState::Phase;

class JobTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "dcp_job_XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    dir_ = name;
    ASSERT_EQ(::mkdir(Work().c_str(), 0700), 0);
    ASSERT_EQ(::mkfifo(In("hold").c_str(), 0600), 0);
  }
  void TearDown() override {
    const auto state = ReadJobState(dir_);
    if (state.ok() && state->phase == Phase::kRunning) {
      ::kill(-state->job.pid, SIGKILL);
      WaitGone(state->launcher);
    }
    ASSERT_TRUE(RemoveTree(dir_).ok());
  }
  std::string Work() const { return dir_ + "/" + kJobWorkFolder; }
  /// What daemon and launcher tell each other, and what the job has.
  std::string In(const std::string& name) const {
    const bool ours = name == kJobSpecFile || name == kJobLockFile || name == kJobLaunchedFile ||
                      name == kJobExitFile;
    return (ours ? dir_ : Work()) + "/" + name;
  }

  static JobSpec Script(const std::string& script) {
    JobSpec spec;
    spec.argv = {"/bin/sh", "-c", script};
    spec.env = {{"PATH", "/usr/bin:/bin"}};
    return spec;
  }
  Status Launch(const JobSpec& spec) const { return LaunchJob(DCP_TEST_LAUNCHER, dir_, spec); }
  Phase PhaseNow() const { return ReadJobState(dir_).value().phase; }

  /// Waits for the end of a process that is not our child.
  static void WaitGone(const ProcessIdentity& who) {
    const int fd = ::pidfd_open(who.pid, 0);
    if (fd < 0) return;
    pollfd watch = {fd, POLLIN, 0};
    if (who.Alive()) {
      EXPECT_EQ(::poll(&watch, 1, 10'000), 1) << "process " << who.pid << " does not end";
    }
    ::close(fd);
  }
  /// Without a further signal: whoever is left must have had its own by now.
  void AwaitEnded() const {
    const SteadyMillis end = SystemClock().Steady() + 10'000;
    while (JobRuns(dir_).value()) {
      ASSERT_LT(SystemClock().Steady(), end) << "the job does not end";
      ::poll(nullptr, 0, 1);
    }
    EXPECT_TRUE(EndJob(dir_).value());
  }
  ExitStatus WaitExit() const {
    const JobState state = ReadJobState(dir_).value();
    WaitGone(state.launcher);
    const JobState after = ReadJobState(dir_).value();
    EXPECT_EQ(after.phase, Phase::kExited);
    return after.exit;
  }
  std::string Read(const std::string& name) const {
    return ReadFile(In(name), 10'000).value_or("?");
  }
  /// Lets a job go on that reads the pipe `hold`.
  void Release() const {
    Process writer;
    SpawnOptions options;
    options.argv = {"/bin/sh", "-c", "echo go > hold"};
    options.directory = Work();
    auto process = Process::Spawn(options);
    ASSERT_TRUE(process.ok());
    EXPECT_TRUE(process->Wait(10'000).ok());
  }
  /// Blocks until the job has opened the pipe `ready` for writing, and gives what it wrote.
  std::string AwaitReady() const {
    SpawnOptions options;
    options.argv = {"/bin/sh", "-c", "cat ready > seen"};
    options.directory = Work();
    auto process = Process::Spawn(options);
    EXPECT_TRUE(process.ok() && process->Wait(10'000).ok());
    return Read("seen");
  }
  std::string dir_;
};

TEST_F(JobTest, RunsAndLeavesItsExitStatus) {
  EXPECT_EQ(PhaseNow(), Phase::kNotLaunched);
  JobSpec spec = Script("echo out; echo err >&2; echo \"$A|$HOME|$PWD\"; exit 7");
  spec.env = {{"A", "1 2"}};
  ASSERT_TRUE(Launch(spec).ok());
  EXPECT_NE(PhaseNow(), Phase::kNotLaunched);
  EXPECT_EQ(WaitExit().ToString(), "exit code 7");
  EXPECT_EQ(Read("stdout"), "out\n1 2||" + Work() + "\n");
  EXPECT_EQ(Read("stderr"), "err\n");
  struct stat info = {};
  for (const char* name : {"spec", "stdout", "stderr", "launched", "exit"}) {
    ASSERT_EQ(::stat(In(name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777, 0600u) << name;
  }
}

/// While a job runs its launcher keeps the catalog's port from the neighbours, daemon or not; the
/// job itself does not have the socket.
TEST_F(JobTest, ItsLauncherHoldsAPortAndTheJobDoesNot) {
  const int port = FreeLoopbackPort().value();
  {
    const auto held = HeldPort::Hold(port);
    ASSERT_TRUE(held.ok()) << held.status().ToString();
    const JobSpec spec = Script("ls -l /proc/self/fd | grep -c socket; read x < hold");
    ASSERT_TRUE(LaunchJob(DCP_TEST_LAUNCHER, dir_, spec, held->fd()).ok());
  }
  const auto take = [port] {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  };
  EXPECT_FALSE(Neighbour(take).acted());
  EXPECT_TRUE(HeldPort::Hold(port).ok()) << "the next daemon's";
  Release();
  EXPECT_EQ(WaitExit().ToString(), "exit code 0");
  EXPECT_EQ(Read("stdout"), "0\n");
  EXPECT_TRUE(Neighbour(take).acted()) << "nobody holds it any more";
}

TEST_F(JobTest, MayHaveOneFileForBothOutputs) {
  JobSpec spec = Script("echo a; echo b >&2; echo c");
  spec.stdout_file = spec.stderr_file = "output";
  ASSERT_TRUE(Launch(spec).ok());
  EXPECT_EQ(WaitExit().code, 0);
  EXPECT_EQ(Read("output"), "a\nb\nc\n");
}

TEST_F(JobTest, ASecondLaunchDoesNothing) {
  const JobSpec spec = Script("echo ran; read x < hold");
  ASSERT_TRUE(Launch(spec).ok());
  EXPECT_EQ(PhaseNow(), Phase::kRunning);
  EXPECT_TRUE(Launch(spec).ok());
  Release();
  EXPECT_EQ(WaitExit().code, 0);
  EXPECT_TRUE(Launch(spec).ok());
  EXPECT_EQ(Read("stdout"), "ran\n");
}

TEST_F(JobTest, LaunchesAtOnceMakeOneJob) {
  const JobSpec spec = Script("echo ran; read x < hold");
  std::vector<Status> results(4);
  std::vector<std::thread> threads;
  for (Status& result : results) threads.emplace_back([&] { result = Launch(spec); });
  for (std::thread& thread : threads) thread.join();
  for (const Status& result : results) EXPECT_TRUE(result.ok()) << result.ToString();
  Release();
  EXPECT_EQ(WaitExit().code, 0);
  EXPECT_EQ(Read("stdout"), "ran\n");
}

TEST_F(JobTest, SurvivesTheProcessThatLaunchedIt) {
  const pid_t daemon = ::fork();
  if (daemon == 0) {
    const bool ok = Launch(Script("echo begin; read x < hold; echo end")).ok();
    if (ok) ::raise(SIGKILL);
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(daemon, &status, 0), daemon);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(PhaseNow(), Phase::kRunning);
  Release();
  EXPECT_EQ(WaitExit().code, 0);
  EXPECT_EQ(Read("stdout"), "begin\nend\n");
}

TEST_F(JobTest, IsLostWhenItsLauncherIsKilled) {
  const JobSpec spec = Script("echo ran; read x < hold");
  ASSERT_TRUE(Launch(spec).ok());
  const JobState state = ReadJobState(dir_).value();
  ASSERT_EQ(::kill(state.launcher.pid, SIGKILL), 0);
  WaitGone(state.launcher);
  WaitGone(state.job);  // nobody could stop it any more, so it ends with its launcher
  EXPECT_EQ(PhaseNow(), Phase::kLost);
  EXPECT_TRUE(Launch(spec).ok());  // never twice
  EXPECT_EQ(PhaseNow(), Phase::kLost);
  EXPECT_TRUE(StopJob(dir_).ok());
}

TEST_F(JobTest, StopEndsTheWholeGroup) {
  ASSERT_EQ(::mkfifo(In("ready").c_str(), 0600), 0);
  // The job, a child, a grandchild, and one that left the group.
  JobSpec spec =
      Script("sh -c 'sleep 60 & wait' & setsid sh -c 'echo $$ > ready; exec sleep 60' & wait");
  spec.stop_grace_ms = 20;
  ASSERT_TRUE(Launch(spec).ok());
  const pid_t escaped = static_cast<pid_t>(std::atoi(AwaitReady().c_str()));
  const JobState state = ReadJobState(dir_).value();
  ASSERT_GT(escaped, 0);
  ASSERT_EQ(::kill(escaped, 0), 0);
  ASSERT_TRUE(StopJob(dir_).ok());
  EXPECT_EQ(WaitExit().ToString(), "signal 15 (TERM)");
  EXPECT_TRUE(::kill(-state.job.pid, 0) != 0 && errno == ESRCH);
  EXPECT_TRUE(::kill(escaped, 0) != 0 && errno == ESRCH);
}

TEST_F(JobTest, KillsWhatIgnoresTheStop) {
  ASSERT_EQ(::mkfifo(In("ready").c_str(), 0600), 0);
  JobSpec spec = Script("trap '' TERM; echo x > ready; while :; do sleep 60; done");
  spec.stop_grace_ms = 10;
  ASSERT_TRUE(Launch(spec).ok());
  AwaitReady();
  ASSERT_TRUE(StopJob(dir_).ok());
  EXPECT_EQ(WaitExit().ToString(), "signal 9 (KILL)");
  EXPECT_TRUE(StopJob(dir_).ok());
}

/// The job's own process ends with its launcher; its children do not, whatever they ignore.
TEST_F(JobTest, EndsWhatADeadLauncherLeft) {
  ASSERT_EQ(::mkfifo(In("ready").c_str(), 0600), 0);
  // A child in the job's group, and one in a group of its own (`set -m`), as Spark makes them.
  JobSpec spec = Script(
      "trap '' TERM HUP; sh -c 'trap \"\" TERM HUP; while :; do sleep 60; done' & "
      "set -m; sh -c 'trap \"\" TERM HUP; echo x > ready; while :; do sleep 60; done' & "
      "while :; do sleep 60; done");
  spec.argv[0] = "/bin/bash";  // whose `set -m` needs no terminal
  ASSERT_TRUE(Launch(spec).ok());
  AwaitReady();
  const JobState state = ReadJobState(dir_).value();
  EXPECT_GE(MembersOfSession(state.job)->size(), 3U);
  EXPECT_TRUE(JobRuns(dir_).value());
  ASSERT_EQ(::kill(state.launcher.pid, SIGKILL), 0);
  WaitGone(state.launcher);
  WaitGone(state.job);
  EXPECT_EQ(PhaseNow(), Phase::kLost);
  const auto left = MembersOfSession(state.job).value();
  EXPECT_GE(left.size(), 2U);
  EXPECT_TRUE(JobRuns(dir_).value());
  ASSERT_TRUE(EndJob(dir_).ok());
  for (const ProcessIdentity& member : left) WaitGone(member);
  // A `sleep` that one of them forked in its last moment dies as well, but is not in `left`.
  AwaitEnded();
}

TEST_F(JobTest, EndsARunningJobAndSaysWhenItIsOver) {
  ASSERT_EQ(::mkfifo(In("ready").c_str(), 0600), 0);
  JobSpec spec = Script("trap '' TERM; echo x > ready; while :; do sleep 60; done");
  spec.stop_grace_ms = 200;
  ASSERT_TRUE(Launch(spec).ok());
  AwaitReady();
  const JobState state = ReadJobState(dir_).value();
  EXPECT_FALSE(EndJob(dir_).value());  // it has its grace
  WaitGone(state.launcher);
  EXPECT_TRUE(EndJob(dir_).value());
  EXPECT_EQ(ReadJobState(dir_)->exit.signal, SIGKILL);
}

TEST_F(JobTest, EndingClosesAFolderThatWasNotLaunched) {
  EXPECT_FALSE(JobRuns(dir_).value());
  {
    const FileLock launching = FileLock::Acquire(In("lock")).value();
    EXPECT_TRUE(JobRuns(dir_).value());
    EXPECT_FALSE(EndJob(dir_).value());
  }
  EXPECT_TRUE(EndJob(dir_).value());
  EXPECT_EQ(PhaseNow(), Phase::kExited);
  EXPECT_TRUE(EndJob(In("none")).value());
  EXPECT_FALSE(JobRuns(In("none")).value());
}

TEST_F(JobTest, AStoppedJobIsNeverLaunched) {
  ASSERT_TRUE(StopJob(dir_).ok());
  EXPECT_EQ(PhaseNow(), Phase::kExited);
  ASSERT_TRUE(Launch(Script("echo ran")).ok());
  EXPECT_EQ(ReadJobState(dir_).value().exit.signal, SIGTERM);
  EXPECT_FALSE(Exists(In("stdout")));
}

TEST_F(JobTest, SaysWhyItCannotLaunch) {
  EXPECT_EQ(LaunchJob("/no/launcher", dir_, Script("true")).code(), Code::kNotFound);
  EXPECT_EQ(LaunchJob(DCP_TEST_LAUNCHER, dir_ + "/none", Script("true")).code(), Code::kNotFound);
  EXPECT_EQ(LaunchJob(DCP_TEST_LAUNCHER, "relative", Script("true")).code(),
            Code::kInvalidArgument);
  JobSpec spec = Script("true");
  spec.stdout_file = "../elsewhere";
  EXPECT_EQ(Launch(spec).code(), Code::kInvalidArgument);
  spec = Script("true");
  spec.stderr_file = "no/such/folder";
  const Status status = Launch(spec);
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_NE(status.message().find("no/such/folder"), std::string::npos);
  EXPECT_EQ(PhaseNow(), Phase::kNotLaunched);
  spec.argv = {"/no/such/program"};
  spec.stderr_file = "stderr";
  ASSERT_TRUE(Launch(spec).ok());
  EXPECT_EQ(WaitExit().code, 127);
  EXPECT_EQ(Read("stderr"), "cannot start /no/such/program: No such file or directory\n");
}

TEST_F(JobTest, DoesNotRunWhenItsLauncherDiesBeforeTheRecord) {
  int gate[2];
  ASSERT_EQ(::pipe2(gate, O_CLOEXEC), 0);
  SpawnOptions options;
  options.argv = {DCP_TEST_LAUNCHER, "--gated", "/bin/sh", "-c", "echo ran > mark"};
  options.directory = Work();
  options.fds = {{gate[0], 3}};
  auto job = Process::Spawn(options);
  ASSERT_TRUE(job.ok());
  ::close(gate[0]);
  EXPECT_EQ(job->Wait(5).status().code(), Code::kDeadlineExceeded);
  ::close(gate[1]);
  EXPECT_EQ(job->Wait(10'000)->code, 127);
  EXPECT_FALSE(Exists(In("mark")));
}

TEST_F(JobTest, ARecordOfAnotherProcessIsNotTakenForOurs) {
  JobIdentities identities;
  identities.launcher = IdentityOf(::getpid()).value();
  identities.launcher.start_ticks += 1;  // our pid, another process
  identities.job = identities.launcher;
  ASSERT_TRUE(WriteFileAtomic(In("launched"), EncodeLaunched(identities)).ok());
  EXPECT_EQ(PhaseNow(), Phase::kLost);
  EXPECT_TRUE(StopJob(dir_).ok());
  EXPECT_TRUE(EndJob(dir_).value());  // and we are still here
}

TEST_F(JobTest, SaysWhenARecordIsDamaged) {
  ASSERT_TRUE(WriteFileAtomic(In("launched"), "launcher x").ok());
  EXPECT_EQ(ReadJobState(dir_).status().code(), Code::kDataLoss);
}

TEST(JobFilesTest, KeepsEveryByteOfASpec) {
  JobSpec spec;
  spec.argv = {"/bin/x", "", "a b\nc:d", std::string("n\0l", 3)};
  spec.env = {{"A", "1:2\n"}, {"B", ""}};
  spec.stop_grace_ms = 5;
  const std::string text = EncodeJobSpec(spec);
  const JobSpec back = DecodeJobSpec(text).value();
  EXPECT_EQ(back.argv, spec.argv);
  EXPECT_EQ(back.env, spec.env);
  EXPECT_EQ(back.stop_grace_ms, 5);
  for (size_t n = 0; n < text.size(); ++n) {
    EXPECT_FALSE(DecodeJobSpec(std::string_view(text).substr(0, n)).ok()) << n;
  }
}

}  // namespace
}  // namespace dcp::os
