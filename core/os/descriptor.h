// SPDX-License-Identifier: Apache-2.0
//
// Descriptors and the plain calls on them that the files of this room share. Not for other rooms.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace dcp::os {

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd(const Fd&) = delete;
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

template <typename Call>
auto Retry(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

inline int OpenAt(int folder, const std::string& path, int flags, mode_t mode = 0) {
  return Retry([&] { return ::openat(folder, path.c_str(), flags | O_CLOEXEC, mode); });
}

/// Opens for reading without waiting for the other end of a pipe; only plain files pass. `flags`
/// are added: O_NOFOLLOW. `shown` is the path for messages.
Result<int> OpenPlainFileAt(int folder, const std::string& name, int flags,
                            const std::string& shown, struct stat* info);
/// At most `bytes_max` bytes from `offset` (negative: from the end).
Result<std::string> ReadRange(int fd, const struct stat& info, int64_t offset, size_t bytes_max,
                              const std::string& shown);
/// WriteFileAtomic within an open folder.
Status WriteAtomicAt(int folder, const std::string& name, std::string_view content, int mode,
                     const std::string& shown);
/// Makes what is known of the folder's names survive a power loss.
Status SyncFolder(int fd, const std::string& shown);
/// RemoveTree of one name in an open folder.
Status RemoveAt(int folder, const std::string& name, const std::string& shown, int depth);

}  // namespace dcp::os
