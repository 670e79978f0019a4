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

namespace dcp::graph {
namespace {

constexpr int64_t kAgain = 0;
constexpr int64_t kDone = -1;
/// argv and environment of the process, for a launch by a later daemon.
constexpr char kProcessFile[] = "process.json";

std::string KeyOf(const std::string& run_id, const std::string& node_id, int attempt) {
  const std::string key = run_id + "/" + node_id;
  return attempt <= 1 ? key : key + "/" + std::to_string(attempt);
}

/// Content of a file that a job may or may not have left.
Result<std::string> ReadIfThere(const std::string& path, int64_t offset, size_t bytes_max) {
  auto content = os::ReadFileRange(path, offset, bytes_max);
  if (content.status().code() == Code::kNotFound) return std::string();
  return content;
}

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
  const int64_t timeout = job.node.timeout_ms > 0 ? job.node.timeout_ms : options_.job_timeout_ms;
  job.record.step = JobRecord::Step::kLeased;
  job.record.attempt = 1;
  job.record.directory = JobFolder(options_.job_directory, job.run.id, job.node.id, 1);
  job.record.idempotency_key = KeyOf(job.run.id, job.node.id, 1);
  job.record.deadline = Now() + timeout;
  job.runtime->maybe_submitted = false;
  DCP_CRASH_POINT("job.lease.before_commit");
  return SaveJob(job, "leased") ? kAgain : kDone;
}

int64_t RunnerImpl::SubmitJob(JobAtWork& job) {
  DCP_CRASH_POINT("job.lease.after_commit");
  // Once a submit may have happened, only submitting again (same key, same answer) tells what is to
  // be stopped.
  if (job.active->cancel && !job.runtime->maybe_submitted) {
    return CancelJob(job, "the run was cancelled");
  }
  if (Now() >= job.record.deadline && !job.runtime->maybe_submitted) {
    return FailJob(job, DeadlineExceeded("the job's time was over before it was submitted"));
  }
  const Status made = os::MakeDirectories(job.record.directory, 0700);
  if (!made.ok()) return FailJob(job, made);
  auto mount = backend_.MountFor(job.run, "rw", job.record.deadline + kMountGraceMs);
  if (!mount.ok()) return RetryJob(job, mount.status(), kCallAttemptsMax);
  SubmitFacts facts;
  facts.run_id = job.run.id;
  facts.lease_id = job.record.idempotency_key;
  facts.lease_directory = job.record.directory;
  facts.idempotency_key = job.record.idempotency_key;
  facts.deadline = job.record.deadline;
  const auto request = BuildSubmit(job.node, ContextOf(job), *mount, facts);
  if (!request.ok()) return FailJob(job, request.status());
  job.runtime->maybe_submitted = true;
  DCP_CRASH_POINT("job.submit.before_call");
  const auto response = CallJob(job, "Submit", *request);
  if (!response.ok()) return RetryJob(job, response.status(), kCallAttemptsMax);
  DCP_CRASH_POINT("job.submit.answered");
  auto answer = ParseSubmitAnswer(*response);
  if (!answer.ok()) return FailJob(job, answer.status());
  job.runtime->failures = 0;
  if (!answer->has_process) {
    job.record.step = JobRecord::Step::kSubmitted;
    job.record.handle = std::move(answer->handle);
    return SaveJob(job, "submitted") ? kAgain : kDone;
  }
  const Status prepared = PrepareProcess(job, answer->process);
  if (!prepared.ok()) return FailJob(job, prepared);
  return SaveJob(job, "prepared") ? kAgain : kDone;
}

Status RunnerImpl::PrepareProcess(JobAtWork& job, const ProcessPlan& plan) {
  const std::string folder = job.record.directory + "/";
  for (const auto& [path, content] : plan.files) {
    const std::string full = folder + path;
    DCP_TRY(os::MakeDirectories(full.substr(0, full.rfind('/')), 0700));
    DCP_TRY(os::WriteFileAtomic(full, content, 0600));
    DCP_CRASH_POINT("job.files.first_written");
  }
  DCP_TRY(os::WriteFileAtomic(folder + kProcessFile, ProcessPlanToJson(plan), 0600));
  DCP_CRASH_POINT("job.files.written");
  job.record.step = JobRecord::Step::kPrepared;
  job.record.stderr_file = plan.stderr_file;
  job.record.result_file = plan.result_file;
  job.record.stop_grace_ms = plan.stop_grace_ms;
  return Status::Ok();
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
  auto text = os::ReadFile(job.record.directory + "/" + kProcessFile, kProcessBytesMax);
  auto plan = text.ok() ? ProcessPlanFromJson(*text) : Result<ProcessPlan>(text.status());
  if (!plan.ok()) return FailJob(job, plan.status());
  os::JobSpec spec;
  spec.argv = std::move(plan->argv);
  spec.env = std::move(plan->env);
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
  return LookAtEndedProcess(job, *state);
}

int64_t RunnerImpl::LookAtEndedProcess(JobAtWork& job, const os::JobState& state) {
  DCP_CRASH_POINT("job.ended.seen");
  const std::string folder = job.record.directory + "/";
  ProcessFacts facts;
  facts.lost = state.phase == os::JobState::Phase::kLost;
  facts.exit_code = state.exit.code;
  facts.signal = state.exit.signal;
  facts.cancel_requested = job.record.stop != JobRecord::Stop::kNo;
  if (!job.record.result_file.empty()) {
    auto result = ReadIfThere(folder + job.record.result_file, 0, kResultBytesMax);
    if (!result.ok()) return RetryJob(job, result.status(), kLookFailuresMax);
    facts.result = std::move(*result);
  }
  auto tail = ReadIfThere(folder + job.record.stderr_file, -static_cast<int64_t>(kStderrTailBytes),
                          kStderrTailBytes);
  facts.stderr_tail = std::move(tail).value_or("");
  const auto response = CallJob(job, "Check", BuildProcessCheck(ContextOf(job), facts));
  if (!response.ok()) return RetryJob(job, response.status(), kLookFailuresMax);
  const auto answer = ParseCheckAnswer(*response);
  if (!answer.ok()) return FailJob(job, answer.status());
  if (answer->state == JobState::kPending || answer->state == JobState::kRunning) {
    const Status odd = Unavailable("the backend takes a job that has ended for a running one");
    return RetryJob(job, odd, kLookFailuresMax);
  }
  return ConcludeJob(job, *answer, *response);
}

void RunnerImpl::AskForWords(JobAtWork& job) {
  if (clock_.Steady() < job.runtime->words_at) return;
  job.runtime->words_at = clock_.Steady() + kRunningCheckMs;
  ProcessFacts facts;
  facts.running = true;
  const auto response = CallJob(job, "Check", BuildProcessCheck(ContextOf(job), facts));
  // What it says of a running process is for people only, and so is its silence.
  const auto answer =
      response.ok() ? ParseCheckAnswer(*response) : Result<CheckAnswer>(response.status());
  if (!answer.ok() || answer->detail.empty()) return;
  hub_->Progress(job.run.id, {0, Now(), job.node.id, job.node.title, "", answer->detail});
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

int64_t RunnerImpl::ConcludeJob(JobAtWork& job, const CheckAnswer& answer,
                                const std::string& response) {
  DCP_CRASH_POINT("job.ended.checked");
  if (answer.state == JobState::kSucceeded) {
    const RunLock lock(*this, *job.active);
    if (job.active->gone) return kDone;
    hub_->ForgetProgress(job.run.id, job.node.id);
    job.active->state.Succeed(job.node.id, response, Now());
    Settle(job.active);
    DCP_CRASH_POINT("job.succeeded.after_commit");
    return kDone;
  }
  if (job.record.stop == JobRecord::Stop::kDeadline) {
    return FailJob(job, DeadlineExceeded("the job did not end within its time"), response);
  }
  if (job.record.stop == JobRecord::Stop::kCancel) {
    return CancelJob(job, "the run was cancelled");
  }
  if (answer.state == JobState::kCancelled) {
    return CancelJob(job, answer.detail.empty() ? "the job was cancelled" : answer.detail);
  }
  if (answer.retryable && !job.active->cancel && job.record.attempt < kJobAttemptsMax &&
      Now() < job.record.deadline) {
    return NextAttempt(job, answer.failure.message());
  }
  return FailJob(job, answer.failure, response);
}

int64_t RunnerImpl::NextAttempt(JobAtWork& job, const std::string& why) {
  const int ended = job.record.attempt;
  JobRecord next;
  next.step = JobRecord::Step::kLeased;
  next.attempt = ended + 1;
  next.directory = JobFolder(options_.job_directory, job.run.id, job.node.id, next.attempt);
  next.idempotency_key = KeyOf(job.run.id, job.node.id, next.attempt);
  next.deadline = job.record.deadline;
  job.record = next;
  job.runtime->maybe_submitted = false;
  job.runtime->failures = 0;
  job.runtime->pause_ms = 0;
  if (!SaveJob(job, "attempt " + std::to_string(ended) + " failed: " + why)) return kDone;
  DCP_CRASH_POINT("job.retry.after_commit");
  return std::max<int64_t>(BackOff(options_.back_off_ms, ended), 1);
}

int64_t RunnerImpl::FailJob(JobAtWork& job, const Status& failure, const std::string& response) {
  // Given up on without the backend's word that it ended: it must not go on writing behind our
  // back.
  const bool may_live = response.empty();
  if (may_live && (job.record.step == JobRecord::Step::kLaunched ||
                   job.record.step == JobRecord::Step::kPrepared)) {
    static_cast<void>(launcher_->Stop(job.record.directory));
  } else if (may_live && job.record.step == JobRecord::Step::kSubmitted) {
    static_cast<void>(
        CallJob(job, "Cancel", BuildHandleCall(ContextOf(job), job.record.handle)).status());
  }
  const RunLock lock(*this, *job.active);
  if (job.active->gone) return kDone;
  hub_->ForgetProgress(job.run.id, job.node.id);
  job.active->state.Fail(job.node.id, failure, response, Now());
  Settle(job.active);
  return kDone;
}

int64_t RunnerImpl::CancelJob(JobAtWork& job, const std::string& why) {
  const RunLock lock(*this, *job.active);
  if (job.active->gone) return kDone;
  hub_->ForgetProgress(job.run.id, job.node.id);
  job.active->state.CancelNode(job.node.id, Now(), why);
  Settle(job.active);
  DCP_CRASH_POINT("job.cancelled.after_commit");
  return kDone;
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

Result<std::string> RunnerImpl::CallJob(JobAtWork& job, const std::string& method,
                                        const std::string& request_json) {
  Invocation invocation = MakeInvocation(job.active, job.run, job.node, kJobCallTimeoutMs);
  invocation.method = method;
  invocation.request_json = request_json;
  // Not by a cancelled run: only a finished Submit tells what there is to stop.
  invocation.cancelled = [this] { return stopping_.load(); };
  return backend_.Invoke(invocation);
}

std::string RunnerImpl::ContextOf(const JobAtWork& job) const {
  return ContextJson(job.run, job.node.id, backend_.CatalogName());
}

}  // namespace dcp::graph
