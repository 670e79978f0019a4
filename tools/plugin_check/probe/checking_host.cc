// SPDX-License-Identifier: Apache-2.0
#include "plugin_check/probe/checking_host.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "base/limits.h"
#include "plugin_check/probe/posts.h"
#include "plugin_check/probe/record.h"
#include "plugin_check/probe/utf8.h"

/// The two opaque types, as this host fills them.
struct dcp_host {
  std::mutex mutex;
  bool configuring = false;
  bool closed = false;
  std::string reason;
  std::string texts;
  dcp::plugin_check::Posts posts;
};

struct dcp_call {
  dcp_host* host = nullptr;
  std::string method;
  int64_t deadline_ns = 0;
  std::atomic<int32_t> cancelled{0};
  std::atomic<bool> touched{false};
  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  bool refused = false;
  size_t refuse_from = SIZE_MAX;
  dcp_code refuse_code = DCP_OK;
  dcp::plugin_check::CallState state;
};

namespace dcp::plugin_check {
namespace {

/// Text that is kept for a check to look at; a plugin may log without end.
constexpr size_t kTextsBytesMax = size_t{1} << 20;
constexpr size_t kNewerTableBytes = 256;
constexpr size_t kPage = 4096;

struct Seen {
  std::mutex mutex;
  std::array<std::string, static_cast<size_t>(Fault::kCount)> faults;
  std::set<const void*> hosts;
  std::set<const void*> calls;
};
Seen& All() {
  static auto* seen = new Seen;  // the plugin's threads may outlive everything
  return *seen;
}

dcp_host* KnownHost(dcp_host* host, const char* function) {
  Record::Heard(function);
  bool known = false;
  {
    const std::lock_guard lock(All().mutex);
    known = All().hosts.count(host) > 0;
  }
  if (!known) {
    NoteFault(Fault::kForeign, std::string(function) + " was called with a host that is none");
    return nullptr;
  }
  const std::lock_guard lock(host->mutex);
  if (!host->closed) return host;
  NoteFault(Fault::kLate,
            std::string(function) + " was called with the host of a destroyed instance");
  return nullptr;
}

dcp_call* KnownCall(dcp_call* call, const char* function) {
  Record::Heard(function);
  {
    const std::lock_guard lock(All().mutex);
    if (All().calls.count(call) > 0) return call;
  }
  NoteFault(Fault::kForeign, std::string(function) + " was called with a call that is none");
  return nullptr;
}

/// The bytes; none when they are not sane.
std::string_view View(dcp_bytes bytes, const char* function) {
  if (bytes.data != nullptr) return {reinterpret_cast<const char*>(bytes.data), bytes.size};
  if (bytes.size > 0) {
    NoteFault(Fault::kBytes, std::string(function) + " was given " + std::to_string(bytes.size) +
                                 " bytes at NULL");
  }
  return {};
}

void Hear(dcp_host* host, std::string_view text, const char* function) {
  if (!IsUtf8(text)) {
    NoteFault(Fault::kText, std::string(function) + " was given text that is not UTF-8: " +
                                Printable(text.substr(0, 80)));
  }
  const std::lock_guard lock(host->mutex);
  if (host->texts.size() < kTextsBytesMax) (host->texts += text) += '\n';
}

void Log(dcp_host* given, dcp_level level, dcp_call* call, dcp_bytes text) {
  dcp_host* host = KnownHost(given, "log()");
  if (host == nullptr) return;
  if (call != nullptr) (void)KnownCall(call, "log()");
  if (level < DCP_TRACE || level > DCP_FATAL) {
    NoteFault(Fault::kLogLevel, "log() was given the level " + std::to_string(level));
  }
  Hear(host, View(text, "log()"), "log()");
}

int32_t Cancelled(dcp_call* given) {
  dcp_call* call = KnownCall(given, "cancelled()");
  if (call == nullptr) return 1;
  const int32_t answer = call->cancelled.load();
  call->touched = true;  // after the answer: the first is about the time before
  return answer;
}

int64_t DeadlineNs(dcp_call* given) {
  const dcp_call* call = KnownCall(given, "deadline_ns()");
  return call == nullptr ? 0 : call->deadline_ns;
}

dcp_code Emit(dcp_call* given, dcp_event kind, dcp_bytes body) {
  dcp_call* call = KnownCall(given, "emit()");
  if (call == nullptr) return DCP_FAILED_PRECONDITION;
  if (kind != DCP_EVENT_DATA && kind != DCP_EVENT_PROGRESS) {
    NoteFault(Fault::kEmitKind, call->method + " emitted an event of kind " + std::to_string(kind));
  }
  const std::string_view text = View(body, "emit()");
  if (kind == DCP_EVENT_PROGRESS && !nlohmann::json::accept(text)) {
    NoteFault(Fault::kProgress,
              call->method + " emitted progress that is no JSON: " + Printable(text.substr(0, 80)));
  }
  const std::lock_guard lock(call->mutex);
  if (call->state.completed || call->refused) {
    NoteFault(Fault::kEmitLate, call->method + " emitted an event after its end");
    return DCP_FAILED_PRECONDITION;
  }
  // The newest progress wins anyway: one more is noise. Data that nobody takes is lost work.
  if (call->state.after_stop && kind == DCP_EVENT_DATA) {
    NoteFault(Fault::kEmitAfterStop, call->method +
                                         " went on emitting after emit() had answered code " +
                                         std::to_string(call->refuse_code));
  }
  ++call->state.events;
  call->touched = true;
  if (call->state.events > call->refuse_from) {
    call->state.after_stop = true;
    return call->refuse_code;
  }
  return call->cancelled.load() != 0 ? DCP_CANCELLED : DCP_OK;
}

void Complete(dcp_call* given, dcp_code code, dcp_bytes body) {
  dcp_call* call = KnownCall(given, "complete()");
  if (call == nullptr) return;
  if (code < DCP_OK || code > DCP_UNAUTHENTICATED) {
    NoteFault(Fault::kCode, call->method + " was completed with code " + std::to_string(code));
  }
  const std::string_view text = View(body, "complete()");
  if (text.size() > limits::kMessageBytesMax) {
    NoteFault(Fault::kResponseSize,
              call->method + " was answered with " + std::to_string(text.size()) + " bytes");
  }
  const std::lock_guard lock(call->mutex);
  if (call->refused) {
    NoteFault(Fault::kCompleteRefused, "the refused call of " + call->method + " was completed");
    return;
  }
  if (call->state.completed) {
    NoteFault(Fault::kCompleteTwice, "a call of " + call->method + " was completed twice");
    return;
  }
  call->state.completed = true;
  call->state.code = code;
  call->state.body.assign(text.substr(0, limits::kMessageBytesMax));
  call->changed.notify_all();
}

void SetError(dcp_host* given, dcp_code code, dcp_bytes text) {
  dcp_host* host = KnownHost(given, "set_error()");
  if (host == nullptr) return;
  if (code < DCP_OK || code > DCP_UNAUTHENTICATED) {
    NoteFault(Fault::kCode, "set_error() was given code " + std::to_string(code));
  }
  const std::string_view words = View(text, "set_error()");
  Hear(host, words, "set_error()");
  const std::lock_guard lock(host->mutex);
  if (!host->configuring) {
    NoteFault(Fault::kSetErrorScope, "set_error() was called outside validate() and create()");
  }
  host->reason = words;
}

const void* Extension(dcp_host* host, const char* /*id*/) {
  (void)KnownHost(host, "extension()");
  return nullptr;
}

dcp_code Post(dcp_host* given, void (*run)(void*), void* user) {
  dcp_host* host = KnownHost(given, "post()");
  if (host == nullptr) return DCP_FAILED_PRECONDITION;
  return host->posts.Add(run, user) ? DCP_OK : DCP_FAILED_PRECONDITION;
}

/// Memory for a table: it ends at a page that nobody may touch, or has zeros behind it.
uint8_t* Map(bool to_the_edge) {
  void* mapped =
      mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) _exit(3);
  auto* at = static_cast<uint8_t*>(mapped);
  if (!to_the_edge) return at;
  if (mprotect(at + kPage, kPage, PROT_NONE) != 0) _exit(3);
  return at + kPage - DCP_HOST_API_MIN;
}

dcp_host_api* MakeTable(TableForm form, dcp_host* host) {
  uint8_t* memory = Map(form == TableForm::kOld);
  dcp_host_api table{};
  const bool old = form == TableForm::kOld;
  table.struct_size = old ? DCP_HOST_API_MIN : DCP_HOST_API_SIZE;
  table.abi_minor = old ? 0 : DCP_ABI_MINOR;
  table.host = host;
  table.log = Log;
  table.cancelled = Cancelled;
  table.deadline_ns = DeadlineNs;
  table.emit = Emit;
  table.complete = Complete;
  table.set_error = SetError;
  table.extension = Extension;
  table.post = Post;
  if (form == TableForm::kNew) {
    table.struct_size += kNewerTableBytes;
    table.abi_minor += 9;
    std::memset(memory + DCP_HOST_API_SIZE, 0xA5, kNewerTableBytes);
  }
  std::memcpy(memory, &table, old ? DCP_HOST_API_MIN : DCP_HOST_API_SIZE);
  return reinterpret_cast<dcp_host_api*>(memory);
}

}  // namespace

std::string FaultSeen(Fault fault) {
  const std::lock_guard lock(All().mutex);
  return All().faults[static_cast<size_t>(fault)];
}

void NoteFault(Fault fault, const std::string& what) {
  const std::lock_guard lock(All().mutex);
  std::string& first = All().faults[static_cast<size_t>(fault)];
  if (first.empty()) first = what;
}

CheckingHost::CheckingHost(TableForm form) : handle_(new dcp_host), api_(MakeTable(form, handle_)) {
  const std::lock_guard lock(All().mutex);
  All().hosts.insert(handle_);
}

// The handle and the table stay: a late caller must find what tells that it is late.
CheckingHost::~CheckingHost() { Close(); }

void CheckingHost::BeginConfigure() {
  const std::lock_guard lock(handle_->mutex);
  handle_->configuring = true;
  handle_->reason.clear();
}

void CheckingHost::EndConfigure() {
  const std::lock_guard lock(handle_->mutex);
  handle_->configuring = false;
}

std::string CheckingHost::reason() const {
  const std::lock_guard lock(handle_->mutex);
  return handle_->reason;
}

std::string CheckingHost::texts() const {
  const std::lock_guard lock(handle_->mutex);
  return handle_->texts;
}

void CheckingHost::ForgetTexts() {
  const std::lock_guard lock(handle_->mutex);
  handle_->texts = std::string();
}

void CheckingHost::TakePosts() { handle_->posts.Begin(); }

void CheckingHost::FinishPosts() { handle_->posts.Finish(); }

void CheckingHost::Close() {
  const std::lock_guard lock(handle_->mutex);
  handle_->closed = true;
}

CheckingCall::CheckingCall(dcp_host* host, std::string method, int64_t deadline_ns)
    : handle_(new dcp_call) {
  handle_->host = host;
  handle_->method = std::move(method);
  handle_->deadline_ns = deadline_ns;
  const std::lock_guard lock(All().mutex);
  All().calls.insert(handle_);
}

void CheckingCall::SetCancelled() { handle_->cancelled = 1; }

void CheckingCall::RefuseEvents(size_t from, dcp_code code) {
  handle_->refuse_from = from;
  handle_->refuse_code = code;
}

void CheckingCall::Refused() {
  const std::lock_guard lock(handle_->mutex);
  handle_->refused = true;
  if (handle_->state.completed) {
    NoteFault(Fault::kCompleteRefused,
              "a call of " + handle_->method + " was completed, and then refused");
  }
}

bool CheckingCall::Wait(int64_t patience_ms) const {
  std::unique_lock lock(handle_->mutex);
  return handle_->changed.wait_for(lock, std::chrono::milliseconds(patience_ms),
                                   [this] { return handle_->state.completed; });
}

bool CheckingCall::touched() const { return handle_->touched.load(); }

CallState CheckingCall::state() const {
  const std::lock_guard lock(handle_->mutex);
  return handle_->state;
}

void CheckingCall::Forget() {
  {
    const std::lock_guard lock(All().mutex);
    All().calls.erase(handle_);
  }
  delete handle_;
  handle_ = nullptr;
}

}  // namespace dcp::plugin_check
