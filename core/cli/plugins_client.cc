// SPDX-License-Identifier: Apache-2.0
//
// The client's calls of dcp.v1.Plugins.
#include "cli/client_stubs.h"

namespace dcp::cli {

Result<v1::ListPluginsResponse> Client::ListPlugins(const v1::ListPluginsRequest& request) {
  return stubs_->Call(*stubs_->plugins, &v1::Plugins::Stub::ListPlugins, request);
}

}  // namespace dcp::cli
