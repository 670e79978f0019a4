// SPDX-License-Identifier: Apache-2.0
//
// All layers, in the order in which they can be entered: seccomp may forbid the calls of the
// others.
#include "os/sandbox.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "os/landlock.h"
#include "os/seccomp.h"

namespace dcp::os {
namespace {

/// What root may keep: files stay Landlock's matter, and ports below 1024 the operator's. Without
/// the rest it cannot raise its own limits, reach other users' processes or change the machine.
constexpr uint64_t kKept = 1ULL << CAP_DAC_OVERRIDE | 1ULL << CAP_DAC_READ_SEARCH |
                           1ULL << CAP_FOWNER | 1ULL << CAP_FSETID | 1ULL << CAP_NET_BIND_SERVICE;

/// For good: with no_new_privs a program that is started gets no more than this process has.
Status DropCapabilities() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct words[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capget, &header, words) != 0) {
    return FromErrno(errno, "the sandbox cannot read its capabilities");
  }
  for (unsigned word = 0; word < _LINUX_CAPABILITY_U32S_3; ++word) {
    const auto kept = static_cast<uint32_t>(kKept >> (32 * word));
    words[word].permitted &= kept;
    words[word].effective &= kept;
    words[word].inheritable = 0;
  }
  if (::syscall(SYS_capset, &header, words) != 0) {
    return FromErrno(errno, "the sandbox cannot give up its capabilities");
  }
  return {};
}

void Add(std::string& list, const char* what) {
  if (!list.empty()) list += "; ";
  list += what;
}

}  // namespace

const char kNeverConfined[] =
    "no kernel hides names, sizes, modes and times of files in folders that the user can search, "
    "nor what /proc shows of processes to everybody";

std::string SandboxLayers::Missing() const {
  std::string missing;
  if (landlock == 0) {
    Add(missing, "files are not confined: this kernel has no Landlock (Linux 5.13), or it is off");
  }
  if (!seccomp) {
    Add(missing, "system calls are not confined: this kernel has no seccomp filters");
  }
  if (!scopes && signals) {
    Add(missing,
        "it can signal other processes of its user, since it may start programs: only Landlock of "
        "Linux 6.12 keeps signals inside");
  }
  if (!scopes && connections) {
    Add(missing,
        "it can connect to abstract Unix sockets of others: only Landlock of Linux 6.12 keeps it "
        "from that");
  }
  if (!ports && listening) {
    Add(missing,
        "it can listen on a TCP port that is not listed while nobody has it: only Landlock of "
        "Linux 6.7 keeps it to the listed ones");
  }
  return missing;
}

Result<SandboxLayers> EnterSandboxUpTo(const SandboxPolicy& policy, int newest) {
  SandboxLayers layers;
  layers.signals = policy.processes;
  layers.connections = policy.unix_sockets;
  layers.listening = policy.network && (policy.unix_sockets || !policy.listen.empty());
  DCP_TRY(DropCapabilities());
  DCP_TRY(EnterLandlock(policy, newest, layers));
  DCP_TRY(EnterSeccomp(policy, layers));
  return layers;
}

}  // namespace dcp::os
