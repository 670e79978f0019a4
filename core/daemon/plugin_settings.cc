// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin_settings.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/id.h"
#include "daemon/listening.h"

namespace dcp::daemon {
namespace {

using config::Section;
using namespace std::chrono_literals;  // NOLINT: only way to get these suffixes

// Of a worker: room for a plan of the largest size several times over, and a plugin that leaks ends
// before the machine does.
constexpr int64_t kWorkerMemoryDefault = int64_t{4} << 30;
constexpr int64_t kWorkerMemoryMin = int64_t{64} << 20;
constexpr int64_t kWorkerFilesDefault = 1024;
constexpr int64_t kWorkerFilesMin = 16;  // the worker's own, and a library or two
constexpr int64_t kWorkerFilesMax = int64_t{1} << 20;
constexpr char kRulesKey[] = "rules";  // within a capability's routes: no route's name

/// The instance that a route leads to.
std::string ReadInstance(const Section& section, const std::string& key,
                         const host::Settings& host) {
  const std::string id = section.Text(key);
  if (id.empty()) return id;  // reported
  std::vector<std::string> known;
  for (const host::InstanceSettings& instance : host.instances) known.push_back(instance.id);
  if (std::find(known.begin(), known.end(), id) != known.end()) return id;
  const std::string near = Nearest(id, known);
  section.Fail(key, "there is no plugin instance \"" + id + "\"",
               near.empty() ? "name the `id` of one of the list `plugins.instances:`"
                            : "did you mean \"" + near + "\"?");
  return id;
}

/// Named routes, `default` among them, and `rules`.
host::CapabilityRoutes ReadRoutes(const std::string& capability, const Section& section,
                                  const host::Settings& host) {
  host::CapabilityRoutes routes;
  for (const std::string& name : section.Keys()) {
    if (name == kRulesKey) continue;
    routes.named[name == "default" ? "" : name] = ReadInstance(section, name, host);
  }
  for (const Section& entry : section.Subs(kRulesKey)) {
    host::RouteRule rule;
    rule.playground = entry.Text("playground", "");
    rule.team = entry.Text("team", "");
    rule.environment = entry.Text("environment", "");
    rule.use = ReadInstance(entry, "use", host);
    if (rule.playground.empty() && rule.team.empty() && rule.environment.empty()) {
      entry.Fail("use", "a route rule without a condition always holds",
                 "give playground, team or environment; what holds always is the route `default`");
    }
    routes.rules.push_back(std::move(rule));
  }
  if (routes.rules.size() > host::kRouteRulesMax) {
    section.Fail(kRulesKey, capability + " has " + std::to_string(routes.rules.size()) +
                                " route rules, the limit is " +
                                std::to_string(host::kRouteRulesMax));
  }
  return routes;
}

std::vector<std::string> ReadPaths(const Section& section, const std::string& key) {
  std::vector<std::string> paths = section.Texts(key);
  for (const std::string& path : paths) {
    if (path.empty() || path.front() != '/') {
      section.Fail(key, "\"" + path + "\" is no absolute path");
    }
  }
  return paths;
}

/// What a worker is kept from, and kept to.
void ReadConfinement(const Section& entry, host::InstanceSettings& instance) {
  const Section sandbox = entry.Sub("sandbox");
  instance.sandboxed = sandbox.Bool("enabled", true);
  instance.sandbox.network = sandbox.Bool("network", false);
  instance.sandbox.processes = sandbox.Bool("processes", false);
  instance.sandbox.unix_sockets = sandbox.Bool("unix_sockets", false);
  instance.sandbox.attributes = sandbox.Bool("attributes", false);
  instance.sandbox.read = ReadPaths(sandbox, "read");
  instance.sandbox.write = ReadPaths(sandbox, "write");
  instance.sandbox.listen = ReadListen(sandbox, {});
  if (!instance.sandbox.listen.empty() && !instance.sandbox.network) {
    sandbox.Fail("listen", "a plugin without a network listens on no port", "add `network: true`");
  }
  const Section limits = entry.Sub("limits");
  instance.limits.memory_bytes = limits.Bytes("memory", {kWorkerMemoryMin}, kWorkerMemoryDefault);
  instance.limits.open_files =
      limits.Int("open_files", {kWorkerFilesMin, kWorkerFilesMax}, kWorkerFilesDefault);
  if (instance.isolation != host::kIsolationInProcess) return;
  for (const char* key : {"sandbox", "limits"}) {
    if (!entry.Has(key)) continue;
    entry.Fail(key, "isolation in_process gives no protection of its own",
               std::string("remove `") + key + "`, or use isolation: worker");
  }
}

/// "sha256:" in front is what other tools write.
void ReadAllowed(const Section& section, host::Settings& host) {
  if (!section.Has("allowed")) return;
  host.allowed.emplace();
  for (std::string digest : section.Texts("allowed")) {
    if (digest.rfind("sha256:", 0) == 0) digest.erase(0, 7);
    if (digest.size() != 64 || digest.find_first_not_of("0123456789abcdef") != digest.npos) {
      section.Fail("allowed", "\"" + digest + "\" is no SHA-256",
                   "write its 64 hex digits in lower case, as `sha256sum FILE.so` prints them");
    }
    host.allowed->push_back(std::move(digest));
  }
}

}  // namespace

bool IsLateReference(const std::string& reference) {
  return reference.rfind("secret.", 0) == 0 || reference.rfind("secret_file.", 0) == 0;
}

void ReadPlugins(const Section& section, const References& references, Settings& settings) {
  host::Settings& host = settings.host;
  host.directories = section.Texts("directories");
  ReadAllowed(section, host);
  host.groups = references.groups;
  host.worker_program = section.Text("worker", references.bin_dir + "/dcp-plugin-worker");
  host.store_directory = references.state_dir + "/plugins";
  host.start_timeout_ms = section.Duration("start_timeout", {1s, 10min}, 20s).count();
  host.deaths_max = static_cast<int>(section.Int("deaths_max", {1, 1'000'000}, 6));
  host.deny_after = static_cast<int>(section.Int("deny_after", {0, 1'000'000}, 3));
  host.ping_timeout_ms = section.Duration("ping_timeout", {100ms, 5min}, 5s).count();
  for (const Section& entry : section.Subs("instances")) {
    host::InstanceSettings instance;
    instance.id = entry.Text("id");
    const bool twice =
        std::any_of(host.instances.begin(), host.instances.end(),
                    [&](const host::InstanceSettings& each) { return each.id == instance.id; });
    if (twice) entry.Fail("id", "the plugin instance \"" + instance.id + "\" is there twice");
    instance.plugin = entry.Text("plugin");
    instance.isolation = entry.Choice("isolation", {"worker", "in_process"}, "worker");
    instance.config_json = Secret(entry.Template("config", IsLateReference));
    settings.instance_places.push_back({entry.Path("config"), entry.PlacesOf("config")});
    instance.wait_for_debugger = entry.Choice("debug", {"no", "wait"}, "no") == "wait";
    for (auto& variable : entry.TextMap("env")) instance.env.push_back(std::move(variable));
    ReadConfinement(entry, instance);
    if (const Section jobs = entry.Sub("job_sandbox"); jobs.Present()) {
      settings.instance_jobs[instance.id] = {
          ReadPaths(jobs, "read"), ReadPaths(jobs, "write"), std::nullopt, {}};
    }
    if (instance.isolation == host::kIsolationInProcess && !instance.env.empty()) {
      entry.Fail("env", "isolation in_process gives no environment of its own",
                 "remove `env`, or use isolation: worker");
    }
    if (instance.isolation == host::kIsolationInProcess && instance.wait_for_debugger) {
      entry.Fail("debug", "isolation in_process has no worker that could wait for a debugger",
                 "use isolation: worker, or attach to dcpd itself");
    }
    host.instances.push_back(std::move(instance));
  }
  for (const auto& [capability, routes] : section.Sub("routes").Sections()) {
    host.routes[capability] = ReadRoutes(capability, routes, host);
  }
}

}  // namespace dcp::daemon
