// SPDX-License-Identifier: Apache-2.0
//
// The shape of what clients send: which keys a body has, and what stands under each. A body is made
// again from what its shape knows, so nothing goes upstream that nobody has looked at.
#pragma once

#include <string>

#include "base/result.h"

namespace dcp::catalog {

enum class Body { kCreateTable, kCommit, kRename, kCreateNamespace, kUpdateNamespace, kMetrics };

/// `body` with the known keys alone. A member that is null is as good as absent, and a list or a
/// map that is absent is empty: clients in Go write null for an empty list. Keys that no shape
/// knows are left out, as Iceberg's own servers pass over them. INVALID_ARGUMENT names the member
/// that is missing or of another kind; PERMISSION_DENIED an update or requirement that is not
/// known. [any]
Result<std::string> Remake(Body kind, const std::string& body);

}  // namespace dcp::catalog
