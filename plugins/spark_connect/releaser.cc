// SPDX-License-Identifier: Apache-2.0
#include "releaser.h"

#include <algorithm>
#include <utility>

#include "mounting.h"

namespace dcp::spark_connect {

Releaser::Releaser(Client& client) : client_(client), thread_([this] { Work(); }) {}

Releaser::~Releaser() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    close_by_ = CallScope::Clock::now() + std::chrono::milliseconds(kReleaseDrainMs);
  }
  wake_.notify_all();
  thread_.join();
}

void Releaser::Add(const Session& session) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= kReleasesMax) return;
    waiting_.push_back({session.session_id, session.user_id});
  }
  wake_.notify_all();
}

void Releaser::Work() {
  for (;;) {
    Session session;
    int64_t patience_ms = kReleaseTimeoutMs;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      if (closing_) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            close_by_ - CallScope::Clock::now());
        patience_ms = std::min(patience_ms, left.count());
        if (patience_ms <= 0) return;  // the server forgets them by itself
      }
      session.session_id = std::move(waiting_.front().session_id);
      session.user_id = std::move(waiting_.front().user_id);
      waiting_.pop_front();
    }
    ReleaseSession(client_, session, patience_ms);
  }
}

}  // namespace dcp::spark_connect
