// SPDX-License-Identifier: Apache-2.0
//
// What tells one content of a plugin's file from another.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace dcp::host {

/// What changes whenever somebody writes or replaces a file; cheap to look at.
struct FileStamp {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;  ///< moves even where a copy restores the times
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

Result<FileStamp> StampOf(const std::string& path);

/// SHA-256 of the whole file, as hex. [any] blocks
Result<std::string> DigestOf(const std::string& path);

/// Copies `from` to a new file `to` (mode 0500) and answers the digest of exactly the bytes that
/// were written. [any] blocks
Result<std::string> CopyWithDigest(const std::string& from, const std::string& to);

}  // namespace dcp::host
