// SPDX-License-Identifier: Apache-2.0
//
// The capabilities that the daemon serves itself, `catalog` and `playground`: from a node's JSON
// to a call of the room that does the work, and back.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "catalog/catalog.h"
#include "daemon/removal.h"
#include "playground/playgrounds.h"
#include "store/store.h"

namespace dcp::daemon {

/// Whose playground a built-in capability works on: the run's own, never one named in a request.
struct Scope {
  std::string playground;
  int64_t generation = 0;
  std::function<bool()> cancelled;  ///< never empty
  SteadyMillis deadline = 0;        ///< of the call; 0: none

  catalog::Patience Patience() const { return {cancelled, deadline}; }
};

/// [any] blocks
class Capabilities {
 public:
  Capabilities(catalog::Catalog& catalog, playground::Playgrounds& playgrounds, store::Store& store,
               Removal& removal, const Clock& clock);

  /// True for the names that are served here.
  static bool Serves(const std::string& capability);
  Result<std::string> Invoke(const Scope& scope, const std::string& capability,
                             const std::string& method, const std::string& request_json);

 private:
  /// The scope's own generation, while it is ACTIVE: a run that was slow to start must not act in a
  /// later playground of the same name.
  Result<store::Playground> PlaygroundOf(const Scope& scope);
  Result<std::string> EnsureTable(const Scope& scope, const std::string& request_json);
  Result<std::string> DescribeTable(const Scope& scope, const std::string& request_json);
  Result<std::string> Receipt(const Scope& scope, const std::string& request_json);
  Result<std::string> EndJobs(const Scope& scope);
  Result<std::string> Purge(const Scope& scope);
  Result<std::string> Register(const Scope& scope, const std::string& request_json);
  Result<std::string> FinishDelete(const Scope& scope);

  catalog::Catalog& catalog_;
  playground::Playgrounds& playgrounds_;
  store::Store& store_;
  Removal& removal_;
  const Clock& clock_;
};

}  // namespace dcp::daemon
