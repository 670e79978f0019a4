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
    : run_(std::move(run)), nodes_(std::move(nodes)) {
  for (size_t i = 0; i < nodes_.size(); ++i) index_[nodes_[i].id] = i;
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

void RunState::Record(const std::string& node_id, const std::string& from, const std::string& to,
                      WallMillis at, const std::string& detail) {
  if (node_id.empty()) {
    run_changed_ = true;
  } else {
    nodes_changed_.insert(node_id);
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
    Record(spec.id, "", store::kPending, at, "");
  }
  return Status::Ok();
}

RunState::Standing RunState::StandingOf(const store::Node& node) const {
  bool all_ended = true;
  bool all_succeeded = true;
  for (const std::string& id : node.after) {
    const store::Node* before = Find(id);
    const bool ended = before != nullptr && store::IsTerminal(before->state);
    all_ended = all_ended && ended;
    all_succeeded = all_succeeded && ended && before->state == store::kSucceeded;
  }
  if (!all_ended) return Standing::kWaiting;
  return all_succeeded || node.always ? Standing::kMayStart : Standing::kNever;
}

std::vector<std::string> RunState::Ready() const {
  std::vector<std::string> ready;
  for (const store::Node& node : nodes_) {
    if (node.state == store::kPending && StandingOf(node) == Standing::kMayStart) {
      ready.push_back(node.id);
    }
  }
  return ready;
}

void RunState::SkipBlocked(WallMillis at) {
  bool changed = true;
  while (changed) {  // a skipped node skips those behind it; each round skips at least one
    changed = false;
    for (const store::Node& node : nodes_) {
      if (node.state != store::kPending || StandingOf(node) != Standing::kNever) continue;
      MoveNode(node.id, store::kSkipped, at, "a node before it did not succeed");
      changed = true;
    }
  }
}

bool RunState::AllEnded() const {
  return std::all_of(nodes_.begin(), nodes_.end(),
                     [](const store::Node& node) { return store::IsTerminal(node.state); });
}

void RunState::Conclude(WallMillis at) {
  const FoundReport report = LastReport(nodes_);
  const store::Node* failed = FirstFailed(nodes_);
  const bool cut_short = std::any_of(nodes_.begin(), nodes_.end(), [](const store::Node& node) {
    return node.state == store::kCancelled;
  });
  if (report.node != nullptr) run_.report_json = report.answer.report_json;
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
  DCP_CHECK(!store::IsTerminal(node.state));
  Record(id, node.state, to, at, detail);
  if (to == store::kRunning && node.state == store::kPending) {
    ++node.attempt;
    if (node.started_at == 0) node.started_at = at;
  }
  if (store::IsTerminal(to)) node.finished_at = at;
  node.state = to;
  node.detail = detail;
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
  At(id).response_json = response_json;
  MoveNode(id, store::kSucceeded, at, "");
}

void RunState::Fail(const std::string& id, const Status& failure, const std::string& response_json,
                    WallMillis at) {
  store::Node& node = At(id);
  node.error_json = StatusToJson(failure);
  node.response_json = response_json;
  MoveNode(id, store::kFailed, at, failure.message());
}

void RunState::CancelNode(const std::string& id, WallMillis at, const std::string& detail) {
  At(id).error_json = StatusToJson(Cancelled(detail));
  MoveNode(id, store::kCancelled, at, detail);
}

void RunState::SetNeedsFiles(const std::string& json) {
  run_.needs_files_json = json;
  run_changed_ = true;
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
  if (run_changed_) change.run = run_;
  for (const store::Node& node : nodes_) {
    if (nodes_changed_.contains(node.id)) change.nodes.push_back(node);
  }
  change.transitions = std::move(transitions_);
  run_changed_ = false;
  nodes_changed_.clear();
  transitions_.clear();
  return change;
}

bool IsJob(const store::Node& node) {
  return (node.capability == "run_backend" && node.method == "Submit") || !node.job_json.empty();
}

bool MayBecomeJob(const store::Node& node) {
  return node.capability == "test_backend" && node.method == "Analyze";
}

}  // namespace dcp::graph
