// SPDX-License-Identifier: Apache-2.0
//
// Loads a plugin's file into this process and checks what it shows. Used by the worker, and by the
// host for plugins that run in its own process.
#pragma once

#include <dcp/plugin.h>

#include <string>

#include "base/result.h"

namespace dcp::host {

/// Loads the file for good (it is never unloaded) and answers its table, after checking that the
/// table is complete, that it can live with this host, and that it describes the plugin with the
/// very bytes of the file's manifest section. Runs the plugin's constructors. blocks
/// Messages name the file `shown`.
Result<const dcp_plugin_api*> LoadPlugin(const std::string& path, const std::string& shown);

}  // namespace dcp::host
