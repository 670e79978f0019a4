// SPDX-License-Identifier: Apache-2.0
//
// Open calls, and the wait for them.
#include "host/calls.h"

#include <dcp/plugin.h>

#include <chrono>
#include <limits>
#include <utility>

#include "base/clock.h"
#include "base/limits.h"

namespace dcp::host {
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

struct Calls::Slot {
  explicit Slot(std::string m) : method(std::move(m)) {}

  void Finish(Reply value) {
    const std::lock_guard lock(mutex);
    if (!reply) reply = std::move(value);
    changed.notify_all();
    room.notify_all();
  }

  const std::string method;
  std::mutex mutex;
  std::condition_variable changed;
  std::condition_variable room;  ///< for another DATA event
  std::optional<Reply> reply;
  std::deque<std::string> data;         ///< DATA events, in order
  std::optional<std::string> progress;  ///< the newest PROGRESS event
  bool overrun = false;                 ///< more DATA events than anybody took
  int64_t abandoned_ms = 0;             ///< when the caller gave it up
};

int64_t DeadlineNs(SteadyMillis deadline) {
  constexpr int64_t kNsPerMs = 1'000'000;
  return deadline > std::numeric_limits<int64_t>::max() / kNsPerMs ? 0 : deadline * kNsPerMs;
}

Status CheckRequestSize(const std::string& method, const std::string& request) {
  if (request.size() <= limits::kMessageBytesMax) return Status::Ok();
  return ResourceExhausted("the request of " + method + " has " + std::to_string(request.size()) +
                           " bytes, the limit is " + std::to_string(limits::kMessageBytesMax));
}

void Calls::Admit() {
  const std::lock_guard lock(mutex_);
  admits_ = true;
}

void Calls::Refuse(Status reason) {
  const std::lock_guard lock(mutex_);
  admits_ = false;
  refusal_ = std::move(reason);
}

void Calls::End(Status reason, const std::string& death, const std::string& last_words) {
  std::map<uint64_t, std::shared_ptr<Slot>> open;
  {
    const std::lock_guard lock(mutex_);
    admits_ = false;
    refusal_ = std::move(reason);
    open.swap(open_);
  }
  for (const auto& [id, slot] : open) {
    slot->Finish({Code::kUnavailable, false, death + " in " + slot->method + last_words});
  }
}

size_t Calls::Hung(int64_t now, int64_t grace_ms, std::string& method) const {
  const std::lock_guard lock(mutex_);
  size_t hung = 0;
  for (const auto& [id, slot] : open_) {
    const std::lock_guard slot_lock(slot->mutex);
    if (slot->abandoned_ms == 0 || now - slot->abandoned_ms < grace_ms) continue;
    ++hung;
    method = slot->method;
  }
  return hung;
}

size_t Calls::open() const {
  const std::lock_guard lock(mutex_);
  return open_.size();
}

std::string Calls::last_method() const {
  const std::lock_guard lock(mutex_);
  return last_method_;
}

std::shared_ptr<Calls::Slot> Calls::Find(uint64_t id) const {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(id);
  return found == open_.end() ? nullptr : found->second;
}

void Calls::Complete(uint64_t id, Reply reply) {
  std::shared_ptr<Slot> slot;
  {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(id);
    if (found == open_.end()) return;  // nothing waits for it any more
    slot = std::move(found->second);
    open_.erase(found);
  }
  slot->Finish(std::move(reply));
}

void Calls::Event(uint64_t id, uint32_t kind, std::string body, int64_t wait_ms) {
  const std::shared_ptr<Slot> slot = Find(id);
  if (!slot) return;
  std::unique_lock lock(slot->mutex);
  const auto over = [&] { return slot->reply.has_value() || slot->abandoned_ms != 0; };
  if (kind == DCP_EVENT_PROGRESS) {
    slot->progress = std::move(body);
  } else {
    slot->room.wait_for(lock, std::chrono::milliseconds(wait_ms),
                        [&] { return slot->data.size() < kEventsMax || over(); });
    if (slot->data.size() < kEventsMax) {
      slot->data.push_back(std::move(body));
    } else if (!over()) {
      slot->overrun = true;
    }
  }
  slot->changed.notify_all();
}

std::shared_ptr<Calls::Slot> Calls::Open(const std::string& method, uint64_t& id, Status& refused) {
  const std::lock_guard lock(mutex_);
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
  return open_[id] = std::make_shared<Slot>(method);
}

Result<Reply> Calls::Await(const std::shared_ptr<Slot>& slot, const CallOptions& options,
                           const std::function<void()>& cancel) {
  const std::string what = who_ + ": " + slot->method;
  Status stop;               // set once the call has been asked to end
  SteadyMillis give_up = 0;  // and when we go without it
  std::unique_lock lock(slot->mutex);
  for (;;) {
    std::optional<std::string> event;
    if (!slot->data.empty()) {
      event = std::move(slot->data.front());
      slot->data.pop_front();
      slot->room.notify_all();
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
        cancel();
        give_up = SystemClock().Steady() +
                  (stop.code() == Code::kDeadlineExceeded ? kDeadlineGraceMs : cancel_grace_ms_);
      }
      lock.lock();
      if (slot->reply) continue;
    }
    const SteadyMillis now = SystemClock().Steady();
    if (!stop.ok() && now >= give_up) {
      slot->abandoned_ms = now;
      slot->room.notify_all();  // nobody takes its events any more
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
