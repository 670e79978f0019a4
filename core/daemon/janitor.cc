// SPDX-License-Identifier: Apache-2.0
#include "daemon/janitor.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "api/delete_playground.h"
#include "log/log.h"

namespace dcp::daemon {

Janitor::Janitor(playground::Playgrounds& playgrounds, store::Store& store, graph::Runner& runner,
                 Orphans& orphans, const Clock& clock, int64_t sweep_every_ms)
    : playgrounds_(playgrounds),
      store_(store),
      runner_(runner),
      orphans_(orphans),
      clock_(clock),
      sweep_every_ms_(sweep_every_ms) {}

Janitor::~Janitor() { stopping_ = true; }

void Janitor::Start(int64_t poll_ms) {
  thread_ = std::jthread([this, poll_ms](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
      Round();
      wake.wait_for(lock, stop, std::chrono::milliseconds(poll_ms), [] { return false; });
    }
  });
}

void Janitor::Round() {
  for (const Status& status : {Expire(), Resume()}) {
    if (!status.ok()) log::Write(log::Id::kExpiryFailed, {{"error", status.ToString()}});
  }
  SweepOrphans();
}

Status Janitor::Expire() {
  DCP_ASSIGN(const auto expired, playgrounds_.Expired(kExpireMax));
  Status first;
  for (const auto& playground : expired) {
    Status status = playgrounds_.BeginExpire(playground);
    if (status.code() == Code::kAborted) continue;  // extended, or deleted, since we looked
    if (status.ok()) {
      log::Write(log::Id::kPlaygroundExpired, {{"playground", playground.name}});
      status = api::StartDelete(store_, runner_, playground).status();
    }
    if (first.ok() && !status.ok()) first = status.With("expire playground " + playground.name);
  }
  return first;
}

Status Janitor::Resume() {
  if (clock_.Steady() < next_resume_) return {};
  next_resume_ = clock_.Steady() + kDeleteRetryMs;
  DCP_ASSIGN(const auto all, store_.ListPlaygrounds(""));
  Status first;
  for (const auto& playground : all) {
    if (playground.state != store::kDeleting) continue;
    Status status = api::StartDelete(store_, runner_, playground).status();
    if (first.ok() && !status.ok()) first = status.With("delete playground " + playground.name);
  }
  return first;
}

void Janitor::SweepOrphans() {
  if (clock_.Steady() < next_sweep_) return;
  next_sweep_ = clock_.Steady() + sweep_every_ms_;
  api::SweepOptions options;
  options.cancelled = [this] { return stopping_.load(); };
  const auto report = orphans_.Sweep(options);
  if (!report.ok()) return;  // a person's own sweep is at work
  for (const std::string& failure : report->failures) {
    log::Write(log::Id::kOrphanSweepFailed, {{"error", failure}});
  }
}

}  // namespace dcp::daemon
