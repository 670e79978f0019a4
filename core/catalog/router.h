// SPDX-License-Identifier: Apache-2.0
//
// Which endpoint of the Iceberg REST protocol a request means. One table lists every endpoint that
// is known; what is not in it is refused, and what is served is what clients are told.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/names.h"
#include "catalog/url.h"

namespace dcp::catalog {

enum class Endpoint {
  kConfig,
  kListNamespaces,
  kCreateNamespace,
  kLoadNamespace,
  kNamespaceExists,
  kDropNamespace,
  kUpdateNamespace,
  kListTables,
  kCreateTable,
  kLoadTable,
  kTableExists,
  kCommitTable,
  kDropTable,
  kRenameTable,
  kReportMetrics,
  kListViews,
  kLoadView,
  kViewExists,
  kRefuseRegister,
  kRefuseTransaction,
  kRefuseView,
};

struct Route {
  Endpoint endpoint = Endpoint::kConfig;
  bool mutates = false;  ///< refused for `ro` tokens
  Levels levels;         ///< {namespace}
  std::string name;      ///< {table} or {view}
};

/// `segments` are those after /pg/<playground>. NOT_FOUND for what is no endpoint.
Result<Route> FindRoute(const std::string& method, const std::vector<std::string>& segments);

/// "GET /v1/{prefix}/namespaces", ...: for the config answer.
const std::vector<std::string>& ServedEndpoints();

}  // namespace dcp::catalog
