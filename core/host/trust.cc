// SPDX-License-Identifier: Apache-2.0
#include "host/trust.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>

namespace dcp::host {
namespace {

constexpr size_t kNameBufferBytes = 16 * 1024;

/// The group that some systems make for each user, who then is its only member: what it may write,
/// only that user may.
bool IsOwnPrivateGroup(gid_t gid) {
  std::array<char, kNameBufferBytes> user_names{};
  std::array<char, kNameBufferBytes> group_names{};
  passwd user{};
  passwd* found_user = nullptr;
  group of{};
  group* found_group = nullptr;
  if (getpwuid_r(geteuid(), &user, user_names.data(), user_names.size(), &found_user) != 0 ||
      getgrgid_r(gid, &of, group_names.data(), group_names.size(), &found_group) != 0 ||
      found_user == nullptr || found_group == nullptr) {
    return false;
  }
  const std::string name = found_user->pw_name;
  if (name != found_group->gr_name || found_user->pw_gid != gid) return false;
  for (char** member = found_group->gr_mem; *member != nullptr; ++member) {
    if (name != *member) return false;
  }
  return true;
}

Status CheckOne(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return FromErrno(errno, "cannot look at " + path);
  if (info.st_uid != 0 && info.st_uid != geteuid()) {
    return PermissionDenied(path + " belongs to user " + std::to_string(info.st_uid) +
                            ", who could put any code there")
        .WithHint("have it belong to root or to the user that runs dcpd: chown " +
                  std::to_string(geteuid()) + " " + path);
  }
  // In a sticky folder only owners replace what is theirs.
  if (S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0) return {};
  if ((info.st_mode & S_IWOTH) != 0) {
    return PermissionDenied(path + " can be written by everybody").WithHint("chmod o-w " + path);
  }
  if ((info.st_mode & S_IWGRP) != 0 && info.st_gid != 0 && !IsOwnPrivateGroup(info.st_gid)) {
    return PermissionDenied(path + " can be written by the group " + std::to_string(info.st_gid))
        .WithHint("chmod g-w " + path);
  }
  return {};
}

}  // namespace

Status CheckTrusted(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(path.c_str(), nullptr),
                                                         &std::free);
  if (!real) return FromErrno(errno, "cannot look at " + path);
  for (std::filesystem::path at = real.get();; at = at.parent_path()) {
    DCP_TRY(CheckOne(at.string()));
    if (at == at.parent_path()) return {};
  }
}

}  // namespace dcp::host
