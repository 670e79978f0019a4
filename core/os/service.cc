// SPDX-License-Identifier: Apache-2.0
//
// A service's state name and its log file.
#include "os/service.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/redaction.h"
#include "os/log_rotation.h"
#include "os/untrusted_folder.h"

namespace dcp::os {
namespace {

/// The end of a service's log in a failure's detail: a Java stack trace's head line and cause.
constexpr size_t kLogTailBytes = 2'000;
/// Read before that end: a secret that begins there is taken out as a whole.
constexpr size_t kSecretBytesMax = 4'096;

int64_t SizeOf(const std::string& path) {
  struct stat info = {};
  return ::lstat(path.c_str(), &info) == 0 ? info.st_size : 0;
}

/// The log is the service's own to write, and may be something else by now; its folder is ours.
Result<std::string> ReadLog(const std::string& path, int64_t from) {
  const size_t slash = path.rfind('/');
  DCP_ASSIGN(const auto folder, UntrustedFolder::Open(path.substr(0, slash), 0));
  return folder.ReadRange(path.substr(slash + 1), from, kLogTailBytes + kSecretBytesMax);
}

}  // namespace

const char* StateName(const Service& service) {
  switch (service.phase) {
    case Phase::kWaiting:
    case Phase::kEnding:
      return service.started_once ? "RESTARTING" : "STARTING";
    case Phase::kStarting:
      return "STARTING";
    case Phase::kReady:
      return "READY";
    case Phase::kFailed:
      return "FAILED";
  }
  return "FAILED";
}

Result<int> OpenServiceLog(const std::string& path, int64_t* start) {
  if (SizeOf(path) > kLogBytesMax) (void)std::rename(path.c_str(), (path + ".1").c_str());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return FromErrno(errno, "cannot write log " + path);
  *start = SizeOf(path);
  return fd;
}

std::string ServiceLogTail(const std::string& path, int64_t start) {
  if (path.empty()) return "";
  if (SizeOf(path) < start) start = 0;  // it was rotated since
  const int64_t from =
      std::max(start, SizeOf(path) - static_cast<int64_t>(kLogTailBytes + kSecretBytesMax));
  auto tail = ReadLog(path, from);
  if (!tail.ok()) return "";
  *tail = Redact(std::move(*tail));
  if (tail->size() > kLogTailBytes) tail->erase(0, tail->size() - kLogTailBytes);
  while (!tail->empty() && tail->back() == '\n') tail->pop_back();
  if (tail->empty()) return "it logged nothing (" + path + ")";
  return "the end of " + path + ":\n" + *tail;
}

}  // namespace dcp::os
