// SPDX-License-Identifier: Apache-2.0
//
// The plugin host: finds plugins, checks them, runs each configured instance (in a worker process,
// or in this one) and routes calls to it by capability. What is configured can change while calls
// run.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "host/hello.h"
#include "host/journal.h"
#include "host/metrics.h"
#include "host/plugin_info.h"
#include "schema/fill.h"

namespace dcp::host {

/// Where an instance's code runs.
inline constexpr char kIsolationWorker[] = "worker";
inline constexpr char kIsolationInProcess[] = "in_process";

/// One configured use of a plugin.
struct InstanceSettings {
  std::string id;      ///< the name that routes use
  std::string plugin;  ///< the manifest's id
  Secret config_json;  ///< JSON; references in its texts are for Settings::secrets
  std::string isolation = kIsolationWorker;
  std::vector<std::pair<std::string, std::string>> env;  ///< allow-listed for the worker
  bool sandboxed = true;                                 ///< of a worker
  os::SandboxPolicy sandbox;
  WorkerLimits limits;
  /// The worker waits for a debugger before it loads the plugin; no timeout of the host's own ends
  /// it. For authors; isolation worker only.
  bool wait_for_debugger = false;
};

/// Where control groups of workers are made: what a worker and all that it starts use together.
struct WorkerGroups {
  std::string folder;   ///< os::PrepareGroups(); empty: nowhere
  std::string missing;  ///< and why; empty: nobody looked
};

/// Rules of one capability; each call that names no route reads them from the first to the last.
constexpr size_t kRouteRulesMax = 1000;
/// Instances that left the configuration and still have calls open. Each holds a worker, so no
/// further reload is taken until some have ended.
constexpr size_t kLeavingMax = 16;
/// How long the calls of an instance that left may go on: as long as a node may by default.
constexpr int64_t kDrainMs = 600'000;

/// Where a call comes from, and which instance serves it. '*' stands for any text; an empty
/// condition holds always.
struct RouteRule {
  std::string playground;
  std::string team;
  std::string environment;
  std::string use;  ///< the instance's id
  friend bool operator==(const RouteRule&, const RouteRule&) = default;
};

struct CapabilityRoutes {
  std::map<std::string, std::string> named;  ///< route's name -> instance; "" is the default
  std::vector<RouteRule> rules;              ///< the first that holds wins over the default
  friend bool operator==(const CapabilityRoutes&, const CapabilityRoutes&) = default;
};

/// By capability.
using Routes = std::map<std::string, CapabilityRoutes>;

struct Settings {
  std::vector<std::string> directories;  ///< searched in order, *.so, not below
  std::string worker_program;            ///< path of dcp-plugin-worker
  WorkerGroups groups;
  std::string store_directory;  ///< of PluginStore; empty: files run where they are
  /// Contents that may run (SHA-256, hex). Nothing: whatever lies in a trusted place. While the
  /// host runs this can only become less.
  std::optional<std::vector<std::string>> allowed;
  std::vector<InstanceSettings> instances;
  /// Asked at each start of an instance for what its configuration refers to, so that no secret is
  /// in settings, and none is held for an instance that does not run. Without it configurations are
  /// handed over as they are.
  schema::SecretSource secrets;
  Routes routes;
  int64_t start_timeout_ms = 20'000;
  int64_t ping_timeout_ms = 5'000;
  int64_t cancel_grace_ms = 2'000;  ///< a cancelled call may take that long to stop
  int64_t hang_grace_ms = 5'000;    ///< after that, a call that goes on costs the worker its life
  /// Deaths in a row, with no answered call between them, after which a worker is not started
  /// again.
  int deaths_max = 6;
  /// Deaths with the same request open, after which that request is refused; 0: never.
  int deny_after = 3;
  int64_t drain_ms = kDrainMs;
  /// For instances that left and are idle to be gone, before a further reload is refused.
  int64_t leave_room_ms = 10'000;
};

/// What a call is for. A route that is named is taken as it is; otherwise the rules decide.
struct Target {
  std::string capability;
  std::string route;
  std::string playground;
  std::string team;
  std::string environment;
};

struct CallOptions {
  SteadyMillis deadline = 0;  ///< 0: none
  std::function<bool()> cancelled;
  std::function<void(const std::string& progress_json)> on_progress;
  /// The plugin's DATA events: all of them, in order, on the calling thread. It may take its time,
  /// and the plugin waits meanwhile (as does `cancelled`, until it returns). Without it the
  /// plugin's emit() is refused with FAILED_PRECONDITION.
  std::function<void(const std::string& bytes)> on_data;
  // Where to say how far the call came, whatever it answered; each may be empty.
  bool* sent = nullptr;      ///< the plugin may have begun it
  bool* answered = nullptr;  ///< what is answered are the plugin's own words
};

/// What a reload did: ids of instances, and routes as "capability: what changed".
struct Reloaded {
  std::vector<std::string> kept;
  std::vector<std::string> started;
  std::vector<std::string> restarted;  ///< their settings or their file changed
  std::vector<std::string> stopped;    ///< or will be, when their open calls have ended
  std::vector<std::string> failed;     ///< failed before, were tried again, and failed again
  std::vector<std::string> routes;
};

class Host {
 public:
  /// Discovers, verifies and starts every instance. One that fails stays listed with its reason;
  /// calls routed to it answer that reason. Fails itself only for settings that make no sense.
  static Result<std::unique_ptr<Host>> Start(Settings settings);
  virtual ~Host() = default;  ///< Ends all workers.

  /// The id of the instance that serves the target now. NOT_FOUND for what nobody configured. [any]
  virtual Result<std::string> Resolve(const Target& target) const = 0;
  /// Resolves and calls in one step: no reload comes between. [any] blocks
  virtual Result<std::string> Call(const Target& target, const std::string& method,
                                   const std::string& request_json, const CallOptions& options) = 0;
  /// Calls one instance. Request and response are the contract's messages in JSON form; a plugin
  /// that speaks protobuf gets them transcoded. UNAVAILABLE when the worker died (it is
  /// restarted), FAILED_PRECONDITION when no such instance is configured any more. [any] blocks
  virtual Result<std::string> Call(const std::string& instance, const std::string& capability,
                                   const std::string& method, const std::string& request_json,
                                   const CallOptions& options) = 0;
  /// Goes over to other settings. What did not change is kept as it is; what is new or changed must
  /// become READY first, or nothing changes and the reason is answered. Calls in flight stay with
  /// their instance; one that left is stopped when its last call has ended. One reload at a time;
  /// `cancelled` may be empty. [any] blocks
  virtual Result<Reloaded> Reload(Settings settings, const std::function<bool()>& cancelled) = 0;
  virtual std::vector<InstanceState> States() const = 0;
  /// Of every instance that is configured. Reads /proc. [any]
  virtual std::vector<InstanceMetrics> Metrics() const = 0;
  /// NOT_FOUND with did-you-mean for an instance that is not configured. [any]
  virtual Result<std::shared_ptr<Journal>> JournalOf(const std::string& instance) const = 0;
  /// By an instance's id, else a plugin's: what serves there, else what a start would take.
  /// NOT_FOUND lists every path that was tried. [any]
  virtual Result<PluginDescription> Describe(const std::string& name) = 0;
  /// Ends the worker and starts a new one, whose deaths count from none; open calls are answered
  /// UNAVAILABLE. NOT_FOUND for an unknown id, FAILED_PRECONDITION for a plugin whose file was not
  /// there at the start. [any]
  virtual Status Restart(const std::string& id) = 0;

  // For operators. [any] block

  /// Looks at all files and folders again.
  virtual PluginList Plugins() = 0;
  /// An instance's or a plugin's; NOT_FOUND names every path that was tried.
  virtual Result<PluginInfo> Plugin(const std::string& name) = 0;
  /// A path that does not exist, in a private folder, for Install(). FAILED_PRECONDITION without a
  /// store.
  virtual Result<std::string> IncomingPath() const = 0;
  /// Takes the file at `incoming` into the store (it is gone from there then); nothing uses it
  /// before a reload. `source` is its name for people.
  virtual Result<PluginVersion> Install(const std::string& incoming, const std::string& source,
                                        const std::string& by, const std::string& sha256,
                                        std::string& id, bool& existed) = 0;
  /// Reads the files of one plugin or instance (empty: all) again.
  virtual Result<std::vector<VerifiedFile>> Verify(const std::string& name) = 0;
  /// Starts another content beside that which serves, checks it, goes over to it; when that fails
  /// nothing has changed. `sha256` may be cut down to 8 digits; empty: the newest that is
  /// installed, or the directory's. The instance holds to it from then on, also after a restart.
  virtual Result<std::vector<Swapped>> ReloadPlugin(const std::string& name,
                                                    const std::string& sha256,
                                                    const std::string& by,
                                                    const std::function<bool()>& cancelled) = 0;
  /// Takes an instance, or all of a plugin, out of service or back; kept on disk. Calls that are
  /// open may end. Answers the instances.
  virtual Result<std::vector<std::string>> SetDisabled(const std::string& name, bool disabled,
                                                       const std::string& reason,
                                                       const std::string& by) = 0;
};

}  // namespace dcp::host
