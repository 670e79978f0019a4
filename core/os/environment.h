// SPDX-License-Identifier: Apache-2.0
//
// A job's environment on its way past programs that must not have it: variables such as LD_PRELOAD
// steer the loader of whatever is started with them. It stands in a descriptor, as NAME=VALUE each
// ended by NUL. Not for other rooms.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "os/descriptor.h"

namespace dcp::os {

/// A file of memory that holds the environment, close-on-exec.
Result<Fd> HoldEnvironment(const std::vector<std::pair<std::string, std::string>>& env);

/// Reads such a file from its beginning, and closes the descriptor.
Result<std::vector<std::string>> ReadEnvironment(int fd);

}  // namespace dcp::os
