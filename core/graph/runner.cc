// SPDX-License-Identifier: Apache-2.0
#include "graph/runner.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/crash_point.h"
#include "base/id.h"
#include "base/redaction.h"
#include "graph/admission.h"
#include "log/log.h"

namespace dcp::graph {
namespace {

/// What is stored of plugins' words, and shown for as long as the playground lives. Requests and
/// what is known of jobs stay as they are: they are to be acted on.
store::RunChange Redacted(store::RunChange change) {
  const auto redact = [](std::string& text) { text = Redact(std::move(text)); };
  if (change.run) {
    redact(change.run->report_json);
    redact(change.run->needs_files_json);
    redact(change.run->error_json);
  }
  for (store::Node& node : change.nodes) {
    redact(node.title);
    redact(node.response_json);
    redact(node.error_json);
    redact(node.detail);
  }
  for (store::Transition& step : change.transitions) redact(step.detail);
  return change;
}

}  // namespace

Result<std::unique_ptr<Runner>> Runner::Create(store::Store& store, Backend& backend,
                                               const Clock& clock, RunnerOptions options) {
  if (options.threads < 1 || options.runs_per_principal < 1 || options.jobs < 1 ||
      options.test_jobs < 1 || options.job_poll_ms < 1 || options.default_timeout_ms < 1 ||
      options.job_timeout_ms < 1 || options.back_off_ms < 0 || options.rest_ms < 0) {
    return InvalidArgument("graph runner: threads, jobs, time-outs and poll time must be positive");
  }
  if (options.job_directory.empty() || options.job_directory.front() != '/') {
    return InvalidArgument("graph runner: the job folder must be an absolute path");
  }
  auto launcher = OsLauncher(options.launcher, options.held_fd);
  return std::unique_ptr<Runner>(
      std::make_unique<RunnerImpl>(store, backend, clock, std::move(options), std::move(launcher)));
}

int64_t BackOff(int64_t first_ms, int failures, int64_t max_ms) {
  int64_t pause = first_ms;
  for (int i = 1; i < failures && pause > 0 && pause < max_ms; ++i) {
    pause = std::min(pause * kBackOffFactor, max_ms);
  }
  return pause;
}

RunnerImpl::RunLock::RunLock(RunnerImpl& runner, ActiveRun& run) : runner_(runner), run_(run) {
  run_.mutex.lock();
}

RunnerImpl::RunLock::~RunLock() {
  const bool news = std::exchange(run_.news, false);
  run_.mutex.unlock();
  if (news) runner_.hub_->Notify(run_.id);
}

RunnerImpl::RunnerImpl(store::Store& store, Backend& backend, const Clock& clock,
                       RunnerOptions options, std::unique_ptr<Launcher> launcher)
    : store_(store),
      backend_(backend),
      clock_(clock),
      options_(std::move(options)),
      launcher_(std::move(launcher)),
      hub_(std::make_shared<EventHub>()),
      calls_(options_.threads),
      control_(options_.jobs + options_.test_jobs + kControlThreads),
      removals_(kRemovalThreads) {}

RunnerImpl::~RunnerImpl() {
  stopping_ = true;
  for (Executor* lane : {&calls_, &control_, &removals_}) lane->Stop();
  std::map<std::string, Entry> entries;  // whose slots are given back while there is somebody
  {
    const MutexLock lock(registry_);
    entries.swap(entries_);
  }
}

ActivePtr RunnerImpl::FindActive(const std::string& run_id) {
  const MutexLock lock(registry_);
  const auto found = entries_.find(run_id);
  return found == entries_.end() ? nullptr : found->second.active;
}

Result<store::Run> RunnerImpl::Start(const StartRequest& request) {
  if (request.nodes.empty()) return InvalidArgument("start a run: it has no nodes");
  DCP_TRY(CheckNodes({}, request.nodes, 0));
  store::Run run;
  run.id = NewRunId();
  run.playground = request.playground;
  run.generation = request.generation;
  run.command = request.command;
  run.principal = request.principal;
  run.team = request.team;
  run.environment = request.environment;
  run.client_token = request.client_token;
  run.created_at = Now();
  RunState state(run, {});
  DCP_TRY(state.Add(request.nodes, 0, run.created_at));

  for (int attempt = 1;; ++attempt) {
    std::string other;
    const Status registered = Register(run, request.nodes, &other);
    if (other.empty() || request.command != "delete" || attempt == kRegisterAttemptsMax) {
      DCP_TRY(registered);
      break;
    }
    // A deletion asked for twice is one deletion, unless the first has just ended: whoever ends it
    // holds its lock until it is out of the registry.
    DCP_ASSIGN(store::Run earlier, store_.GetRun(other));
    if (!store::IsTerminal(earlier.state)) return earlier;
    if (const ActivePtr ending = FindActive(other)) const RunLock wait(*this, *ending);
  }
  const store::RunChange first = state.TakeChange();
  std::vector<store::Transition> transitions = {
      {run.id, 0, "", run.created_at, "", store::kPending, ""}};
  transitions.insert(transitions.end(), first.transitions.begin(), first.transitions.end());
  DCP_CRASH_POINT("run.create.before_commit");
  auto created = store_.CreateRun(run, first.nodes, transitions);
  if (!created.ok() || created->id != run.id) {
    Unregister(run.id);
    return created;
  }
  DCP_CRASH_POINT("run.create.after_commit");
  backend_.RunLives(run.id);
  const auto active = std::make_shared<ActiveRun>(run, state.nodes());
  {
    const MutexLock lock(registry_);
    entries_[run.id].active = active;
  }
  CancelOthers(run.id);
  // A deletion that registered since Register could not cancel what had no memory yet.
  if (IsBeingDeleted(run)) {
    static_cast<void>(Cancel(run.id, "playground " + run.playground + " is being deleted"));
  }
  const RunLock lock(*this, *active);
  Settle(active);
  return created;
}

Status RunnerImpl::Cancel(const std::string& run_id, const std::string& reason) {
  const ActivePtr active = FindActive(run_id);
  if (!active) {
    DCP_ASSIGN(const store::Run run, store_.GetRun(run_id));
    if (store::IsTerminal(run.state)) return Status::Ok();
    return Unavailable("cancel run " + run_id + ": the store cannot be written at the moment")
        .WithHint("try again in a minute");
  }
  const RunLock lock(*this, *active);
  if (active->gone || active->state.run().cancel_requested) return Status::Ok();
  const std::string words = reason.empty() ? "" : ": " + reason;
  active->state.RequestCancel(Cancelled("the run was cancelled" + words), Now());
  if (!Commit(active)) {
    return Unavailable("cancel run " + run_id + ": the store cannot be written at the moment");
  }
  DCP_CRASH_POINT("run.cancel.after_commit");
  active->cancel = true;
  Settle(active);
  return Status::Ok();
}

Result<bool> RunnerImpl::Abandon(const std::string& run_id, const std::string& by) {
  const ActivePtr active = FindActive(run_id);
  if (!active) {
    DCP_TRY(Cancel(run_id, ""));  // NOT_FOUND, or that it is set aside
    return true;
  }
  const Status busy =
      Unavailable("abandon run " + run_id + ": the store cannot be written at the moment");
  {
    const RunLock lock(*this, *active);
    if (active->gone) return active->set_aside ? Result<bool>(busy) : Result<bool>(true);
    if (active->state.run().command == kDelete) {
      return FailedPrecondition("run " + run_id + " deletes a playground, and goes on to its end");
    }
    if (active->state.run().cancel_requested) {
      active->state.Abandon(
          Cancelled("the run was abandoned by " + by + ": what its jobs do is not known"), Now());
      // First of all written, as an end that Settle() writes would be.
      Settle(active);
      if (active->set_aside) return busy;
      log::Write(log::Id::kRunAbandoned, {{"run", run_id}, {"by", by}});
      return true;
    }
  }
  DCP_TRY(Cancel(run_id, "asked for by " + by + ", an operator"));
  return false;
}

bool RunnerImpl::Commit(const ActivePtr& active) {
  const store::RunChange change = Redacted(active->state.TakeChange());
  if (!change.run && change.nodes.empty() && change.transitions.empty()) return true;
  DCP_CRASH_POINT("run.change.before_commit");
  const Status status = store_.ChangeRun(active->id, change);
  if (!status.ok()) {
    SetAside(active, status);
    return false;
  }
  DCP_CRASH_POINT("run.change.after_commit");
  active->news = true;
  active->rests = 0;
  return true;
}

void RunnerImpl::Settle(const ActivePtr& active) {
  if (active->gone) return;
  active->state.SkipBlocked(Now());
  if (active->state.AllEnded()) {
    active->state.Conclude(Now());
    DCP_CRASH_POINT("run.end.before_commit");
    if (Commit(active)) End(active);
    return;
  }
  if (!Commit(active) || stopping_ || MustWait(active->state.run())) return;
  for (const std::string& id : active->state.TakeReady()) {
    if (!active->queued.insert(id).second) continue;
    LaneOf(active->state.run(), *active->state.Find(id)).Post([this, active, id] {
      Execute(active, id);
    });
  }
}

void RunnerImpl::End(const ActivePtr& active) {
  DCP_CRASH_POINT("run.end.after_commit");
  active->gone = true;
  backend_.RunEnded(active->id);
  hub_->Forget(active->id);
  RemoveIfEmpty(active->id);
  Unregister(active->id);
}

Result<std::vector<Event>> RunnerImpl::WaitEvents(const std::string& run_id, int64_t after_sequence,
                                                  int64_t wait_ms) {
  const int64_t entered = hub_->Version();
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait_ms);
  for (;;) {
    const int64_t version = hub_->Version();
    // The run first: what happened until it ended is then among the transitions.
    DCP_ASSIGN(const store::RunSummary run, store_.GetRunSummary(run_id));
    DCP_ASSIGN(const auto transitions, store_.GetTransitions(run_id, after_sequence, kEventsMax));
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                          end - std::chrono::steady_clock::now())
                          .count();
    const bool fresh_words = !hub_->ProgressAfter(run_id, entered).empty();
    if (transitions.empty() && !fresh_words && !store::IsTerminal(run.state) && left > 0) {
      hub_->WaitForNews(version, left);
      continue;
    }
    std::vector<Event> events;
    for (const store::Transition& transition : transitions) {
      events.push_back({transition.sequence, transition.at, transition.node_id, transition.title,
                        transition.to, transition.detail});
    }
    // Words are of now, and what comes before them is not told yet.
    if (events.size() == kEventsMax) return events;
    const int64_t last = events.empty() ? after_sequence : events.back().sequence;
    for (Event& words : hub_->ProgressAfter(run_id, 0)) {
      words.sequence = last;
      events.push_back(std::move(words));
    }
    return events;
  }
}

std::shared_ptr<void> RunnerImpl::Subscribe(const std::string& run_id,
                                            std::function<void()> notify) {
  return hub_->Subscribe(run_id, std::move(notify));
}

Result<std::string> RunnerImpl::JobDirectory(const std::string& run_id,
                                             const std::string& node_id) {
  DCP_ASSIGN(const auto node, store_.GetNodeSummary(run_id, node_id));
  DCP_ASSIGN(const JobRecord record, JobRecordFromJson(node.job_json));
  if (!record.directory.empty()) return os::JobWorkFolder(record.directory);
  return NotFound("run " + run_id + ", node " + node_id + ": it has no job");
}

}  // namespace dcp::graph
