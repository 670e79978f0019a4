// SPDX-License-Identifier: Apache-2.0
//
// Reads the configuration file again while the daemon runs, and has the rooms go over to what of it
// can change: plugin instances, routes, and the log's level.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "api/server.h"
#include "base/mutex.h"
#include "base/result.h"
#include "daemon/settings.h"
#include "host/host.h"

namespace dcp::daemon {

class Reloader {
 public:
  /// `settings` is what the daemon was started with, from `file` and with `references`: secrets and
  /// ports are made at a start only.
  Reloader(std::string file, References references, const Settings& settings, host::Host& host);
  Reloader(const Reloader&) = delete;
  Reloader& operator=(const Reloader&) = delete;
  ~Reloader();

  /// All or nothing; logs the outcome. One at a time. [any] blocks
  Result<api::ConfigurationChange> Reload();
  /// The same soon, on a thread of its own; asked for while one waits, it is one. [any]
  void Request();
  /// Reloads that run end soon, and further ones are refused. [any]
  void Stop();
  /// By instance, for those that have a `job_sandbox` now. [any]
  std::map<std::string, os::Confinement> instance_jobs() const;
  /// What the jobs of a plugin instance may touch beside what all jobs may, as configured now.
  /// [any]
  os::Confinement JobsOf(const std::string& instance) const;

 private:
  void Serve();
  Result<api::ConfigurationChange> ReloadAll() DCP_REQUIRES(reload_mutex_);

  const std::string file_;
  const References references_;
  const std::map<std::string, Secret> started_with_;
  host::Host& host_;
  Mutex reload_mutex_;
  log::Options log_ DCP_GUARDED_BY(reload_mutex_);  ///< as it is now
  std::atomic<bool> stopping_{false};
  mutable Mutex mutex_;
  CondVar wake_;
  bool requested_ DCP_GUARDED_BY(mutex_) = false;
  std::map<std::string, os::Confinement> instance_jobs_ DCP_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace dcp::daemon
