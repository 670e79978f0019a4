// SPDX-License-Identifier: Apache-2.0
//
// The endpoint, and how counters look to Prometheus. Nothing is counted here: each scrape asks the
// host, so the numbers are those of `pretzel plugin top`. docs/reference/metrics.md lists them all.
#include "daemon/metrics_endpoint.h"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dcp::daemon {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Label = ClientMetric::Label;
using Instances = std::vector<host::InstanceMetrics>;

constexpr int kPortMax = 65'535;
/// A scrape at a time, and a second that is refused or waits.
constexpr char kThreads[] = "2";
/// Of a client that sends nothing; Prometheus sends at once.
constexpr char kRequestTimeoutMs[] = "10000";

/// What an address begins with. Debian's civetweb knows no IPv6, and takes no names.
constexpr std::string_view kLoopback = "127.0.0.1:";

/// Both are the operator's and the plugin's own names: as many as are configured, and no user's
/// text.
std::vector<Label> LabelsOf(const host::InstanceMetrics& metrics) {
  return {{"plugin_instance", metrics.id}, {"plugin", metrics.plugin}};
}

/// One value for each instance that has one.
MetricFamily Family(
    const std::string& name, const std::string& help, MetricType type, const Instances& all,
    const std::function<std::optional<double>(const host::InstanceMetrics&)>& value) {
  MetricFamily family{name, help, type, {}};
  for (const host::InstanceMetrics& metrics : all) {
    const std::optional<double> number = value(metrics);
    if (!number) continue;
    ClientMetric& metric = family.metric.emplace_back();
    metric.label = LabelsOf(metrics);
    (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = *number;
  }
  return family;
}

/// Also codes that have not come up: a rate over a series that appears with its first error does
/// not see that error.
MetricFamily CallsTotal(const Instances& all) {
  MetricFamily family{"pretzel_plugin_calls_total",
                      "Calls of a plugin instance that have ended, by canonical code.",
                      MetricType::Counter,
                      {}};
  for (const host::InstanceMetrics& metrics : all) {
    for (size_t i = 0; i < host::kCodeCount; ++i) {
      ClientMetric& metric = family.metric.emplace_back();
      metric.label = LabelsOf(metrics);
      metric.label.push_back({"code", std::string(CodeName(static_cast<Code>(i)))});
      metric.counter.value = static_cast<double>(metrics.calls.by_code[i]);
    }
  }
  return family;
}

MetricFamily CallDuration(const Instances& all) {
  MetricFamily family{"pretzel_plugin_call_duration_seconds",
                      "How long calls that have ended took, as their caller saw it.",
                      MetricType::Histogram,
                      {}};
  for (const host::InstanceMetrics& metrics : all) {
    ClientMetric& metric = family.metric.emplace_back();
    metric.label = LabelsOf(metrics);
    uint64_t sum = 0;
    for (size_t i = 0; i < host::kDurationBuckets; ++i) {
      sum += metrics.calls.by_duration[i];
      const bool last = i == host::kDurationBounds.size();
      metric.histogram.bucket.push_back(
          {sum, last ? std::numeric_limits<double>::infinity() : host::kDurationBounds[i]});
    }
    metric.histogram.sample_count = sum;
    metric.histogram.sample_sum = metrics.calls.duration_seconds;
  }
  return family;
}

std::vector<MetricFamily> WorkerFamilies(const Instances& all) {
  const auto of_worker = [](auto member) {
    return [member](const host::InstanceMetrics& m) -> std::optional<double> {
      if (!m.worker) return std::nullopt;
      return static_cast<double>((*m.worker).*member);
    };
  };
  return {
      Family("pretzel_plugin_worker_resident_memory_bytes",
             "Resident memory of the instance's worker process.", MetricType::Gauge, all,
             of_worker(&host::ProcessUsage::resident_bytes)),
      Family("pretzel_plugin_worker_cpu_seconds_total",
             "CPU time of the instance's present worker process, user and system.",
             MetricType::Counter, all, of_worker(&host::ProcessUsage::cpu_seconds)),
      Family("pretzel_plugin_worker_open_fds",
             "Open file descriptors of the instance's worker process, where the kernel tells.",
             MetricType::Gauge, all,
             [](const host::InstanceMetrics& m) -> std::optional<double> {
               if (!m.worker || !m.worker->open_fds) return std::nullopt;
               return static_cast<double>(*m.worker->open_fds);
             }),
  };
}

MetricFamily BuildInfo(const std::string& version) {
  MetricFamily family{
      "pretzel_build_info", "The daemon's version; always 1.", MetricType::Gauge, {}};
  ClientMetric& metric = family.metric.emplace_back();
  metric.label = {{"version", version}};
  metric.gauge.value = 1;
  return family;
}

class Collector : public prometheus::Collectable {
 public:
  Collector(const host::Host& host, std::string version)
      : host_(host), version_(std::move(version)) {}

  std::vector<MetricFamily> Collect() const override {
    const Instances all = host_.Metrics();
    std::vector<MetricFamily> families;
    families.push_back(BuildInfo(version_));
    families.push_back(Family("pretzel_plugin_up", "1 while the instance is READY, else 0.",
                              MetricType::Gauge, all,
                              [](const auto& m) { return m.state == "READY" ? 1.0 : 0.0; }));
    families.push_back(CallsTotal(all));
    families.push_back(CallDuration(all));
    families.push_back(Family("pretzel_plugin_calls_open",
                              "Calls of the instance that have not ended.", MetricType::Gauge, all,
                              [](const auto& m) { return double(m.calls.open); }));
    families.push_back(
        Family("pretzel_plugin_calls_queued", "Open calls that wait for the instance to be ready.",
               MetricType::Gauge, all, [](const auto& m) { return double(m.calls.queued); }));
    families.push_back(Family("pretzel_plugin_restarts_total",
                              "Starts of the instance beyond its first.", MetricType::Counter, all,
                              [](const auto& m) { return double(m.calls.restarts); }));
    for (MetricFamily& family : WorkerFamilies(all)) families.push_back(std::move(family));
    // A family without a sample is noise: of instances that run in this process there is no worker.
    std::erase_if(families, [](const MetricFamily& family) { return family.metric.empty(); });
    return families;
  }

 private:
  const host::Host& host_;
  const std::string version_;
};

class Endpoint final : public MetricsEndpoint {
 public:
  Endpoint(const std::string& address, Secret password, const std::string& version,
           const host::Host& host)
      : collector_(std::make_shared<Collector>(host, version)),
        exposer_(std::vector<std::string>{"listening_ports", address, "num_threads", kThreads,
                                          "request_timeout_ms", kRequestTimeoutMs}) {
    // Before there is anything to see.
    exposer_.RegisterAuth(
        [password = std::move(password)](const std::string& user, const std::string& given) {
          return user == kMetricsUser && password.Equals(given);
        },
        "pretzel metrics", kMetricsPath);
    exposer_.RegisterCollectable(collector_, kMetricsPath);
  }

  int port() const override {
    const std::vector<int> ports = exposer_.GetListeningPorts();
    return ports.empty() ? 0 : ports.front();
  }
  std::string address() const override {
    return "http://" + std::string(kLoopback) + std::to_string(port()) + kMetricsPath;
  }

 private:
  const std::shared_ptr<Collector> collector_;
  prometheus::Exposer exposer_;
};

}  // namespace

Status CheckMetricsAddress(const std::string& address) {
  if (address.empty()) return {};
  if (!address.starts_with(kLoopback)) {
    return InvalidArgument("metrics are not served on \"" + address +
                           "\": they go without TLS, so only loopback is served")
        .WithHint("write 127.0.0.1:PORT, and put a TLS proxy or an SSH tunnel in front");
  }
  const std::string port = address.substr(kLoopback.size());
  const bool digits =
      !port.empty() && port.size() <= 5 &&
      std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (digits && std::stoi(port) <= kPortMax) return {};
  return InvalidArgument("\"" + address + "\" does not end in a port (0 to 65535)");
}

Result<std::unique_ptr<MetricsEndpoint>> MetricsEndpoint::Start(const std::string& address,
                                                                Secret password,
                                                                const std::string& version,
                                                                const host::Host& host) {
  DCP_TRY(CheckMetricsAddress(address));
  if (address.empty()) return InvalidArgument("metrics are to be served on no address");
  if (password.empty()) return InvalidArgument("metrics are to be served without a password");
  try {
    return std::unique_ptr<MetricsEndpoint>(
        std::make_unique<Endpoint>(address, std::move(password), version, host));
  } catch (const std::exception&) {  // its text names neither the address nor the reason
    return Unavailable("cannot serve metrics on " + address + ": is the port in use?")
        .WithHint("choose another metrics.listen, or 0 as the port for any free one");
  }
}

}  // namespace dcp::daemon
