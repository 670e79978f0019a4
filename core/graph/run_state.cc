// SPDX-License-Identifier: Apache-2.0
#include "graph/run_state.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "graph/admission.h"
#include "graph/answers.h"
#include "graph/status_json.h"

namespace dcp::graph {
namespace {

/// Nodes end at the same millisecond; then the later made one is the later one.
auto EndOrder(const store::Node& node) { return std::tuple(node.finished_at, node.position); }

/// The report that was answered last, if any node answered one.
struct FoundReport {
  const store::Node* node = nullptr;
  ResourceAnswer answer;
};

FoundReport LastReport(const std::vector<store::Node>& nodes) {
  FoundReport found;
  for (const store::Node& node : nodes) {
    if (node.capability != "resource" || node.state != store::kSucceeded) continue;
    if (found.node != nullptr && EndOrder(node) < EndOrder(*found.node)) continue;
    auto answer = ParseResourceAnswer(node.response_json);
    if (!answer.ok() || answer->kind != ResourceAnswer::Kind::kReport) continue;
    found = {&node, std::move(*answer)};
  }
  return found;
}

const store::Node* FirstFailed(const std::vector<store::Node>& nodes) {
  const store::Node* first = nullptr;
  for (const store::Node& node : nodes) {
    if (node.state != store::kFailed) continue;
    if (first == nullptr || EndOrder(node) < EndOrder(*first)) first = &node;
  }
  return first;
}

}  // namespace

RunState::RunState(store::Run run, std::vector<store::Node> nodes)
    : run_(std::move(run)), nodes_(std::move(nodes)), standing_(nodes_.size()) {
  for (size_t i = 0; i < nodes_.size(); ++i) index_[nodes_[i].id] = i;
  for (size_t i = 0; i < nodes_.size(); ++i) Place(i);
}

const store::Node* RunState::Find(const std::string& id) const {
  const auto found = index_.find(id);
  return found == index_.end() ? nullptr : &nodes_[found->second];
}

store::Node& RunState::At(const std::string& id) {
  const auto found = index_.find(id);
  DCP_CHECK(found != index_.end());
  return nodes_[found->second];
}

/// Counts what the node waits for, and tells those before it that it does.
void RunState::Place(size_t index) {
  const store::Node& node = nodes_[index];
  Standing& standing = standing_[index];
  for (const std::string& id : node.after) {
    const auto found = index_.find(id);
    if (found == index_.end()) {
      ++standing.waits_for;  // for ever; CheckNodes lets no such node in
      continue;
    }
    const store::Node& before = nodes_[found->second];
    standing_[found->second].behind.push_back(index);
    if (!store::IsTerminal(before.state)) ++standing.waits_for;
    standing.missed |= store::IsTerminal(before.state) && before.state != store::kSucceeded;
  }
  if (!store::IsTerminal(node.state)) ++open_;
  if (node.state != store::kPending || standing.waits_for > 0) return;
  if (standing.missed && !node.always) {
    never_.insert(index);
  } else {
    ready_.insert(index);
    fresh_.insert(index);
  }
}

void RunState::LeavePending(size_t index) {
  ready_.erase(index);
  fresh_.erase(index);
  never_.erase(index);
}

void RunState::Ended(size_t index) {
  --open_;
  const bool succeeded = nodes_[index].state == store::kSucceeded;
  for (const size_t behind : standing_[index].behind) {
    Standing& standing = standing_[behind];
    --standing.waits_for;
    standing.missed |= !succeeded;
    if (standing.waits_for > 0 || nodes_[behind].state != store::kPending) continue;
    if (standing.missed && !nodes_[behind].always) {
      never_.insert(behind);
    } else {
      ready_.insert(behind);
      fresh_.insert(behind);
    }
  }
}

void RunState::MarkChanged(size_t index) {
  if (std::exchange(standing_[index].changed, true)) return;
  nodes_changed_.push_back(index);
}

void RunState::Record(const std::string& node_id, const std::string& from, const std::string& to,
                      WallMillis at, const std::string& detail) {
  if (node_id.empty()) {
    run_changed_ = true;
  } else {
    MarkChanged(index_.at(node_id));
  }
  transitions_.push_back({run_.id, 0, node_id, at, from, to, detail});
}

Status RunState::Add(const std::vector<NodeSpec>& specs, int32_t depth, WallMillis at) {
  DCP_TRY(CheckNodes(nodes_, specs, depth));
  for (const NodeSpec& spec : specs) {
    store::Node node;
    node.run_id = run_.id;
    node.id = spec.id;
    node.position = static_cast<int64_t>(nodes_.size());
    node.depth = depth;
    node.capability = spec.capability;
    node.method = spec.method;
    node.route = spec.route;
    node.title = spec.title;
    node.after = spec.after;
    node.always = spec.always;
    node.timeout_ms = spec.timeout_ms;
    node.request_json = spec.request_json;
    index_[node.id] = nodes_.size();
    nodes_.push_back(std::move(node));
    standing_.emplace_back().new_request = true;
    Record(spec.id, "", store::kPending, at, "");
  }
  // When all are there: they may stand after each other in any order.
  for (size_t i = nodes_.size() - specs.size(); i < nodes_.size(); ++i) Place(i);
  return Status::Ok();
}

std::vector<std::string> RunState::Ready() const {
  std::vector<std::string> ready;
  for (const size_t index : ready_) ready.push_back(nodes_[index].id);
  return ready;
}

std::vector<std::string> RunState::TakeReady() {
  std::vector<std::string> ready;
  for (const size_t index : std::exchange(fresh_, {})) ready.push_back(nodes_[index].id);
  return ready;
}

void RunState::SkipBlocked(WallMillis at) {
  while (!never_.empty()) {  // a skipped node adds those behind it
    MoveNode(nodes_[*never_.begin()].id, store::kSkipped, at, "a node before it did not succeed");
  }
}

void RunState::Conclude(WallMillis at) {
  const FoundReport report = LastReport(nodes_);
  const store::Node* failed = FirstFailed(nodes_);
  const bool cut_short = std::any_of(nodes_.begin(), nodes_.end(), [](const store::Node& node) {
    return node.state == store::kCancelled;
  });
  if (report.node != nullptr) {
    run_.report_json = report.answer.report_json;
    new_report_ = true;
  }
  std::string state = store::kSucceeded;
  if (cut_short || (run_.cancel_requested && report.node == nullptr)) {
    state = store::kCancelled;
  } else if (report.node != nullptr) {
    if (report.answer.report_status == "FAILED") state = store::kFailed;
    if (report.answer.report_status == "CANCELLED") state = store::kCancelled;
    run_.error_json.clear();
  } else if (failed != nullptr) {
    state = store::kFailed;
    run_.error_json = failed->error_json;
  } else if (!run_.needs_files_json.empty()) {
    state = store::kFailed;
  }
  if (state == store::kCancelled && run_.error_json.empty()) {
    run_.error_json = StatusToJson(Cancelled("a step of the run was cancelled"));
  }
  run_.finished_at = at;
  MoveRun(state, at, "");
}

void RunState::MoveRun(const std::string& to, WallMillis at, const std::string& detail) {
  Record("", run_.state, to, at, detail);
  run_.state = to;
}

void RunState::MoveNode(const std::string& id, const std::string& to, WallMillis at,
                        const std::string& detail) {
  store::Node& node = At(id);
  const size_t index = index_.at(id);
  DCP_CHECK(!store::IsTerminal(node.state));
  Record(id, node.state, to, at, detail);
  if (to == store::kRunning && node.state == store::kPending) {
    ++node.attempt;
    if (node.started_at == 0) node.started_at = at;
  }
  if (node.state == store::kPending) LeavePending(index);
  node.state = to;
  node.detail = detail;
  if (to == store::kPending) {  // it had begun, so it has nothing to wait for
    ready_.insert(index);
    fresh_.insert(index);
  }
  if (!store::IsTerminal(to)) return;
  node.finished_at = at;
  Ended(index);
}

void RunState::RequestCancel(const Status& why, WallMillis at) {
  run_.cancel_requested = true;
  run_.error_json = StatusToJson(why);
  MoveRun(run_.state, at, why.message());
  for (const store::Node& node : nodes_) {
    if (node.state == store::kPending) CancelNode(node.id, at, "the run was cancelled");
  }
}

void RunState::Abandon(const Status& why, WallMillis at) {
  run_.error_json = StatusToJson(why);
  MoveRun(run_.state, at, why.message());
  for (const store::Node& node : nodes_) {
    if (!store::IsTerminal(node.state)) CancelNode(node.id, at, why.message());
  }
}

void RunState::Succeed(const std::string& id, const std::string& response_json, WallMillis at) {
  SetResponse(id, response_json);
  MoveNode(id, store::kSucceeded, at, "");
}

void RunState::SetResponse(const std::string& id, const std::string& response_json) {
  At(id).response_json = response_json;
  standing_[index_.at(id)].new_response = true;
}

void RunState::Fail(const std::string& id, const Status& failure, const std::string& response_json,
                    WallMillis at) {
  At(id).error_json = StatusToJson(failure);
  SetResponse(id, response_json);
  MoveNode(id, store::kFailed, at, failure.message());
}

void RunState::CancelNode(const std::string& id, WallMillis at, const std::string& detail) {
  At(id).error_json = StatusToJson(Cancelled(detail));
  MoveNode(id, store::kCancelled, at, detail);
}

void RunState::SetNeedsFiles(const std::string& json) {
  run_.needs_files_json = json;
  run_changed_ = true;
  new_needs_files_ = true;
}

void RunState::SetJob(const std::string& id, const std::string& job_json, int32_t attempt,
                      WallMillis at, const std::string& detail) {
  store::Node& node = At(id);
  node.job_json = job_json;
  node.attempt = std::max(node.attempt, attempt);
  MoveNode(id, store::kRunning, at, detail);
}

store::RunChange RunState::TakeChange() {
  store::RunChange change;
  if (run_changed_) {
    change.run.emplace(store::Run{static_cast<const store::RunSummary&>(run_), "", ""});
    if (new_report_) change.run->report_json = run_.report_json;
    if (new_needs_files_) change.run->needs_files_json = run_.needs_files_json;
  }
  std::sort(nodes_changed_.begin(), nodes_changed_.end());
  for (const size_t index : nodes_changed_) {
    const store::Node& node = nodes_[index];
    Standing& standing = standing_[index];
    change.nodes.push_back({static_cast<const store::NodeSummary&>(node), "", ""});
    if (standing.new_request) change.nodes.back().request_json = node.request_json;
    if (standing.new_response) change.nodes.back().response_json = node.response_json;
    standing.changed = standing.new_request = standing.new_response = false;
  }
  change.transitions = std::move(transitions_);
  run_changed_ = new_report_ = new_needs_files_ = false;
  nodes_changed_.clear();
  transitions_.clear();
  return change;
}

bool IsJob(const store::NodeSummary& node) {
  return (node.capability == "run_backend" && node.method == "Submit") || !node.job_json.empty();
}

bool MayBecomeJob(const store::NodeSummary& node) {
  return node.capability == "test_backend" && node.method == "Analyze";
}

}  // namespace dcp::graph
