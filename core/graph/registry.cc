// SPDX-License-Identifier: Apache-2.0
//
// What runs must know of each other: who writes which table, what waits for a deletion, how many
// jobs run at once, and which threads serve whom.
#include <algorithm>
#include <utility>

#include "graph/runner.h"

namespace dcp::graph {

std::vector<std::string> RunnerImpl::TablesOf(const std::vector<NodeSpec>& nodes) const {
  const std::string catalog = backend_.CatalogName();
  std::vector<std::string> tables;
  for (const NodeSpec& node : nodes) {
    std::string table = WrittenTable(node.capability, node.method, node.request_json, catalog);
    if (!table.empty()) tables.push_back(std::move(table));
  }
  return tables;
}

Status RunnerImpl::Register(const store::Run& run, const std::vector<NodeSpec>& nodes,
                            std::string* other) {
  const auto tables = TablesOf(nodes);
  const MutexLock lock(registry_);
  if (stopping_) return Unavailable("start a run: the daemon is stopping");
  DCP_TRY(CheckRoom(run));
  for (const auto& [id, entry] : entries_) {
    if (entry.command != kDelete || entry.playground != run.playground ||
        entry.generation != run.generation) {
      continue;
    }
    *other = id;
    return Aborted("start " + run.command + " in playground " + run.playground + ": run " + id +
                   " is deleting it")
        .WithHint("use another playground");
  }
  DCP_TRY(ClaimLocked(run, tables));
  entries_[run.id] = {run.playground, run.generation, run.command, run.principal, nullptr};
  return Status::Ok();
}

/// Deletions are as many as playgrounds, and make room: they are not refused.
Status RunnerImpl::CheckRoom(const store::Run& run) {
  if (run.command == kDelete) return {};
  const auto own = std::count_if(entries_.begin(), entries_.end(), [&](const auto& entry) {
    return entry.second.command != kDelete && entry.second.principal == run.principal;
  });
  if (own >= options_.runs_per_principal) {
    return ResourceExhausted("start a run: " + std::to_string(own) +
                             " of yours have not ended, the most at a time")
        .WithId("PZ0911")
        .WithHint(
            "wait for some of them, or cancel them; runs.per_principal of dcpd's configuration "
            "is the limit");
  }
  if (entries_.size() < kActiveRunsMax) return {};
  return ResourceExhausted("start a run: " + std::to_string(entries_.size()) +
                           " of all users have not ended, the most at a time")
      .WithId("PZ0911")
      .WithHint("wait for some of them, or cancel them");
}

void RunnerImpl::Unregister(const std::string& run_id) {
  std::vector<ActivePtr> waiting;
  std::vector<std::shared_ptr<void>> slots;  // given back without the lock
  {
    const MutexLock lock(registry_);
    if (const auto entry = entries_.find(run_id); entry != entries_.end()) {
      slots = std::move(entry->second.slots);
      entries_.erase(entry);
    }
    std::erase_if(claims_, [&](const auto& claim) { return claim.second == run_id; });
    for (const auto& [id, entry] : entries_) {
      if (entry.command == kDelete && entry.active) waiting.push_back(entry.active);
    }
  }
  for (const ActivePtr& active : waiting) {
    control_.Post([this, active] {
      const RunLock lock(*this, *active);
      Settle(active);
    });
  }
}

bool RunnerImpl::MustWait(const store::Run& run) {
  if (run.command != kDelete) return false;
  const MutexLock lock(registry_);
  for (const auto& [id, entry] : entries_) {
    if (id != run.id && entry.command != kDelete && entry.playground == run.playground &&
        entry.generation == run.generation) {
      return true;
    }
  }
  return false;
}

bool RunnerImpl::IsBeingDeleted(const store::Run& run) {
  if (run.command == kDelete) return false;
  const MutexLock lock(registry_);
  return std::any_of(entries_.begin(), entries_.end(), [&](const auto& entry) {
    return entry.second.command == kDelete && entry.second.playground == run.playground &&
           entry.second.generation == run.generation;
  });
}

void RunnerImpl::CancelOthers(const std::string& delete_run_id) {
  std::vector<std::string> others;
  std::string playground;
  {
    const MutexLock lock(registry_);
    const auto self = entries_.find(delete_run_id);
    if (self == entries_.end() || self->second.command != kDelete) return;
    playground = self->second.playground;
    for (const auto& [id, entry] : entries_) {
      if (entry.command != kDelete && entry.playground == playground &&
          entry.generation == self->second.generation) {
        others.push_back(id);
      }
    }
  }
  for (const std::string& id : others) {
    // One that cannot be cancelled now is waited for: the deletion starts when it has ended.
    static_cast<void>(Cancel(id, "playground " + playground + " is being deleted"));
  }
}

Status RunnerImpl::Claim(const store::Run& run, const std::vector<NodeSpec>& nodes) {
  const auto tables = TablesOf(nodes);
  const MutexLock lock(registry_);
  return ClaimLocked(run, tables);
}

Status RunnerImpl::ClaimLocked(const store::Run& run, const std::vector<std::string>& tables) {
  for (const std::string& table : tables) {
    const auto claimed = claims_.find({run.playground, run.generation, table});
    if (claimed == claims_.end() || claimed->second == run.id) continue;
    return Aborted(run.command + " " + table + ": run " + claimed->second +
                   " is writing that table of playground " + run.playground)
        .WithHint("wait for it with `pretzel run wait " + claimed->second + "`, or cancel it");
  }
  for (const std::string& table : tables) {
    claims_[{run.playground, run.generation, table}] = run.id;
  }
  return Status::Ok();
}

Executor& RunnerImpl::LaneOf(const store::Run& run, const store::Node& node) {
  if (run.command == kDelete) return removals_;
  return IsJob(node) ? control_ : calls_;
}

Executor& RunnerImpl::LaneOf(const JobRecord& record) {
  const bool asks_for_work =
      record.step == JobRecord::Step::kNone || record.step == JobRecord::Step::kLeased;
  return record.kind == JobRecord::Kind::kTest && asks_for_work ? calls_ : control_;
}

std::shared_ptr<void> RunnerImpl::TakeJobSlot(const ActivePtr& active, const std::string& node_id) {
  const MutexLock lock(registry_);
  if (jobs_running_ >= options_.jobs) {
    jobs_waiting_.emplace_back(active, node_id);
    return nullptr;
  }
  return JobSlotLocked();
}

std::shared_ptr<void> RunnerImpl::JobSlotLocked() {
  ++jobs_running_;
  return {this, [](RunnerImpl* runner) { runner->FreeJobSlot(); }};
}

std::shared_ptr<void> RunnerImpl::TestSlotLocked() {
  ++test_jobs_running_;
  return {this, [](RunnerImpl* runner) {
            const MutexLock lock(runner->registry_);
            --runner->test_jobs_running_;
          }};
}

std::shared_ptr<void> RunnerImpl::KeepSlot(JobRecord::Kind kind) {
  const MutexLock lock(registry_);
  return kind == JobRecord::Kind::kRun ? JobSlotLocked() : TestSlotLocked();
}

bool RunnerImpl::HoldsSlot(const JobRecord& record) const {
  if (record.kind == JobRecord::Kind::kRun) return true;  // since before it was leased
  if (record.step == JobRecord::Step::kLaunched) return true;
  if (record.step != JobRecord::Step::kPrepared) return false;
  // Launched, perhaps, and the daemon died before it could say so.
  const auto state = launcher_->Read(record.directory);
  if (state.status().code() == Code::kNotFound) return false;
  if (!state.ok() || state->phase != os::JobState::Phase::kNotLaunched) return true;
  return launcher_->Runs(record.directory).value_or(true);
}

void RunnerImpl::KeepTestSlot(JobAtWork& job) {
  if (job.record.kind != JobRecord::Kind::kTest || job.runtime->slot) return;
  const MutexLock lock(registry_);
  LeaveTestQueueLocked(job.runtime);
  job.runtime->slot = TestSlotLocked();
}

void RunnerImpl::ParkSlot(const ActivePtr& active, JobRuntime& runtime) {
  if (!runtime.slot) return;
  {
    const RunLock lock(*this, *active);
    if (!active->set_aside) return;
  }
  const MutexLock lock(registry_);
  const auto entry = entries_.find(active->id);
  if (entry == entries_.end() || !entry->second.keeps_slots) return;  // it has new ones since
  entry->second.slots.push_back(std::move(runtime.slot));
}

void RunnerImpl::LeaveTestQueue(const std::shared_ptr<JobRuntime>& runtime) {
  const MutexLock lock(registry_);
  LeaveTestQueueLocked(runtime);
}

void RunnerImpl::LeaveTestQueueLocked(const std::shared_ptr<JobRuntime>& runtime) {
  if (!std::exchange(runtime->waits_for_slot, false)) return;
  std::erase_if(tests_waiting_, [&](const auto& other) { return other.lock() == runtime; });
}

bool RunnerImpl::TakeTestSlot(JobAtWork& job) {
  JobRuntime& runtime = *job.runtime;
  if (job.record.kind != JobRecord::Kind::kTest || runtime.slot) return true;
  {
    const MutexLock lock(registry_);
    if (!std::exchange(runtime.waits_for_slot, true)) tests_waiting_.push_back(job.runtime);
    // Those that ended while they waited.
    while (tests_waiting_.front().expired()) tests_waiting_.pop_front();
    const bool first = tests_waiting_.front().lock() == job.runtime;
    if (first && test_jobs_running_ < options_.test_jobs) {
      tests_waiting_.pop_front();
      runtime.waits_for_slot = false;
      runtime.slot = TestSlotLocked();
    }
  }
  if (runtime.slot) return true;
  hub_->Progress(job.run.id, {0, Now(), job.node.id, job.node.title, "",
                              "waiting: " + std::to_string(options_.test_jobs) +
                                  " tests run as batch jobs, the most at a time"});
  return false;
}

void RunnerImpl::FreeJobSlot() {
  std::pair<ActivePtr, std::string> next;
  {
    const MutexLock lock(registry_);
    --jobs_running_;
    if (jobs_waiting_.empty() || jobs_running_ >= options_.jobs) return;
    next = std::move(jobs_waiting_.front());
    jobs_waiting_.pop_front();
  }
  control_.Post([this, next] { Execute(next.first, next.second); });
}

}  // namespace dcp::graph
