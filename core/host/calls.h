// SPDX-License-Identifier: Apache-2.0
//
// The calls that are open on one plugin instance, between the threads that wait for them and the
// one that hears the plugin. The same for a worker and for this process, so that a caller cannot
// tell which it was.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "host/plugin_home.h"

namespace dcp::host {

/// Calls open on one instance. Beyond it a call is refused at once: a queue would only age them.
constexpr size_t kOpenCallsMax = 1024;
/// DATA events of one call that wait for a slow reader; then the call ends.
constexpr size_t kEventsMax = 1024;
/// Calls that were given up and never completed, after which a plugin is taken for hung although
/// others still run on it.
constexpr size_t kAbandonedCallsMax = 4;
/// How often a caller's `cancelled` is asked.
constexpr int64_t kCancelPollMs = 20;
/// What a plugin gets beyond the deadline to say itself that it was exceeded, with better words.
constexpr int64_t kDeadlineGraceMs = 200;

class Calls {
 public:
  struct Slot;

  /// `who` is "plugin x (instance y)".
  Calls(std::string who, int64_t cancel_grace_ms)
      : who_(std::move(who)), cancel_grace_ms_(cancel_grace_ms) {}

  // --- life --------------------------------------------------------------------------- [any]
  void Admit();                ///< it is ready: calls may open
  void Refuse(Status reason);  ///< none may open from now on
  /// Refuses, and answers every open call with UNAVAILABLE: `death` in its method, and the words.
  void End(Status reason, const std::string& death, const std::string& last_words);
  /// The number of calls that were given up at least `grace_ms` ago and go on; `method` is one's.
  size_t Hung(int64_t now, int64_t grace_ms, std::string& method) const;
  size_t open() const;
  std::string last_method() const;

  // --- the plugin's side -------------------------------------------------------------- [any]
  void Complete(uint64_t id, Reply reply);
  /// `wait_ms` is how long a DATA event may wait for room before the call is overrun.
  void Event(uint64_t id, uint32_t kind, std::string body, int64_t wait_ms);

  // --- the caller's side -------------------------------------------------------------- [any]
  /// nullptr with the reason in `refused`.
  std::shared_ptr<Slot> Open(const std::string& method, uint64_t& id, Status& refused);
  /// Until the call is over; `cancel` asks the plugin to end it. blocks
  Result<Reply> Await(const std::shared_ptr<Slot>& slot, const CallOptions& options,
                      const std::function<void()>& cancel);

 private:
  std::shared_ptr<Slot> Find(uint64_t id) const;

  const std::string who_;
  const int64_t cancel_grace_ms_;
  mutable std::mutex mutex_;
  bool admits_ = false;
  Status refusal_;
  std::string last_method_;
  std::map<uint64_t, std::shared_ptr<Slot>> open_;
  uint64_t next_id_ = 16;  ///< below: the host's own requests
};

/// For the plugin's clock; a deadline beyond what nanoseconds can say is none.
int64_t DeadlineNs(SteadyMillis deadline);
/// RESOURCE_EXHAUSTED for a request larger than any message may be.
Status CheckRequestSize(const std::string& method, const std::string& request);

}  // namespace dcp::host
