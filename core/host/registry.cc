// SPDX-License-Identifier: Apache-2.0
//
// Discovery of plugins on disk.
#include "host/registry.h"

#include <algorithm>
#include <filesystem>

#include "base/id.h"
#include "host/trust.h"

namespace dcp::host {
namespace {

/// With the way out, since a list of refused files has one column for it.
std::string Words(const Status& why) {
  return why.message() + (why.hint().empty() ? "" : " (" + why.hint() + ")");
}

}  // namespace

Registry Registry::Discover(const std::vector<std::string>& directories) {
  Registry registry;
  registry.directories_ = directories;
  for (const std::string& directory : directories) registry.Visit(directory);
  return registry;
}

void Registry::Visit(const std::string& directory) {
  if (const Status status = CheckTrusted(directory); !status.ok()) {
    skipped_.push_back({directory, Words(status)});
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
  if (const Status status = CheckTrusted(path); !status.ok()) {
    skipped_.push_back({path, Words(status)});
    return;
  }
  Result<Manifest> manifest = ReadManifest(path);
  if (!manifest.ok()) {
    skipped_.push_back({path, Words(manifest.status())});
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
