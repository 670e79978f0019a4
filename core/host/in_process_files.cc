// SPDX-License-Identifier: Apache-2.0
//
// Content-addressed copies, and what of them is loaded.
#include "host/in_process_files.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <utility>

#include "base/id.h"
#include "host/digest.h"
#include "host/in_process_rules.h"
#include "host/plugin_library.h"
#include "os/file.h"

namespace dcp::host {
namespace {

/// Of the process, since loading is.
struct LoadedFiles {
  std::mutex mutex;
  std::map<std::string, Result<const dcp_plugin_api*>> by_digest;  ///< also what was no use
};

LoadedFiles& TheLoadedFiles() {
  static auto* files = new LoadedFiles;  // never destroyed: plugins' threads may outlive main()
  return *files;
}

/// Copies of earlier lives of the daemon; what is loaded now keeps its file, for debuggers.
void RemoveOld(const std::string& directory, const LoadedFiles& files) {
  std::error_code error;
  std::filesystem::directory_iterator at(directory, error);
  for (; !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    const std::filesystem::path path = at->path();
    if (path.extension() != ".so" || files.by_digest.count(path.stem().string()) > 0) continue;
    std::error_code ignored;  // it is tried again with the next file
    std::filesystem::remove(path, ignored);
  }
}

Result<const dcp_plugin_api*> Load(const std::string& incoming, const std::string& digest,
                                   const std::string& path, const std::string& directory,
                                   LoadedFiles& files) {
  if (const auto found = files.by_digest.find(digest); found != files.by_digest.end()) {
    return found->second;
  }
  DCP_TRY(CheckInProcess(incoming, path));
  if (files.by_digest.size() >= kInProcessVersionsMax) {
    return FailedPrecondition("the daemon has loaded " + std::to_string(kInProcessVersionsMax) +
                              " plugin files into its own process, and none is ever unloaded")
        .WithHint("restart dcpd, or use isolation: worker");
  }
  const std::string kept = directory + "/" + digest + ".so";
  if (std::rename(incoming.c_str(), kept.c_str()) != 0) {
    return FromErrno(errno, "cannot rename " + incoming);
  }
  Result<const dcp_plugin_api*> table = LoadPlugin(kept, path);
  if (!table.ok() && !table.status().hint().empty()) {
    // In the words that a worker has for it.
    const Status why = table.status();
    table = Status(why.code(), why.message() + " (" + why.hint() + ")");
  }
  return files.by_digest.emplace(digest, std::move(table)).first->second;
}

}  // namespace

Result<const dcp_plugin_api*> LoadInProcess(const std::string& path, const std::string& directory) {
  LoadedFiles& files = TheLoadedFiles();
  const std::lock_guard lock(files.mutex);
  DCP_TRY(os::MakeDirectories(directory, 0700));
  RemoveOld(directory, files);
  // Checked and loaded are the copy's bytes, whoever writes to the original meanwhile.
  const std::string incoming = directory + "/incoming-" + RandomHex(8) + ".so";
  Result<std::string> digest = CopyWithDigest(path, incoming);
  Result<const dcp_plugin_api*> table = digest.ok()
                                            ? Load(incoming, *digest, path, directory, files)
                                            : Result<const dcp_plugin_api*>(digest.status());
  std::error_code ignored;  // it is gone when it was kept
  std::filesystem::remove(incoming, ignored);
  return table;
}

}  // namespace dcp::host
