// SPDX-License-Identifier: Apache-2.0
//
// The daemon's gRPC API: listens on a Unix socket in a private folder (and on loopback TCP when
// configured), authenticates every call, and hands over to the rooms below. No third-party type
// stands here, so only this room's .cc files pay for gRPC.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/auth.h"
#include "base/clock.h"
#include "base/result.h"
#include "catalog/catalog.h"
#include "catalog/tokens.h"
#include "graph/graph.h"
#include "host/host.h"
#include "os/supervisor.h"
#include "playground/playgrounds.h"
#include "store/store.h"

namespace dcp::api {

/// Calls served at once; more are refused at once with RESOURCE_EXHAUSTED rather than queued, so
/// a flood cannot delay the calls that were let in.
constexpr int kConcurrentCallsDefault = 64;
/// Those of one principal: half, so that no one of them can take all.
constexpr int kCallsPerPrincipalDefault = kConcurrentCallsDefault / 2;
/// Open WatchRun, GetRunLogs and GetPluginLogs streams. Each holds one open read's worth of events
/// in memory.
constexpr int kStreamsMax = 256;
constexpr int kStreamsPerPrincipalDefault = kStreamsMax / 2;
/// How long a client's catalog token from ConnectPlayground is good for, at most.
constexpr int64_t kConnectTokenMs = int64_t{12} * 3600 * 1000;
/// Runs that ListRuns answers when not told, and at most.
constexpr int kListRunsDefault = 50;
constexpr int kListRunsMax = 1000;
/// Playgrounds of one page: some hundred KiB where each has all the labels that it may.
constexpr int kListPlaygroundsMax = 500;
/// Files that manifests name, in one command: twice the manifests is already unusual.
constexpr size_t kFilesMax = 400;
/// A path a person typed; Linux's own bound.
constexpr size_t kPathBytesMax = 4096;
/// Options of a command as JSON; parameters are scalars.
constexpr size_t kOptionsBytesMax = size_t{64} << 10;
/// One piece of a log stream, and all of one call. A log that is longer is read where it lies.
constexpr size_t kLogChunkBytes = size_t{64} << 10;
constexpr int64_t kLogBytesMax = int64_t{64} << 20;
/// How often a followed log is looked at: files send no news, and a person reads no faster.
constexpr int64_t kLogPollMs = 300;
/// News of a run that come within that time of the last ones are told together: people do not see
/// the difference, and each look costs the daemon. A large run's news come in a stream.
constexpr int64_t kWatchPauseMs = 10;
constexpr int64_t kWatchPauseOfManyMs = 50;
constexpr int64_t kWatchManyEvents = 200;
/// Lines of a plugin's log in one message: a few hundred KiB when each is of the longest.
constexpr size_t kPluginLogLinesMax = 100;
/// How often a drain looks whether it is over, or is to be hastened.
constexpr int64_t kDrainPollMs = 20;

struct Settings {
  std::string socket_path;
  std::string listen;  ///< "127.0.0.1:PORT" (0: any free one), or empty: the socket alone
  int max_concurrent = kConcurrentCallsDefault;
  int calls_per_principal = kCallsPerPrincipalDefault;
  int streams_per_principal = kStreamsPerPrincipalDefault;
  std::string version;
  std::string catalog_name = "prod";
};

/// One line of doctor's answer; words as in dcp.proto's Check.
struct DoctorCheck {
  std::string name;
  std::string layer;
  std::string result;
  std::string detail;
  std::string advice;
};

/// What deleting a playground would take away.
struct DeletionPreview {
  struct JobFolder {
    std::string path;
    int64_t files = 0;
    int64_t bytes = 0;
  };
  catalog::Footprint footprint;
  std::vector<std::string> datasets;
  std::vector<store::RunBrief> runs;  ///< they would be cancelled
  std::vector<JobFolder> job_folders;
};

struct SweepOptions {
  bool dry_run = false;
  bool unknown = false;             ///< also what playgrounds have left that the store never knew
  std::function<bool()> cancelled;  ///< may be empty; what is left is the next sweep's
};

/// One thing without an owner, or one that cannot be placed; words as in dcp.proto's SweepItem.
struct SweepItem {
  std::string kind;
  std::string name;
  std::string action;
  std::string reason;
  int64_t tables = 0;
  int64_t files = 0;
  int64_t bytes = 0;
};

struct SweepReport {
  std::vector<SweepItem> items;
  std::vector<std::string> failures;  ///< parts that could not be looked at
  bool more = false;                  ///< there is more than one sweep takes
};

struct GcOptions {
  bool dry_run = false;
  std::function<bool()> cancelled;  ///< may be empty; what is left is the next one's
};

/// Ended runs that retention gave up, or would with `dry_run`.
struct GcReport {
  int64_t runs = 0;
  int64_t bytes = 0;
  std::vector<std::string> failures;  ///< runs that stay, and why
};

/// What the daemon knows about its own parts.
struct SystemState {
  std::vector<os::ServiceState> services;
  std::vector<host::InstanceState> plugins;
  std::string catalog_uri;
};

/// What a reload of the configuration did. Keys as in docs/reference/dcpd.md: "log.level".
struct ConfigurationChange {
  host::Reloaded plugins;
  std::vector<std::string> settings;       ///< other keys that hold now
  std::vector<std::string> needs_restart;  ///< differ from what the daemon was started with
};

/// Everything is borrowed and must outlive the server.
struct Deps {
  store::Store* store = nullptr;
  playground::Playgrounds* playgrounds = nullptr;
  graph::Runner* runner = nullptr;
  host::Host* host = nullptr;                 ///< null: the service Plugins answers UNAVAILABLE
  const catalog::Catalog* catalog = nullptr;  ///< null: ConnectPlayground answers UNAVAILABLE
  const catalog::Tokens* tokens = nullptr;
  const Principals* principals = nullptr;
  /// `playground` may be null: checks that need none. [any] blocks
  std::function<Result<std::vector<DoctorCheck>>(const playground::Principal& who,
                                                 const store::Playground* playground)>
      doctor;
  std::function<SystemState()> status;  ///< [any]
  const Clock* clock = nullptr;
  /// Ends a service or plugin instance of that name and starts it anew. [any] blocks
  std::function<Status(const std::string& name)> restart = {};
  std::function<Result<ConfigurationChange>()> reload = {};  ///< [any] blocks
  std::function<Result<DeletionPreview>(const store::Playground&)>
      preview_delete;  ///< [any] blocks
  /// The earliest time at which an expired playground is purged. [any]
  std::function<WallMillis(const store::Playground&)> purge_at = {};
  std::function<Result<SweepReport>(const SweepOptions&)> sweep;  ///< [any] blocks
  std::function<Result<GcReport>(const GcOptions&)> gc = {};      ///< [any] blocks
  /// A call of a capability outside of a run. [any] blocks
  std::function<Result<std::string>(const graph::Invocation&)> invoke = {};
};

class Server {
 public:
  /// Listens when it returns. FAILED_PRECONDITION when the socket's folder is open to others or
  /// another daemon answers on the socket; UNAVAILABLE when the TCP port is taken.
  static Result<std::unique_ptr<Server>> Start(Settings settings, Deps deps);
  virtual ~Server() = default;  ///< Shuts down with no patience.

  /// From now on new calls are answered UNAVAILABLE with the advice to try again; returns when no
  /// stream is open, `patience_ms` is over or `hasten` says so. Shutdown() comes next.
  virtual void Drain(int64_t patience_ms, const std::function<bool()>& hasten) = 0;
  /// No new calls; open ones may end until `patience_ms` is over, then they are cancelled.
  virtual void Shutdown(int64_t patience_ms) = 0;
  /// The port of `listen`, 0 without one.
  virtual int port() const = 0;
};

}  // namespace dcp::api
