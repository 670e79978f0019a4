// SPDX-License-Identifier: Apache-2.0
#include "daemon/orphans.h"

#include <functional>
#include <utility>

#include "base/id.h"
#include "daemon/retention.h"
#include "log/log.h"
#include "os/file.h"
#include "os/job.h"

namespace dcp::daemon {
namespace {

std::string PlaceText(const std::string& playground, int64_t generation) {
  return playground + " (generation " + std::to_string(generation) + ")";
}

/// The first thing in a run's folder that no job of ours has made there, or "".
Result<std::string> StrangeEntry(const std::string& folder) {
  DCP_ASSIGN(const auto entries, os::ListDirectory(folder));
  for (const std::string& entry : entries) {
    if (!os::IsFolder(folder + "/" + entry)) return entry;
  }
  return std::string();
}

}  // namespace

Orphans::Orphans(catalog::Catalog& catalog, store::Store& store, const Clock& clock,
                 std::string job_directory, int64_t grace_ms)
    : catalog_(catalog),
      store_(store),
      clock_(clock),
      job_directory_(std::move(job_directory)),
      grace_ms_(grace_ms) {}

Result<api::SweepReport> Orphans::Sweep(const api::SweepOptions& options) {
  if (!mutex_.try_lock()) {
    return Aborted("another sweep is at work").WithHint("wait for it; it takes seconds");
  }
  const MutexLock lock(mutex_, std::adopt_lock);
  api::SweepReport report;
  met_.clear();
  shown_ = tried_ = retried_ = unread_ = 0;
  whole_ = true;
  for (const auto sweep : {&Orphans::SweepJobs, &Orphans::SweepOverlay}) {
    if (const Status swept = (this->*sweep)(options, &report); !swept.ok()) {
      report.failures.push_back(swept.ToString());
      whole_ = false;
    }
  }
  if (unread_ > kSweepUnreadMax) {
    report.failures.push_back("and " + std::to_string(unread_ - kSweepUnreadMax) +
                              " more things could not be looked at");
  }
  // What could not be listed keeps its age.
  if (whole_) {
    std::erase_if(
        seen_, [&](const auto& entry) DCP_REQUIRES(mutex_) { return !met_.contains(entry.first); });
    std::erase_if(failed_,
                  [&](const auto& key) DCP_REQUIRES(mutex_) { return !met_.contains(key); });
  }
  return report;
}

void Orphans::NoteUnread(const std::string& key, const Status& why, api::SweepReport* report) {
  met_.insert(key);
  if (++unread_ <= kSweepUnreadMax) report->failures.push_back(why.ToString());
}

Status Orphans::SweepJobs(const api::SweepOptions& options, api::SweepReport* report) {
  auto names = os::ListDirectory(job_directory_);
  if (!names.ok()) return std::move(names).status().With("sweep job folders");
  for (const std::string& name : *names) {
    Found found;
    bool owned = false;
    const Status looked = LookAtRunFolder(name, &found, &owned);
    if (!looked.ok()) {
      NoteUnread(found.key, looked.With("sweep job folder " + name), report);
      continue;
    }
    if (!owned) Settle(std::move(found), options, report);
  }
  return {};
}

Status Orphans::LookAtRunFolder(const std::string& name, Found* found, bool* owned) {
  const std::string path = job_directory_ + "/" + name;
  found->key = path;
  found->item.kind = "job";
  found->item.name = path;
  found->keep = true;
  if (!IsRunId(name) || !os::IsFolder(path)) {
    found->item.kind = "stranger";
    found->item.reason = "no run has such a folder";
    return {};
  }
  const auto run = store_.GetRunSummary(name);
  if (run.status().code() == Code::kNotFound) {
    found->item.reason = "there is no run of that id";
  } else if (!run.ok()) {
    return run.status();
  } else {
    if (!store::IsTerminal(run->state)) return *owned = true, Status();
    const auto state = store_.PlaygroundState(run->playground, run->generation);
    if (!state.ok() && state.status().code() != Code::kNotFound) return state.status();
    if (state.ok() && *state != store::kDeleted) return *owned = true, Status();
    found->item.reason =
        "playground " + PlaceText(run->playground, run->generation) + " is deleted";
  }
  DCP_ASSIGN(const std::string strange, StrangeEntry(path));
  if (!strange.empty()) {
    found->item.kind = "stranger";
    found->item.reason += ", but \"" + strange + "\" in it is not Pretzel's";
    return {};
  }
  const auto runs = AnyJobRuns(path);
  if (!runs.ok() || *runs) {
    found->item.reason += runs.ok() ? ", but a job in it still runs"
                                    : ", but of a job in it: " + runs.status().message();
    return {};
  }
  found->keep = false;
  found->measure = [path](api::SweepItem* item) {
    const os::TreeSize size = os::MeasureTree(path).value_or(os::TreeSize());
    item->files = size.files;
    item->bytes = size.bytes;
  };
  found->remove = [path] { return os::RemoveTree(path); };
  return {};
}

Status Orphans::SweepOverlay(const api::SweepOptions& options, api::SweepReport* report) {
  auto traces = catalog_.FindTraces();
  if (!traces.ok()) return std::move(traces).status().With("sweep the overlay");
  for (const catalog::Trace& trace : traces->places) {
    Found found;
    bool owned = false;
    const Status looked = LookAtPlace(trace, options.unknown, &found, &owned);
    if (!looked.ok()) {
      NoteUnread(found.key,
                 looked.With("sweep playground " + PlaceText(trace.playground, trace.generation)),
                 report);
      continue;
    }
    if (!owned) Settle(std::move(found), options, report);
  }
  for (const std::string& stranger : traces->strangers) {
    Found found;
    found.key = stranger;
    found.item.kind = "stranger";
    found.item.name = stranger;
    found.item.reason = "no playground has such a thing";
    found.keep = true;
    Settle(std::move(found), options, report);
  }
  return {};
}

Status Orphans::LookAtPlace(const catalog::Trace& trace, bool with_unknown, Found* found,
                            bool* owned) {
  found->key = "playground " + PlaceText(trace.playground, trace.generation);
  const auto state = store_.PlaygroundState(trace.playground, trace.generation);
  if (!state.ok() && state.status().code() != Code::kNotFound) return state.status();
  const bool unknown = !state.ok();
  if (!unknown && *state != store::kDeleted) return *owned = true, Status();
  found->item.kind = "playground";
  found->item.name = PlaceText(trace.playground, trace.generation);
  found->item.reason = unknown ? "this daemon knows no such playground" : "it is deleted";
  if (unknown && !with_unknown) {
    // Either the store was lost, or another daemon uses this overlay: not for a timer to say.
    found->item.reason += "; it goes with --unknown";
    found->keep = true;
  }
  found->measure = [this, trace](api::SweepItem* item) {
    const auto size = catalog_.Measure(trace.playground, trace.generation);
    if (!size.ok()) return;
    item->files = size->files;
    item->bytes = size->bytes;
    item->tables = static_cast<int64_t>(size->tables.size());
  };
  if (found->keep) return {};
  found->remove = [this, trace, unknown]() -> Status {
    if (unknown) {
      // From here on no playground can get that name and generation.
      DCP_TRY(store_.BuryPlayground(trace.playground, trace.generation, clock_.Wall()));
    }
    return catalog_.Purge(trace.playground, trace.generation, {}).status();
  };
  return {};
}

bool Orphans::MayTry(const std::string& key) {
  if (tried_ >= kSweepItemsMax) return false;
  if (failed_.erase(key) > 0 && ++retried_ > kSweepFailuresMax) return false;
  ++tried_;
  return true;
}

void Orphans::Remove(const Found& found, api::SweepItem* item) {
  if (const Status removed = found.remove(); !removed.ok()) {
    failed_.insert(found.key);
    item->action = "FAILED";
    item->reason = removed.ToString();
    log::Write(log::Id::kOrphanSweepFailed, {{"name", item->name}, {"error", removed.ToString()}});
    return;
  }
  item->action = "REMOVED";
  seen_.erase(found.key);
  log::Write(log::Id::kOrphanRemoved,
             {{"kind", item->kind}, {"name", item->name}, {"reason", item->reason}});
}

void Orphans::Settle(Found found, const api::SweepOptions& options, api::SweepReport* report) {
  if (options.cancelled && options.cancelled()) {
    report->more = true;
    whole_ = false;
    return;
  }
  met_.insert(found.key);
  const auto [first, is_new] = seen_.emplace(found.key, clock_.Steady());
  const bool old = clock_.Steady() - first->second >= grace_ms_;
  const bool removes = !found.keep && old && !options.dry_run;
  if (removes ? !MayTry(found.key) : shown_ >= kSweepItemsMax) {
    report->more = true;
    return;
  }
  api::SweepItem item = std::move(found.item);
  if (found.measure) found.measure(&item);
  if (removes) {
    Remove(found, &item);
  } else {
    ++shown_;
    item.action = found.keep ? "KEPT" : old ? "REMOVABLE" : "YOUNG";
  }
  if (found.keep && is_new) {
    log::Write(log::Id::kOrphanKept,
               {{"kind", item.kind}, {"name", item.name}, {"reason", item.reason}});
  }
  report->items.push_back(std::move(item));
}

}  // namespace dcp::daemon
