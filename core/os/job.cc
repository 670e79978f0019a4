// SPDX-License-Identifier: Apache-2.0
//
// The daemon's side of local jobs: writes the spec, starts the launcher, reads what it left, and
// asks it to stop. Nothing here is remembered in memory: the folder and /proc say it all.
#include "os/job.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "base/clock.h"
#include "base/crash_point.h"
#include "os/file.h"
#include "os/job_files.h"
#include "os/untrusted_folder.h"

extern "C" {  // glibc 2.36 forgot to say so in the header itself
#include <sys/pidfd.h>
}

namespace dcp::os {
namespace {

// The launcher answers once its record is on disk: milliseconds, seconds on a disk that is busy.
constexpr int64_t kLaunchMsMax = 30'000;
// What the launcher may say when it fails: one message.
constexpr size_t kLauncherWordsMax = 4096;
// Looks for what a dead launcher left; what forks faster than that is met by the next call.
constexpr int kKillRoundsMax = 16;

Status CheckOutputName(const std::string& name) {
  if (name.empty() || name.front() == '/' || name == ".." || name.starts_with("../") ||
      name.find("/../") != name.npos || name.ends_with("/..")) {
    return InvalidArgument("cannot launch a job: output file '" + name +
                           "' is not a path below the job's folder");
  }
  return {};
}

/// Reads what the launcher says until it closes its end.
Result<std::string> Listen(int fd) {
  const SteadyMillis end = SystemClock().Steady() + kLaunchMsMax;
  std::string said;
  while (said.size() < kLauncherWordsMax) {
    pollfd watch = {fd, POLLIN, 0};
    const int64_t left = std::max<int64_t>(0, end - SystemClock().Steady());
    const int ready = ::poll(&watch, 1, static_cast<int>(left));
    if (ready == 0) {
      return DeadlineExceeded("the job's launcher said nothing for " +
                              std::to_string(kLaunchMsMax) + " ms");
    }
    if (ready < 0) {
      if (errno == EINTR) continue;
      return FromErrno(errno, "cannot listen to the job's launcher");
    }
    char buffer[512];
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    said.append(buffer, static_cast<size_t>(n));
  }
  return said;
}

/// Sends a signal to that very process: the pidfd is opened first, then the identity compared.
Status SignalExactly(const ProcessIdentity& who, int signal) {
  const int fd = ::pidfd_open(who.pid, 0);
  if (fd < 0) return errno == ESRCH ? Status() : FromErrno(errno, "cannot find the job's launcher");
  int error = 0;
  const auto now = IdentityOf(who.pid);
  if (now.ok() && *now == who && ::pidfd_send_signal(fd, signal, nullptr, 0) != 0) error = errno;
  ::close(fd);
  if (!now.ok() && now.status().code() != Code::kNotFound) return now.status();
  if (error == 0 || error == ESRCH) return {};
  return FromErrno(error, "cannot signal process " + std::to_string(who.pid));
}

/// Ends what a dead launcher left behind: the job's group, and what left the group for one of its
/// own. What made a session of its own cannot be told from a stranger's any more.
Status KillLeftovers(const ProcessIdentity& job) {
  std::vector<ProcessIdentity> ended;
  for (int round = 0; round < kKillRoundsMax; ++round) {
    DCP_ASSIGN(std::vector<ProcessIdentity> left, MembersOfSession(job));
    // Who has its signal forks no more; whom it forked just before it is found by the next look.
    std::erase_if(left, [&](const ProcessIdentity& member) {
      return std::find(ended.begin(), ended.end(), member) != ended.end();
    });
    if (left.empty()) break;
    // The group first and at once: one that forks all the time cannot run away from it.
    if (::kill(-job.pid, SIGKILL) != 0 && errno != ESRCH) {
      return FromErrno(errno, "cannot end process group " + std::to_string(job.pid));
    }
    for (const ProcessIdentity& member : left) DCP_TRY(SignalExactly(member, SIGKILL));
    ended.insert(ended.end(), left.begin(), left.end());
  }
  return {};
}

/// A job that was not launched yet is closed, so that no later launch can start it.
Status CloseUnlaunched(const std::string& directory) {
  auto lock = FileLock::Acquire(directory + "/" + kJobLockFile);
  if (!lock.ok()) return std::move(lock).With("cannot stop a job that is being launched").status();
  if (Exists(directory + "/" + kJobLaunchedFile) || Exists(directory + "/" + kJobExitFile)) {
    return Unavailable("cannot stop the job in " + directory + ": it has just been launched");
  }
  ExitStatus stopped;
  stopped.signal = SIGTERM;
  DCP_ASSIGN(const auto folder, UntrustedFolder::Open(directory, kJobFolderLevels));
  return folder.Write(kJobExitFile, EncodeExit(stopped));
}

}  // namespace

std::string JobWorkFolder(const std::string& directory) {
  const std::string work = directory + "/" + kJobWorkFolder;
  return Exists(work) ? work : directory;
}

Status LaunchJob(const std::string& launcher_program, const std::string& directory,
                 const JobSpec& spec, int held_fd) {
  if (directory.empty() || directory.front() != '/') {
    return InvalidArgument("cannot launch a job in '" + directory + "': not an absolute path");
  }
  if (spec.argv.empty() || spec.argv[0].empty() || spec.argv[0].front() != '/') {
    return InvalidArgument("cannot launch a job: argv[0] must be an absolute path");
  }
  DCP_TRY(CheckOutputName(spec.stdout_file));
  DCP_TRY(CheckOutputName(spec.stderr_file));
  DCP_ASSIGN(const JobState state, ReadJobState(directory));
  if (state.phase != JobState::Phase::kNotLaunched) return {};
  if (!IsFolder(directory + "/" + kJobWorkFolder)) {
    return InvalidArgument("cannot launch a job in '" + directory + "': it has no work folder");
  }
  {
    DCP_ASSIGN(const auto folder, UntrustedFolder::Open(directory, kJobFolderLevels));
    DCP_TRY(folder.Write(kJobSpecFile, EncodeJobSpec(spec)));
  }
  DCP_CRASH_POINT("job.launch.spec_written");

  int pipe_fds[2];
  if (::pipe2(pipe_fds, O_CLOEXEC) != 0) return FromErrno(errno, "cannot make a pipe");
  SpawnOptions options;
  options.argv = {launcher_program, directory};
  options.stderr_fd = pipe_fds[1];
  options.new_session = true;
  if (held_fd >= 0) options.fds = {{held_fd, kJobHeldFd}};
  options.env = crash::TakeForLauncher();
  auto launcher = Process::Spawn(options);
  DCP_CRASH_POINT("job.launch.spawned");
  ::close(pipe_fds[1]);
  auto said = launcher.ok() ? Listen(pipe_fds[0]) : Result<std::string>(launcher.status());
  ::close(pipe_fds[0]);
  DCP_TRY(said.status());
  // What we started is the launcher's first half, which ends at once.
  DCP_TRY(launcher->Wait(kLaunchMsMax).status());
  if (said->ends_with(kJobLaunchedWord)) return {};
  while (!said->empty() && said->back() == '\n') said->pop_back();
  return Unavailable("cannot launch the job in " + directory + ": " +
                     (said->empty() ? "its launcher ended early" : *said));
}

Result<JobState> ReadJobState(const std::string& directory) {
  const auto folder = UntrustedFolder::Open(directory, kJobFolderLevels);
  if (folder.status().code() == Code::kNotFound) return NotFound("no job folder " + directory);
  DCP_TRY(folder.status());
  JobState state;
  const auto launched = folder->Read(kJobLaunchedFile, kJobNoteBytesMax);
  if (launched.ok()) {
    DCP_ASSIGN(const JobIdentities identities, DecodeLaunched(*launched));
    state.launcher = identities.launcher;
    state.job = identities.job;
  } else if (launched.status().code() != Code::kNotFound) {
    return launched.status();
  }
  // Before `exit` is looked for, so that a launcher that writes it and ends in between is not
  // taken for a lost one.
  const bool alive = launched.ok() && (state.launcher.Alive() || state.job.Alive());
  const auto exit = folder->Read(kJobExitFile, kJobNoteBytesMax);
  if (exit.ok()) {
    DCP_ASSIGN(state.exit, DecodeExit(*exit));
    state.phase = JobState::Phase::kExited;
    return state;
  }
  if (exit.status().code() != Code::kNotFound) return exit.status();
  if (!launched.ok()) return state;
  state.phase = alive ? JobState::Phase::kRunning : JobState::Phase::kLost;
  return state;
}

Status StopJob(const std::string& directory) {
  DCP_ASSIGN(const JobState state, ReadJobState(directory));
  switch (state.phase) {
    case JobState::Phase::kNotLaunched:
      return CloseUnlaunched(directory);
    case JobState::Phase::kExited:
      return {};
    case JobState::Phase::kRunning:
      if (state.launcher.Alive()) return SignalExactly(state.launcher, SIGTERM);
      return KillLeftovers(state.job);
    case JobState::Phase::kLost:
      return KillLeftovers(state.job);
  }
  return Internal("unknown phase of a job");
}

Result<bool> EndJob(const std::string& directory) {
  const Status stopped = StopJob(directory);
  if (stopped.code() == Code::kNotFound) return true;
  if (stopped.code() == Code::kUnavailable) return false;  // it is being launched just now
  DCP_TRY(stopped);
  DCP_ASSIGN(const JobState state, ReadJobState(directory));
  // Also after `exit` was written: its launcher gives up on what is stuck in the kernel.
  if (!state.launcher.Alive()) DCP_TRY(KillLeftovers(state.job));
  DCP_ASSIGN(const bool runs, JobRuns(directory));
  return !runs;
}

Result<bool> JobRuns(const std::string& directory) {
  const auto state = ReadJobState(directory);
  if (state.status().code() == Code::kNotFound) return false;
  DCP_TRY(state.status());
  if (state->phase == JobState::Phase::kNotLaunched) {
    if (!Exists(directory + "/" + kJobLockFile)) return false;
    return FileLock::Acquire(directory + "/" + kJobLockFile).status().code() == Code::kUnavailable;
  }
  if (state->launcher.Alive()) return true;
  DCP_ASSIGN(const std::vector<ProcessIdentity> left, MembersOfSession(state->job));
  return !left.empty();
}

}  // namespace dcp::os
