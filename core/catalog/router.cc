// SPDX-License-Identifier: Apache-2.0
//
// The table of endpoints.
#include "catalog/router.h"

#include <array>
#include <string_view>

namespace dcp::catalog {
namespace {

struct Entry {
  std::string_view method;
  std::string_view path;  ///< in the protocol's own notation; clients get these words
  Endpoint endpoint;
  bool mutates = false;
  bool served = true;
};

constexpr std::string_view kPrefix = "/{prefix}";  // clients put nothing there: we give no prefix

constexpr std::array kEntries = {
    Entry{"GET", "/v1/config", Endpoint::kConfig},
    Entry{"GET", "/v1/{prefix}/namespaces", Endpoint::kListNamespaces},
    Entry{"POST", "/v1/{prefix}/namespaces", Endpoint::kCreateNamespace, true},
    Entry{"GET", "/v1/{prefix}/namespaces/{namespace}", Endpoint::kLoadNamespace},
    Entry{"HEAD", "/v1/{prefix}/namespaces/{namespace}", Endpoint::kNamespaceExists},
    Entry{"DELETE", "/v1/{prefix}/namespaces/{namespace}", Endpoint::kDropNamespace, true},
    Entry{"POST", "/v1/{prefix}/namespaces/{namespace}/properties", Endpoint::kUpdateNamespace,
          true},
    Entry{"GET", "/v1/{prefix}/namespaces/{namespace}/tables", Endpoint::kListTables},
    Entry{"POST", "/v1/{prefix}/namespaces/{namespace}/tables", Endpoint::kCreateTable, true},
    Entry{"GET", "/v1/{prefix}/namespaces/{namespace}/tables/{table}", Endpoint::kLoadTable},
    Entry{"HEAD", "/v1/{prefix}/namespaces/{namespace}/tables/{table}", Endpoint::kTableExists},
    Entry{"POST", "/v1/{prefix}/namespaces/{namespace}/tables/{table}", Endpoint::kCommitTable,
          true},
    Entry{"DELETE", "/v1/{prefix}/namespaces/{namespace}/tables/{table}", Endpoint::kDropTable,
          true},
    Entry{"POST", "/v1/{prefix}/tables/rename", Endpoint::kRenameTable, true},
    Entry{"POST", "/v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics",
          Endpoint::kReportMetrics},
    Entry{"GET", "/v1/{prefix}/namespaces/{namespace}/views", Endpoint::kListViews},
    Entry{"GET", "/v1/{prefix}/namespaces/{namespace}/views/{view}", Endpoint::kLoadView},
    Entry{"HEAD", "/v1/{prefix}/namespaces/{namespace}/views/{view}", Endpoint::kViewExists},
    // Known, so that the refusal can say why.
    Entry{"POST", "/v1/{prefix}/namespaces/{namespace}/register", Endpoint::kRefuseRegister, true,
          false},
    Entry{"POST", "/v1/{prefix}/transactions/commit", Endpoint::kRefuseTransaction, true, false},
    Entry{"POST", "/v1/{prefix}/namespaces/{namespace}/views", Endpoint::kRefuseView, true, false},
    Entry{"POST", "/v1/{prefix}/namespaces/{namespace}/views/{view}", Endpoint::kRefuseView, true,
          false},
    Entry{"DELETE", "/v1/{prefix}/namespaces/{namespace}/views/{view}", Endpoint::kRefuseView, true,
          false},
    Entry{"POST", "/v1/{prefix}/namespaces/{namespace}/register-view", Endpoint::kRefuseView, true,
          false},
    Entry{"POST", "/v1/{prefix}/views/rename", Endpoint::kRefuseView, true, false},
};

/// Matches segment by segment and reads the parts in braces.
Result<bool> Match(std::string_view path, const std::vector<std::string>& segments, Route* route) {
  if (const size_t at = path.find(kPrefix); at != std::string_view::npos) {
    return Match(std::string(path.substr(0, at)).append(path.substr(at + kPrefix.size())), segments,
                 route);
  }
  size_t index = 0;
  std::string_view levels;
  for (path.remove_prefix(1); !path.empty(); ++index) {
    const size_t end = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (index >= segments.size()) return false;
    if (part == "{namespace}") {
      levels = segments[index];
    } else if (part == "{table}" || part == "{view}") {
      route->name = segments[index];
    } else if (part != segments[index]) {
      return false;
    }
  }
  if (index != segments.size()) return false;
  if (!levels.empty()) {
    DCP_ASSIGN(route->levels, SplitNamespace(levels));
  }
  return true;
}

}  // namespace

Result<Route> FindRoute(const std::string& method, const std::vector<std::string>& segments) {
  for (const Entry& entry : kEntries) {
    if (entry.method != method) continue;
    Route route;
    DCP_ASSIGN(const bool matches, Match(entry.path, segments, &route));
    if (!matches) continue;
    route.endpoint = entry.endpoint;
    route.mutates = entry.mutates;
    return route;
  }
  return NotFound("the playground catalog has no such endpoint");
}

const std::vector<std::string>& ServedEndpoints() {
  static const std::vector<std::string> kServed = [] {
    std::vector<std::string> served;
    for (const Entry& entry : kEntries) {
      if (entry.served && entry.endpoint != Endpoint::kConfig) {
        served.push_back(std::string(entry.method) + " " + std::string(entry.path));
      }
    }
    return served;
  }();
  return kServed;
}

}  // namespace dcp::catalog
