// SPDX-License-Identifier: Apache-2.0
//
// What a process that runs other people's code gives up for good: files it has no business with
// (Landlock), and system calls that no plugin needs (seccomp).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace dcp::os {

/// What stays allowed beside threads, memory, clocks, pairs of sockets and the files that every
/// program reads (system libraries, certificates, name resolution, time zones).
struct SandboxPolicy {
  std::vector<std::string> read;   ///< files, or folders with all below
  std::vector<std::string> write;  ///< the same, also to be changed
  bool network = false;            ///< IPv4 and IPv6 sockets
  bool processes = false;          ///< fork, and running other programs
  /// Connecting to Unix sockets by name: on most kernels to every one that the user may reach, so
  /// never more than a plugin needs. Pairs of connected sockets are there without it.
  bool unix_sockets = false;
  /// Changing modes and times of files: of every one that the user owns, since no kernel judges the
  /// path.
  bool attributes = false;
  /// Memory is limited by RLIMIT_DATA, so what that does not count is refused: shared anonymous
  /// memory, and mappings that grow like a stack.
  bool private_memory = false;
  /// With `network`: TCP ports that it may listen on, 0 for one that the kernel chooses; whoever
  /// may listen at all may have one of those. Empty: it does not listen. Never beside another
  /// process at the same port, whatever is listed.
  std::vector<int> listen;
  /// `read` and `write` held no link when they were resolved; one that is met is an error.
  bool resolved = false;
  friend bool operator==(const SandboxPolicy&, const SandboxPolicy&) = default;
};

/// What the kernel had.
struct SandboxLayers {
  int landlock = 0;  ///< version of its interface; 0: not there
  bool seccomp = false;
  bool scopes = false;       ///< Landlock keeps signals and abstract Unix sockets inside
  bool signals = false;      ///< there are signals for it to keep: programs may be started
  bool connections = false;  ///< and sockets: Unix sockets may be connected to
  bool ports = false;        ///< Landlock keeps listening to the listed ports
  bool listening = false;    ///< and there is something to keep: it may listen, and has a network
  /// Empty, or what this kernel cannot give of what the policy promises, and why.
  std::string Missing() const;
};

/// What no kernel confines, and every confined process can therefore do; for people.
extern const char kNeverConfined[];

/// Confines the calling thread, and every thread and process it starts from now on. There is no way
/// back. Call it while the process has one thread. A layer that the kernel lacks is left out and
/// missing from the answer; a path of the policy that is not there is INVALID_ARGUMENT; whatever
/// else fails is an error too, and the process is then to be given up.
Result<SandboxLayers> EnterSandbox(const SandboxPolicy& policy);

}  // namespace dcp::os
