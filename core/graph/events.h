// SPDX-License-Identifier: Apache-2.0
//
// News of runs for those who watch: who is told, and the latest words of each node. Kept in memory
// only; what must last is in the store.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "graph/graph.h"

namespace dcp::graph {

/// [any]
class EventHub : public std::enable_shared_from_this<EventHub> {
 public:
  /// Something happened in the run. Calls listeners, so hold no lock that they might want.
  void Notify(const std::string& run_id);
  /// The newest words of a node replace its earlier ones.
  void Progress(const std::string& run_id, Event event);
  /// The node has ended: its words are no news any more.
  void ForgetProgress(const std::string& run_id, const std::string& node_id);
  /// The run has ended.
  void Forget(const std::string& run_id);

  /// Nothing when too many listen already.
  std::shared_ptr<void> Subscribe(const std::string& run_id, std::function<void()> notify);

  /// Counts all news of all runs.
  int64_t Version() const;
  /// Blocks until any run has news after `version` or the time is over. Few wait at a time: the
  /// caller looks at its own run and waits again.
  void WaitForNews(int64_t version, int64_t wait_ms);
  /// The latest words of each node that came after `version`.
  std::vector<Event> ProgressAfter(const std::string& run_id, int64_t version) const;

 private:
  struct Listener {
    Mutex mutex;  // held while `notify` runs, so that a dropped handle is never called again
    std::function<void()> notify DCP_GUARDED_BY(mutex);
  };
  struct Words {
    int64_t version = 0;
    Event event;
  };
  struct Handle;

  mutable Mutex mutex_;
  CondVar news_;
  int64_t version_ DCP_GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::map<std::string, Words>> words_ DCP_GUARDED_BY(mutex_);  // run, node
  std::multimap<std::string, std::shared_ptr<Listener>> listeners_ DCP_GUARDED_BY(mutex_);
};

}  // namespace dcp::graph
