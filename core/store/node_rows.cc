// SPDX-License-Identifier: Apache-2.0
#include "store/node_rows.h"

#include <soci/soci.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace dcp::store {
namespace {

using soci::into;
using soci::use;

constexpr char kNodeColumns[] =
    "SELECT run_id, id, position, depth, capability, method, route, title, after_ids, "
    "always_runs, timeout_ms, state, attempt, started_at, finished_at, error_json, job_json, "
    "detail FROM node ";

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

template <typename... Bound>
std::vector<NodeSummary> Select(soci::session& sql, const std::string& condition,
                                const Bound&... bound) {
  std::vector<NodeSummary> found;
  NodeSummary row;
  std::string after;
  int always = 0;
  soci::statement rows(sql);
  (rows.exchange(bound), ...);
  rows.exchange(into(row.run_id));
  rows.exchange(into(row.id));
  rows.exchange(into(row.position));
  rows.exchange(into(row.depth));
  rows.exchange(into(row.capability));
  rows.exchange(into(row.method));
  rows.exchange(into(row.route));
  rows.exchange(into(row.title));
  rows.exchange(into(after));
  rows.exchange(into(always));
  rows.exchange(into(row.timeout_ms));
  rows.exchange(into(row.state));
  rows.exchange(into(row.attempt));
  rows.exchange(into(row.started_at));
  rows.exchange(into(row.finished_at));
  rows.exchange(into(row.error_json));
  rows.exchange(into(row.job_json));
  rows.exchange(into(row.detail));
  rows.alloc();
  rows.prepare(kNodeColumns + condition);
  rows.define_and_bind();
  rows.execute();
  while (rows.fetch()) {
    row.after = SplitLines(after);
    row.always = always != 0;
    found.push_back(row);
  }
  return found;
}

void PutBody(soci::session& sql, const std::string& run_id, const std::string& node_id,
             const std::string& part, const std::string& body) {
  if (body.empty()) return;
  sql << "INSERT INTO node_body (run_id, node_id, part, body) VALUES (:run_id, :node_id, :part, "
         ":body) ON CONFLICT (run_id, node_id, part) DO UPDATE SET body = excluded.body",
      use(run_id, "run_id"), use(node_id, "node_id"), use(part, "part"), use(body, "body");
}

/// Inserts the node, or replaces it unless it has ended: what is terminal stays as it is.
Status UpsertNode(soci::session& sql, const std::string& run_id, const Node& node) {
  const std::string after = JoinLines(node.after);
  const int always = node.always ? 1 : 0;
  soci::statement upsert =
      (sql.prepare
           << "INSERT INTO node (run_id, id, position, depth, capability, method, route, title, "
              "after_ids, always_runs, timeout_ms, state, attempt, started_at, finished_at, "
              "error_json, job_json, detail) VALUES (:run_id, :id, :position, :depth, "
              ":capability, :method, :route, :title, :after_ids, :always_runs, :timeout_ms, "
              ":state, :attempt, :started_at, :finished_at, :error_json, :job_json, :detail) "
              "ON CONFLICT (run_id, id) DO UPDATE SET title = excluded.title, "
              "state = excluded.state, attempt = excluded.attempt, "
              "started_at = excluded.started_at, finished_at = excluded.finished_at, "
              "error_json = excluded.error_json, job_json = excluded.job_json, "
              "detail = excluded.detail WHERE node.state IN ('PENDING', 'RUNNING')",
       use(run_id, "run_id"), use(node.id, "id"), use(node.position, "position"),
       use(node.depth, "depth"), use(node.capability, "capability"), use(node.method, "method"),
       use(node.route, "route"), use(node.title, "title"), use(after, "after_ids"),
       use(always, "always_runs"), use(node.timeout_ms, "timeout_ms"), use(node.state, "state"),
       use(node.attempt, "attempt"), use(node.started_at, "started_at"),
       use(node.finished_at, "finished_at"), use(node.error_json, "error_json"),
       use(node.job_json, "job_json"), use(node.detail, "detail"));
  upsert.execute(true);
  if (upsert.get_affected_rows() != 1) {
    return Aborted("change node " + node.id + " of run " + run_id + ": it has ended");
  }
  PutBody(sql, run_id, node.id, "request", node.request_json);
  PutBody(sql, run_id, node.id, "response", node.response_json);
  return Status::Ok();
}

void InsertTransition(soci::session& sql, const std::string& run_id, int64_t sequence,
                      const Transition& transition) {
  sql << "INSERT INTO run_transition (run_id, sequence, node_id, at, from_state, to_state, detail) "
         "VALUES (:run_id, :sequence, :node_id, :at, :from_state, :to_state, :detail)",
      use(run_id, "run_id"), use(sequence, "sequence"), use(transition.node_id, "node_id"),
      use(transition.at, "at"), use(transition.from, "from_state"), use(transition.to, "to_state"),
      use(transition.detail, "detail");
}

}  // namespace

Status AppendToRun(soci::session& sql, const std::string& run_id, const std::vector<Node>& nodes,
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

std::vector<NodeSummary> SelectNodeSummaries(soci::session& sql, const std::string& run_id) {
  return Select(sql, "WHERE run_id = :run_id ORDER BY position, id", use(run_id, "run_id"));
}

Result<NodeSummary> SelectNodeSummary(soci::session& sql, const std::string& run_id,
                                      const std::string& node_id) {
  auto found =
      Select(sql, "WHERE run_id = :run_id AND id = :id", use(run_id, "run_id"), use(node_id, "id"));
  if (found.empty()) return NotFound("run " + run_id + " has no node " + node_id);
  return std::move(found.front());
}

std::vector<Node> SelectNodes(soci::session& sql, const std::string& run_id) {
  std::vector<Node> nodes;
  std::unordered_map<std::string, size_t> index;
  for (NodeSummary& summary : SelectNodeSummaries(sql, run_id)) {
    index[summary.id] = nodes.size();
    nodes.push_back({std::move(summary), "", ""});
  }
  std::string node_id;
  std::string part;
  std::string body;
  soci::statement rows =
      (sql.prepare << "SELECT node_id, part, body FROM node_body WHERE run_id = :run_id",
       use(run_id, "run_id"), into(node_id), into(part), into(body));
  rows.execute();
  while (rows.fetch()) {
    const auto node = index.find(node_id);
    if (node == index.end()) continue;
    Node& to = nodes[node->second];
    (part == "request" ? to.request_json : to.response_json) = body;
  }
  return nodes;
}

std::vector<Transition> SelectTransitions(soci::session& sql, const std::string& run_id,
                                          int64_t after_sequence, int limit) {
  std::vector<Transition> found;
  Transition row;
  row.run_id = run_id;
  soci::statement rows =
      (sql.prepare << "SELECT t.sequence, t.node_id, t.at, t.from_state, t.to_state, t.detail, "
                      "coalesce(node.title, '') FROM run_transition t "
                      "LEFT JOIN node ON node.run_id = t.run_id AND node.id = t.node_id "
                      "WHERE t.run_id = :run_id AND t.sequence > :after "
                      "ORDER BY t.sequence LIMIT :limit",
       use(run_id, "run_id"), use(after_sequence, "after"), use(limit, "limit"), into(row.sequence),
       into(row.node_id), into(row.at), into(row.from), into(row.to), into(row.detail),
       into(row.title));
  rows.execute();
  while (rows.fetch()) found.push_back(row);
  return found;
}

}  // namespace dcp::store
