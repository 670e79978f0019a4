// SPDX-License-Identifier: Apache-2.0
//
// The part of the configuration that is about plugins.
#pragma once

#include <string>

#include "config/reader.h"
#include "daemon/settings.h"

namespace dcp::daemon {

/// Reads `plugins:`. Mistakes are reported to the section. A secret in an instance's configuration
/// stays a reference; who resolves it is for the caller to set (Settings::host.secrets).
void ReadPlugins(const config::Section& section, const References& references, Settings& settings);

/// Of a reference that is resolved when an instance is started, and not when the file is read.
bool IsLateReference(const std::string& reference);

}  // namespace dcp::daemon
