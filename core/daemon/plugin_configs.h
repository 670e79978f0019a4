// SPDX-License-Identifier: Apache-2.0
//
// Holds the configurations of plugin instances against the schemas that their plugins publish.
// Here, because the configuration's reader knows the places and the plugin host the manifests, and
// neither knows the other.
#pragma once

#include "base/status.h"
#include "daemon/settings.h"

namespace dcp::daemon {

/// Mistakes that one answer names; a file with more is of another plugin.
constexpr size_t kConfigMistakesMax = 20;

/// INVALID_ARGUMENT with everything that is wrong, in the order of the file, at the place of the
/// first. The schema is that of the file which the instance would run, installed or of a directory.
/// An instance whose plugin is not found or publishes no schema is let pass.
Status CheckPluginConfigs(const Settings& settings);

}  // namespace dcp::daemon
