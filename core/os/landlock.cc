// SPDX-License-Identifier: Apache-2.0
//
// Landlock by its three system calls: no library of Debian's wraps them. Numbers that Debian's
// kernel headers do not have yet stand here; source: the kernel's userspace-api/landlock.
#include "os/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace dcp::os {
namespace {

// Rights that came with later versions of the interface.
constexpr uint64_t kRefer = 1ULL << 13;     // 2
constexpr uint64_t kTruncate = 1ULL << 14;  // 3
constexpr uint64_t kIoctl = 1ULL << 15;     // 5
constexpr uint64_t kScopeAbstractUnix = 1ULL << 0;
constexpr uint64_t kScopeSignal = 1ULL << 1;
constexpr int kVersionRefer = 2;
constexpr int kVersionIoctl = 5;
constexpr int kRulePort = 2;

constexpr uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr uint64_t kRun = LANDLOCK_ACCESS_FS_EXECUTE;
/// Rights that a file can have; the others are a folder's.
constexpr uint64_t kOfFiles = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                              LANDLOCK_ACCESS_FS_EXECUTE | kTruncate | kIoctl;

/// The kernel's struct, with the fields that are newer than our headers; who reads it is told how
/// much of it counts.
struct RulesetAttributes {
  uint64_t handled_access_fs = 0;
  uint64_t handled_access_net = 0;
  uint64_t scoped = 0;
};

struct PortRule {
  uint64_t allowed_access = 0;
  uint64_t port = 0;
};

/// Beside the policy's own. A name that is not there on this system is passed over.
constexpr const char* kReadable[] = {"/usr",
                                     "/lib",
                                     "/lib64",
                                     "/bin",
                                     "/sbin",
                                     "/opt",
                                     "/proc",
                                     "/sys",
                                     "/etc/ld.so.cache",
                                     "/etc/ld.so.conf",
                                     "/etc/ld.so.conf.d",
                                     "/etc/ssl",
                                     "/etc/ca-certificates",
                                     "/etc/pki",
                                     "/etc/resolv.conf",
                                     "/etc/hosts",
                                     "/etc/host.conf",
                                     "/etc/nsswitch.conf",
                                     "/etc/gai.conf",
                                     "/etc/services",
                                     "/etc/protocols",
                                     "/etc/localtime",
                                     "/etc/timezone",
                                     "/etc/passwd",
                                     "/etc/group",
                                     "/run/systemd/resolve",
                                     "/dev/urandom",
                                     "/dev/random",
                                     "/dev/zero"};
constexpr const char* kWritable[] = {"/dev/null",
#ifdef DCP_SANITIZER_REPORTS
                                     DCP_SANITIZER_REPORTS
#endif
};

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

uint64_t HandledBy(int version) {
  uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;  // all thirteen of version 1
  if (version >= kVersionRefer) rights |= kRefer;
  if (version >= kLandlockTruncate) rights |= kTruncate;
  if (version >= kVersionIoctl) rights |= kIoctl;
  return rights;
}

enum class Links { kFollowed, kRefused };

int OpenPath(const std::string& path, Links links) {
  if (links == Links::kFollowed) return ::open(path.c_str(), O_PATH | O_CLOEXEC);
  open_how how = {};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS;
  return static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how));
}

/// OK for a path that is not there when it is `optional`.
Status Allow(int ruleset, const std::string& path, uint64_t rights, bool optional,
             Links links = Links::kFollowed) {
  const Descriptor fd(OpenPath(path, links));
  if (fd.get() < 0) {
    if (optional && (errno == ENOENT || errno == EACCES || errno == ENOTDIR)) return {};
    if (errno == ELOOP && links == Links::kRefused) {
      return FailedPrecondition("the sandbox does not allow " + path +
                                ": a link stands in it that was not there when it was configured");
    }
    return FromErrno(errno, "the sandbox cannot allow " + path);
  }
  struct stat info = {};
  if (::fstat(fd.get(), &info) != 0) return FromErrno(errno, "the sandbox cannot look at " + path);
  landlock_path_beneath_attr rule = {};
  rule.allowed_access = S_ISDIR(info.st_mode) ? rights : rights & kOfFiles;
  rule.parent_fd = fd.get();
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) {
    return FromErrno(errno, "the sandbox cannot allow " + path);
  }
  return {};
}

}  // namespace

int LandlockVersion() {
  return static_cast<int>(
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION));
}

Status AllowPorts(int ruleset, uint64_t right, const std::vector<int>& ports) {
  for (const int port : ports) {
    const PortRule rule = {right, static_cast<uint64_t>(port)};
    if (::syscall(SYS_landlock_add_rule, ruleset, kRulePort, &rule, 0) != 0) {
      return FromErrno(errno, "the sandbox cannot allow port " + std::to_string(port));
    }
  }
  return {};
}

Status EnterLandlock(const SandboxPolicy& policy, int newest, SandboxLayers& layers) {
  const int version = std::min(LandlockVersion(), newest);
  if (version < 1) return {};  // ENOSYS: too old; EOPNOTSUPP: switched off at boot
  RulesetAttributes attributes;
  attributes.handled_access_fs = HandledBy(version);
  size_t size = sizeof attributes.handled_access_fs;
  if (version >= kLandlockPorts) {
    attributes.handled_access_net = kLandlockBindTcp;
    size = offsetof(RulesetAttributes, scoped);
  }
  if (version >= kLandlockScope) {
    attributes.scoped = kScopeSignal | kScopeAbstractUnix;
    size = sizeof attributes;
  }
  const Descriptor ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
  if (ruleset.get() < 0) return FromErrno(errno, "the sandbox cannot make a Landlock ruleset");

  const uint64_t all = attributes.handled_access_fs;
  const uint64_t read = policy.processes ? kRead | kRun : kRead;
  for (const char* path : kReadable) DCP_TRY(Allow(ruleset.get(), path, read, true));
  for (const char* path : kWritable) DCP_TRY(Allow(ruleset.get(), path, all & ~kRun, true));
  const Links links = policy.resolved ? Links::kRefused : Links::kFollowed;
  for (const std::string& path : policy.read) {
    DCP_TRY(Allow(ruleset.get(), path, read, false, links));
  }
  const uint64_t write = policy.processes ? all : all & ~kRun;
  for (const std::string& path : policy.write) {
    DCP_TRY(Allow(ruleset.get(), path, write, false, links));
  }
  if (version >= kLandlockPorts) {
    // bind() to 0 opens nothing: listen() chooses a port for a socket that has none, and is judged
    // by no version.
    DCP_TRY(AllowPorts(ruleset.get(), kLandlockBindTcp, {0}));
    DCP_TRY(AllowPorts(ruleset.get(), kLandlockBindTcp, policy.listen));
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) {
    return FromErrno(errno, "the sandbox cannot be entered");
  }
  layers.landlock = version;
  layers.scopes = version >= kLandlockScope;
  layers.ports = version >= kLandlockPorts;
  return {};
}

}  // namespace dcp::os
