// SPDX-License-Identifier: Apache-2.0
//
// The plugins' files that are loaded into the daemon's own process, by content. They lie in the
// store (plugin_store.h), so another content is another path and another library; one that was
// loaded stays.
#pragma once

#include <dcp/plugin.h>

#include <cstddef>
#include <string>

#include "base/result.h"

namespace dcp::host {

/// Contents loaded in the life of one process: none is ever unloaded, so each costs its memory for
/// good. A few plugins, each replaced now and then; beyond it a restart is due.
constexpr size_t kInProcessVersionsMax = 32;

/// Checks and loads the file of a store, once for each content. `source` is its name for people.
/// FAILED_PRECONDITION beyond the limit. [any] blocks
Result<const dcp_plugin_api*> LoadInProcess(const std::string& path, const std::string& source,
                                            const std::string& sha256);

}  // namespace dcp::host
