// SPDX-License-Identifier: Apache-2.0
//
// One configured use of a plugin: keeps a worker running for it, and says so when it gives up.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "host/host.h"
#include "host/registry.h"
#include "host/worker_process.h"

namespace dcp::host {

/// Deaths in a row, with no answered call between them, after which a worker is not started again.
constexpr int kDeathsMax = 6;
/// Back-off: the first is hardly felt by a caller who waits; the last spares the machine.
constexpr int64_t kBackOffFirstMs = 50;
constexpr int64_t kBackOffMaxMs = 10'000;
/// "Nothing to do": later than any due time.
constexpr SteadyMillis kNever = std::numeric_limits<SteadyMillis>::max();

/// Milliseconds to wait after that many deaths in a row.
int64_t BackOffMs(int deaths);

class Instance {
 public:
  /// `plugin` is nullptr when it was not found, for the reason `missing`. `wake` makes the
  /// supervising thread call Supervise() soon.
  Instance(const Settings& settings, const InstanceSettings& own, const Registry::Plugin* plugin,
           Status missing, std::function<void()> wake);
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  const Manifest* manifest() const { return plugin_ == nullptr ? nullptr : &plugin_->manifest; }
  const std::string& id() const { return own_.id; }
  /// "plugin x (instance y)".
  std::string Who() const;

  /// Starts a worker when one is due; answers when it wants to be asked again. Always the same
  /// thread, for workers die with it.
  SteadyMillis Supervise(SteadyMillis now);
  /// Blocks until the first start has come to an end, good or bad. [any]
  void WaitSettled();
  /// Waits for a worker within the call's deadline, and calls it. [any] blocks
  Result<Reply> Call(const std::string& method, const std::string& request,
                     const CallOptions& options);
  InstanceState State() const;
  /// A new worker, and a new count of deaths. [any]
  Status Restart();
  void Stop();

 private:
  enum class Phase { kDue, kStarting, kReady, kFailed, kStopped };

  void OnChanged();
  void Died(const Status& reason, bool permanent);
  Result<std::shared_ptr<WorkerProcess>> WaitWorker(const WorkerProcess* dead,
                                                    const CallOptions& options);

  const InstanceSettings own_;
  const Registry::Plugin* const plugin_;
  const std::function<void()> wake_;
  WorkerOptions options_;
  const int64_t start_timeout_ms_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Phase phase_ = Phase::kDue;
  bool settled_ = false;
  SteadyMillis due_ = 0;
  int deaths_ = 0;
  int starts_ = 0;
  Status reason_;
  std::shared_ptr<WorkerProcess> worker_;
};

}  // namespace dcp::host
