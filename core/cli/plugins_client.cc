// SPDX-License-Identifier: Apache-2.0
//
// The client's calls of dcp.v1.Plugins.
#include "cli/client_stubs.h"

namespace dcp::cli {

Result<v1::ListPluginsResponse> Client::ListPlugins(const v1::ListPluginsRequest& request) {
  return stubs_->Call(*stubs_->plugins, &v1::Plugins::Stub::ListPlugins, request);
}

Result<v1::DescribePluginResponse> Client::DescribePlugin(
    const v1::DescribePluginRequest& request) {
  return stubs_->Call(*stubs_->plugins, &v1::Plugins::Stub::DescribePlugin, request);
}

}  // namespace dcp::cli
