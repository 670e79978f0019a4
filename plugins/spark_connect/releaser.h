// SPDX-License-Identifier: Apache-2.0
//
// Ends sessions on the server beside the calls that gave them up: nobody waits for it.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "client.h"
#include "session_pool.h"

namespace dcp::spark_connect {

/// Sessions that wait to be ended; past it the server's own timeout ends them. More than a pool can
/// give up at once.
constexpr size_t kReleasesMax = 2 * kSessionsMax;
/// What ending all sessions may add to the end of the plugin.
constexpr int64_t kReleaseDrainMs = 3'000;

class Releaser {
 public:
  explicit Releaser(Client& client);
  ~Releaser();  ///< ends what waits, within kReleaseDrainMs
  Releaser(const Releaser&) = delete;
  Releaser& operator=(const Releaser&) = delete;

  /// [any]
  void Add(const Session& session);

 private:
  struct Ids {
    std::string session_id;
    std::string user_id;
  };
  void Work();

  Client& client_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Ids> waiting_;
  bool closing_ = false;
  CallScope::Clock::time_point close_by_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace dcp::spark_connect
