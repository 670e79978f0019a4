// SPDX-License-Identifier: Apache-2.0
//
// Finding runs again: those of an earlier daemon, and those that were set aside because the store
// could not be written.
#include <algorithm>
#include <utility>

#include "base/crash_point.h"
#include "graph/runner.h"
#include "log/log.h"

namespace dcp::graph {

Status RunnerImpl::Recover() {
  DCP_ASSIGN(const auto runs, store_.UnfinishedRuns());
  {
    // All of them first, so that what waits for another run sees it.
    const MutexLock lock(registry_);
    for (const store::Run& run : runs) {
      entries_[run.id] = {run.playground, run.generation, run.command, run.principal, nullptr};
    }
  }
  for (const store::Run& run : runs) backend_.RunLives(run.id);
  std::vector<FoundRun> found;
  // The slots of what lives before anything starts beside it.
  for (const store::Run& run : runs) {
    DCP_ASSIGN(FoundRun one, Find(run));
    found.push_back(std::move(one));
  }
  for (const FoundRun& run : found) GoOn(run);
  for (const store::Run& run : runs) CancelOthers(run.id);
  return Status::Ok();
}

Status RunnerImpl::Resume(const store::Run& run) {
  DCP_ASSIGN(const FoundRun found, Find(run));
  std::vector<std::shared_ptr<void>> parked;
  {
    const MutexLock lock(registry_);
    Entry& entry = entries_[run.id];
    entry.keeps_slots = false;  // `found` has them
    parked = std::exchange(entry.slots, {});
  }
  parked.clear();
  GoOn(found);
  return Status::Ok();
}

Result<RunnerImpl::FoundRun> RunnerImpl::Find(const store::Run& run) {
  DCP_ASSIGN(auto nodes, store_.GetNodes(run.id));
  std::vector<NodeSpec> writing;
  FoundRun found;
  for (const store::Node& node : nodes) {
    NodeSpec spec;
    spec.capability = node.capability;
    spec.method = node.method;
    spec.request_json = node.request_json;
    writing.push_back(std::move(spec));
    const auto record = JobRecordFromJson(node.job_json);
    if (record.ok() && !node.job_json.empty()) {
      const int ended = store::IsTerminal(node.state) ? record->attempt : record->attempt - 1;
      for (int attempt = 1; attempt <= ended; ++attempt) {
        backend_.JobEnded(run.id, JobKey(run.id, node.id, attempt));
      }
    }
    if (node.state != store::kRunning || !IsJob(node)) continue;
    FoundJob job{node.id, std::make_shared<JobRuntime>(), &control_};
    if (!record.ok() || HoldsSlot(*record)) {
      job.runtime->slot = KeepSlot(record.ok() ? record->kind : JobRecord::Kind::kRun);
    }
    if (record.ok()) job.lane = &LaneOf(*record);
    found.jobs.push_back(std::move(job));
  }
  // Nobody else can have them: claims are taken before nodes are stored.
  static_cast<void>(Claim(run, writing));
  found.active = std::make_shared<ActiveRun>(run, std::move(nodes));
  return found;
}

void RunnerImpl::GoOn(const FoundRun& found) {
  const ActivePtr& active = found.active;
  const RunLock lock(*this, *active);
  {
    const MutexLock registry(registry_);
    Entry& entry = entries_[active->id];
    entry.active = active;
    active->rests = entry.rests;
  }
  std::vector<std::string> calls;
  for (const store::Node& node : active->state.nodes()) {
    if (node.state == store::kRunning && !IsJob(node)) calls.push_back(node.id);
    if (store::IsTerminal(node.state)) CleanUpEnded(node);
  }
  for (const std::string& id : calls) {
    if (active->cancel) {
      active->state.CancelNode(id, Now(), "the run was cancelled");
    } else {
      active->state.MoveNode(id, store::kPending, Now(), "the daemon was restarted");
    }
  }
  log::Write(log::Id::kRunResumed, {{"run", active->id},
                                    {"calls", static_cast<int64_t>(calls.size())},
                                    {"jobs", static_cast<int64_t>(found.jobs.size())}});
  Settle(active);
  DCP_CRASH_POINT("run.resume.after_commit");
  for (const FoundJob& job : found.jobs) {
    job.lane->Post(
        [this, active, id = job.node_id, runtime = job.runtime] { JobStep(active, id, runtime); });
  }
}

void RunnerImpl::SetAside(const ActivePtr& active, const Status& why) {
  log::Write(log::Id::kRunSetAside, {{"run", active->id}, {"error", why.ToString()}});
  active->gone = true;
  active->set_aside = true;
  const int rests = active->rests + 1;
  {
    const MutexLock lock(registry_);
    if (const auto entry = entries_.find(active->id); entry != entries_.end()) {
      entry->second.active = nullptr;
      entry->second.rests = rests;
      entry->second.keeps_slots = true;
    }
  }
  ResumeLater(active->id, rests);
}

void RunnerImpl::ResumeLater(const std::string& run_id, int rests) {
  // Short at first: most of what keeps a write from succeeding has passed by then.
  const int64_t pause = BackOff(options_.back_off_ms, rests, options_.rest_ms);
  control_.PostAfter(std::max<int64_t>(pause, 1), [this, run_id, rests] {
    const auto run = store_.GetRun(run_id);
    if (run.ok() && store::IsTerminal(run->state)) {
      backend_.RunEnded(run_id);
      Unregister(run_id);
    } else if (!run.ok() || !Resume(*run).ok()) {
      ResumeLater(run_id, rests + 1);
    }
  });
}

}  // namespace dcp::graph
