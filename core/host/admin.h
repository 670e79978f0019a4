// SPDX-License-Identifier: Apache-2.0
//
// What operators do with plugins while the host runs.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "host/changes.h"
#include "host/plugin_info.h"

namespace dcp::host {

/// The meaning of each function stands at Host's. [any]
class Admin {
 public:
  explicit Admin(Changes& changes) : changes_(changes) {}

  std::vector<InstanceState> States() const;
  PluginList List();
  Result<PluginInfo> Get(const std::string& name);
  Result<PluginDescription> Describe(const std::string& name);
  Result<std::string> IncomingPath() const;
  Result<PluginVersion> Install(const std::string& incoming, const std::string& source,
                                const std::string& by, const std::string& sha256, std::string& id,
                                bool& existed);
  Result<std::vector<VerifiedFile>> Verify(const std::string& name);
  Result<std::vector<Swapped>> Reload(const std::string& name, const std::string& sha256,
                                      const std::string& by,
                                      const std::function<bool()>& cancelled);
  Result<std::vector<std::string>> SetDisabled(const std::string& name, bool disabled,
                                               const std::string& reason, const std::string& by);

 private:
  /// Under Changes::Begin(): the instances that a name stands for, its own or its plugin's.
  Result<std::vector<InstanceSettings>> Named(const std::string& name) const;
  Registry Present() const;
  PluginList ListWith(const Registry& registry);
  Result<std::string> Choose(const InstanceSettings& own, const std::string& sha256,
                             const Registry& registry);

  Changes& changes_;
};

}  // namespace dcp::host
