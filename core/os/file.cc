// SPDX-License-Identifier: Apache-2.0
//
// Files through plain system calls: every descriptor is close-on-exec, every interrupted call is
// repeated, and trees are walked by descriptor so that a link swapped in cannot lead outside.
#include "os/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/id.h"
#include "os/descriptor.h"

namespace dcp::os {
namespace {

// Folders inside folders that RemoveTree follows: each level holds a descriptor. Spark's own
// scratch folders are about six deep.
constexpr int kTreeDepthMax = 128;

std::string ParentOf(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status FsyncFolder(const std::string& path) {
  const Fd folder(OpenAt(AT_FDCWD, path, O_RDONLY | O_DIRECTORY));
  if (!folder.valid()) return FromErrno(errno, "cannot open folder " + path);
  return SyncFolder(folder.get(), path);
}

Status WriteAll(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t n = Retry([&] { return ::write(fd, content.data(), content.size()); });
    if (n < 0) return FromErrno(errno, "write");
    content.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

/// Appends up to `bytes` bytes; stops early at the end of the file.
Status ReadUpTo(int fd, size_t bytes, const std::string& path, std::string* out) {
  constexpr size_t kChunk = size_t{64} << 10;
  while (bytes > 0) {
    const size_t old = out->size();
    out->resize(old + std::min(bytes, kChunk));
    const ssize_t n = Retry([&] { return ::read(fd, out->data() + old, out->size() - old); });
    out->resize(old + (n > 0 ? static_cast<size_t>(n) : 0));
    if (n < 0) return FromErrno(errno, "cannot read " + path);
    if (n == 0) return {};
    bytes -= static_cast<size_t>(n);
  }
  return {};
}

/// Calls `visit` for each name in an open folder; stops at the first failure.
template <typename Visit>
Status ForEachIn(int fd, const std::string& shown, Visit visit) {
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return FromErrno(errno, "cannot list " + shown);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(copy), &::closedir);
  if (!listing) {
    const int error = errno;
    ::close(copy);
    return FromErrno(error, "cannot list " + shown);
  }
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(listing.get());
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name != "." && name != "..") DCP_TRY(visit(name));
  }
  if (errno != 0) return FromErrno(errno, "cannot list " + shown);
  return {};
}

Status EmptyFolder(int fd, const std::string& shown, int depth) {
  if (depth > kTreeDepthMax) {
    return ResourceExhausted("cannot remove " + shown + ": more than " +
                             std::to_string(kTreeDepthMax) + " folders inside each other");
  }
  return ForEachIn(fd, shown, [&](const std::string& name) {
    return RemoveAt(fd, name, shown + "/" + name, depth);
  });
}

Status MeasureAt(int folder, const std::string& name, const std::string& shown, int depth,
                 TreeSize* size) {
  struct stat info = {};
  if (::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? Status() : FromErrno(errno, "cannot examine " + shown);
  }
  if (!S_ISDIR(info.st_mode)) {
    ++size->files;
    size->bytes += info.st_size;
    return {};
  }
  if (depth > kTreeDepthMax) {
    return ResourceExhausted("cannot measure " + shown + ": more than " +
                             std::to_string(kTreeDepthMax) + " folders inside each other");
  }
  const Fd inner(OpenAt(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (!inner.valid()) {
    return errno == ENOENT ? Status() : FromErrno(errno, "cannot open folder " + shown);
  }
  return ForEachIn(inner.get(), shown, [&](const std::string& entry) {
    return MeasureAt(inner.get(), entry, shown + "/" + entry, depth + 1, size);
  });
}

}  // namespace

Status SyncFolder(int fd, const std::string& shown) {
  // Some file systems cannot sync a folder, and say EINVAL: nothing is left to do there.
  if (Retry([&] { return ::fsync(fd); }) != 0 && errno != EINVAL) {
    return FromErrno(errno, "cannot sync folder " + shown);
  }
  return {};
}

Result<int> OpenPlainFileAt(int folder, const std::string& name, int flags,
                            const std::string& shown, struct stat* info) {
  Fd fd(OpenAt(folder, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | flags));
  if (!fd.valid()) return FromErrno(errno, "cannot open " + shown);
  if (::fstat(fd.get(), info) != 0) return FromErrno(errno, "cannot examine " + shown);
  if (!S_ISREG(info->st_mode))
    return InvalidArgument("cannot read " + shown + ": not a plain file");
  return fd.Release();
}

Result<std::string> ReadRange(int fd, const struct stat& info, int64_t offset, size_t bytes_max,
                              const std::string& shown) {
  const int64_t start = offset >= 0 ? offset : std::max<int64_t>(0, info.st_size + offset);
  if (::lseek(fd, start, SEEK_SET) < 0) return FromErrno(errno, "cannot seek in " + shown);
  std::string content;
  DCP_TRY(ReadUpTo(fd, bytes_max, shown, &content));
  return content;
}

Status RemoveAt(int folder, const std::string& name, const std::string& shown, int depth) {
  if (::unlinkat(folder, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  // Linux says EISDIR for a folder, POSIX EPERM.
  if (errno != EISDIR && errno != EPERM) return FromErrno(errno, "cannot remove " + shown);
  {
    const Fd inner(OpenAt(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    if (!inner.valid()) {
      if (errno == ENOENT) return {};
      return FromErrno(errno, "cannot remove " + shown);
    }
    DCP_TRY(EmptyFolder(inner.get(), shown, depth + 1));
  }
  if (::unlinkat(folder, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return FromErrno(errno, "cannot remove " + shown);
  }
  return {};
}

Result<std::string> ReadFile(const std::string& path, size_t bytes_max) {
  struct stat info = {};
  DCP_ASSIGN(const int raw, OpenPlainFileAt(AT_FDCWD, path, 0, path, &info));
  const Fd fd(raw);
  std::string content;
  // The size is a hint only (files of /proc have none), so one byte more is asked for.
  if (info.st_size > 0) content.reserve(std::min(static_cast<size_t>(info.st_size), bytes_max) + 1);
  DCP_TRY(ReadUpTo(fd.get(), bytes_max + 1, path, &content));
  if (content.size() > bytes_max) {
    return ResourceExhausted("cannot read " + path + ": larger than " + std::to_string(bytes_max) +
                             " bytes");
  }
  return content;
}

Status WriteAtomicAt(int folder, const std::string& name, std::string_view content, int mode,
                     const std::string& shown) {
  const std::string temporary = name + "." + RandomHex(8) + ".tmp";
  {
    const Fd fd(OpenAt(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    if (!fd.valid()) return FromErrno(errno, "cannot write " + shown);
    Status status = WriteAll(fd.get(), content);
    // Explicit, so that neither the umask nor the mode of a file replaced has a say.
    if (status.ok() && ::fchmod(fd.get(), static_cast<mode_t>(mode)) != 0) {
      status = FromErrno(errno, "chmod");
    }
    if (status.ok() && Retry([&] { return ::fsync(fd.get()); }) != 0) {
      status = FromErrno(errno, "fsync");
    }
    if (!status.ok()) {
      ::unlinkat(folder, temporary.c_str(), 0);
      return std::move(status).With("cannot write " + shown);
    }
  }
  if (::renameat(folder, temporary.c_str(), folder, name.c_str()) != 0) {
    const int error = errno;
    ::unlinkat(folder, temporary.c_str(), 0);
    return FromErrno(error, "cannot write " + shown);
  }
  return SyncFolder(folder, shown);
}

Status WriteFileAtomic(const std::string& path, std::string_view content, int mode) {
  const Fd folder(OpenAt(AT_FDCWD, ParentOf(path), O_RDONLY | O_DIRECTORY));
  if (!folder.valid()) return FromErrno(errno, "cannot write " + path);
  return WriteAtomicAt(folder.get(), path.substr(path.find_last_of('/') + 1), content, mode, path);
}

Status MoveIntoPlace(const std::string& from, const std::string& to) {
  {
    const Fd fd(OpenAt(AT_FDCWD, from, O_RDONLY | O_NOFOLLOW));
    if (!fd.valid()) return FromErrno(errno, "cannot open " + from);
    if (Retry([&] { return ::fsync(fd.get()); }) != 0)
      return FromErrno(errno, "cannot sync " + from);
  }
  if (::rename(from.c_str(), to.c_str()) != 0) return FromErrno(errno, "cannot rename " + from);
  return FsyncFolder(ParentOf(to));
}

Status MakeDirectories(const std::string& path, int mode) {
  if (path.empty()) return InvalidArgument("cannot make a folder: its path is empty");
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), static_cast<mode_t>(mode)) == 0) {
      // Or what is written and synced below it would not be there after a power loss.
      DCP_TRY(FsyncFolder(ParentOf(part)));
    } else {
      const int error = errno;
      struct stat info = {};
      // EROFS or EACCES are also said of folders that are there already.
      const bool there = ::stat(part.c_str(), &info) == 0;
      if (!there) return FromErrno(error, "cannot make folder " + part);
      if (!S_ISDIR(info.st_mode)) {
        return FailedPrecondition("cannot make folder " + path + ": " + part + " is no folder");
      }
    }
    if (end == std::string::npos) return {};
  }
}

Result<std::vector<std::string>> ListDirectory(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(path.c_str()), &::closedir);
  if (!listing) return FromErrno(errno, "cannot list " + path);
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(listing.get());
    if (entry == nullptr) break;
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  if (errno != 0) return FromErrno(errno, "cannot list " + path);
  std::sort(names.begin(), names.end());
  return names;
}

Result<TreeSize> MeasureTree(const std::string& path) {
  TreeSize size;
  DCP_TRY(MeasureAt(AT_FDCWD, path, path, 0, &size));
  return size;
}

bool IsFolder(const std::string& path) {
  struct stat info = {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Status RemoveTree(const std::string& path) {
  std::string trimmed = path;
  while (trimmed.size() > 1 && trimmed.back() == '/') trimmed.pop_back();
  // An empty setting must never come to mean the root or the working folder.
  if (trimmed.empty() || trimmed == "/" || trimmed == "." || trimmed == "..") {
    return InvalidArgument("refused to remove '" + path + "'");
  }
  return RemoveAt(AT_FDCWD, trimmed, trimmed, 0);
}

bool Exists(const std::string& path) {
  struct stat info = {};
  return ::lstat(path.c_str(), &info) == 0;
}

Result<FileLock> FileLock::Acquire(const std::string& path) {
  Fd fd(OpenAt(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  if (!fd.valid()) return FromErrno(errno, "cannot open lock " + path);
  if (Retry([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) != 0) {
    if (errno == EWOULDBLOCK) return Unavailable("lock " + path + " is held by another process");
    return FromErrno(errno, "cannot lock " + path);
  }
  return FileLock(fd.Release());
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace dcp::os
