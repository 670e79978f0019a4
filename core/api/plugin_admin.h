// SPDX-License-Identifier: Apache-2.0
//
// The calls of dcp.v1.Plugins that are about files and instances. Internal to the room.
#pragma once

#include "api/service.h"

namespace grpc {
template <class Request>
class ServerReader;
}  // namespace grpc
namespace dcp::v1 {
class DisablePluginRequest;
class DisablePluginResponse;
class GetPluginRequest;
class InstallPluginRequest;
class InstallPluginResponse;
class ListPluginsResponse;
class Plugin;
class ReloadPluginRequest;
class ReloadPluginResponse;
class VerifyPluginsRequest;
class VerifyPluginsResponse;
}  // namespace dcp::v1

namespace dcp::api {

/// A plugin that is not there: an operator is told every path that was tried.
Status MissingFor(const playground::Principal& who, const Status& missing, const std::string& name);
Status ListPlugins(ServiceContext& context, const grpc::ServerContextBase& call,
                   v1::ListPluginsResponse* answer);
Status GetPlugin(ServiceContext& context, const grpc::ServerContextBase& call,
                 const v1::GetPluginRequest& request, v1::Plugin* answer);
Status InstallPlugin(ServiceContext& context, const grpc::ServerContextBase& call,
                     grpc::ServerReader<v1::InstallPluginRequest>& stream,
                     v1::InstallPluginResponse* answer);
Status VerifyPlugins(ServiceContext& context, const grpc::ServerContextBase& call,
                     const v1::VerifyPluginsRequest& request, v1::VerifyPluginsResponse* answer);
Status ReloadPlugin(ServiceContext& context, const grpc::ServerContextBase& call,
                    const std::function<bool()>& cancelled, const v1::ReloadPluginRequest& request,
                    v1::ReloadPluginResponse* answer);
Status DisablePlugin(ServiceContext& context, const grpc::ServerContextBase& call,
                     const v1::DisablePluginRequest& request, v1::DisablePluginResponse* answer);

}  // namespace dcp::api
