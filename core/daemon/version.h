// SPDX-License-Identifier: Apache-2.0
//
// The version, from the top CMakeLists.txt.
#pragma once

namespace dcp::daemon {
inline constexpr char kVersion[] = DCP_VERSION;
}  // namespace dcp::daemon
