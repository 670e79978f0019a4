// SPDX-License-Identifier: Apache-2.0
//
// What becomes of a job that has ended: its result is read and judged, the node ends or begins
// another attempt, and a test leaves nothing behind.
#include <filesystem>
#include <utility>

#include "base/crash_point.h"
#include "graph/requests.h"
#include "graph/runner.h"
#include "os/file.h"
#include "os/untrusted_folder.h"

namespace dcp::graph {
namespace {

/// Content of a file that a job may or may not have left.
Result<std::string> ReadIfThere(const os::UntrustedFolder& folder, const std::string& name,
                                int64_t offset, size_t bytes_max) {
  auto content = folder.ReadRange(name, offset, bytes_max);
  if (content.status().code() == Code::kNotFound) return std::string();
  return content;
}

}  // namespace

Result<ProcessFacts> RunnerImpl::FactsOf(const JobAtWork& job, const os::JobState& state) const {
  ProcessFacts facts;
  facts.lost = state.phase == os::JobState::Phase::kLost;
  facts.exit_code = state.exit.code;
  facts.signal = state.exit.signal;
  facts.cancel_requested = job.record.stop != JobRecord::Stop::kNo;
  const auto folder =
      os::UntrustedFolder::Open(os::JobWorkFolder(job.record.directory), os::kJobWorkLevels);
  if (folder.status().code() == Code::kNotFound) return facts;  // somebody removed it
  DCP_TRY(folder.status());
  if (!job.record.result_file.empty()) {
    DCP_ASSIGN(facts.result, ReadIfThere(*folder, job.record.result_file, 0, kResultBytesMax));
  }
  auto tail = ReadIfThere(*folder, job.record.stderr_file, -static_cast<int64_t>(kStderrTailBytes),
                          kStderrTailBytes);
  facts.stderr_tail = std::move(tail).value_or("");
  return facts;
}

int64_t RunnerImpl::CheckEnded(JobAtWork& job, const ProcessFacts& facts) {
  const auto response = CallJob(job, "Check", BuildProcessCheck(ContextOf(job), facts));
  if (!response.ok()) return JudgeLater(job, response.status());
  const auto answer = ParseCheckAnswer(*response);
  if (!answer.ok()) return FailJob(job, answer.status());
  if (answer->state == JobState::kPending || answer->state == JobState::kRunning) {
    const Status odd = Unavailable("the backend takes a job that has ended for a running one");
    return RetryOrFail(job, odd, kLookFailuresMax);
  }
  return ConcludeJob(job, *answer, *response);
}

int64_t RunnerImpl::JudgeLater(JobAtWork& job, const Status& failure) {
  // Nothing lives any more, but it may have written: who can wait for the answer gets it.
  if (IsToEnd(job)) {
    if (job.record.stop == JobRecord::Stop::kDeadline || !job.active->cancel) {
      return RetryOrFail(job, failure, kLookFailuresMax);
    }
    return CancelJob(job, "the run was cancelled");
  }
  const bool passing =
      failure.code() == Code::kUnavailable || failure.code() == Code::kDeadlineExceeded;
  if (passing) return AskAgain(job, failure);
  return failure.code() == Code::kCancelled ? kAgain : FailJob(job, failure);
}

int64_t RunnerImpl::InterpretEnded(JobAtWork& job, const ProcessFacts& facts) {
  if (job.record.stop == JobRecord::Stop::kDeadline) {
    return FailJob(job, DeadlineExceeded("the batch job of the check did not end within its time"));
  }
  if (job.record.stop == JobRecord::Stop::kCancel) {
    return CancelJob(job, "the run was cancelled");
  }
  // An instance that is gone is waited for; what it says itself is said of this attempt.
  const auto instance = InstanceOf(job);
  if (!instance.ok()) return RetryOrFail(job, instance.status(), kLookFailuresMax);
  const auto request = BuildInterpret(job.node, ContextOf(job), facts);
  if (!request.ok()) return FailJob(job, request.status());
  const auto response = CallJob(job, "Interpret", *request);
  if (response.status().code() == Code::kUnavailable) {
    // Perhaps only its worker died in the call, which is cheap to repeat.
    if (stopping_ || job.runtime->failures + 1 < kCallAttemptsMax) {
      return RetryOrFail(job, response.status(), kCallAttemptsMax);
    }
    return TryAgainOrFail(job, response.status(), "");
  }
  if (!response.ok()) return RetryOrFail(job, response.status(), kLookFailuresMax);
  const auto process = ParseAnalyzeAnswer(*response);
  if (!process.ok()) return FailJob(job, process.status());
  if (process->has_value()) {
    return FailJob(job, Internal("the plugin answered Interpret with another process")
                            .WithHint("this is a fault of the plugin; its log may say more"));
  }
  return SucceedJob(job, *response);
}

int64_t RunnerImpl::ConcludeJob(JobAtWork& job, const CheckAnswer& answer,
                                const std::string& response) {
  DCP_CRASH_POINT("job.ended.checked");
  if (answer.state == JobState::kSucceeded) return SucceedJob(job, response);
  if (job.record.stop == JobRecord::Stop::kDeadline) {
    return FailJob(job, DeadlineExceeded("the job did not end within its time"), response);
  }
  if (job.record.stop == JobRecord::Stop::kCancel) {
    return CancelJob(job, "the run was cancelled");
  }
  if (answer.state == JobState::kCancelled) {
    return CancelJob(job, answer.detail.empty() ? "the job was cancelled" : answer.detail);
  }
  if (answer.retryable) return TryAgainOrFail(job, answer.failure, response);
  return FailJob(job, answer.failure, response);
}

int64_t RunnerImpl::TryAgainOrFail(JobAtWork& job, const Status& failure,
                                   const std::string& response) {
  if (!job.active->cancel && job.record.attempt < kJobAttemptsMax && Now() < job.record.deadline) {
    return NextAttempt(job, failure.message());
  }
  return FailJob(job, failure, response);
}

int64_t RunnerImpl::EndJob(JobAtWork& job, Leave leave, const std::function<void()>& end) {
  {
    const RunLock lock(*this, *job.active);
    if (job.active->gone) return kDone;
    hub_->ForgetProgress(job.run.id, job.node.id);
    end();
    Settle(job.active);
    // Not written: it will be done again, and needs what lies there.
    if (job.active->set_aside) return kDone;
  }
  backend_.JobEnded(job.run.id, job.record.idempotency_key);
  if (job.record.kind != JobRecord::Kind::kTest) return kDone;
  CleanUpTest(job.run.id, job.node.id, job.record, leave);
  // The run's end found this folder perhaps, and looks no more.
  const RunLock lock(*this, *job.active);
  if (store::IsTerminal(job.active->state.run().state)) RemoveIfEmpty(job.run.id);
  return kDone;
}

int64_t RunnerImpl::SucceedJob(JobAtWork& job, const std::string& response) {
  const int64_t done = EndJob(job, Leave::kNothing, [&]() DCP_REQUIRES(job.active->mutex) {
    job.active->state.Succeed(job.node.id, response, Now());
  });
  DCP_CRASH_POINT("job.succeeded.after_commit");
  return done;
}

int64_t RunnerImpl::FailJob(JobAtWork& job, const Status& failure, const std::string& response) {
  return EndJob(job, Leave::kLogs, [&]() DCP_REQUIRES(job.active->mutex) {
    job.active->state.Fail(job.node.id, failure, response, Now());
  });
}

int64_t RunnerImpl::CancelJob(JobAtWork& job, const std::string& why) {
  const int64_t done = EndJob(job, Leave::kNothing, [&]() DCP_REQUIRES(job.active->mutex) {
    job.active->state.CancelNode(job.node.id, Now(), why);
  });
  DCP_CRASH_POINT("job.cancelled.after_commit");
  return done;
}

void RunnerImpl::CleanUpTest(const std::string& run_id, const std::string& node_id,
                             const JobRecord& record, Leave leave) {
  for (int attempt = 1; attempt <= record.attempt; ++attempt) {
    const std::string folder = JobFolder(options_.job_directory, run_id, node_id, attempt);
    if (!os::Exists(folder)) continue;
    const auto runs = launcher_->Runs(folder);
    // Its run was abandoned, or so it may be: whoever looks for it needs what lies there.
    if (!runs.ok() || *runs) continue;
    if (leave == Leave::kNothing || attempt < record.attempt) {
      // What cannot be removed goes with the playground.
      static_cast<void>(os::RemoveTree(folder));
      continue;
    }
    // Among the rest is the catalog's token: in the work folder, and in what describes the process.
    const auto opened = os::UntrustedFolder::Open(folder, os::kJobFolderLevels);
    const auto work =
        os::UntrustedFolder::Open(folder + "/" + os::kJobWorkFolder, os::kJobWorkLevels);
    if (opened.ok() && work.ok()) {
      static_cast<void>(work->RemoveAllBut({record.stdout_file, record.stderr_file}));
      static_cast<void>(opened->RemoveAllBut({os::kJobWorkFolder}));
    } else {
      static_cast<void>(os::RemoveTree(folder));  // a link: itself, and not what it leads to
    }
  }
}

void RunnerImpl::CleanUpEnded(const store::Node& node) {
  if (node.job_json.empty()) return;
  const auto record = JobRecordFromJson(node.job_json);
  if (!record.ok() || record->kind != JobRecord::Kind::kTest) return;
  CleanUpTest(node.run_id, node.id, *record,
              node.state == store::kFailed ? Leave::kLogs : Leave::kNothing);
}

void RunnerImpl::RemoveIfEmpty(const std::string& run_id) const {
  std::error_code none;  // not empty: then there are jobs of runs, or logs
  std::filesystem::remove(options_.job_directory + "/" + run_id, none);
}

}  // namespace dcp::graph
