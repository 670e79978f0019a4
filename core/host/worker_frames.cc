// SPDX-License-Identifier: Apache-2.0
//
// What a worker says, and what comes of it.
#include <cstdint>
#include <string>
#include <utility>

#include "base/clock.h"
#include "host/worker_process.h"
#include "log/log.h"

namespace dcp::host {

void WorkerProcess::Handle(const Frame& frame) {
  heard_ms_ = SystemClock().Steady();
  switch (frame.type) {
    case FrameType::kReady:
      return HandleReady(frame);
    case FrameType::kComplete:
      return frame.call_id <= kDestroyId ? HandleConfigured(frame) : HandleComplete(frame);
    case FrameType::kEvent:
      return HandleEvent(frame);
    case FrameType::kLog: {
      BodyReader reader(frame.body);
      const uint32_t level = reader.U32();
      LogPluginLine(options_.plugin, options_.instance, level, reader.Rest(), *options_.journal);
      return;
    }
    default:
      return;  // a pong has been heard
  }
}

void WorkerProcess::HandleReady(const Frame& frame) {
  BodyReader reader(frame.body);
  const Code code = CodeFromInt(reader.U32());
  const uint32_t flags = reader.U32();
  const std::string unprotected(reader.Text());
  const std::string text(reader.Rest());
  if (code != Code::kOk || !reader.ok()) {
    {
      const MutexLock lock(mutex_);
      start_failure_ = Status(code == Code::kOk ? Code::kInternal : code, text);
      start_permanent_ = true;  // it lies in the file
    }
    return KillFor("");
  }
  parallel_ = (flags & 1U) != 0;
  if (!unprotected.empty()) {
    {
      const MutexLock lock(mutex_);
      unconfined_ = unprotected + (unconfined_.empty() ? "" : "; ") + unconfined_;
    }
    SayUnprotected(unprotected);
  }
  (void)channel_->Send(FrameType::kValidate, kValidateId, options_.config_json.Reveal());
}

void WorkerProcess::HandleConfigured(const Frame& frame) {
  BodyReader reader(frame.body);
  const Code code = CodeFromInt(reader.U32());
  (void)reader.U32();
  if (frame.call_id == kDestroyId) {
    const MutexLock lock(mutex_);
    destroyed_ = true;
    phase_changed_.notify_all();
    return;
  }
  if (code != Code::kOk) {
    const bool validate = frame.call_id == kValidateId;
    {
      const MutexLock lock(mutex_);
      start_failure_ = Status(
          code, who_ + (validate ? " refuses its configuration: " : " could not be created: ") +
                    std::string(reader.Rest()));
      start_permanent_ = validate || !IsTransient(code);
    }
    return KillFor("");
  }
  if (frame.call_id == kValidateId) {
    (void)channel_->Send(FrameType::kCreate, kCreateId, options_.config_json.Reveal());
    return;
  }
  {
    const MutexLock lock(mutex_);
    phase_ = Phase::kReady;
    phase_changed_.notify_all();
  }
  calls_.Admit();
  changed_();
}

void WorkerProcess::HandleComplete(const Frame& frame) {
  BodyReader reader(frame.body);
  Reply reply;
  // A number that is no canonical code reads as UNKNOWN.
  reply.code = CodeFromInt(static_cast<int32_t>(reader.U32()));
  reply.from_plugin = reader.U32() == static_cast<uint32_t>(Origin::kPlugin);
  reply.body = std::string(reader.Rest());
  calls_.Complete(frame.call_id, std::move(reply));
  answered_ = true;
}

void WorkerProcess::HandleEvent(const Frame& frame) {
  BodyReader reader(frame.body);
  const uint32_t kind = reader.U32();
  if (calls_.Event(frame.call_id, kind, std::string(reader.Rest()))) return;
  KillFor("it broke the protocol: it sent more data than it had room for");
}

}  // namespace dcp::host
