// SPDX-License-Identifier: Apache-2.0
#include "daemon/log_files.h"

#include <set>

#include "log/log.h"
#include "os/file.h"
#include "os/log_rotation.h"

namespace dcp::daemon {

void RotateLogs(const std::string& service_log_folder) {
  std::set<std::string> paths;
  const auto names = os::ListDirectory(service_log_folder);
  if (names.ok()) {
    for (const std::string& name : *names) {
      if (name.ends_with(".log")) paths.insert(service_log_folder + "/" + name);
    }
  }
  if (const std::string own = os::OwnLogFile(); !own.empty()) paths.insert(own);
  for (const std::string& path : paths) {
    const auto rotated = os::RotateLog(path, os::kLogBytesMax);
    if (rotated.ok() && *rotated) log::Write(log::Id::kLogRotated, {{"file", path}});
  }
}

}  // namespace dcp::daemon
