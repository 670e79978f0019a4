// SPDX-License-Identifier: Apache-2.0
//
// An instance in the daemon's own process. Calls, deadlines, events and errors are those of a
// worker, since the same code carries them; what cannot be the same is what a worker is for: a
// crash is the daemon's crash, and a call that hangs keeps its thread for good.
#pragma once

#include <dcp/plugin.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/mutex.h"
#include "host/calls.h"
#include "host/plugin_home.h"
#include "host/plugin_runtime.h"

namespace dcp::host {

class InProcess : public PluginHome {
 public:
  /// Begins to check, load and create, on threads of its own; `changed` is called when it is ready
  /// and when it has ended, and must not destroy this object.
  static std::shared_ptr<InProcess> Start(HomeOptions options, std::function<void()> changed);
  InProcess(const InProcess&) = delete;
  InProcess& operator=(const InProcess&) = delete;
  ~InProcess() override;

  Phase phase() const override;
  Status ending(bool& permanent) const override;
  int64_t pid() const override { return 0; }
  Result<Reply> Call(const std::string& method, const std::string& request,
                     const CallOptions& options, bool& sent) override;
  bool Kill(const std::string& /*why*/) override { return false; }
  /// What the plugin does not end by itself stays: it cannot be ended by force.
  void Stop() override;

 private:
  class Sink;
  class Line;

  InProcess(HomeOptions options, std::function<void()> changed);
  void Run();
  Status Prepare();
  void SetPermanent(bool permanent);
  Status Ask(uint64_t id, const std::string& what);
  Status Serve();
  void Finish(const Status& why);
  bool Destroy();

  const HomeOptions options_;
  const std::function<void()> changed_;
  const std::string who_;  ///< "plugin x (instance y)"
  const std::shared_ptr<Sink> sink_;
  Executor loader_{1};
  std::shared_ptr<PluginRuntime> runtime_;  ///< set before it is ready, then constant
  bool parallel_ = false;

  mutable Mutex mutex_;
  CondVar stop_;
  Phase phase_ DCP_GUARDED_BY(mutex_) = Phase::kStarting;
  bool stopping_ DCP_GUARDED_BY(mutex_) = false;
  bool permanent_ DCP_GUARDED_BY(mutex_) = false;
  Status ending_ DCP_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace dcp::host
