// SPDX-License-Identifier: Apache-2.0
#include "os/forwarder_confine.h"

#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>

#include "os/descriptor.h"
#include "os/landlock.h"

namespace dcp::os {
namespace {

// Newer than Debian's kernel headers; source: the kernel's userspace-api/landlock.
constexpr uint64_t kScopes = 1ULL << 0 | 1ULL << 1;  // abstract Unix sockets, signals

struct RulesetAttributes {
  uint64_t handled_access_fs = 0;
  uint64_t handled_access_net = 0;
  uint64_t scoped = 0;
};

Status DropCapabilities() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capset, &header, none) == 0) return {};
  return FromErrno(errno, "the forwarder cannot give up its capabilities");
}

Status EnterRules(const std::vector<int>& ports) {
  const int version = LandlockVersion();
  if (version < 1) return {};
  RulesetAttributes attributes;
  attributes.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;  // and no rule allows any
  size_t size = sizeof attributes.handled_access_fs;
  if (version >= kLandlockPorts) {
    attributes.handled_access_net = kLandlockBindTcp | kLandlockConnectTcp;
    size += sizeof attributes.handled_access_net;
  }
  if (version >= kLandlockScope) {
    attributes.scoped = kScopes;
    size += sizeof attributes.scoped;
  }
  const Fd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
  if (!ruleset.valid()) return FromErrno(errno, "the forwarder cannot make a Landlock ruleset");
  if (version >= kLandlockPorts) DCP_TRY(AllowPorts(ruleset.get(), kLandlockConnectTcp, ports));
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) == 0) return {};
  return FromErrno(errno, "the forwarder cannot confine itself");
}

/// Copying between sockets, and the memory and time that takes.
constexpr const char* kCalls[] = {
    "accept4",
    "connect",
    "getsockopt",
    "setsockopt",
    "shutdown",
    "close",
    "recv",
    "send",
    "recvfrom",
    "sendto",
    "poll",
    "ppoll",
    "brk",
    "munmap",
    "mremap",
    "madvise",
    "futex",
    "exit",
    "exit_group",
    "rt_sigreturn",
    "restart_syscall",
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    "write",
    "mprotect",
    "sched_yield",
    "gettid",
    "getpid",
    "sigaltstack",
    "rt_sigprocmask",
    "clock_gettime",
#endif
};

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};

Status EnterFilter() {
  if (seccomp_api_get() == 0) return {};
  const std::unique_ptr<void, Release> filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (!filter) return Internal("the forwarder cannot make a seccomp filter");
  int result = 0;
  const auto allow = [&](const char* name, unsigned count, const scmp_arg_cmp* conditions) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || number < 0 || result != 0) return;
    result = seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, number, count, conditions);
  };
  for (const char* name : kCalls) allow(name, 0, nullptr);
  constexpr uint64_t kTypes = 0xf;  // beside SOCK_CLOEXEC and SOCK_NONBLOCK
  const scmp_arg_cmp tcp[] = {{0, SCMP_CMP_EQ, AF_INET, 0},
                              {1, SCMP_CMP_MASKED_EQ, kTypes, SOCK_STREAM},
                              {2, SCMP_CMP_EQ, 0, 0}};
  allow("socket", 3, tcp);
  const scmp_arg_cmp anonymous[] = {{3, SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS}};
  allow("mmap", 1, anonymous);
  if (result == 0) result = seccomp_load(filter.get());
  if (result == -EINVAL || result == -ENOSYS) return {};  // a kernel without filters
  return result == 0 ? Status() : FromErrno(-result, "the forwarder cannot load a seccomp filter");
}

}  // namespace

Status ConfineForwarder(const std::vector<int>& ports) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return FromErrno(errno, "the forwarder cannot give up new privileges");
  }
  DCP_TRY(DropCapabilities());
  DCP_TRY(EnterRules(ports));
  return EnterFilter();
}

}  // namespace dcp::os
