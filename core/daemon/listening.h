// SPDX-License-Identifier: Apache-2.0
//
// Who listens on which TCP port of this machine. A port has one listener: whoever could listen in
// its place would be sent what is meant for it.
#pragma once

#include <string>
#include <vector>

#include "config/reader.h"
#include "daemon/settings.h"

namespace dcp::daemon {

struct OwnedPort {
  int port = 0;
  std::string owner;  ///< "catalog.port", "service NAME": for people
};

inline constexpr char kCatalogPort[] = "catalog.port";

/// Those of the daemon and its services; not those of `sandbox.listen`.
std::vector<OwnedPort> OwnedPorts(const Settings& settings);

/// `listen` of a `sandbox`; `otherwise` without the key.
std::vector<int> ReadListen(const config::Section& sandbox, std::vector<int> otherwise);

/// Reports each `listen` that names another's port. The settings were read from `root`.
void CheckListening(const config::Section& root, const Settings& settings);

}  // namespace dcp::daemon
