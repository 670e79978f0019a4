// SPDX-License-Identifier: Apache-2.0
//
// Calls on a worker, as the thread that waits for them sees it.
#include <dcp/plugin.h>

#include <chrono>
#include <limits>

#include "base/clock.h"
#include "host/frame.h"
#include "host/worker_process.h"
#include "host/worker_slot.h"

namespace dcp::host {
namespace {

/// For the plugin's clock; a deadline beyond what nanoseconds can say is none.
int64_t DeadlineNs(SteadyMillis deadline) {
  constexpr int64_t kNsPerMs = 1'000'000;
  return deadline > std::numeric_limits<int64_t>::max() / kNsPerMs ? 0 : deadline * kNsPerMs;
}

}  // namespace

void WorkerProcess::HandleComplete(const Frame& frame) {
  std::shared_ptr<Slot> slot;
  {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(frame.call_id);
    if (found == open_.end()) return;  // nothing waits for it any more
    slot = std::move(found->second);
    open_.erase(found);
  }
  BodyReader reader(frame.body);
  Reply reply;
  // A number that is no canonical code reads as UNKNOWN.
  reply.code = CodeFromInt(static_cast<int32_t>(reader.U32()));
  reply.from_plugin = reader.U32() == static_cast<uint32_t>(Origin::kPlugin);
  reply.body = std::string(reader.Rest());
  slot->Finish(std::move(reply));
}

void WorkerProcess::HandleEvent(const Frame& frame) {
  std::shared_ptr<Slot> slot;
  {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(frame.call_id);
    if (found == open_.end()) return;
    slot = found->second;
  }
  BodyReader reader(frame.body);
  const uint32_t kind = reader.U32();
  const std::lock_guard lock(slot->mutex);
  if (kind == DCP_EVENT_PROGRESS) {
    slot->progress = std::string(reader.Rest());
  } else if (slot->data.size() < kEventsMax) {
    slot->data.emplace_back(reader.Rest());
  } else {
    slot->overrun = true;
  }
  slot->changed.notify_all();
}

std::shared_ptr<WorkerProcess::Slot> WorkerProcess::Open(const std::string& method, uint64_t& id,
                                                         Status& refused) {
  const std::lock_guard lock(mutex_);
  if (phase_ != Phase::kReady || stopping_) {
    refused = phase_ == Phase::kEnded ? ending_ : Unavailable(who_ + " is not ready");
    return nullptr;
  }
  if (open_.size() >= kOpenCallsMax) {
    refused = ResourceExhausted(who_ + " has " + std::to_string(kOpenCallsMax) +
                                " open calls; try again later");
    return nullptr;
  }
  id = next_id_++;
  last_method_ = method;
  return open_[id] = std::make_shared<Slot>(method);
}

Result<Reply> WorkerProcess::Call(const std::string& method, const std::string& request,
                                  const CallOptions& options, bool& sent) {
  sent = false;
  if (request.size() > limits::kMessageBytesMax) {
    return ResourceExhausted("the request of " + method + " has " + std::to_string(request.size()) +
                             " bytes, the limit is " + std::to_string(limits::kMessageBytesMax));
  }
  uint64_t id = 0;
  Status refused;
  const std::shared_ptr<Slot> slot = Open(method, id, refused);
  if (!slot) return refused;
  sent = true;
  // A failure to send means that the worker is dying; the slot then learns of what.
  (void)channel_->Send(
      FrameType::kInvoke, id,
      BodyWriter().I64(DeadlineNs(options.deadline)).Text(method).Rest(request).Take());
  return Await(slot, id, options);
}

namespace {

/// Why a caller wants to wait no longer; OK while it does.
Status Impatience(const CallOptions& options, const std::string& what) {
  if (options.cancelled && options.cancelled()) return Cancelled(what + " was cancelled");
  if (options.deadline != 0 && SystemClock().Steady() >= options.deadline) {
    return DeadlineExceeded(what + " did not answer before its deadline");
  }
  return Status::Ok();
}

}  // namespace

Result<Reply> WorkerProcess::Await(const std::shared_ptr<Slot>& slot, uint64_t id,
                                   const CallOptions& options) {
  const std::string what = who_ + ": " + slot->method;
  Status stop;               // set once the call has been asked to end
  SteadyMillis give_up = 0;  // and when we go without it
  std::unique_lock lock(slot->mutex);
  for (;;) {
    std::optional<std::string> event;
    if (!slot->data.empty()) {
      event = std::move(slot->data.front());
      slot->data.pop_front();
    } else {
      event.swap(slot->progress);
    }
    if (event) {
      lock.unlock();
      if (options.on_progress) options.on_progress(*event);
      lock.lock();
      continue;
    }
    if (slot->reply) break;
    if (stop.ok()) {
      const bool overrun = slot->overrun;
      lock.unlock();
      stop = overrun ? ResourceExhausted(what + " sent more events than were taken")
                     : Impatience(options, what);
      if (!stop.ok()) {
        (void)channel_->Send(FrameType::kCancel, id, {});
        give_up =
            SystemClock().Steady() +
            (stop.code() == Code::kDeadlineExceeded ? kDeadlineGraceMs : options_.cancel_grace_ms);
      }
      lock.lock();
      if (slot->reply) continue;
    }
    const SteadyMillis now = SystemClock().Steady();
    if (!stop.ok() && now >= give_up) {
      slot->abandoned_ms = now;
      return stop;
    }
    SteadyMillis until = !stop.ok() ? give_up : options.deadline;
    if (stop.ok() && options.cancelled && (until == 0 || until > now + kCancelPollMs)) {
      until = now + kCancelPollMs;
    }
    // Events may have come while the lock was open.
    if (!slot->data.empty() || slot->progress || (slot->overrun && stop.ok())) continue;
    if (until == 0) {
      slot->changed.wait(lock);
    } else {
      slot->changed.wait_for(lock, std::chrono::milliseconds(until - now + 1));
    }
  }
  // It said that it stopped; why it was asked to is known better here.
  if (!stop.ok() && slot->reply->code == Code::kCancelled) return stop;
  return std::move(*slot->reply);
}

}  // namespace dcp::host
