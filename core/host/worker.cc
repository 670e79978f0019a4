// SPDX-License-Identifier: Apache-2.0
//
// Frames in, plugin calls out, and back.
#include "host/worker.h"

#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#include <chrono>
#include <ctime>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

#include "host/plugin_library.h"

/// The host's two opaque types, as this program fills them.
struct dcp_call {
  dcp::host::Worker* worker = nullptr;
  uint64_t id = 0;
  int64_t deadline_ns = 0;
  std::atomic<int32_t> cancelled{0};
  std::atomic<bool> done{false};
  std::mutex emit_mutex;  // chunks of two events of one call must not mix
};

struct dcp_host {
  explicit dcp_host(dcp::host::Worker* owner) : worker(owner) {}
  dcp::host::Worker* const worker;
  dcp_host_api api{};
  std::mutex mutex;
  dcp_code error_code = DCP_OK;
  std::string error;
};

namespace dcp::host {
namespace {

/// Without destructors: a plugin's threads may still run.
[[noreturn]] void End(int code) {
#ifdef __SANITIZE_ADDRESS__
  __lsan_do_leak_check();  // which an exit would have made
#endif
  _exit(code);
}

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
    host->worker->Log(level, call == nullptr ? 0 : call->id, View(text));
  }
  static int32_t Cancelled(dcp_call* call) { return call->cancelled.load(); }
  static int64_t DeadlineNs(dcp_call* call) { return call->deadline_ns; }
  static dcp_code Emit(dcp_call* call, dcp_event kind, dcp_bytes body) {
    if (call->cancelled.load() != 0) return DCP_CANCELLED;
    if (call->done.load()) return DCP_FAILED_PRECONDITION;
    if (call->deadline_ns != 0 && MonotonicNs() >= call->deadline_ns) return DCP_DEADLINE_EXCEEDED;
    const std::lock_guard lock(call->emit_mutex);
    const Status sent = call->worker->channel_.Send(FrameType::kEvent, call->id,
                                                    BodyWriter().U32(kind).Rest(View(body)).Take());
    return static_cast<dcp_code>(sent.code());
  }
  static void Complete(dcp_call* call, dcp_code code, dcp_bytes body) {
    Worker* worker = call->worker;
    const uint64_t id = call->id;
    if (worker->Complete(call, code, Origin::kPlugin, View(body))) return;
    worker->Log(DCP_ERROR, id, "the plugin completed a call twice; only the first counts");
  }
  static void SetError(dcp_host* host, dcp_code code, dcp_bytes text) {
    const std::lock_guard lock(host->mutex);
    host->error_code = code;
    host->error = View(text);
  }
  static const void* Extension(dcp_host* /*host*/, const char* /*id*/) { return nullptr; }

  static void Fill(dcp_host* host) {
    host->api.struct_size = DCP_HOST_API_MIN;
    host->api.abi_minor = DCP_ABI_MINOR;
    host->api.host = host;
    host->api.log = Log;
    host->api.cancelled = Cancelled;
    host->api.deadline_ns = DeadlineNs;
    host->api.emit = Emit;
    host->api.complete = Complete;
    host->api.set_error = SetError;
    host->api.extension = Extension;
  }
};

bool Executor::Post(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  if (tasks_.size() >= kWorkerQueueMax) return false;
  if (idle_ <= tasks_.size() && threads_ < threads_max_) {
    try {
      // Not joined: these threads run a plugin's code, which nobody can make return. The process
      // ends with _exit.
      std::thread([this] { Work(); }).detach();
      ++threads_;
    } catch (const std::exception&) {
      if (threads_ == 0) return false;
    }
  }
  tasks_.push_back(std::move(task));
  ready_.notify_one();
  return true;
}

void Executor::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    ready_.wait(lock, [this] { return !tasks_.empty(); });
    --idle_;
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
}

Worker::Worker(int fd) : channel_(fd), host_(new dcp_host(this)) { HostTable::Fill(host_); }

void Worker::Run() {
  std::vector<Frame> frames;
  for (;;) {
    frames.clear();
    const Result<bool> more = channel_.Receive(frames);
    for (Frame& frame : frames) Dispatch(std::move(frame));
    if (!more.ok() || !*more) End(more.ok() ? 0 : 3);
  }
}

void Worker::Dispatch(Frame frame) {
  const uint64_t id = frame.call_id;
  const FrameType type = frame.type;
  switch (type) {
    case FrameType::kHello:
      control_.Post([this, body = std::move(frame.body)] { Load(body); });
      return;
    case FrameType::kValidate:
    case FrameType::kCreate:
      control_.Post([this, type, id, body = std::move(frame.body)] { Configure(type, id, body); });
      return;
    case FrameType::kDestroy:
      control_.Post([this, id] { Destroy(id); });
      return;
    case FrameType::kInvoke:
      return Invoke(std::move(frame));
    case FrameType::kCancel:
      return Cancel(id);
    case FrameType::kPing:
      (void)channel_.Send(FrameType::kPong, id, {});
      return;
    default:
      return;  // the rest are the worker's own words
  }
}

void Worker::Load(const std::string& body) {
  BodyReader reader(body);
  const uint32_t protocol = reader.U32();
  const std::string path(reader.Rest());
  Status status;
  if (protocol != kFrameProtocol) {
    status = FailedPrecondition("the worker speaks protocol " + std::to_string(kFrameProtocol) +
                                ", the host " + std::to_string(protocol) +
                                ": install both from one release");
  } else if (Result<const dcp_plugin_api*> table = LoadPlugin(path); table.ok()) {
    const bool parallel = ((*table)->flags & DCP_FLAG_PARALLEL) != 0;
    invoke_ = std::make_unique<Executor>(parallel ? kInvokeThreadsMax : 1);
    table_ = *table;
  } else {
    status = table.status();
  }
  std::string text = status.message();
  if (!status.hint().empty()) text += " (" + status.hint() + ")";
  (void)channel_.Send(FrameType::kReady, 0,
                      BodyWriter()
                          .U32(static_cast<uint32_t>(status.code()))
                          .U32(table_ == nullptr ? 0 : table_->flags)
                          .Rest(text)
                          .Take());
}

void Worker::Configure(FrameType type, uint64_t id, const std::string& config) {
  const bool create = type == FrameType::kCreate;
  if (table_ == nullptr || (create && instance_ != nullptr)) {
    return Answer(id, DCP_FAILED_PRECONDITION, Origin::kWorker, "out of order");
  }
  {
    const std::lock_guard lock(host_->mutex);
    host_->error_code = DCP_OK;
    host_->error.clear();
  }
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
    const std::lock_guard lock(host_->mutex);
    text = host_->error;
    if (text.empty()) text = std::string("the plugin's ") + name + "() failed and gave no reason";
  }
  if (code == DCP_OK && create) instance_ = made;
  Answer(id, code, Origin::kWorker, text);
}

void Worker::Destroy(uint64_t id) {
  {
    // A call that has been completed may still be on its way out of invoke().
    std::unique_lock lock(mutex_);
    if (!left_.wait_for(lock, std::chrono::milliseconds(kLeaveWaitMs),
                        [this] { return live_.empty() && inside_ == 0; })) {
      return Answer(id, DCP_FAILED_PRECONDITION, Origin::kWorker, "calls are still running");
    }
  }
  std::string text;
  dcp_code code = DCP_OK;
  if (dcp_instance* instance = instance_.exchange(nullptr)) {
    code = Guard("destroy", text, [&] {
      table_->destroy(instance);
      return DCP_OK;
    });
  }
  Answer(id, code, Origin::kWorker, text);
}

void Worker::Invoke(Frame frame) {
  auto call = std::make_shared<dcp_call>();
  call->worker = this;
  call->id = frame.call_id;
  if (instance_ == nullptr) {
    return Answer(call->id, DCP_FAILED_PRECONDITION, Origin::kWorker, "there is no instance");
  }
  {
    const std::lock_guard lock(mutex_);
    live_[call->id] = call;
    ++inside_;
  }
  const bool posted = invoke_->Post([this, call, body = std::move(frame.body)] {
    BodyReader reader(body);
    call->deadline_ns = reader.I64();
    const std::string_view method = reader.Text();
    const std::string_view request = reader.Rest();
    RunInvoke(call, method, request);
    Leave();
  });
  if (!posted) {
    Leave();
    Complete(call.get(), DCP_RESOURCE_EXHAUSTED, Origin::kWorker,
             "too many calls wait for a thread of the worker");
  }
}

void Worker::RunInvoke(const std::shared_ptr<dcp_call>& call, std::string_view method,
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

void Worker::Cancel(uint64_t id) {
  std::shared_ptr<dcp_call> call;
  {
    const std::lock_guard lock(mutex_);
    const auto found = live_.find(id);
    if (found == live_.end()) return;  // it has completed
    call = found->second;
    if (call->cancelled.exchange(1) != 0) return;  // at most once
    ++inside_;
  }
  const bool posted = cancel_.Post([this, call] {
    RunCancel(call);
    Leave();
  });
  if (!posted) Leave();  // the call still sees it when it asks
}

void Worker::RunCancel(const std::shared_ptr<dcp_call>& call) {
  dcp_instance* instance = instance_.load();
  if (instance == nullptr || call->done.load()) return;
  std::string text;
  (void)Guard("cancel", text, [&] {
    table_->cancel(instance, call.get());
    return DCP_OK;
  });
  if (!text.empty()) Log(DCP_ERROR, call->id, text);
}

void Worker::Leave() {
  const std::lock_guard lock(mutex_);
  --inside_;
  left_.notify_all();
}

bool Worker::Complete(dcp_call* call, dcp_code code, Origin origin, std::string_view body) {
  if (call->done.exchange(true)) return false;
  const uint64_t id = call->id;
  {
    // Before the answer goes out: whoever reads it may destroy the instance next.
    const std::lock_guard lock(mutex_);
    if (const auto found = live_.find(id); found != live_.end()) {
      retired_.push_back(std::move(found->second));
      live_.erase(found);
      if (retired_.size() > kRetiredCallsMax) retired_.pop_front();
      left_.notify_all();
    }
  }
  if (body.size() > limits::kMessageBytesMax) {
    Answer(id, DCP_RESOURCE_EXHAUSTED, Origin::kWorker,
           "the plugin's response has " + std::to_string(body.size()) + " bytes, the limit is " +
               std::to_string(limits::kMessageBytesMax));
  } else {
    Answer(id, code, origin, body);
  }
  return true;
}

void Worker::Answer(uint64_t id, dcp_code code, Origin origin, std::string_view body) {
  // A failure means that the host is gone; the reader sees that too, and ends the process.
  (void)channel_.Send(FrameType::kComplete, id,
                      BodyWriter()
                          .U32(static_cast<uint32_t>(code))
                          .U32(static_cast<uint32_t>(origin))
                          .Rest(body)
                          .Take());
}

void Worker::Log(dcp_level level, uint64_t id, std::string_view text) {
  (void)channel_.Send(
      FrameType::kLog, id,
      BodyWriter().U32(static_cast<uint32_t>(level)).Rest(text.substr(0, kLogLineBytesMax)).Take());
}

}  // namespace dcp::host
