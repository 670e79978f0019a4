// SPDX-License-Identifier: Apache-2.0
//
// Runs and their bodies as rows. Called with the session in hand (Database::Write or Read);
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
/// ABORTED when the run, or a node of the change, had ended before; NOT_FOUND without the run. With
/// its end a run's nodes lose their bodies, and it counts as kept.
Status UpdateRun(soci::session& sql, const std::string& run_id, const RunChange& change);
Result<Run> SelectRun(soci::session& sql, const std::string& run_id);
Result<RunSummary> SelectRunSummary(soci::session& sql, const std::string& run_id);
Result<RunPage> SelectRunPage(soci::session& sql, const RunFilter& filter,
                              const std::string& before, int limit);
std::vector<RunBrief> SelectRunsOf(soci::session& sql, const std::string& playground,
                                   int64_t generation);
/// With their bodies.
std::vector<Run> SelectUnfinishedRuns(soci::session& sql);

}  // namespace dcp::store
