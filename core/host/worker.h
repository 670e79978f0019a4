// SPDX-License-Identifier: Apache-2.0
//
// The worker's side of a plugin: loads it, gives it the host's table, and carries calls between
// frames and functions. The thread that reads frames never runs the plugin's code, so a stuck
// plugin still answers pings and can be told apart from a dead one.
#pragma once

#include <dcp/plugin.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "host/channel.h"

namespace dcp::host {

/// Threads inside invoke() of a plugin that allows it. Most invokes only start a call and return.
constexpr size_t kInvokeThreadsMax = 16;
/// Tasks that wait for such a thread. The host opens fewer calls than that on one worker.
constexpr size_t kWorkerQueueMax = 4096;
/// Completed calls that are remembered, so that a second complete() is noticed, not a crash.
constexpr size_t kRetiredCallsMax = 1024;
/// For calls to leave the plugin's functions before destroy(); they have been completed by then.
constexpr int kLeaveWaitMs = 1'000;
/// One line of a plugin's log; the rest is cut off. Fits into one frame.
constexpr size_t kLogLineBytesMax = 16 * 1024;

/// Runs tasks on threads that it starts when they are needed. Lives as long as the process.
class Executor {
 public:
  explicit Executor(size_t threads_max) : threads_max_(threads_max) {}
  /// False when too many wait, or the machine gives no thread. [any]
  bool Post(std::function<void()> task);

 private:
  void Work();

  const size_t threads_max_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> tasks_;
  size_t threads_ = 0;
  size_t idle_ = 0;
};

class Worker {
 public:
  explicit Worker(int fd);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Serves until the host closes the socket; then ends the process, since a plugin's threads may
  /// still run.
  [[noreturn]] void Run();

 private:
  friend struct HostTable;

  void Dispatch(Frame frame);
  void Load(const std::string& body);
  void Configure(FrameType type, uint64_t id, const std::string& config);
  void Destroy(uint64_t id);
  void Invoke(Frame frame);
  void RunInvoke(const std::shared_ptr<dcp_call>& call, std::string_view method,
                 std::string_view request);
  void Cancel(uint64_t id);
  void RunCancel(const std::shared_ptr<dcp_call>& call);
  /// After a task that Invoke() or Cancel() counted in `inside_`.
  void Leave();
  /// Answers the call unless that has been done. False: it had been.
  bool Complete(dcp_call* call, dcp_code code, Origin origin, std::string_view body);
  void Answer(uint64_t id, dcp_code code, Origin origin, std::string_view body);
  void Log(dcp_level level, uint64_t id, std::string_view text);

  Channel channel_;
  dcp_host* const host_;
  const dcp_plugin_api* table_ = nullptr;  // set once, before any frame but kHello is taken
  std::atomic<dcp_instance*> instance_{nullptr};
  Executor control_{1};
  Executor cancel_{1};
  std::unique_ptr<Executor> invoke_;

  std::mutex mutex_;
  std::condition_variable left_;
  size_t inside_ = 0;  ///< invoke() and cancel() that run or wait for a thread
  std::map<uint64_t, std::shared_ptr<dcp_call>> live_;
  std::deque<std::shared_ptr<dcp_call>> retired_;
};

}  // namespace dcp::host
