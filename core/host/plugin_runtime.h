// SPDX-License-Identifier: Apache-2.0
//
// The plugin's side of one instance: gives the plugin the host's table, and runs its functions on
// threads of its own. The same in a worker and in the daemon, so a plugin cannot tell which it is.
// Whoever calls this class never runs the plugin's code.
#pragma once

#include <dcp/plugin.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "host/executor.h"
#include "host/frame.h"

namespace dcp::host {

/// Threads inside invoke() of a plugin that allows it. Most invokes only start a call and return.
constexpr size_t kInvokeThreadsMax = 16;
/// Completed calls that are remembered, so that a second complete() is noticed, not a crash.
constexpr size_t kRetiredCallsMax = 1024;
/// Functions of one instance's post() that run at once: what plugin.h promises.
constexpr size_t kPostThreadsMax = 16;
/// Such functions, running and waiting. As many as calls: each may need one to go on.
constexpr size_t kPostedMax = 1024;
/// For calls and posted functions to leave the plugin's code before destroy().
constexpr int kLeaveWaitMs = 1'000;
/// One line of a plugin's log; the rest is cut off. Fits into one frame.
constexpr size_t kLogLineBytesMax = 16 * 1024;

/// Where a plugin's words go. [any]
class PluginSink {
 public:
  virtual ~PluginSink() = default;
  /// Has room: emit() has waited for it.
  virtual dcp_code Event(uint64_t id, dcp_event kind, std::string_view body) = 0;
  /// The end of a call, or of one of the three requests below.
  virtual void Complete(uint64_t id, dcp_code code, Origin origin, std::string_view body) = 0;
  virtual void Log(dcp_level level, std::string_view text) = 0;
};

class PluginRuntime : public std::enable_shared_from_this<PluginRuntime> {
 public:
  /// Tasks that run keep both alive.
  PluginRuntime(const dcp_plugin_api* table, std::shared_ptr<PluginSink> sink);
  PluginRuntime(const PluginRuntime&) = delete;
  PluginRuntime& operator=(const PluginRuntime&) = delete;
  ~PluginRuntime();

  // Each returns at once; the sink gets the answer under the id. [any]
  void Validate(uint64_t id, std::string config);
  void Create(uint64_t id, std::string config);
  /// Drains it first. Fails while calls or posted functions are inside the plugin.
  void Destroy(uint64_t id);
  /// `frame` is the body of a kInvoke frame: deadline, flags, method, request.
  void Invoke(uint64_t id, std::string frame);
  /// As Invoke, for a thread of the plugin's own process: when one is free to run, the answer is
  /// what the caller is to run as one, soon and outside its locks; else it is empty.
  std::function<void()> InvokeHere(uint64_t id, std::string frame);
  void Cancel(uint64_t id);
  /// The caller has taken so much of its DATA events.
  void Give(uint64_t id, uint64_t cost);
  void CancelAll();

 private:
  friend struct HostTable;

  /// What runs the call; empty when there is no instance to run it on.
  std::function<void()> Begin(uint64_t id, std::string frame);
  std::shared_ptr<dcp_call> Find(uint64_t id);
  void Queue(std::function<void()> run, uint64_t id);
  void Configure(bool create, uint64_t id, const std::string& config);
  void Drain();
  void DoDestroy(uint64_t id);
  void TakePosts(bool take);
  dcp_code Post(void (*run)(void*), void* user);
  void RunInvoke(const std::shared_ptr<dcp_call>& call, std::string_view method,
                 std::string_view request);
  void RunCancel(const std::shared_ptr<dcp_call>& call);
  /// After a task that Invoke() or Cancel() counted in `inside_`.
  void Leave();
  /// Answers the call unless that has been done. False: it had been.
  bool Complete(dcp_call* call, dcp_code code, Origin origin, std::string_view body);
  void Log(dcp_level level, std::string_view text);

  const dcp_plugin_api* const table_;
  const std::shared_ptr<PluginSink> sink_;
  const std::unique_ptr<dcp_host> host_;
  std::atomic<dcp_instance*> instance_{nullptr};
  Executor control_{1};
  Executor cancel_{1};
  Executor invoke_;
  Executor post_{kPostThreadsMax};
  bool drained_ = false;  ///< on the thread of control_ alone

  Mutex mutex_;
  CondVar left_;
  size_t inside_ DCP_GUARDED_BY(mutex_) =
      0;  ///< invoke() and cancel() that run or wait for a thread
  size_t posted_ DCP_GUARDED_BY(mutex_) = 0;  ///< posted functions that run or wait for a thread
  bool takes_posts_ DCP_GUARDED_BY(mutex_) = false;  ///< from create() to destroy()
  std::map<uint64_t, std::shared_ptr<dcp_call>> live_ DCP_GUARDED_BY(mutex_);
  std::deque<std::shared_ptr<dcp_call>> retired_ DCP_GUARDED_BY(mutex_);
};

}  // namespace dcp::host
