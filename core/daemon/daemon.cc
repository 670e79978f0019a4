// SPDX-License-Identifier: Apache-2.0
#include "daemon/daemon.h"

#include <memory>
#include <utility>
#include <vector>

#include "api/auth.h"
#include "api/server.h"
#include "base/limits.h"
#include "daemon/backend.h"
#include "daemon/capabilities.h"
#include "daemon/doctor.h"
#include "daemon/expiry.h"
#include "daemon/recycler.h"
#include "daemon/secrets.h"
#include "daemon/services.h"
#include "daemon/settings.h"
#include "daemon/version.h"
#include "graph/graph.h"
#include "log/log.h"
#include "os/file.h"
#include "os/supervisor.h"
#include "store/store.h"

namespace dcp::daemon {
namespace {

constexpr size_t kConfigBytesMax = size_t{1} << 20;  // a configuration is written by a person
constexpr char kTokenKeySecret[] = "catalog-token-key";

/// Members stand oldest dependency first, and are destroyed in reverse.
class RealDaemon : public Daemon {
 public:
  explicit RealDaemon(StartOptions options) : options_(std::move(options)) {}

  ~RealDaemon() override {
    log::Write(log::Id::kDaemonStopping);
    expiry_.reset();
    api_.reset();
    log::Flush();
  }

  Status Start() {
    log::Write(log::Id::kDaemonStarting, {{"config", options_.config_file}});
    DCP_TRY(ReadConfiguration());
    DCP_TRY(StartRooms());
    DCP_TRY(StartApi());
    expiry_ = std::make_unique<Expiry>(*playgrounds_, *store_, *runner_, SystemClock(),
                                       settings_.expiry_poll_ms);
    log::Write(log::Id::kDaemonReady, {{"endpoint", "unix:" + settings_.api.socket_path},
                                       {"catalog", catalog_->EndpointFor("<playground>")}});
    return {};
  }

 private:
  Status ReadConfiguration() {
    DCP_ASSIGN(const std::string text, os::ReadFile(options_.config_file, kConfigBytesMax));
    DCP_ASSIGN(const Skeleton skeleton, ReadSkeleton(options_.config_file, text, options_.bin_dir));
    log::Configure(skeleton.log);
    DCP_TRY(os::MakeDirectories(skeleton.state_dir, 0700));
    DCP_ASSIGN(store_, store::Store::Open(skeleton.state_dir + "/pretzel.db"));
    References references;
    references.state_dir = skeleton.state_dir;
    references.bin_dir = options_.bin_dir;
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
    DCP_ASSIGN(settings_, ReadSettings(options_.config_file, text, references));
    return {};
  }

  Status StartRooms() {
    const Clock& clock = SystemClock();
    supervisor_ = os::Supervisor::Create(clock);
    DCP_TRY(StartServices(settings_.services, settings_.state_dir + "/log", *supervisor_));
    // The catalog listens before its upstreams do: a job that outlived the last daemon is waiting
    // for this port, and gets 503 rather than a refused connection.
    DCP_ASSIGN(catalog_, catalog::Catalog::Start(settings_.catalog, *store_, *tokens_, clock));
    DCP_ASSIGN(host_, host::Host::Start(settings_.host));
    playgrounds_ = std::make_unique<playground::Playgrounds>(*store_, clock, settings_.playground);
    const std::string jobs = settings_.state_dir + "/jobs";
    DCP_TRY(os::MakeDirectories(jobs, 0700));
    capabilities_ = std::make_unique<Capabilities>(*catalog_, *playgrounds_, *store_, clock, jobs);
    recycler_ = std::make_unique<Recycler>(settings_.recycle_sessions, [this] { Recycle(); });
    backend_ = std::make_unique<GraphBackend>(*capabilities_, *host_, *catalog_, *tokens_, *store_,
                                              *recycler_, settings_.catalog.name);
    graph::RunnerOptions runner;
    runner.threads = settings_.runner_threads;
    runner.jobs = settings_.jobs;
    runner.test_jobs = settings_.test_jobs;
    runner.job_directory = jobs;
    runner.launcher = options_.bin_dir + "/dcp-launch";
    runner.job_timeout_ms = settings_.job_timeout_ms;
    DCP_ASSIGN(runner_, graph::Runner::Create(*store_, *backend_, clock, runner));
    DCP_TRY(supervisor_->WaitReady(settings_.services_ready_ms));
    return runner_->Recover();
  }

  void Recycle() {
    const Status restarted = supervisor_->Restart(settings_.recycle_service);
    log::Write(log::Id::kTestServerRecycled,
               {{"service", settings_.recycle_service}, {"result", restarted.ToString()}});
  }

  Status StartApi() {
    doctor_ =
        std::make_unique<Doctor>(*catalog_, *host_, *supervisor_, settings_.production_warehouse);
    DCP_ASSIGN(auto principals,
               api::Principals::LoadOrCreate(settings_.state_dir + "/principals.jsonl",
                                             settings_.state_dir + "/token"));
    principals_ = std::make_unique<api::Principals>(std::move(principals));
    api::Deps deps;
    deps.store = store_.get();
    deps.playgrounds = playgrounds_.get();
    deps.runner = runner_.get();
    deps.catalog = catalog_.get();
    deps.tokens = tokens_.get();
    deps.principals = principals_.get();
    deps.clock = &SystemClock();
    deps.doctor = [this](const playground::Principal& who, const store::Playground* playground)
        -> Result<std::vector<api::DoctorCheck>> { return doctor_->Examine(playground, who.user); };
    deps.status = [this] {
      return api::SystemState{supervisor_->States(), host_->States(),
                              catalog_->EndpointFor("<playground>")};
    };
    settings_.api.version = kVersion;
    settings_.api.catalog_name = settings_.catalog.name;
    DCP_ASSIGN(api_, api::Server::Start(settings_.api, deps));
    return {};
  }

  const StartOptions options_;
  Settings settings_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<catalog::Tokens> tokens_;
  std::unique_ptr<os::Supervisor> supervisor_;
  std::unique_ptr<catalog::Catalog> catalog_;
  std::unique_ptr<host::Host> host_;
  std::unique_ptr<playground::Playgrounds> playgrounds_;
  std::unique_ptr<Capabilities> capabilities_;
  std::unique_ptr<Recycler> recycler_;
  std::unique_ptr<GraphBackend> backend_;
  std::unique_ptr<graph::Runner> runner_;
  std::unique_ptr<Doctor> doctor_;
  std::unique_ptr<api::Principals> principals_;
  std::unique_ptr<api::Server> api_;
  std::unique_ptr<Expiry> expiry_;
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
  for (const auto& name : skeleton.ports) references.ports[name] = 1;
  return ReadSettings(options.config_file, text, references).status();
}

}  // namespace dcp::daemon
