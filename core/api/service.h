// SPDX-License-Identifier: Apache-2.0
//
// What this room's service files share: the context they work in, authentication of one call, and
// the factories that server.cc registers. Internal to the room.
#pragma once

#include <atomic>
#include <memory>
#include <string_view>

#include "api/executor.h"
#include "api/server.h"
#include "api/shares.h"

namespace grpc {
class ServerContextBase;
class Service;
class Status;
template <class Response>
class ServerWriteReactor;
}  // namespace grpc
namespace dcp::v1 {
class GetPluginLogsRequest;
class GetRunLogsRequest;
class LogChunk;
class PluginLogChunk;
class RunEvent;
class WatchRunRequest;
}  // namespace dcp::v1

namespace dcp::api {

struct ServiceContext {
  Settings settings;
  Deps deps;
  Executor* streams = nullptr;
  std::atomic<int> open_streams{0};
  mutable Shares calls{"calls under way", "api.calls_per_principal"};
  mutable Shares open_by_principal{"streams open", "api.streams_per_principal"};
  std::atomic<bool> draining{false};
};

/// Who calls, from the call's metadata. From memory only: safe in a reaction.
Result<playground::Principal> PrincipalOf(const ServiceContext& context,
                                          const grpc::ServerContextBase& call);
/// Who makes a call that holds a thread, and its place among the principal's calls for as long as
/// this or a copy lives.
struct Caller : playground::Principal {
  Shares::Place place;
};
Result<Caller> CallerOf(const ServiceContext& context, const grpc::ServerContextBase& call);
/// The run, if it is the caller's; somebody else's is NOT_FOUND in the same words as none.
Result<store::RunSummary> RunOf(const ServiceContext& context, const playground::Principal& who,
                                const std::string& id);
/// What concerns everybody who uses the daemon, only its operators may do.
Status CheckOperator(const playground::Principal& who, const std::string& what);
/// ToGrpc, and a log line when the failure is ours.
grpc::Status Answer(const Status& status, std::string_view method);

std::unique_ptr<grpc::Service> MakePlaygroundsService(ServiceContext& context);
std::unique_ptr<grpc::Service> MakeRunsService(ServiceContext& context);
std::unique_ptr<grpc::Service> MakePluginsService(ServiceContext& context);
std::unique_ptr<grpc::Service> MakeSystemService(ServiceContext& context);

grpc::ServerWriteReactor<v1::RunEvent>* MakeWatchRun(ServiceContext& context,
                                                     const grpc::ServerContextBase& call,
                                                     const v1::WatchRunRequest& request);
grpc::ServerWriteReactor<v1::LogChunk>* MakeGetRunLogs(ServiceContext& context,
                                                       const grpc::ServerContextBase& call,
                                                       const v1::GetRunLogsRequest& request);
grpc::ServerWriteReactor<v1::PluginLogChunk>* MakeGetPluginLogs(
    ServiceContext& context, const grpc::ServerContextBase& call,
    const v1::GetPluginLogsRequest& request);

}  // namespace dcp::api
