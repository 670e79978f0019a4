// SPDX-License-Identifier: Apache-2.0
//
// The plugin host: finds plugins, checks them, runs each configured instance in a worker process
// and routes calls to it by capability.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"

namespace dcp::host {

/// One configured use of a plugin.
struct InstanceSettings {
  std::string id;      ///< the name that routes use
  std::string plugin;  ///< the manifest's id
  Secret config_json;  ///< may hold resolved secrets
  std::string isolation = "worker";
  std::vector<std::pair<std::string, std::string>> env;  ///< allow-listed for the worker
};

/// capability -> route name -> instance; route "" is the default.
using Routes = std::map<std::string, std::map<std::string, std::string>>;

struct Settings {
  std::vector<std::string> directories;  ///< searched in order, *.so, not below
  std::string worker_program;            ///< path of dcp-plugin-worker
  std::vector<InstanceSettings> instances;
  Routes routes;
  int64_t start_timeout_ms = 20'000;
  int64_t ping_timeout_ms = 5'000;
  int64_t cancel_grace_ms = 2'000;  ///< a cancelled call may take that long to stop
  int64_t hang_grace_ms = 5'000;    ///< after that, a call that goes on costs the worker its life
};

/// What a call is for, as far as routes care.
struct Target {
  std::string capability;
  std::string route;  ///< as the manifest names it; empty: none
  std::string playground;
  std::string team;
  std::string environment;
};

struct CallOptions {
  SteadyMillis deadline = 0;  ///< 0: none
  std::function<bool()> cancelled;
  std::function<void(const std::string& progress_json)> on_progress;
};

struct InstanceState {
  std::string id;
  std::string plugin;
  std::string version;
  std::string isolation;
  std::string state;   ///< READY, RESTARTING, FAILED
  std::string detail;  ///< why it failed, and every path that was tried
  std::vector<std::string> capabilities;
  int restarts = 0;
  int64_t pid = 0;
};

class Host {
 public:
  /// Discovers, verifies and starts every instance. One that fails stays listed with its reason;
  /// calls routed to it answer that reason. Fails itself only for settings that make no sense.
  static Result<std::unique_ptr<Host>> Start(Settings settings);
  virtual ~Host() = default;  ///< Ends all workers.

  /// The id of the instance that the routes give now. NOT_FOUND for a route nobody configured.
  virtual Result<std::string> Resolve(const Target& target) const = 0;
  /// Calls an instance. Request and response are the contract's messages in JSON form; a plugin
  /// that speaks protobuf gets them transcoded. UNAVAILABLE when the worker died (it is restarted),
  /// FAILED_PRECONDITION when no such instance is configured (any more). [any] blocks
  virtual Result<std::string> Call(const std::string& instance, const std::string& capability,
                                   const std::string& method, const std::string& request_json,
                                   const CallOptions& options) = 0;
  virtual std::vector<InstanceState> States() const = 0;
};

}  // namespace dcp::host
