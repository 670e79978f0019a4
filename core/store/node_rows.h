// SPDX-License-Identifier: Apache-2.0
//
// Nodes, their bodies and a run's history as rows. Called with the session in hand (Database::Write
// or Read); exceptions of the library pass through to there.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "store/store.h"

namespace soci {
class session;
}  // namespace soci

namespace dcp::store {

/// Nodes and transitions of a change, in order. ABORTED when one of the nodes had ended before.
Status AppendToRun(soci::session& sql, const std::string& run_id, const std::vector<Node>& nodes,
                   const std::vector<Transition>& transitions);
std::vector<NodeSummary> SelectNodeSummaries(soci::session& sql, const std::string& run_id);
Result<NodeSummary> SelectNodeSummary(soci::session& sql, const std::string& run_id,
                                      const std::string& node_id);
std::vector<Node> SelectNodes(soci::session& sql, const std::string& run_id);
std::vector<Transition> SelectTransitions(soci::session& sql, const std::string& run_id,
                                          int64_t after_sequence, int limit);

}  // namespace dcp::store
