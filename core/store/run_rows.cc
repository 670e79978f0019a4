// SPDX-License-Identifier: Apache-2.0
#include "store/run_rows.h"

#include <soci/soci.h>

#include <utility>

namespace dcp::store {
namespace {

using soci::into;
using soci::use;

constexpr char kRunColumns[] =
    "SELECT id, playground, generation, command, principal, team, environment, client_token, "
    "state, cancel_requested, created_at, finished_at, report_json, needs_files_json, error_json "
    "FROM run ";

template <typename... Bound>
std::vector<Run> Select(soci::session& sql, const std::string& condition, const Bound&... bound) {
  std::vector<Run> found;
  Run row;
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
  rows.exchange(into(row.report_json));
  rows.exchange(into(row.needs_files_json));
  rows.exchange(into(row.error_json));
  rows.alloc();
  rows.prepare(kRunColumns + condition);
  rows.define_and_bind();
  rows.execute();
  while (rows.fetch()) {
    row.cancel_requested = cancel_requested != 0;
    found.push_back(row);
  }
  return found;
}

/// Ids stand one a line: the graph room lets no line break into an id.
std::string JoinLines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    if (!text.empty()) text += '\n';
    text += line;
  }
  return text;
}

std::vector<std::string> SplitLines(const std::string& text) {
  std::vector<std::string> lines;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

/// Inserts the node, or replaces it unless it has ended: what is terminal stays as it is.
Status UpsertNode(soci::session& sql, const std::string& run_id, const Node& node) {
  const std::string after = JoinLines(node.after);
  const int always = node.always ? 1 : 0;
  soci::statement upsert =
      (sql.prepare
           << "INSERT INTO node (run_id, id, position, depth, capability, method, route, title, "
              "after_ids, always_runs, timeout_ms, request_json, state, attempt, started_at, "
              "finished_at, response_json, error_json, job_json, detail) VALUES (:run_id, :id, "
              ":position, :depth, :capability, :method, :route, :title, :after_ids, :always_runs, "
              ":timeout_ms, :request_json, :state, :attempt, :started_at, :finished_at, "
              ":response_json, :error_json, :job_json, :detail) ON CONFLICT (run_id, id) DO UPDATE "
              "SET title = excluded.title, request_json = excluded.request_json, "
              "state = excluded.state, attempt = excluded.attempt, "
              "started_at = excluded.started_at, finished_at = excluded.finished_at, "
              "response_json = excluded.response_json, error_json = excluded.error_json, "
              "job_json = excluded.job_json, detail = excluded.detail "
              "WHERE node.state IN ('PENDING', 'RUNNING')",
       use(run_id, "run_id"), use(node.id, "id"), use(node.position, "position"),
       use(node.depth, "depth"), use(node.capability, "capability"), use(node.method, "method"),
       use(node.route, "route"), use(node.title, "title"), use(after, "after_ids"),
       use(always, "always_runs"), use(node.timeout_ms, "timeout_ms"),
       use(node.request_json, "request_json"), use(node.state, "state"),
       use(node.attempt, "attempt"), use(node.started_at, "started_at"),
       use(node.finished_at, "finished_at"), use(node.response_json, "response_json"),
       use(node.error_json, "error_json"), use(node.job_json, "job_json"),
       use(node.detail, "detail"));
  upsert.execute(true);
  if (upsert.get_affected_rows() == 1) return Status::Ok();
  return Aborted("change node " + node.id + " of run " + run_id + ": it has ended");
}

void InsertTransition(soci::session& sql, const std::string& run_id, int64_t sequence,
                      const Transition& transition) {
  sql << "INSERT INTO run_transition (run_id, sequence, node_id, at, from_state, to_state, detail) "
         "VALUES (:run_id, :sequence, :node_id, :at, :from_state, :to_state, :detail)",
      use(run_id, "run_id"), use(sequence, "sequence"), use(transition.node_id, "node_id"),
      use(transition.at, "at"), use(transition.from, "from_state"), use(transition.to, "to_state"),
      use(transition.detail, "detail");
}

/// Nodes and transitions of a change, in order.
Status Append(soci::session& sql, const std::string& run_id, const std::vector<Node>& nodes,
              const std::vector<Transition>& transitions) {
  for (const Node& node : nodes) DCP_TRY(UpsertNode(sql, run_id, node));
  if (transitions.empty()) return Status::Ok();
  int64_t sequence = 0;
  sql << "SELECT coalesce(max(sequence), 0) FROM run_transition WHERE run_id = :run_id",
      use(run_id, "run_id"), into(sequence);
  for (const Transition& transition : transitions) {
    InsertTransition(sql, run_id, ++sequence, transition);
  }
  return Status::Ok();
}

/// What a run is made with does not change; what becomes of it does.
Status ReplaceRun(soci::session& sql, const std::string& run_id, const Run& run) {
  const int cancel_requested = run.cancel_requested ? 1 : 0;
  soci::statement update =
      (sql.prepare << "UPDATE run SET state = :state, cancel_requested = :cancel_requested, "
                      "finished_at = :finished_at, report_json = :report_json, "
                      "needs_files_json = :needs_files_json, error_json = :error_json "
                      "WHERE id = :id AND state IN ('PENDING', 'RUNNING')",
       use(run.state, "state"), use(cancel_requested, "cancel_requested"),
       use(run.finished_at, "finished_at"), use(run.report_json, "report_json"),
       use(run.needs_files_json, "needs_files_json"), use(run.error_json, "error_json"),
       use(run_id, "id"));
  update.execute(true);
  if (update.get_affected_rows() == 1) return Status::Ok();
  return Aborted("change run " + run_id + ": it has ended");
}

}  // namespace

Result<Run> InsertRun(soci::session& sql, const Run& run, const std::vector<Node>& nodes,
                      const std::vector<Transition>& transitions) {
  if (!run.client_token.empty()) {
    auto earlier = Select(sql, "WHERE principal = :principal AND client_token = :token",
                          use(run.principal, "principal"), use(run.client_token, "token"));
    if (!earlier.empty()) return std::move(earlier.front());
  }
  int64_t ordinal = 0;
  sql << "SELECT coalesce(max(ordinal), 0) + 1 FROM run", into(ordinal);
  const int cancel_requested = run.cancel_requested ? 1 : 0;
  sql << "INSERT INTO run (id, ordinal, playground, generation, command, principal, team, "
         "environment, "
         "client_token, state, cancel_requested, created_at, finished_at, report_json, "
         "needs_files_json, error_json) VALUES (:id, :ordinal, :playground, :generation, :command, "
         ":principal, :team, :environment, :client_token, :state, :cancel_requested, :created_at, "
         ":finished_at, :report_json, :needs_files_json, :error_json)",
      use(run.id, "id"), use(ordinal, "ordinal"), use(run.playground, "playground"),
      use(run.generation, "generation"), use(run.command, "command"),
      use(run.principal, "principal"), use(run.team, "team"), use(run.environment, "environment"),
      use(run.client_token, "client_token"), use(run.state, "state"),
      use(cancel_requested, "cancel_requested"), use(run.created_at, "created_at"),
      use(run.finished_at, "finished_at"), use(run.report_json, "report_json"),
      use(run.needs_files_json, "needs_files_json"), use(run.error_json, "error_json");
  DCP_TRY(Append(sql, run.id, nodes, transitions));
  return run;
}

Status UpdateRun(soci::session& sql, const std::string& run_id, const RunChange& change) {
  DCP_ASSIGN(const Run before, SelectRun(sql, run_id));
  if (IsTerminal(before.state)) return Aborted("change run " + run_id + ": it has ended");
  if (change.run) DCP_TRY(ReplaceRun(sql, run_id, *change.run));
  return Append(sql, run_id, change.nodes, change.transitions);
}

Result<Run> SelectRun(soci::session& sql, const std::string& run_id) {
  auto found = Select(sql, "WHERE id = :id", use(run_id, "id"));
  if (found.empty()) return NotFound("run " + run_id + ": there is none of that id");
  return std::move(found.front());
}

std::vector<Run> SelectRuns(soci::session& sql, const std::string& playground,
                            const std::string& principal, int limit) {
  return Select(sql,
                "WHERE (:any_playground = '' OR playground = :playground) "
                "AND (:any_principal = '' OR principal = :principal) "
                "AND needs_files_json = '' ORDER BY ordinal DESC LIMIT :limit",
                use(playground, "any_playground"), use(playground, "playground"),
                use(principal, "any_principal"), use(principal, "principal"), use(limit, "limit"));
}

std::vector<RunBrief> SelectRunsOf(soci::session& sql, const std::string& playground,
                                   int64_t generation) {
  std::vector<RunBrief> found;
  RunBrief row;
  soci::statement rows =
      (sql.prepare << "SELECT id, command, state FROM run WHERE playground = :playground "
                      "AND generation = :generation ORDER BY ordinal",
       use(playground, "playground"), use(generation, "generation"), into(row.id),
       into(row.command), into(row.state));
  rows.execute();
  while (rows.fetch()) found.push_back(row);
  return found;
}

void StripRuns(soci::session& sql, const std::string& playground, int64_t generation) {
  // A run that goes on is the deletion itself, which holds nothing of the data.
  const std::string of_them =
      "playground = :playground AND generation = :generation "
      "AND state IN ('SUCCEEDED', 'FAILED', 'CANCELLED')";
  const std::string by_run = "WHERE run_id IN (SELECT id FROM run WHERE " + of_them + ")";
  for (const std::string& statement : {
           "UPDATE node SET request_json = '', response_json = '', error_json = '', job_json = '', "
           "detail = '' " +
               by_run,
           // A failure's message may quote values of the data. The number of an attempt is no such
           // thing, and the order of a job's steps is read by it.
           "UPDATE run_transition SET detail = substr(detail, 1, length('attempt N failed')) " +
               by_run + " AND detail LIKE 'attempt %'",
           "UPDATE run_transition SET detail = '' " + by_run +
               " AND to_state IN ('SUCCEEDED', 'FAILED', 'CANCELLED', 'SKIPPED')",
           "UPDATE run SET report_json = '', error_json = '' WHERE " + of_them,
       }) {
    sql << statement, use(playground, "playground"), use(generation, "generation");
  }
}

std::vector<Run> SelectUnfinishedRuns(soci::session& sql) {
  return Select(sql, "WHERE state IN ('PENDING', 'RUNNING') ORDER BY ordinal");
}

std::vector<Node> SelectNodes(soci::session& sql, const std::string& run_id) {
  std::vector<Node> found;
  Node row;
  row.run_id = run_id;
  std::string after;
  int always = 0;
  soci::statement rows =
      (sql.prepare << "SELECT id, position, depth, capability, method, route, title, after_ids, "
                      "always_runs, timeout_ms, request_json, state, attempt, started_at, "
                      "finished_at, response_json, error_json, job_json, detail "
                      "FROM node WHERE run_id = :run_id ORDER BY position, id",
       use(run_id, "run_id"), into(row.id), into(row.position), into(row.depth),
       into(row.capability), into(row.method), into(row.route), into(row.title), into(after),
       into(always), into(row.timeout_ms), into(row.request_json), into(row.state),
       into(row.attempt), into(row.started_at), into(row.finished_at), into(row.response_json),
       into(row.error_json), into(row.job_json), into(row.detail));
  rows.execute();
  while (rows.fetch()) {
    row.after = SplitLines(after);
    row.always = always != 0;
    found.push_back(row);
  }
  return found;
}

std::vector<Transition> SelectTransitions(soci::session& sql, const std::string& run_id,
                                          int64_t after_sequence) {
  std::vector<Transition> found;
  Transition row;
  row.run_id = run_id;
  soci::statement rows =
      (sql.prepare << "SELECT sequence, node_id, at, from_state, to_state, detail "
                      "FROM run_transition WHERE run_id = :run_id AND sequence > :after "
                      "ORDER BY sequence",
       use(run_id, "run_id"), use(after_sequence, "after"), into(row.sequence), into(row.node_id),
       into(row.at), into(row.from), into(row.to), into(row.detail));
  rows.execute();
  while (rows.fetch()) found.push_back(row);
  return found;
}

}  // namespace dcp::store
