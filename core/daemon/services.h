// SPDX-License-Identifier: Apache-2.0
//
// The embedded stack's servers, from settings to supervised processes.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "daemon/settings.h"
#include "os/supervisor.h"

namespace dcp::daemon {

/// Renders each service's files, makes its folders and hands it to the supervisor; all start at
/// once. Logs go to <log_directory>/<name>.log.
Status StartServices(const std::vector<ServiceSettings>& services, const std::string& log_directory,
                     const std::string& bin_dir, os::Supervisor& supervisor);

/// The port that `name` had in this installation before if nobody has it now, else a free one.
Result<int> ChoosePort(store::Store& store, const std::string& name);

}  // namespace dcp::daemon
