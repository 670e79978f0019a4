// SPDX-License-Identifier: Apache-2.0
//
// Taking a playground's things out of the overlay, and finding whose things are there.
#pragma once

#include "base/result.h"
#include "catalog/catalog.h"
#include "catalog/requests.h"

namespace dcp::catalog {

/// Namespaces that one purge walks. A playground has a handful; more is a loop upstream.
constexpr size_t kPurgeNamespacesMax = 10'000;
/// Times that a purge begins again because something came in behind it: a request that was let in
/// before the playground was closed. They end with their time-out, and a purge is tried again.
constexpr int kPurgePassesMax = 3;

/// Each step may be done already, so a purge that was broken off anywhere is begun again and ends
/// in the same state. Files go last: no table is ever left whose files are gone.
Result<int64_t> PurgePlace(const Backends& backends, const Place& place);
Result<Footprint> MeasurePlace(const Backends& backends, const Place& place);
Result<Traces> FindTracesIn(const Backends& backends);

}  // namespace dcp::catalog
