// SPDX-License-Identifier: Apache-2.0
//
// Tells a server that takes long from one that is gone without a word (it stands still, or a
// firewall drops what is sent): while a call waits, another is made on a connection of its own.
// gRPC's keep-alive cannot do it: a stock server forbids pings more often than every five minutes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

namespace dcp::spark_connect {

/// How long a call waits before the server is looked at, and between two looks.
constexpr int64_t kLookAfterMs = 5'000;

class Liveness {
 public:
  /// `reachable` asks the server something, on a thread of ours, and is bounded by itself.
  explicit Liveness(std::function<bool()> reachable, int64_t look_after_ms = kLookAfterMs);
  ~Liveness();  ///< No call may be watched any more; waits for a look under way.
  Liveness(const Liveness&) = delete;
  Liveness& operator=(const Liveness&) = delete;

  /// [any] While it lives, its call is watched. When the server is found gone `stop` runs, once, on
  /// a thread of ours; it must not block.
  class Watch {
   public:
    Watch(Liveness& liveness, std::function<void()> stop);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    /// Whether `stop` ran.
    bool lost() const;

   private:
    friend class Liveness;
    Liveness& liveness_;
    const std::function<void()> stop_;
    std::chrono::steady_clock::time_point due_;  ///< of the next look
    bool lost_ = false;
    std::list<Watch*>::iterator place_;
  };

 private:
  void Work();
  /// Those whose look is due. Under mutex_.
  std::list<Watch*> Due(std::chrono::steady_clock::time_point now) const;

  const std::function<bool()> reachable_;
  const std::chrono::milliseconds look_after_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::list<Watch*> watches_;
  bool closing_ = false;
  std::thread thread_;  // last: it uses the others; started with the first watch
};

}  // namespace dcp::spark_connect
