// SPDX-License-Identifier: Apache-2.0
#include "store/playground_rows.h"

#include <soci/soci.h>

#include <cstdlib>

#include "base/id.h"

namespace dcp::store {
namespace {

using soci::into;
using soci::use;

/// Drawn generations have 40 random bits, on top of this: so none is ever a counted one.
constexpr int64_t kFirstDrawn = int64_t{1} << 40;
constexpr size_t kDrawnBytes = 5;
/// How often a drawn generation may turn out to be used; even once is a surprise.
constexpr int kDrawsMax = 5;

constexpr char kColumns[] =
    "SELECT name, generation, owner, team, environment, state, created_at, expires_at, "
    "ended_served FROM playground ";

void SelectLabels(soci::session& sql, Playground& playground) {
  std::string key;
  std::string value;
  soci::statement rows = (sql.prepare << "SELECT label_key, label_value FROM playground_label "
                                         "WHERE playground = :name AND generation = :generation",
                          use(playground.name, "name"), use(playground.generation, "generation"),
                          into(key), into(value));
  rows.execute();
  while (rows.fetch()) playground.labels[key] = value;
}

/// Runs a statement that `prepare` made with the columns of kColumns; then reads the labels.
template <typename... Bound>
std::vector<Playground> Select(soci::session& sql, const std::string& condition,
                               const Bound&... bound) {
  std::vector<Playground> found;
  {
    Playground row;
    soci::statement rows(sql);
    (rows.exchange(bound), ...);
    rows.exchange(into(row.name));
    rows.exchange(into(row.generation));
    rows.exchange(into(row.owner));
    rows.exchange(into(row.team));
    rows.exchange(into(row.environment));
    rows.exchange(into(row.state));
    rows.exchange(into(row.created_at));
    rows.exchange(into(row.expires_at));
    rows.exchange(into(row.ended_served));
    rows.alloc();
    rows.prepare(kColumns + condition);
    rows.define_and_bind();
    rows.execute();
    while (rows.fetch()) found.push_back(row);
  }
  for (Playground& playground : found) SelectLabels(sql, playground);
  return found;
}

void UpsertLabels(soci::session& sql, const std::string& name, int64_t generation,
                  const std::map<std::string, std::string>& labels) {
  for (const auto& [key, value] : labels) {
    sql << "INSERT INTO playground_label (playground, generation, label_key, label_value) "
           "VALUES (:name, :generation, :key, :value) "
           "ON CONFLICT (playground, generation, label_key) DO UPDATE SET "
           "label_value = excluded.label_value",
        use(name, "name"), use(generation, "generation"), use(key, "key"), use(value, "value");
  }
}

std::string Quoted(const std::string& name, int64_t generation) {
  return name + " (generation " + std::to_string(generation) + ")";
}

}  // namespace

int64_t DrawGeneration(int64_t) {
  return kFirstDrawn + std::strtoll(RandomHex(kDrawnBytes).c_str(), nullptr, 16);
}

Result<Playground> InsertPlayground(soci::session& sql, Playground playground,
                                    const NextGeneration& next_generation) {
  if (auto living = SelectPlayground(sql, playground.name); living.ok()) {
    return AlreadyExists("create playground " + playground.name + ": the name is taken");
  }
  int64_t last = 0;
  sql << "SELECT coalesce(max(generation), 0) FROM playground WHERE name = :name",
      use(playground.name, "name"), into(last);
  for (int draw = 1;; ++draw) {
    playground.generation = next_generation(last);
    if (!SelectState(sql, playground.name, playground.generation).ok()) break;
    if (draw == kDrawsMax) return Internal("every generation that was drawn is used already");
  }
  sql << "INSERT INTO playground (name, generation, owner, team, environment, state, created_at, "
         "expires_at) VALUES (:name, :generation, :owner, :team, :environment, :state, "
         ":created_at, :expires_at)",
      use(playground.name, "name"), use(playground.generation, "generation"),
      use(playground.owner, "owner"), use(playground.team, "team"),
      use(playground.environment, "environment"), use(playground.state, "state"),
      use(playground.created_at, "created_at"), use(playground.expires_at, "expires_at");
  UpsertLabels(sql, playground.name, playground.generation, playground.labels);
  return playground;
}

Result<Playground> SelectPlayground(soci::session& sql, const std::string& name) {
  auto found = Select(sql, "WHERE name = :name AND state <> 'DELETED'", use(name, "name"));
  if (found.empty()) return NotFound("playground " + name + ": there is none of that name");
  return std::move(found.front());
}

std::vector<Playground> SelectPlaygrounds(soci::session& sql, const std::string& owner,
                                          const std::string& after, int limit) {
  return Select(sql,
                "WHERE state <> 'DELETED' AND owner = :owner AND name > :after ORDER BY name "
                "LIMIT :limit",
                use(owner, "owner"), use(after, "after"), use(limit, "limit"));
}

int64_t CountPlaygrounds(soci::session& sql, const std::string& owner) {
  int64_t count = 0;
  sql << "SELECT count(*) FROM playground WHERE state <> 'DELETED' AND owner = :owner",
      use(owner, "owner"), into(count);
  return count;
}

std::vector<Playground> SelectDeleting(soci::session& sql, const std::string& after, int limit) {
  return Select(sql, "WHERE state = 'DELETING' AND name > :after ORDER BY name LIMIT :limit",
                use(after, "after"), use(limit, "limit"));
}

std::vector<Playground> SelectUnnoticed(soci::session& sql, WallMillis now, int limit) {
  return Select(sql,
                "WHERE state = 'ACTIVE' AND ended_served < 0 AND expires_at <= :now "
                "ORDER BY expires_at, name LIMIT :limit",
                use(now, "now"), use(limit, "limit"));
}

std::vector<Playground> UpdateNoticed(soci::session& sql, WallMillis now, int64_t served,
                                      int limit) {
  std::vector<Playground> ended = SelectUnnoticed(sql, now, limit);
  for (Playground& playground : ended) {
    playground.ended_served = served;
    sql << "UPDATE playground SET ended_served = :served WHERE name = :name AND generation = "
           ":generation",
        use(served, "served"), use(playground.name, "name"),
        use(playground.generation, "generation");
  }
  return ended;
}

void ClearNoticed(soci::session& sql, WallMillis now) {
  sql << "UPDATE playground SET ended_served = -1 WHERE state = 'ACTIVE' AND ended_served >= 0 "
         "AND expires_at > :now",
      use(now, "now");
}

std::vector<Playground> SelectPurgeable(soci::session& sql, WallMillis now, int64_t noticed_until,
                                        int limit) {
  return Select(sql,
                "WHERE state = 'ACTIVE' AND ended_served >= 0 AND ended_served <= :noticed "
                "AND expires_at <= :now ORDER BY ended_served, name LIMIT :limit",
                use(noticed_until, "noticed"), use(now, "now"), use(limit, "limit"));
}

int64_t UpdateLongLives(soci::session& sql, WallMillis now, int64_t longest_ms) {
  const WallMillis latest = now + longest_ms;
  soci::statement update =
      (sql.prepare << "UPDATE playground SET created_at = min(created_at, :now), "
                      "expires_at = min(expires_at, :latest) WHERE state = 'ACTIVE' "
                      "AND (expires_at > :latest OR created_at > :now)",
       use(now, "now"), use(latest, "latest"));
  update.execute(true);
  return update.get_affected_rows();
}

Result<std::string> SelectState(soci::session& sql, const std::string& name, int64_t generation) {
  std::string state;
  sql << "SELECT state FROM playground WHERE name = :name AND generation = :generation",
      use(name, "name"), use(generation, "generation"), into(state);
  if (!sql.got_data()) {
    return NotFound("playground " + Quoted(name, generation) + ": there never was one");
  }
  return state;
}

Status UpdateExpiry(soci::session& sql, const std::string& name, int64_t generation,
                    WallMillis expires_at) {
  soci::statement update =
      (sql.prepare << "UPDATE playground SET expires_at = :at, ended_served = -1 "
                      "WHERE name = :name AND generation = :generation AND state = 'ACTIVE'",
       use(expires_at, "at"), use(name, "name"), use(generation, "generation"));
  update.execute(true);
  if (update.get_affected_rows() == 1) return Status::Ok();
  return NotFound("extend playground " + Quoted(name, generation) +
                  ": there is none that is ACTIVE");
}

Status UpdateState(soci::session& sql, const std::string& name, int64_t generation,
                   const std::string& from, const std::string& to) {
  soci::statement update =
      (sql.prepare << "UPDATE playground SET state = :to WHERE name = :name "
                      "AND generation = :generation AND state = :from",
       use(to, "to"), use(name, "name"), use(generation, "generation"), use(from, "from"));
  update.execute(true);
  if (update.get_affected_rows() == 1) return Status::Ok();
  return Aborted("turn playground " + Quoted(name, generation) + " from " + from + " to " + to +
                 ": it is not " + from);
}

Result<Playground> ApplyChange(soci::session& sql, const std::string& name, int64_t generation,
                               const PlaygroundChange& change) {
  auto found = Select(sql, "WHERE name = :name AND generation = :generation AND state = 'ACTIVE'",
                      use(name, "name"), use(generation, "generation"));
  if (found.empty()) {
    return FailedPrecondition("change playground " + Quoted(name, generation) +
                              ": it is not ACTIVE");
  }
  if (change.expires_at) DCP_TRY(UpdateExpiry(sql, name, generation, *change.expires_at));
  for (const std::string& key : change.remove_labels) {
    sql << "DELETE FROM playground_label WHERE playground = :name AND generation = :generation "
           "AND label_key = :key",
        use(name, "name"), use(generation, "generation"), use(key, "key");
  }
  UpsertLabels(sql, name, generation, change.set_labels);
  Playground& playground = found.front();
  if (change.expires_at) {
    playground.expires_at = *change.expires_at;
    playground.ended_served = -1;
  }
  playground.labels.clear();
  SelectLabels(sql, playground);
  if (playground.labels.size() <= change.labels_max) return std::move(playground);
  return ResourceExhausted("labels: there would be " + std::to_string(playground.labels.size()) +
                           ", at most " + std::to_string(change.labels_max) + " are kept");
}

Status Expire(soci::session& sql, const std::string& name, int64_t generation, WallMillis now,
              int64_t noticed_until) {
  soci::statement update =
      (sql.prepare << "UPDATE playground SET state = 'DELETING' WHERE name = :name "
                      "AND generation = :generation AND state = 'ACTIVE' AND expires_at <= :now "
                      "AND ended_served >= 0 AND ended_served <= :noticed",
       use(name, "name"), use(generation, "generation"), use(now, "now"),
       use(noticed_until, "noticed"));
  update.execute(true);
  if (update.get_affected_rows() == 1) return Status::Ok();
  return Aborted("expire playground " + Quoted(name, generation) + ": its time is not over");
}

Status Bury(soci::session& sql, const std::string& name, int64_t generation, WallMillis now) {
  const auto state = SelectState(sql, name, generation);
  if (state.ok() && *state == kDeleted) return Status::Ok();
  if (state.ok()) {
    return Aborted("bury playground " + Quoted(name, generation) + ": it is " + *state);
  }
  // Nobody's: who owned it is what was lost.
  sql << "INSERT INTO playground (name, generation, owner, team, environment, state, created_at, "
         "expires_at) VALUES (:name, :generation, '', '', '', 'DELETED', :created_at, :expires_at)",
      use(name, "name"), use(generation, "generation"), use(now, "created_at"),
      use(now, "expires_at");
  return Status::Ok();
}

Status UpsertDataset(soci::session& sql, const Dataset& dataset) {
  int count = 0;
  sql << "SELECT count(*) FROM playground WHERE name = :name AND generation = :generation "
         "AND state <> 'DELETED'",
      use(dataset.playground, "name"), use(dataset.generation, "generation"), into(count);
  if (count == 0) {
    return NotFound("register " + dataset.name + ": there is no playground " +
                    Quoted(dataset.playground, dataset.generation));
  }
  sql << "INSERT INTO dataset (playground, generation, name, kind, spec_hash, spec_json, "
         "updated_at) VALUES (:playground, :generation, :name, :kind, :spec_hash, :spec_json, "
         ":updated_at) ON CONFLICT (playground, generation, name) DO UPDATE SET "
         "kind = excluded.kind, spec_hash = excluded.spec_hash, spec_json = excluded.spec_json, "
         "updated_at = excluded.updated_at",
      use(dataset.playground, "playground"), use(dataset.generation, "generation"),
      use(dataset.name, "name"), use(dataset.kind, "kind"), use(dataset.spec_hash, "spec_hash"),
      use(dataset.spec_json, "spec_json"), use(dataset.updated_at, "updated_at");
  return Status::Ok();
}

std::vector<Dataset> SelectDatasets(soci::session& sql, const std::string& playground,
                                    int64_t generation, const std::string& name) {
  std::vector<Dataset> found;
  Dataset row;
  row.playground = playground;
  row.generation = generation;
  soci::statement rows =
      (sql.prepare << "SELECT name, kind, spec_hash, spec_json, updated_at FROM dataset "
                      "WHERE playground = :playground AND generation = :generation "
                      "AND (:any = '' OR name = :name) ORDER BY name",
       use(playground, "playground"), use(generation, "generation"), use(name, "any"),
       use(name, "name"), into(row.name), into(row.kind), into(row.spec_hash), into(row.spec_json),
       into(row.updated_at));
  rows.execute();
  while (rows.fetch()) found.push_back(row);
  return found;
}

void RemoveDatasets(soci::session& sql, const std::string& playground, int64_t generation) {
  sql << "DELETE FROM dataset WHERE playground = :playground AND generation = :generation",
      use(playground, "playground"), use(generation, "generation");
}

void UpsertFact(soci::session& sql, const std::string& key, const std::string& value) {
  sql << "INSERT INTO fact (fact_key, fact_value) VALUES (:key, :value) "
         "ON CONFLICT (fact_key) DO UPDATE SET fact_value = excluded.fact_value",
      use(key, "key"), use(value, "value");
}

Result<std::string> SelectFact(soci::session& sql, const std::string& key) {
  std::string value;
  sql << "SELECT fact_value FROM fact WHERE fact_key = :key", use(key, "key"), into(value);
  if (!sql.got_data()) return NotFound("fact " + key + ": it was never put");
  return value;
}

}  // namespace dcp::store
