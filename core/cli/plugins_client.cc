// SPDX-License-Identifier: Apache-2.0
//
// The client's calls of dcp.v1.Plugins.
#include <istream>

#include "cli/client_stubs.h"

namespace dcp::cli {
namespace {

/// A file of half a gigabyte over a local socket, digests included, on a busy machine.
constexpr int64_t kInstallTimeoutMs = 300'000;
constexpr size_t kInstallChunkBytes = size_t{256} << 10;

}  // namespace

Result<v1::ListPluginsResponse> Client::ListPlugins(const v1::ListPluginsRequest& request) {
  return stubs_->Call(*stubs_->plugins, &v1::Plugins::Stub::ListPlugins, request);
}

Result<v1::Plugin> Client::GetPlugin(const v1::GetPluginRequest& request) {
  return stubs_->Call(*stubs_->plugins, &v1::Plugins::Stub::GetPlugin, request);
}
Result<v1::VerifyPluginsResponse> Client::VerifyPlugins(const v1::VerifyPluginsRequest& request) {
  return stubs_->Call(*stubs_->plugins, &v1::Plugins::Stub::VerifyPlugins, request,
                      kInstallTimeoutMs);
}
Result<v1::ReloadPluginResponse> Client::ReloadPlugin(const v1::ReloadPluginRequest& request) {
  return stubs_->Call(*stubs_->plugins, &v1::Plugins::Stub::ReloadPlugin, request,
                      kReloadTimeoutMs);
}
Result<v1::DisablePluginResponse> Client::DisablePlugin(const v1::DisablePluginRequest& request) {
  return stubs_->Call(*stubs_->plugins, &v1::Plugins::Stub::DisablePlugin, request,
                      kReloadTimeoutMs);
}

Result<v1::InstallPluginResponse> Client::InstallPlugin(const v1::InstallPluginHeader& header,
                                                        std::istream& file) {
  grpc::ClientContext context;
  Prepare(context, stubs_->token, kInstallTimeoutMs);
  v1::InstallPluginResponse answer;
  const auto writer = stubs_->plugins->InstallPlugin(&context, &answer);
  v1::InstallPluginRequest part;
  *part.mutable_header() = header;
  bool open = writer->Write(part);
  std::string block(kInstallChunkBytes, '\0');
  // A daemon that refuses early closes its end; its reason is in the status.
  while (open && file.read(block.data(), static_cast<std::streamsize>(block.size())).gcount() > 0) {
    part.set_chunk(block.data(), static_cast<size_t>(file.gcount()));
    open = writer->Write(part);
  }
  if (file.bad()) {
    context.TryCancel();
    [[maybe_unused]] const grpc::Status ended = writer->Finish();
    return Unavailable(header.file_name() + " cannot be read to its end");
  }
  if (open) (void)writer->WritesDone();
  const grpc::Status status = writer->Finish();
  if (!status.ok()) return FromGrpc(status, stubs_->endpoint);
  return answer;
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

Result<v1::DescribePluginResponse> Client::DescribePlugin(
    const v1::DescribePluginRequest& request) {
  return stubs_->Call(*stubs_->plugins, &v1::Plugins::Stub::DescribePlugin, request);
}

}  // namespace dcp::cli
