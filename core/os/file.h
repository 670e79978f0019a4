// SPDX-License-Identifier: Apache-2.0
//
// Files, with errors as Status and safe defaults: private modes, atomic replacement, no following
// of links where that could leave a folder. What others than the daemon can write is read and
// written through os/untrusted_folder.h alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dcp::os {

/// The whole file; RESOURCE_EXHAUSTED when it is larger than `bytes_max`.
Result<std::string> ReadFile(const std::string& path, size_t bytes_max);
/// Replaces the file as a whole and on disk (write, fsync, rename, fsync of the folder).
Status WriteFileAtomic(const std::string& path, std::string_view content, int mode = 0600);
/// Renames a file that somebody has written, so that a power loss leaves all of it there or
/// nothing: what is stored afterwards may rely on it.
Status MoveIntoPlace(const std::string& from, const std::string& to);
/// Makes the folder and its parents, on disk; those it makes get `mode`.
Status MakeDirectories(const std::string& path, int mode = 0700);
/// Names in the folder, sorted, without "." and "..".
Result<std::vector<std::string>> ListDirectory(const std::string& path);
/// What a folder holds: what RemoveTree would take away, folders not counted.
struct TreeSize {
  int64_t files = 0;
  int64_t bytes = 0;
};
/// Links are counted, not followed. Zero when it is not there; what vanishes meanwhile is left out.
Result<TreeSize> MeasureTree(const std::string& path);
/// Whether it is a folder itself, and no link to one.
bool IsFolder(const std::string& path);
/// Removes a folder and what is in it; links are removed, not followed. OK when it is not there.
Status RemoveTree(const std::string& path);
bool Exists(const std::string& path);

/// Holds an exclusive lock on a file until destroyed. UNAVAILABLE when somebody else has it.
class FileLock {
 public:
  static Result<FileLock> Acquire(const std::string& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace dcp::os
