// SPDX-License-Identifier: Apache-2.0
#include "session_pool.h"

#include <algorithm>
#include <array>
#include <random>
#include <utility>

namespace dcp::spark_connect {
namespace {

// FNV-1a: stable over processes and versions; collisions cost nothing, as session ids are random.
std::string StableHash(const std::string& text) {
  uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211ULL;
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4) out += kHex[(hash >> shift) & 15];
  return out;
}

int64_t Earliest(const std::vector<MountSpec>& mounts) {
  int64_t earliest = 0;
  for (const MountSpec& mount : mounts) {
    if (mount.expires_at_ms != 0 && (earliest == 0 || mount.expires_at_ms < earliest)) {
      earliest = mount.expires_at_ms;
    }
  }
  return earliest;
}

}  // namespace

std::string NewUuid() {
  std::random_device random;
  std::array<unsigned, 4> words{};
  for (unsigned& word : words) word = random();
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (size_t i = 0; i < 32; ++i) {
    unsigned digit = (words.at(i / 8) >> (4 * (i % 8))) & 15;
    if (i == 12) digit = 4;
    if (i == 16) digit = 8 | (digit & 3);
    if (i == 8 || i == 12 || i == 16 || i == 20) out += '-';
    out += kHex[digit];
  }
  return out;
}

std::string KeyOf(const std::vector<MountSpec>& mounts) {
  std::string key = "s";
  for (const MountSpec& mount : mounts) {
    if (mount.session_key.empty()) return {};
    key += '\x1f' + mount.session_key + '\x1e' + mount.name + '\x1e' + mount.uri;
  }
  return key;
}

SessionPool::SessionPool(int64_t max, int64_t idle_ms, Now now,
                         std::function<void(const Session&)> release)
    : max_(max), idle_ms_(idle_ms), now_(std::move(now)), release_(std::move(release)) {}

SessionPool::~SessionPool() {
  for (const auto& [key, entry] : entries_) release_(*entry.session);
}

size_t SessionPool::size() const {
  std::lock_guard lock(mutex_);
  return entries_.size();
}

std::vector<std::shared_ptr<Session>> SessionPool::Evict(int64_t now, bool make_room) {
  std::vector<std::shared_ptr<Session>> gone;
  const auto in_use = [](const Entry& entry) { return entry.session.use_count() > 1; };
  for (auto it = entries_.begin(); it != entries_.end();) {
    const Session& session = *it->second.session;
    const bool over = session.expires_at_ms != 0 && session.expires_at_ms - kTokenMarginMs <= now;
    if (!in_use(it->second) && (over || it->second.last_used + idle_ms_ <= now)) {
      gone.push_back(it->second.session);
      it = entries_.erase(it);
    } else {
      ++it;
    }
  }
  while (make_room && entries_.size() >= static_cast<size_t>(max_)) {
    auto oldest = entries_.end();
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if (!in_use(it->second) &&
          (oldest == entries_.end() || it->second.last_used < oldest->second.last_used)) {
        oldest = it;
      }
    }
    if (oldest == entries_.end()) break;  // all in use: as many as calls run, which is fewer
    gone.push_back(oldest->second.session);
    entries_.erase(oldest);
  }
  return gone;
}

std::shared_ptr<Session> SessionPool::Acquire(const std::vector<MountSpec>& mounts, bool* reused) {
  const int64_t now = now_();
  std::shared_ptr<Session> session;
  std::vector<std::shared_ptr<Session>> gone;
  {
    std::lock_guard lock(mutex_);
    std::string key = KeyOf(mounts);
    if (key.empty()) key = "x" + std::to_string(single_++);
    if (const auto found = entries_.find(key); found != entries_.end()) {
      const Session& open = *found->second.session;
      if (open.expires_at_ms == 0 || open.expires_at_ms - kTokenMarginMs > now) {
        found->second.last_used = now;
        session = found->second.session;
      } else {
        gone.push_back(found->second.session);  // its calls go on with their own pointer
        entries_.erase(found);
      }
    }
    *reused = session != nullptr;
    for (auto& old : Evict(now, !session)) gone.push_back(std::move(old));
    if (!session) {
      session = std::make_shared<Session>();
      session->session_id = NewUuid();
      session->user_id = "pretzel-" + StableHash(key);
      session->key = key;
      session->expires_at_ms = Earliest(mounts);
      entries_[key] = {session, now};
    }
  }
  for (const auto& old : gone) {
    if (old.use_count() == 1) release_(*old);
  }
  return session;
}

void SessionPool::Drop(const std::shared_ptr<Session>& session, bool lost) {
  {
    std::lock_guard lock(mutex_);
    const auto found = entries_.find(session->key);
    if (found != entries_.end() && found->second.session == session) entries_.erase(found);
  }
  if (!lost && session.use_count() == 1) release_(*session);
}

}  // namespace dcp::spark_connect
