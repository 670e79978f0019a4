// SPDX-License-Identifier: Apache-2.0
//
// Who waits for a worker's bytes: the thread that watches over it, or a caller. While one call
// comes after the other, its caller reads the answer itself, which spares the way through a second
// thread; otherwise the watcher reads for all. It is about time only: whoever has the bytes may
// handle them, one thread at a time.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/result.h"

namespace dcp::host {

/// How long the role may be with a caller that hears nothing, or with nobody; then the watcher
/// takes it back. What comes meanwhile and is for no call (a log line, a pong) is late by no more.
constexpr int64_t kRoleMs = 20;

class ReaderRole {
 public:
  ReaderRole() = default;
  ReaderRole(const ReaderRole&) = delete;
  ReaderRole& operator=(const ReaderRole&) = delete;
  ~ReaderRole();

  Status Open();
  /// Readable when the watcher is to look again; Seen() ends that.
  int fd() const { return fd_; }
  void Seen();

  // --- callers ------------------------------------------------------------------------- [any]
  /// False: another thread reads.
  bool Take();
  /// Nobody reads now.
  void Release();
  /// The watcher is to read, unless a caller has taken it since.
  void ToWatcher();
  /// From now on the watcher reads whenever no caller does.
  void Pin();

  // --- the watcher ---------------------------------------------------------------------------
  /// Whether it reads; it takes the role that nobody has used for a while.
  bool Watches(int64_t now);
  /// A caller may read the next answer.
  void Offer(int64_t now);

 private:
  enum Holder : int { kNobody, kWatcher, kCaller };

  int fd_ = -1;
  std::atomic<int> holder_{kWatcher};
  std::atomic<bool> pinned_{false};
  std::atomic<uint64_t> taken_{0};  ///< how often callers took it
  uint64_t seen_taken_ = 0;         ///< the watcher's own, as is:
  int64_t unused_since_ms_ = 0;
};

}  // namespace dcp::host
