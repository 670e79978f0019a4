// SPDX-License-Identifier: Apache-2.0
//
// dcpd itself: makes every room from the settings, oldest dependency first, and takes them down in
// reverse. The only place that knows them all.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"

namespace dcp::daemon {

struct StartOptions {
  std::string config_file;
  std::string bin_dir;  ///< where dcpd, dcp-plugin-worker and dcp-launch are
  /// Asked while services start: true ends the start with CANCELLED.
  std::function<bool()> stop_asked = {};
  /// Called, from a thread, when the store turns out to be damaged: nothing in it can be relied on.
  std::function<void(const Status&)> damaged = {};
};

class Daemon {
 public:
  /// Returns once every configured service answers and the API takes calls.
  static Result<std::unique_ptr<Daemon>> Start(const StartOptions& options);
  virtual ~Daemon() = default;  ///< Stops everything but running jobs.

  /// Takes no new calls, and lets those who watch a run see its end: until `drain_timeout` is over,
  /// or `hasten` says so.
  virtual void Drain(const std::function<bool()>& hasten) = 0;
  /// Has the configuration read again soon, and what can change of it change; the log says how
  /// that went. [any]
  virtual void RequestReload() = 0;
};

/// Reads the configuration and says what is wrong with it; starts and writes nothing.
Status CheckConfig(const StartOptions& options);

}  // namespace dcp::daemon
