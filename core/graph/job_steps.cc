// SPDX-License-Identifier: Apache-2.0
//
// A job's life, one step at a time. Each step reads what the store remembers, acts, and stores
// what came of it; between steps anything may happen to the daemon.
#include <algorithm>
#include <utility>

#include "base/crash_point.h"
#include "graph/requests.h"
#include "graph/runner.h"

namespace dcp::graph {

void RunnerImpl::JobStep(const ActivePtr& active, const std::string& node_id,
                         const std::shared_ptr<JobRuntime>& runtime) {
  Executor* lane = nullptr;
  int64_t wait_ms = kAgain;
  while (wait_ms == kAgain) wait_ms = TryStep(active, node_id, runtime, &lane);
  if (wait_ms == kDone) return ParkSlot(active, *runtime);
  const auto next = [this, active, node_id, runtime] { JobStep(active, node_id, runtime); };
  if (wait_ms == kElsewhere) {
    lane->Post(next);
  } else {
    lane->PostAfter(wait_ms, next);
  }
}

int64_t RunnerImpl::TryStep(const ActivePtr& active, const std::string& node_id,
                            const std::shared_ptr<JobRuntime>& runtime, Executor** lane) {
  JobAtWork job;
  job.active = active;
  job.runtime = runtime;
  {
    const RunLock lock(*this, *active);
    const store::Node* node = active->state.Find(node_id);
    if (active->gone || stopping_ || store::IsTerminal(node->state)) return kDone;
    job.node = *node;
    job.run = active->state.run();
  }
  *lane = &control_;
  if (active->cancel == runtime->cancel_seen) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        runtime->not_before - std::chrono::steady_clock::now());
    if (left.count() > 0) return std::min<int64_t>(left.count(), kPauseSliceMs);
  }
  runtime->cancel_seen = active->cancel;
  auto record = JobRecordFromJson(job.node.job_json);
  // What lives there cannot be told from it, so that only a person can.
  if (!record.ok()) return AskAgain(job, record.status());
  job.record = std::move(*record);
  const Executor* here = &LaneOf(job.record);
  const int64_t wait_ms = TakeStep(job);
  *lane = &LaneOf(job.record);
  return wait_ms == kAgain && *lane != here ? kElsewhere : wait_ms;
}

int64_t RunnerImpl::TakeStep(JobAtWork& job) {
  switch (job.record.step) {
    case JobRecord::Step::kNone:
      return LeaseJob(job);
    case JobRecord::Step::kLeased:
      return SubmitJob(job);
    case JobRecord::Step::kPrepared:
      return LaunchProcess(job);
    case JobRecord::Step::kLaunched:
      return LookAtProcess(job);
    case JobRecord::Step::kSubmitted:
      return LookAtHandle(job);
  }
  return AskAgain(job, Internal("unknown step of a job"));
}

int64_t RunnerImpl::LeaseJob(JobAtWork& job) {
  if (job.active->cancel) return CancelJob(job, "the run was cancelled");
  const Status pinned = NewLease(job, JobRecord::Kind::kRun, options_.job_timeout_ms);
  if (!pinned.ok()) return RetryOrFail(job, pinned, kCallAttemptsMax);
  job.record.step = JobRecord::Step::kLeased;
  job.runtime->maybe_submitted = false;
  job.runtime->failures = 0;
  DCP_CRASH_POINT("job.lease.before_commit");
  return SaveJob(job, "leased") ? kAgain : kDone;
}

int64_t RunnerImpl::SubmitJob(JobAtWork& job) {
  DCP_CRASH_POINT("job.lease.after_commit");
  // Once a submit may have happened, only submitting again (same key, same answer) tells what is to
  // be stopped.
  const bool may_live = MayHaveBeenSubmitted(job);
  if (job.active->cancel && !may_live) return CancelJob(job, "the run was cancelled");
  if (Now() >= job.record.deadline && !may_live) {
    return FailJob(job, DeadlineExceeded("the job's time was over before it was submitted"));
  }
  DCP_CRASH_POINT("job.submit.before_call");
  auto offer = AskForWork(job);
  DCP_CRASH_POINT("job.submit.answered");
  if (!offer.ok()) return SubmitFailed(job, offer.status());
  if (!Answered(job)) return kDone;
  if (offer->process) {
    const Status prepared = PrepareProcess(job, *offer->process);
    if (!prepared.ok()) return FailJob(job, prepared);
    return SaveJob(job, "prepared") ? kAgain : kDone;
  }
  if (offer->handle.empty()) return SucceedJob(job, offer->answer);
  job.record.step = JobRecord::Step::kSubmitted;
  job.record.handle = std::move(offer->handle);
  return SaveJob(job, "submitted") ? kAgain : kDone;
}

int64_t RunnerImpl::SubmitFailed(JobAtWork& job, const Status& failure) {
  if (!job.refused && MayHaveBeenSubmitted(job)) return AskAgain(job, failure);
  if (job.active->cancel) return CancelJob(job, "the run was cancelled");
  return job.refused ? FailJob(job, failure) : RetryOrFail(job, failure, kCallAttemptsMax);
}

int64_t RunnerImpl::LookAtHandle(JobAtWork& job) {
  int64_t wait_ms = options_.job_poll_ms;
  const bool stopping_job = StopIfAsked(job, &wait_ms);
  if (wait_ms == kDone) return kDone;
  const auto response = CallJob(job, "Check", BuildHandleCall(ContextOf(job), job.record.handle));
  const auto answer =
      response.ok() ? ParseCheckAnswer(*response) : Result<CheckAnswer>(response.status());
  // Broken off in order to stop the job.
  if (!answer.ok() && !stopping_job && job.active->cancel) return kAgain;
  // That its backend does not know what it does, or says it in other words, ends no job.
  if (!answer.ok()) return AskAgain(job, answer.status());
  if (answer->state != JobState::kPending && answer->state != JobState::kRunning) {
    return ConcludeJob(job, *answer, *response);
  }
  if (!Answered(job)) return kDone;
  if (!answer->detail.empty()) {
    hub_->Progress(job.run.id, {0, Now(), job.node.id, job.node.title, "", answer->detail});
  }
  int64_t& pause = job.runtime->pause_ms;
  pause = std::clamp(pause + pause / 2, options_.job_poll_ms,
                     std::max(options_.job_poll_ms, kHandlePollMsMax));
  return stopping_job ? options_.job_poll_ms : pause;
}

bool RunnerImpl::StopIfAsked(JobAtWork& job, int64_t* wait_ms) {
  JobRecord& record = job.record;
  JobRuntime& runtime = *job.runtime;
  if (record.stop == JobRecord::Stop::kNo) {
    if (job.active->cancel) record.stop = JobRecord::Stop::kCancel;
    if (Now() >= record.deadline) record.stop = JobRecord::Stop::kDeadline;
    if (record.stop == JobRecord::Stop::kNo) return false;
    record.stop_at = Now();
    const bool cancelled = record.stop == JobRecord::Stop::kCancel;
    if (!SaveJob(job, cancelled ? "stopping: cancelled" : "stopping: its time is over")) {
      *wait_ms = kDone;
      return true;
    }
    DCP_CRASH_POINT("job.stop.after_commit");
  }
  const auto now = std::chrono::steady_clock::now();
  if (now >= runtime.stop_again_at) {
    const bool process = record.step == JobRecord::Step::kLaunched;
    const Status sent =
        process ? launcher_->Stop(record.directory)
                : CallJob(job, "Cancel", BuildHandleCall(ContextOf(job), record.handle)).status();
    DCP_CRASH_POINT("job.stop.sent");
    runtime.stop_failures = sent.ok() ? 0 : runtime.stop_failures + 1;
    const int64_t pause =
        sent.ok() ? options_.stop_again_ms
                  : BackOff(options_.back_off_ms, runtime.stop_failures, kAskAgainMsMax);
    runtime.stop_again_at = now + std::chrono::milliseconds(pause);
  }
  if (Now() >= record.stop_at + record.stop_grace_ms + kStopPatienceMs) {
    const bool first = !std::exchange(runtime.end_doubt_told, true);
    if (runtime.failures == 0) runtime.doubt_since = clock_.Steady() - (Now() - record.stop_at);
    TellOfDoubt(job, WordsOfDoubt(job, Unavailable("it was told to stop and still runs")), first);
  }
  return true;
}

int64_t RunnerImpl::NextAttempt(JobAtWork& job, const std::string& why) {
  const int ended = job.record.attempt;
  JobRecord next;
  next.step = JobRecord::Step::kLeased;
  next.kind = job.record.kind;
  next.instance = job.record.instance;
  next.plugin = job.record.plugin;
  next.starts_jobs = job.record.starts_jobs;
  next.attempt = ended + 1;
  next.directory = JobFolder(options_.job_directory, job.run.id, job.node.id, next.attempt);
  next.idempotency_key = JobKey(job.run.id, job.node.id, next.attempt);
  next.deadline = job.record.deadline;
  const std::string ended_key = std::exchange(job.record, next).idempotency_key;
  job.runtime->maybe_submitted = false;
  job.runtime->failures = 0;
  job.runtime->pause_ms = 0;
  if (!SaveJob(job, "attempt " + std::to_string(ended) + " failed: " + why)) return kDone;
  backend_.JobEnded(job.run.id, ended_key);
  DCP_CRASH_POINT("job.retry.after_commit");
  return std::max<int64_t>(BackOff(options_.back_off_ms, ended), 1);
}

bool RunnerImpl::SaveJob(JobAtWork& job, const std::string& detail) {
  const RunLock lock(*this, *job.active);
  if (job.active->gone) return false;
  job.active->state.SetJob(job.node.id, JobRecordToJson(job.record), job.record.attempt, Now(),
                           detail);
  return Commit(job.active);
}

}  // namespace dcp::graph
