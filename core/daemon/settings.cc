// SPDX-License-Identifier: Apache-2.0
#include "daemon/settings.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/id.h"
#include "config/reader.h"
#include "daemon/granted_paths.h"
#include "daemon/listening.h"
#include "daemon/metrics_endpoint.h"
#include "daemon/plugin_settings.h"
#include "graph/limits.h"

namespace dcp::daemon {
namespace {

using config::Reader;
using config::Section;
using namespace std::chrono_literals;  // NOLINT: only way to get these suffixes

constexpr int kThreadsMax = 256;  // beyond that, threads wait for each other more than they work
constexpr int kPortMax = 65'535;
Result<std::string> Environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());  // NOLINT: read before any thread exists
  if (value == nullptr) {
    return NotFound("environment variable " + name + " is not set")
        .WithHint("set it, or write the value itself");
  }
  return std::string(value);
}

template <typename Map>
std::vector<std::string> KeysOf(const Map& map) {
  std::vector<std::string> keys;
  for (const auto& entry : map) keys.push_back(entry.first);
  return keys;
}

template <typename Map>
Status NoSuch(const std::string& kind, const std::string& name, const Map& known) {
  const std::string near = Nearest(name, KeysOf(known));
  Status status = NotFound("no " + kind + " \"" + name + "\" is declared");
  if (near.empty()) return std::move(status).WithHint("add it to the list `" + kind + "s:`");
  return std::move(status).WithHint("did you mean \"" + near + "\"?");
}

/// `${...}` of the skeleton: what exists before anything was made. Everything else reads as "".
Result<std::string> ResolveEarly(const std::string& reference, const std::string& bin_dir) {
  if (reference.rfind("env.", 0) == 0) return Environment(reference.substr(4));
  if (reference == "bin_dir") return bin_dir;
  return std::string();
}

Result<std::string> Resolve(const std::string& reference, const References& known) {
  if (reference == "state_dir") return known.state_dir;
  if (reference == "bin_dir") return known.bin_dir;
  const size_t dot = reference.find('.');
  const std::string kind = reference.substr(0, dot);
  const std::string name = dot == std::string::npos ? "" : reference.substr(dot + 1);
  if (kind == "env") return Environment(name);
  if (kind == "port") {
    const auto found = known.ports.find(name);
    if (found == known.ports.end()) return NoSuch("port", name, known.ports);
    return std::to_string(found->second);
  }
  if (kind == "secret") {
    const auto found = known.secrets.find(name);
    if (found == known.secrets.end()) return NoSuch("secret", name, known.secrets);
    return found->second.Reveal();
  }
  if (kind == "secret_file") {
    const auto found = known.secret_files.find(name);
    if (found == known.secret_files.end()) return NoSuch("secret", name, known.secret_files);
    return found->second;
  }
  return NotFound("\"${" + reference + "}\" is no reference")
      .WithHint(
          "there are ${env.NAME}, ${state_dir}, ${bin_dir}, ${port.NAME}, ${secret.NAME} and "
          "${secret_file.NAME}");
}

log::Options ReadLog(const Section& section) {
  log::Options options;
  const std::string level =
      section.Choice("level", {"trace", "debug", "info", "warning", "error"}, "info");
  options.level = level == "trace"     ? log::Level::kTrace
                  : level == "debug"   ? log::Level::kDebug
                  : level == "warning" ? log::Level::kWarning
                  : level == "error"   ? log::Level::kError
                                       : log::Level::kInfo;
  options.json = section.Choice("format", {"text", "json"}, "text") == "json";
  return options;
}

catalog::Upstream ReadUpstream(const Section& section) {
  catalog::Upstream upstream;
  upstream.uri = section.Text("uri");
  upstream.secret = Secret(section.Text("secret"));
  const catalog::CallLimits usual;
  catalog::CallLimits& limits = upstream.limits;
  limits.calls = static_cast<int>(section.Int("calls", {1, kThreadsMax}, usual.calls));
  // Of fewer calls than usual one principal still leaves half to the others.
  limits.per_principal =
      static_cast<int>(section.Int("calls_per_principal", {1, kThreadsMax},
                                   std::max(1, std::min(usual.per_principal, limits.calls / 2))));
  limits.per_playground =
      static_cast<int>(section.Int("calls_per_playground", {1, kThreadsMax},
                                   std::min(usual.per_playground, limits.per_principal)));
  return upstream;
}

void ReadCatalog(const Section& section, Settings& settings) {
  catalog::Settings& catalog = settings.catalog;
  catalog.name = section.Text("name", "prod");
  catalog.port = static_cast<int>(section.Int("port", {0, kPortMax}, 0));
  catalog.upstream_timeout_ms = section.Duration("upstream_timeout", {100ms, 10min}, 30s).count();
  const Section production = section.Sub("production");
  catalog.production = ReadUpstream(production);
  settings.production_warehouse = production.Text("warehouse", "");
  const Section overlay = section.Sub("overlay");
  catalog.overlay = ReadUpstream(overlay);
  catalog.overlay_warehouse = overlay.Text("warehouse");
}

/// Asked at each start of an instance.
schema::SecretSource LateSecrets(const References& references) {
  return [known = references](const std::string& reference) -> Result<Secret> {
    if (!IsLateReference(reference)) return NotFound("it is no reference to a secret");
    DCP_ASSIGN(std::string text, Resolve(reference, known));
    return Secret(std::move(text));
  };
}

int ReadPort(const Section& section, const std::string& key, const std::string& text) {
  const int port = std::atoi(text.c_str());
  if (port > 0 && port <= kPortMax && std::to_string(port) == text) return port;
  section.Fail(key, "\"" + text + "\" is no port", "write a number from 1 to 65535");
  return 0;
}

/// Of a service, or of jobs: `sandbox`.
os::Confinement ReadConfinement(const Section& section, std::vector<int> listens) {
  os::Confinement confinement;
  confinement.read = section.Texts("read");
  confinement.write = section.Texts("write");
  for (const char* key : {"read", "write"}) {
    for (const std::string& path : section.Texts(key)) {
      if (path.empty() || path.front() != '/') {
        section.Fail(key, "\"" + path + "\" is no absolute path");
      }
    }
  }
  if (section.Has("connect")) {
    confinement.connect.emplace();
    for (const std::string& text : section.Texts("connect")) {
      confinement.connect->push_back(ReadPort(section, "connect", text));
    }
    if (confinement.connect->size() > os::kConnectPortsMax) {
      section.Fail("connect", std::to_string(confinement.connect->size()) + " ports; at most " +
                                  std::to_string(os::kConnectPortsMax) + " can be listed");
    }
  }
  confinement.listen = ReadListen(section, std::move(listens));
  return confinement;
}

ServiceSettings ReadService(const Section& section) {
  ServiceSettings service;
  service.name = section.Text("name");
  service.command = section.Texts("command");
  if (service.command.empty()) {
    section.Fail("command", "service " + service.name + " has no command",
                 "give the program and its arguments as a list");
  }
  for (auto& variable : section.TextMap("env")) service.env.push_back(std::move(variable));
  service.directories = section.Texts("directories");
  service.working_directory = section.Text("working_directory", "/");
  for (const Section& file : section.Subs("files")) {
    service.files.push_back(
        {file.Text("path"), file.Text("include", ""), Secret(file.Text("content"))});
  }
  const std::string ready = section.Text("ready");
  const size_t colon = ready.rfind(':');
  service.ready_host = ready.substr(0, colon);
  service.ready_port = colon == std::string::npos ? 0 : std::atoi(ready.c_str() + colon + 1);
  if (service.ready_port <= 0 || service.ready_port > kPortMax) {
    section.Fail("ready", "\"" + ready + "\" is no address",
                 "write HOST:PORT, as in 127.0.0.1:8181");
  }
  service.check = section.Choice("check", {"tcp", "http", "http2"}, "tcp");
  if (service.check == "http") service.check_path = section.Text("check_path", "/");
  if (section.Has("sandbox")) service.sandbox = ReadConfinement(section.Sub("sandbox"), {});
  return service;
}

void ReadApi(const Section& section, Settings& settings) {
  settings.api.socket_path = section.Text("socket", settings.state_dir + "/run/dcpd.sock");
  settings.api.listen = section.Text("listen", "");
  settings.api.max_concurrent = static_cast<int>(
      section.Int("max_concurrent", {1, kThreadsMax}, api::kConcurrentCallsDefault));
  settings.api.calls_per_principal = static_cast<int>(
      section.Int("calls_per_principal", {1, kThreadsMax}, (settings.api.max_concurrent + 1) / 2));
  settings.api.streams_per_principal = static_cast<int>(section.Int(
      "streams_per_principal", {1, api::kStreamsMax}, api::kStreamsPerPrincipalDefault));
}

void ReadRuns(const Section& runs, Settings& settings) {
  settings.runner_threads = static_cast<int>(runs.Int("threads", {1, kThreadsMax}, 16));
  settings.jobs = static_cast<int>(runs.Int("jobs", {1, kThreadsMax}, 4));
  settings.test_jobs = static_cast<int>(runs.Int("test_jobs", {1, kThreadsMax}, 2));
  settings.runs_per_principal = static_cast<int>(
      runs.Int("per_principal", {1, graph::kActiveRunsMax}, graph::kRunsPerPrincipalDefault));
  settings.job_timeout_ms = runs.Duration("job_timeout", {1s, 24h * 30}, 6h).count();
  const Section retention = runs.Sub("retention");
  settings.retention.age_ms = retention.Duration("age", {1min, 24h * 3660}, 24h * 30).count();
  settings.retention.asked_age_ms = std::min<int64_t>(settings.retention.age_ms, kAskedAgeMs);
  settings.retention.runs_per_principal =
      retention.Int("runs_per_principal", {1, 100'000'000}, 10'000);
  settings.retention.bytes_per_principal =
      retention.Bytes("bytes_per_principal", {1 << 20, int64_t{1} << 50}, int64_t{1} << 30);
  const Section job_sandbox = runs.Sub("sandbox");
  os::Confinement jobs_keep = ReadConfinement(job_sandbox, kJobsListen);
  // A job's Python and its JVM talk over ports that they choose, and nobody outside talks to them.
  jobs_keep.own_network = jobs_keep.connect.has_value();
  settings.job_sandbox.reset();
  if (job_sandbox.Bool("enabled", true)) settings.job_sandbox = jobs_keep;
}

Settings ReadRoot(const Section& root, const References& references) {
  Settings settings;
  (void)root.Text("state_dir");
  settings.log = ReadLog(root.Sub("log"));
  (void)root.Texts("secrets");
  (void)root.Texts("ports");
  settings.state_dir = references.state_dir;
  ReadApi(root.Sub("api"), settings);
  const Section metrics = root.Sub("metrics");
  settings.metrics_listen = metrics.Text("listen", "");
  if (const Status usable = CheckMetricsAddress(settings.metrics_listen); !usable.ok()) {
    metrics.Fail("listen", usable.message(), usable.hint());
  }
  ReadCatalog(root.Sub("catalog"), settings);
  const Section playground = root.Sub("playground");
  settings.playground.max_ttl_ms =
      playground.Duration("max_ttl", {1s, 24h * 366}, 24h * 14).count();
  settings.playground.default_ttl_ms =
      playground.Duration("default_ttl", {1s, 24h * 366}, 72h).count();
  settings.playground.min_ttl_ms = playground.Duration("min_ttl", {100ms, 24h}, 1min).count();
  settings.playground.per_owner_max =
      static_cast<int>(playground.Int("per_owner_max", {1, 100'000}, 100));
  settings.playground.tombstone_ms =
      playground.Duration("tombstone_period", {0ms, 24h * 30}, 24h).count();
  settings.expiry_poll_ms = playground.Duration("expiry_poll", {50ms, 1h}, 5s).count();
  const Section janitor = root.Sub("janitor");
  settings.sweep_every_ms = janitor.Duration("sweep_every", {1s, 24h * 7}, 15min).count();
  settings.sweep_grace_ms = janitor.Duration("grace", {1s, 24h * 30}, 1h).count();
  ReadRuns(root.Sub("runs"), settings);
  ReadPlugins(root.Sub("plugins"), references, settings);
  settings.host.secrets = LateSecrets(references);
  for (const Section& service : root.Subs("services")) {
    settings.services.push_back(ReadService(service));
  }
  CheckListening(root, settings);
  ResolveGrantedPaths(root, settings);
  const Section recycle = root.Sub("recycle");
  if (recycle.Present()) {
    settings.recycle_service = recycle.Text("service");
    settings.recycle_sessions = recycle.Int("after_sessions", {1, 1'000'000}, 500);
    const bool known = std::any_of(
        settings.services.begin(), settings.services.end(),
        [&](const ServiceSettings& each) { return each.name == settings.recycle_service; });
    if (!known) {
      recycle.Fail("service", "there is no service \"" + settings.recycle_service + "\"",
                   "name one of the list `services:`");
    }
  }
  settings.drain_timeout_ms = root.Duration("drain_timeout", {0ms, 1h}, 10s).count();
  settings.services_ready_ms = root.Duration("services_ready", {1s, 1h}, 3min).count();
  return settings;
}

/// After Finish(): it marks every key as known.
std::map<std::string, Secret> ReadValues(const Section& root) {
  std::map<std::string, Secret> values;
  for (const std::string& key : root.Keys()) {
    if (key == "plugins") continue;  // it changes at once, and is not to hold secrets
    const auto json = nlohmann::json::parse(root.Json(key), nullptr, false);
    if (!json.is_object()) {
      values[key] = Secret(json.dump());
      continue;
    }
    for (const auto& [name, value] : json.items()) values[key + "." + name] = Secret(value.dump());
  }
  return values;
}

}  // namespace

std::vector<std::string> ChangedKeys(const std::map<std::string, Secret>& before,
                                     const std::map<std::string, Secret>& after) {
  std::set<std::string> changed;
  const auto compare = [&](const auto& here, const auto& there) {
    for (const auto& [key, value] : here) {
      const auto found = there.find(key);
      if (found == there.end() || !found->second.Equals(value.Reveal())) changed.insert(key);
    }
  };
  compare(before, after);
  compare(after, before);
  return {changed.begin(), changed.end()};
}

Result<Skeleton> ReadSkeleton(const std::string& file, const std::string& text,
                              const std::string& bin_dir) {
  DCP_ASSIGN(Reader reader, Reader::Parse(text, file, [&](const std::string& reference) {
               return ResolveEarly(reference, bin_dir);
             }));
  const Section root = reader.root();
  Skeleton skeleton;
  skeleton.state_dir = root.Text("state_dir");
  if (root.Has("state_dir") && (skeleton.state_dir.empty() || skeleton.state_dir.front() != '/')) {
    root.Fail("state_dir", "\"" + skeleton.state_dir + "\" is not an absolute path");
  }
  skeleton.secrets = root.Texts("secrets");
  skeleton.ports = root.Texts("ports");
  skeleton.log = ReadLog(root.Sub("log"));
  // Keys that the second step reads are asked for here too: they are not unknown.
  for (const std::string& key : root.Keys()) (void)root.Has(key);
  DCP_TRY(reader.Finish());
  return skeleton;
}

Result<Settings> ReadSettings(const std::string& file, const std::string& text,
                              const References& references) {
  DCP_ASSIGN(Reader reader, Reader::Parse(text, file, [&](const std::string& reference) {
               return Resolve(reference, references);
             }));
  Settings settings = ReadRoot(reader.root(), references);
  DCP_TRY(reader.Finish());
  settings.values = ReadValues(reader.root());
  return settings;
}

}  // namespace dcp::daemon
