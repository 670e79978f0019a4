// SPDX-License-Identifier: Apache-2.0
#include "daemon/listening.h"

#include <charconv>
#include <utility>

namespace dcp::daemon {
namespace {

using config::Section;

constexpr int kPortMax = 65'535;

/// That of "HOST:PORT"; 0: of none.
int PortOf(const std::string& address) {
  const size_t colon = address.rfind(':');
  int port = 0;
  if (colon != std::string::npos) {
    std::from_chars(address.data() + colon + 1, address.data() + address.size(), port);
  }
  return port;
}

std::string OwnerOf(const ServiceSettings& service) { return "service " + service.name; }

class Claims {
 public:
  explicit Claims(std::vector<OwnedPort> owned) : owned_(std::move(owned)) {}

  /// `listen` of this section. 0 is nobody's.
  void Add(const Section& sandbox, const std::vector<int>& ports, const std::string& owner) {
    for (const int port : ports) {
      if (port == 0) continue;
      for (const OwnedPort& other : owned_) {
        if (other.port != port || other.owner == owner) continue;
        sandbox.Fail("listen",
                     "port " + std::to_string(port) + " of " + owner + " is that of " + other.owner,
                     "a port has one listener: choose another, or let it go");
      }
      owned_.push_back({port, owner});
    }
  }

 private:
  std::vector<OwnedPort> owned_;
};

}  // namespace

std::vector<OwnedPort> OwnedPorts(const Settings& settings) {
  std::vector<OwnedPort> owned;
  const auto add = [&owned](int port, const std::string& owner) {
    if (port > 0) owned.push_back({port, owner});
  };
  add(settings.catalog.port, kCatalogPort);
  add(PortOf(settings.metrics_listen), "metrics.listen");
  add(PortOf(settings.api.listen), "api.listen");
  for (const ServiceSettings& service : settings.services) {
    add(service.ready_port, OwnerOf(service));
  }
  return owned;
}

std::vector<int> ReadListen(const Section& sandbox, std::vector<int> otherwise) {
  if (!sandbox.Has("listen")) return otherwise;
  std::vector<int> ports;
  for (const std::string& text : sandbox.Texts("listen")) {
    int port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port < 0 || port > kPortMax) {
      sandbox.Fail("listen", "\"" + text + "\" is no port",
                   "write a number from 1 to 65535, or 0 for a port that the kernel chooses");
    }
    ports.push_back(port);
  }
  return ports;
}

void CheckListening(const Section& root, const Settings& settings) {
  Claims claims(OwnedPorts(settings));
  const auto services = root.Subs("services");
  for (size_t i = 0; i < services.size() && i < settings.services.size(); ++i) {
    const ServiceSettings& service = settings.services[i];
    if (!service.sandbox) continue;
    claims.Add(services[i].Sub("sandbox"), service.sandbox->listen, OwnerOf(service));
  }
  if (settings.job_sandbox) {
    claims.Add(root.Sub("runs").Sub("sandbox"), settings.job_sandbox->listen, "jobs");
  }
  const auto instances = root.Sub("plugins").Subs("instances");
  for (size_t i = 0; i < instances.size() && i < settings.host.instances.size(); ++i) {
    const host::InstanceSettings& instance = settings.host.instances[i];
    claims.Add(instances[i].Sub("sandbox"), instance.sandbox.listen, "plugin " + instance.id);
  }
}

}  // namespace dcp::daemon
