// SPDX-License-Identifier: Apache-2.0
//
// dcp.v1.System, and what every service shares: authentication, ownership of runs, the answer.
#include <grpcpp/server_context.h>

#include "api/service.h"
#include "api/shown.h"
#include "api/status_to_grpc.h"
#include "base/redaction.h"
#include "dcp/v1/dcp.grpc.pb.h"
#include "log/log.h"

namespace dcp::api {

Result<playground::Principal> PrincipalOf(const ServiceContext& context,
                                          const grpc::ServerContextBase& call) {
  if (context.draining) {
    return Unavailable("the daemon is stopping and takes no new calls")
        .WithId("PZ0908")
        .WithHint(
            "try again in a moment: if it is being restarted, running jobs go on and are "
            "found again");
  }
  const auto& metadata = call.client_metadata();
  const auto found = metadata.find("authorization");
  const std::string_view header =
      found == metadata.end() ? std::string_view()
                              : std::string_view(found->second.data(), found->second.size());
  return context.deps.principals->Authenticate(header);
}

Result<Caller> CallerOf(const ServiceContext& context, const grpc::ServerContextBase& call) {
  DCP_ASSIGN(const auto who, PrincipalOf(context, call));
  Caller caller{who, nullptr};
  DCP_ASSIGN(caller.place, context.calls.Take(who.user, context.settings.calls_per_principal));
  return caller;
}

Result<store::RunSummary> RunOf(const ServiceContext& context, const playground::Principal& who,
                                const std::string& id) {
  auto run = context.deps.store->GetRunSummary(id);
  const bool missing = !run.ok() && run.status().code() == Code::kNotFound;
  if (missing || (run.ok() && run->principal != who.user)) {
    return NotFound("you have no run \"" + id.substr(0, 80) + "\"")
        .WithId("PZ0904")
        .WithHint("pretzel run list shows yours");
  }
  return run;
}

grpc::Status Answer(const Status& status, std::string_view method) {
  const Code code = status.code();
  if (code == Code::kInternal || code == Code::kUnknown || code == Code::kDataLoss) {
    log::Write(log::Id::kRequestFailed,
               {{"method", std::string(method)}, {"error", status.ToString()}});
  }
  return ToGrpc(status);
}

Status CheckOperator(const playground::Principal& who, const std::string& what) {
  if (who.is_operator) return {};
  return PermissionDenied(what + ": " + who.user + " is no operator of this daemon")
      .WithId("PZ0910")
      .WithHint("an operator has \"role\":\"operator\" in the daemon's principals file");
}

namespace {

/// Of doctor's checks, those of services and plugins.
constexpr char kSetUpLayer[] = "set-up";

class SystemService final : public v1::System::Service {
 public:
  explicit SystemService(ServiceContext& context) : context_(context) {}

  grpc::Status WhoAmI(grpc::ServerContext* call, const v1::WhoAmIRequest*,
                      v1::WhoAmIResponse* answer) override {
    const auto who = CallerOf(context_, *call);
    if (!who.ok()) return Answer(who.status(), "WhoAmI");
    answer->set_user(who->user);
    answer->set_team(who->team);
    answer->set_environment(who->environment);
    answer->set_daemon_version(context_.settings.version);
    return grpc::Status::OK;
  }

  grpc::Status GetStatus(grpc::ServerContext* call, const v1::GetStatusRequest*,
                         v1::GetStatusResponse* answer) override {
    const auto who = CallerOf(context_, *call);
    if (!who.ok()) return Answer(who.status(), "GetStatus");
    answer->set_version(context_.settings.version);
    if (context_.deps.status) Fill(*who, context_.deps.status(), answer);
    return grpc::Status::OK;
  }

  grpc::Status Doctor(grpc::ServerContext* call, const v1::DoctorRequest* request,
                      v1::DoctorResponse* answer) override {
    return Answer(Examine(*call, *request, answer), "Doctor");
  }
  grpc::Status Sweep(grpc::ServerContext* call, const v1::SweepRequest* request,
                     v1::SweepResponse* answer) override {
    return Answer(SweepNow(*call, *request, answer), "Sweep");
  }
  grpc::Status Gc(grpc::ServerContext* call, const v1::GcRequest* request,
                  v1::GcResponse* answer) override {
    return Answer(CollectNow(*call, *request, answer), "Gc");
  }

  grpc::Status RestartService(grpc::ServerContext* call, const v1::RestartServiceRequest* request,
                              v1::RestartServiceResponse*) override {
    return Answer(Restart(*call, request->name()), "RestartService");
  }

  grpc::Status Reload(grpc::ServerContext* call, const v1::ReloadRequest*,
                      v1::ReloadResponse* answer) override {
    return Answer(DoReload(*call, answer), "Reload");
  }

 private:
  Status DoReload(const grpc::ServerContext& call, v1::ReloadResponse* answer) {
    DCP_ASSIGN(const auto who, CallerOf(context_, call));
    DCP_TRY(CheckOperator(who, "reload the configuration"));
    if (!context_.deps.reload)
      return Unavailable("this daemon was started without a configuration");
    const auto reloaded = context_.deps.reload();
    if (!reloaded.ok()) return ForOperator(reloaded.status());
    const ConfigurationChange& change = *reloaded;
    const auto put = [](const std::vector<std::string>& from, auto* to) {
      to->Add(from.begin(), from.end());
    };
    put(change.plugins.kept, answer->mutable_kept());
    put(change.plugins.started, answer->mutable_started());
    put(change.plugins.restarted, answer->mutable_restarted());
    put(change.plugins.stopped, answer->mutable_stopped());
    put(change.plugins.failed, answer->mutable_failed());
    put(change.plugins.routes, answer->mutable_routes());
    put(change.settings, answer->mutable_settings());
    put(change.needs_restart, answer->mutable_needs_restart());
    return {};
  }

  Status SweepNow(const grpc::ServerContext& call, const v1::SweepRequest& request,
                  v1::SweepResponse* answer) {
    DCP_ASSIGN(const auto who, CallerOf(context_, call));
    DCP_TRY(CheckOperator(who, "sweep"));
    if (!context_.deps.sweep) return Unavailable("this daemon was started without a janitor");
    SweepOptions options;
    options.dry_run = request.dry_run();
    options.unknown = request.unknown();
    options.cancelled = [&call] { return call.IsCancelled(); };
    DCP_ASSIGN(const SweepReport report, context_.deps.sweep(options));
    for (const SweepItem& item : report.items) {
      v1::SweepItem* out = answer->add_items();
      out->set_kind(item.kind);
      out->set_name(item.name);
      out->set_action(item.action);
      out->set_reason(item.reason);
      out->set_tables(item.tables);
      out->set_files(item.files);
      out->set_bytes(item.bytes);
    }
    for (const std::string& failure : report.failures) answer->add_failures(failure);
    answer->set_more(report.more);
    return {};
  }

  Status CollectNow(const grpc::ServerContext& call, const v1::GcRequest& request,
                    v1::GcResponse* answer) {
    DCP_ASSIGN(const auto who, CallerOf(context_, call));
    DCP_TRY(CheckOperator(who, "remove old runs"));
    if (!context_.deps.gc) return Unavailable("this daemon was started without a janitor");
    GcOptions options;
    options.dry_run = request.dry_run();
    options.cancelled = [&call] { return call.IsCancelled(); };
    DCP_ASSIGN(const GcReport report, context_.deps.gc(options));
    answer->set_runs(report.runs);
    answer->set_bytes(report.bytes);
    for (const std::string& failure : report.failures) answer->add_failures(failure);
    return {};
  }

  static void Fill(const playground::Principal& who, const SystemState& state,
                   v1::GetStatusResponse* answer) {
    answer->set_catalog_uri(state.catalog_uri);
    for (const os::ServiceState& service : state.services) {
      v1::ServiceStatus* out = answer->add_services();
      out->set_name(service.name);
      out->set_state(service.state);
      out->set_pid(service.pid);
      out->set_endpoint(service.endpoint);
      out->set_restarts(service.restarts);
      out->set_detail(ReasonFor(who, service));
    }
    for (const host::InstanceState& plugin : state.plugins) {
      v1::PluginStatus* out = answer->add_plugins();
      out->set_instance(plugin.id);
      out->set_plugin(plugin.plugin);
      out->set_version(plugin.version);
      out->set_isolation(plugin.isolation);
      out->set_state(plugin.state);
      out->set_detail(ReasonFor(who, plugin.detail));
      out->set_pid(plugin.pid);
      out->set_restarts(plugin.restarts);
      for (const std::string& capability : plugin.capabilities) out->add_capabilities(capability);
    }
  }

  Status Restart(const grpc::ServerContext& call, const std::string& name) {
    DCP_ASSIGN(const auto who, CallerOf(context_, call));
    DCP_TRY(CheckOperator(who, "restart " + name));
    if (!context_.deps.restart) return Unavailable("this daemon runs no services");
    DCP_TRY(context_.deps.restart(name));
    log::Write(log::Id::kServiceRestarted, {{"service", name}, {"by", who.user}});
    return {};
  }

  Status Examine(const grpc::ServerContext& call, const v1::DoctorRequest& request,
                 v1::DoctorResponse* answer) {
    DCP_ASSIGN(const auto who, CallerOf(context_, call));
    if (!context_.deps.doctor) return Unavailable("this daemon was started without a doctor");
    store::Playground playground;
    bool named = !request.playground().empty();
    if (named) {
      const auto usable = context_.deps.playgrounds->Usable(who, request.playground());
      // The other checks are made for an expired one, too: after a jump of the clock all are.
      named = usable.status().code() != Code::kFailedPrecondition;
      if (named) {
        DCP_ASSIGN(playground, usable);
      }
    }
    DCP_ASSIGN(const auto checks, context_.deps.doctor(who, named ? &playground : nullptr));
    for (const DoctorCheck& check : checks) {
      v1::Check* out = answer->add_checks();
      out->set_name(check.name);
      out->set_layer(check.layer);
      out->set_result(check.result);
      // Of a part of the set-up the detail begins with its state, and goes on with the reason.
      const size_t state_end =
          check.layer == kSetUpLayer ? check.detail.find(": ") : std::string::npos;
      const bool has_reason = state_end != std::string::npos && !who.is_operator;
      out->set_detail(has_reason ? check.detail.substr(0, state_end + 2) + kForOperators
                                 : Redact(check.detail));
      out->set_advice(check.advice);
    }
    return {};
  }

  ServiceContext& context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeSystemService(ServiceContext& context) {
  return std::make_unique<SystemService>(context);
}

}  // namespace dcp::api
