// SPDX-License-Identifier: Apache-2.0
//
// The logs of services and, if its standard error is a file, of the daemon itself: rotated while
// they are written.
#pragma once

#include <string>

namespace dcp::daemon {

/// Rotates what is too large (os/log_rotation.h). What cannot be rotated now is tried again at the
/// next call. [any]
void RotateLogs(const std::string& service_log_folder);

}  // namespace dcp::daemon
