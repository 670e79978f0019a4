// SPDX-License-Identifier: Apache-2.0
//
// Sessions on the server, reused by calls that may share one: those of the same principal,
// playground generation and mode, whose catalogs are mounted already. A session's catalog keeps
// the token it was mounted with, so a session lives no longer than that token.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "client.h"

namespace dcp::spark_connect {

/// A session is given up this long before its token expires: longer than an analysis takes.
constexpr int64_t kTokenMarginMs = 30'000;
/// How long the server may take to end a session; it is busy, or gone, when it takes longer.
constexpr int64_t kReleaseTimeoutMs = 1'000;

/// The contract's Mount, without protobuf.
struct MountSpec {
  std::string name;
  std::string uri;
  std::string token;  ///< secret
  int64_t expires_at_ms = 0;
  std::string session_key;
};

/// A session on the server. Its ids are constant; the rest is guarded by `mutex`.
struct Session {
  std::string session_id;  ///< UUID
  std::string user_id;
  std::string key;
  int64_t expires_at_ms = 0;  ///< of the earliest token; 0 is never
  std::mutex mutex;
  bool ready = false;                  ///< the catalogs are mounted
  std::string server_side_session_id;  ///< how a restarted server is noticed
  std::string engine_version;
};

class SessionPool {
 public:
  using Now = std::function<int64_t()>;  ///< milliseconds since the epoch

  /// `release` ends a session on the server; called without locks, and must not throw.
  SessionPool(int64_t max, int64_t idle_ms, Now now, std::function<void(const Session&)> release);
  ~SessionPool();  ///< releases all
  SessionPool(const SessionPool&) = delete;
  SessionPool& operator=(const SessionPool&) = delete;

  /// A session to use until the returned pointer is dropped; `*reused` says whether it was open.
  /// Mounts without a session_key get one of their own. [any]
  std::shared_ptr<Session> Acquire(const std::vector<MountSpec>& mounts, bool* reused);
  /// Nobody gets it again. It is released, unless the server `lost` it or a call still has it.
  /// [any]
  void Drop(const std::shared_ptr<Session>& session, bool lost);

  size_t size() const;

 private:
  struct Entry {
    std::shared_ptr<Session> session;
    int64_t last_used = 0;
  };
  // Moves what must go from entries_ to the result, and one more if a new one comes and there is
  // no room. Needs mutex_.
  std::vector<std::shared_ptr<Session>> Evict(int64_t now, bool make_room);

  const int64_t max_;
  const int64_t idle_ms_;
  const Now now_;
  const std::function<void(const Session&)> release_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
  uint64_t single_ = 0;  // makes keys of sessions that nobody shares
};

/// Under which calls may share a session: session keys, names and endpoints of all mounts; "" when
/// a mount must not be shared. [any]
std::string KeyOf(const std::vector<MountSpec>& mounts);

/// A random UUID (version 4). [any]
std::string NewUuid();

}  // namespace dcp::spark_connect
