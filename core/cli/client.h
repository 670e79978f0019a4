// SPDX-License-Identifier: Apache-2.0
//
// The API as the commands call it: one method a call, failures as Status with id, hint and place.
#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "dcp/v1/dcp.pb.h"
#include "dcp/v1/plugins.pb.h"

namespace grpc {
class Status;
}

namespace dcp::cli {

/// A call that does not wait for a run ends within this time, or something is wrong.
constexpr int64_t kCallTimeoutMs = 30'000;
/// Doctor tries real writes and waits for their refusal.
constexpr int64_t kDoctorTimeoutMs = 120'000;
/// A reload waits for new plugin instances: by default 20 s, by configuration up to ten minutes.
constexpr int64_t kReloadTimeoutMs = 660'000;
/// A plugin reads the manifests of a run.
constexpr int64_t kOutlineTimeoutMs = 60'000;
/// A sweep drops tables one by one, and counts files.
constexpr int64_t kSweepTimeoutMs = 600'000;

/// The id of a RESOURCE_EXHAUSTED that only says "not now": what is over will make room.
inline constexpr char kNotNowId[] = "PZ0911";

/// The inverse of the API's ToGrpc: code, message, and what ErrorDetails say.
Status FromGrpc(const grpc::Status& status, const std::string& endpoint);
/// Plaintext is let out over a Unix socket and loopback only.
Status CheckEndpoint(const std::string& endpoint);
/// PRETZEL_TOKEN's value, or the file's first line; refuses a file that others may read.
Result<Secret> ReadTokenFile(const std::string& path);

class Client {
 public:
  static Result<std::unique_ptr<Client>> Connect(const std::string& endpoint, const Secret& token);
  ~Client();

  /// Whether the daemon takes connections: then the failure of a call may be its answer's alone.
  bool Reached();
  Result<v1::Playground> CreatePlayground(const v1::CreatePlaygroundRequest& request);
  Result<v1::Playground> GetPlayground(const v1::GetPlaygroundRequest& request);
  Result<v1::ListPlaygroundsResponse> ListPlaygrounds(const v1::ListPlaygroundsRequest& request);
  Result<v1::Run> DeletePlayground(const v1::DeletePlaygroundRequest& request);
  Result<v1::DeletionPreview> PreviewDeletePlayground(
      const v1::PreviewDeletePlaygroundRequest& request);
  Result<v1::Playground> UpdatePlayground(const v1::UpdatePlaygroundRequest& request);
  Result<v1::Playground> ExtendPlayground(const v1::ExtendPlaygroundRequest& request);
  Result<v1::Playground> RestorePlayground(const v1::RestorePlaygroundRequest& request);
  Result<v1::ConnectPlaygroundResponse> ConnectPlayground(
      const v1::ConnectPlaygroundRequest& request);
  Result<v1::Run> StartRun(const v1::StartRunRequest& request);
  Result<v1::OutlineManifestsResponse> OutlineManifests(const v1::OutlineManifestsRequest& request);
  Result<v1::Run> GetRun(const v1::GetRunRequest& request);
  Result<v1::ListRunsResponse> ListRuns(const v1::ListRunsRequest& request);
  Result<v1::Run> CancelRun(const v1::CancelRunRequest& request);
  Result<v1::AbandonRunResponse> AbandonRun(const v1::AbandonRunRequest& request);
  Result<v1::WhoAmIResponse> WhoAmI(const v1::WhoAmIRequest& request);
  Result<v1::GetStatusResponse> GetStatus(const v1::GetStatusRequest& request);
  Result<v1::RestartServiceResponse> RestartService(const v1::RestartServiceRequest& request);
  Result<v1::DoctorResponse> Doctor(const v1::DoctorRequest& request);
  Result<v1::ReloadResponse> Reload(const v1::ReloadRequest& request);
  Result<v1::SweepResponse> Sweep(const v1::SweepRequest& request);
  Result<v1::GcResponse> Gc(const v1::GcRequest& request);
  // plugins_client.cc
  Result<v1::ListPluginsResponse> ListPlugins(const v1::ListPluginsRequest& request);
  Result<v1::Plugin> GetPlugin(const v1::GetPluginRequest& request);
  /// Sends the header and then the file, piece by piece.
  Result<v1::InstallPluginResponse> InstallPlugin(const v1::InstallPluginHeader& header,
                                                  std::istream& file);
  Result<v1::VerifyPluginsResponse> VerifyPlugins(const v1::VerifyPluginsRequest& request);
  Result<v1::ReloadPluginResponse> ReloadPlugin(const v1::ReloadPluginRequest& request);
  Result<v1::DisablePluginResponse> DisablePlugin(const v1::DisablePluginRequest& request);
  Result<v1::GetPluginMetricsResponse> GetPluginMetrics();
  /// Until the stream ends, or `cancel` is called (CANCELLED), for which `started` is given the
  /// way.
  Status GetPluginLogs(const v1::GetPluginLogsRequest& request,
                       const std::function<void(const v1::PluginLogLine&)>& take,
                       const std::function<void(std::function<void()> cancel)>& started);
  Result<v1::DescribePluginResponse> DescribePlugin(const v1::DescribePluginRequest& request);

  /// Until the stream ends, `take` answers false (OK), `timeout_ms` is over (0: none;
  /// DEADLINE_EXCEEDED) or `cancel` is called (CANCELLED). `started` is given the way to cancel,
  /// from any thread.
  Status WatchRun(const v1::WatchRunRequest& request, int64_t timeout_ms,
                  const std::function<bool(const v1::RunEvent&)>& take,
                  const std::function<void(std::function<void()> cancel)>& started);
  Status GetRunLogs(const v1::GetRunLogsRequest& request,
                    const std::function<void(const v1::LogChunk&)>& take);

 private:
  struct Stubs;
  Client(std::string endpoint, const Secret& token);

  std::unique_ptr<Stubs> stubs_;
};

}  // namespace dcp::cli
