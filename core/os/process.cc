// SPDX-License-Identifier: Apache-2.0
//
// Spawning by fork and exec. posix_spawn can neither set PDEATHSIG nor close what a library opened
// without close-on-exec, so we fork ourselves: all memory is allocated before, and between fork and
// exec only async-signal-safe calls are made. Needs Linux 5.4 (pidfd_open, waitid on a pidfd).
#include "os/process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>

#include "base/clock.h"
#include "os/file.h"

extern "C" {  // glibc 2.36 forgot to say so in the header itself
#include <sys/pidfd.h>
}

namespace dcp::os {
namespace {

// /proc/PID/stat is one line of 52 numbers and a name of at most 16 bytes.
constexpr size_t kStatBytesMax = 4096;
// Descriptors looked at one by one on kernels before 5.11, which cannot mark a range.
constexpr rlim_t kFallbackFdsMax = 65536;

enum Step : int { kStepGroup, kStepParent, kStepDescriptors, kStepDirectory, kStepExec };

/// What the child reports through the error pipe when it cannot become the program.
struct Failure {
  int step;
  int error;
};

struct Move {
  int from;
  int to;
};

/// All that the child needs, laid out before the fork.
struct Plan {
  std::vector<std::string> strings;
  std::vector<char*> argv;
  std::vector<char*> env;
  std::vector<Move> moves;
  int scratch_from = 0;  ///< first number above every target: sources wait there
  int error_fd = -1;
  pid_t parent = -1;
  const SpawnOptions* options = nullptr;
};

[[noreturn]] void Fail(int fd, int step, int error) {
  const Failure failure = {step, error};
  (void)!::write(fd, &failure, sizeof failure);
  ::_exit(127);
}

void CloseOnExecAll() {
  if (::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
  rlimit limit = {};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const int end = static_cast<int>(std::min(limit.rlim_cur, kFallbackFdsMax));
  for (int fd = 3; fd < end; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/// Runs in the child: async-signal-safe calls only, no allocation.
[[noreturn]] void RunChild(Plan& plan) {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &action, nullptr);

  int error_fd = ::fcntl(plan.error_fd, F_DUPFD_CLOEXEC, plan.scratch_from);
  if (error_fd < 0) Fail(plan.error_fd, kStepDescriptors, errno);

  const SpawnOptions& options = *plan.options;
  if (options.new_session) {
    if (::setsid() < 0) Fail(error_fd, kStepGroup, errno);
  } else if (options.new_group && ::setpgid(0, 0) != 0) {
    Fail(error_fd, kStepGroup, errno);
  }
  if (options.die_with_parent) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) Fail(error_fd, kStepParent, errno);
    if (::getppid() != plan.parent) ::_exit(127);  // the parent ended before we asked
  }
  // First all sources move out of the way of all targets, then each goes to its number.
  for (Move& move : plan.moves) {
    move.from = ::fcntl(move.from, F_DUPFD_CLOEXEC, plan.scratch_from);
    if (move.from < 0) Fail(error_fd, kStepDescriptors, errno);
  }
  CloseOnExecAll();
  for (const Move& move : plan.moves) {
    if (::dup2(move.from, move.to) < 0) Fail(error_fd, kStepDescriptors, errno);
  }
  if (!options.directory.empty() && ::chdir(options.directory.c_str()) != 0) {
    Fail(error_fd, kStepDirectory, errno);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(plan.argv[0], plan.argv.data(), plan.env.data());
  Fail(error_fd, kStepExec, errno);
}

Status Describe(const Failure& failure, const SpawnOptions& options) {
  const std::string what = "cannot start " + options.argv[0];
  switch (failure.step) {
    case kStepGroup:
      return FromErrno(failure.error, what + ": cannot make a process group");
    case kStepParent:
      return FromErrno(failure.error, what + ": cannot tie it to its parent");
    case kStepDescriptors:
      return FromErrno(failure.error, what + ": cannot hand over descriptors");
    case kStepDirectory:
      return FromErrno(failure.error, what + ": cannot enter folder " + options.directory);
    default:
      return FromErrno(failure.error, what);
  }
}

/// The numbers in /proc/PID/stat that we use.
struct ProcStat {
  char state = '?';
  pid_t session = -1;
  uint64_t start_ticks = 0;
};

Result<ProcStat> ReadStat(pid_t pid) {
  DCP_ASSIGN(const std::string text,
             ReadFile("/proc/" + std::to_string(pid) + "/stat", kStatBytesMax));
  // The name (field 2) may hold spaces and parentheses; the last ')' ends it.
  size_t at = text.rfind(')');
  if (at == std::string::npos || at + 2 >= text.size()) {
    return Internal("cannot read /proc/" + std::to_string(pid) + "/stat: unexpected content");
  }
  at += 2;
  ProcStat stat;
  stat.state = text[at];
  for (int field = 3; field < 22; ++field) {
    at = text.find(' ', at);
    if (at == std::string::npos) {
      return Internal("cannot read /proc/" + std::to_string(pid) + "/stat: it ends early");
    }
    ++at;
    if (field == 5) std::from_chars(text.data() + at, text.data() + text.size(), stat.session);
  }
  std::from_chars(text.data() + at, text.data() + text.size(), stat.start_ticks);
  return stat;
}

/// Whether the process whose `stat` could not be read is gone for sure.
bool IsGone(pid_t pid, const Status& failure) {
  return failure.code() == Code::kNotFound || (::kill(pid, 0) != 0 && errno == ESRCH);
}

Result<std::string> BootId() {
  DCP_ASSIGN(std::string id, ReadFile("/proc/sys/kernel/random/boot_id", kStatBytesMax));
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

/// Blocks every signal of this thread while it lives, so that none of our handlers runs in a child.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &old_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &old_, nullptr); }

 private:
  sigset_t old_;
};

Status Prepare(const SpawnOptions& options, int null_fd, Plan* plan) {
  if (options.argv.empty() || options.argv[0].find('/') == std::string::npos) {
    return InvalidArgument("cannot start a process: argv[0] must be a path");
  }
  for (const std::string& word : options.argv) {
    if (word.find('\0') != std::string::npos) {
      return InvalidArgument("cannot start " + options.argv[0] + ": an argument holds a NUL");
    }
  }
  plan->strings = options.argv;
  for (const auto& [key, value] : options.env) {
    const std::string entry = key + "=" + value;
    if (key.empty() || key.find('=') != std::string::npos || entry.find('\0') != entry.npos) {
      return InvalidArgument("cannot start " + options.argv[0] + ": environment variable '" + key +
                             "' is not well formed");
    }
    plan->strings.push_back(entry);
  }
  for (size_t i = 0; i < plan->strings.size(); ++i) {
    (i < options.argv.size() ? plan->argv : plan->env).push_back(plan->strings[i].data());
  }
  plan->argv.push_back(nullptr);
  plan->env.push_back(nullptr);

  plan->moves.push_back({options.stdin_fd >= 0 ? options.stdin_fd : null_fd, 0});
  plan->moves.push_back({options.stdout_fd >= 0 ? options.stdout_fd : null_fd, 1});
  if (options.stderr_fd >= 0) plan->moves.push_back({options.stderr_fd, 2});
  int highest = 2;
  for (const auto& [from, to] : options.fds) {
    if (from < 0 || to < 3) {
      return InvalidArgument("cannot start " + options.argv[0] + ": descriptor number " +
                             std::to_string(to) + " is not free for use");
    }
    plan->moves.push_back({from, to});
    highest = std::max(highest, to);
  }
  plan->scratch_from = highest + 1;
  plan->parent = ::getpid();
  plan->options = &options;
  return {};
}

/// Reaps a child that is known to be ending.
void Reap(pid_t pid) {
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

std::string ExitStatus::ToString() const {
  if (signal == 0) return "exit code " + std::to_string(code);
  const char* name = ::sigabbrev_np(signal);
  return "signal " + std::to_string(signal) +
         (name != nullptr ? " (" + std::string(name) + ")" : "");
}

Result<Process> Process::Spawn(const SpawnOptions& options) {
  int pipe_fds[2];
  if (::pipe2(pipe_fds, O_CLOEXEC) != 0) return FromErrno(errno, "cannot make a pipe");
  const int null_fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  Plan plan;
  plan.error_fd = pipe_fds[1];
  Status prepared =
      null_fd < 0 ? FromErrno(errno, "cannot open /dev/null") : Prepare(options, null_fd, &plan);
  pid_t pid = -1;
  int fork_error = 0;
  if (prepared.ok()) {
    const SignalsBlocked blocked;
    pid = ::fork();
    if (pid == 0) RunChild(plan);
    fork_error = errno;
  }
  ::close(pipe_fds[1]);
  if (null_fd >= 0) ::close(null_fd);
  if (pid < 0) {
    ::close(pipe_fds[0]);
    DCP_TRY(prepared);
    return FromErrno(fork_error, "cannot start " + options.argv[0]);
  }
  Failure failure = {};
  ssize_t n;
  do {  // the end of the pipe comes with a successful exec
    n = ::read(pipe_fds[0], &failure, sizeof failure);
  } while (n < 0 && errno == EINTR);
  ::close(pipe_fds[0]);
  if (n == static_cast<ssize_t>(sizeof failure)) {
    Reap(pid);
    return Describe(failure, options);
  }
  Process process;
  process.pid_ = pid;
  process.pidfd_ = ::pidfd_open(pid, 0);  // close-on-exec by definition
  if (process.pidfd_ < 0) {
    const int error = errno;
    ::kill(pid, SIGKILL);
    Reap(pid);
    if (error == ENOSYS) {
      return Unimplemented("cannot start " + options.argv[0] +
                           ": this kernel has no pidfd_open; Linux 5.4 or later is needed");
    }
    return FromErrno(error, "cannot watch " + options.argv[0]);
  }
  return process;
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pidfd_(std::exchange(other.pidfd_, -1)) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    if (pidfd_ >= 0) ::close(pidfd_);
    pid_ = std::exchange(other.pid_, -1);
    pidfd_ = std::exchange(other.pidfd_, -1);
  }
  return *this;
}

Process::~Process() {
  if (pidfd_ >= 0) ::close(pidfd_);
}

Status Process::Kill(int signal) {
  if (!valid()) return FailedPrecondition("cannot send a signal: no process was started");
  if (::pidfd_send_signal(pidfd_, signal, nullptr, 0) == 0 || errno == ESRCH) return {};
  return FromErrno(errno, "cannot send a signal to process " + std::to_string(pid_));
}

Status Process::KillGroup(int signal) {
  if (!valid()) return FailedPrecondition("cannot send a signal: no process was started");
  const bool reaped = ::pidfd_send_signal(pidfd_, 0, nullptr, 0) != 0 && errno == ESRCH;
  // A pid stays taken while a group of that number has members. So once our child is reaped and
  // its pid exists again, our group is gone and that pid is a stranger's.
  if (reaped && (::kill(pid_, 0) == 0 || errno != ESRCH)) return {};
  if (::kill(-pid_, signal) == 0 || errno == ESRCH) return {};
  return FromErrno(errno, "cannot send a signal to process group " + std::to_string(pid_));
}

Result<ExitStatus> Process::Wait(int64_t timeout_ms) {
  if (!valid()) return FailedPrecondition("cannot wait: no process was started");
  const SteadyMillis end = SystemClock().Steady() + std::max<int64_t>(timeout_ms, 0);
  while (true) {
    constexpr int64_t kPollMax = 1 << 30;  // what fits into poll's int
    const int64_t left = std::clamp<int64_t>(end - SystemClock().Steady(), 0, kPollMax);
    pollfd watch = {pidfd_, POLLIN, 0};
    const int n = ::poll(&watch, 1, timeout_ms < 0 ? -1 : static_cast<int>(left));
    if (n > 0) break;
    if (n < 0 && errno != EINTR) return FromErrno(errno, "cannot wait for a process");
    if (n == 0 && left < kPollMax) {
      return DeadlineExceeded("process " + std::to_string(pid_) + " still runs after " +
                              std::to_string(timeout_ms) + " ms");
    }
  }
  siginfo_t info = {};
  int result;
  do {
    result = ::waitid(P_PIDFD, static_cast<id_t>(pidfd_), &info, WEXITED);
  } while (result < 0 && errno == EINTR);
  if (result < 0) return FromErrno(errno, "cannot wait for process " + std::to_string(pid_));
  ExitStatus status;
  (info.si_code == CLD_EXITED ? status.code : status.signal) = info.si_status;
  return status;
}

bool ProcessIdentity::Alive() const {
  if (pid <= 0) return false;
  const auto boot = BootId();
  if (boot.ok() && *boot != boot_id) return false;
  const auto stat = ReadStat(pid);
  // Without a descriptor to read it with it is not known, which is not the same as gone.
  if (!boot.ok() || !stat.ok()) return !IsGone(pid, stat.status());
  return stat->start_ticks == start_ticks && stat->state != 'Z' && stat->state != 'X';
}

Result<ProcessIdentity> IdentityOf(pid_t pid) {
  ProcessIdentity identity;
  identity.pid = pid;
  DCP_ASSIGN(const ProcStat stat, ReadStat(pid));
  identity.start_ticks = stat.start_ticks;
  DCP_ASSIGN(identity.boot_id, BootId());
  return identity;
}

Result<std::vector<ProcessIdentity>> MembersOfSession(const ProcessIdentity& leader) {
  std::vector<ProcessIdentity> members;
  DCP_ASSIGN(const std::string boot, BootId());
  if (leader.pid <= 0 || boot != leader.boot_id) return members;
  const auto now = ReadStat(leader.pid);
  if (now.ok() && now->start_ticks != leader.start_ticks) return members;
  DCP_ASSIGN(const std::vector<std::string> names, ListDirectory("/proc"));
  for (const std::string& name : names) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || end != name.data() + name.size()) continue;
    const auto stat = ReadStat(pid);  // it may be gone by now
    if (!stat.ok() && !IsGone(pid, stat.status())) return stat.status();
    if (!stat.ok() || stat->session != leader.pid || stat->state == 'Z' || stat->state == 'X') {
      continue;
    }
    members.push_back({pid, stat->start_ticks, boot});
  }
  return members;
}

}  // namespace dcp::os
