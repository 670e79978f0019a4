// SPDX-License-Identifier: Apache-2.0
//
// A list of what is allowed: a call that is not on it answers EPERM, or ENOSYS where a library then
// takes another way.
#include "os/seccomp.h"

#include <linux/sched.h>
#include <seccomp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace dcp::os {
namespace {

/// What threads, memory, files, sockets and clocks need, as glibc, musl and the runtimes of Go,
/// Rust and the JVM use them. A name that the machine's architecture does not have is passed over.
constexpr const char* kAllowed[] = {
    // memory
    "brk", "madvise", "mincore", "mlock", "mlock2", "mmap", "mmap2", "mprotect", "mremap", "msync",
    "munlock", "munmap", "membarrier", "memfd_create", "pkey_alloc", "pkey_free", "pkey_mprotect",
    "process_madvise", "get_mempolicy", "set_mempolicy", "mbind",
    // threads and their scheduling
    "arch_prctl", "exit", "exit_group", "futex", "futex_waitv", "get_robust_list", "getcpu",
    "get_thread_area", "set_thread_area", "getpriority", "gettid", "rseq", "sched_get_priority_max",
    "sched_get_priority_min", "sched_getaffinity", "sched_getattr", "sched_getparam",
    "sched_getscheduler", "sched_rr_get_interval", "sched_setaffinity", "sched_yield",
    "set_robust_list", "set_tid_address", "prctl", "restart_syscall",
    // who and where one is
    "getegid", "geteuid", "getgid", "getgroups", "getpgid", "getpgrp", "getpid", "getppid",
    "getresgid", "getresuid", "getsid", "getuid", "capget", "getrlimit", "prlimit64", "getrusage",
    "sysinfo", "times", "uname", "umask", "getrandom",
    // signals to oneself; kill and its like follow below
    "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend",
    "rt_sigtimedwait", "sigaltstack", "pause", "alarm", "getitimer", "setitimer", "signalfd4",
    "wait4", "waitid", "waitpid",
    // clocks and timers
    "clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday", "nanosleep", "time",
    "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_settime",
    "timerfd_create", "timerfd_gettime", "timerfd_settime",
    // files; which ones is Landlock's matter
    "access", "chdir", "chmod", "close", "close_range", "copy_file_range", "creat", "dup", "dup2",
    "dup3", "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir", "fchmod", "fchmodat",
    "fchmodat2", "fcntl", "fdatasync", "fgetxattr", "flistxattr", "flock", "fstat", "fstatfs",
    "fsync", "ftruncate", "futimesat", "getcwd", "getdents", "getdents64", "getxattr", "ioctl",
    "lgetxattr", "link", "linkat", "listxattr", "llistxattr", "lseek", "lstat", "mkdir", "mkdirat",
    "newfstatat", "open", "openat", "openat2", "pipe", "pipe2", "pread64", "preadv", "preadv2",
    "pwrite64", "pwritev", "pwritev2", "read", "readahead", "readlink", "readlinkat", "readv",
    "rename", "renameat", "renameat2", "rmdir", "sendfile", "splice", "stat", "statfs", "statx",
    "symlink", "symlinkat", "sync_file_range", "syncfs", "tee", "truncate", "unlink", "unlinkat",
    "utime", "utimensat", "utimes", "vmsplice", "write", "writev", "inotify_add_watch",
    "inotify_init", "inotify_init1", "inotify_rm_watch",
    // waiting
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_pwait", "epoll_pwait2",
    "epoll_wait", "epoll_wait_old", "eventfd", "eventfd2", "poll", "ppoll", "pselect6", "select",
    // sockets; which families follows below
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen",
    "recv", "recvfrom", "recvmmsg", "recvmsg", "send", "sendmmsg", "sendmsg", "sendto",
    "setsockopt", "shutdown", "socketpair"};

/// Only with SandboxPolicy::processes.
constexpr const char* kProcesses[] = {"fork",
                                      "vfork",
                                      "clone",
                                      "execve",
                                      "execveat",
                                      "setpgid",
                                      "setsid",
                                      "pidfd_open",
                                      "kill",
                                      "tgkill",
                                      "tkill",
                                      "rt_sigqueueinfo",
                                      "rt_tgsigqueueinfo",
                                      "pidfd_send_signal"};

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};

class Filter {
 public:
  Filter() : filter_(seccomp_init(SCMP_ACT_ERRNO(EPERM))) {}
  bool made() const { return filter_ != nullptr; }

  void Allow(const char* name) { Add(SCMP_ACT_ALLOW, name, {}); }
  void AllowIf(const char* name, scmp_arg_cmp condition) {
    Add(SCMP_ACT_ALLOW, name, {&condition});
  }
  /// Where a library that is refused takes an older way.
  void Unknown(const char* name) { Add(SCMP_ACT_ERRNO(ENOSYS), name, {}); }
  /// The first failure, of a rule or of entering; 0.
  int Load() { return error_ != 0 ? error_ : seccomp_load(filter_.get()); }

 private:
  struct Condition {
    Condition() = default;
    Condition(const scmp_arg_cmp* one) : compare(one) {}  // NOLINT: implicit
    const scmp_arg_cmp* compare = nullptr;
  };
  void Add(uint32_t action, const char* name, Condition condition) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || number < 0) return;  // not on this architecture
    const int result =
        condition.compare != nullptr
            ? seccomp_rule_add_array(filter_.get(), action, number, 1, condition.compare)
            : seccomp_rule_add_array(filter_.get(), action, number, 0, nullptr);
    if (result != 0 && error_ == 0) error_ = result;
  }

  std::unique_ptr<void, Release> filter_;
  int error_ = 0;
};

scmp_arg_cmp Equals(unsigned argument, uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, 0xffffffffU, value};
}

/// Threads yes, processes no; and no signal to anybody but ourselves.
void AllowThreads(Filter& filter) {
  filter.AllowIf("clone", {0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD});
#ifdef __SANITIZE_ADDRESS__
  // The leak check at the end attaches from a process that shares our memory.
  filter.AllowIf("clone", {0, SCMP_CMP_MASKED_EQ, CLONE_VM | CLONE_THREAD, CLONE_VM});
  filter.Allow("kill");
#endif
  const auto self = static_cast<uint64_t>(::getpid());
  for (const char* name : {"kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"}) {
    filter.AllowIf(name, Equals(0, self));
  }
}

}  // namespace

Status EnterSeccomp(const SandboxPolicy& policy, SandboxLayers& layers) {
  if (seccomp_api_get() == 0) return {};
  Filter filter;
  if (!filter.made()) return Internal("the sandbox cannot make a seccomp filter");
  for (const char* name : kAllowed) filter.Allow(name);
#ifdef __SANITIZE_ADDRESS__
  for (const char* name : {"ptrace", "process_vm_readv", "personality"}) filter.Allow(name);
#endif
  // Its flags stand in memory, where no filter sees them; without it libraries use clone.
  filter.Unknown("clone3");
  if (policy.unix_sockets) filter.AllowIf("socket", Equals(0, AF_UNIX));
  if (policy.network) {
    for (const int family : {AF_INET, AF_INET6, AF_NETLINK}) {
      filter.AllowIf("socket", Equals(0, static_cast<uint64_t>(family)));
    }
  }
  if (policy.processes) {
    for (const char* name : kProcesses) filter.Allow(name);
  } else {
    AllowThreads(filter);
  }
  const int result = filter.Load();
  if (result == -EINVAL || result == -ENOSYS) return {};  // a kernel without filters
  if (result != 0) return FromErrno(-result, "the sandbox cannot load its seccomp filter");
  layers.seccomp = true;
  return {};
}

}  // namespace dcp::os
