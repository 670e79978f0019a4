// SPDX-License-Identifier: Apache-2.0
//
// What the daemon itself does in a playground's overlay, past the façade's front.
#pragma once

#include <string>

#include "base/result.h"
#include "catalog/catalog.h"
#include "catalog/requests.h"

namespace dcp::catalog {

Result<TableState> EnsureTableIn(const Backends& backends, const Place& place,
                                 const TableSpec& spec);
Result<TableInfo> DescribeTableIn(const Backends& backends, const Place& place,
                                  const std::string& table);

/// Tries writes to production over `endpoint` with `token`. Each is made so that it would change
/// nothing even where it were let through.
Status ProbeProduction(const Backends& backends, const Place& place, const std::string& endpoint,
                       const Secret& token, const std::atomic<bool>& stopping);

}  // namespace dcp::catalog
