// SPDX-License-Identifier: Apache-2.0
//
// Finds plugins in the configured directories. A file that is no plugin is not dropped in silence:
// it is kept with the reason, because that reason is what an operator looks for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/manifest.h"

namespace dcp::host {

/// Files looked at in one directory; more means that a wrong directory was configured.
constexpr size_t kPluginFilesMax = 1000;

class Registry {
 public:
  struct Plugin {
    std::string path;
    Manifest manifest;
  };
  struct Skipped {
    std::string path;
    std::string reason;
  };

  /// Looks at *.so in each directory, in order, names sorted. The first file with an id has it.
  static Registry Discover(const std::vector<std::string>& directories);

  /// NOT_FOUND lists every path that was tried, and why it was passed over.
  Result<const Plugin*> Find(std::string_view id) const;

  const std::vector<Plugin>& plugins() const { return plugins_; }
  const std::vector<Skipped>& skipped() const { return skipped_; }

 private:
  void Visit(const std::string& directory);
  void Consider(const std::string& path);

  std::vector<std::string> directories_;
  std::vector<Plugin> plugins_;
  std::vector<Skipped> skipped_;
};

}  // namespace dcp::host
