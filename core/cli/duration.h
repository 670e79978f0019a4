// SPDX-License-Identifier: Apache-2.0
//
// Durations as people write and read them.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace dcp::cli {

/// "72h", "15m", "90s", "500ms", "14d", "1h30m": milliseconds, more than 0.
Result<int64_t> ParseDuration(const std::string& text);
/// "2d 23h", "1m 5s", "340 ms"; the two largest units.
std::string FormatDuration(int64_t milliseconds);

}  // namespace dcp::cli
