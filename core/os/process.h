// SPDX-License-Identifier: Apache-2.0
//
// Processes: spawning without inheriting anything by accident, waiting through pidfds, and
// telling whether a process recorded earlier is still that process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace dcp::os {

struct SpawnOptions {
  std::vector<std::string> argv;                         ///< argv[0] is a path
  std::vector<std::pair<std::string, std::string>> env;  ///< all of it
  std::string directory;                                 ///< working folder; empty: inherited
  int stdin_fd = -1;                                     ///< -1: /dev/null
  int stdout_fd = -1;                                    ///< -1: /dev/null
  int stderr_fd = -1;                                    ///< -1: inherited
  /// Further descriptors the child keeps: {ours, its number}.
  std::vector<std::pair<int, int>> fds;
  bool new_session = false;  ///< setsid: outlives our terminal
  bool new_group = true;
  /// The child gets SIGKILL when the thread that spawned it ends: spawn from a thread that lives as
  /// long as the process.
  bool die_with_parent = false;
};

struct ExitStatus {
  int code = 0;                  ///< when signal is 0
  int signal = 0;                ///< the signal that ended it
  std::string ToString() const;  ///< "exit code 3", "signal 9 (KILL)"
};

/// A child of ours. Destroying it neither kills nor waits; the pidfd is closed.
class Process {
 public:
  static Result<Process> Spawn(const SpawnOptions& options);
  Process() = default;
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_; }  ///< readable once it has ended
  bool valid() const { return pidfd_ >= 0; }
  Status Kill(int signal);       ///< the process alone; OK when it is gone
  Status KillGroup(int signal);  ///< its whole group
  /// DEADLINE_EXCEEDED when it still runs after `timeout_ms` (-1: wait for ever). Reaps it.
  Result<ExitStatus> Wait(int64_t timeout_ms);

 private:
  pid_t pid_ = -1;
  int pidfd_ = -1;
};

/// What tells a process from a later one with the same pid.
struct ProcessIdentity {
  pid_t pid = -1;
  uint64_t start_ticks = 0;  ///< field 22 of /proc/PID/stat
  std::string boot_id;
  bool Alive() const;  ///< that very process exists and is no zombie
  bool operator==(const ProcessIdentity&) const = default;
};
Result<ProcessIdentity> IdentityOf(pid_t pid);
/// The living processes of the session that `leader` made, itself among them while it lives. Empty
/// when its pid is a stranger's by now: it stays taken while the session has members.
Result<std::vector<ProcessIdentity>> MembersOfSession(const ProcessIdentity& leader);

struct PortRange {
  int first = 0;
  int last = -1;
  bool Holds(int port) const { return first <= port && port <= last; }
};
/// The ports that the kernel gives to a socket that asks for none in particular.
Result<PortRange> KernelChosenPorts();

/// A free TCP port on 127.0.0.1, free at the time of asking. Outside of those that the kernel
/// chooses, where there are others: a server that keeps its port over restarts would lose one of
/// those to whoever is given it meanwhile.
Result<int> FreeLoopbackPort();

}  // namespace dcp::os
