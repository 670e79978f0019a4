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

 private:
  ServiceContext& context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakePluginsService(ServiceContext& context) {
  return std::make_unique<PluginsService>(context);
}

}  // namespace dcp::api
