// SPDX-License-Identifier: Apache-2.0
#include "os/untrusted_folder.h"

#include <dirent.h>

#include <memory>
#include <vector>

namespace dcp::os {
namespace {

constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

bool IsPlainName(std::string_view part) { return !part.empty() && part != "." && part != ".."; }

/// A link in a folder's place is ENOTDIR, one in a file's ELOOP: the reader is to know which.
Status Refused(int error, const std::string& shown) {
  if (error == ELOOP || error == ENOTDIR) {
    return InvalidArgument("refused " + shown + ": a link, or no folder, is in its place");
  }
  return FromErrno(error, "cannot open " + shown);
}

}  // namespace

Result<UntrustedFolder> UntrustedFolder::Open(const std::string& path, int levels) {
  std::vector<std::string> parts;
  std::string root = path;
  while (root.size() > 1 && root.back() == '/') root.pop_back();
  for (int i = 0; i < levels; ++i) {
    const size_t slash = root.rfind('/');
    if (slash == std::string::npos || !IsPlainName(std::string_view(root).substr(slash + 1))) {
      return InvalidArgument("refused '" + path + "': not a path of that many folders");
    }
    parts.insert(parts.begin(), root.substr(slash + 1));
    root.resize(slash);
  }
  if (root.empty()) root = "/";
  int fd = OpenAt(AT_FDCWD, root, O_RDONLY | O_DIRECTORY);
  if (fd < 0) return FromErrno(errno, "cannot open folder " + root);
  for (const std::string& part : parts) {
    const Fd above(fd);
    fd = OpenAt(above.get(), part, kFolderFlags);
    if (fd < 0) return Refused(errno, path);
  }
  return UntrustedFolder(Fd(fd), path);
}

Result<Fd> UntrustedFolder::Enter(const std::string& name, bool make, std::string* last) const {
  const std::string shown = path_ + "/" + name;
  const Status refused = InvalidArgument("refused " + shown + ": not a name below it");
  if (name.find("//") != std::string::npos) return refused;
  Fd at(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
  if (!at.valid()) return FromErrno(errno, "cannot open folder " + path_);
  for (size_t begin = 0;;) {
    const size_t end = name.find('/', begin);
    std::string part = name.substr(begin, end == std::string::npos ? end : end - begin);
    if (!IsPlainName(part)) return refused;
    if (end == std::string::npos) {
      *last = std::move(part);
      return at;
    }
    if (make) {
      if (::mkdirat(at.get(), part.c_str(), 0700) == 0) {
        DCP_TRY(SyncFolder(at.get(), shown));
      } else if (errno != EEXIST) {
        return FromErrno(errno, "cannot make a folder for " + shown);
      }
    }
    Fd next(OpenAt(at.get(), part, kFolderFlags));
    if (!next.valid()) return Refused(errno, shown);
    std::swap(at, next);
    begin = end + 1;
  }
}

Result<int> UntrustedFolder::OpenFile(const std::string& name, struct stat* info) const {
  const std::string shown = path_ + "/" + name;
  std::string last;
  DCP_ASSIGN(const Fd folder, Enter(name, false, &last));
  struct stat seen = {};
  if (::fstatat(folder.get(), last.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0) {
    return FromErrno(errno, "cannot open " + shown);
  }
  // Looked at before it is opened: opening a device may already do something.
  if (!S_ISREG(seen.st_mode)) return InvalidArgument("refused " + shown + ": not a plain file");
  DCP_ASSIGN(const int raw, OpenPlainFileAt(folder.get(), last, O_NOFOLLOW, shown, info));
  if (info->st_nlink <= 1) return raw;
  const Fd fd(raw);
  return InvalidArgument("refused " + shown + ": the file has other names, perhaps outside");
}

Result<std::string> UntrustedFolder::ReadRange(const std::string& name, int64_t offset,
                                               size_t bytes_max) const {
  struct stat info = {};
  DCP_ASSIGN(const int raw, OpenFile(name, &info));
  const Fd fd(raw);
  return os::ReadRange(fd.get(), info, offset, bytes_max, path_ + "/" + name);
}

Result<std::string> UntrustedFolder::Read(const std::string& name, size_t bytes_max) const {
  DCP_ASSIGN(std::string content, ReadRange(name, 0, bytes_max + 1));
  if (content.size() <= bytes_max) return content;
  return ResourceExhausted("cannot read " + path_ + "/" + name + ": larger than " +
                           std::to_string(bytes_max) + " bytes");
}

Status UntrustedFolder::Write(const std::string& name, std::string_view content) const {
  std::string last;
  DCP_ASSIGN(const Fd folder, Enter(name, true, &last));
  return WriteAtomicAt(folder.get(), last, content, 0600, path_ + "/" + name);
}

bool UntrustedFolder::Has(const std::string& name) const {
  std::string last;
  const auto folder = Enter(name, false, &last);
  struct stat info = {};
  return folder.ok() && ::fstatat(folder->get(), last.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
}

Status UntrustedFolder::RemoveAllBut(const std::set<std::string>& kept) const {
  const int copy = OpenAt(fd_.get(), ".", kFolderFlags);
  if (copy < 0) return FromErrno(errno, "cannot list " + path_);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(copy), &::closedir);
  if (!listing) {
    const int error = errno;
    ::close(copy);
    return FromErrno(error, "cannot list " + path_);
  }
  Status first;
  while (const dirent* entry = ::readdir(listing.get())) {
    const std::string name = entry->d_name;
    if (!IsPlainName(name) || kept.contains(name)) continue;
    Status removed = RemoveAt(fd_.get(), name, path_ + "/" + name, 0);
    if (first.ok()) first = std::move(removed);
  }
  return first;
}

}  // namespace dcp::os
