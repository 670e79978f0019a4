// SPDX-License-Identifier: Apache-2.0
//
// A list of what is allowed (system_calls.inc), and here what is allowed for some arguments only. A
// call that is not allowed answers EPERM, or ENOSYS where a library then takes another way. Only
// registers can be judged: what stands in memory may change between the look and the call.
#include "os/seccomp.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <net/if.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>
#include <memory>
#include <string>

#include "os/landlock.h"
#include "os/system_calls.h"

namespace dcp::os {
namespace {

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};

class Filter {
 public:
  Filter() : filter_(seccomp_init(SCMP_ACT_ERRNO(EPERM))) {}
  bool made() const { return filter_ != nullptr; }

  void Allow(const char* name) { Add(SCMP_ACT_ALLOW, name, {}); }
  /// All conditions hold; each is about another argument. Several calls: any of them.
  void AllowIf(const char* name, std::initializer_list<scmp_arg_cmp> conditions) {
    Add(SCMP_ACT_ALLOW, name, conditions);
  }
  /// Where a library that is refused takes an older way.
  void Unknown(const char* name) { Add(SCMP_ACT_ERRNO(ENOSYS), name, {}); }
  /// A file system that has no such thing answers this, and programs expect it.
  void Unsupported(const char* name) { Add(SCMP_ACT_ERRNO(EOPNOTSUPP), name, {}); }
  /// The first failure, of a rule or of entering; 0.
  int Load() { return error_ != 0 ? error_ : seccomp_load(filter_.get()); }

 private:
  void Add(uint32_t action, const char* name, std::initializer_list<scmp_arg_cmp> conditions) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || number < 0) return;  // not on this architecture
    const int result =
        seccomp_rule_add_array(filter_.get(), action, number,
                               static_cast<unsigned>(conditions.size()), conditions.begin());
    if (result != 0 && error_ == 0) error_ = result;
  }

  std::unique_ptr<void, Release> filter_;
  int error_ = 0;
};

/// Of the bits in `mask`, exactly those of `value`.
scmp_arg_cmp Bits(unsigned argument, uint64_t mask, uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

/// The kernel reads 32 bits of these arguments.
scmp_arg_cmp Equals(unsigned argument, uint64_t value) {
  return Bits(argument, 0xffffffffU, value & 0xffffffffU);
}

void AllowValues(Filter& filter, const char* name, unsigned argument,
                 std::initializer_list<uint64_t> values) {
  for (const uint64_t value : values) filter.AllowIf(name, {Equals(argument, value)});
}

constexpr uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

/// No process gets a namespace of its own, nor a child whose parent is the worker's parent: the
/// daemon would be told of its end.
void JudgeClone(Filter& filter, const char* name, const SandboxPolicy& policy) {
  const uint64_t never = kNamespaces | CLONE_PARENT;
  if (policy.processes) {
    // A thread's flags hold CLONE_PARENT's meaning anyway.
    return filter.AllowIf(name, {Bits(0, never, 0)});
  }
  filter.AllowIf(name, {Bits(0, never | CLONE_THREAD, CLONE_THREAD)});
#ifdef __SANITIZE_ADDRESS__
  // The leak check at the end attaches from a process that shares our memory.
  filter.AllowIf(name, {Bits(0, CLONE_VM | CLONE_THREAD, CLONE_VM)});
#endif
}

/// A thread's own number is not known here, so a setter takes 0 or the process.
void JudgeOwnProcess(Filter& filter, const char* name, const SandboxPolicy& /*policy*/) {
  AllowValues(filter, name, 0, {0, static_cast<uint64_t>(::getpid())});
}

void JudgeSignal(Filter& filter, const char* name, const SandboxPolicy& policy) {
  if (policy.processes) return filter.Allow(name);  // whom: Landlock's matter, from version 6
  AllowValues(filter, name, 0, {static_cast<uint64_t>(::getpid())});
#ifdef __SANITIZE_ADDRESS__
  if (std::string(name) == "kill") filter.Allow(name);  // the leak check ends its own process
#endif
}

/// Names, and what can only confine further. Not PDEATHSIG: the worker would outlive its parent.
void JudgePrctl(Filter& filter, const char* name, const SandboxPolicy& policy) {
#ifdef __SANITIZE_ADDRESS__
  return filter.Allow(name);  // the leak check
#endif
  constexpr uint64_t kSetVma = 0x53564d41;  // names of mappings; newer than some headers
  AllowValues(filter, name, 0,
              {PR_SET_NAME,
               PR_GET_NAME,
               PR_GET_DUMPABLE,
               PR_GET_PDEATHSIG,
               PR_GET_KEEPCAPS,
               PR_GET_SECCOMP,
               PR_SET_SECCOMP,
               PR_CAPBSET_READ,
               PR_GET_SECUREBITS,
               PR_SET_TIMERSLACK,
               PR_GET_TIMERSLACK,
               PR_GET_CHILD_SUBREAPER,
               PR_SET_NO_NEW_PRIVS,
               PR_GET_NO_NEW_PRIVS,
               PR_GET_TID_ADDRESS,
               PR_SET_THP_DISABLE,
               PR_GET_THP_DISABLE,
               PR_SET_TAGGED_ADDR_CTRL,
               PR_GET_TAGGED_ADDR_CTRL,
               kSetVma});
  if (!policy.processes) return;
  // A process that it starts has none of our settings to undo.
  AllowValues(filter, name, 0, {PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_DUMPABLE});
}

/// Reading, writing, or both. The fourth value of the access mode opens a file for nothing, which
/// Landlock lets everybody do, and gives a descriptor that can lock it. Truncation through a
/// descriptor that only reads is undefined, and unseen by Landlock before version 3.
void JudgeOpen(Filter& filter, const char* name, const SandboxPolicy& /*policy*/) {
  const unsigned flags = std::string(name) == "open" ? 1 : 2;
  filter.AllowIf(name, {Bits(flags, O_ACCMODE | O_TRUNC, O_RDONLY)});
  filter.AllowIf(name, {Bits(flags, O_ACCMODE, O_WRONLY)});
  filter.AllowIf(name, {Bits(flags, O_ACCMODE, O_RDWR)});
}

/// Nothing that asks for signals (F_SETOWN, F_SETSIG, O_ASYNC, F_NOTIFY), delays others
/// (F_SETLEASE) or changes a pipe that both ends share (F_SETPIPE_SZ).
void JudgeFcntl(Filter& filter, const char* name, const SandboxPolicy& /*policy*/) {
  AllowValues(filter, name, 1,
              {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_GETLK, F_SETLK, F_SETLKW,
               F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_GETPIPE_SZ, F_GET_SEALS, F_ADD_SEALS});
  filter.AllowIf(name, {Equals(1, F_SETFL), Bits(2, O_ASYNC, 0)});
}

/// What libraries ask of files, terminals and interfaces. Everything else is refused: owners of
/// signals, input into terminals, flags of files, devices.
void JudgeIoctl(Filter& filter, const char* name, const SandboxPolicy& policy) {
  constexpr uint64_t kTerminal2 = 0x802c542a;  // TCGETS2, of newer libraries than ours
  AllowValues(filter, name, 1,
              {kTerminal2, TIOCGPGRP, FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, TIOCOUTQ, TCGETS,
               TIOCGWINSZ, FICLONE, FICLONERANGE, FS_IOC_GETFLAGS});
  if (!policy.network) return;
  AllowValues(filter, name, 1,
              {SIOCGIFCONF, SIOCGIFNAME, SIOCGIFFLAGS, SIOCGIFADDR, SIOCGIFDSTADDR, SIOCGIFBRDADDR,
               SIOCGIFNETMASK, SIOCGIFMTU, SIOCGIFHWADDR, SIOCGIFINDEX});
}

/// RLIMIT_DATA counts neither shared memory nor a mapping that grows like a stack.
void JudgeMap(Filter& filter, const char* name, const SandboxPolicy& policy) {
  if (!policy.private_memory) return filter.Allow(name);
  constexpr uint64_t kDroppable = 8;  // glibc's random numbers; newer than some headers
  constexpr uint64_t kMapType = 0xf;
  const uint64_t never = MAP_GROWSDOWN;
  for (const uint64_t type : {uint64_t{MAP_PRIVATE}, kDroppable}) {
    filter.AllowIf(name, {Bits(3, never | MAP_ANONYMOUS | kMapType, MAP_ANONYMOUS | type)});
  }
  filter.AllowIf(name, {Bits(3, never | MAP_ANONYMOUS, 0)});
}

/// Not pages that others map as well.
void JudgeBind(Filter& filter, const char* name, const SandboxPolicy& /*policy*/) {
  constexpr uint64_t kMoveAll = 4;  // MPOL_MF_MOVE_ALL
  filter.AllowIf(name, {Bits(5, kMoveAll, 0)});
}

/// What to a program of the other end is TCP as well (MPTCP, SMC) is judged by no Landlock.
void AllowStreams(Filter& filter, const char* name, uint64_t family, uint64_t types) {
  for (const uint64_t protocol : {uint64_t{0}, uint64_t{IPPROTO_TCP}}) {
    filter.AllowIf(name, {Equals(0, family), Bits(1, types, SOCK_STREAM), Equals(2, protocol)});
  }
}

/// No raw sockets, and of the kernel's own family what name resolution asks.
void JudgeSocket(Filter& filter, const char* name, const SandboxPolicy& policy) {
  constexpr uint64_t kTypes = 0xf;  // beside SOCK_CLOEXEC and SOCK_NONBLOCK
  if (std::string(name) == "socketpair") {
    // One end of a pair of SOCK_DGRAM could be connected to somebody else's socket.
    for (const uint64_t type : {SOCK_STREAM, SOCK_SEQPACKET}) {
      filter.AllowIf(name, {Equals(0, AF_UNIX), Bits(1, kTypes, type)});
    }
    return;
  }
  if (policy.unix_sockets) {
    for (const uint64_t type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
      filter.AllowIf(name, {Equals(0, AF_UNIX), Bits(1, kTypes, type)});
    }
  }
  if (!policy.network) return;
  for (const uint64_t family : {uint64_t{AF_INET}, uint64_t{AF_INET6}}) {
    AllowStreams(filter, name, family, kTypes);
    filter.AllowIf(name, {Equals(0, family), Bits(1, kTypes, SOCK_DGRAM)});
  }
  filter.AllowIf(name, {Equals(0, AF_NETLINK), Equals(2, NETLINK_ROUTE)});
}

/// Nobody listens beside another process at one port, nor has the kernel "choose" the port that
/// somebody else is about to take.
void JudgeSocketOption(Filter& filter, const char* name, const SandboxPolicy& /*policy*/) {
  constexpr uint64_t kLocalPortRange = 51;  // IP_LOCAL_PORT_RANGE; newer than some headers
  constexpr unsigned kBits = 32;            // of what the kernel reads of each argument
  static_assert(IPPROTO_IP == 0 && SOL_SOCKET == 1);
  for (unsigned bit = 0; bit < kBits; ++bit) {
    const uint64_t mask = uint64_t{1} << bit;
    if (bit > 0) filter.AllowIf(name, {Bits(1, mask, mask)});  // neither of the two levels
    filter.AllowIf(name, {Equals(1, SOL_SOCKET), Bits(2, mask, ~uint64_t{SO_REUSEPORT} & mask)});
    filter.AllowIf(name, {Equals(1, IPPROTO_IP), Bits(2, mask, ~kLocalPortRange & mask)});
  }
}

struct Rule {
  const char* name;
  void (*judge)(Filter& filter, const char* name, const SandboxPolicy& policy);
};

constexpr Rule kRules[] = {{"clone", JudgeClone},
                           {"sched_setaffinity", JudgeOwnProcess},
                           {"prlimit64", JudgeOwnProcess},
                           {"kill", JudgeSignal},
                           {"tgkill", JudgeSignal},
                           {"rt_sigqueueinfo", JudgeSignal},
                           {"rt_tgsigqueueinfo", JudgeSignal},
                           {"prctl", JudgePrctl},
                           {"open", JudgeOpen},
                           {"openat", JudgeOpen},
                           {"fcntl", JudgeFcntl},
                           {"ioctl", JudgeIoctl},
                           {"mmap", JudgeMap},
                           {"mmap2", JudgeMap},
                           {"mbind", JudgeBind},
                           {"setsockopt", JudgeSocketOption},
                           {"socket", JudgeSocket},
                           {"socketpair", JudgeSocket}};

Status Judge(Filter& filter, const char* name, const SandboxPolicy& policy) {
  for (const Rule& rule : kRules) {
    if (std::string(rule.name) != name) continue;
    rule.judge(filter, name, policy);
    return {};
  }
  return Internal(std::string("the sandbox has no rule for the system call ") + name);
}

bool Grants(Allowed allowed, const SandboxPolicy& policy, const SandboxLayers& layers) {
  switch (allowed) {
    case Allowed::kAlways:
      return true;
    case Allowed::kProcesses:
      return policy.processes;
    case Allowed::kConnections:
      return policy.network || policy.unix_sockets;
    case Allowed::kListening:
      return policy.unix_sockets || (policy.network && !policy.listen.empty());
    case Allowed::kAttributes:
      return policy.attributes;
    case Allowed::kTruncation:
      return layers.landlock >= kLandlockTruncate;
    case Allowed::kUnlimited:
      return !policy.private_memory;
    case Allowed::kJudged:
      return false;  // by its own rule
  }
  return false;
}

Status AddRules(Filter& filter, const SandboxPolicy& policy, const SandboxLayers& layers) {
  for (const SystemCall& call : kSystemCalls) {
    if (call.allowed == Allowed::kJudged) {
      DCP_TRY(Judge(filter, call.name, policy));
    } else if (Grants(call.allowed, policy, layers)) {
      filter.Allow(call.name);
    }
  }
#ifdef __SANITIZE_ADDRESS__
  for (const char* name : {"ptrace", "process_vm_readv", "personality"}) filter.Allow(name);
#endif
  // Their flags stand in memory; without them libraries use clone and openat.
  for (const char* name : {"clone3", "openat2"}) filter.Unknown(name);
  // Of files that cannot be opened they would tell the content.
  for (const char* name : {"getxattr", "lgetxattr", "listxattr", "llistxattr"}) {
    filter.Unsupported(name);
  }
  return {};
}

}  // namespace

Status EnterSeccomp(const SandboxPolicy& policy, SandboxLayers& layers) {
  if (seccomp_api_get() == 0) return {};
  Filter filter;
  if (!filter.made()) return Internal("the sandbox cannot make a seccomp filter");
  DCP_TRY(AddRules(filter, policy, layers));
  const int result = filter.Load();
  if (result == -EINVAL || result == -ENOSYS) return {};  // a kernel without filters
  if (result != 0) return FromErrno(-result, "the sandbox cannot load its seccomp filter");
  layers.seccomp = true;
  return {};
}

}  // namespace dcp::os
