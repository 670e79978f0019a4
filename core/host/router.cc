// SPDX-License-Identifier: Apache-2.0
//
// Routing, and the check of what routes point to.
#include "host/router.h"

#include <set>
#include <vector>

#include "base/id.h"

namespace dcp::host {
namespace {

std::string Shown(const std::string& route) {
  return route.empty() ? "the default route" : "route \"" + route + "\"";
}

template <typename Names>
std::string Join(const Names& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out.empty() ? "none" : out;
}

Status DidYouMean(Status status, const std::string& word, const std::vector<std::string>& known) {
  const std::string near = Nearest(word, known);
  if (near.empty()) return status;
  return std::move(status).WithHint("did you mean \"" + near + "\"?");
}

Status CheckInstance(const InstanceSettings& instance, std::set<std::string>& seen) {
  if (instance.id.empty()) return InvalidArgument("a plugin instance has no id");
  if (instance.plugin.empty()) {
    return InvalidArgument("plugin instance \"" + instance.id + "\" names no plugin");
  }
  if (!seen.insert(instance.id).second) {
    return InvalidArgument("plugin instance \"" + instance.id + "\" is configured twice");
  }
  if (instance.isolation == "worker") return Status::Ok();
  const std::string what =
      "plugin instance \"" + instance.id + "\": isolation \"" + instance.isolation + "\" is ";
  if (instance.isolation == "in_process") {
    return InvalidArgument(what + "not supported yet").WithHint("use \"worker\"");
  }
  return InvalidArgument(what + "not known").WithHint("use \"worker\"");
}

}  // namespace

Result<std::string> Router::Resolve(const std::string& capability, const std::string& route) const {
  const auto found = routes_.find(capability);
  if (found == routes_.end() || found->second.empty()) {
    std::vector<std::string> known;
    for (const auto& [name, routes] : routes_) known.push_back(name);
    return DidYouMean(NotFound("no plugin is configured for the capability \"" + capability +
                               "\"; configured: " + Join(known)),
                      capability, known);
  }
  const auto instance = found->second.find(route);
  if (instance != found->second.end()) return instance->second;
  std::vector<std::string> known;
  std::vector<std::string> shown;
  for (const auto& [name, id] : found->second) {
    if (!name.empty()) known.push_back(name);
    shown.push_back(name.empty() ? "(default)" : name);
  }
  return DidYouMean(NotFound("no " + std::string(route.empty() ? "default route" : Shown(route)) +
                             " for " + capability + "; configured: " + Join(shown)),
                    route, known);
}

Status CheckSettings(const Settings& settings) {
  std::set<std::string> ids;
  for (const InstanceSettings& instance : settings.instances) {
    DCP_TRY(CheckInstance(instance, ids));
  }
  for (const auto& [capability, routes] : settings.routes) {
    for (const auto& [route, id] : routes) {
      if (ids.count(id) > 0) continue;
      return DidYouMean(
          InvalidArgument(Shown(route) + " of " + capability + " leads to the plugin instance \"" +
                          id + "\", which is not configured; configured: " + Join(ids)),
          id, {ids.begin(), ids.end()});
    }
  }
  if (!settings.instances.empty() && settings.worker_program.empty()) {
    return InvalidArgument("plugins are configured, and no path of dcp-plugin-worker");
  }
  return Status::Ok();
}

}  // namespace dcp::host
