// SPDX-License-Identifier: Apache-2.0
//
// The server: where it listens, its quotas, and its end.
#include "api/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/resource_quota.h>
#include <sys/stat.h>

#include <chrono>
#include <thread>

#include "api/service.h"
#include "api/socket_path.h"
#include "base/limits.h"
#include "base/mutex.h"

namespace dcp::api {
namespace {

constexpr int kStreamThreads = 2;  // short reads; more would only contend for the store
// One read and one wake-up for each stream, so a post is refused only while stopping.
constexpr size_t kStreamTasksMax = size_t{2} * kStreamsMax + 16;
// Threads of the quota that never serve a unary call: the poller, and reflection's streams.
constexpr int kSpareThreads = 2;
// Framing, paths and options around kRequestBytesMax of files.
constexpr size_t kReceiveBytesMax = limits::kRequestBytesMax + (size_t{1} << 20);

std::once_flag plugins_once;

class ServerImpl final : public Server {
 public:
  ServerImpl(Settings settings, Deps deps)
      : streams_(kStreamThreads, kStreamTasksMax),
        context_{std::move(settings), std::move(deps), &streams_},
        services_(MakeServices(context_)) {}

  ~ServerImpl() override { Shutdown(0); }

  Status Listen() {
    const Settings& settings = context_.settings;
    DCP_TRY(PrepareSocketPath(settings.socket_path));
    if (!settings.listen.empty()) DCP_TRY(CheckLoopback(settings.listen));
    std::call_once(plugins_once, [] {
      grpc::EnableDefaultHealthCheckService(true);
      grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    });
    grpc::ServerBuilder builder;
    Configure(builder);
    int socket_result = 0;
    builder.AddListeningPort("unix:" + settings.socket_path, grpc::InsecureServerCredentials(),
                             &socket_result);
    if (!settings.listen.empty()) {
      builder.AddListeningPort(settings.listen, grpc::InsecureServerCredentials(), &port_);
    }
    for (const auto& service : services_) builder.RegisterService(service.get());
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) {
      const bool tcp = socket_result != 0 && !settings.listen.empty();
      return Unavailable("cannot listen on " + (tcp ? settings.listen + ": is the port in use?"
                                                    : "unix:" + settings.socket_path))
          .WithHint(tcp ? "choose another api.listen, or 0 as the port for any free one" : "");
    }
    chmod(settings.socket_path.c_str(), 0600);  // the folder guards it; this says the same
    return {};
  }

  void Drain(int64_t patience_ms, const std::function<bool()>& hasten) override {
    context_.draining = true;
    if (auto* health = server_->GetHealthCheckService()) health->SetServingStatus(false);
    const SteadyMillis end = SystemClock().Steady() + patience_ms;
    while (context_.open_streams > 0 && SystemClock().Steady() < end && !hasten()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(kDrainPollMs));
    }
  }

  void Shutdown(int64_t patience_ms) override {
    const MutexLock lock(shutdown_mutex_);
    if (server_ != nullptr) {
      server_->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(patience_ms));
      server_->Wait();
    }
    streams_.Stop();
    server_.reset();
  }

  int port() const override { return port_; }

 private:
  static std::vector<std::unique_ptr<grpc::Service>> MakeServices(ServiceContext& context) {
    std::vector<std::unique_ptr<grpc::Service>> services;
    services.push_back(MakePlaygroundsService(context));
    services.push_back(MakeRunsService(context));
    services.push_back(MakePluginsService(context));
    services.push_back(MakeSystemService(context));
    return services;
  }

  void Configure(grpc::ServerBuilder& builder) const {
    grpc::ResourceQuota quota("api");
    quota.SetMaxThreads(context_.settings.max_concurrent + kSpareThreads);
    builder.SetResourceQuota(quota);
    builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::NUM_CQS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MIN_POLLERS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MAX_POLLERS, 2);
    builder.SetMaxReceiveMessageSize(static_cast<int>(kReceiveBytesMax));
    builder.SetMaxSendMessageSize(static_cast<int>(limits::kMessageBytesMax));
    // Without this a second daemon could listen on the same port, and each would get half the
    // calls.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  }

  Executor streams_;
  ServiceContext context_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  int port_ = 0;
  Mutex shutdown_mutex_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::Start(Settings settings, Deps deps) {
  if (deps.store == nullptr || deps.playgrounds == nullptr || deps.runner == nullptr ||
      deps.principals == nullptr || deps.clock == nullptr) {
    return Internal(
        "the API was started without a store, playgrounds, runner, principals or clock");
  }
  if (settings.max_concurrent < 1) return InvalidArgument("api.maxConcurrent is less than 1");
  auto server = std::make_unique<ServerImpl>(std::move(settings), std::move(deps));
  DCP_TRY(server->Listen());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace dcp::api
