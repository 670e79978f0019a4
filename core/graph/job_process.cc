// SPDX-License-Identifier: Apache-2.0
//
// The life of a job that is a process of this host. What is known of it is what its folder and the
// system say; a launcher that says nothing may still launch.
#include <utility>

#include "base/crash_point.h"
#include "graph/runner.h"
#include "os/file.h"
#include "os/untrusted_folder.h"

namespace dcp::graph {
namespace {

/// argv and environment of the process, for a launch by a later daemon.
constexpr char kProcessFile[] = "process.json";

}  // namespace

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
  const std::string& folder = job.record.directory;
  const auto state = launcher_->Read(folder);
  if (!state.ok() && state.status().code() != Code::kNotFound) {
    return AskAgain(job, state.status());
  }
  // By an earlier daemon, or by a launcher that said so late.
  if (state.ok() && state->phase != os::JobState::Phase::kNotLaunched) return Launched(job);
  if (job.active->cancel || Now() >= job.record.deadline) return CloseUnlaunched(job);
  const auto at_work = launcher_->Runs(folder);
  if (!at_work.ok()) return AskAgain(job, at_work.status());
  if (*at_work) return AskAgain(job, Unavailable("its launcher has not recorded the launch yet"));
  // An earlier release laid the job's files elsewhere, and somebody may have removed them since:
  // nothing of the job has begun, and the same key brings the same files.
  if (!os::IsFolder(WorkFolder(job.record))) {
    job.record.step = JobRecord::Step::kLeased;
    return SaveJob(job, "its files are not there: asking for them again") ? kAgain : kDone;
  }
  if (!TakeTestSlot(job)) return options_.job_poll_ms;
  const auto spec = SpecOf(job);
  if (!spec.ok()) return FailWhenDead(job, spec.status());
  const Status launched = launcher_->Launch(folder, *spec);
  if (launched.ok()) return Launched(job);
  // Whatever its launcher said or did not say: the folder tells, now or later.
  const bool passing =
      launched.code() == Code::kUnavailable || launched.code() == Code::kDeadlineExceeded;
  if (passing && job.runtime->failures + 1 < kCallAttemptsMax) return AskAgain(job, launched);
  return FailWhenDead(job, launched);
}

Result<os::JobSpec> RunnerImpl::SpecOf(const JobAtWork& job) const {
  DCP_ASSIGN(const auto folder,
             os::UntrustedFolder::Open(job.record.directory, os::kJobFolderLevels));
  DCP_ASSIGN(const std::string text, folder.Read(kProcessFile, kProcessBytesMax));
  DCP_ASSIGN(ProcessPlan plan, ProcessPlanFromJson(text));
  os::JobSpec spec;
  DCP_ASSIGN(spec.argv, ConfineCommand(job, std::move(plan.argv)));
  spec.env = std::move(plan.env);
  spec.env_is_passed_on = static_cast<bool>(options_.confine);
  spec.stdout_file = std::move(plan.stdout_file);
  spec.stderr_file = std::move(plan.stderr_file);
  spec.stop_grace_ms = plan.stop_grace_ms;
  return spec;
}

int64_t RunnerImpl::Launched(JobAtWork& job) {
  DCP_CRASH_POINT("job.launch.done");
  KeepTestSlot(job);
  job.record.step = JobRecord::Step::kLaunched;
  return SaveJob(job, "launched") ? kAgain : kDone;
}

int64_t RunnerImpl::CloseUnlaunched(JobAtWork& job) {
  const auto closed = launcher_->End(job.record.directory);
  if (!closed.ok()) return AskAgain(job, closed.status());
  // Launched since we looked, or about to be: the next look finds which.
  if (!*closed) return AskAgain(job, Unavailable("its launcher is at work"));
  return Now() >= job.record.deadline
             ? FailJob(job, DeadlineExceeded("the job's time was over before its launch"))
             : CancelJob(job, "the run was cancelled");
}

int64_t RunnerImpl::FailWhenDead(JobAtWork& job, const Status& failure) {
  const auto over = launcher_->End(job.record.directory);
  if (over.ok() && *over) return FailJob(job, failure);
  return AskAgain(job, over.ok() ? failure : over.status());
}

int64_t RunnerImpl::LookAtProcess(JobAtWork& job) {
  DCP_CRASH_POINT("job.launched.after_commit");
  auto state = launcher_->Read(job.record.directory);
  if (state.status().code() == Code::kNotFound) {  // somebody removed the folder
    state = os::JobState();
    state->phase = os::JobState::Phase::kLost;
  }
  if (!state.ok()) return AskAgain(job, state.status());
  switch (state->phase) {
    case os::JobState::Phase::kRunning: {
      if (!Answered(job)) return kDone;
      int64_t wait_ms = options_.job_poll_ms;
      if (!StopIfAsked(job, &wait_ms)) AskForWords(job);
      return wait_ms;
    }
    case os::JobState::Phase::kNotLaunched:
      return LaunchAgain(job);
    case os::JobState::Phase::kExited:
    case os::JobState::Phase::kLost:
      break;
  }
  DCP_CRASH_POINT("job.ended.seen");
  // What it left behind must not go on writing beside the next attempt.
  const auto over = launcher_->End(job.record.directory);
  if (!over.ok()) return AskAgain(job, over.status());
  if (!*over) return AskAgain(job, Unavailable("what it started still runs"));
  const auto facts = FactsOf(job, *state);
  if (!facts.ok()) return RetryOrFail(job, facts.status(), kLookFailuresMax);
  return job.record.kind == JobRecord::Kind::kTest ? InterpretEnded(job, *facts)
                                                   : CheckEnded(job, *facts);
}

int64_t RunnerImpl::LaunchAgain(JobAtWork& job) {
  const auto at_work = launcher_->Runs(job.record.directory);
  if (!at_work.ok()) return AskAgain(job, at_work.status());
  if (*at_work) return AskAgain(job, Unavailable("its launcher has not recorded the launch yet"));
  const Status untraced = Unavailable("the job's folder shows no launch");
  if (job.runtime->failures + 1 >= kCallAttemptsMax) return FailWhenDead(job, untraced);
  job.record.step = JobRecord::Step::kPrepared;
  if (!SaveJob(job, "there is no trace of a launch: launching again")) return kDone;
  return AskAgain(job, untraced);
}

}  // namespace dcp::graph
