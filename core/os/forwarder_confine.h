// SPDX-License-Identifier: Apache-2.0
//
// What a forwarder gives up before it takes its first connection.
#pragma once

#include <vector>

#include "base/result.h"

namespace dcp::os {

/// For good: capabilities, every file, every call but those that copy between sockets, and (Linux
/// 6.7) connections by TCP to other ports than these. A layer that the kernel lacks is left out:
/// nobody else's code runs here.
Status ConfineForwarder(const std::vector<int>& ports);

}  // namespace dcp::os
