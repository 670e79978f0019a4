// SPDX-License-Identifier: Apache-2.0
//
// From a capability and a route's name to the instance that serves it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/host.h"

namespace dcp::host {

class Router {
 public:
  explicit Router(Routes routes) : routes_(std::move(routes)) {}

  /// The instance's id. NOT_FOUND names the routes there are. A route that is named and not
  /// configured never falls back to the default: the work would silently land elsewhere.
  Result<std::string> Resolve(const Target& target) const;
  const Routes& routes() const { return routes_; }

 private:
  Routes routes_;
};

/// Whether `text` is what `pattern` describes; '*' stands for any text, also for none.
bool Matches(std::string_view pattern, std::string_view text);

/// One line for each route, or list of rules, that differs: "test_backend: default a -> b".
std::vector<std::string> Differences(const Routes& before, const Routes& after);

/// The routes of a capability that lead to an instance: "test_backend/default", and
/// "test_backend/rules" for all rules.
std::vector<std::string> RoutesTo(const Routes& routes, const std::string& capability,
                                  const std::string& instance);

/// INVALID_ARGUMENT for settings that no start could make work: an instance twice, a route to an
/// instance nobody configured, an isolation mode there is not.
Status CheckSettings(const Settings& settings);

}  // namespace dcp::host
