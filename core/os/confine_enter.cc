// SPDX-License-Identifier: Apache-2.0
//
// Two layers of its own before those of every sandbox: the ports (Landlock, a ruleset beside that
// of the files, for rulesets add up) and a filter of system calls that refuses single arguments.
#include <fcntl.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "os/confine.h"
#include "os/file.h"
#include "os/landlock.h"
#include "os/own_network.h"

namespace dcp::os {
namespace {

struct RulesetAttributes {
  uint64_t handled_access_fs = 0;
  uint64_t handled_access_net = 0;
};

/// Whether the kernel keeps to them.
Result<bool> EnterPorts(const std::vector<int>& ports) {
  if (LandlockVersion() < kLandlockPorts) return false;
  RulesetAttributes attributes;
  attributes.handled_access_net = kLandlockConnectTcp;
  const long ruleset =
      ::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);  // close-on-exec
  if (ruleset < 0) return FromErrno(errno, "cannot make a Landlock ruleset for ports");
  DCP_TRY(AllowPorts(static_cast<int>(ruleset), kLandlockConnectTcp, ports));
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) {
    return FromErrno(errno, "cannot confine connections to ports");
  }
  ::close(static_cast<int>(ruleset));
  return true;
}

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};

/// Allows all but what it is told to refuse.
class Refusals {
 public:
  Refusals() : filter_(seccomp_init(SCMP_ACT_ALLOW)) {}
  bool made() const { return filter_ != nullptr; }
  void Add(const char* name, std::initializer_list<scmp_arg_cmp> conditions) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || number < 0) return;  // not on this architecture
    const int result =
        seccomp_rule_add_array(filter_.get(), SCMP_ACT_ERRNO(EPERM), number,
                               static_cast<unsigned>(conditions.size()), conditions.begin());
    if (result != 0 && error_ == 0) error_ = result;
  }
  int Load() { return error_ != 0 ? error_ : seccomp_load(filter_.get()); }

 private:
  std::unique_ptr<void, Release> filter_;
  int error_ = 0;
};

scmp_arg_cmp Bits(unsigned argument, uint64_t mask, uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

/// No kernel judges the path of chmod, so one user's processes can change each other's files. What
/// stays allowed is what this user's private files have anyway: 0600, and 0700.
void RefuseModes(Refusals& refusals, const char* name, unsigned argument) {
  constexpr uint64_t kNever[] = {S_ISUID, S_ISGID, S_ISVTX, S_IRGRP, S_IWGRP,
                                 S_IXGRP, S_IROTH, S_IWOTH, S_IXOTH};
  for (const uint64_t bit : kNever) refusals.Add(name, {Bits(argument, bit, bit)});
  for (const uint64_t bit : {uint64_t{S_IRUSR}, uint64_t{S_IWUSR}}) {
    refusals.Add(name, {Bits(argument, bit, 0)});
  }
}

/// Landlock knows the connect() of TCP alone: no other kind of IP socket, and no data that goes out
/// with the opening of a connection.
void RefuseBesideTcp(Refusals& refusals) {
  constexpr uint64_t kTypes = 0xf;  // beside SOCK_CLOEXEC and SOCK_NONBLOCK
  for (const uint64_t family : {uint64_t{AF_INET}, uint64_t{AF_INET6}}) {
    const scmp_arg_cmp is_family = Bits(0, 0xffffffffU, family);
    for (uint64_t type = 0; type <= kTypes; ++type) {
      if (type == SOCK_STREAM) continue;
      refusals.Add("socket", {is_family, Bits(1, kTypes, type)});
    }
    for (uint64_t protocol = 1; protocol < IPPROTO_TCP; ++protocol) {
      refusals.Add("socket", {is_family, Bits(2, 0xffffffffU, protocol)});
    }
    refusals.Add("socket", {is_family, scmp_arg_cmp{2, SCMP_CMP_GT, IPPROTO_TCP, 0}});
  }
  for (const auto& [name, argument] :
       {std::pair("sendto", 3U), std::pair("sendmsg", 2U), std::pair("sendmmsg", 3U)}) {
    refusals.Add(name, {Bits(argument, MSG_FASTOPEN, MSG_FASTOPEN)});
  }
}

/// Whether the kernel has filters.
Result<bool> EnterRefusals(bool tcp_only) {
  if (seccomp_api_get() == 0) return false;
  Refusals refusals;
  if (!refusals.made()) return Internal("cannot make a seccomp filter");
  RefuseModes(refusals, "chmod", 1);
  RefuseModes(refusals, "fchmod", 1);
  RefuseModes(refusals, "fchmodat", 2);
  RefuseModes(refusals, "fchmodat2", 2);
  if (tcp_only) RefuseBesideTcp(refusals);
  const int result = refusals.Load();
  if (result == -EINVAL || result == -ENOSYS) return false;
  if (result != 0) return FromErrno(-result, "cannot load a seccomp filter");
  return true;
}

/// A JDK of Debian's keeps its configuration in /etc/java-VERSION.
std::vector<std::string> JavaConfiguration() {
  std::vector<std::string> found;
  const auto names = ListDirectory("/etc");
  if (!names.ok()) return found;
  for (const std::string& name : *names) {
    if (!name.starts_with("java")) continue;
    std::error_code error;
    const auto path = std::filesystem::canonical("/etc/" + name, error);
    if (!error) found.push_back(path.string());
  }
  return found;
}

}  // namespace

std::string ConfineLayers::Missing() const {
  std::string missing = sandbox.Missing();
  const auto add = [&missing](const std::string& what) {
    missing += (missing.empty() ? "" : "; ") + what;
  };
  if (!ports) {
    add("connections are not kept to the listed ports: this kernel's Landlock has version " +
        std::to_string(sandbox.landlock) + ", and 4 is needed (Linux 6.7)");
  }
  if (!network.empty()) add(network);
  if (sandbox.seccomp && !modes) add("modes of files are not confined");
  return missing;
}

Result<ConfineLayers> EnterConfinement(const Confinement& confinement) {
  SandboxPolicy policy;
  policy.read = confinement.read;
  policy.write = confinement.write;
  policy.resolved = confinement.resolved;
  policy.listen = confinement.listen;
  policy.network = true;
  policy.processes = true;
  policy.attributes = true;  // Hadoop sets the mode of each file that it makes
  for (std::string& path : JavaConfiguration()) policy.read.push_back(std::move(path));
  ::umask(S_IRWXG | S_IRWXO);
  ConfineLayers layers;
  if (confinement.connect) {
    if (confinement.own_network) {
      DCP_ASSIGN(layers.network, EnterOwnNetwork(*confinement.connect));
    } else {
      DCP_ASSIGN(layers.ports, EnterPorts(*confinement.connect));
    }
  }
  DCP_ASSIGN(layers.modes, EnterRefusals(confinement.connect.has_value()));
  DCP_ASSIGN(layers.sandbox, EnterSandbox(policy));
  // Nobody reaches what listens in a network of the program's own, so no kernel lacks anything.
  if (confinement.own_network && layers.network.empty()) layers.sandbox.listening = false;
  return layers;
}

}  // namespace dcp::os
