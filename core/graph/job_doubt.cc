// SPDX-License-Identifier: Apache-2.0
//
// While it is not known what became of a job: it is asked again, for as long as it takes, and who
// waits is told.
#include <algorithm>
#include <bit>
#include <utility>

#include "graph/runner.h"

namespace dcp::graph {
namespace {

std::string Spell(int64_t ms) {
  constexpr int64_t kMinute = 60'000;
  constexpr int64_t kHour = 60 * kMinute;
  if (ms < 2 * kMinute) return std::to_string(ms / 1000) + " s";
  if (ms < 2 * kHour) return std::to_string(ms / kMinute) + " min";
  return std::to_string(ms / kHour) + " h";
}

/// What is not known.
const char* Doubt(const JobRecord& record) {
  switch (record.step) {
    case JobRecord::Step::kNone:
    case JobRecord::Step::kLeased:
      return "its backend has not said whether it took the job, for ";
    case JobRecord::Step::kSubmitted:
      return "its backend has not said what its job does, for ";
    case JobRecord::Step::kPrepared:
    case JobRecord::Step::kLaunched:
      break;
  }
  return "it is not known what its process does, for ";
}

/// The third failure, and each time as many again: a handful of rows for hours of doubt.
bool IsTold(int failures) {
  return failures % kTellFailures == 0 &&
         std::has_single_bit(static_cast<unsigned>(failures / kTellFailures));
}

}  // namespace

bool RunnerImpl::IsToEnd(const JobAtWork& job) const {
  return job.active->cancel || job.record.stop != JobRecord::Stop::kNo ||
         (job.record.deadline > 0 && Now() >= job.record.deadline);
}

std::string RunnerImpl::WordsOfDoubt(const JobAtWork& job, const Status& failure) const {
  std::string words = Doubt(job.record);
  words += Spell(clock_.Steady() - job.runtime->doubt_since) + ": ";
  words += std::string(CodeName(failure.code())) + ": " + failure.message();
  if (!failure.hint().empty()) words += " (" + failure.hint() + ")";
  words += job.record.step == JobRecord::Step::kLeased ? "; asking again with the same key"
                                                       : "; asking again";
  if (!IsToEnd(job)) return words;
  const bool late = job.record.stop != JobRecord::Stop::kCancel && !job.active->cancel;
  return std::string(late ? "its time is over" : "cancelling") +
         ": not confirmed that its job has ended: " + words +
         "; an operator can end the run without: pretzel run abandon " + job.run.id;
}

void RunnerImpl::TellOfDoubt(JobAtWork& job, const std::string& words, bool store) {
  if (store) job.runtime->doubt_told = Note(job, words);
  if (job.runtime->doubt_told) {
    hub_->Progress(job.run.id, {0, Now(), job.node.id, job.node.title, "", words});
  }
}

int64_t RunnerImpl::AskAgain(JobAtWork& job, const Status& failure) {
  if (stopping_) return kDone;  // the next daemon goes on from what is stored
  JobRuntime& runtime = *job.runtime;
  // Who cannot be asked keeps nobody behind it waiting.
  LeaveTestQueue(job.runtime);
  if (++runtime.failures == 1) runtime.doubt_since = clock_.Steady();
  const bool first_of_end = IsToEnd(job) && !std::exchange(runtime.end_doubt_told, IsToEnd(job));
  TellOfDoubt(job, WordsOfDoubt(job, failure), first_of_end || IsTold(runtime.failures));
  return Pause(job, kAskAgainMsMax);
}

int64_t RunnerImpl::RetryOrFail(JobAtWork& job, const Status& failure, int attempts_max) {
  if (stopping_) return kDone;
  const int failures = ++job.runtime->failures;
  const bool look_took_long =
      failure.code() == Code::kDeadlineExceeded && attempts_max == kLookFailuresMax;
  const bool passing = failure.code() == Code::kUnavailable || look_took_long;
  if (!passing || failures >= attempts_max) return FailJob(job, failure);
  return Pause(job, kBackOffMsMax);
}

int64_t RunnerImpl::Pause(JobAtWork& job, int64_t max_ms) const {
  const int64_t pause =
      std::max<int64_t>(BackOff(options_.back_off_ms, job.runtime->failures, max_ms), 1);
  job.runtime->cancel_seen = job.active->cancel;
  job.runtime->not_before = std::chrono::steady_clock::now() + std::chrono::milliseconds(pause);
  return std::min(pause, kPauseSliceMs);
}

bool RunnerImpl::Answered(JobAtWork& job) {
  job.runtime->failures = 0;
  if (!std::exchange(job.runtime->doubt_told, false)) return true;
  hub_->ForgetProgress(job.run.id, job.node.id);
  return Note(job, job.record.step == JobRecord::Step::kLaunched ? "its process is seen again"
                                                                 : "its backend answers again");
}

bool RunnerImpl::Note(JobAtWork& job, const std::string& detail) {
  const RunLock lock(*this, *job.active);
  if (job.active->gone) return false;
  const store::Node* node = job.active->state.Find(job.node.id);
  job.active->state.SetJob(node->id, node->job_json, node->attempt, Now(), detail);
  return Commit(job.active);
}

}  // namespace dcp::graph
