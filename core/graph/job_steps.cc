// SPDX-License-Identifier: Apache-2.0
//
// A job's life, one step at a time. Each step reads what the store remembers, acts, and stores
// what came of it; between steps anything may happen to the daemon.
#include <algorithm>
#include <utility>

#include "base/crash_point.h"
#include "graph/requests.h"
#include "graph/runner.h"
#include "os/file.h"
#include "os/untrusted_folder.h"

namespace dcp::graph {
namespace {

/// argv and environment of the process, for a launch by a later daemon.
constexpr char kProcessFile[] = "process.json";

/// A failure of this machine rather than of the job: worth another look.
Status Passing(const Status& status) { return Unavailable(status.message()); }

}  // namespace

void RunnerImpl::JobStep(const ActivePtr& active, const std::string& node_id,
                         const std::shared_ptr<JobRuntime>& runtime) {
  for (;;) {
    JobAtWork job;
    job.active = active;
    job.runtime = runtime;
    {
      const RunLock lock(*this, *active);
      const store::Node* node = active->state.Find(node_id);
      if (active->gone || stopping_ || store::IsTerminal(node->state)) return;
      job.node = *node;
      job.run = active->state.run();
    }
    auto record = JobRecordFromJson(job.node.job_json);
    int64_t wait_ms = kDone;
    if (record.ok()) {
      job.record = std::move(*record);
      wait_ms = TakeStep(job);
    } else {
      wait_ms = FailJob(job, record.status());
    }
    if (wait_ms == kDone) return;
    if (wait_ms == kAgain) continue;
    executor_.PostAfter(wait_ms,
                        [this, active, node_id, runtime] { JobStep(active, node_id, runtime); });
    return;
  }
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
  return FailJob(job, Internal("unknown step of a job"));
}

int64_t RunnerImpl::LeaseJob(JobAtWork& job) {
  if (job.active->cancel) return CancelJob(job, "the run was cancelled");
  const Status pinned = NewLease(job, JobRecord::Kind::kRun, options_.job_timeout_ms);
  if (!pinned.ok()) return RetryJob(job, pinned, kCallAttemptsMax);
  job.record.step = JobRecord::Step::kLeased;
  job.runtime->maybe_submitted = false;
  job.runtime->failures = 0;
  DCP_CRASH_POINT("job.lease.before_commit");
  return SaveJob(job, "leased") ? kAgain : kDone;
}

int64_t RunnerImpl::SubmitJob(JobAtWork& job) {
  DCP_CRASH_POINT("job.lease.after_commit");
  // Once a submit may have happened, only submitting again (same key, same answer) tells what is to
  // be stopped. Analyze starts nothing.
  const bool may_live = job.runtime->maybe_submitted && job.record.kind == JobRecord::Kind::kRun;
  if (job.active->cancel && !may_live) return CancelJob(job, "the run was cancelled");
  if (Now() >= job.record.deadline && !may_live) {
    return FailJob(job, DeadlineExceeded("the job's time was over before it was submitted"));
  }
  job.runtime->maybe_submitted = true;
  DCP_CRASH_POINT("job.submit.before_call");
  auto offer = AskForWork(job);
  DCP_CRASH_POINT("job.submit.answered");
  if (!offer.ok() && job.active->cancel && job.record.kind == JobRecord::Kind::kTest) {
    return CancelJob(job, "the run was cancelled");
  }
  if (!offer.ok()) return RetryJob(job, offer.status(), kCallAttemptsMax);
  job.runtime->failures = 0;
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

Status RunnerImpl::PrepareProcess(JobAtWork& job, const ProcessPlan& plan) {
  const std::string work = WorkFolder(job.record);
  DCP_TRY(os::MakeDirectories(work, 0700));
  DCP_ASSIGN(const auto folder,
             os::UntrustedFolder::Open(job.record.directory, os::kJobFolderLevels));
  DCP_ASSIGN(const auto work_folder, os::UntrustedFolder::Open(work, os::kJobWorkLevels));
  for (const auto& [path, content] : plan.files) {
    DCP_TRY(work_folder.Write(path, content));
    DCP_CRASH_POINT("job.files.first_written");
  }
  DCP_TRY(folder.Write(kProcessFile, ProcessPlanToJson(plan)));
  DCP_CRASH_POINT("job.files.written");
  job.record.step = JobRecord::Step::kPrepared;
  job.record.stdout_file = plan.stdout_file;
  job.record.stderr_file = plan.stderr_file;
  job.record.result_file = plan.result_file;
  job.record.stop_grace_ms = plan.stop_grace_ms;
  return Status::Ok();
}

Result<std::vector<std::string>> RunnerImpl::ConfineCommand(const JobAtWork& job,
                                                            std::vector<std::string> argv) const {
  if (!options_.confine) return argv;
  return options_.confine({job.run.playground, job.run.generation,
                           job.record.kind != JobRecord::Kind::kTest, WorkFolder(job.record),
                           job.record.instance, std::move(argv)});
}

int64_t RunnerImpl::LaunchProcess(JobAtWork& job) {
  DCP_CRASH_POINT("job.prepared.after_commit");
  const bool late = Now() >= job.record.deadline;
  if (job.active->cancel || late) {
    const auto state = launcher_->Read(job.record.directory);
    if (!state.ok()) return RetryJob(job, Passing(state.status()), kLookFailuresMax);
    if (state->phase == os::JobState::Phase::kNotLaunched) {
      // Stopping a job that was not launched closes its folder to any later launch.
      const Status closed = launcher_->Stop(job.record.directory);
      if (!closed.ok()) return RetryJob(job, Passing(closed), kLookFailuresMax);
      return late ? FailJob(job, DeadlineExceeded("the job's time was over before its launch"))
                  : CancelJob(job, "the run was cancelled");
    }
  }
  if (!TakeTestSlot(job)) return options_.job_poll_ms;
  const auto folder = os::UntrustedFolder::Open(job.record.directory, os::kJobFolderLevels);
  auto text = folder.ok() ? folder->Read(kProcessFile, kProcessBytesMax)
                          : Result<std::string>(folder.status());
  auto plan = text.ok() ? ProcessPlanFromJson(*text) : Result<ProcessPlan>(text.status());
  if (!plan.ok()) return FailJob(job, plan.status());
  os::JobSpec spec;
  auto argv = ConfineCommand(job, std::move(plan->argv));
  if (!argv.ok()) return FailJob(job, argv.status());
  spec.argv = std::move(*argv);
  spec.env = std::move(plan->env);
  spec.env_is_passed_on = static_cast<bool>(options_.confine);
  spec.stdout_file = std::move(plan->stdout_file);
  spec.stderr_file = std::move(plan->stderr_file);
  spec.stop_grace_ms = plan->stop_grace_ms;
  const Status launched = launcher_->Launch(job.record.directory, spec);
  if (!launched.ok()) return RetryJob(job, launched, kCallAttemptsMax);
  DCP_CRASH_POINT("job.launch.done");
  job.record.step = JobRecord::Step::kLaunched;
  return SaveJob(job, "launched") ? kAgain : kDone;
}

int64_t RunnerImpl::LookAtProcess(JobAtWork& job) {
  DCP_CRASH_POINT("job.launched.after_commit");
  auto state = launcher_->Read(job.record.directory);
  if (state.status().code() == Code::kNotFound) {  // somebody removed the folder
    state = os::JobState();
    state->phase = os::JobState::Phase::kLost;
  }
  if (!state.ok()) return RetryJob(job, Passing(state.status()), kLookFailuresMax);
  switch (state->phase) {
    case os::JobState::Phase::kRunning: {
      job.runtime->failures = 0;
      int64_t wait_ms = options_.job_poll_ms;
      if (!StopIfAsked(job, &wait_ms)) AskForWords(job);
      return wait_ms;
    }
    case os::JobState::Phase::kNotLaunched:
      job.record.step = JobRecord::Step::kPrepared;
      if (!SaveJob(job, "there is no trace of a launch: launching again")) return kDone;
      return RetryJob(job, Unavailable("the job's folder shows no launch"), kCallAttemptsMax);
    case os::JobState::Phase::kExited:
    case os::JobState::Phase::kLost:
      break;
  }
  DCP_CRASH_POINT("job.ended.seen");
  if (state->phase == os::JobState::Phase::kLost) {
    // What its launcher left behind must not go on writing beside the next attempt.
    const Status ended = launcher_->Stop(job.record.directory);
    if (!ended.ok() && ended.code() != Code::kNotFound) {
      return RetryJob(job, Passing(ended), kLookFailuresMax);
    }
  }
  job.ended = true;
  const auto facts = FactsOf(job, *state);
  if (!facts.ok()) return RetryJob(job, facts.status(), kLookFailuresMax);
  return job.record.kind == JobRecord::Kind::kTest ? InterpretEnded(job, *facts)
                                                   : CheckEnded(job, *facts);
}

int64_t RunnerImpl::LookAtHandle(JobAtWork& job) {
  int64_t wait_ms = options_.job_poll_ms;
  const bool stopping_job = StopIfAsked(job, &wait_ms);
  if (wait_ms == kDone) return kDone;
  const auto response = CallJob(job, "Check", BuildHandleCall(ContextOf(job), job.record.handle));
  if (!response.ok()) return RetryJob(job, response.status(), kLookFailuresMax);
  const auto answer = ParseCheckAnswer(*response);
  if (!answer.ok()) return FailJob(job, answer.status());
  if (answer->state != JobState::kPending && answer->state != JobState::kRunning) {
    return ConcludeJob(job, *answer, *response);
  }
  if (!answer->detail.empty()) {
    hub_->Progress(job.run.id, {0, Now(), job.node.id, job.node.title, "", answer->detail});
  }
  job.runtime->failures = 0;
  int64_t& pause = job.runtime->pause_ms;
  pause = std::clamp(pause + pause / 2, options_.job_poll_ms,
                     std::max(options_.job_poll_ms, kHandlePollMsMax));
  return stopping_job ? options_.job_poll_ms : pause;
}

bool RunnerImpl::StopIfAsked(JobAtWork& job, int64_t* wait_ms) {
  JobRecord& record = job.record;
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
  if (!job.runtime->stop_sent) {
    const bool process = record.step == JobRecord::Step::kLaunched;
    const Status sent =
        process ? launcher_->Stop(record.directory)
                : CallJob(job, "Cancel", BuildHandleCall(ContextOf(job), record.handle)).status();
    DCP_CRASH_POINT("job.stop.sent");
    job.runtime->stop_sent = sent.ok();  // else again at the next look
  }
  if (Now() >= record.stop_at + record.stop_grace_ms + kStopPatienceMs) {
    *wait_ms = FailJob(job, DeadlineExceeded("the job was told to stop and did not end")
                                .WithHint("look for it by the run's id, and end it by hand"));
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
  next.attempt = ended + 1;
  next.directory = JobFolder(options_.job_directory, job.run.id, job.node.id, next.attempt);
  next.idempotency_key = JobKey(job.run.id, job.node.id, next.attempt);
  next.deadline = job.record.deadline;
  job.record = next;
  job.runtime->maybe_submitted = false;
  job.runtime->failures = 0;
  job.runtime->pause_ms = 0;
  if (!SaveJob(job, "attempt " + std::to_string(ended) + " failed: " + why)) return kDone;
  DCP_CRASH_POINT("job.retry.after_commit");
  return std::max<int64_t>(BackOff(options_.back_off_ms, ended), 1);
}

int64_t RunnerImpl::RetryJob(JobAtWork& job, const Status& failure, int attempts_max) {
  if (stopping_) return kDone;  // the next daemon goes on from what is stored
  const int failures = ++job.runtime->failures;
  const bool look_took_long =
      failure.code() == Code::kDeadlineExceeded && attempts_max == kLookFailuresMax;
  const bool passing = failure.code() == Code::kUnavailable || look_took_long;
  if (!passing || failures >= attempts_max) return FailJob(job, failure);
  return std::max<int64_t>(BackOff(options_.back_off_ms, failures), 1);
}

bool RunnerImpl::SaveJob(JobAtWork& job, const std::string& detail) {
  const RunLock lock(*this, *job.active);
  if (job.active->gone) return false;
  job.active->state.SetJob(job.node.id, JobRecordToJson(job.record), job.record.attempt, Now(),
                           detail);
  return Commit(job.active);
}

}  // namespace dcp::graph
