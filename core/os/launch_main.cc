// SPDX-License-Identifier: Apache-2.0
//
// dcp-launch DIRECTORY: launches the job described in DIRECTORY/spec, stays its parent, and writes
// DIRECTORY/exit when it and all it started are gone. The daemon may die at any time; this process
// belongs to no terminal and to no other process. README.md has the state diagram.
//
// dcp-launch --gated PROGRAM ARGUMENT...: what the job is until `launched` is on disk: it waits for
// one byte on descriptor 3, then becomes PROGRAM. At end of file it ends without having run it, so
// there is no moment in which the job runs and is not recorded. It starts without the job's
// environment, which may come from a plugin and would steer its loader: that stands in descriptor
// 4, and is PROGRAM's, or with --gated-passing-on PROGRAM's to read.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/crash_point.h"
#include "os/descriptor.h"
#include "os/environment.h"
#include "os/file.h"
#include "os/job_files.h"
#include "os/process.h"
#include "os/untrusted_folder.h"

namespace dcp::os {
namespace {

constexpr int kGateFd = 3;
constexpr char kGated[] = "--gated";
constexpr char kGatedPassingOn[] = "--gated-passing-on";
/// The folder of /proc is looked at this often while leftovers are being ended.
constexpr int64_t kSweepMs = 20;
/// After SIGKILL only a process stuck in the kernel stays; it must not hide the job's end.
constexpr int64_t kKillWaitMs = 5'000;
/// A full disk may become free again; then give up, and the job reads as lost.
constexpr int kExitWritesMax = 600;
constexpr int64_t kExitWriteEveryMs = 1'000;
/// Exit code of a job whose program could not be started, as in a shell.
constexpr int kCannotExec = 127;

int RunGated(char** argv, bool pass_on) {
  char byte;
  ssize_t n;
  do {
    n = ::read(kGateFd, &byte, 1);
  } while (n < 0 && errno == EINTR);
  if (n != 1) return kCannotExec;
  ::close(kGateFd);
  std::vector<std::string> environment;
  if (!pass_on) {
    auto read = ReadEnvironment(kJobEnvironmentFd);
    if (!read.ok()) {
      std::fprintf(stderr, "cannot start %s: %s\n", argv[0], read.status().message().c_str());
      return kCannotExec;
    }
    environment = std::move(*read);
  }
  std::vector<char*> pointers;
  for (std::string& variable : environment) pointers.push_back(variable.data());
  pointers.push_back(nullptr);
  ::execve(argv[0], argv, pointers.data());
  std::fprintf(stderr, "cannot start %s: %s\n", argv[0], std::strerror(errno));
  return kCannotExec;
}

sigset_t WaitedSignals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGCHLD);
  ::sigaddset(&set, SIGTERM);
  return set;
}

/// The next SIGCHLD or SIGTERM, or 0 when `timeout_ms` (-1: none) is over.
int NextSignal(int64_t timeout_ms) {
  const sigset_t set = WaitedSignals();
  const timespec limit = {timeout_ms / 1000, (timeout_ms % 1000) * 1'000'000};
  const int signal =
      timeout_ms < 0 ? ::sigwaitinfo(&set, nullptr) : ::sigtimedwait(&set, nullptr, &limit);
  return signal > 0 ? signal : 0;
}

/// Our children but the job itself. Once the job has ended, every process it started is among them
/// or below one of them, because orphans come to us (PR_SET_CHILD_SUBREAPER).
std::vector<pid_t> OtherChildren(pid_t job) {
  std::vector<pid_t> children;
  const auto names = ListDirectory("/proc");
  if (!names.ok()) return children;
  for (const std::string& name : *names) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || end != name.data() + name.size() || pid == job) continue;
    const auto stat = ReadFile("/proc/" + name + "/stat", kJobNoteBytesMax);
    if (!stat.ok()) continue;
    const size_t at = stat->rfind(')');
    pid_t parent = 0;
    char state = 0;
    if (at == stat->npos || std::sscanf(stat->c_str() + at, ") %c %d", &state, &parent) != 2) {
      continue;
    }
    if (parent == ::getpid()) children.push_back(pid);
  }
  return children;
}

/// Stays the job's parent until it has ended.
class Guardian {
 public:
  Guardian(pid_t job, int64_t grace_ms) : job_(job), grace_ms_(grace_ms) {}

  ExitStatus Run() {
    while (!JobEnded()) {
      const int64_t left =
          stopping_ ? std::max<int64_t>(0, deadline_ - SystemClock().Steady()) : -1;
      const int signal = NextSignal(killed_ ? -1 : left);
      if (signal == SIGTERM && !stopping_) {
        stopping_ = true;
        deadline_ = SystemClock().Steady() + grace_ms_;
        ::kill(-job_, SIGTERM);
      } else if (signal == 0 && stopping_ && !killed_ && SystemClock().Steady() >= deadline_) {
        killed_ = true;
        ::kill(-job_, SIGKILL);
      }
    }
    EndLeftovers();
    return ReapJob();
  }

 private:
  /// Reaps orphans that came to us. The job itself stays a zombie for now: so long its pid, which
  /// names the group, cannot become another's.
  bool JobEnded() const {
    while (true) {
      siginfo_t info = {};
      if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) break;
      if (info.si_pid == job_) return true;
      ::waitid(P_PID, static_cast<id_t>(info.si_pid), &info, WEXITED | WNOHANG);
    }
    siginfo_t info = {};
    return ::waitid(P_PID, static_cast<id_t>(job_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == job_;
  }

  /// A job that ended by itself leaves nothing behind; one that was told to stop has its grace.
  void EndLeftovers() const {
    const SteadyMillis kill_from = stopping_ ? deadline_ : SystemClock().Steady();
    const SteadyMillis give_up = kill_from + kKillWaitMs;
    while (true) {
      const std::vector<pid_t> left = OtherChildren(job_);
      if (left.empty()) return;
      const SteadyMillis now = SystemClock().Steady();
      if (now >= give_up) return;
      if (now >= kill_from) ::kill(-job_, SIGKILL);
      for (const pid_t pid : left) {
        // Those that left the group get the same; our children's pids cannot be reused.
        if (now >= kill_from) ::kill(pid, SIGKILL);
        siginfo_t info = {};
        ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG);
      }
      NextSignal(kSweepMs);
    }
  }

  ExitStatus ReapJob() const {
    siginfo_t info = {};
    while (::waitid(P_PID, static_cast<id_t>(job_), &info, WEXITED) != 0 && errno == EINTR) {
    }
    ExitStatus exit;
    (info.si_code == CLD_EXITED ? exit.code : exit.signal) = info.si_status;
    return exit;
  }

  const pid_t job_;
  const int64_t grace_ms_;
  bool stopping_ = false;
  bool killed_ = false;
  SteadyMillis deadline_ = 0;
};

/// No link is followed, not in a folder on the way either: the names are a plugin's.
Result<int> OpenOutput(int work, const std::string& name) {
  open_how how = {};
  how.flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC;
  how.mode = 0600;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  const long fd = ::syscall(SYS_openat2, work, name.c_str(), &how, sizeof how);
  if (fd < 0) return FromErrno(errno, "cannot write the job's output file " + name);
  return static_cast<int>(fd);
}

/// Starts the gated job, records it, and opens the gate.
Result<pid_t> LaunchRecorded(const std::string& directory, const JobSpec& spec) {
  int gate[2];
  if (::pipe2(gate, O_CLOEXEC) != 0) return FromErrno(errno, "cannot make a pipe");
  SpawnOptions options;
  options.argv = {"/proc/self/exe", spec.env_is_passed_on ? kGatedPassingOn : kGated};
  options.argv.insert(options.argv.end(), spec.argv.begin(), spec.argv.end());
  options.directory = directory + "/" + kJobWorkFolder;
  options.new_session = true;
  // Without us nobody could stop the job or learn its exit status, so it ends with us.
  options.die_with_parent = true;
  DCP_ASSIGN(const Fd environment, HoldEnvironment(spec.env));
  options.fds = {{gate[0], kGateFd}, {environment.get(), kJobEnvironmentFd}};
  const Fd work(OpenAt(AT_FDCWD, options.directory, O_PATH | O_DIRECTORY | O_NOFOLLOW));
  if (!work.valid()) return FromErrno(errno, "cannot open " + options.directory);
  DCP_ASSIGN(options.stdout_fd, OpenOutput(work.get(), spec.stdout_file));
  DCP_ASSIGN(options.stderr_fd, OpenOutput(work.get(), spec.stderr_file));
  DCP_ASSIGN(const Process job, Process::Spawn(options));
  DCP_CRASH_POINT("launcher.spawned");
  ::close(options.stdout_fd);
  ::close(options.stderr_fd);
  ::close(gate[0]);

  JobIdentities identities;
  DCP_ASSIGN(identities.launcher, IdentityOf(::getpid()));
  DCP_ASSIGN(identities.job, IdentityOf(job.pid()));
  DCP_TRY(WriteFileAtomic(directory + "/" + kJobLaunchedFile, EncodeLaunched(identities)));
  DCP_CRASH_POINT("launcher.recorded");
  if (::write(gate[1], "g", 1) != 1) return FromErrno(errno, "cannot open the job's gate");
  ::close(gate[1]);
  DCP_CRASH_POINT("launcher.started");
  return job.pid();
}

/// Whoever started us reads our stderr until it is closed; afterwards we say nothing to anybody.
void Report(std::string_view words) {
  (void)!::write(STDERR_FILENO, words.data(), words.size());
  const int null_fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null_fd >= 0) ::dup2(null_fd, STDERR_FILENO);
}

Status Guard(const std::string& directory) {
  auto lock = FileLock::Acquire(directory + "/" + kJobLockFile);
  if (!lock.ok() && lock.status().code() != Code::kUnavailable) return lock.status();
  // Somebody else launches it, or it was launched once: it is never launched again.
  if (!lock.ok() || Exists(directory + "/" + kJobExitFile) ||
      Exists(directory + "/" + kJobLaunchedFile)) {
    Report(kJobLaunchedWord);
    return {};
  }
  DCP_CRASH_POINT("launcher.locked");
  // Held open from before the job begins, which may put something else in its place.
  DCP_ASSIGN(const auto folder, UntrustedFolder::Open(directory, kJobFolderLevels));
  DCP_ASSIGN(const std::string text, folder.Read(kJobSpecFile, kJobSpecBytesMax));
  DCP_ASSIGN(const JobSpec spec, DecodeJobSpec(text));
  DCP_ASSIGN(const pid_t job, LaunchRecorded(directory, spec));
  Report(kJobLaunchedWord);
  const ExitStatus exit = Guardian(job, spec.stop_grace_ms).Run();
  DCP_CRASH_POINT("launcher.ended");
  Status written;
  for (int i = 0; i < kExitWritesMax; ++i) {
    written = folder.Write(kJobExitFile, EncodeExit(exit));
    if (written.ok() || written.code() == Code::kNotFound) break;  // the folder was removed
    NextSignal(kExitWriteEveryMs);
  }
  DCP_CRASH_POINT("launcher.exit_written");
  return written;
}

int Main(const std::string& directory) {
  const pid_t second = ::fork();
  if (second < 0) {
    std::perror("fork");
    return 1;
  }
  if (second > 0) return 0;  // the second half belongs to nobody now

  ::setsid();
  ::umask(077);
  (void)::fcntl(kJobHeldFd, F_SETFD, FD_CLOEXEC);  // ours, and not the job's
  (void)!::chdir("/");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE}) ::signal(signal, SIG_IGN);
  const sigset_t waited = WaitedSignals();
  ::sigprocmask(SIG_BLOCK, &waited, nullptr);
  Status status = crash::ArmFromEnvironment();
  if (status.ok()) status = Guard(directory);
  if (!status.ok()) Report(status.message() + "\n");
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace dcp::os

int main(int argc, char** argv) {
  if (argc >= 3 && std::strcmp(argv[1], dcp::os::kGated) == 0) {
    return dcp::os::RunGated(argv + 2, false);
  }
  if (argc >= 3 && std::strcmp(argv[1], dcp::os::kGatedPassingOn) == 0) {
    return dcp::os::RunGated(argv + 2, true);
  }
  if (argc != 2 || argv[1][0] != '/') {
    std::fprintf(stderr, "usage: dcp-launch DIRECTORY (an absolute path; dcpd calls this)\n");
    return 2;
  }
  return dcp::os::Main(argv[1]);
}
