// SPDX-License-Identifier: Apache-2.0
//
// Frames in, requests to the plugin out, and back.
#include "host/worker.h"

#include <sys/resource.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#include <cerrno>
#include <filesystem>
#include <utility>
#include <vector>

#include "host/hello.h"
#include "host/plugin_library.h"

namespace dcp::host {

namespace {

/// Without destructors: a plugin's threads may still run.
[[noreturn]] void End(int code) {
#ifdef __SANITIZE_ADDRESS__
  __lsan_do_leak_check();  // which an exit would have made
#endif
  _exit(code);
}

Status SetLimit(int resource, int64_t value, const char* what) {
  if (value == 0) return {};
  const rlimit limit{static_cast<rlim_t>(value), static_cast<rlim_t>(value)};
  if (setrlimit(static_cast<__rlimit_resource>(resource), &limit) == 0) return {};
  return FromErrno(errno, std::string("the worker cannot limit its ") + what + " to " +
                              std::to_string(value));
}

Status Limit(const WorkerLimits& limits) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // their shadows are private memory
  DCP_TRY(SetLimit(RLIMIT_DATA, limits.memory_bytes, "memory"));
#endif
  return SetLimit(RLIMIT_NOFILE, limits.open_files, "open files");
}

}  // namespace

dcp_code FrameSink::Event(uint64_t id, dcp_event kind, std::string_view body) {
  const Status sent =
      channel_.Send(FrameType::kEvent, id, BodyWriter().U32(kind).Rest(body).Take());
  return static_cast<dcp_code>(sent.code());
}

void FrameSink::Complete(uint64_t id, dcp_code code, Origin origin, std::string_view body) {
  // A failure means that the host is gone; the reader sees that too, and ends the process.
  (void)channel_.Send(FrameType::kComplete, id,
                      BodyWriter()
                          .U32(static_cast<uint32_t>(code))
                          .U32(static_cast<uint32_t>(origin))
                          .Rest(body)
                          .Take());
}

void FrameSink::Log(dcp_level level, std::string_view text) {
  (void)channel_.Send(FrameType::kLog, 0,
                      BodyWriter().U32(static_cast<uint32_t>(level)).Rest(text).Take());
}

Worker::Worker(int fd) : channel_(fd), sink_(std::make_shared<FrameSink>(channel_)) {}

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
  switch (frame.type) {
    case FrameType::kHello:
      // Here, while this is the only thread: what it gives up, later threads have not either.
      return Enter(frame.body);
    case FrameType::kPing:
      (void)channel_.Send(FrameType::kPong, id, {});
      return;
    default:
      break;
  }
  const std::shared_ptr<PluginRuntime> runtime = Runtime();
  switch (frame.type) {
    case FrameType::kValidate:
    case FrameType::kCreate:
    case FrameType::kDestroy:
    case FrameType::kInvoke:
      if (!runtime) {
        return sink_->Complete(id, DCP_FAILED_PRECONDITION, Origin::kWorker, "out of order");
      }
      break;
    case FrameType::kCancel:
      if (runtime) runtime->Cancel(id);
      return;
    default:
      return;  // the rest are the worker's own words
  }
  if (frame.type == FrameType::kValidate) runtime->Validate(id, std::move(frame.body));
  if (frame.type == FrameType::kCreate) runtime->Create(id, std::move(frame.body));
  if (frame.type == FrameType::kDestroy) runtime->Destroy(id);
  if (frame.type == FrameType::kInvoke) runtime->Invoke(id, std::move(frame.body));
}

std::shared_ptr<PluginRuntime> Worker::Runtime() {
  const std::lock_guard lock(mutex_);
  return runtime_;
}

void Worker::Enter(std::string_view body) {
  const Result<Hello> hello = DecodeHello(body);
  if (!hello.ok()) return Ready(hello.status(), 0);
  if (const Status limited = Limit(hello->limits); !limited.ok()) return Ready(limited, 0);
  if (hello->sandboxed) {
    os::SandboxPolicy policy = hello->sandbox;
    // Libraries that a plugin brings along stand beside it.
    policy.read.push_back(std::filesystem::path(hello->plugin_path).parent_path().string());
    const Result<os::SandboxLayers> layers = os::EnterSandbox(policy);
    if (!layers.ok()) return Ready(layers.status(), 0);
    unprotected_ = layers->Missing();
  }
  // Not here: a plugin's constructors may take long, and pings are answered meanwhile.
  const std::string& shown =
      hello->plugin_source.empty() ? hello->plugin_path : hello->plugin_source;
  loader_.Post([this, path = hello->plugin_path, shown] { Load(path, shown); });
}

void Worker::Load(const std::string& path, const std::string& shown) {
  const Result<const dcp_plugin_api*> table = LoadPlugin(path, shown);
  if (!table.ok()) return Ready(table.status(), 0);
  {
    const std::lock_guard lock(mutex_);
    runtime_ = std::make_shared<PluginRuntime>(*table, sink_);
  }
  Ready({}, (*table)->flags);
}

void Worker::Ready(const Status& status, uint32_t flags) {
  std::string text = status.message();
  if (!status.hint().empty()) text += " (" + status.hint() + ")";
  (void)channel_.Send(FrameType::kReady, 0,
                      BodyWriter()
                          .U32(static_cast<uint32_t>(status.code()))
                          .U32(flags)
                          .Text(unprotected_)
                          .Rest(text)
                          .Take());
}

}  // namespace dcp::host
