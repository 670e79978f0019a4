// SPDX-License-Identifier: Apache-2.0
//
// Which of our own servers a failure is about, and what to do about it.
#pragma once

#include <vector>

#include "base/status.h"
#include "os/supervisor.h"

namespace dcp::daemon {

/// A failure that names the address of a service that is not READY gets the service's name, its
/// reason when it is FAILED, and the command that starts it again. Any other passes unchanged.
Status NameFailedService(Status failure, const std::vector<os::ServiceState>& services);

}  // namespace dcp::daemon
