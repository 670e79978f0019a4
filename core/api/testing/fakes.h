// SPDX-License-Identifier: Apache-2.0
//
// For tests of this room and of the CLI: a runner whose runs go where the test says, over the real
// store, and a catalog that only knows its address.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/id.h"
#include "catalog/catalog.h"
#include "graph/graph.h"
#include "store/store.h"

namespace dcp::api::testing {

class FakeRunner final : public graph::Runner {
 public:
  FakeRunner(store::Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  /// Asked before each Start; an error is its answer.
  std::function<Status()> before_start;
  /// Called at the end of each Start of a run that is new.
  std::function<void(const store::Run& run)> on_start;
  std::atomic<int> lost_answers = 0;                   ///< of the next Starts, which do their work
  std::function<void()> on_subscribe;                  ///< a watch stands
  std::map<std::string, std::string> job_directories;  ///< by node id

  Status Recover() override { return {}; }

  Result<store::Run> Start(const graph::StartRequest& request) override {
    if (before_start) DCP_TRY(before_start());
    store::Run run;
    run.id = NewRunId();
    run.playground = request.playground;
    run.generation = request.generation;
    run.command = request.command;
    run.principal = request.principal;
    run.client_token = request.client_token;
    run.created_at = clock_.Wall();
    std::vector<store::Node> nodes;
    for (const graph::NodeSpec& spec : request.nodes) {
      nodes.push_back(NodeOf(run.id, spec));
      nodes.back().position = static_cast<int64_t>(nodes.size()) - 1;
      if (job_directories.contains(spec.id)) nodes.back().job_json = "{}";
    }
    store::Transition made{run.id, 0, "", clock_.Wall(), "", store::kPending, ""};
    DCP_ASSIGN(const store::Run stored, store_.CreateRun(run, nodes, {made}));
    {
      const std::lock_guard lock(mutex_);
      started_.push_back(request);
    }
    if (on_start && stored.id == run.id) on_start(stored);
    if (lost_answers > 0) {
      --lost_answers;
      return Unavailable("the answer is lost");
    }
    return store_.GetRun(stored.id);
  }

  Status Cancel(const std::string& run_id, const std::string&) override {
    return Finish(run_id, store::kCancelled);
  }

  Result<bool> Abandon(const std::string& run_id, const std::string& by) override {
    DCP_ASSIGN(store::Run run, store_.GetRun(run_id));
    if (store::IsTerminal(run.state)) return true;
    if (run.cancel_requested) {
      DCP_TRY(Finish(run_id, store::kCancelled));
      return true;
    }
    store::RunChange change;
    run.cancel_requested = true;
    change.transitions.push_back({run_id, 0, "", clock_.Wall(), run.state, run.state, by});
    change.run = run;
    DCP_TRY(Change(run_id, change));
    return false;
  }

  Result<std::vector<graph::Event>> WaitEvents(const std::string& run_id, int64_t after_sequence,
                                               int64_t) override {
    DCP_ASSIGN(const auto transitions,
               store_.GetTransitions(run_id, after_sequence, graph::kEventsMax));
    std::vector<graph::Event> events;
    for (const auto& one : transitions) {
      events.push_back({one.sequence, one.at, one.node_id, one.node_id, one.to, one.detail});
    }
    return events;
  }

  std::shared_ptr<void> Subscribe(const std::string& run_id,
                                  std::function<void()> notify) override {
    auto shared = std::make_shared<std::function<void()>>(std::move(notify));
    {
      const std::lock_guard lock(mutex_);
      listeners_.emplace(run_id, shared);
    }
    if (on_subscribe) on_subscribe();
    return shared;
  }

  Result<std::string> JobDirectory(const std::string&, const std::string& node_id) override {
    const std::lock_guard lock(mutex_);
    const auto found = job_directories.find(node_id);
    if (found != job_directories.end()) return found->second;
    return NotFound("this node has no job");
  }

  // --- what a test does to a run ---------------------------------------------------------------
  Status SetNode(const std::string& run_id, const std::string& node_id, const std::string& state) {
    DCP_ASSIGN(auto nodes, store_.GetNodes(run_id));
    store::RunChange change;
    for (store::Node& node : nodes) {
      if (node.id != node_id) continue;
      change.transitions.push_back({run_id, 0, node_id, clock_.Wall(), node.state, state, ""});
      node.state = state;
      (state == store::kRunning ? node.started_at : node.finished_at) = clock_.Wall();
      change.nodes.push_back(node);
    }
    return Change(run_id, change);
  }
  Status AddNode(const std::string& run_id, const graph::NodeSpec& spec) {
    DCP_ASSIGN(const auto nodes, store_.GetNodes(run_id));
    store::RunChange change;
    change.nodes.push_back(NodeOf(run_id, spec));
    change.nodes.back().position = static_cast<int64_t>(nodes.size());
    return Change(run_id, change);
  }
  Status Finish(const std::string& run_id, const std::string& state,
                const std::string& report_json = "", const std::string& needs_files_json = "",
                const std::string& error_json = "") {
    DCP_ASSIGN(store::Run run, store_.GetRun(run_id));
    if (store::IsTerminal(run.state)) return {};
    store::RunChange change;
    change.transitions.push_back({run_id, 0, "", clock_.Wall(), run.state, state, ""});
    run.state = state;
    run.finished_at = clock_.Wall();
    run.report_json = report_json;
    run.needs_files_json = needs_files_json;
    run.error_json = error_json;
    change.run = run;
    return Change(run_id, change);
  }
  std::vector<graph::StartRequest> started() const {
    const std::lock_guard lock(mutex_);
    return started_;
  }
  /// Watchers that have not gone away.
  size_t Subscriptions() const {
    const std::lock_guard lock(mutex_);
    size_t count = 0;
    for (const auto& [run, listener] : listeners_) count += listener.expired() ? 0U : 1U;
    return count;
  }

 private:
  static store::Node NodeOf(const std::string& run_id, const graph::NodeSpec& spec) {
    store::Node node;
    node.run_id = run_id;
    node.id = spec.id;
    node.capability = spec.capability;
    node.method = spec.method;
    node.title = spec.title;
    node.after = spec.after;
    node.request_json = spec.request_json;
    return node;
  }
  Status Change(const std::string& run_id, const store::RunChange& change) {
    DCP_TRY(store_.ChangeRun(run_id, change));
    std::vector<std::shared_ptr<std::function<void()>>> told;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [run, listener] : listeners_) {
        if (auto alive = listener.lock(); alive != nullptr && run == run_id) told.push_back(alive);
      }
    }
    for (const auto& listener : told) (*listener)();
    return {};
  }

  store::Store& store_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::vector<graph::StartRequest> started_;
  std::multimap<std::string, std::weak_ptr<std::function<void()>>> listeners_;
};

class FakeCatalog final : public catalog::Catalog {
 public:
  int port() const override { return 4321; }
  std::string EndpointFor(const std::string& playground) const override {
    return "http://127.0.0.1:4321/pg/" + playground;
  }
  catalog::Receipt ReceiptFor(const std::string&, int64_t, const std::string&) const override {
    return {};
  }
  Result<catalog::TableState> EnsureTable(const store::Playground&, const catalog::TableSpec&,
                                          const catalog::Patience&) override {
    return Unavailable("this catalog has no tables");
  }
  Result<catalog::TableInfo> DescribeTable(const store::Playground&, const std::string&,
                                           const catalog::Patience&) override {
    return Unavailable("this catalog has no tables");
  }
  Result<int64_t> Purge(const std::string&, int64_t, const catalog::Patience&) override {
    return int64_t{0};
  }
  Result<catalog::Footprint> Measure(const std::string&, int64_t) override {
    return catalog::Footprint();
  }
  Result<catalog::Traces> FindTraces() override { return catalog::Traces(); }
  Status ProbeProductionWrite(const store::Playground&, const std::string&) override { return {}; }
  std::vector<catalog::UpstreamState> Upstreams() const override { return {}; }
};

}  // namespace dcp::api::testing
