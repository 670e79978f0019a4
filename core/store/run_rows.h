// SPDX-License-Identifier: Apache-2.0
//
// Runs, nodes and transitions as rows. Called with the session in hand (Database::Write or Read);
// exceptions of the library pass through to there.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "store/store.h"

namespace soci {
class session;
}  // namespace soci

namespace dcp::store {

Result<Run> InsertRun(soci::session& sql, const Run& run, const std::vector<Node>& nodes,
                      const std::vector<Transition>& transitions);
/// ABORTED when the run, or a node of the change, had ended before; NOT_FOUND without the run.
Status UpdateRun(soci::session& sql, const std::string& run_id, const RunChange& change);
Result<Run> SelectRun(soci::session& sql, const std::string& run_id);
std::vector<Run> SelectRuns(soci::session& sql, const std::string& playground,
                            const std::string& principal, int limit);
std::vector<RunBrief> SelectRunsOf(soci::session& sql, const std::string& playground,
                                   int64_t generation);
/// Like Store::ForgetRuns, within the transaction.
void StripRuns(soci::session& sql, const std::string& playground, int64_t generation);
std::vector<Run> SelectUnfinishedRuns(soci::session& sql);
std::vector<Node> SelectNodes(soci::session& sql, const std::string& run_id);
std::vector<Transition> SelectTransitions(soci::session& sql, const std::string& run_id,
                                          int64_t after_sequence);

}  // namespace dcp::store
