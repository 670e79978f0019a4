// SPDX-License-Identifier: Apache-2.0
//
// dcp.v1.Plugins: what operators do with plugins while the daemon runs.
#include <grpcpp/server_context.h>

#include "api/service.h"
#include "api/status_to_grpc.h"
#include "dcp/v1/plugins.grpc.pb.h"

namespace dcp::api {
namespace {

class PluginsService final : public v1::Plugins::Service {
 public:
  explicit PluginsService(ServiceContext& context) : context_(context) {}

  grpc::Status DescribePlugin(grpc::ServerContext* call, const v1::DescribePluginRequest* request,
                              v1::DescribePluginResponse* answer) override {
    const auto who = CallerOf(context_, *call);
    if (!who.ok()) return Answer(who.status(), "DescribePlugin");
    if (context_.deps.host == nullptr) {
      return Answer(Unavailable("this daemon hosts no plugins"), "DescribePlugin");
    }
    const auto description = context_.deps.host->Describe(request->name());
    if (!description.ok()) return Answer(description.status(), "DescribePlugin");
    answer->set_id(description->id);
    answer->set_version(description->version);
    answer->set_config_schema_json(description->config_schema);
    return grpc::Status::OK;
  }

 private:
  ServiceContext& context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakePluginsService(ServiceContext& context) {
  return std::make_unique<PluginsService>(context);
}

}  // namespace dcp::api
