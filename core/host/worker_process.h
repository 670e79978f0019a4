// SPDX-License-Identifier: Apache-2.0
//
// The host's side of one worker: one process from spawn to end. It never comes back; a new one
// takes its place (instance.h).
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "host/channel.h"
#include "host/host.h"
#include "host/output.h"
#include "os/process.h"

namespace dcp::host {

/// Calls open on one worker. Beyond it a call is refused at once: a queue would only age them.
constexpr size_t kOpenCallsMax = 1024;
/// DATA events of one call that wait for a slow reader; then the call ends.
constexpr size_t kEventsMax = 1024;
/// Calls that were given up and never completed, after which a worker is taken for hung although
/// others still run on it.
constexpr size_t kAbandonedCallsMax = 4;
/// How often a caller's `cancelled` is asked.
constexpr int64_t kCancelPollMs = 20;
/// What a plugin gets beyond the deadline to say itself that it was exceeded, with better words.
constexpr int64_t kDeadlineGraceMs = 200;
/// For destroy() at the end, and then for the process to go by itself.
constexpr int64_t kStopGraceMs = 2'000;

struct WorkerOptions {
  std::string program;
  std::string plugin_path;
  std::string plugin;  ///< ids, for messages
  std::string instance;
  Secret config_json;
  std::vector<std::pair<std::string, std::string>> env;
  int64_t start_timeout_ms = 0;
  int64_t ping_timeout_ms = 0;
  int64_t cancel_grace_ms = 0;
  int64_t hang_grace_ms = 0;
};

/// Failures to start that may pass by themselves; after any other, trying again cannot help.
bool IsTransient(Code code);

/// What a call came back with.
struct Reply {
  Code code = Code::kOk;
  bool from_plugin = false;  ///< else `body` is plain text
  std::string body;
};

class WorkerProcess {
 public:
  enum class Phase { kStarting, kReady, kEnded };

  /// Spawns the program and starts the handshake; `changed` is called, on a thread of the worker,
  /// when it is ready and when it has ended. Call from a thread that outlives the worker: the
  /// worker dies with it. `changed` must not destroy this object.
  static Result<std::shared_ptr<WorkerProcess>> Spawn(WorkerOptions options,
                                                      std::function<void()> changed);
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;
  ~WorkerProcess();

  Phase phase() const;
  /// Why it ended. `permanent`: starting it again cannot help.
  Status ending(bool& permanent) const;
  int64_t pid() const { return pid_; }

  /// One call. `sent` says whether the plugin may have seen it. [any] blocks
  Result<Reply> Call(const std::string& method, const std::string& request,
                     const CallOptions& options, bool& sent);
  /// Destroys the instance and ends the process, by force if need be. blocks
  void Stop();
  /// Ends the process by force, and returns at once; open calls are answered UNAVAILABLE. [any]
  void Kill(std::string why);

 private:
  struct Slot;
  WorkerProcess(WorkerOptions options, std::function<void()> changed);

  Status Start();
  void Loop();
  void Wait(bool& exited);
  void Drain();
  void Tick();
  bool ReadFrames();
  void Handle(Frame frame);
  void HandleReady(const Frame& frame);
  void HandleComplete(const Frame& frame);
  void HandleEvent(const Frame& frame);
  void HandleConfigured(const Frame& frame);
  void CheckHung(int64_t now);
  void End();
  void KillGroup();
  std::string Reap();
  std::shared_ptr<Slot> Open(const std::string& method, uint64_t& id, Status& refused);
  Result<Reply> Await(const std::shared_ptr<Slot>& slot, uint64_t id, const CallOptions& options);

  const WorkerOptions options_;
  const std::function<void()> changed_;
  const std::string who_;  ///< "plugin x (instance y)"
  std::unique_ptr<Channel> channel_;
  os::Process process_;
  int64_t pid_ = 0;
  OutputPipe stdout_;
  OutputPipe stderr_;
  bool socket_open_ = true;
  std::thread thread_;

  mutable std::mutex mutex_;
  std::condition_variable phase_changed_;
  Phase phase_ = Phase::kStarting;
  bool parallel_ = false;
  bool stopping_ = false;
  bool destroyed_ = false;
  std::string kill_reason_;  ///< why we ended it, when we did
  Status start_failure_;     ///< what the worker itself reported
  bool start_permanent_ = false;
  Status ending_;
  bool ending_permanent_ = false;
  std::string last_method_;
  std::map<uint64_t, std::shared_ptr<Slot>> open_;
  uint64_t next_id_ = 16;  ///< below: the handshake's own requests
  int64_t started_ms_ = 0;
  int64_t heard_ms_ = 0;
  int64_t pinged_ms_ = 0;
};

}  // namespace dcp::host
