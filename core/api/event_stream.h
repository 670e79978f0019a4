// SPDX-License-Identifier: Apache-2.0
//
// A callback stream, so a hundred watchers cost no thread. Reactions only move messages; reads of
// the store, of files and of journals happen on the executor, one at a time a stream, and only when
// the client has taken what was read before: that is the back-pressure. Internal to the room.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "api/service.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace dcp::api {

/// One open stream. It holds itself from Open() to OnDone(); executor tasks and subscriptions hold
/// it too, so a late wake-up meets a living object that has nothing more to do.
template <class Message>
class EventStream : public grpc::ServerWriteReactor<Message>,
                    public std::enable_shared_from_this<EventStream<Message>> {
 public:
  EventStream(ServiceContext& context, Result<playground::Principal> caller)
      : context_(context), caller_(std::move(caller)) {}

  /// Call once, with the only reference.
  static EventStream* Open(std::shared_ptr<EventStream> stream) {
    EventStream* raw = stream.get();
    raw->self_ = std::move(stream);
    const int open = raw->context_.open_streams.fetch_add(1);
    if (!raw->caller_.ok()) {
      raw->End(raw->caller_.status());
    } else if (open >= kStreamsMax) {
      raw->End(ResourceExhausted("more than " + std::to_string(kStreamsMax) + " streams are open")
                   .WithId(kAtOnceId)
                   .WithHint("close some, or ask again without following"));
    } else if (auto place = raw->context_.open_by_principal.Take(
                   raw->caller_->user, raw->context_.settings.streams_per_principal);
               !place.ok()) {
      raw->End(place.status());
    } else {
      raw->place_ = std::move(place).value();
      raw->Schedule();
    }
    return raw;
  }

  void OnWriteDone(bool ok) final {
    const MutexLock lock(mutex_);
    writing_ = false;
    pending_.pop_front();
    if (!ok || cancelled_) return FinishLocked(Cancelled("the client has gone"));
    AdvanceLocked();
  }
  void OnCancel() final {
    const MutexLock lock(mutex_);
    cancelled_ = true;
    if (!writing_) FinishLocked(Cancelled("the call was cancelled"));
  }
  void OnDone() final {
    Close();
    context_.open_streams.fetch_sub(1);
    const auto last = std::move(self_);
  }

 protected:
  /// Something may be there to read. [any]
  void Schedule() {
    const MutexLock lock(mutex_);
    dirty_ = true;
    AdvanceLocked();
  }
  std::function<void()> Wake() {
    return [weak = this->weak_from_this()] {
      if (const auto stream = weak.lock()) stream->Schedule();
    };
  }

  struct Batch {
    std::deque<Message> messages;
    bool end = false;    ///< nothing follows
    bool again = false;  ///< read on as soon as these are written
  };
  /// Reads what is new. On the executor; may block.
  virtual Status Read(Batch* batch) = 0;
  /// For how long after one read the next one rests, so that news which come in a stream are read
  /// together. What is first after a rest is told at once.
  virtual int64_t PauseMs() const { return 0; }
  /// The stream is over; lets subscriptions go.
  virtual void Close() {}

  ServiceContext& context_;
  const Result<playground::Principal> caller_;

 private:
  void End(const Status& status) {
    const MutexLock lock(mutex_);
    FinishLocked(status);
  }
  void FinishLocked(const Status& status) DCP_REQUIRES(mutex_) {
    if (finished_) return;
    finished_ = true;
    this->Finish(Answer(status, "stream"));
  }
  void AdvanceLocked() DCP_REQUIRES(mutex_) {
    if (finished_ || writing_ || reading_) return;
    if (!pending_.empty()) {
      writing_ = true;
      this->StartWrite(&pending_.front());
    } else if (ended_) {
      FinishLocked(end_status_);
    } else if (dirty_ && !Rests()) {
      dirty_ = false;
      reading_ = true;
      const auto self = this->shared_from_this();
      if (!context_.streams->Post([self] { self->Pump(); })) {
        FinishLocked(Unavailable("the daemon is stopping"));
      }
    }
  }
  /// Whether it is too early to read again; sees to it that it is done later.
  bool Rests() DCP_REQUIRES(mutex_) {
    const int64_t left = read_at_ + PauseMs() - SystemClock().Steady();
    if (resting_ || left <= 0) return resting_;
    const auto self = this->shared_from_this();
    resting_ = context_.streams->PostAfter(left, [self] {
      const MutexLock lock(self->mutex_);
      self->resting_ = false;
      self->read_at_ = kLongAgo;
      self->AdvanceLocked();
    });
    return resting_;
  }
  void Pump() {
    Batch batch;
    const Status status = Read(&batch);
    const MutexLock lock(mutex_);
    reading_ = false;
    pending_ = std::move(batch.messages);
    ended_ = batch.end || !status.ok();
    end_status_ = status;
    dirty_ = dirty_ || batch.again;
    read_at_ = batch.again ? kLongAgo : SystemClock().Steady();
    AdvanceLocked();
  }

  Mutex mutex_;
  std::deque<Message> pending_ DCP_GUARDED_BY(mutex_);
  static constexpr int64_t kLongAgo = INT64_MIN / 2;
  int64_t read_at_ DCP_GUARDED_BY(mutex_) = kLongAgo;
  bool resting_ DCP_GUARDED_BY(mutex_) = false;
  bool dirty_ DCP_GUARDED_BY(mutex_) = false;
  bool reading_ DCP_GUARDED_BY(mutex_) = false;
  bool writing_ DCP_GUARDED_BY(mutex_) = false;
  bool ended_ DCP_GUARDED_BY(mutex_) = false;
  bool cancelled_ DCP_GUARDED_BY(mutex_) = false;
  bool finished_ DCP_GUARDED_BY(mutex_) = false;
  Status end_status_ DCP_GUARDED_BY(mutex_);
  Shares::Place place_;  // set before anything else happens
  std::shared_ptr<EventStream> self_;
};

}  // namespace dcp::api
