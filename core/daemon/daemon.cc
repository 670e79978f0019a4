// SPDX-License-Identifier: Apache-2.0
#include "daemon/daemon.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "api/auth.h"
#include "api/server.h"
#include "base/crash_point.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/redaction.h"
#include "daemon/backend.h"
#include "daemon/capabilities.h"
#include "daemon/clock_watch.h"
#include "daemon/confinement.h"
#include "daemon/doctor.h"
#include "daemon/granted_paths.h"
#include "daemon/janitor.h"
#include "daemon/log_files.h"
#include "daemon/memory.h"
#include "daemon/metrics_endpoint.h"
#include "daemon/orphans.h"
#include "daemon/recycler.h"
#include "daemon/reloader.h"
#include "daemon/removal.h"
#include "daemon/retention.h"
#include "daemon/secrets.h"
#include "daemon/services.h"
#include "daemon/settings.h"
#include "daemon/version.h"
#include "graph/graph.h"
#include "log/log.h"
#include "os/control_group.h"
#include "os/file.h"
#include "os/job.h"
#include "os/peer.h"
#include "os/supervisor.h"
#include "store/store.h"

namespace dcp::daemon {
namespace {

constexpr char kTokenKeySecret[] = "catalog-token-key";
constexpr char kMetricsSecret[] = "metrics";

/// Members stand oldest dependency first, and are destroyed in reverse.
/// Without them workers are confined all the same; what is missing is shown by doctor.
host::WorkerGroups FindWorkerGroups() {
  host::WorkerGroups groups;
  const auto place = os::FindGroupPlace();
  const auto folder = place.ok() ? os::PrepareGroups(*place) : Result<std::string>(place.status());
  if (folder.ok()) {
    groups.folder = *folder;
  } else {
    groups.missing = folder.status().message();
  }
  return groups;
}

class RealDaemon : public Daemon {
 public:
  explicit RealDaemon(StartOptions options) : options_(std::move(options)) {}

  ~RealDaemon() override {
    log::Write(log::Id::kDaemonStopping);
    janitor_.reset();
    // A reload that is being waited for would hold up the API's end.
    if (reloader_) reloader_->Stop();
    api_.reset();
    log::Flush();
  }

  void RequestReload() override { reloader_->Request(); }

  Status Start() {
    log::Write(log::Id::kDaemonStarting, {{"config", options_.config_file}});
    DCP_TRY(ReadConfiguration());
    DCP_TRY(StartRooms());
    DCP_CRASH_POINT("start.runs.resumed");
    DCP_TRY(StartMetrics());
    DCP_TRY(StartApi());
    janitor_ = std::make_unique<Janitor>(*playgrounds_, *store_, *runner_, *orphans_, *retention_,
                                         *watch_, SystemClock(), settings_.sweep_every_ms, [this] {
                                           RotateLogs(settings_.state_dir + "/log");
                                           ReturnFreeMemory();
                                         });
    janitor_->Start(settings_.expiry_poll_ms);
    log::Write(log::Id::kDaemonReady, {{"endpoint", "unix:" + settings_.api.socket_path},
                                       {"catalog", catalog_->EndpointFor("<playground>")}});
    return {};
  }

  void Drain(const std::function<bool()>& hasten) override {
    log::Write(log::Id::kDaemonDraining, {{"timeout_ms", settings_.drain_timeout_ms}});
    const SteadyMillis end = SystemClock().Steady() + settings_.drain_timeout_ms;
    janitor_.reset();  // it would start runs
    // One that waits for a new plugin would hold a call of the API far beyond the drain's end.
    reloader_->Stop();
    bool hastened = false;
    api_->Drain(settings_.drain_timeout_ms, [&] { return hastened = hastened || hasten(); });
    // Calls that are short were let in before the drain; they get what is left.
    api_->Shutdown(hastened ? 0 : std::max<int64_t>(0, end - SystemClock().Steady()));
  }

 private:
  Status ReadConfiguration() {
    DCP_ASSIGN(const std::string text, os::ReadFile(options_.config_file, kConfigBytesMax));
    DCP_ASSIGN(const Skeleton skeleton, ReadSkeleton(options_.config_file, text, options_.bin_dir));
    log::Configure(skeleton.log);
    DCP_TRY(os::MakeDirectories(skeleton.state_dir, 0700));
    DCP_ASSIGN(store_, store::Store::Open(skeleton.state_dir + "/pretzel.db", options_.damaged));
    References& references = references_;
    references.state_dir = ResolveLinks(skeleton.state_dir);
    references.bin_dir = options_.bin_dir;
    references.groups = FindWorkerGroups();
    const std::string secrets = skeleton.state_dir + "/secrets";
    for (const auto& name : skeleton.secrets) {
      DCP_ASSIGN(references.secrets[name], LoadOrCreateSecret(secrets, name));
      references.secret_files[name] = secrets + "/" + name;
    }
    for (const auto& name : skeleton.ports) {
      DCP_ASSIGN(references.ports[name], ChoosePort(*store_, name));
    }
    DCP_ASSIGN(Secret key, LoadOrCreateSecret(secrets, kTokenKeySecret));
    tokens_ = std::make_unique<catalog::Tokens>(std::move(key));
    DCP_ASSIGN(settings_, ReadCheckedSettings(options_.config_file, text, references));
    for (const Secret* secret :
         {&settings_.catalog.production.secret, &settings_.catalog.overlay.secret}) {
      Conceal(*secret);  // which may stand in the file itself
    }
    return {};
  }

  Status StartRooms() {
    const Clock& clock = SystemClock();
    supervisor_ = os::Supervisor::Create(clock);
    DCP_TRY(StartServices(settings_.services, settings_.state_dir + "/log", options_.bin_dir,
                          *supervisor_));
    // Before anybody listens there, and on while jobs run without a daemon: they send tokens to it.
    if (settings_.catalog.port > 0) {
      DCP_ASSIGN(os::HeldPort held, os::HeldPort::Hold(settings_.catalog.port));
      catalog_port_ = std::make_unique<os::HeldPort>(std::move(held));
    }
    // Their jobs may be writing at this moment, and must not be refused.
    DCP_ASSIGN(const auto unfinished, store_->UnfinishedRuns());
    for (const store::Run& run : unfinished) tokens_->RunLives(run.id);
    // The catalog listens before its upstreams do: a job that outlived the last daemon is waiting
    // for this port, and gets 503 rather than a refused connection.
    DCP_ASSIGN(catalog_, catalog::Catalog::Start(settings_.catalog, *store_, *tokens_, clock));
    DCP_CRASH_POINT("start.catalog.listening");
    DCP_ASSIGN(host_, host::Host::Start(settings_.host));
    reloader_ = std::make_unique<Reloader>(options_.config_file, references_, settings_, *host_);
    playgrounds_ = std::make_unique<playground::Playgrounds>(*store_, clock, settings_.playground);
    const std::string jobs = settings_.state_dir + "/jobs";
    DCP_TRY(os::MakeDirectories(jobs, 0700));
    removal_ = std::make_unique<Removal>(*catalog_, *playgrounds_, *store_, clock, jobs);
    orphans_ = std::make_unique<Orphans>(*catalog_, *store_, clock, jobs, settings_.sweep_grace_ms);
    watch_ =
        std::make_unique<ClockWatch>(*store_, clock, settings_.playground.tombstone_ms, BootId());
    retention_ = std::make_unique<RunRetention>(
        *store_, [this] { return watch_->Believed(); }, jobs, settings_.retention);
    capabilities_ =
        std::make_unique<Capabilities>(*catalog_, *playgrounds_, *store_, *removal_, clock);
    recycler_ = std::make_unique<Recycler>(settings_.recycle_sessions, [this] { Recycle(); });
    backend_ = std::make_unique<GraphBackend>(*capabilities_, *host_, *catalog_, *tokens_, *store_,
                                              *recycler_, *supervisor_, settings_.catalog.name);
    graph::RunnerOptions runner;
    runner.threads = settings_.runner_threads;
    runner.runs_per_principal = settings_.runs_per_principal;
    runner.jobs = settings_.jobs;
    runner.test_jobs = settings_.test_jobs;
    runner.job_directory = jobs;
    runner.launcher = options_.bin_dir + "/dcp-launch";
    runner.held_fd = catalog_port_ ? catalog_port_->fd() : -1;
    runner.job_timeout_ms = settings_.job_timeout_ms;
    if (settings_.job_sandbox) {
      runner.confine = [this, rooms = Rooms()](
                           const graph::JobToConfine& job) -> Result<std::vector<std::string>> {
        JobRooms own = rooms;
        own.instance = reloader_->JobsOf(job.instance);
        DCP_ASSIGN(const os::Confinement confinement, ConfinementOf(own, job));
        auto argv =
            os::ConfineWords(ConfineProgram(options_.bin_dir), confinement, os::kJobEnvironmentFd);
        argv.insert(argv.end(), job.argv.begin(), job.argv.end());
        return argv;
      };
    }
    DCP_ASSIGN(runner_, graph::Runner::Create(*store_, *backend_, clock, runner));
    DCP_TRY(WaitForServices());
    return runner_->Recover();
  }

  /// What needs none of the services that failed serves all the same, and jobs that run go on
  /// being followed; the supervisor tries the others again.
  Status WaitForServices() {
    Status ready = supervisor_->WaitReady(settings_.services_ready_ms, options_.stop_asked);
    if (ready.ok() || ready.code() == Code::kCancelled) return ready;
    log::Write(log::Id::kStartedDegraded, {{"error", ready.ToString()}});
    return {};
  }

  JobRooms Rooms() const {
    return {settings_.job_sandbox.value_or(os::Confinement{}),
            settings_.production_folder,
            settings_.overlay_folder,
            {}};
  }

  void Recycle() {
    const Status restarted = supervisor_->Restart(settings_.recycle_service);
    log::Write(log::Id::kTestServerRecycled,
               {{"service", settings_.recycle_service}, {"result", restarted.ToString()}});
  }

  Status Restart(const std::string& name) {
    Status status = supervisor_->Restart(name);
    if (status.code() == Code::kNotFound) status = host_->Restart(name);
    if (status.code() != Code::kNotFound) return status;
    std::vector<std::string> names;
    for (const auto& service : supervisor_->States()) names.push_back(service.name);
    for (const auto& instance : host_->States()) names.push_back(instance.id);
    const std::string near = Nearest(name, names);
    return NotFound("there is no service or plugin instance \"" + name + "\"")
        .WithId("PZ0909")
        .WithHint(near.empty() ? "`pretzel status` lists them" : "did you mean " + near + "?");
  }

  Status StartMetrics() {
    if (settings_.metrics_listen.empty()) return {};
    const std::string secrets = settings_.state_dir + "/secrets";
    DCP_ASSIGN(Secret password, LoadOrCreateSecret(secrets, kMetricsSecret));
    DCP_ASSIGN(metrics_, MetricsEndpoint::Start(settings_.metrics_listen, std::move(password),
                                                kVersion, *host_));
    log::Write(log::Id::kMetricsServed, {{"address", metrics_->address()},
                                         {"user", kMetricsUser},
                                         {"password_file", secrets + "/" + kMetricsSecret}});
    return {};
  }

  Status StartApi() {
    doctor_ = std::make_unique<Doctor>(*catalog_, *host_, *supervisor_, settings_, *reloader_,
                                       *watch_, options_.bin_dir);
    DCP_ASSIGN(auto principals,
               api::Principals::LoadOrCreate(settings_.state_dir + "/principals.jsonl",
                                             settings_.state_dir + "/token"));
    principals_ = std::make_unique<api::Principals>(std::move(principals));
    api::Deps deps;
    deps.store = store_.get();
    deps.playgrounds = playgrounds_.get();
    deps.runner = runner_.get();
    deps.host = host_.get();
    deps.catalog = catalog_.get();
    deps.tokens = tokens_.get();
    deps.principals = principals_.get();
    deps.clock = &SystemClock();
    deps.doctor = [this](const playground::Principal& who, const store::Playground* playground)
        -> Result<std::vector<api::DoctorCheck>> { return doctor_->Examine(playground, who); };
    deps.preview_delete = [this](const store::Playground& playground) {
      return removal_->Preview(playground);
    };
    deps.purge_at = [this](const store::Playground& playground) {
      return watch_->PurgeAt(playground);
    };
    deps.sweep = [this](const api::SweepOptions& options) { return orphans_->Sweep(options); };
    deps.invoke = [this](const graph::Invocation& call) { return backend_->Invoke(call); };
    deps.gc = [this](const api::GcOptions& options) { return retention_->Collect(options); };
    deps.status = [this] {
      return api::SystemState{supervisor_->States(), host_->States(),
                              catalog_->EndpointFor("<playground>")};
    };
    deps.restart = [this](const std::string& name) { return Restart(name); };
    deps.reload = [this] { return reloader_->Reload(); };
    settings_.api.version = kVersion;
    settings_.api.catalog_name = settings_.catalog.name;
    DCP_ASSIGN(api_, api::Server::Start(settings_.api, deps));
    return {};
  }

  const StartOptions options_;
  References references_;
  Settings settings_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<catalog::Tokens> tokens_;
  std::unique_ptr<os::Supervisor> supervisor_;
  std::unique_ptr<os::HeldPort> catalog_port_;
  std::unique_ptr<catalog::Catalog> catalog_;
  std::unique_ptr<host::Host> host_;
  std::unique_ptr<MetricsEndpoint> metrics_;
  std::unique_ptr<Reloader> reloader_;
  std::unique_ptr<playground::Playgrounds> playgrounds_;
  std::unique_ptr<Removal> removal_;
  std::unique_ptr<Orphans> orphans_;
  std::unique_ptr<ClockWatch> watch_;
  std::unique_ptr<RunRetention> retention_;
  std::unique_ptr<Capabilities> capabilities_;
  std::unique_ptr<Recycler> recycler_;
  std::unique_ptr<GraphBackend> backend_;
  std::unique_ptr<graph::Runner> runner_;
  std::unique_ptr<Doctor> doctor_;
  std::unique_ptr<api::Principals> principals_;
  std::unique_ptr<api::Server> api_;
  std::unique_ptr<Janitor> janitor_;
};

}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::Start(const StartOptions& options) {
  auto daemon = std::make_unique<RealDaemon>(options);
  DCP_TRY(daemon->Start());
  return std::unique_ptr<Daemon>(std::move(daemon));
}

Status CheckConfig(const StartOptions& options) {
  DCP_ASSIGN(const std::string text, os::ReadFile(options.config_file, kConfigBytesMax));
  DCP_ASSIGN(const Skeleton skeleton, ReadSkeleton(options.config_file, text, options.bin_dir));
  References references;
  references.state_dir = skeleton.state_dir;
  references.bin_dir = options.bin_dir;
  for (const auto& name : skeleton.secrets) {
    references.secrets[name] = Secret("checked-only");
    references.secret_files[name] = skeleton.state_dir + "/secrets/" + name;
  }
  int port = 0;  // each another, as they will be: a port has one listener
  for (const auto& name : skeleton.ports) references.ports[name] = ++port;
  return ReadCheckedSettings(options.config_file, text, references).status();
}

}  // namespace dcp::daemon
