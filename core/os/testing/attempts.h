// SPDX-License-Identifier: Apache-2.0
//
// What a confined process may try against another one of the same user: for every system call that
// can name another's property, at least one way to do so.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace dcp::os::testing {

/// A process and what it owns, as the confined one knows it.
struct Victim {
  pid_t pid = 0;
  std::string folder;    ///< of all that follows; not granted
  std::string file;      ///< 0600
  std::string readable;  ///< granted to be read
  std::string socket;    ///< listens, by name
  std::string datagram;  ///< receives, by name
  std::string abstract;  ///< listens, in the abstract name space
  int port = 0;          ///< of the loopback; listens, and lets others of its user do so beside it
  int free_port = 0;     ///< where it is about to listen
  int pipe = -1;         ///< the confined one's end of a pipe that both hold
  int channel = -1;      ///< its end of a pair of sockets
  // Opened once confined.
  int path = -1;  ///< O_PATH of `file`: the only kind of descriptor that is to be had of it
  int read = -1;  ///< of `readable`
};

enum class Expected {
  kRefused,
  kOwn,    ///< may succeed, and changes only what the confined one owns
  kShown,  ///< may succeed, and tells only what `kNeverConfined` names
};

struct Attempt {
  std::string_view call;
  const char* what;
  Expected expected;
  /// -1 and errno like the call itself.
  long (*act)(long number, const Victim& victim);
  /// Part of SandboxLayers::Missing() which says that this kernel cannot refuse it.
  const char* missing = nullptr;
  bool granted_by_unix_sockets = false;
  bool granted_by_processes = false;
};

std::vector<Attempt> AttemptsOnFiles();
std::vector<Attempt> AttemptsOnDescriptors();
std::vector<Attempt> AttemptsOnProcesses();
std::vector<Attempt> AttemptsOnSockets();

}  // namespace dcp::os::testing

/// One way to use a call; the text behind is the body of `act`.
#define DCP_ATTEMPT(call, what, expected, ...)                                                     \
  Attempt {                                                                                        \
#call, what, Expected::expected,                                                               \
        []([[maybe_unused]] long number, [[maybe_unused]] const Victim& v) -> long { __VA_ARGS__ } \
  }
