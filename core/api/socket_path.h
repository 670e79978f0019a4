// SPDX-License-Identifier: Apache-2.0
//
// The Unix socket's place: who may reach the socket is decided by its folder, so the folder is
// checked before anything listens there.
#pragma once

#include <string>

#include "base/status.h"

namespace dcp::api {

/// Makes the folder (0700) when it is missing, refuses one that others may enter, removes a stale
/// socket, and refuses one that a living daemon answers on.
Status PrepareSocketPath(const std::string& path);
/// OK for "127.0.0.1:PORT", "[::1]:PORT" and "localhost:PORT": the API has no TLS of its own.
Status CheckLoopback(const std::string& address);

}  // namespace dcp::api
