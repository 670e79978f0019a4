// SPDX-License-Identifier: Apache-2.0
#include "os/log_rotation.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "os/descriptor.h"

namespace dcp::os {
namespace {

constexpr size_t kCopyChunk = size_t{256} << 10;

/// Copies from the offset of `from` to its end, also what is appended meanwhile, up to `bytes_max`.
Status CopyRest(int from, int to, int64_t bytes_max, const std::string& path) {
  std::string chunk(kCopyChunk, '\0');
  while (bytes_max > 0) {
    const ssize_t got = Retry([&] { return ::read(from, chunk.data(), chunk.size()); });
    if (got < 0) return FromErrno(errno, "cannot read log " + path);
    if (got == 0) return {};
    bytes_max -= got;
    for (ssize_t done = 0; done < got;) {
      const ssize_t put =
          Retry([&] { return ::write(to, chunk.data() + done, static_cast<size_t>(got - done)); });
      if (put < 0) return FromErrno(errno, "cannot write log " + path + ".1");
      done += put;
    }
  }
  return {};
}

}  // namespace

Result<bool> RotateLog(const std::string& path, int64_t bytes_max) {
  const Fd log(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!log.valid()) return FromErrno(errno, "cannot open log " + path);
  struct stat facts {};
  if (::fstat(log.get(), &facts) != 0) return FromErrno(errno, "cannot look at log " + path);
  if (!S_ISREG(facts.st_mode)) return InvalidArgument("log " + path + ": it is no regular file");
  if (facts.st_size <= bytes_max) return false;
  // Twice the bound holds all that came since the last look, unless it came in a flood.
  const int64_t kept = std::min<int64_t>(facts.st_size, 2 * bytes_max);
  if (::lseek(log.get(), facts.st_size - kept, SEEK_SET) < 0) {
    return FromErrno(errno, "cannot read log " + path);
  }
  const std::string next = path + ".1.new";
  if (::unlink(next.c_str()) != 0 && errno != ENOENT) {
    return FromErrno(errno, "cannot replace " + next);
  }
  const Fd copy(::open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                       facts.st_mode & 0777U));
  if (!copy.valid()) return FromErrno(errno, "cannot write log " + next);
  DCP_TRY(CopyRest(log.get(), copy.get(), 2 * kept, path));
  if (::rename(next.c_str(), (path + ".1").c_str()) != 0) {
    return FromErrno(errno, "cannot write log " + path + ".1");
  }
  if (::ftruncate(log.get(), 0) != 0) return FromErrno(errno, "cannot empty log " + path);
  return true;
}

std::string OwnLogFile() {
  struct stat facts {};
  if (::fstat(STDERR_FILENO, &facts) != 0 || !S_ISREG(facts.st_mode)) return "";
  const int flags = ::fcntl(STDERR_FILENO, F_GETFL);
  if (flags < 0 || (flags & O_APPEND) == 0) return "";
  std::array<char, 4096> path{};
  const ssize_t size = ::readlink("/proc/self/fd/2", path.data(), path.size() - 1);
  if (size <= 0) return "";
  std::string text(path.data(), static_cast<size_t>(size));
  struct stat named {};
  // Somebody may have moved or removed it since: then it is not ours to look after.
  const bool same = ::lstat(text.c_str(), &named) == 0 && named.st_ino == facts.st_ino &&
                    named.st_dev == facts.st_dev;
  return same ? text : "";
}

}  // namespace dcp::os
