// SPDX-License-Identifier: Apache-2.0
#include "daemon/expiry.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "api/delete_playground.h"
#include "log/log.h"

namespace dcp::daemon {
namespace {

constexpr int kSweepMax = 50;  // a backlog is worked off over several sweeps, not all at once

}  // namespace

Expiry::Expiry(playground::Playgrounds& playgrounds, store::Store& store, graph::Runner& runner,
               const Clock& clock, int64_t poll_ms)
    : playgrounds_(playgrounds), store_(store), runner_(runner), clock_(clock) {
  thread_ = std::jthread([this, poll_ms](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
      if (const Status swept = Sweep(); !swept.ok()) {
        log::Write(log::Id::kExpiryFailed, {{"error", swept.ToString()}});
      }
      wake.wait_for(lock, stop, std::chrono::milliseconds(poll_ms), [] { return false; });
    }
  });
}

Expiry::~Expiry() = default;

Status Expiry::Sweep() {
  DCP_ASSIGN(const auto expired, playgrounds_.Expired(kSweepMax));
  for (const auto& playground : expired) {
    DCP_TRY(playgrounds_.BeginExpire(playground));
    log::Write(log::Id::kPlaygroundExpired, {{"playground", playground.name}});
    DCP_TRY(api::StartDelete(store_, runner_, playground).status());
  }
  return Resume();
}

Status Expiry::Resume() {
  if (clock_.Steady() < next_resume_) return {};
  next_resume_ = clock_.Steady() + kDeleteRetryMs;
  DCP_ASSIGN(const auto all, store_.ListPlaygrounds(""));
  for (const auto& playground : all) {
    if (playground.state != store::kDeleting) continue;
    DCP_TRY(api::StartDelete(store_, runner_, playground).status());
  }
  return {};
}

}  // namespace dcp::daemon
