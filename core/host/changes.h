// SPDX-License-Identifier: Apache-2.0
//
// What is configured, and going over from one configuration to the next while calls run.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "host/host.h"
#include "host/instance.h"
#include "host/plugin_store.h"
#include "host/registry.h"
#include "host/router.h"
#include "host/supervision.h"

namespace dcp::host {

/// What is configured at one time. Never changed once it serves; a change makes the next one.
struct Generation {
  explicit Generation(const Settings& settings)
      : router(settings.routes), directories(settings.directories) {}

  const Router router;
  const std::vector<std::string> directories;  ///< where plugins are looked for
  std::map<std::string, std::shared_ptr<Instance>> instances;
};

/// What outlives an instance, for whatever takes its place under the same id.
struct Observed {
  std::shared_ptr<Counters> counters = std::make_shared<Counters>();
  std::shared_ptr<Journal> journal = std::make_shared<Journal>();
};

/// What a change is about, beside the settings.
struct Wish {
  bool only = false;                          ///< whom it does not name is left as it is
  std::set<std::string> anew;                 ///< instances to start although nothing changed
  std::map<std::string, Decision> decisions;  ///< kept on disk before they hold
};

class Changes {
 public:
  /// Starts every instance and waits for the outcome; one that fails stays listed.
  Changes(Settings settings, std::unique_ptr<PluginStore> store);
  Changes(const Changes&) = delete;
  Changes& operator=(const Changes&) = delete;

  std::shared_ptr<const Generation> Present() const;  ///< [any]
  PluginStore& store() { return *store_; }
  void Wake() { supervision_.Wake(); }

  /// One at a time; the next waits.
  std::unique_lock<std::mutex> Begin() { return std::unique_lock(change_mutex_); }
  /// Under Begin(): the settings that hold.
  const Settings& settings() const { return settings_; }
  /// Under Begin(): new and changed instances must become READY and offer what routes want of them,
  /// or nothing changes and the reason is answered. blocks
  Result<Reloaded> Apply(Settings settings, const Wish& wish,
                         const std::function<bool()>& cancelled);
  /// Under Begin().
  Registry Discover(const Settings& settings);
  /// The content that an instance is to run by these settings and that decision. [any] blocks
  Result<StoredPlugin> FileFor(const Settings& settings, const InstanceSettings& own,
                               const Registry& registry, const Decision& decision);

 private:
  struct Change;

  std::shared_ptr<Instance> Make(InstancePlan plan);
  void Prepare(Change& change, const Wish& wish);
  Status CheckTightens(const Settings& wanted) const;
  static Status WaitReady(Change& change, const std::function<bool()>& cancelled);
  static Status CheckOffers(const Change& change);

  const std::unique_ptr<PluginStore> store_;
  mutable Mutex present_mutex_;
  std::shared_ptr<const Generation> present_ DCP_GUARDED_BY(present_mutex_);
  std::mutex
      change_mutex_;  ///< not a Mutex: Begin() hands its lock out, which no annotation can say
  Settings settings_;
  std::set<std::string> told_;                ///< files passed over that the log has named
  std::map<std::string, Observed> observed_;  ///< by instance id
  Supervision supervision_;  // first to go: its instances must not find the rest gone
};

/// The decision, which holds while the configuration names the instance.
Decision DecisionFor(const PluginStore& store, const Wish& wish, const std::string& instance);
/// Whether the allow-list lets it run. PERMISSION_DENIED names the digest to add.
Status CheckAllowed(const Settings& settings, const StoredPlugin& plugin);
/// "a, b", or "none".
std::string KnownInstances(const Generation& generation);

}  // namespace dcp::host
