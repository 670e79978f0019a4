// SPDX-License-Identifier: Apache-2.0
//
// dcp.v1.Plugins: what operators do with plugins while the daemon runs. Its stream is in
// plugin_streams.cc.
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "api/plugin_admin.h"
#include "api/service.h"
#include "api/status_to_grpc.h"
#include "dcp/v1/plugins.grpc.pb.h"

namespace dcp::api {
namespace {

void Fill(const host::InstanceMetrics& metrics, v1::PluginMetrics* out) {
  out->set_instance(metrics.id);
  out->set_plugin(metrics.plugin);
  out->set_version(metrics.version);
  out->set_isolation(metrics.isolation);
  out->set_state(metrics.state);
  out->set_pid(metrics.pid);
  const host::Counters::Values& calls = metrics.calls;
  out->set_calls(calls.ended);
  out->set_errors(calls.errors);
  out->set_open(calls.open);
  out->set_queued(calls.queued);
  out->set_restarts(static_cast<int32_t>(calls.restarts));
  if (metrics.worker) {
    out->set_rss_bytes(metrics.worker->resident_bytes);
    out->set_cpu_seconds(metrics.worker->cpu_seconds);
    if (metrics.worker->open_fds) out->set_open_fds(*metrics.worker->open_fds);
  }
  for (const double bound : host::kDurationBounds) out->add_bucket_seconds(bound);
  uint64_t sum = 0;
  for (const uint64_t count : calls.by_duration) out->add_bucket_counts(sum += count);
  out->set_duration_seconds_sum(calls.duration_seconds);
  for (size_t i = 1; i < host::kCodeCount; ++i) {
    if (calls.by_code[i] == 0) continue;
    v1::CodeCount* count = out->add_errors_by_code();
    count->set_code(std::string(CodeName(static_cast<Code>(i))));
    count->set_count(calls.by_code[i]);
  }
}

class PluginsService final
    : public v1::Plugins::WithCallbackMethod_GetPluginLogs<v1::Plugins::Service> {
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
  grpc::Status GetPluginMetrics(grpc::ServerContext* call, const v1::GetPluginMetricsRequest*,
                                v1::GetPluginMetricsResponse* answer) override {
    return Answer(Metrics(*call, answer), "GetPluginMetrics");
  }
  grpc::ServerWriteReactor<v1::PluginLogChunk>* GetPluginLogs(
      grpc::CallbackServerContext* call, const v1::GetPluginLogsRequest* request) override {
    return MakeGetPluginLogs(context_, *call, *request);
  }
  grpc::Status DescribePlugin(grpc::ServerContext* call, const v1::DescribePluginRequest* request,
                              v1::DescribePluginResponse* answer) override {
    const auto who = CallerOf(context_, *call);
    if (!who.ok()) return Answer(who.status(), "DescribePlugin");
    if (context_.deps.host == nullptr) {
      return Answer(Unavailable("this daemon hosts no plugins"), "DescribePlugin");
    }
    const auto description = context_.deps.host->Describe(request->name());
    if (!description.ok()) {
      return Answer(MissingFor(*who, description.status(), request->name()), "DescribePlugin");
    }
    answer->set_id(description->id);
    answer->set_version(description->version);
    answer->set_config_schema_json(description->config_schema);
    return grpc::Status::OK;
  }

 private:
  /// For everybody: GetStatus names the same instances, and these are but numbers.
  Status Metrics(const grpc::ServerContext& call, v1::GetPluginMetricsResponse* answer) {
    DCP_TRY(CallerOf(context_, call).status());
    if (context_.deps.host == nullptr) return Unavailable("this daemon hosts no plugins");
    for (const host::InstanceMetrics& metrics : context_.deps.host->Metrics()) {
      Fill(metrics, answer->add_instances());
    }
    return {};
  }

  ServiceContext& context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakePluginsService(ServiceContext& context) {
  return std::make_unique<PluginsService>(context);
}

}  // namespace dcp::api
