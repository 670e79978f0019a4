// SPDX-License-Identifier: Apache-2.0
//
// The worker program between the host's frames and the plugin's runtime. Several threads wait for
// frames, and the kernel wakes one of them for each; it may run the plugin's code itself as long as
// another goes on waiting, so a stuck plugin still answers pings and can be told apart from a dead
// one.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "host/channel.h"
#include "host/plugin_runtime.h"

namespace dcp::host {

/// A plugin's words as frames. Events of a burst go together, each at most a millisecond late.
class FrameSink : public PluginSink {
 public:
  explicit FrameSink(Channel& channel) : channel_(channel) {}
  dcp_code Event(uint64_t id, dcp_event kind, std::string_view body) override;
  void Complete(uint64_t id, dcp_code code, Origin origin, std::string_view body) override;
  void Log(dcp_level level, std::string_view text) override;

 private:
  void FlushSoon();
  void FlushLoop();

  Channel& channel_;  // lives as long as the process
  std::atomic<bool> flush_due_{false};
  Mutex mutex_;
  CondVar due_;
  bool has_thread_ DCP_GUARDED_BY(mutex_) = false;
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
  using Task = std::function<void()>;

  [[noreturn]] void Serve();
  std::vector<Task> Read();
  void Dispatch(Frame frame, std::vector<Task>& tasks);
  void DispatchPlugin(Frame frame, std::vector<Task>& tasks);
  bool MayRun();
  void Enter(std::string_view body);
  void Load(const std::string& path, const std::string& shown);
  void Ready(const Status& status, uint32_t flags);
  std::shared_ptr<PluginRuntime> Runtime();

  Channel channel_;
  int epoll_ = -1;
  Mutex read_mutex_;             ///< held by the thread that reads frames
  std::atomic<int> readers_{1};  ///< threads that wait for frames, or will soon
  const std::shared_ptr<FrameSink> sink_;
  std::string unprotected_;  ///< what the sandbox lacks; written before the plugin is loaded
  Executor loader_{1};
  Mutex mutex_;
  std::shared_ptr<PluginRuntime> runtime_ DCP_GUARDED_BY(mutex_);
};

}  // namespace dcp::host
