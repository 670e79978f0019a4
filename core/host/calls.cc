// SPDX-License-Identifier: Apache-2.0
//
// Open calls, and the wait for them.
#include "host/calls.h"

#include <dcp/plugin.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/redaction.h"
#include "host/frame.h"

namespace dcp::host {
namespace {

/// A kInvoke frame's deadline, flags and length of the method's name.
constexpr size_t kInvokeHeadBytes = 16;
/// Room is given back when so much of it has been taken: not for each event, which would wake the
/// plugin each time, and early enough that it need not stop.
constexpr uint64_t kGiveBytes = kEventWindowBytes / 2;
/// A caller listens for so long without hearing anything: calls that take longer gain nothing by
/// it.
constexpr int64_t kListenMs = 50;

/// Why a caller wants to wait no longer; OK while it does.
Status Impatience(const CallOptions& options, const std::string& what) {
  if (options.cancelled && options.cancelled()) return Cancelled(what + " was cancelled");
  if (options.deadline != 0 && SystemClock().Steady() >= options.deadline) {
    return DeadlineExceeded(what + " did not answer before its deadline");
  }
  return Status::Ok();
}

}  // namespace

struct Calls::Slot {
  Slot(std::string m, bool takes) : method(std::move(m)), takes_data(takes) {}

  void Finish(Reply value) {
    const MutexLock lock(mutex);
    if (!reply) reply = std::move(value);
    changed.notify_all();
  }
  bool HasEvents() const DCP_REQUIRES(mutex) { return !data.empty() || progress.has_value(); }

  const std::string method;
  const bool takes_data;
  Mutex mutex;
  CondVar changed;
  std::optional<Reply> reply DCP_GUARDED_BY(mutex);
  std::deque<std::string> data DCP_GUARDED_BY(mutex);  ///< DATA events, in order
  uint64_t data_cost DCP_GUARDED_BY(mutex) = 0;  ///< of those whose room has not been given back
  std::optional<std::string> progress DCP_GUARDED_BY(mutex);  ///< the newest PROGRESS event
  int64_t abandoned_ms DCP_GUARDED_BY(mutex) = 0;             ///< when the caller gave it up
};

std::string InvokeBody(const std::string& method, const std::string& request,
                       const CallOptions& options) {
  constexpr int64_t kNsPerMs = 1'000'000;
  // A deadline beyond what nanoseconds can say is none.
  const bool none = options.deadline > std::numeric_limits<int64_t>::max() / kNsPerMs;
  BodyWriter body;
  body.Reserve(kInvokeHeadBytes + method.size() + request.size());
  body.I64(none ? 0 : options.deadline * kNsPerMs).U32(options.on_data ? kInvokeTakesData : 0);
  return body.Text(method).Rest(request).Take();
}

Status CheckRequestSize(const std::string& method, const std::string& request) {
  if (request.size() <= limits::kMessageBytesMax) return Status::Ok();
  return ResourceExhausted("the request of " + method + " has " + std::to_string(request.size()) +
                           " bytes, the limit is " + std::to_string(limits::kMessageBytesMax));
}

void Calls::Admit() {
  const MutexLock lock(mutex_);
  admits_ = true;
}

void Calls::Refuse(Status reason) {
  const MutexLock lock(mutex_);
  admits_ = false;
  refusal_ = std::move(reason);
}

void Calls::End(Status reason, const std::string& death, const std::string& last_words) {
  std::map<uint64_t, std::shared_ptr<Slot>> open;
  {
    const MutexLock lock(mutex_);
    admits_ = false;
    refusal_ = std::move(reason);
    open.swap(open_);
    open_count_ = 0;
  }
  for (const auto& [id, slot] : open) {
    slot->Finish({Code::kUnavailable, false, death + " in " + slot->method, last_words});
  }
}

size_t Calls::Hung(int64_t now, int64_t grace_ms, std::string& method) const {
  const MutexLock lock(mutex_);
  size_t hung = 0;
  for (const auto& [id, slot] : open_) {
    const MutexLock slot_lock(slot->mutex);
    if (slot->abandoned_ms == 0 || now - slot->abandoned_ms < grace_ms) continue;
    ++hung;
    method = slot->method;
  }
  return hung;
}

std::string Calls::last_method() const {
  const MutexLock lock(mutex_);
  return last_method_;
}

std::shared_ptr<Calls::Slot> Calls::Find(uint64_t id) const {
  const MutexLock lock(mutex_);
  const auto found = open_.find(id);
  return found == open_.end() ? nullptr : found->second;
}

void Calls::Complete(uint64_t id, Reply reply) {
  std::shared_ptr<Slot> slot;
  {
    const MutexLock lock(mutex_);
    const auto found = open_.find(id);
    if (found == open_.end()) return;  // nothing waits for it any more
    slot = std::move(found->second);
    open_.erase(found);
    open_count_ = open_.size();
  }
  slot->Finish(std::move(reply));
}

bool Calls::Event(uint64_t id, uint32_t kind, std::string body) {
  const std::shared_ptr<Slot> slot = Find(id);
  if (!slot) return true;
  const MutexLock lock(slot->mutex);
  if (slot->reply || slot->abandoned_ms != 0) return true;
  if (kind == DCP_EVENT_PROGRESS) {
    slot->progress = std::move(body);
  } else {
    if (!slot->takes_data || slot->data_cost >= kEventWindowBytes) return false;
    slot->data_cost += EventCost(body.size());
    slot->data.push_back(std::move(body));
    if (slot->data.size() > 1) return true;  // whoever waits has been told
  }
  slot->changed.notify_all();
  return true;
}

std::shared_ptr<Calls::Slot> Calls::Open(const std::string& method, const CallOptions& options,
                                         uint64_t& id, Status& refused) {
  const MutexLock lock(mutex_);
  if (!admits_) {
    refused = refusal_.ok() ? Unavailable(who_ + " is not ready") : refusal_;
    return nullptr;
  }
  if (open_.size() >= kOpenCallsMax) {
    refused = ResourceExhausted(who_ + " has " + std::to_string(kOpenCallsMax) +
                                " open calls; try again later");
    return nullptr;
  }
  id = next_id_++;
  last_method_ = method;
  const auto slot = std::make_shared<Slot>(method, options.on_data != nullptr);
  open_.emplace(id, slot);
  open_count_ = open_.size();
  return slot;
}

/// One caller's wait for the end of its call, step by step.
class Calls::Wait {
 public:
  Wait(Slot& slot, const CallOptions& options, CallLine& line, std::string what, int64_t grace_ms)
      : slot_(slot),
        options_(options),
        line_(line),
        what_(std::move(what)),
        cancel_grace_ms_(grace_ms) {}

  Result<Reply> Run();

 private:
  void Deliver() DCP_REQUIRES(slot_.mutex);
  void AskCaller() DCP_REQUIRES(slot_.mutex);
  void Sleep(MutexLock& lock, SteadyMillis now) DCP_REQUIRES(slot_.mutex);
  void Leave(bool tired);

  Slot& slot_;
  const CallOptions& options_;
  CallLine& line_;
  const std::string what_;
  const int64_t cancel_grace_ms_;
  Status stop_;               ///< set once the call has been asked to end
  SteadyMillis give_up_ = 0;  ///< and when we go without it
  uint64_t taken_ = 0;        ///< of the room, and not given back yet
  bool listens_ = false;
  SteadyMillis tired_at_ = 0;  ///< of listening, when nothing comes
};

Result<Reply> Calls::Wait::Run() {
  MutexLock lock(slot_.mutex);
  for (;;) {
    if (slot_.HasEvents()) Deliver();
    if (slot_.reply && !slot_.HasEvents()) break;
    if (stop_.ok()) AskCaller();
    const SteadyMillis now = SystemClock().Steady();
    if (!stop_.ok() && now >= give_up_ && !slot_.reply) {
      slot_.abandoned_ms = now;  // nobody takes its events any more
      slot_.data.clear();
      Leave(false);
      return stop_;
    }
    // Much may have come while the lock was open.
    if (!slot_.HasEvents() && !slot_.reply) Sleep(lock, now);
  }
  Leave(false);
  // It said that it stopped; why it was asked to is known better here.
  if (!stop_.ok() && slot_.reply->code == Code::kCancelled) return stop_;
  return std::move(*slot_.reply);
}

/// What has come, in order; new events may come meanwhile. The caller's functions may take long, so
/// nobody waits for this thread to read.
void Calls::Wait::Deliver() {
  std::deque<std::string> data;
  data.swap(slot_.data);
  std::optional<std::string> progress;
  progress.swap(slot_.progress);
  slot_.mutex.unlock();
  Leave(false);
  for (const std::string& event : data) {
    options_.on_data(event);
    taken_ += EventCost(event.size());
    if (taken_ < kGiveBytes) continue;
    slot_.mutex.lock();
    slot_.data_cost -= taken_;
    slot_.mutex.unlock();
    line_.Give(std::exchange(taken_, 0));
  }
  if (progress && options_.on_progress) options_.on_progress(Redact(*progress));
  slot_.mutex.lock();
}

/// Asks the plugin to end the call once its caller does not want to wait any longer.
void Calls::Wait::AskCaller() {
  slot_.mutex.unlock();
  stop_ = Impatience(options_, what_);
  if (!stop_.ok()) {
    line_.Cancel();
    give_up_ = SystemClock().Steady() +
               (stop_.code() == Code::kDeadlineExceeded ? kDeadlineGraceMs : cancel_grace_ms_);
  }
  slot_.mutex.lock();
}

void Calls::Wait::Sleep(MutexLock& lock, SteadyMillis now) {
  SteadyMillis until = !stop_.ok() ? give_up_ : options_.deadline;
  if (stop_.ok() && options_.cancelled && (until == 0 || until > now + kCancelPollMs)) {
    until = now + kCancelPollMs;
  }
  if (listens_ && now >= tired_at_) Leave(true);
  // Under the lock: a reader before us has told all that it read.
  if (!listens_ && line_.Join()) {
    listens_ = true;
    tired_at_ = now + kListenMs;
  }
  if (listens_) {
    slot_.mutex.unlock();
    line_.Listen(until == 0 ? kListenMs : std::min(kListenMs, until - now + 1));
    slot_.mutex.lock();
  } else if (until == 0) {
    slot_.changed.wait(lock);
  } else {
    slot_.changed.wait_for(lock, std::chrono::milliseconds(until - now + 1));
  }
}

void Calls::Wait::Leave(bool tired) {
  if (std::exchange(listens_, false)) line_.Leave(tired);
}

Result<Reply> Calls::Await(const std::shared_ptr<Slot>& slot, const CallOptions& options,
                           CallLine& line) {
  return Wait(*slot, options, line, who_ + ": " + slot->method, cancel_grace_ms_).Run();
}

}  // namespace dcp::host
