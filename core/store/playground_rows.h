// SPDX-License-Identifier: Apache-2.0
//
// Playgrounds, datasets and facts as rows. Called with the session in hand (Database::Write or
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

Result<Playground> InsertPlayground(soci::session& sql, Playground playground,
                                    const NextGeneration& next_generation);
Result<Playground> SelectPlayground(soci::session& sql, const std::string& name);
std::vector<Playground> SelectPlaygrounds(soci::session& sql, const std::string& owner,
                                          const std::string& after, int limit);
int64_t CountPlaygrounds(soci::session& sql, const std::string& owner);
std::vector<Playground> SelectDeleting(soci::session& sql, const std::string& after, int limit);
std::vector<Playground> SelectUnnoticed(soci::session& sql, WallMillis now, int limit);
/// Like Store::NoticeEnds, and the others below like theirs.
std::vector<Playground> UpdateNoticed(soci::session& sql, WallMillis now, int64_t served,
                                      int limit);
void ClearNoticed(soci::session& sql, WallMillis now);
std::vector<Playground> SelectPurgeable(soci::session& sql, WallMillis now, int64_t noticed_until,
                                        int limit);
int64_t UpdateLongLives(soci::session& sql, WallMillis now, int64_t longest_ms);
/// Like Store::PlaygroundState.
Result<std::string> SelectState(soci::session& sql, const std::string& name, int64_t generation);
Status UpdateExpiry(soci::session& sql, const std::string& name, int64_t generation,
                    WallMillis expires_at);
Status UpdateState(soci::session& sql, const std::string& name, int64_t generation,
                   const std::string& from, const std::string& to);
Result<Playground> ApplyChange(soci::session& sql, const std::string& name, int64_t generation,
                               const PlaygroundChange& change);
Status Expire(soci::session& sql, const std::string& name, int64_t generation, WallMillis now,
              int64_t noticed_until);
Status Bury(soci::session& sql, const std::string& name, int64_t generation, WallMillis now);

Status UpsertDataset(soci::session& sql, const Dataset& dataset);
/// All of the generation, or the one of that name when `name` is not empty.
std::vector<Dataset> SelectDatasets(soci::session& sql, const std::string& playground,
                                    int64_t generation, const std::string& name);
void RemoveDatasets(soci::session& sql, const std::string& playground, int64_t generation);

void UpsertFact(soci::session& sql, const std::string& key, const std::string& value);
Result<std::string> SelectFact(soci::session& sql, const std::string& key);

}  // namespace dcp::store
