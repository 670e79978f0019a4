// SPDX-License-Identifier: Apache-2.0
//
// The client's calls of dcp.v1.Plugins.
#include "cli/client_stubs.h"

namespace dcp::cli {

Result<v1::ListPluginsResponse> Client::ListPlugins(const v1::ListPluginsRequest& request) {
  return stubs_->Call(*stubs_->plugins, &v1::Plugins::Stub::ListPlugins, request);
}

Result<v1::GetPluginMetricsResponse> Client::GetPluginMetrics() {
  return stubs_->Call(*stubs_->plugins, &v1::Plugins::Stub::GetPluginMetrics,
                      v1::GetPluginMetricsRequest());
}

Status Client::GetPluginLogs(const v1::GetPluginLogsRequest& request,
                             const std::function<void(const v1::PluginLogLine&)>& take,
                             const std::function<void(std::function<void()> cancel)>& started) {
  // Shared: an interrupt may come while the call ends.
  const auto context = std::make_shared<grpc::ClientContext>();
  Prepare(*context, stubs_->token, 0);
  const auto reader = stubs_->plugins->GetPluginLogs(context.get(), request);
  started([context] { context->TryCancel(); });
  v1::PluginLogChunk chunk;
  while (reader->Read(&chunk)) {
    for (const v1::PluginLogLine& line : chunk.lines()) take(line);
  }
  return FromGrpc(reader->Finish(), stubs_->endpoint);
}

}  // namespace dcp::cli
