// SPDX-License-Identifier: Apache-2.0
#include "daemon/backend.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "daemon/failed_parts.h"

namespace dcp::daemon {
namespace {

host::Target TargetOf(const graph::Invocation& invocation) {
  return {invocation.capability, invocation.route, invocation.playground, invocation.team,
          invocation.environment};
}

}  // namespace

GraphBackend::GraphBackend(Capabilities& capabilities, host::Host& host, catalog::Catalog& catalog,
                           catalog::Tokens& tokens, store::Store& store, Recycler& recycler,
                           const os::Supervisor& supervisor, std::string catalog_name)
    : capabilities_(capabilities),
      host_(host),
      catalog_(catalog),
      tokens_(tokens),
      store_(store),
      recycler_(recycler),
      supervisor_(supervisor),
      catalog_name_(std::move(catalog_name)) {}

Result<std::string> GraphBackend::Invoke(const graph::Invocation& invocation) {
  auto answer = Ask(invocation);
  if (answer.ok()) return answer;
  return NameFailedService(answer.status(), supervisor_.States());
}

Result<std::string> GraphBackend::Ask(const graph::Invocation& invocation) {
  if (Capabilities::Serves(invocation.capability)) {
    return capabilities_.Invoke(
        {invocation.playground, invocation.generation, invocation.cancelled, invocation.deadline},
        invocation.capability, invocation.method, invocation.request_json);
  }
  host::CallOptions options;
  bool sent = false;
  bool answered = false;
  options.sent = &sent;
  options.answered = &answered;
  options.deadline = invocation.deadline;
  options.cancelled = invocation.cancelled;
  options.on_progress = invocation.on_progress;
  const bool uses_test_server = invocation.capability == "test_backend";
  if (uses_test_server) recycler_.Begin();
  // Through the routes in one step: an instance may leave the configuration between two.
  auto answer =
      invocation.instance.empty()
          ? host_.Call(TargetOf(invocation), invocation.method, invocation.request_json, options)
          : host_.Call(invocation.instance, invocation.capability, invocation.method,
                       invocation.request_json, options);
  if (uses_test_server) recycler_.End(answer.ok() ? *answer : std::string());
  if (invocation.reach != nullptr) {
    *invocation.reach = answered ? graph::Reach::kAnswered
                        : sent   ? graph::Reach::kSent
                                 : graph::Reach::kNotSent;
  }
  return answer;
}

Result<std::string> GraphBackend::Resolve(const graph::Invocation& invocation) {
  return host_.Resolve(TargetOf(invocation));
}

std::string GraphBackend::PluginOf(const std::string& instance) {
  for (const host::InstanceState& state : host_.States()) {
    if (state.id == instance) return state.plugin;
  }
  return "";
}

bool GraphBackend::StartsJobs(const std::string& instance) {
  for (const host::InstanceState& state : host_.States()) {
    if (state.id != instance || state.methods.empty()) continue;
    // Who cannot end a job starts none: all of its jobs are processes of the host.
    return std::find(state.methods.begin(), state.methods.end(), "run_backend.Cancel") !=
           state.methods.end();
  }
  return true;
}

Result<std::string> GraphBackend::MountFor(const store::Run& run, const std::string& mode,
                                           WallMillis expires_at, const std::string& job) {
  DCP_ASSIGN(const store::Playground playground, store_.GetPlayground(run.playground));
  if (playground.generation != run.generation) {
    return FailedPrecondition("playground " + run.playground +
                              " was deleted and made anew since this run began");
  }
  catalog::Claims claims;
  claims.user = run.principal;
  claims.playground = run.playground;
  claims.generation = run.generation;
  claims.mode = mode;
  claims.expires_at = std::min(expires_at, playground.expires_at);
  if (mode == "rw") {
    claims.run_id = run.id;
    claims.job = job;
  }
  const Secret token = tokens_.Issue(claims);
  // Sessions are shared per {principal, playground generation, mode}; the separator stands in no
  // user name, so two different triples never make one key.
  const std::string session_key =
      run.principal + '\n' + run.playground + '\n' + std::to_string(run.generation) + '\n' + mode;
  return nlohmann::json{{"name", catalog_name_},
                        {"uri", catalog_.EndpointFor(run.playground)},
                        {"token", token.Reveal()},
                        {"mode", mode},
                        {"expiresAtMs", std::to_string(claims.expires_at)},
                        {"sessionKey", session_key}}
      .dump();
}

}  // namespace dcp::daemon
