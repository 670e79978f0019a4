// SPDX-License-Identifier: Apache-2.0
#include "store/run_rows.h"

#include <soci/soci.h>

#include <algorithm>
#include <utility>

#include "store/node_rows.h"
#include "store/retention_rows.h"

namespace dcp::store {
namespace {

using soci::into;
using soci::use;

constexpr char kRunColumns[] =
    "SELECT id, playground, generation, command, principal, team, environment, "
    "client_token, state, cancel_requested, created_at, finished_at, error_json FROM run ";

/// What of a summary is as long as people and plugins made it.
size_t BytesOf(const RunSummary& run) {
  return sizeof run + run.id.size() + run.playground.size() + run.principal.size() +
         run.client_token.size() + run.error_json.size();
}

/// Stops before the run with which the answer would hold more than `limit` runs or `bytes_max`
/// bytes, and says so.
struct Bounds {
  size_t limit = SIZE_MAX;
  size_t bytes_max = SIZE_MAX;
};

struct Selected {
  std::vector<RunSummary> runs;
  bool more = false;
};

template <typename... Bound>
Selected Select(soci::session& sql, const Bounds& bounds, const std::string& condition,
                const Bound&... bound) {
  Selected found;
  RunSummary row;
  int cancel_requested = 0;
  soci::statement rows(sql);
  (rows.exchange(bound), ...);
  rows.exchange(into(row.id));
  rows.exchange(into(row.playground));
  rows.exchange(into(row.generation));
  rows.exchange(into(row.command));
  rows.exchange(into(row.principal));
  rows.exchange(into(row.team));
  rows.exchange(into(row.environment));
  rows.exchange(into(row.client_token));
  rows.exchange(into(row.state));
  rows.exchange(into(cancel_requested));
  rows.exchange(into(row.created_at));
  rows.exchange(into(row.finished_at));
  rows.exchange(into(row.error_json));
  rows.alloc();
  rows.prepare(kRunColumns + condition);
  rows.define_and_bind();
  rows.execute();
  size_t bytes = 0;
  while (rows.fetch()) {
    bytes += BytesOf(row);
    // The first goes out whatever its size, or a list would never get past it.
    found.more =
        found.runs.size() >= bounds.limit || (!found.runs.empty() && bytes > bounds.bytes_max);
    if (found.more) break;
    row.cancel_requested = cancel_requested != 0;
    found.runs.push_back(row);
  }
  return found;
}

void ReadBodies(soci::session& sql, Run& run) {
  std::string part;
  std::string body;
  soci::statement rows = (sql.prepare << "SELECT part, body FROM run_body WHERE run_id = :run_id",
                          use(run.id, "run_id"), into(part), into(body));
  rows.execute();
  while (rows.fetch()) {
    (part == "report" ? run.report_json : run.needs_files_json) = body;
  }
}

void PutBody(soci::session& sql, const std::string& run_id, const std::string& part,
             const std::string& body) {
  if (body.empty()) return;
  sql << "INSERT INTO run_body (run_id, part, body) VALUES (:run_id, :part, :body) "
         "ON CONFLICT (run_id, part) DO UPDATE SET body = excluded.body",
      use(run_id, "run_id"), use(part, "part"), use(body, "body");
}

/// What a run is made with does not change; what becomes of it does.
Status ReplaceRun(soci::session& sql, const std::string& run_id, const Run& run) {
  const int cancel_requested = run.cancel_requested ? 1 : 0;
  const int asked_for_files = run.needs_files_json.empty() ? 0 : 1;
  soci::statement update =
      (sql.prepare << "UPDATE run SET state = :state, cancel_requested = :cancel_requested, "
                      "finished_at = :finished_at, error_json = :error_json, "
                      "asked_for_files = CASE WHEN :asked = 1 THEN 1 ELSE asked_for_files END "
                      "WHERE id = :id AND state IN ('PENDING', 'RUNNING')",
       use(run.state, "state"), use(cancel_requested, "cancel_requested"),
       use(run.finished_at, "finished_at"), use(run.error_json, "error_json"),
       use(asked_for_files, "asked"), use(run_id, "id"));
  update.execute(true);
  if (update.get_affected_rows() != 1) return Aborted("change run " + run_id + ": it has ended");
  PutBody(sql, run_id, "report", run.report_json);
  PutBody(sql, run_id, "needs_files", run.needs_files_json);
  return Status::Ok();
}

}  // namespace

Result<Run> InsertRun(soci::session& sql, const Run& run, const std::vector<Node>& nodes,
                      const std::vector<Transition>& transitions) {
  if (!run.client_token.empty()) {
    std::string earlier;
    sql << "SELECT id FROM run WHERE principal = :principal AND client_token = :token "
           "AND client_token <> ''",
        use(run.principal, "principal"), use(run.client_token, "token"), into(earlier);
    if (sql.got_data()) return SelectRun(sql, earlier);
  }
  int64_t ordinal = 0;
  sql << "SELECT coalesce(max(ordinal), 0) + 1 FROM run", into(ordinal);
  const int cancel_requested = run.cancel_requested ? 1 : 0;
  sql << "INSERT INTO run (id, ordinal, playground, generation, command, principal, team, "
         "environment, client_token, state, cancel_requested, created_at, finished_at, error_json) "
         "VALUES (:id, :ordinal, :playground, :generation, :command, :principal, :team, "
         ":environment, :client_token, :state, :cancel_requested, :created_at, :finished_at, "
         ":error_json)",
      use(run.id, "id"), use(ordinal, "ordinal"), use(run.playground, "playground"),
      use(run.generation, "generation"), use(run.command, "command"),
      use(run.principal, "principal"), use(run.team, "team"), use(run.environment, "environment"),
      use(run.client_token, "client_token"), use(run.state, "state"),
      use(cancel_requested, "cancel_requested"), use(run.created_at, "created_at"),
      use(run.finished_at, "finished_at"), use(run.error_json, "error_json");
  PutBody(sql, run.id, "report", run.report_json);
  PutBody(sql, run.id, "needs_files", run.needs_files_json);
  DCP_TRY(AppendToRun(sql, run.id, nodes, transitions));
  return run;
}

Status UpdateRun(soci::session& sql, const std::string& run_id, const RunChange& change) {
  DCP_ASSIGN(const RunSummary before, SelectRunSummary(sql, run_id));
  if (IsTerminal(before.state)) return Aborted("change run " + run_id + ": it has ended");
  if (change.run) DCP_TRY(ReplaceRun(sql, run_id, *change.run));
  DCP_TRY(AppendToRun(sql, run_id, change.nodes, change.transitions));
  if (change.run && IsTerminal(change.run->state)) CountAsKept(sql, run_id, before.principal);
  return Status::Ok();
}

Result<RunSummary> SelectRunSummary(soci::session& sql, const std::string& run_id) {
  auto found = Select(sql, {}, "WHERE id = :id", use(run_id, "id"));
  if (found.runs.empty()) return NotFound("run " + run_id + ": there is none of that id");
  return std::move(found.runs.front());
}

Result<Run> SelectRun(soci::session& sql, const std::string& run_id) {
  DCP_ASSIGN(RunSummary summary, SelectRunSummary(sql, run_id));
  Run run{std::move(summary), "", ""};
  ReadBodies(sql, run);
  return run;
}

Result<RunPage> SelectRunPage(soci::session& sql, const RunFilter& filter,
                              const std::string& before, int limit) {
  int64_t from = INT64_MAX;
  if (!before.empty()) {
    sql << "SELECT ordinal FROM run WHERE id = :id", use(before, "id"), into(from);
    if (!sql.got_data()) return NotFound("list runs before run " + before + ": it is gone");
  }
  const Bounds bounds{static_cast<size_t>(std::max(limit, 1)), kRunPageBytes};
  // One text for each filter, so that each is an index's own question.
  const std::string page = "ordinal < :before AND asked_for_files = 0 ORDER BY ordinal DESC";
  Selected found;
  if (filter.principal.empty() && filter.playground.empty()) {
    found = Select(sql, bounds, "WHERE " + page, use(from, "before"));
  } else if (filter.playground.empty()) {
    found = Select(sql, bounds, "WHERE principal = :principal AND " + page,
                   use(filter.principal, "principal"), use(from, "before"));
  } else if (filter.principal.empty()) {
    found = Select(sql, bounds, "WHERE playground = :playground AND " + page,
                   use(filter.playground, "playground"), use(from, "before"));
  } else {
    found =
        Select(sql, bounds, "WHERE principal = :principal AND playground = :playground AND " + page,
               use(filter.principal, "principal"), use(filter.playground, "playground"),
               use(from, "before"));
  }
  RunPage answer;
  if (found.more) answer.next = found.runs.back().id;
  answer.runs = std::move(found.runs);
  return answer;
}

std::vector<RunBrief> SelectRunsOf(soci::session& sql, const std::string& playground,
                                   int64_t generation) {
  std::vector<RunBrief> found;
  RunBrief row;
  soci::statement rows =
      (sql.prepare
           << "SELECT id, command, state, finished_at FROM run WHERE playground = :playground "
              "AND generation = :generation ORDER BY ordinal",
       use(playground, "playground"), use(generation, "generation"), into(row.id),
       into(row.command), into(row.state), into(row.finished_at));
  rows.execute();
  while (rows.fetch()) found.push_back(row);
  return found;
}

std::vector<Run> SelectUnfinishedRuns(soci::session& sql) {
  std::vector<Run> runs;
  auto found = Select(sql, {}, "WHERE state IN ('PENDING', 'RUNNING') ORDER BY ordinal");
  for (RunSummary& summary : found.runs) {
    runs.push_back({std::move(summary), "", ""});
    ReadBodies(sql, runs.back());
  }
  return runs;
}

}  // namespace dcp::store
