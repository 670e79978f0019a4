// SPDX-License-Identifier: Apache-2.0
//
// Secrets the daemon makes for itself: one 0600 file each under <state>/secrets, made at the first
// start and kept.
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace dcp::daemon {

/// Reads `<directory>/<name>`, making it with 32 random bytes (as hex) if it is not there. A file
/// that others may read is refused: its secret is not one any more.
Result<Secret> LoadOrCreateSecret(const std::string& directory, const std::string& name);

}  // namespace dcp::daemon
