// SPDX-License-Identifier: Apache-2.0
//
// Calls out to the plugin, and what it says back.
#include "host/plugin_runtime.h"

#include <chrono>
#include <ctime>
#include <exception>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/mutex.h"
#include "host/event_room.h"

/// The host's two opaque types, as this file fills them.
struct dcp_call {
  dcp::host::PluginRuntime* runtime = nullptr;
  uint64_t id = 0;
  int64_t deadline_ns = 0;
  std::atomic<int32_t> cancelled{0};
  bool takes_data = false;
  std::atomic<bool> done{false};
  dcp::host::EventRoom room;
  dcp::Mutex emit_mutex;  // chunks of two events of one call must not mix
};

struct dcp_host {
  explicit dcp_host(dcp::host::PluginRuntime* owner) : runtime(owner) {}
  dcp::host::PluginRuntime* const runtime;
  dcp_host_api api{};
  dcp::Mutex mutex;
  dcp_code error_code DCP_GUARDED_BY(mutex) = DCP_OK;
  std::string error DCP_GUARDED_BY(mutex);
};

namespace dcp::host {
namespace {

std::string_view View(dcp_bytes bytes) {
  if (bytes.data == nullptr) return {};
  return {reinterpret_cast<const char*>(bytes.data), bytes.size};
}

dcp_bytes Bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

int64_t MonotonicNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// Calls into the plugin. An exception that leaves it breaks the ABI; it is named, not passed on.
template <typename Function>
dcp_code Guard(const char* where, std::string& thrown, Function function) {
  try {
    return function();
  } catch (const std::exception& e) {
    thrown = std::string("a C++ exception left the plugin's ") + where + "(): " + e.what();
  } catch (...) {
    thrown = std::string("a C++ exception left the plugin's ") + where + "()";
  }
  return DCP_INTERNAL;
}

}  // namespace

/// The functions behind dcp_host_api.
struct HostTable {
  static void Log(dcp_host* host, dcp_level level, dcp_call* call, dcp_bytes text) {
    (void)call;  // the log has the instance, and lines of one call tell themselves apart
    host->runtime->Log(level, View(text));
  }
  static int32_t Cancelled(dcp_call* call) { return call->cancelled.load(); }
  static int64_t DeadlineNs(dcp_call* call) { return call->deadline_ns; }
  static dcp_code Emit(dcp_call* call, dcp_event kind, dcp_bytes body) {
    if (call->cancelled.load() != 0) return DCP_CANCELLED;
    if (call->done.load()) return DCP_FAILED_PRECONDITION;
    if (call->deadline_ns != 0 && MonotonicNs() >= call->deadline_ns) return DCP_DEADLINE_EXCEEDED;
    if (body.size > limits::kMessageBytesMax) return DCP_RESOURCE_EXHAUSTED;
    if (kind == DCP_EVENT_DATA) {
      // What nobody takes must not look as if it had been.
      if (!call->takes_data) return DCP_FAILED_PRECONDITION;
      const dcp_code code = call->room.Take(body.size, call->deadline_ns);
      if (code != DCP_OK) return code;
    }
    const MutexLock lock(call->emit_mutex);
    return call->runtime->sink_->Event(call->id, kind, View(body));
  }
  static void Complete(dcp_call* call, dcp_code code, dcp_bytes body) {
    PluginRuntime* runtime = call->runtime;
    if (runtime->Complete(call, code, Origin::kPlugin, View(body))) return;
    runtime->Log(DCP_ERROR, "the plugin completed a call twice; only the first counts");
  }
  static void SetError(dcp_host* host, dcp_code code, dcp_bytes text) {
    const MutexLock lock(host->mutex);
    host->error_code = code;
    host->error = View(text);
  }
  static const void* Extension(dcp_host* /*host*/, const char* /*id*/) { return nullptr; }
  static dcp_code Post(dcp_host* host, void (*run)(void*), void* user) {
    return host->runtime->Post(run, user);
  }

  static void Fill(dcp_host* host) {
    host->api.struct_size = DCP_HOST_API_SIZE;
    host->api.abi_minor = DCP_ABI_MINOR;
    host->api.host = host;
    host->api.log = Log;
    host->api.cancelled = Cancelled;
    host->api.deadline_ns = DeadlineNs;
    host->api.emit = Emit;
    host->api.complete = Complete;
    host->api.set_error = SetError;
    host->api.extension = Extension;
#if DCP_TARGET_MINOR >= 1
    host->api.post = Post;
#endif
  }
};

PluginRuntime::PluginRuntime(const dcp_plugin_api* table, std::shared_ptr<PluginSink> sink)
    : table_(table),
      sink_(std::move(sink)),
      host_(std::make_unique<dcp_host>(this)),
      invoke_((table->flags & DCP_FLAG_PARALLEL) != 0 ? kInvokeThreadsMax : 1) {
  HostTable::Fill(host_.get());
}

PluginRuntime::~PluginRuntime() = default;

void PluginRuntime::Validate(uint64_t id, std::string config) {
  control_.Post([self = shared_from_this(), id, text = std::move(config)] {
    self->Configure(false, id, text);
  });
}

void PluginRuntime::Create(uint64_t id, std::string config) {
  control_.Post([self = shared_from_this(), id, text = std::move(config)] {
    self->Configure(true, id, text);
  });
}

void PluginRuntime::Destroy(uint64_t id) {
  control_.Post([self = shared_from_this(), id] { self->DoDestroy(id); });
}

void PluginRuntime::Configure(bool create, uint64_t id, const std::string& config) {
  if (create && instance_ != nullptr) {
    return sink_->Complete(id, DCP_FAILED_PRECONDITION, Origin::kWorker, "out of order");
  }
  {
    const MutexLock lock(host_->mutex);
    host_->error_code = DCP_OK;
    host_->error.clear();
  }
  if (create) TakePosts(true);
  std::string text;
  dcp_instance* made = nullptr;
  const char* name = create ? "create" : "validate";
  dcp_code code = Guard(name, text, [&] {
    return create ? table_->create(&host_->api, Bytes(config), &made)
                  : table_->validate(&host_->api, Bytes(config));
  });
  if (code == DCP_OK && create && made == nullptr) {
    code = DCP_INTERNAL;
    text = "the plugin's create() answered OK and made no instance";
  }
  if (code != DCP_OK && text.empty()) {
    const MutexLock lock(host_->mutex);
    text = host_->error;
    if (text.empty()) text = std::string("the plugin's ") + name + "() failed and gave no reason";
  }
  if (code == DCP_OK && create) instance_ = made;
  if (code != DCP_OK && create) TakePosts(false);
  sink_->Complete(id, code, Origin::kWorker, text);
}

void PluginRuntime::TakePosts(bool take) {
  const MutexLock lock(mutex_);
  takes_posts_ = take;
}

dcp_code PluginRuntime::Post(void (*run)(void*), void* user) {
  if (run == nullptr) return DCP_INVALID_ARGUMENT;
  {
    const MutexLock lock(mutex_);
    if (!takes_posts_) return DCP_FAILED_PRECONDITION;
    if (posted_ >= kPostedMax) return DCP_RESOURCE_EXHAUSTED;
    ++posted_;
  }
  const auto left = [this] {
    const MutexLock lock(mutex_);
    --posted_;
    left_.notify_all();
  };
  const bool taken = post_.Post([self = shared_from_this(), run, user, left] {
    std::string text;
    (void)Guard("posted function", text, [&] {
      run(user);
      return DCP_OK;
    });
    if (!text.empty()) self->Log(DCP_ERROR, text);
    left();
  });
  if (!taken) left();
  return taken ? DCP_OK : DCP_RESOURCE_EXHAUSTED;
}

void PluginRuntime::Drain() {
#if DCP_TARGET_MINOR >= 1
  dcp_instance* instance = instance_.load();
  const bool offered = DCP_HAS(table_, dcp_plugin_api, drain) && table_->drain != nullptr;
  if (instance == nullptr || !offered || std::exchange(drained_, true)) return;
  std::string text;
  (void)Guard("drain", text, [&] {
    table_->drain(instance);
    return DCP_OK;
  });
  if (!text.empty()) Log(DCP_ERROR, text);
#endif
}

void PluginRuntime::DoDestroy(uint64_t id) {
  Drain();
  {
    // A call that has been completed may still be on its way out of invoke().
    MutexLock lock(mutex_);
    if (!left_.wait_for(lock, std::chrono::milliseconds(kLeaveWaitMs),
                        [this]() DCP_REQUIRES(mutex_) {
                          return live_.empty() && inside_ == 0 && posted_ == 0;
                        })) {
      return sink_->Complete(id, DCP_FAILED_PRECONDITION, Origin::kWorker,
                             "calls or posted functions are still running");
    }
    takes_posts_ = false;  // in the same breath: from here on none can come
  }
  std::string text;
  dcp_code code = DCP_OK;
  if (dcp_instance* instance = instance_.exchange(nullptr)) {
    code = Guard("destroy", text, [&] {
      table_->destroy(instance);
      return DCP_OK;
    });
  }
  sink_->Complete(id, code, Origin::kWorker, text);
}

void PluginRuntime::Invoke(uint64_t id, std::string frame) {
  Queue(Begin(id, std::move(frame)), id);
}

std::function<void()> PluginRuntime::InvokeHere(uint64_t id, std::string frame) {
  std::function<void()> run = Begin(id, std::move(frame));
  if (!run || !invoke_.Enter()) {
    Queue(std::move(run), id);
    return {};
  }
  return [self = shared_from_this(), run = std::move(run)] {
    run();
    self->invoke_.Leave();
  };
}

std::function<void()> PluginRuntime::Begin(uint64_t id, std::string frame) {
  if (instance_ == nullptr) {
    sink_->Complete(id, DCP_FAILED_PRECONDITION, Origin::kWorker, "there is no instance");
    return {};
  }
  auto call = std::make_shared<dcp_call>();
  call->runtime = this;
  call->id = id;
  {
    const MutexLock lock(mutex_);
    live_[id] = call;
    ++inside_;
  }
  return [self = shared_from_this(), call = std::move(call), body = std::move(frame)] {
    BodyReader reader(body);
    call->deadline_ns = reader.I64();
    call->takes_data = (reader.U32() & kInvokeTakesData) != 0;
    const std::string_view method = reader.Text();
    const std::string_view request = reader.Rest();
    self->RunInvoke(call, method, request);
    self->Leave();
  };
}

void PluginRuntime::Queue(std::function<void()> run, uint64_t id) {
  if (!run || invoke_.Post(std::move(run))) return;
  Leave();
  if (const std::shared_ptr<dcp_call> call = Find(id)) {
    Complete(call.get(), DCP_RESOURCE_EXHAUSTED, Origin::kWorker,
             "too many calls wait for a thread of the plugin");
  }
}

std::shared_ptr<dcp_call> PluginRuntime::Find(uint64_t id) {
  const MutexLock lock(mutex_);
  const auto found = live_.find(id);
  return found == live_.end() ? nullptr : found->second;
}

void PluginRuntime::Give(uint64_t id, uint64_t cost) {
  if (const std::shared_ptr<dcp_call> call = Find(id)) call->room.Give(cost);
}

void PluginRuntime::RunInvoke(const std::shared_ptr<dcp_call>& call, std::string_view method,
                              std::string_view request) {
  if (call->cancelled.load() != 0) {
    Complete(call.get(), DCP_CANCELLED, Origin::kWorker, "the call was cancelled before it began");
    return;
  }
  std::string text;
  const dcp_code code = Guard("invoke", text, [&] {
    return table_->invoke(instance_.load(), call.get(), Bytes(method), Bytes(request));
  });
  if (code == DCP_OK) return;  // complete() came, or will
  if (text.empty()) text = "the plugin refused the call";
  Complete(call.get(), code, Origin::kWorker, text);
}

void PluginRuntime::Cancel(uint64_t id) {
  std::shared_ptr<dcp_call> call;
  {
    const MutexLock lock(mutex_);
    const auto found = live_.find(id);
    if (found == live_.end()) return;  // it has completed
    call = found->second;
    if (call->cancelled.exchange(1) != 0) return;  // at most once
    ++inside_;
  }
  call->room.End(DCP_CANCELLED);
  const bool posted = cancel_.Post([self = shared_from_this(), call] {
    self->RunCancel(call);
    self->Leave();
  });
  if (!posted) Leave();  // the call still sees it when it asks
}

void PluginRuntime::CancelAll() {
  std::vector<uint64_t> ids;
  {
    const MutexLock lock(mutex_);
    for (const auto& [id, call] : live_) ids.push_back(id);
  }
  for (const uint64_t id : ids) Cancel(id);
}

void PluginRuntime::RunCancel(const std::shared_ptr<dcp_call>& call) {
  dcp_instance* instance = instance_.load();
  if (instance == nullptr || call->done.load()) return;
  std::string text;
  (void)Guard("cancel", text, [&] {
    table_->cancel(instance, call.get());
    return DCP_OK;
  });
  if (!text.empty()) Log(DCP_ERROR, text);
}

void PluginRuntime::Leave() {
  const MutexLock lock(mutex_);
  --inside_;
  left_.notify_all();
}

bool PluginRuntime::Complete(dcp_call* call, dcp_code code, Origin origin, std::string_view body) {
  if (call->done.exchange(true)) return false;
  call->room.End(DCP_FAILED_PRECONDITION);
  const uint64_t id = call->id;
  {
    // Before the answer goes out: whoever reads it may destroy the instance next.
    const MutexLock lock(mutex_);
    if (const auto found = live_.find(id); found != live_.end()) {
      retired_.push_back(std::move(found->second));
      live_.erase(found);
      if (retired_.size() > kRetiredCallsMax) retired_.pop_front();
      left_.notify_all();
    }
  }
  if (body.size() > limits::kMessageBytesMax) {
    sink_->Complete(id, DCP_RESOURCE_EXHAUSTED, Origin::kWorker,
                    "the plugin's response has " + std::to_string(body.size()) +
                        " bytes, the limit is " + std::to_string(limits::kMessageBytesMax));
  } else {
    sink_->Complete(id, code, origin, body);
  }
  return true;
}

void PluginRuntime::Log(dcp_level level, std::string_view text) {
  sink_->Log(level, text.substr(0, kLogLineBytesMax));
}

}  // namespace dcp::host
