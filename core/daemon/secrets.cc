// SPDX-License-Identifier: Apache-2.0
#include "daemon/secrets.h"

#include <sys/stat.h>

#include <cerrno>

#include "base/crash_point.h"
#include "base/id.h"
#include "base/redaction.h"
#include "os/file.h"

namespace dcp::daemon {
namespace {

constexpr size_t kSecretBytes = 32;       // as strong as the HMAC that some of them key
constexpr size_t kSecretFileMax = 4'096;  // a larger file is not one of ours

Status CheckPrivate(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return FromErrno(errno, path);
  if (!S_ISREG(info.st_mode)) return FailedPrecondition(path + " is not a regular file");
  if ((info.st_mode & 077) != 0) {
    return PermissionDenied(path + " can be read by others, so the secret in it is not one")
        .WithHint("remove the file; a new secret is made at the next start");
  }
  return {};
}

}  // namespace

Result<Secret> LoadOrCreateSecret(const std::string& directory, const std::string& name) {
  DCP_TRY(os::MakeDirectories(directory, 0700));
  const std::string path = directory + "/" + name;
  if (!os::Exists(path)) {
    DCP_TRY(os::WriteFileAtomic(path, RandomHex(kSecretBytes), 0600));
    DCP_CRASH_POINT("start.secret.written");
  }
  DCP_TRY(CheckPrivate(path));
  DCP_ASSIGN(std::string text, os::ReadFile(path, kSecretFileMax));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.size() < kSecretBytes) {
    return FailedPrecondition(path + " holds fewer than 32 characters")
        .WithHint("remove the file; a new secret is made at the next start");
  }
  Secret secret(std::move(text));
  Conceal(secret);
  return secret;
}

}  // namespace dcp::daemon
