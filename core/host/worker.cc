// SPDX-License-Identifier: Apache-2.0
//
// Frames in, requests to the plugin out, and back.
#include "host/worker.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#include <cerrno>
#include <chrono>
#include <exception>
#include <filesystem>
#include <thread>
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

/// Of the worker's first thread, and of others that ask for no size: what Linux gives by default.
constexpr int64_t kStackBytes = int64_t{8} << 20;

/// How late an event of a burst may be.
constexpr std::chrono::milliseconds kHoldTime{1};

Status SetLimit(int resource, int64_t value, const char* what) {
  if (value == 0) return {};
  const rlimit limit{static_cast<rlim_t>(value), static_cast<rlim_t>(value)};
  if (setrlimit(static_cast<__rlimit_resource>(resource), &limit) == 0) return {};
  return FromErrno(
      errno, std::string("the worker cannot limit its ") + what + " to " + std::to_string(value));
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kLimitsMemory = false;  // their shadows are private memory
#else
constexpr bool kLimitsMemory = true;
#endif

Status Limit(const WorkerLimits& limits) {
  if (kLimitsMemory) DCP_TRY(SetLimit(RLIMIT_DATA, limits.memory_bytes, "memory"));
  // The first thread's stack is no data: the process could raise its limit, and fill it.
  if (kLimitsMemory && limits.memory_bytes > 0) {
    rlimit now{};
    if (getrlimit(RLIMIT_STACK, &now) != 0) return FromErrno(errno, "the worker's stack limit");
    const auto stack = std::min<uint64_t>(now.rlim_max, kStackBytes);
    DCP_TRY(SetLimit(RLIMIT_STACK, static_cast<int64_t>(stack), "stack"));
  }
  return SetLimit(RLIMIT_NOFILE, limits.open_files, "open files");
}

}  // namespace

dcp_code FrameSink::Event(uint64_t id, dcp_event kind, std::string_view body) {
  bool held = false;
  const Status sent =
      channel_.Hold(FrameType::kEvent, id, BodyWriter().U32(kind).Take(), body, held);
  if (held && !flush_due_.exchange(true)) FlushSoon();
  return static_cast<dcp_code>(sent.code());
}

void FrameSink::FlushSoon() {
  const MutexLock lock(mutex_);
  due_.notify_one();
  if (has_thread_) return;
  try {
    std::thread([this] { FlushLoop(); }).detach();
    has_thread_ = true;
  } catch (const std::exception&) {
    flush_due_ = false;
    (void)channel_.Flush();  // the next event tries again
  }
}

void FrameSink::FlushLoop() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      due_.wait(lock, [this] { return flush_due_.load(); });
    }
    std::this_thread::sleep_for(kHoldTime);
    flush_due_ = false;  // first: an event that comes now asks for the next flush
    (void)channel_.Flush();
  }
}

void FrameSink::Complete(uint64_t id, dcp_code code, Origin origin, std::string_view body) {
  BodyWriter frame;
  frame.Reserve(2 * sizeof(uint32_t) + body.size());
  frame.U32(static_cast<uint32_t>(code)).U32(static_cast<uint32_t>(origin)).Rest(body);
  // The host is gone, or the plugin has closed the socket, which no thread may be waiting on now.
  if (!channel_.Send(FrameType::kComplete, id, frame.Take()).ok()) End(3);
}

void FrameSink::Log(dcp_level level, std::string_view text) {
  (void)channel_.Send(FrameType::kLog, 0,
                      BodyWriter().U32(static_cast<uint32_t>(level)).Rest(text).Take());
}

Worker::Worker(int fd) : channel_(fd), sink_(std::make_shared<FrameSink>(channel_)) {}

void Worker::Run() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  // Edge-triggered: what comes wakes one of the threads that wait, once.
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  if (epoll_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, channel_.fd(), &event) != 0) End(3);
  Serve();
}

void Worker::Serve() {
  for (;;) {
    epoll_event event{};
    if (epoll_wait(epoll_, &event, 1, -1) < 0 && errno != EINTR) End(3);
    std::vector<Task> tasks = Read();
    for (Task& task : tasks) {
      task();
      ++readers_;
    }
  }
}

/// Takes and dispatches what is there. What it answers is for this thread to run.
std::vector<Worker::Task> Worker::Read() {
  std::vector<Task> tasks;
  std::vector<Frame> frames;
  const MutexLock lock(read_mutex_);
  for (;;) {
    frames.clear();
    const Result<Channel::Got> got = channel_.ReceiveNow(frames);
    for (Frame& frame : frames) Dispatch(std::move(frame), tasks);
    if (!got.ok() || *got == Channel::Got::kEnd) End(got.ok() ? 0 : 3);
    if (*got == Channel::Got::kAll) return tasks;
  }
}

/// Whether this thread may run the plugin's code: then another one waits for frames.
bool Worker::MayRun() {
  if (readers_ > 1) {
    --readers_;
    return true;
  }
  try {
    std::thread([this] { Serve(); }).detach();
  } catch (const std::exception&) {
    return false;
  }
  return true;  // the new one counts in our place
}

void Worker::Dispatch(Frame frame, std::vector<Task>& tasks) {
  switch (frame.type) {
    case FrameType::kHello:
      // Here, while this is the only thread: what it gives up, later threads have not either.
      return Enter(frame.body);
    case FrameType::kPing:
      (void)channel_.Send(FrameType::kPong, frame.call_id, {});
      return;
    case FrameType::kValidate:
    case FrameType::kCreate:
    case FrameType::kDestroy:
    case FrameType::kInvoke:
    case FrameType::kCancel:
    case FrameType::kRoom:
      return DispatchPlugin(std::move(frame), tasks);
    default:
      return;  // the rest are the worker's own words
  }
}

void Worker::DispatchPlugin(Frame frame, std::vector<Task>& tasks) {
  const uint64_t id = frame.call_id;
  const std::shared_ptr<PluginRuntime> runtime = Runtime();
  if (!runtime) {
    if (frame.type == FrameType::kCancel || frame.type == FrameType::kRoom) return;
    return sink_->Complete(id, DCP_FAILED_PRECONDITION, Origin::kWorker, "out of order");
  }
  if (frame.type == FrameType::kValidate) runtime->Validate(id, std::move(frame.body));
  if (frame.type == FrameType::kCreate) runtime->Create(id, std::move(frame.body));
  if (frame.type == FrameType::kDestroy) runtime->Destroy(id);
  if (frame.type == FrameType::kCancel) runtime->Cancel(id);
  if (frame.type == FrameType::kRoom) {
    runtime->Give(id, static_cast<uint64_t>(BodyReader(frame.body).I64()));
  }
  if (frame.type != FrameType::kInvoke) return;
  // One at most: a second one would wait for the first to end.
  if (!tasks.empty() || !MayRun()) return runtime->Invoke(id, std::move(frame.body));
  if (Task task = runtime->InvokeHere(id, std::move(frame.body))) {
    tasks.push_back(std::move(task));
  } else {
    ++readers_;
  }
}

std::shared_ptr<PluginRuntime> Worker::Runtime() {
  const MutexLock lock(mutex_);
  return runtime_;
}

void Worker::Enter(std::string_view body) {
  const Result<Hello> hello = DecodeHello(body);
  if (!hello.ok()) return Ready(hello.status(), 0);
  if (const Status limited = Limit(hello->limits); !limited.ok()) return Ready(limited, 0);
  if (hello->sandboxed) {
    os::SandboxPolicy policy = hello->sandbox;
    // Libraries that a plugin brings along stand beside it.
    policy.read.push_back(
        std::filesystem::weakly_canonical(std::filesystem::path(hello->plugin_path).parent_path()));
    // A program that it starts may share memory with it, and has a limit of its own in any case.
    policy.private_memory = kLimitsMemory && hello->limits.memory_bytes > 0 && !policy.processes;
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
    const MutexLock lock(mutex_);
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
