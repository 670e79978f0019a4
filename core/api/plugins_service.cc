// SPDX-License-Identifier: Apache-2.0
//
// dcp.v1.Plugins: what operators do with plugins while the daemon runs.
#include <grpcpp/server_context.h>

#include "api/plugin_admin.h"
#include "api/service.h"
#include "api/status_to_grpc.h"
#include "dcp/v1/plugins.grpc.pb.h"

namespace dcp::api {
namespace {

class PluginsService final : public v1::Plugins::Service {
 public:
  explicit PluginsService(ServiceContext& context) : context_(context) {}

  grpc::Status ListPlugins(grpc::ServerContext* call, const v1::ListPluginsRequest*,
                           v1::ListPluginsResponse* answer) override {
    return Answer(api::ListPlugins(context_, *call, answer), "ListPlugins");
  }
  grpc::Status GetPlugin(grpc::ServerContext* call, const v1::GetPluginRequest* request,
                         v1::Plugin* answer) override {
    return Answer(api::GetPlugin(context_, *call, *request, answer), "GetPlugin");
  }
  grpc::Status InstallPlugin(grpc::ServerContext* call,
                             grpc::ServerReader<v1::InstallPluginRequest>* stream,
                             v1::InstallPluginResponse* answer) override {
    return Answer(api::InstallPlugin(context_, *call, *stream, answer), "InstallPlugin");
  }
  grpc::Status VerifyPlugins(grpc::ServerContext* call, const v1::VerifyPluginsRequest* request,
                             v1::VerifyPluginsResponse* answer) override {
    return Answer(api::VerifyPlugins(context_, *call, *request, answer), "VerifyPlugins");
  }
  grpc::Status ReloadPlugin(grpc::ServerContext* call, const v1::ReloadPluginRequest* request,
                            v1::ReloadPluginResponse* answer) override {
    const auto cancelled = [call] { return call->IsCancelled(); };
    return Answer(api::ReloadPlugin(context_, *call, cancelled, *request, answer), "ReloadPlugin");
  }
  grpc::Status DisablePlugin(grpc::ServerContext* call, const v1::DisablePluginRequest* request,
                             v1::DisablePluginResponse* answer) override {
    return Answer(api::DisablePlugin(context_, *call, *request, answer), "DisablePlugin");
  }

 private:
  ServiceContext& context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakePluginsService(ServiceContext& context) {
  return std::make_unique<PluginsService>(context);
}

}  // namespace dcp::api
