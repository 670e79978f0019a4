// SPDX-License-Identifier: Apache-2.0
//
// dcp.v1.Playgrounds.
#include <grpcpp/server_context.h>

#include <algorithm>

#include "api/delete_playground.h"
#include "api/run_proto.h"
#include "api/service.h"
#include "dcp/v1/dcp.grpc.pb.h"
#include "log/log.h"

namespace dcp::api {
namespace {

/// What the API says of a playground whose time is over and whose purge has not begun; the store
/// has it as ACTIVE.
constexpr char kExpired[] = "EXPIRED";

class PlaygroundsService final : public v1::Playgrounds::Service {
 public:
  explicit PlaygroundsService(ServiceContext& context) : context_(context) {}

  grpc::Status CreatePlayground(grpc::ServerContext* call,
                                const v1::CreatePlaygroundRequest* request,
                                v1::Playground* answer) override {
    return Answer(Create(*call, *request, answer), "CreatePlayground");
  }
  grpc::Status GetPlayground(grpc::ServerContext* call, const v1::GetPlaygroundRequest* request,
                             v1::Playground* answer) override {
    return Answer(Get(*call, *request, answer), "GetPlayground");
  }
  grpc::Status ListPlaygrounds(grpc::ServerContext* call, const v1::ListPlaygroundsRequest* request,
                               v1::ListPlaygroundsResponse* answer) override {
    return Answer(List(*call, *request, answer), "ListPlaygrounds");
  }
  grpc::Status DeletePlayground(grpc::ServerContext* call,
                                const v1::DeletePlaygroundRequest* request,
                                v1::Run* answer) override {
    return Answer(Delete(*call, *request, answer), "DeletePlayground");
  }
  grpc::Status ExtendPlayground(grpc::ServerContext* call,
                                const v1::ExtendPlaygroundRequest* request,
                                v1::Playground* answer) override {
    return Answer(Extend(*call, *request, answer), "ExtendPlayground");
  }
  grpc::Status RestorePlayground(grpc::ServerContext* call,
                                 const v1::RestorePlaygroundRequest* request,
                                 v1::Playground* answer) override {
    return Answer(Restore(*call, *request, answer), "RestorePlayground");
  }
  grpc::Status PreviewDeletePlayground(grpc::ServerContext* call,
                                       const v1::PreviewDeletePlaygroundRequest* request,
                                       v1::DeletionPreview* answer) override {
    return Answer(PreviewDelete(*call, *request, answer), "PreviewDeletePlayground");
  }
  grpc::Status UpdatePlayground(grpc::ServerContext* call,
                                const v1::UpdatePlaygroundRequest* request,
                                v1::Playground* answer) override {
    return Answer(Update(*call, *request, answer), "UpdatePlayground");
  }
  grpc::Status ConnectPlayground(grpc::ServerContext* call,
                                 const v1::ConnectPlaygroundRequest* request,
                                 v1::ConnectPlaygroundResponse* answer) override {
    return Answer(Connect(*call, *request, answer), "ConnectPlayground");
  }

 private:
  void Fill(const store::Playground& from, v1::Playground* to) const {
    FillPlayground(from, to);
    if (from.state != store::kActive || from.expires_at > context_.deps.clock->Wall()) return;
    to->set_state(kExpired);
    if (context_.deps.purge_at) to->set_purge_at_ms(context_.deps.purge_at(from));
  }

  Status Create(const grpc::ServerContext& call, const v1::CreatePlaygroundRequest& request,
                v1::Playground* answer) {
    DCP_ASSIGN(const auto who, CallerOf(context_, call));
    const std::map<std::string, std::string> labels(request.labels().begin(),
                                                    request.labels().end());
    DCP_ASSIGN(const auto made,
               context_.deps.playgrounds->Create(who, request.name(), request.ttl_ms(), labels));
    Fill(made, answer);
    return {};
  }

  Status Get(const grpc::ServerContext& call, const v1::GetPlaygroundRequest& request,
             v1::Playground* answer) {
    DCP_ASSIGN(const auto who, CallerOf(context_, call));
    DCP_ASSIGN(const auto found, context_.deps.playgrounds->Get(who, request.name()));
    DCP_ASSIGN(const auto datasets, context_.deps.playgrounds->Datasets(found));
    Fill(found, answer);
    for (const store::Dataset& dataset : datasets) {
      v1::Dataset* out = answer->add_datasets();
      out->set_name(dataset.name);
      out->set_kind(dataset.kind);
      out->set_spec_hash(dataset.spec_hash);
      out->set_updated_at_ms(dataset.updated_at);
    }
    return {};
  }

  Status List(const grpc::ServerContext& call, const v1::ListPlaygroundsRequest& request,
              v1::ListPlaygroundsResponse* answer) {
    DCP_ASSIGN(const auto who, CallerOf(context_, call));
    if (request.limit() < 0) return InvalidArgument("limit is negative").WithId("PZ0903");
    const int limit =
        request.limit() == 0 ? kListPlaygroundsMax : std::min(request.limit(), kListPlaygroundsMax);
    // One more than is answered tells whether something follows.
    DCP_ASSIGN(auto found, context_.deps.playgrounds->List(who, request.page_token(), limit + 1));
    const bool more = found.size() > static_cast<size_t>(limit);
    if (more) found.pop_back();
    for (const store::Playground& one : found) Fill(one, answer->add_playgrounds());
    if (more) answer->set_next_page_token(found.back().name);
    return {};
  }

  Status Delete(const grpc::ServerContext& call, const v1::DeletePlaygroundRequest& request,
                v1::Run* answer) {
    DCP_ASSIGN(const auto who, CallerOf(context_, call));
    DCP_ASSIGN(const auto going, context_.deps.playgrounds->BeginDelete(who, request.name()));
    DCP_ASSIGN(const auto run, StartDelete(*context_.deps.store, *context_.deps.runner, going));
    return FillRun(*context_.deps.store, run.id, answer);
  }

  Status Extend(const grpc::ServerContext& call, const v1::ExtendPlaygroundRequest& request,
                v1::Playground* answer) {
    DCP_ASSIGN(const auto who, CallerOf(context_, call));
    DCP_ASSIGN(const auto found,
               context_.deps.playgrounds->Extend(who, request.name(), request.ttl_ms()));
    Fill(found, answer);
    return {};
  }

  Status Restore(const grpc::ServerContext& call, const v1::RestorePlaygroundRequest& request,
                 v1::Playground* answer) {
    DCP_ASSIGN(const auto who, CallerOf(context_, call));
    DCP_ASSIGN(const auto found,
               context_.deps.playgrounds->Restore(who, request.name(), request.ttl_ms()));
    log::Write(log::Id::kPlaygroundRestored, {{"playground", found.name}, {"by", who.user}});
    Fill(found, answer);
    return {};
  }

  Status PreviewDelete(const grpc::ServerContext& call,
                       const v1::PreviewDeletePlaygroundRequest& request,
                       v1::DeletionPreview* answer) {
    DCP_ASSIGN(const auto who, CallerOf(context_, call));
    DCP_ASSIGN(const auto found, context_.deps.playgrounds->Get(who, request.name()));
    if (!context_.deps.preview_delete) {
      return Unavailable("this daemon runs without a playground catalog");
    }
    DCP_ASSIGN(const auto preview, context_.deps.preview_delete(found));
    Fill(found, answer->mutable_playground());
    for (const std::string& table : preview.footprint.tables) answer->add_tables(table);
    answer->set_files(preview.footprint.files);
    answer->set_bytes(preview.footprint.bytes);
    for (const store::RunBrief& run : preview.runs) {
      v1::Run* out = answer->add_runs();
      out->set_id(run.id);
      out->set_playground(found.name);
      out->set_command(run.command);
      out->set_state(run.state);
    }
    for (const DeletionPreview::JobFolder& folder : preview.job_folders) {
      v1::JobFolder* out = answer->add_job_folders();
      // Where the daemon keeps its state is its operators' to know.
      const size_t name = folder.path.rfind('/') + 1;
      out->set_path(who.is_operator ? folder.path : "jobs/" + folder.path.substr(name));
      out->set_files(folder.files);
      out->set_bytes(folder.bytes);
    }
    for (const std::string& dataset : preview.datasets) answer->add_datasets(dataset);
    return {};
  }

  Status Update(const grpc::ServerContext& call, const v1::UpdatePlaygroundRequest& request,
                v1::Playground* answer) {
    DCP_ASSIGN(const auto who, CallerOf(context_, call));
    playground::Update update;
    if (request.has_ttl_ms()) update.ttl_ms = request.ttl_ms();
    update.set_labels = {request.set_labels().begin(), request.set_labels().end()};
    update.remove_labels = {request.remove_labels().begin(), request.remove_labels().end()};
    DCP_ASSIGN(const auto changed, context_.deps.playgrounds->Change(who, request.name(), update));
    Fill(changed, answer);
    return {};
  }

  Status Connect(const grpc::ServerContext& call, const v1::ConnectPlaygroundRequest& request,
                 v1::ConnectPlaygroundResponse* answer) {
    DCP_ASSIGN(const auto who, CallerOf(context_, call));
    DCP_ASSIGN(const auto found, context_.deps.playgrounds->Usable(who, request.name()));
    if (context_.deps.catalog == nullptr || context_.deps.tokens == nullptr) {
      return Unavailable("this daemon runs without a playground catalog");
    }
    catalog::Claims claims;
    claims.user = who.user;
    claims.playground = found.name;
    claims.generation = found.generation;
    claims.mode = request.write() ? "rw" : "ro";
    claims.expires_at = std::min(found.expires_at, context_.deps.clock->Wall() + kConnectTokenMs);
    answer->set_catalog(context_.settings.catalog_name);
    answer->set_uri(context_.deps.catalog->EndpointFor(found.name));
    answer->set_token(context_.deps.tokens->Issue(claims).Reveal());
    answer->set_expires_at_ms(claims.expires_at);
    DCP_ASSIGN(const auto datasets, context_.deps.playgrounds->Datasets(found));
    if (!datasets.empty()) {
      const std::string& name = datasets.front().name;
      answer->set_namespace_hint(name.substr(0, name.rfind('.')));
    }
    return {};
  }

  ServiceContext& context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakePlaygroundsService(ServiceContext& context) {
  return std::make_unique<PlaygroundsService>(context);
}

}  // namespace dcp::api
