// SPDX-License-Identifier: Apache-2.0
//
// The host's side of one worker: one process from spawn to end. It never comes back; a new one
// takes its place (instance.h).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/mutex.h"
#include "base/result.h"
#include "host/calls.h"
#include "host/channel.h"
#include "host/output.h"
#include "host/plugin_home.h"
#include "host/reader_role.h"
#include "os/control_group.h"
#include "os/process.h"

namespace dcp::host {

class WorkerProcess : public PluginHome {
 public:
  /// Spawns the program and starts the handshake; `changed` is called, on a thread of the worker,
  /// when it is ready and when it has ended. Call from a thread that outlives the worker: the
  /// worker dies with it. `changed` must not destroy this object.
  static Result<std::shared_ptr<WorkerProcess>> Spawn(HomeOptions options,
                                                      std::function<void()> changed);
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;
  ~WorkerProcess() override;

  Phase phase() const override;
  Status ending(bool& permanent) const override;
  int64_t pid() const override { return pid_; }
  std::string unconfined() const override;
  Result<Reply> Call(const std::string& method, const std::string& request,
                     const CallOptions& options, bool& sent) override;
  /// Ends the process by force if need be.
  void Stop() override;
  bool Kill(const std::string& why) override;

 private:
  class Line;

  /// Ids of the handshake's requests.
  static constexpr uint64_t kValidateId = 1;
  static constexpr uint64_t kCreateId = 2;
  static constexpr uint64_t kDestroyId = 3;

  WorkerProcess(HomeOptions options, std::function<void()> changed);

  Status Start();
  void Group();
  void LimitsAreMissing(const std::string& why) DCP_REQUIRES(mutex_);
  /// To the log and to the plugin's own.
  void SayUnprotected(const std::string& missing) const;
  void Loop();
  void Wait(bool& exited);
  void Drain();
  void Tick();
  void Listen(int64_t wait_ms);
  void OfferRole();
  bool ReadFrames();
  void Handle(const Frame& frame) DCP_REQUIRES(read_mutex_);
  void HandleReady(const Frame& frame);
  void HandleComplete(const Frame& frame) DCP_REQUIRES(read_mutex_);
  void HandleEvent(const Frame& frame);
  void HandleConfigured(const Frame& frame);
  void CheckHung(int64_t now);
  void End();
  void KillFor(std::string why);
  /// Once the process is reaped, its number may be somebody else's.
  void KillGroup() DCP_REQUIRES(mutex_);
  /// Reaps the process, after everything it started has been ended.
  std::string Reap() DCP_REQUIRES(mutex_);

  const HomeOptions options_;
  const std::function<void()> changed_;
  const std::string who_;  ///< "plugin x (instance y)"
  Calls calls_;
  std::unique_ptr<Channel> channel_;
  os::Process process_;
  int64_t pid_ = 0;
  OutputPipe stdout_;
  OutputPipe stderr_;
  ReaderRole role_;
  Mutex read_mutex_;  ///< held by the thread that reads frames
  std::atomic<bool> socket_open_{true};
  bool answered_ DCP_GUARDED_BY(read_mutex_) = false;  ///< a call's answer has been read
  std::thread thread_;

  mutable Mutex mutex_;
  CondVar phase_changed_;
  std::unique_ptr<os::ControlGroup> group_ DCP_GUARDED_BY(mutex_);  ///< where one is to be had
  Phase phase_ DCP_GUARDED_BY(mutex_) = Phase::kStarting;
  std::atomic<bool> parallel_{false};
  std::string unconfined_ DCP_GUARDED_BY(mutex_);  ///< as the worker said, and what we lack
  bool stopping_ DCP_GUARDED_BY(mutex_) = false;
  bool destroyed_ DCP_GUARDED_BY(mutex_) = false;
  std::string kill_reason_ DCP_GUARDED_BY(mutex_);  ///< why we ended it, when we did
  Status start_failure_ DCP_GUARDED_BY(mutex_);     ///< what the worker itself reported
  bool start_permanent_ DCP_GUARDED_BY(mutex_) = false;
  Status ending_ DCP_GUARDED_BY(mutex_);
  bool ending_permanent_ DCP_GUARDED_BY(mutex_) = false;
  int64_t started_ms_ = 0;  ///< of thread_ alone, once it runs
  std::atomic<int64_t> heard_ms_{0};
  int64_t pinged_ms_ = 0;  ///< as started_ms_
};

}  // namespace dcp::host
