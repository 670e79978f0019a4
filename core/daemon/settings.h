// SPDX-License-Identifier: Apache-2.0
//
// dcpd's configuration file as settings of the rooms. Reading it has two steps, because texts in
// it may refer to things the daemon makes: `${secret.NAME}`, `${port.NAME}`. First the skeleton is
// read (where state lives, which secrets and ports are wanted), then, with these at hand, the rest.
//
// In the configurations of plugin instances, secrets stay references: the host asks for them when
// it starts an instance.
//
// References: ${env.NAME} an environment variable (never for secrets) · ${state_dir} · ${bin_dir},
// the folder of this program · ${port.NAME} · ${secret.NAME}, the text · ${secret_file.NAME}, the
// path of its 0600 file.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/server.h"
#include "base/result.h"
#include "base/secret.h"
#include "catalog/catalog.h"
#include "config/reader.h"
#include "host/host.h"
#include "log/log.h"
#include "os/confine.h"
#include "playground/playgrounds.h"
#include "store/store.h"

namespace dcp::daemon {

/// A configuration is written by a person.
constexpr size_t kConfigBytesMax = size_t{1} << 20;

/// A run that only asked for files was a step of the client's next try, which is over by then.
constexpr int64_t kAskedAgeMs = int64_t{24} * 3600 * 1000;

/// Unless `runs.sandbox.listen` says otherwise: the halves of a Spark job, its Python and its JVM,
/// find each other at ports that the kernel chooses.
inline const std::vector<int> kJobsListen = {0};

/// A file that a service needs, rendered before it starts; 0600, because it may hold secrets.
struct ServiceFile {
  std::string path;
  std::string include;  ///< a file whose text comes first; empty: none
  Secret content;
};

struct ServiceSettings {
  std::string name;
  std::vector<std::string> command;
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<ServiceFile> files;
  std::vector<std::string> directories;  ///< made before it starts
  std::string working_directory;
  std::string ready_host;
  int ready_port = 0;
  std::string check;       ///< "tcp", "http", "http2": what tells that it is well
  std::string check_path;  ///< for http
  /// What it keeps; without, it may do all that the daemon's user may.
  std::optional<os::Confinement> sandbox;
};

/// Where an instance's configuration was written.
struct InstancePlaces {
  std::string path;  ///< "plugins.instances[1].config", for messages
  config::Places places;
};

/// What can be read before anything exists.
struct Skeleton {
  std::string state_dir;
  std::vector<std::string> secrets;
  std::vector<std::string> ports;
  log::Options log;
};

struct Settings {
  std::string state_dir;
  api::Settings api;
  catalog::Settings catalog;
  std::string metrics_listen;        ///< "127.0.0.1:PORT"; empty: no metrics are served
  std::string production_warehouse;  ///< for doctor's storage probe; empty: not probed
  /// Of the warehouses, where they are folders of this machine: without links. Else empty.
  std::string production_folder;
  std::string overlay_folder;
  playground::Limits playground;
  host::Settings host;
  std::vector<InstancePlaces> instance_places;  ///< as host.instances
  std::vector<ServiceSettings> services;
  /// The shared test server is started anew after so many sessions; 0: never.
  int64_t recycle_sessions = 0;
  std::string recycle_service;
  int64_t services_ready_ms = 180'000;
  int runner_threads = 16;
  int runs_per_principal = 0;  ///< that have not ended
  int jobs = 4;                ///< batch jobs alive at once
  int test_jobs = 2;           ///< of tests, beside them
  int64_t job_timeout_ms = int64_t{6} * 3600 * 1000;
  /// What every job keeps, beside what its own work needs; nothing: jobs run unconfined.
  std::optional<os::Confinement> job_sandbox = os::Confinement{{}, {}, {}, kJobsListen};
  /// By plugin instance: files that its jobs keep beside that.
  std::map<std::string, os::Confinement> instance_jobs;
  int64_t expiry_poll_ms = 5'000;
  /// For who watches a run when the daemon is told to stop: an apply or a test ends within it.
  int64_t drain_timeout_ms = 10'000;
  log::Options log;
  /// Every key that was written but `plugins`, with references resolved: "api.socket" ->
  /// "\"/run/x\"". Two levels deep, and secret, since values may be.
  std::map<std::string, Secret> values;
  int64_t sweep_every_ms = 900'000;
  int64_t sweep_grace_ms = 3'600'000;
  store::Retention retention;
};

/// What references resolve to.
struct References {
  host::WorkerGroups groups;  ///< not named in a file; as the daemon found them at its start
  std::string state_dir;
  std::string bin_dir;
  std::map<std::string, Secret> secrets;
  std::map<std::string, std::string> secret_files;
  std::map<std::string, int> ports;
};

/// Reads a file, and holds each instance's configuration against the schema that its plugin
/// publishes, if it does. The plugin's own check comes when it is started.
Result<Settings> ReadCheckedSettings(const std::string& file, const std::string& text,
                                     const References& references);

/// The text of one configuration file. `file` is for locations in messages.
Result<Skeleton> ReadSkeleton(const std::string& file, const std::string& text,
                              const std::string& bin_dir);
Result<Settings> ReadSettings(const std::string& file, const std::string& text,
                              const References& references);

/// Keys whose values differ, or that only one side has, in order.
std::vector<std::string> ChangedKeys(const std::map<std::string, Secret>& before,
                                     const std::map<std::string, Secret>& after);

}  // namespace dcp::daemon
