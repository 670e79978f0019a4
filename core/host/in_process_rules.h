// SPDX-License-Identifier: Apache-2.0
//
// Which plugins may run in the daemon's own process: those that can only bring what the daemon has
// anyway, and whose symbols nobody can mistake for others'. This guards against accidents of the
// linker; code that runs in the daemon is trusted all the same.
#pragma once

#include <string>

#include "base/result.h"

namespace dcp::host {

/// OK, or FAILED_PRECONDITION with the precise reason and the way out. `shown` is the path that
/// messages name. [any] blocks
Status CheckInProcess(const std::string& path, const std::string& shown);

}  // namespace dcp::host
