// SPDX-License-Identifier: Apache-2.0
//
// The role passes on with one compare-and-swap; the watcher is woken only when it must read at
// once.
#include "host/reader_role.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

namespace dcp::host {

ReaderRole::~ReaderRole() {
  if (fd_ >= 0) close(fd_);
}

Status ReaderRole::Open() {
  fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fd_ >= 0 ? Status::Ok() : FromErrno(errno, "eventfd");
}

void ReaderRole::Seen() {
  uint64_t count = 0;
  (void)!read(fd_, &count, sizeof(count));
}

bool ReaderRole::Take() {
  int nobody = kNobody;
  if (!holder_.compare_exchange_strong(nobody, kCaller)) return false;
  taken_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void ReaderRole::Release() {
  holder_ = kNobody;
  if (pinned_) ToWatcher();
}

void ReaderRole::ToWatcher() {
  int nobody = kNobody;
  if (!holder_.compare_exchange_strong(nobody, kWatcher)) return;
  const uint64_t one = 1;
  (void)!write(fd_, &one, sizeof(one));
}

void ReaderRole::Pin() {
  pinned_ = true;
  ToWatcher();
}

bool ReaderRole::Watches(int64_t now) {
  if (holder_ == kWatcher) return true;
  const uint64_t taken = taken_.load(std::memory_order_relaxed);
  if (taken != seen_taken_ || holder_ == kCaller) {
    seen_taken_ = taken;
    unused_since_ms_ = now;
    return false;
  }
  if (now - unused_since_ms_ < kRoleMs) return false;
  int nobody = kNobody;
  return holder_.compare_exchange_strong(nobody, kWatcher);
}

void ReaderRole::Offer(int64_t now) {
  if (pinned_) return;
  unused_since_ms_ = now;
  int watcher = kWatcher;
  holder_.compare_exchange_strong(watcher, kNobody);
}

}  // namespace dcp::host
