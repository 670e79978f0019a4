// SPDX-License-Identifier: Apache-2.0
#include "daemon/clock_watch.h"

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "log/log.h"
#include "os/file.h"

namespace dcp::daemon {
namespace {

using nlohmann::json;

constexpr char kFact[] = "clock";
constexpr size_t kBootIdBytesMax = 256;

}  // namespace

std::string BootId() {
  auto id = os::ReadFile("/proc/sys/kernel/random/boot_id", kBootIdBytesMax);
  if (!id.ok()) return {};
  while (!id->empty() && id->back() == '\n') id->pop_back();
  return std::move(*id);
}

ClockWatch::ClockWatch(store::Store& store, const Clock& clock, int64_t tombstone_ms,
                       std::string boot)
    : store_(store),
      clock_(clock),
      tombstone_ms_(tombstone_ms),
      hold_ms_(std::max(tombstone_ms, kJumpHoldMsMin)),
      boot_(std::move(boot)) {}

Status ClockWatch::Load() {
  const WallMillis wall = clock_.Wall();
  const SteadyMillis since_boot = clock_.SinceBoot();
  const auto kept = store_.GetFact(kFact);
  if (!kept.ok() && kept.status().code() != Code::kNotFound) return kept.status();
  const json fact = kept.ok() ? json::parse(*kept, nullptr, false) : json();
  const auto number = [&](const char* key, int64_t otherwise) {
    const auto found = fact.is_object() ? fact.find(key) : fact.end();
    return found != fact.end() && found->is_number_integer() ? found->get<int64_t>() : otherwise;
  };
  seen_.wall = number("wall", wall);
  seen_.served = std::max<int64_t>(number("served", 0), 0);
  seen_.believed = number("believed", seen_.wall);
  seen_.jump = number("jump", 0);
  seen_.jumped_served = number("jumped_served", 0);
  seen_.since_boot = number("since_boot", since_boot);
  const bool same_boot = fact.is_object() && !boot_.empty() &&
                         fact.value("boot", json()) == boot_ && seen_.since_boot <= since_boot;
  if (!same_boot) {
    // How long the machine was off nobody knows: any time, but not less than none. So a clock that
    // is later than it was may be right, and one that is earlier has gone back. One that had jumped
    // ahead, and is later still, has not been put right.
    const int64_t away = wall - seen_.wall;
    const bool still_ahead = seen_.jump > 0 && away >= 0;
    seen_.since_boot = since_boot - (still_ahead ? away : std::max<int64_t>(seen_.jump + away, 0));
    if (away > kJumpMs) {
      log::Write(log::Id::kClockUnconfirmed, {{"away_s", away / 1000}});
    }
  }
  seen_.boot = boot_;
  last_ = clock_.Steady();
  looked_ = went_back_ = must_save_ = true;
  return {};
}

Status ClockWatch::Look() {
  const MutexLock lock(mutex_);
  if (!looked_) DCP_TRY(Load());
  const SteadyMillis steady = clock_.Steady();
  const WallMillis wall = clock_.Wall();
  const SteadyMillis since_boot = clock_.SinceBoot();
  const int64_t moved = steady - last_;
  const int64_t wall_moved = wall - seen_.wall;
  const int64_t off = seen_.jump + wall_moved - (since_boot - seen_.since_boot);
  last_ = steady;
  seen_.wall = wall;
  seen_.since_boot = since_boot;
  seen_.served += moved;
  Follow(moved, wall_moved);
  Judge(off);
  if (!must_save_ && steady - saved_ < kClockSaveMs) return {};
  return Save();
}

void ClockWatch::Follow(int64_t moved, int64_t wall_moved) {
  if (wall_moved < 0) went_back_ = true;
  seen_.believed = std::min(seen_.wall, seen_.believed + kFollow * moved);
}

/// `off`: where the wall clock is, less where it should be.
void ClockWatch::Judge(int64_t off) {
  const auto tell = [now = seen_.wall](log::Id id, int64_t by) {
    log::Write(id, {{"by_s", by / 1000}, {"now", FormatTime(now)}});
  };
  if (std::llabs(off) < kJumpMs) {
    if (seen_.jump == 0) return;  // slewing, which is followed
    tell(log::Id::kClockIsBack, seen_.jump);
    if (seen_.jump < 0) seen_.believed = seen_.wall;
    seen_.jump = 0;
    must_save_ = true;
    return;
  }
  if (std::llabs(off - seen_.jump) >= kJumpMs) {
    tell(log::Id::kClockJumped, off);
    seen_.jumped_served = seen_.served;
    must_save_ = true;
  }
  seen_.jump = off;
  if (seen_.served - seen_.jumped_served < hold_ms_) return;
  tell(log::Id::kClockTakenAsRight, off);
  settled_back_ = settled_back_ || off < 0;
  seen_.jump = 0;
  must_save_ = true;
}

Status ClockWatch::Save() {
  const json fact = {{"boot", seen_.boot},
                     {"wall", seen_.wall},
                     {"since_boot", seen_.since_boot},
                     {"served", seen_.served},
                     {"believed", seen_.believed},
                     {"jump", seen_.jump},
                     {"jumped_served", seen_.jumped_served}};
  DCP_TRY(store_.PutFact(kFact, fact.dump(-1, ' ', false, json::error_handler_t::replace)));
  saved_ = last_;
  must_save_ = false;
  return {};
}

bool ClockWatch::HoldsNow() const { return !looked_ || seen_.jump != 0; }

int64_t ClockWatch::Served() const {
  const MutexLock lock(mutex_);
  return seen_.served;
}

WallMillis ClockWatch::Believed() const {
  const MutexLock lock(mutex_);
  return seen_.believed;
}

bool ClockWatch::Holds() const {
  const MutexLock lock(mutex_);
  return HoldsNow();
}

int64_t ClockWatch::Jumped() const {
  const MutexLock lock(mutex_);
  return seen_.jump;
}

WallMillis ClockWatch::PurgeAt(const store::Playground& playground) const {
  const MutexLock lock(mutex_);
  const int64_t noticed = playground.ended_served < 0 ? seen_.served : playground.ended_served;
  int64_t left = noticed + tombstone_ms_ - seen_.served;
  if (seen_.jump != 0) left = std::max(left, seen_.jumped_served + hold_ms_ - seen_.served);
  return clock_.Wall() + std::max<int64_t>(left, 0);
}

bool ClockWatch::TakeWentBack() {
  const MutexLock lock(mutex_);
  return std::exchange(went_back_, false);
}

bool ClockWatch::TakeSettledBack() {
  const MutexLock lock(mutex_);
  return std::exchange(settled_back_, false);
}

}  // namespace dcp::daemon
