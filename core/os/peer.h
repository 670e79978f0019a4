// SPDX-License-Identifier: Apache-2.0
//
// Who is at the other end of a TCP connection within this machine. Ports are anybody's: while a
// server is down its neighbour may listen in its place, and would be sent what was meant for it. So
// before a secret goes out, the owner of the very socket that would receive it is asked of the
// kernel. And a port may be held while nobody listens there.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "os/descriptor.h"

namespace dcp::os {

/// OK when the other end of the connection from `local` to `remote` is this user's or root's, or on
/// another machine, which no kernel here can tell. PERMISSION_DENIED when it is somebody else's.
/// Addresses as text, IPv4 or IPv6. [any]
Status CheckPeer(const std::string& local, int local_port, const std::string& remote,
                 int remote_port);
/// The same of a connected socket. [any]
Status CheckPeer(int fd);

/// A port of 127.0.0.1 that nobody but this user can take, whether or not anybody listens there: a
/// socket that is bound and does not listen. Connections are refused meanwhile. This user's servers
/// can listen there if they set SO_REUSEPORT. Lasts as long as any process has the descriptor.
class HeldPort {
 public:
  /// UNAVAILABLE when somebody else has it.
  static Result<HeldPort> Hold(int port);
  int fd() const { return fd_.get(); }  ///< close-on-exec; to be inherited on purpose

 private:
  explicit HeldPort(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace dcp::os
