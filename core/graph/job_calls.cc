// SPDX-License-Identifier: Apache-2.0
//
// What a job asks of its backend, and which instance it asks: the one that it was given to,
// whatever the routes say meanwhile.
#include <algorithm>
#include <utility>

#include "graph/requests.h"
#include "graph/runner.h"
#include "os/file.h"

namespace dcp::graph {
namespace {

constexpr char kCheck[] = "Check";
/// Check for the sake of what a running process is doing.
constexpr char kWords[] = "Check for words";

/// Whether a backend that answers Submit with this code has no job of that key, and will have none
/// (contract: SubmitRequest). Any other failure leaves it open.
bool IsRefusal(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
    case Code::kNotFound:
    case Code::kAlreadyExists:
    case Code::kPermissionDenied:
    case Code::kResourceExhausted:
    case Code::kFailedPrecondition:
    case Code::kOutOfRange:
    case Code::kUnimplemented:
    case Code::kUnauthenticated:
      return true;
    default:
      return false;
  }
}

}  // namespace

Status RunnerImpl::NewLease(JobAtWork& job, JobRecord::Kind kind, int64_t default_timeout_ms) {
  const int64_t timeout = job.node.timeout_ms > 0 ? job.node.timeout_ms : default_timeout_ms;
  JobRecord& record = job.record;
  record.kind = kind;
  record.attempt = 1;
  record.directory = JobFolder(options_.job_directory, job.run.id, job.node.id, 1);
  record.idempotency_key = JobKey(job.run.id, job.node.id, 1);
  record.deadline = Now() + timeout;
  DCP_ASSIGN(record.instance,
             backend_.Resolve(MakeInvocation(job.active, job.run, job.node, timeout)));
  record.plugin = backend_.PluginOf(record.instance);
  // Analyze starts nothing that outlives it.
  record.starts_jobs = kind == JobRecord::Kind::kRun && backend_.StartsJobs(record.instance);
  return Status::Ok();
}

bool RunnerImpl::MayHaveBeenSubmitted(const JobAtWork& job) const {
  return job.record.starts_jobs && job.runtime->maybe_submitted;
}

Result<RunnerImpl::Offer> RunnerImpl::AskForWork(JobAtWork& job) {
  job.refused = false;
  LeaseFacts facts;
  facts.run_id = job.run.id;
  // What the job may write; what stands around it is between the daemon and the launcher.
  facts.directory = WorkFolder(job.record);
  facts.idempotency_key = job.record.idempotency_key;
  facts.deadline = job.record.deadline;
  Offer offer;
  if (job.record.kind == JobRecord::Kind::kTest) {
    // Sessions that are reused live longer than this call, a job that waits perhaps even longer.
    const WallMillis expires =
        std::max(Now() + kSessionLifeMs, job.record.deadline + kMountGraceMs);
    DCP_ASSIGN(const std::string mount, backend_.MountFor(job.run, "ro", expires, ""));
    DCP_ASSIGN(const std::string request, BuildAnalyze(job.node, ContextOf(job), mount, facts));
    DCP_ASSIGN(offer.answer, CallJob(job, "Analyze", request));
    DCP_ASSIGN(offer.process, ParseAnalyzeAnswer(offer.answer));
    return offer;
  }
  DCP_TRY(os::MakeDirectories(facts.directory, 0700));
  DCP_ASSIGN(const std::string mount,
             backend_.MountFor(job.run, "rw", job.record.deadline + kMountGraceMs,
                               job.record.idempotency_key));
  DCP_ASSIGN(const std::string request, BuildSubmit(job.node, ContextOf(job), mount, facts));
  Reach reach = Reach::kNotSent;
  const auto response = CallJob(job, "Submit", request, &reach);
  if (reach != Reach::kNotSent) job.runtime->maybe_submitted = true;
  job.refused = reach == Reach::kAnswered && IsRefusal(response.status().code());
  DCP_TRY(response.status());
  // One who leaves it to the host has started nothing, however wrong the rest is.
  job.refused = HoldsProcessAlone(*response);
  DCP_ASSIGN(SubmitAnswer answer, ParseSubmitAnswer(*response));
  offer.handle = std::move(answer.handle);
  if (answer.has_process) offer.process = std::move(answer.process);
  return offer;
}

void RunnerImpl::AskForWords(JobAtWork& job) {
  // Only a run's backend has something to say before the end.
  if (job.record.kind != JobRecord::Kind::kRun) return;
  if (clock_.Steady() < job.runtime->words_at) return;
  job.runtime->words_at = clock_.Steady() + kRunningCheckMs;
  ProcessFacts facts;
  facts.running = true;
  const auto response = CallJob(job, kWords, BuildProcessCheck(ContextOf(job), facts));
  // What it says of a running process is for people only, and so is its silence.
  const auto answer =
      response.ok() ? ParseCheckAnswer(*response) : Result<CheckAnswer>(response.status());
  if (!answer.ok() || answer->detail.empty()) return;
  hub_->Progress(job.run.id, {0, Now(), job.node.id, job.node.title, "", answer->detail});
}

Result<std::string> RunnerImpl::InstanceOf(const JobAtWork& job) {
  const JobRecord& record = job.record;
  // A job of a daemon that knew of no instances, or one that is there.
  if (record.instance.empty() || !backend_.PluginOf(record.instance).empty()) {
    return record.instance;
  }
  const auto other =
      backend_.Resolve(MakeInvocation(job.active, job.run, job.node, kJobCallTimeoutMs));
  if (other.ok() && backend_.PluginOf(*other) == record.plugin) return other;
  return Unavailable("the job was given to the plugin instance \"" + record.instance + "\" (" +
                     record.plugin + "), which is not configured any more")
      .WithHint("configure that instance again, or route " + job.node.capability +
                " to another one of the plugin " + record.plugin);
}

Result<std::string> RunnerImpl::CallJob(JobAtWork& job, const std::string& method,
                                        const std::string& request_json, Reach* reach) {
  // Analyze may be the work itself; the others only talk about it.
  const bool analyze = method == "Analyze";
  const bool words = method == kWords;
  const int64_t timeout = analyze ? std::max<int64_t>(job.record.deadline - Now(), 1)
                          : words ? kWordsTimeoutMs
                                  : kJobCallTimeoutMs;
  Invocation invocation = MakeInvocation(job.active, job.run, job.node, timeout);
  DCP_ASSIGN(invocation.instance, InstanceOf(job));
  invocation.method = words ? kCheck : method;
  invocation.request_json = request_json;
  // Of what it breaks off a cancelled run must still be told how it ended: not Submit, which alone
  // tells what there is to stop, nor a look at what was told to stop.
  const bool breaks_off =
      analyze || (invocation.method == kCheck && job.record.stop == JobRecord::Stop::kNo);
  if (!breaks_off) invocation.cancelled = [this] { return stopping_.load(); };
  Reach reached = Reach::kSent;  // until its carrier says something else
  invocation.reach = &reached;
  auto answer = backend_.Invoke(invocation);
  if (reach != nullptr) *reach = answer.ok() ? Reach::kAnswered : reached;
  const bool gone = answer.status().code() == Code::kFailedPrecondition &&
                    !invocation.instance.empty() && backend_.PluginOf(invocation.instance).empty();
  // Taken out of the configuration between looking and calling: look again.
  if (gone) return Unavailable(answer.status().message());
  return answer;
}

std::string RunnerImpl::ContextOf(const JobAtWork& job) const {
  return ContextJson(job.run, job.node.id, backend_.CatalogName());
}

}  // namespace dcp::graph
