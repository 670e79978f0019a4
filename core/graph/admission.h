// SPDX-License-Identifier: Apache-2.0
//
// Which nodes a graph takes: the rules a plugin's graph must keep, checked before any of it is
// stored.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "graph/graph.h"
#include "store/store.h"

namespace dcp::graph {

/// Ids new and well-formed, capabilities known, `after` naming nodes that exist or come along, no
/// cycle, not too many and not too deep. INTERNAL names the first node that breaks a rule.
Status CheckNodes(const std::vector<store::Node>& existing, const std::vector<NodeSpec>& specs,
                  int32_t depth);

}  // namespace dcp::graph
