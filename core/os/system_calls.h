// SPDX-License-Identifier: Apache-2.0
//
// The one list of system calls that a sandbox allows. The filter is made from it, and its test
// tries every row that can name what belongs to another process.
#pragma once

namespace dcp::os {

/// By what a call can name something that another process owns.
enum class Takes {
  kNothing,  ///< only the caller's memory, its own threads, or the machine
  kPath,     ///< a path, in memory, where no filter sees it
  kPid,      ///< a process, a thread or a group of them
  kFd,       ///< a descriptor, which may have been inherited or received
  kAddress   ///< a socket's address
};

enum class Allowed {
  kAlways,
  kJudged,       ///< for some arguments only: see seccomp.cc
  kProcesses,    ///< with SandboxPolicy::processes
  kConnections,  ///< with SandboxPolicy::network or ::unix_sockets
  kListening,    ///< with SandboxPolicy::unix_sockets, or ::network and ::listen
  kAttributes,   ///< with SandboxPolicy::attributes
  kTruncation,   ///< where Landlock judges it
  kUnlimited     ///< without SandboxPolicy::private_memory
};

struct SystemCall {
  const char* name;
  Takes takes;
  Allowed allowed;
};

inline constexpr SystemCall kSystemCalls[] = {
#define DCP_SYSTEM_CALL(name, takes, allowed) {#name, Takes::takes, Allowed::allowed},
#include "os/system_calls.inc"
#undef DCP_SYSTEM_CALL
};

}  // namespace dcp::os
