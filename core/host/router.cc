// SPDX-License-Identifier: Apache-2.0
//
// Routing, and the check of what routes point to.
#include "host/router.h"

#include <algorithm>
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

Status CheckInstance(const InstanceSettings& instance, const std::string& store_directory,
                     std::set<std::string>& seen) {
  if (instance.id.empty()) return InvalidArgument("a plugin instance has no id");
  if (instance.plugin.empty()) {
    return InvalidArgument("plugin instance \"" + instance.id + "\" names no plugin");
  }
  if (!seen.insert(instance.id).second) {
    return InvalidArgument("plugin instance \"" + instance.id + "\" is configured twice");
  }
  const std::string what = "plugin instance \"" + instance.id + "\": ";
  if (instance.isolation == kIsolationWorker) return Status::Ok();
  if (instance.isolation != kIsolationInProcess) {
    return InvalidArgument(what + "isolation \"" + instance.isolation + "\" is not known")
        .WithHint("use \"worker\" or \"in_process\"");
  }
  if (!instance.env.empty()) {
    return InvalidArgument(what + "isolation in_process gives no environment of its own")
        .WithHint("remove `env`, or use isolation: worker");
  }
  if (store_directory.empty()) {
    return InvalidArgument(what + "isolation in_process needs a folder for its file");
  }
  return Status::Ok();
}

Status CheckLeadsSomewhere(const std::string& what, const std::string& id,
                           const std::set<std::string>& ids) {
  if (ids.count(id) > 0) return Status::Ok();
  return DidYouMean(InvalidArgument(what + " leads to the plugin instance \"" + id +
                                    "\", which is not configured; configured: " + Join(ids)),
                    id, {ids.begin(), ids.end()});
}

bool Holds(const RouteRule& rule, const Target& target) {
  const auto holds = [](const std::string& pattern, const std::string& text) {
    return pattern.empty() || Matches(pattern, text);
  };
  return holds(rule.playground, target.playground) && holds(rule.team, target.team) &&
         holds(rule.environment, target.environment);
}

/// The instance of a named route, for a person.
std::string Of(const std::map<std::string, std::string>& named, const std::string& name) {
  const auto found = named.find(name);
  return found == named.end() ? "(none)" : found->second;
}

}  // namespace

bool Matches(std::string_view pattern, std::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;  // the last one, which takes one character more at need
  size_t taken = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

Result<std::string> Router::Resolve(const Target& target) const {
  const std::string& capability = target.capability;
  const std::string& route = target.route;
  const auto found = routes_.find(capability);
  if (found == routes_.end() || (found->second.named.empty() && found->second.rules.empty())) {
    std::vector<std::string> known;
    for (const auto& [name, routes] : routes_) known.push_back(name);
    return DidYouMean(NotFound("no plugin is configured for the capability \"" + capability +
                               "\"; configured: " + Join(known)),
                      capability, known);
  }
  if (route.empty()) {
    for (const RouteRule& rule : found->second.rules) {
      if (Holds(rule, target)) return rule.use;
    }
  }
  const auto& named = found->second.named;
  const auto instance = named.find(route);
  if (instance != named.end()) return instance->second;
  std::vector<std::string> known;
  std::vector<std::string> shown;
  for (const auto& [name, id] : named) {
    if (!name.empty()) known.push_back(name);
    shown.push_back(name.empty() ? "(default)" : name);
  }
  const std::string rules = found->second.rules.empty() ? "" : ", and no rule holds";
  return DidYouMean(
      NotFound("no " + std::string(route.empty() ? "default route" : Shown(route)) + " for " +
               capability + (route.empty() ? rules : "") + "; configured: " + Join(shown)),
      route, known);
}

std::vector<std::string> Differences(const Routes& before, const Routes& after) {
  static const CapabilityRoutes kNone;
  const auto of = [](const Routes& routes, const std::string& name) -> const CapabilityRoutes& {
    const auto found = routes.find(name);
    return found == routes.end() ? kNone : found->second;
  };
  std::set<std::string> capabilities;
  for (const auto& [name, routes] : before) capabilities.insert(name);
  for (const auto& [name, routes] : after) capabilities.insert(name);
  std::vector<std::string> lines;
  for (const std::string& capability : capabilities) {
    const CapabilityRoutes& old = of(before, capability);
    const CapabilityRoutes& now = of(after, capability);
    std::set<std::string> names;
    for (const auto& [name, id] : old.named) names.insert(name);
    for (const auto& [name, id] : now.named) names.insert(name);
    for (const std::string& name : names) {
      const std::string from = Of(old.named, name);
      const std::string to = Of(now.named, name);
      if (from == to) continue;
      lines.push_back(capability + ": " + (name.empty() ? "default" : name) + " " + from + " -> " +
                      to);
    }
    if (old.rules == now.rules) continue;
    lines.push_back(capability + ": rules " + std::to_string(old.rules.size()) + " -> " +
                    std::to_string(now.rules.size()));
  }
  return lines;
}

std::vector<std::string> RoutesTo(const Routes& routes, const std::string& capability,
                                  const std::string& instance) {
  std::vector<std::string> found;
  const auto own = routes.find(capability);
  if (own == routes.end()) return found;
  for (const auto& [name, id] : own->second.named) {
    if (id == instance) found.push_back(capability + "/" + (name.empty() ? "default" : name));
  }
  const auto& rules = own->second.rules;
  if (std::any_of(rules.begin(), rules.end(), [&](const auto& r) { return r.use == instance; })) {
    found.push_back(capability + "/rules");
  }
  return found;
}

Status CheckSettings(const Settings& settings) {
  std::set<std::string> ids;
  for (const InstanceSettings& instance : settings.instances) {
    DCP_TRY(CheckInstance(instance, settings.store_directory, ids));
  }
  for (const auto& [capability, routes] : settings.routes) {
    for (const auto& [route, id] : routes.named) {
      DCP_TRY(CheckLeadsSomewhere(Shown(route) + " of " + capability, id, ids));
    }
    if (routes.rules.size() > kRouteRulesMax) {
      return InvalidArgument(capability + " has " + std::to_string(routes.rules.size()) +
                             " route rules, the limit is " + std::to_string(kRouteRulesMax));
    }
    for (size_t i = 0; i < routes.rules.size(); ++i) {
      const RouteRule& rule = routes.rules[i];
      const std::string what = "route rule " + std::to_string(i + 1) + " of " + capability;
      if (rule.playground.empty() && rule.team.empty() && rule.environment.empty()) {
        return InvalidArgument(what + " has no condition, so no later one could ever hold")
            .WithHint("give playground, team or environment; what holds always is the default");
      }
      DCP_TRY(CheckLeadsSomewhere(what, rule.use, ids));
    }
  }
  if (!settings.instances.empty() && settings.worker_program.empty()) {
    return InvalidArgument("plugins are configured, and no path of dcp-plugin-worker");
  }
  return Status::Ok();
}

}  // namespace dcp::host
