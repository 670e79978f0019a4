// SPDX-License-Identifier: Apache-2.0
//
// What of the runs is kept, and for how long. Called with the session in hand (Database::Write or
// Read); exceptions of the library pass through to there.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "store/store.h"

namespace soci {
class session;
}  // namespace soci

namespace dcp::store {

/// A run has ended in this transaction: its nodes' bodies go, and what stays is counted.
void CountAsKept(soci::session& sql, const std::string& run_id, const std::string& principal);
/// Like Store::ForgetRuns, within the transaction.
void StripRuns(soci::session& sql, const std::string& playground, int64_t generation);
/// Like Store::RunsBeyond.
std::vector<RunBrief> SelectRunsBeyond(soci::session& sql, const Retention& retention,
                                       WallMillis now, int limit);
/// One of Store::RemoveRuns, within the transaction.
Status DeleteRun(soci::session& sql, const std::string& run_id);

}  // namespace dcp::store
