// SPDX-License-Identifier: Apache-2.0
//
// The ways to a plugin that are compared, each behind one function: bytes there and back.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "host/host.h"

namespace dcp::bench {

/// One round trip. False: it failed.
using Call = std::function<bool()>;

/// A process at the other end of a socket pair, with blocking reads and writes of exactly `bytes`.
/// Make it before there are threads.
Call PingPong(size_t bytes);

/// The plugin's function through its table, with a host that copies the answer and nothing else.
Call Table(size_t bytes);
/// The runtime that gives plugins their calls, on this thread.
Call Runtime(size_t bytes);

/// A running worker with the echo plugin; null with the reason on stderr.
class Worker {
 public:
  static std::shared_ptr<Worker> Start();
  virtual ~Worker() = default;
  virtual bool Echo(const std::string& request) = 0;
  /// False unless all of them came.
  virtual bool Events(size_t count) = 0;
};

/// A host with one instance of it.
std::shared_ptr<host::Host> StartHost(const std::string& isolation, const std::string& folder);
/// Host::Call, with everything that belongs to it: the route, the check and the transcoding of both
/// messages (`bytes` of text each), the list of requests that kill.
Call HostCall(const std::shared_ptr<host::Host>& host, size_t bytes);

}  // namespace dcp::bench
