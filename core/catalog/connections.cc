// SPDX-License-Identifier: Apache-2.0
#include "catalog/connections.h"

#include <algorithm>
#include <utility>

namespace dcp::catalog {

Connections::Id Connections::Add(std::function<void()> close, bool scarce) {
  std::function<void()> closes_another;
  Id id = 0;
  {
    const MutexLock lock(mutex_);
    if (scarce || entries_.size() >= static_cast<size_t>(max_)) {
      const auto victim = LeastWorthy();
      if (victim == entries_.end()) return 0;
      closes_another = TakeOut(victim);
    }
    id = ++count_;
    entries_[id] = {std::move(close), "", true, id, 0};
    ++of_principal_[""];
  }
  if (closes_another) closes_another();
  return id;
}

void Connections::Remove(Id id) {
  const MutexLock lock(mutex_);
  const auto entry = entries_.find(id);
  if (entry == entries_.end()) return;  // was closed for another
  Release(entry->second);
  Forget(entry->second.principal);
  entries_.erase(entry);
}

bool Connections::Begin(Id id, const std::string& principal) {
  std::function<void()> closes_another;
  {
    const MutexLock lock(mutex_);
    const auto entry = entries_.find(id);
    if (entry == entries_.end()) return true;  // is being closed
    entry->second.waits = false;
    if (entry->second.principal != principal) {
      Forget(entry->second.principal);
      entry->second.principal = principal;
      ++of_principal_[principal];
    }
    if (principal.empty() || of_principal_[principal] <= per_principal_max_) return true;
    const auto oldest = Oldest(principal);
    if (oldest == entries_.end()) return false;
    closes_another = TakeOut(oldest);
  }
  closes_another();
  return true;
}

bool Connections::Hold(Id id, size_t bytes) {
  const MutexLock lock(mutex_);
  const auto entry = entries_.find(id);
  if (entry == entries_.end()) return true;  // is being closed
  size_t own = bytes;
  for (const auto& [other, each] : entries_) {
    if (each.bytes > 0 && each.principal == entry->second.principal) own += each.bytes;
  }
  if (bytes_ + bytes > bytes_max_ || own > bytes_per_principal_max_) return false;
  entry->second.bytes = bytes;
  bytes_ += bytes;
  return true;
}

void Connections::Release(Entry& entry) { bytes_ -= std::exchange(entry.bytes, 0); }

void Connections::Wait(Id id) {
  const MutexLock lock(mutex_);
  const auto entry = entries_.find(id);
  if (entry == entries_.end()) return;
  Release(entry->second);
  entry->second.waits = true;
  entry->second.since = ++count_;
}

int Connections::open() const {
  const MutexLock lock(mutex_);
  return static_cast<int>(entries_.size());
}

int Connections::at_work() const {
  const MutexLock lock(mutex_);
  return static_cast<int>(std::count_if(entries_.begin(), entries_.end(),
                                        [](const auto& each) { return !each.second.waits; }));
}

Connections::Entries::iterator Connections::Oldest(const std::string& principal) {
  auto oldest = entries_.end();
  for (auto at = entries_.begin(); at != entries_.end(); ++at) {
    if (!at->second.waits || at->second.principal != principal) continue;
    if (oldest == entries_.end() || at->second.since < oldest->second.since) oldest = at;
  }
  return oldest;
}

std::function<void()> Connections::TakeOut(Entries::iterator entry) {
  std::function<void()> close = std::move(entry->second.close);
  Forget(entry->second.principal);
  entries_.erase(entry);
  return close;
}

Connections::Entries::iterator Connections::LeastWorthy() {
  auto least = Oldest("");
  if (least != entries_.end()) return least;
  int most = 0;
  for (const auto& [principal, count] : of_principal_) {
    const auto oldest = count > most ? Oldest(principal) : entries_.end();
    if (oldest == entries_.end()) continue;
    least = oldest;
    most = count;
  }
  return least;
}

void Connections::Forget(const std::string& principal) {
  const auto count = of_principal_.find(principal);
  if (--count->second == 0) of_principal_.erase(count);
}

}  // namespace dcp::catalog
