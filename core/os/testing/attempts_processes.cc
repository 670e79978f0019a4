// SPDX-License-Identifier: Apache-2.0
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>

#include "os/testing/attempts.h"

namespace dcp::os::testing {
namespace {

constexpr char kSignals[] = "it can signal other processes";

Attempt Signal(Attempt attempt) {
  attempt.missing = kSignals;
  return attempt;
}

Attempt WithProcesses(Attempt attempt) {
  attempt.granted_by_processes = true;
  return attempt;
}

char buffer[512];

/// The child of a clone that was not refused goes at once.
long Born(long pid) {
  if (pid == 0) _exit(0);
  return pid;
}

siginfo_t Queued(const Victim& v) {
  siginfo_t info = {};
  info.si_signo = SIGUSR1;
  info.si_code = SI_QUEUE;
  info.si_pid = v.pid;
  return info;
}

/// A descriptor of the process that made the socket, which the socket gives away since Linux 6.5.
int PeerDescriptor(const Victim& v) {
  constexpr int kPeerPidfd = 77;  // SO_PEERPIDFD
  int fd = -1;
  socklen_t size = sizeof fd;
  return ::getsockopt(v.channel, SOL_SOCKET, kPeerPidfd, &fd, &size) == 0 ? fd : -1;
}

}  // namespace

std::vector<Attempt> AttemptsOnProcesses() {
  return {
    Signal(DCP_ATTEMPT(kill, "the victim", kRefused, return syscall(number, v.pid, SIGUSR1);)),
        Signal(DCP_ATTEMPT(tgkill, "the victim", kRefused,
                           return syscall(number, v.pid, v.pid, SIGUSR1);)),
        Signal(DCP_ATTEMPT(tkill, "the victim", kRefused, return syscall(number, v.pid, SIGUSR1);)),
        Signal(DCP_ATTEMPT(rt_sigqueueinfo, "the victim", kRefused, siginfo_t info = Queued(v);
                           return syscall(number, v.pid, SIGUSR1, &info);)),
        Signal(DCP_ATTEMPT(rt_tgsigqueueinfo, "the victim", kRefused, siginfo_t info = Queued(v);
                           return syscall(number, v.pid, v.pid, SIGUSR1, &info);)),
        Signal(DCP_ATTEMPT(pidfd_send_signal, "the victim", kRefused,
                           const long fd = syscall(SYS_pidfd_open, v.pid, 0);
                           return syscall(number, fd, SIGUSR1, nullptr, 0);)),
        Signal(DCP_ATTEMPT(pidfd_send_signal, "the other side of a socket", kRefused,
                           return syscall(number, PeerDescriptor(v), SIGUSR1, nullptr, 0);)),
        WithProcesses(DCP_ATTEMPT(pidfd_open, "the victim, which tells of its end", kRefused,
                                  return syscall(number, v.pid, 0);)),
        DCP_ATTEMPT(setpgid, "the victim", kRefused, return syscall(number, v.pid, v.pid);),
        WithProcesses(DCP_ATTEMPT(setsid, "of its own", kRefused, return syscall(number);)),
        DCP_ATTEMPT(sched_setaffinity, "the victim", kRefused, cpu_set_t one; CPU_ZERO(&one);
                    CPU_SET(0, &one); return syscall(number, v.pid, sizeof one, &one);),
        DCP_ATTEMPT(sched_setaffinity, "itself", kOwn, cpu_set_t all;
                    ::sched_getaffinity(0, sizeof all, &all);
                    return syscall(number, 0, sizeof all, &all);),
        DCP_ATTEMPT(prlimit64, "files of the victim", kRefused, rlimit none = {0, 0};
                    return syscall(number, v.pid, RLIMIT_FSIZE, &none, nullptr);),
        DCP_ATTEMPT(prlimit64, "to read a limit of the victim", kRefused, rlimit limit;
                    return syscall(number, v.pid, RLIMIT_NOFILE, nullptr, &limit);),
        DCP_ATTEMPT(prlimit64, "to raise its own", kRefused, rlimit limit;
                    syscall(number, 0, RLIMIT_MSGQUEUE, nullptr, &limit);
                    limit.rlim_max = RLIM_INFINITY;
                    return syscall(number, 0, RLIMIT_MSGQUEUE, &limit, nullptr);),
        DCP_ATTEMPT(prctl, "one core with the victim", kRefused,
                    constexpr int kSchedCore = 62;  // PR_SCHED_CORE, SHARE_FROM
                    return syscall(number, kSchedCore, 3, v.pid, 0, 0);),
        WithProcesses(DCP_ATTEMPT(prctl, "to outlive its parent", kRefused,
                                  return syscall(number, PR_SET_PDEATHSIG, 0, 0, 0, 0);)),
        DCP_ATTEMPT(prctl, "to be traced by anybody", kRefused,
                    return syscall(number, PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);),
        DCP_ATTEMPT(clone, "a child of the victim's", kRefused,
                    return Born(syscall(number, CLONE_PARENT | SIGUSR1, 0, 0, 0, 0));),
        DCP_ATTEMPT(clone, "a user namespace", kRefused,
                    return Born(syscall(number, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));),
        DCP_ATTEMPT(clone, "a mount namespace", kRefused,
                    return Born(syscall(number, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0));),
        DCP_ATTEMPT(clone, "a thread with a namespace", kRefused,
                    return Born(syscall(number, CLONE_NEWNET | CLONE_THREAD, 0, 0, 0, 0));),
        DCP_ATTEMPT(wait4, "the victim", kRefused,
                    return syscall(number, v.pid, nullptr, WNOHANG, nullptr);),
        DCP_ATTEMPT(waitpid, "the victim", kRefused,
                    return syscall(number, v.pid, nullptr, WNOHANG);),
        DCP_ATTEMPT(waitid, "the victim", kRefused, siginfo_t info;
                    return syscall(number, P_PID, v.pid, &info, WEXITED | WNOHANG, nullptr);),
        DCP_ATTEMPT(timer_create, "signals for the victim", kRefused, sigevent event = {};
                    event.sigev_notify = SIGEV_THREAD_ID; event.sigev_signo = SIGUSR1;
                    event._sigev_un._tid = v.pid; int timer;
                    return syscall(number, CLOCK_MONOTONIC, &event, &timer);),
        DCP_ATTEMPT(getpriority, "the victim", kShown,
                    return syscall(number, PRIO_PROCESS, v.pid);),
        DCP_ATTEMPT(sched_getaffinity, "the victim", kShown,
                    return syscall(number, v.pid, sizeof buffer, buffer);),
        DCP_ATTEMPT(sched_getattr, "the victim", kShown,
                    return syscall(number, v.pid, buffer, 48, 0);),
        DCP_ATTEMPT(sched_getparam, "the victim", kShown, return syscall(number, v.pid, buffer);),
        DCP_ATTEMPT(sched_getscheduler, "the victim", kShown, return syscall(number, v.pid);),
        DCP_ATTEMPT(sched_rr_get_interval, "the victim", kShown,
                    return syscall(number, v.pid, buffer);),
        DCP_ATTEMPT(getpgid, "the victim", kShown, return syscall(number, v.pid);),
        DCP_ATTEMPT(getsid, "the victim", kShown, return syscall(number, v.pid);),
        DCP_ATTEMPT(capget, "the victim", kShown,
                    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, v.pid};
                    return syscall(number, &header, buffer);),
  };
}

}  // namespace dcp::os::testing
