// SPDX-License-Identifier: Apache-2.0
//
// The calls that are open on one plugin instance, between the threads that wait for them and the
// one that hears the plugin. The same for a worker and for this process, so that a caller cannot
// tell which it was.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "base/result.h"
#include "host/plugin_home.h"

namespace dcp::host {

/// Calls open on one instance. Beyond it a call is refused at once: a queue would only age them.
constexpr size_t kOpenCallsMax = 1024;
/// Calls that were given up and never completed, after which a plugin is taken for hung although
/// others still run on it.
constexpr size_t kAbandonedCallsMax = 4;
/// How often a caller's `cancelled` is asked.
constexpr int64_t kCancelPollMs = 20;
/// What a plugin gets beyond the deadline to say itself that it was exceeded, with better words.
constexpr int64_t kDeadlineGraceMs = 200;

/// What a caller that waits can do about its call. Its own thread's alone.
class CallLine {
 public:
  CallLine() = default;
  CallLine(const CallLine&) = delete;
  CallLine& operator=(const CallLine&) = delete;
  virtual ~CallLine() = default;
  /// Asks the plugin to end the call.
  virtual void Cancel() = 0;
  /// So much of its DATA events has been taken; more may come.
  virtual void Give(uint64_t cost) = 0;
  /// Whether the caller is to listen to the plugin itself from now on, until Leave().
  virtual bool Join() { return false; }
  /// Waits for the plugin's words, and hands them to whom they are for. blocks
  virtual void Listen(int64_t /*wait_ms*/) {}
  /// `tired`: nothing came, so that somebody else is to listen.
  virtual void Leave(bool /*tired*/) {}
};

class Calls {
 public:
  struct Slot;

  /// `who` is "plugin x (instance y)".
  Calls(std::string who, int64_t cancel_grace_ms)
      : who_(std::move(who)), cancel_grace_ms_(cancel_grace_ms) {}

  // --- life --------------------------------------------------------------------------- [any]
  void Admit();                ///< it is ready: calls may open
  void Refuse(Status reason);  ///< none may open from now on
  /// Refuses, and answers every open call with UNAVAILABLE: `death` in its method; the last words
  /// are for operators.
  void End(Status reason, const std::string& death, const std::string& last_words);
  /// The number of calls that were given up at least `grace_ms` ago and go on; `method` is one's.
  size_t Hung(int64_t now, int64_t grace_ms, std::string& method) const;
  /// Takes no lock, so that whoever holds one may ask.
  size_t open() const { return open_count_; }
  std::string last_method() const;

  // --- the plugin's side -------------------------------------------------------------- [any]
  void Complete(uint64_t id, Reply reply);
  /// False: a DATA event that the call takes none of, or had no room for.
  bool Event(uint64_t id, uint32_t kind, std::string body);

  // --- the caller's side -------------------------------------------------------------- [any]
  /// nullptr with the reason in `refused`.
  std::shared_ptr<Slot> Open(const std::string& method, const CallOptions& options, uint64_t& id,
                             Status& refused);
  /// Until the call is over. blocks
  Result<Reply> Await(const std::shared_ptr<Slot>& slot, const CallOptions& options,
                      CallLine& line);

 private:
  class Wait;
  std::shared_ptr<Slot> Find(uint64_t id) const;

  const std::string who_;
  const int64_t cancel_grace_ms_;
  mutable Mutex mutex_;
  bool admits_ DCP_GUARDED_BY(mutex_) = false;
  Status refusal_ DCP_GUARDED_BY(mutex_);
  std::string last_method_ DCP_GUARDED_BY(mutex_);
  std::map<uint64_t, std::shared_ptr<Slot>> open_ DCP_GUARDED_BY(mutex_);
  std::atomic<size_t> open_count_{0};             ///< its size
  uint64_t next_id_ DCP_GUARDED_BY(mutex_) = 16;  ///< below: the host's own requests
};

/// The body of a kInvoke frame.
std::string InvokeBody(const std::string& method, const std::string& request,
                       const CallOptions& options);
/// RESOURCE_EXHAUSTED for a request larger than any message may be.
Status CheckRequestSize(const std::string& method, const std::string& request);

}  // namespace dcp::host
