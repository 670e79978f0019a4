// SPDX-License-Identifier: Apache-2.0
//
// Keeps long-running child processes up: the embedded stack's servers. One thread spawns, watches
// and restarts them with back-off; after too many failures in a row a service is FAILED, and is
// tried once a minute from then on, or when asked to. They die with this process.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace dcp::os {

struct ServiceSpec {
  std::string name;
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> env;  ///< all of it
  std::string directory;
  std::string log_file;  ///< stdout and stderr, appended
  std::string endpoint;  ///< for people: "127.0.0.1:8181"
  /// Asked every `ready_poll_ms` after the start until OK, and every `health_ms` from then on;
  /// three failures in a row restart the service. Must return within `ready_timeout_ms`. [any]
  std::function<Status()> healthy;
  int64_t ready_poll_ms = 100;
  int64_t ready_timeout_ms = 120'000;
  int64_t health_ms = 5'000;
  int64_t stop_grace_ms = 5'000;
};

struct ServiceState {
  std::string name;
  std::string state;  ///< STARTING, READY, RESTARTING, FAILED, STOPPED
  int64_t pid = 0;
  int restarts = 0;
  std::string endpoint;
  std::string detail;    ///< last failure
  std::string log_tail;  ///< the end of its log then, for operators alone
};

class Supervisor {
 public:
  static std::unique_ptr<Supervisor> Create(const Clock& clock);
  virtual ~Supervisor() = default;  ///< Stops all, in parallel, TERM then KILL.

  /// Starts it and returns at once. [any]
  virtual Status Add(ServiceSpec spec) = 0;
  /// Blocks until each service is READY or FAILED, or time is over. OK when all are READY; else
  /// UNAVAILABLE or DEADLINE_EXCEEDED, with each that is not and its last failure. CANCELLED once
  /// `give_up` says so. [any]
  virtual Status WaitReady(int64_t timeout_ms, const std::function<bool()>& give_up = {}) = 0;
  /// Ends one process and starts another; a FAILED one gets all its attempts again. Returns at
  /// once; WaitReady waits. [any]
  virtual Status Restart(const std::string& name) = 0;
  virtual std::vector<ServiceState> States() const = 0;
};

/// A ready check: the TCP port takes connections. The kernel takes them for a process that hangs.
Status CheckTcp(const std::string& host, int port, int64_t timeout_ms);
/// The server answers GET `path` with HTTP/1 and any status below 500: it thinks, and is well.
Status CheckHttp(const std::string& host, int port, const std::string& path, int64_t timeout_ms);
/// The server answers the opening of an HTTP/2 connection (gRPC's way) with its SETTINGS.
Status CheckHttp2(const std::string& host, int port, int64_t timeout_ms);

}  // namespace dcp::os
