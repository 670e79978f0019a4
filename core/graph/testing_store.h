// SPDX-License-Identifier: Apache-2.0
//
// Stores for this room's tests: one that has runs and nothing else, and one that keeps them in
// memory under the same rules as the real one.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "store/store.h"

namespace dcp::graph {

/// What the runner has no business with.
class RunsOnlyStore : public store::Store {
 public:
  Result<store::Playground> CreatePlayground(store::Playground) override { return No(); }
  Result<store::Playground> GetPlayground(const std::string&) override { return No(); }
  Result<std::vector<store::Playground>> ListPlaygrounds(const std::string&, const std::string&,
                                                         int) override {
    return No();
  }
  Result<int64_t> CountPlaygrounds(const std::string&) override { return No(); }
  Result<std::vector<store::Playground>> DeletingPlaygrounds(const std::string&, int) override {
    return No();
  }
  Result<std::string> PlaygroundState(const std::string&, int64_t) override { return No(); }
  Status SetPlaygroundExpiry(const std::string&, int64_t, WallMillis) override { return No(); }
  Result<store::Playground> ChangePlayground(const std::string&, int64_t,
                                             const store::PlaygroundChange&) override {
    return No();
  }
  Status ExpirePlayground(const std::string&, int64_t, WallMillis, int64_t) override {
    return No();
  }
  Status BuryPlayground(const std::string&, int64_t, WallMillis) override { return No(); }
  Status SetPlaygroundState(const std::string&, int64_t, const std::string&,
                            const std::string&) override {
    return No();
  }
  Result<std::vector<store::Playground>> NoticeEnds(WallMillis, int64_t, int) override {
    return No();
  }
  Status ForgetEnds(WallMillis) override { return No(); }
  Result<std::vector<store::Playground>> PurgeablePlaygrounds(WallMillis, int64_t, int) override {
    return No();
  }
  Result<int64_t> ShortenLives(WallMillis, int64_t) override { return No(); }
  Status PutDataset(const store::Dataset&) override { return No(); }
  Result<store::Dataset> GetDataset(const std::string&, int64_t, const std::string&) override {
    return No();
  }
  Result<std::vector<store::Dataset>> ListDatasets(const std::string&, int64_t) override {
    return No();
  }
  Status DeleteDatasets(const std::string&, int64_t) override { return No(); }
  Status ForgetRuns(const std::string&, int64_t) override { return No(); }
  Result<store::RunPage> ListRuns(const store::RunFilter&, const std::string&, int) override {
    return No();
  }
  Result<std::vector<store::RunBrief>> RunsBeyond(const store::Retention&, WallMillis,
                                                  int) override {
    return No();
  }
  Status RemoveRuns(const std::vector<std::string>&) override { return No(); }
  Result<std::vector<store::RunBrief>> RunsOf(const std::string&, int64_t) override { return No(); }
  Status PutFact(const std::string&, const std::string&) override { return No(); }
  Result<std::string> GetFact(const std::string&) override { return No(); }

 private:
  static Status No() { return Internal("not for the runner"); }
};

/// Another store under it; a test overrides what it is about.
class ForwardingStore : public RunsOnlyStore {
 public:
  explicit ForwardingStore(store::Store& real) : real_(real) {}

  Result<store::Run> CreateRun(const store::Run& run, const std::vector<store::Node>& nodes,
                               const std::vector<store::Transition>& transitions) override {
    return real_.CreateRun(run, nodes, transitions);
  }
  Status ChangeRun(const std::string& run_id, const store::RunChange& change) override {
    return real_.ChangeRun(run_id, change);
  }
  Result<store::Run> GetRun(const std::string& id) override { return real_.GetRun(id); }
  Result<store::RunSummary> GetRunSummary(const std::string& id) override {
    return real_.GetRunSummary(id);
  }
  Result<std::vector<store::Node>> GetNodes(const std::string& id) override {
    return real_.GetNodes(id);
  }
  Result<std::vector<store::NodeSummary>> GetNodeSummaries(const std::string& id) override {
    return real_.GetNodeSummaries(id);
  }
  Result<store::NodeSummary> GetNodeSummary(const std::string& id,
                                            const std::string& node_id) override {
    return real_.GetNodeSummary(id, node_id);
  }
  Result<std::vector<store::Transition>> GetTransitions(const std::string& id, int64_t after,
                                                        int limit) override {
    return real_.GetTransitions(id, after, limit);
  }
  Result<store::RunPage> ListRuns(const store::RunFilter& filter, const std::string& before,
                                  int limit) override {
    return real_.ListRuns(filter, before, limit);
  }
  Result<std::vector<store::Run>> UnfinishedRuns() override { return real_.UnfinishedRuns(); }

 protected:
  store::Store& real_;
};

/// A real store, which also remembers the bodies that nodes lose with their run's end: what a
/// runner asked and was answered can be looked at afterwards.
class RememberingStore : public ForwardingStore {
 public:
  /// Request and response by "RUN/NODE"; outlives one store, as what is remembered does.
  using Bodies = std::map<std::string, std::pair<std::string, std::string>>;
  RememberingStore(std::unique_ptr<store::Store> real, Bodies& bodies)
      : ForwardingStore(*real), owned_(std::move(real)), bodies_(bodies) {}

  Result<store::Run> CreateRun(const store::Run& run, const std::vector<store::Node>& nodes,
                               const std::vector<store::Transition>& transitions) override {
    Remember(run.id, nodes);
    return real_.CreateRun(run, nodes, transitions);
  }
  Status ChangeRun(const std::string& run_id, const store::RunChange& change) override {
    Remember(run_id, change.nodes);
    return real_.ChangeRun(run_id, change);
  }
  Result<std::vector<store::Node>> GetNodes(const std::string& id) override {
    DCP_ASSIGN(const store::RunSummary run, real_.GetRunSummary(id));
    DCP_ASSIGN(auto nodes, real_.GetNodes(id));
    if (!store::IsTerminal(run.state)) return nodes;
    const std::lock_guard lock(mutex_);
    for (store::Node& node : nodes) {
      const auto& [request, response] = bodies_[id + "/" + node.id];
      node.request_json = request;
      node.response_json = response;
    }
    return nodes;
  }

 private:
  void Remember(const std::string& run_id, const std::vector<store::Node>& nodes) {
    const std::lock_guard lock(mutex_);
    for (const store::Node& node : nodes) {
      auto& [request, response] = bodies_[run_id + "/" + node.id];
      if (!node.request_json.empty()) request = node.request_json;
      if (!node.response_json.empty()) response = node.response_json;
    }
  }

  const std::unique_ptr<store::Store> owned_;
  std::mutex mutex_;
  Bodies& bodies_;  // guarded by mutex_
};

/// Runs in memory. `fault` is asked before each write and each read: a failure it answers is what
/// the caller gets, and nothing has happened.
class MemoryStore : public RunsOnlyStore {
 public:
  std::function<Status(bool write)> fault = [](bool) { return Status(); };
  /// What has just been written of a run; the store is locked meanwhile.
  std::function<void(const std::string& run_id, const store::RunChange& change)> written;

  Result<store::Run> CreateRun(const store::Run& run, const std::vector<store::Node>& nodes,
                               const std::vector<store::Transition>& transitions) override {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();  // whatever comes of it
    DCP_TRY(fault(true));
    Kept& kept = runs_[run.id];
    kept.run = run;
    order_.push_back(run.id);
    DCP_TRY(Append(kept, nodes, transitions));
    return run;
  }
  Status ChangeRun(const std::string& run_id, const store::RunChange& change) override {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();  // whatever comes of it
    DCP_TRY(fault(true));
    const auto found = runs_.find(run_id);
    if (found == runs_.end()) return NotFound("run " + run_id);
    Kept next = found->second;
    if (store::IsTerminal(next.run.state)) return Aborted("run " + run_id + " has ended");
    if (change.run) Replace(next.run, *change.run);
    DCP_TRY(Append(next, change.nodes, change.transitions));
    found->second = std::move(next);
    if (written) written(run_id, change);
    return {};
  }
  Result<store::Run> GetRun(const std::string& run_id) override {
    return Look<store::Run>(run_id, [](const Kept& kept) { return kept.run; });
  }
  Result<std::vector<store::Node>> GetNodes(const std::string& run_id) override {
    return Look<std::vector<store::Node>>(run_id, [](const Kept& kept) { return kept.nodes; });
  }
  Result<store::RunSummary> GetRunSummary(const std::string& run_id) override {
    return Look<store::RunSummary>(run_id, [](const Kept& kept) { return kept.run; });
  }
  Result<std::vector<store::NodeSummary>> GetNodeSummaries(const std::string& run_id) override {
    return Look<std::vector<store::NodeSummary>>(run_id, [](const Kept& kept) {
      return std::vector<store::NodeSummary>(kept.nodes.begin(), kept.nodes.end());
    });
  }
  Result<store::NodeSummary> GetNodeSummary(const std::string& run_id,
                                            const std::string& node_id) override {
    DCP_ASSIGN(const auto nodes, GetNodeSummaries(run_id));
    for (const store::NodeSummary& node : nodes) {
      if (node.id == node_id) return node;
    }
    return NotFound("node " + node_id);
  }
  Result<std::vector<store::Transition>> GetTransitions(const std::string& run_id, int64_t after,
                                                        int limit) override {
    return Look<std::vector<store::Transition>>(run_id, [after, limit](const Kept& kept) {
      const size_t size = kept.history.size();
      const size_t skipped = std::min(static_cast<size_t>(after), size);
      const size_t end = std::min(size, skipped + static_cast<size_t>(limit));
      return std::vector(kept.history.begin() + static_cast<std::ptrdiff_t>(skipped),
                         kept.history.begin() + static_cast<std::ptrdiff_t>(end));
    });
  }
  Result<std::vector<store::Run>> UnfinishedRuns() override {
    const std::lock_guard lock(mutex_);
    DCP_TRY(fault(false));
    std::vector<store::Run> found;
    for (const std::string& id : order_) {
      if (!store::IsTerminal(runs_[id].run.state)) found.push_back(runs_[id].run);
    }
    return found;
  }

  std::vector<std::string> Ids() {
    const std::lock_guard lock(mutex_);
    return order_;
  }
  std::vector<std::string> Unended() {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> found;
    for (const std::string& id : order_) {
      if (!store::IsTerminal(runs_[id].run.state)) found.push_back(id);
    }
    return found;
  }
  /// Blocks until `done` (asked under the lock, after each write) or the time is over.
  bool Await(std::chrono::milliseconds patience, const std::function<bool()>& done) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, done);
  }
  /// For `done` of Await().
  bool AllEnded() const {
    return std::all_of(runs_.begin(), runs_.end(),
                       [](const auto& entry) { return store::IsTerminal(entry.second.run.state); });
  }

 private:
  struct Kept {
    store::Run run;
    std::vector<store::Node> nodes;
    std::vector<store::Transition> history;
  };

  /// An empty body says nothing new.
  static void Replace(store::Run& kept, store::Run next) {
    if (next.report_json.empty()) next.report_json = kept.report_json;
    if (next.needs_files_json.empty()) next.needs_files_json = kept.needs_files_json;
    kept = std::move(next);
  }
  static void Replace(store::Node& kept, store::Node next) {
    if (next.request_json.empty()) next.request_json = kept.request_json;
    if (next.response_json.empty()) next.response_json = kept.response_json;
    kept = std::move(next);
  }
  static Status Append(Kept& kept, const std::vector<store::Node>& nodes,
                       const std::vector<store::Transition>& transitions) {
    for (const store::Node& node : nodes) {
      const auto same = [&](const store::Node& other) { return other.id == node.id; };
      const auto found = std::find_if(kept.nodes.begin(), kept.nodes.end(), same);
      if (found == kept.nodes.end()) {
        kept.nodes.push_back(node);
      } else if (store::IsTerminal(found->state)) {
        return Aborted("node " + node.id + " has ended");
      } else {
        Replace(*found, node);
      }
    }
    for (const store::Transition& transition : transitions) {
      kept.history.push_back(transition);
      kept.history.back().sequence = static_cast<int64_t>(kept.history.size());
    }
    return {};
  }

  template <typename T, typename Body>
  Result<T> Look(const std::string& run_id, const Body& body) {
    const std::lock_guard lock(mutex_);
    DCP_TRY(fault(false));
    const auto found = runs_.find(run_id);
    if (found == runs_.end()) return NotFound("run " + run_id);
    return T(body(found->second));
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Kept> runs_;  // guarded by mutex_
  std::vector<std::string> order_;    // guarded by mutex_
};

}  // namespace dcp::graph
