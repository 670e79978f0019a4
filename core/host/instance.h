// SPDX-License-Identifier: Apache-2.0
//
// One configured use of a plugin: keeps it running in its home, and says so when it gives up.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "host/deny_list.h"
#include "host/host.h"
#include "host/journal.h"
#include "host/metrics.h"
#include "host/plugin_home.h"
#include "host/plugin_store.h"

namespace dcp::host {

/// Back-off: the first is hardly felt by a caller who waits; the last spares the machine.
constexpr int64_t kBackOffFirstMs = 50;
constexpr int64_t kBackOffMaxMs = 10'000;
/// "Nothing to do": later than any due time.
constexpr SteadyMillis kNever = std::numeric_limits<SteadyMillis>::max();

/// Milliseconds to wait after that many deaths in a row.
int64_t BackOffMs(int deaths);

/// All that decides how an instance runs.
struct InstancePlan {
  InstanceSettings own;
  std::optional<StoredPlugin> plugin;  ///< nothing when it may not or cannot run, and why:
  Status missing;
  bool disabled = false;  ///< that is the reason
  /// But for its configuration, which is filled in at each start.
  HomeOptions options;
  schema::SecretSource secrets;
  int deaths_max = 0;  ///< as in Settings
  int deny_after = 0;
  std::shared_ptr<Counters> counters = std::make_shared<Counters>();
};

/// `file` is what is to run, or why nothing is.
InstancePlan PlanOf(const Settings& settings, const InstanceSettings& own,
                    const Result<StoredPlugin>& file);

class Instance {
 public:
  /// `wake` makes the supervising thread call Supervise() soon. `store` must outlive it.
  Instance(InstancePlan plan, PluginStore& store, std::function<void()> wake);
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  const Manifest* manifest() const {
    return plan_.plugin.has_value() ? &plan_.plugin->manifest : nullptr;
  }
  const std::string& id() const { return plan_.own.id; }
  const InstancePlan& plan() const { return plan_; }
  /// "plugin x (instance y)".
  std::string Who() const;

  /// Starts a worker when one is due; answers when it wants to be asked again. Always the same
  /// thread, for workers die with it.
  SteadyMillis Supervise(SteadyMillis now);
  /// Blocks until the first start has come to an end: OK when it is ready, else why not. CANCELLED
  /// once `cancelled` (may be empty) says so. [any]
  Status WaitSettled(const std::function<bool()>& cancelled);
  /// Whether a new instance of that plan would be no other than this one. [any]
  bool Serves(const InstancePlan& plan) const;
  bool failed() const;  ///< out of service, until a reload tries again

  /// Around each call. False: it is closed, since a newer configuration serves. [any]
  bool Enter();
  void Exit();
  /// Takes no more calls, once it is not configured any more and none is open (or in spite of
  /// those that are). True when it is closed now; else `wake` is called at a call's end. [any]
  bool Close(bool by_force);

  /// Waits for a worker within the call's deadline, and calls it. [any] blocks
  Result<Reply> Call(const std::string& method, const std::string& request,
                     const CallOptions& options);
  InstanceState State() const;
  Counters& counters() const { return *plan_.counters; }
  InstanceMetrics Metrics() const;
  std::shared_ptr<Journal> journal() const { return plan_.options.journal; }
  /// A new worker, and a new count of deaths. [any]
  Status Restart();
  void Stop();  ///< [any] blocks

 private:
  enum class Phase { kDue, kStarting, kReady, kFailed, kStopped };

  Result<std::shared_ptr<PluginHome>> StartHome();
  void OnChanged();
  /// What the host says about it, for its journal.
  void Tell(log::Level level, std::string_view text) const;
  bool WasAsked(const PluginHome* home) const;  ///< whether it ended because we wanted it to
  void Died(const Status& why, bool permanent) DCP_REQUIRES(mutex_);
  Result<std::shared_ptr<PluginHome>> WaitHome(const PluginHome* dead, const CallOptions& options);

  const InstancePlan plan_;
  PluginStore& store_;
  const std::function<void()> wake_;

  mutable Mutex mutex_;
  CondVar changed_;
  Phase phase_ DCP_GUARDED_BY(mutex_) = Phase::kDue;
  bool settled_ DCP_GUARDED_BY(mutex_) = false;
  SteadyMillis due_ DCP_GUARDED_BY(mutex_) = 0;
  int deaths_ DCP_GUARDED_BY(mutex_) = 0;
  int starts_ DCP_GUARDED_BY(mutex_) = 0;
  int open_calls_ DCP_GUARDED_BY(mutex_) = 0;
  bool leaving_ DCP_GUARDED_BY(mutex_) = false;
  bool closed_ DCP_GUARDED_BY(mutex_) = false;
  Status reason_ DCP_GUARDED_BY(mutex_);
  std::shared_ptr<PluginHome> home_ DCP_GUARDED_BY(mutex_);
  const PluginHome* asked_ DCP_GUARDED_BY(mutex_) =
      nullptr;  ///< the home that Restart() ended; compared, never used
  DenyList denied_;
};

}  // namespace dcp::host
