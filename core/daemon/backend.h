// SPDX-License-Identifier: Apache-2.0
//
// What the Graph Runner asks for, bound to the rooms that have it: built-in capabilities here,
// everything else in a plugin.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "catalog/tokens.h"
#include "daemon/capabilities.h"
#include "daemon/recycler.h"
#include "graph/graph.h"
#include "host/host.h"
#include "os/supervisor.h"

namespace dcp::daemon {

/// [any]
class GraphBackend : public graph::Backend {
 public:
  GraphBackend(Capabilities& capabilities, host::Host& host, catalog::Catalog& catalog,
               catalog::Tokens& tokens, store::Store& store, Recycler& recycler,
               const os::Supervisor& supervisor, std::string catalog_name);

  Result<std::string> Invoke(const graph::Invocation& invocation) override;
  Result<std::string> Resolve(const graph::Invocation& invocation) override;
  std::string PluginOf(const std::string& instance) override;
  bool StartsJobs(const std::string& instance) override;
  Result<std::string> MountFor(const store::Run& run, const std::string& mode,
                               WallMillis expires_at, const std::string& job) override;
  std::string CatalogName() const override { return catalog_name_; }
  void RunLives(const std::string& run_id) override { tokens_.RunLives(run_id); }
  void JobEnded(const std::string& run_id, const std::string& job) override {
    tokens_.JobEnded(run_id, job);
  }
  void RunEnded(const std::string& run_id) override { tokens_.RunEnded(run_id); }

 private:
  Result<std::string> Ask(const graph::Invocation& invocation);

  Capabilities& capabilities_;
  host::Host& host_;
  catalog::Catalog& catalog_;
  catalog::Tokens& tokens_;
  store::Store& store_;
  Recycler& recycler_;
  const os::Supervisor& supervisor_;
  std::string catalog_name_;
};

}  // namespace dcp::daemon
