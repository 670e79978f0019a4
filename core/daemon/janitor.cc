// SPDX-License-Identifier: Apache-2.0
#include "daemon/janitor.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "api/delete_playground.h"
#include "log/log.h"

namespace dcp::daemon {

Janitor::Janitor(playground::Playgrounds& playgrounds, store::Store& store, graph::Runner& runner,
                 Orphans& orphans, RunRetention& retention, ClockWatch& watch, const Clock& clock,
                 int64_t sweep_every_ms, std::function<void()> chores)
    : playgrounds_(playgrounds),
      store_(store),
      runner_(runner),
      orphans_(orphans),
      retention_(retention),
      watch_(watch),
      clock_(clock),
      sweep_every_ms_(sweep_every_ms),
      chores_(std::move(chores)) {}

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
  for (const Status& status : {LookAtClock(), NoticeEnds(), Expire(), Resume()}) {
    if (!status.ok()) log::Write(log::Id::kExpiryFailed, {{"error", status.ToString()}});
  }
  SweepOrphans();
  RemoveOldRuns();
  if (chores_) chores_();
}

Status Janitor::LookAtClock() {
  DCP_TRY(watch_.Look());
  if (watch_.TakeWentBack()) DCP_TRY(playgrounds_.ForgetEnds());
  if (!watch_.TakeSettledBack()) return {};
  DCP_ASSIGN(const int64_t shortened, playgrounds_.ShortenLives());
  if (shortened > 0) log::Write(log::Id::kLivesShortened, {{"playgrounds", shortened}});
  return {};
}

Status Janitor::NoticeEnds() {
  DCP_ASSIGN(const auto ended, playgrounds_.NoticeEnds(watch_.Served(), kExpireMax));
  Status first;
  for (const auto& playground : ended) {
    log::Write(log::Id::kPlaygroundExpired, {{"playground", playground.name},
                                             {"expired", FormatTime(playground.expires_at)},
                                             {"purge_at", FormatTime(watch_.PurgeAt(playground))}});
    if (watch_.Holds()) continue;  // the clock may be put right while its jobs go on
    Status status = CancelRunsOf(playground);
    if (first.ok() && !status.ok()) first = status.With("expire playground " + playground.name);
  }
  return first;
}

/// They could neither read nor write any more.
Status Janitor::CancelRunsOf(const store::Playground& playground) {
  DCP_ASSIGN(const auto runs, store_.RunsOf(playground.name, playground.generation));
  for (const store::RunBrief& run : runs) {
    if (store::IsTerminal(run.state) || run.command == "delete") continue;
    const Status cancelled =
        runner_.Cancel(run.id, "playground " + playground.name + " has expired");
    if (!cancelled.ok() && cancelled.code() != Code::kNotFound) return cancelled;
  }
  return {};
}

Status Janitor::Expire() {
  if (watch_.Holds()) return {};
  const int64_t served = watch_.Served();
  DCP_ASSIGN(const auto ended, playgrounds_.Purgeable(served, kExpireMax));
  Status first;
  for (const auto& playground : ended) {
    Status status = playgrounds_.BeginExpire(playground, served);
    if (status.code() == Code::kAborted) continue;  // taken back, or deleted, since we looked
    if (status.ok()) {
      log::Write(log::Id::kPlaygroundPurged, {{"playground", playground.name}});
      status = api::StartDelete(store_, runner_, playground).status();
    }
    if (first.ok() && !status.ok()) first = status.With("purge playground " + playground.name);
  }
  return first;
}

Status Janitor::Resume() {
  if (clock_.Steady() < next_resume_) return {};
  next_resume_ = clock_.Steady() + kDeleteLookMs;
  Status first;
  std::string last;
  for (;;) {
    DCP_ASSIGN(const auto going, store_.DeletingPlaygrounds(last, kExpireMax));
    for (const auto& playground : going) {
      const auto due = DeletionIsDue(playground);
      if (due.ok() && !*due) continue;
      Status status = due.status();
      if (status.ok()) status = api::StartDelete(store_, runner_, playground).status();
      if (first.ok() && !status.ok()) first = status.With("delete playground " + playground.name);
    }
    if (going.size() < static_cast<size_t>(kExpireMax)) return first;
    last = going.back().name;
  }
}

Result<bool> Janitor::DeletionIsDue(const store::Playground& playground) {
  DCP_ASSIGN(const auto runs, store_.RunsOf(playground.name, playground.generation));
  int64_t pause = kDeleteRetryMs / 2;
  WallMillis last = 0;
  for (const store::RunBrief& run : runs) {
    if (run.command != "delete") continue;
    if (!store::IsTerminal(run.state)) return false;
    pause = std::min(2 * pause, kDeleteRetryMsMax);
    last = std::max(last, run.finished_at);
  }
  const WallMillis now = clock_.Wall();
  // A clock that was set back must not put it off for ever.
  return last == 0 || now < last || now >= last + pause;
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

void Janitor::RemoveOldRuns() {
  const SteadyMillis began = clock_.Steady();
  if (began < next_gc_) return;
  next_gc_ = began + sweep_every_ms_;
  api::GcOptions options;
  // A backlog is worked off over several rounds: playgrounds must not wait for their end.
  bool more = false;
  options.cancelled = [&] { return more = stopping_ || clock_.Steady() >= began + kGcAtOnceMs; };
  const auto report = retention_.Collect(options);
  if (more) next_gc_ = began;
  if (report.status().code() == Code::kAborted) return;  // a person's own gc is at work
  const Status failed =
      !report.ok() ? report.status()
                   : (report->failures.empty() ? Status() : Internal(report->failures.front()));
  if (!failed.ok()) log::Write(log::Id::kOldRunsKept, {{"error", failed.ToString()}});
  if (report.ok() && report->runs > 0) {
    log::Write(log::Id::kOldRunsRemoved, {{"runs", report->runs}, {"bytes", report->bytes}});
  }
}

}  // namespace dcp::daemon
