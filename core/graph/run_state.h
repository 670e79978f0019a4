// SPDX-License-Identifier: Apache-2.0
//
// One run as a pure data structure: which nodes may start, which never will, what the run's end
// is, and the record of what changed since the store was last told. No threads, no clock, no I/O.
#pragma once

#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "graph/graph.h"
#include "store/store.h"

namespace dcp::graph {

class RunState {
 public:
  RunState(store::Run run, std::vector<store::Node> nodes);

  const store::Run& run() const { return run_; }
  const std::vector<store::Node>& nodes() const { return nodes_; }
  /// nullptr when there is none.
  const store::Node* Find(const std::string& id) const;

  /// Adds nodes that `depth` nodes stand above, or none of them: INTERNAL (or RESOURCE_EXHAUSTED)
  /// naming the node that breaks a rule.
  Status Add(const std::vector<NodeSpec>& specs, int32_t depth, WallMillis at);

  /// Ids of PENDING nodes that may start now, in order of creation.
  std::vector<std::string> Ready() const;
  /// Those of them that became so since the last call, in that order.
  std::vector<std::string> TakeReady();
  /// Turns every PENDING node that can never start into SKIPPED.
  void SkipBlocked(WallMillis at);
  bool AllEnded() const { return open_ == 0; }
  /// Decides the end of a run whose nodes have all ended.
  void Conclude(WallMillis at);

  // What happens; each is remembered for TakeChange().
  void MoveRun(const std::string& to, WallMillis at, const std::string& detail);
  void MoveNode(const std::string& id, const std::string& to, WallMillis at,
                const std::string& detail);
  void RequestCancel(const Status& why, WallMillis at);
  /// Ends what has not ended, whatever is known of it.
  void Abandon(const Status& why, WallMillis at);
  void Succeed(const std::string& id, const std::string& response_json, WallMillis at);
  void Fail(const std::string& id, const Status& failure, const std::string& response_json,
            WallMillis at);
  void CancelNode(const std::string& id, WallMillis at, const std::string& detail);
  void SetNeedsFiles(const std::string& json);
  /// A step of a job: the node stays RUNNING.
  void SetJob(const std::string& id, const std::string& job_json, int32_t attempt, WallMillis at,
              const std::string& detail);

  /// Everything since the last call (or the start), for Store::ChangeRun: bodies only where they
  /// are new.
  store::RunChange TakeChange();

 private:
  /// What a node waits for, and what of it the store was not told yet. Kept up to date by each
  /// move, so that no step of a run costs more the larger its graph is.
  struct Standing {
    std::vector<size_t> behind;  ///< nodes that stand after it
    size_t waits_for = 0;        ///< nodes before it that have not ended
    bool missed = false;         ///< one before it ended without success
    bool changed = false;
    bool new_request = false;
    bool new_response = false;
  };
  store::Node& At(const std::string& id);
  void Place(size_t index);
  void LeavePending(size_t index);
  void Ended(size_t index);
  void MarkChanged(size_t index);
  void SetResponse(const std::string& id, const std::string& response_json);
  void Record(const std::string& node_id, const std::string& from, const std::string& to,
              WallMillis at, const std::string& detail);

  store::Run run_;
  std::vector<store::Node> nodes_;
  std::vector<Standing> standing_;  // one for each of nodes_
  std::unordered_map<std::string, size_t> index_;
  size_t open_ = 0;         // nodes that have not ended
  std::set<size_t> ready_;  // PENDING, and nothing to wait for
  std::set<size_t> fresh_;  // of ready_, those that TakeReady has not answered
  std::set<size_t> never_;  // PENDING, and can never start
  bool run_changed_ = false;
  bool new_report_ = false;
  bool new_needs_files_ = false;
  std::vector<size_t> nodes_changed_;
  std::vector<store::Transition> transitions_;
};

/// Capabilities that a node may name.
bool IsCapability(const std::string& name);
/// A batch job: it has a life of its own that outlasts calls and daemons. Either from its
/// beginning, or since a call of it answered a process.
bool IsJob(const store::NodeSummary& node);
/// A call that may answer a process instead of what it was asked for.
bool MayBecomeJob(const store::NodeSummary& node);
/// "namespace.name" of the table that a node makes or writes, "" for any other node.
std::string WrittenTable(const std::string& capability, const std::string& method,
                         const std::string& request_json, const std::string& catalog);

}  // namespace dcp::graph
