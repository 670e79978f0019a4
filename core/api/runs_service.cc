// SPDX-License-Identifier: Apache-2.0
//
// dcp.v1.Runs: the unary calls; its streams are in run_streams.cc.
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <algorithm>

#include "api/run_proto.h"
#include "api/service.h"
#include "api/start_run.h"
#include "dcp/v1/dcp.grpc.pb.h"

namespace dcp::api {
namespace {

using StreamsByCallback = v1::Runs::WithCallbackMethod_WatchRun<
    v1::Runs::WithCallbackMethod_GetRunLogs<v1::Runs::Service>>;

class RunsService final : public StreamsByCallback {
 public:
  explicit RunsService(ServiceContext& context) : context_(context) {}

  grpc::Status StartRun(grpc::ServerContext* call, const v1::StartRunRequest* request,
                        v1::Run* answer) override {
    return Answer(Start(*call, *request, answer), "StartRun");
  }
  grpc::Status OutlineManifests(grpc::ServerContext* call,
                                const v1::OutlineManifestsRequest* request,
                                v1::OutlineManifestsResponse* answer) override {
    return Answer(Outline(*call, *request, answer), "OutlineManifests");
  }
  grpc::Status GetRun(grpc::ServerContext* call, const v1::GetRunRequest* request,
                      v1::Run* answer) override {
    return Answer(Get(*call, request->id(), answer), "GetRun");
  }
  grpc::Status ListRuns(grpc::ServerContext* call, const v1::ListRunsRequest* request,
                        v1::ListRunsResponse* answer) override {
    return Answer(List(*call, *request, answer), "ListRuns");
  }
  grpc::Status CancelRun(grpc::ServerContext* call, const v1::CancelRunRequest* request,
                         v1::Run* answer) override {
    return Answer(Cancel(*call, request->id(), answer), "CancelRun");
  }
  grpc::Status AbandonRun(grpc::ServerContext* call, const v1::AbandonRunRequest* request,
                          v1::AbandonRunResponse* answer) override {
    return Answer(Abandon(*call, request->id(), answer), "AbandonRun");
  }
  grpc::ServerWriteReactor<v1::RunEvent>* WatchRun(grpc::CallbackServerContext* call,
                                                   const v1::WatchRunRequest* request) override {
    return MakeWatchRun(context_, *call, *request);
  }
  grpc::ServerWriteReactor<v1::LogChunk>* GetRunLogs(
      grpc::CallbackServerContext* call, const v1::GetRunLogsRequest* request) override {
    return MakeGetRunLogs(context_, *call, *request);
  }

 private:
  Status Fill(const std::string& run_id, v1::Run* answer) {
    return FillRun(*context_.deps.store, run_id, answer);
  }

  /// A run that says nothing any more says why.
  Status TellIfForgotten(const store::RunSummary& run, v1::Run* answer) {
    if (!store::IsTerminal(run.state) || run.command == "delete") return {};
    const auto state = context_.deps.store->PlaygroundState(run.playground, run.generation);
    if (!state.ok() && state.status().code() != Code::kNotFound) return state.status();
    answer->set_playground_deleted(state.ok() && *state == store::kDeleted);
    return {};
  }

  Status Start(const grpc::ServerContext& call, const v1::StartRunRequest& request,
               v1::Run* answer) {
    DCP_ASSIGN(const auto who, CallerOf(context_, call));
    DCP_ASSIGN(const auto start, PrepareRun(context_, who, request));
    DCP_ASSIGN(const auto run, context_.deps.runner->Start(start));
    return Fill(run.id, answer);
  }

  Status Outline(const grpc::ServerContext& call, const v1::OutlineManifestsRequest& request,
                 v1::OutlineManifestsResponse* answer) {
    DCP_ASSIGN(const auto who, CallerOf(context_, call));
    return FillOutline(
        context_, who, request, [&call] { return call.IsCancelled(); }, answer);
  }

  Status Get(const grpc::ServerContext& call, const std::string& id, v1::Run* answer) {
    DCP_ASSIGN(const auto who, CallerOf(context_, call));
    DCP_ASSIGN(const auto run, RunOf(context_, who, id));
    DCP_TRY(Fill(run.id, answer));
    return TellIfForgotten(run, answer);
  }

  Status List(const grpc::ServerContext& call, const v1::ListRunsRequest& request,
              v1::ListRunsResponse* answer) {
    DCP_ASSIGN(const auto who, CallerOf(context_, call));
    if (request.limit() < 0) return InvalidArgument("limit is negative").WithId("PZ0903");
    const int limit =
        request.limit() == 0 ? kListRunsDefault : std::min(request.limit(), kListRunsMax);
    // A token is the id of the page's last run, and says no more of other people's than that does.
    const std::string& token = request.page_token();
    if (!token.empty() && !RunOf(context_, who, token).ok()) {
      return InvalidArgument("page_token is of no list of yours, or its run is gone")
          .WithId("PZ0903")
          .WithHint("list again from the first page");
    }
    DCP_ASSIGN(const auto page,
               context_.deps.store->ListRuns({who.user, request.playground()}, token, limit));
    for (const store::RunSummary& run : page.runs) FillRunSummary(run, answer->add_runs());
    answer->set_next_page_token(page.next);
    return {};
  }

  Status Cancel(const grpc::ServerContext& call, const std::string& id, v1::Run* answer) {
    DCP_ASSIGN(const auto who, CallerOf(context_, call));
    DCP_ASSIGN(const auto run, RunOf(context_, who, id));
    if (run.command == "delete") {
      return FailedPrecondition("run " + id + " deletes a playground, and goes on to its end");
    }
    DCP_TRY(context_.deps.runner->Cancel(run.id, "asked for by " + who.user));
    return Fill(run.id, answer);
  }

  /// Of anybody's run, so that none is kept for ever by a job that its owner cannot look for. No
  /// more of it is answered than an operator needs.
  Status Abandon(const grpc::ServerContext& call, const std::string& id,
                 v1::AbandonRunResponse* answer) {
    DCP_ASSIGN(const auto who, CallerOf(context_, call));
    DCP_TRY(CheckOperator(who, "abandon a run"));
    const auto run = context_.deps.store->GetRun(id);
    if (run.status().code() == Code::kNotFound) {
      return NotFound("there is no run \"" + id.substr(0, 80) + "\"").WithId("PZ0904");
    }
    DCP_TRY(run.status());
    DCP_ASSIGN(const bool ended, context_.deps.runner->Abandon(id, who.user));
    DCP_ASSIGN(const auto now, context_.deps.store->GetRun(id));
    answer->set_id(now.id);
    answer->set_state(now.state);
    answer->set_ended(ended);
    return {};
  }

  ServiceContext& context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeRunsService(ServiceContext& context) {
  return std::make_unique<RunsService>(context);
}

}  // namespace dcp::api
