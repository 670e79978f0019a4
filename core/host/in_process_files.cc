// SPDX-License-Identifier: Apache-2.0
//
// What is loaded, for good.
#include "host/in_process_files.h"

#include <map>
#include <utility>

#include "base/mutex.h"
#include "host/in_process_rules.h"
#include "host/plugin_library.h"

namespace dcp::host {
namespace {

/// Of the process, since loading is.
struct LoadedFiles {
  Mutex mutex;
  std::map<std::string, Result<const dcp_plugin_api*>> by_digest;  ///< also what was no use
};

LoadedFiles& TheLoadedFiles() {
  static auto* files = new LoadedFiles;  // never destroyed: plugins' threads may outlive main()
  return *files;
}

}  // namespace

Result<const dcp_plugin_api*> LoadInProcess(const std::string& path, const std::string& source,
                                            const std::string& sha256) {
  LoadedFiles& files = TheLoadedFiles();
  const MutexLock lock(files.mutex);
  if (const auto found = files.by_digest.find(sha256); found != files.by_digest.end()) {
    return found->second;
  }
  DCP_TRY(CheckInProcess(path, source));
  if (files.by_digest.size() >= kInProcessVersionsMax) {
    return FailedPrecondition("the daemon has loaded " + std::to_string(kInProcessVersionsMax) +
                              " plugin files into its own process, and none is ever unloaded")
        .WithHint("restart dcpd, or use isolation: worker");
  }
  Result<const dcp_plugin_api*> table = LoadPlugin(path, source);
  if (!table.ok() && !table.status().hint().empty()) {
    // In the words that a worker has for it.
    const Status why = table.status();
    table = Status(why.code(), why.message() + " (" + why.hint() + ")");
  }
  return files.by_digest.emplace(sha256, std::move(table)).first->second;
}

}  // namespace dcp::host
