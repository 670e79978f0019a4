// SPDX-License-Identifier: Apache-2.0
#include "store/retention_rows.h"

#include <soci/soci.h>

#include <initializer_list>
#include <unordered_set>
#include <utility>

#include "store/run_rows.h"

namespace dcp::store {
namespace {

using soci::into;
using soci::use;

/// Rows and index entries of a run beside its texts.
constexpr char kRowBytes[] = "512";

int64_t Total(soci::session& sql, const std::string& query, const std::string& run_id) {
  int64_t total = 0;
  sql << query, use(run_id, "run_id"), into(total);
  return total;
}

void AddToUsage(soci::session& sql, const std::string& principal, int64_t runs, int64_t bytes) {
  sql << "INSERT INTO run_usage (principal, runs, kept_bytes) VALUES (:principal, :runs, :bytes) "
         "ON CONFLICT (principal) DO UPDATE SET runs = run_usage.runs + excluded.runs, "
         "kept_bytes = run_usage.kept_bytes + excluded.kept_bytes",
      use(principal, "principal"), use(runs, "runs"), use(bytes, "bytes");
}

/// What a principal keeps beyond its share, oldest first.
struct Excess {
  std::string principal;
  int64_t runs = 0;
  int64_t bytes = 0;
};

std::vector<Excess> SelectExcess(soci::session& sql, const Retention& retention) {
  std::vector<Excess> found;
  Excess row;
  soci::statement rows =
      (sql.prepare << "SELECT principal, runs - :runs_max, kept_bytes - :bytes_max FROM run_usage "
                      "WHERE runs > :runs_max OR kept_bytes > :bytes_max ORDER BY principal",
       use(retention.runs_per_principal, "runs_max"),
       use(retention.bytes_per_principal, "bytes_max"), into(row.principal), into(row.runs),
       into(row.bytes));
  rows.execute();
  while (rows.fetch()) found.push_back(row);
  return found;
}

/// Runs to remove, each once, up to a limit.
class Found {
 public:
  explicit Found(int limit) : limit_(static_cast<size_t>(limit)) {}
  bool Full() const { return runs_.size() >= limit_; }
  void Add(const RunBrief& run) {
    if (!Full() && ids_.insert(run.id).second) runs_.push_back(run);
  }
  std::vector<RunBrief> Take() { return std::move(runs_); }

 private:
  const size_t limit_;
  std::vector<RunBrief> runs_;
  std::unordered_set<std::string> ids_;
};

void AddOlderThan(soci::session& sql, const std::string& condition, WallMillis before, int limit,
                  Found& found) {
  RunBrief row;
  soci::statement rows =
      (sql.prepare << "SELECT id, command, state, kept_bytes FROM run WHERE " + condition +
                          " AND finished_at < :before ORDER BY finished_at LIMIT :limit",
       use(before, "before"), use(limit, "limit"), into(row.id), into(row.command), into(row.state),
       into(row.bytes));
  rows.execute();
  while (rows.fetch()) found.Add(row);
}

void AddExcess(soci::session& sql, Excess excess, int limit, Found& found) {
  RunBrief row;
  soci::statement rows =
      (sql.prepare << "SELECT id, command, state, kept_bytes FROM run "
                      "WHERE principal = :principal AND state IN ('SUCCEEDED', 'FAILED', "
                      "'CANCELLED') ORDER BY ordinal LIMIT :limit",
       use(excess.principal, "principal"), use(limit, "limit"), into(row.id), into(row.command),
       into(row.state), into(row.bytes));
  rows.execute();
  while ((excess.runs > 0 || excess.bytes > 0) && !found.Full() && rows.fetch()) {
    found.Add(row);
    --excess.runs;
    excess.bytes -= row.bytes;
  }
}

}  // namespace

void CountAsKept(soci::session& sql, const std::string& run_id, const std::string& principal) {
  sql << "DELETE FROM node_body WHERE run_id = :run_id", use(run_id, "run_id");
  const int64_t bytes =
      Total(sql, "SELECT coalesce(sum(length(body)), 0) FROM run_body WHERE run_id = :run_id",
            run_id) +
      Total(sql,
            std::string("SELECT coalesce(sum(length(error_json) + length(job_json) + "
                        "length(detail) + length(title) + ") +
                kRowBytes + "), 0) FROM node WHERE run_id = :run_id",
            run_id) +
      Total(sql,
            "SELECT coalesce(sum(length(detail) + 128), 0) FROM run_transition "
            "WHERE run_id = :run_id",
            run_id) +
      Total(
          sql,
          std::string("SELECT length(error_json) + ") + kRowBytes + " FROM run WHERE id = :run_id",
          run_id);
  sql << "UPDATE run SET kept_bytes = :bytes WHERE id = :id", use(bytes, "bytes"),
      use(run_id, "id");
  AddToUsage(sql, principal, 1, bytes);
}

void StripRuns(soci::session& sql, const std::string& playground, int64_t generation) {
  // A run that goes on is the deletion itself, which holds nothing of the data.
  const std::string of_them =
      "playground = :playground AND generation = :generation "
      "AND state IN ('SUCCEEDED', 'FAILED', 'CANCELLED')";
  const std::string by_run = "WHERE run_id IN (SELECT id FROM run WHERE " + of_them + ")";
  for (const std::string& statement : std::initializer_list<std::string>{
           // Before the bodies go: what they counted.
           "UPDATE run_usage SET kept_bytes = kept_bytes - (SELECT coalesce(sum(length(b.body)), "
           "0) FROM run_body b JOIN run ON run.id = b.run_id WHERE run.principal = "
           "run_usage.principal AND run.playground = :playground AND run.generation = :generation "
           "AND run.state IN ('SUCCEEDED', 'FAILED', 'CANCELLED')) WHERE principal IN "
           "(SELECT principal FROM run WHERE playground = :playground AND generation = "
           ":generation)",
           "UPDATE run SET kept_bytes = kept_bytes - (SELECT coalesce(sum(length(body)), 0) FROM "
           "run_body WHERE run_id = run.id) WHERE " +
               of_them,
           "DELETE FROM run_body " + by_run,
           "UPDATE node SET error_json = '', job_json = '', detail = '' " + by_run,
           // A failure's message may quote values of the data. The number of an attempt is no such
           // thing, and the order of a job's steps is read by it.
           "UPDATE run_transition SET detail = substr(detail, 1, length('attempt N failed')) " +
               by_run + " AND detail LIKE 'attempt %'",
           "UPDATE run_transition SET detail = '' " + by_run +
               " AND to_state IN ('SUCCEEDED', 'FAILED', 'CANCELLED', 'SKIPPED')",
           "UPDATE run SET error_json = '' WHERE " + of_them,
       }) {
    sql << statement, use(playground, "playground"), use(generation, "generation");
  }
}

std::vector<RunBrief> SelectRunsBeyond(soci::session& sql, const Retention& retention,
                                       WallMillis now, int limit) {
  Found found(limit);
  AddOlderThan(sql, "state IN ('SUCCEEDED', 'FAILED', 'CANCELLED')", now - retention.age_ms, limit,
               found);
  AddOlderThan(sql, "asked_for_files = 1 AND state IN ('SUCCEEDED', 'FAILED', 'CANCELLED')",
               now - retention.asked_age_ms, limit, found);
  for (const Excess& excess : SelectExcess(sql, retention)) {
    if (found.Full()) break;
    AddExcess(sql, excess, limit, found);
  }
  return found.Take();
}

Status DeleteRun(soci::session& sql, const std::string& run_id) {
  const auto found = SelectRunSummary(sql, run_id);
  if (found.status().code() == Code::kNotFound) return Status::Ok();
  DCP_ASSIGN(const RunSummary run, found);
  if (!IsTerminal(run.state)) {
    return FailedPrecondition("remove run " + run_id + ": it has not ended");
  }
  const int64_t bytes = Total(sql, "SELECT kept_bytes FROM run WHERE id = :run_id", run_id);
  AddToUsage(sql, run.principal, -1, -bytes);
  for (const char* statement : {
           "DELETE FROM node_body WHERE run_id = :run_id",
           "DELETE FROM run_body WHERE run_id = :run_id",
           "DELETE FROM run_transition WHERE run_id = :run_id",
           "DELETE FROM node WHERE run_id = :run_id",
           "DELETE FROM run WHERE id = :run_id",
       }) {
    sql << statement, use(run_id, "run_id");
  }
  return Status::Ok();
}

}  // namespace dcp::store
