// SPDX-License-Identifier: Apache-2.0
//
// Which connections are open, and which of them goes when there is no room: those that have shown
// no good token come last in every respect.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/mutex.h"

namespace dcp::catalog {

/// [any]
class Connections {
 public:
  using Id = uint64_t;

  Connections(int max, int per_principal_max, size_t bytes_max, size_t bytes_per_principal_max)
      : max_(max),
        per_principal_max_(per_principal_max),
        bytes_max_(bytes_max),
        bytes_per_principal_max_(bytes_per_principal_max) {}

  /// Counts a new connection, which waits for its first request. Where there are as many as may
  /// be, or `scarce` says that there is no room for another reason, one that waits is closed for
  /// it: the oldest without a principal, else the oldest of the principal who has most. 0: every
  /// other is at work, and the new one has no room. `close` is called at most once, on any thread.
  Id Add(std::function<void()> close, bool scarce);
  void Remove(Id id);

  /// A request's header has come. `principal` is empty when its token was not good. False when
  /// the principal has too many connections, all at work: this one is closed after its answer.
  bool Begin(Id id, const std::string& principal);
  /// Room for the body of the request that has begun, until it was answered or the connection ends.
  /// False when there is none.
  bool Hold(Id id, size_t bytes);
  /// It was answered, and the connection waits for another.
  void Wait(Id id);

  int open() const;
  int at_work() const;

 private:
  struct Entry {
    std::function<void()> close;
    std::string principal;
    bool waits = true;
    uint64_t since = 0;  ///< a count, not a time
    size_t bytes = 0;    ///< of the body that is held
  };
  using Entries = std::map<Id, Entry>;
  /// The oldest of those that wait; end() when none does.
  Entries::iterator Oldest(const std::string& principal) DCP_REQUIRES(mutex_);
  /// Takes it out; the answer closes it, and is to be called without the mutex: it may end the
  /// connection, which comes back to Remove().
  std::function<void()> TakeOut(Entries::iterator entry) DCP_REQUIRES(mutex_);
  Entries::iterator LeastWorthy() DCP_REQUIRES(mutex_);
  void Forget(const std::string& principal) DCP_REQUIRES(mutex_);
  void Release(Entry& entry) DCP_REQUIRES(mutex_);

  const int max_;
  const int per_principal_max_;
  const size_t bytes_max_;
  const size_t bytes_per_principal_max_;
  mutable Mutex mutex_;
  uint64_t count_ DCP_GUARDED_BY(mutex_) = 0;
  Entries entries_ DCP_GUARDED_BY(mutex_);
  std::map<std::string, int> of_principal_ DCP_GUARDED_BY(mutex_);
  size_t bytes_ DCP_GUARDED_BY(mutex_) = 0;
};

}  // namespace dcp::catalog
