// SPDX-License-Identifier: Apache-2.0
//
// Logs that stay small while those who write them go on. The writers hold the file open, so it is
// emptied in place once its content stands beside it: that works for descriptors that append, which
// is what the supervisor gives its services and a shell gives with `>>`.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace dcp::os {

/// A log that is larger is rotated: weeks of a service's usual lines, and still read by an editor.
constexpr int64_t kLogBytesMax = int64_t{64} << 20;

/// Once the file is larger than `bytes_max`: what it holds (the end of it, if it is far larger)
/// stands in `path`.1 afterwards, in place of what stood there before, and the file is empty. A
/// line that is written between copying and emptying is lost. True when that was done. Links are
/// not followed. [any]
Result<bool> RotateLog(const std::string& path, int64_t bytes_max);

/// The regular file that this process' standard error appends to; empty when it is none, or is
/// written at an offset, where emptying it would leave a hole.
std::string OwnLogFile();

}  // namespace dcp::os
