// SPDX-License-Identifier: Apache-2.0
//
// The command line of dcp-plugin-worker: the number of its socket, and perhaps a word.
#pragma once

namespace dcp::host {

/// Makes the worker wait for a debugger before it reads anything from its socket.
inline constexpr char kWaitForDebugger[] = "--wait-for-debugger";

}  // namespace dcp::host
