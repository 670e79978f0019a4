// SPDX-License-Identifier: Apache-2.0
//
// Discovery of plugins on disk.
#include "host/registry.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/id.h"

namespace dcp::host {
namespace {

/// Whoever may write there could make the daemon run their code.
Status CheckPrivate(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return FromErrno(errno, path);
  if ((info.st_mode & S_IWOTH) != 0 && (info.st_mode & S_ISVTX) == 0) {
    return PermissionDenied(path + " can be written by everybody; run chmod o-w on it");
  }
  return Status::Ok();
}

}  // namespace

Registry Registry::Discover(const std::vector<std::string>& directories) {
  Registry registry;
  registry.directories_ = directories;
  for (const std::string& directory : directories) registry.Visit(directory);
  return registry;
}

void Registry::Visit(const std::string& directory) {
  if (const Status status = CheckPrivate(directory); !status.ok()) {
    skipped_.push_back({directory, status.message()});
    return;
  }
  std::error_code error;
  std::vector<std::string> files;
  std::filesystem::directory_iterator at(directory, error);
  for (; !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    if (at->path().extension() == ".so") files.push_back(at->path().string());
  }
  if (error) {
    skipped_.push_back({directory, "cannot be listed: " + error.message()});
    return;
  }
  std::sort(files.begin(), files.end());
  if (files.size() > kPluginFilesMax) {
    skipped_.push_back({directory, "holds more than " + std::to_string(kPluginFilesMax) +
                                       " files; only the first of them were looked at"});
    files.resize(kPluginFilesMax);
  }
  for (const std::string& file : files) Consider(file);
}

void Registry::Consider(const std::string& path) {
  if (const Status status = CheckPrivate(path); !status.ok()) {
    skipped_.push_back({path, status.message()});
    return;
  }
  Result<Manifest> manifest = ReadManifest(path);
  if (!manifest.ok()) {
    const Status why = manifest.status();
    skipped_.push_back({path, why.message() + (why.hint().empty() ? "" : " (" + why.hint() + ")")});
    return;
  }
  for (const Plugin& plugin : plugins_) {
    if (plugin.manifest.id != manifest->id) continue;
    skipped_.push_back({path, "its id \"" + manifest->id + "\" is taken by " + plugin.path +
                                  ", which comes first"});
    return;
  }
  plugins_.push_back({path, std::move(manifest).value()});
}

Result<const Registry::Plugin*> Registry::Find(std::string_view id) const {
  std::vector<std::string> known;
  for (const Plugin& plugin : plugins_) {
    if (plugin.manifest.id == id) return &plugin;
    known.push_back(plugin.manifest.id);
  }
  std::string message = "no plugin \"" + std::string(id) + "\" in ";
  if (directories_.empty()) message += "any directory, because none is configured";
  for (size_t i = 0; i < directories_.size(); ++i) message += (i > 0 ? ", " : "") + directories_[i];
  message += "; found: ";
  if (plugins_.empty()) message += "none";
  for (size_t i = 0; i < plugins_.size(); ++i) {
    message += (i > 0 ? ", " : "") + known[i] + " (" + plugins_[i].path + ")";
  }
  for (const Skipped& skipped : skipped_) {
    // Most reasons begin with the path; it is not said twice.
    const bool named = skipped.reason.rfind(skipped.path, 0) == 0;
    message += "; skipped " + (named ? "" : skipped.path + ": ") + skipped.reason;
  }
  Status status = NotFound(std::move(message));
  const std::string near = Nearest(id, known);
  if (!near.empty()) return std::move(status).WithHint("did you mean \"" + near + "\"?");
  return status;
}

}  // namespace dcp::host
