// SPDX-License-Identifier: Apache-2.0
//
// One node's call, from PENDING to its end.
#include <algorithm>
#include <utility>

#include "base/crash_point.h"
#include "graph/admission.h"
#include "graph/requests.h"
#include "graph/runner.h"

namespace dcp::graph {
namespace {

bool AnswersGraphs(const store::Node& node) {
  return node.capability == "resource" && (node.method == "Compile" || node.method == "Continue");
}

}  // namespace

void RunnerImpl::Execute(const ActivePtr& active, const std::string& node_id) {
  bool is_job = false;
  {
    const RunLock lock(*this, *active);
    is_job = IsJob(*active->state.Find(node_id));
  }
  // A job takes a slot even if it has been cancelled meanwhile: giving it back wakes the next.
  auto runtime = std::make_shared<JobRuntime>();
  if (is_job) {
    runtime->slot = TakeJobSlot(active, node_id);
    if (!runtime->slot) return;
  }
  store::Node node;
  store::Run run;
  std::string outputs;
  if (!Begin(active, node_id, &node, &run, &outputs)) return;
  if (is_job) {
    runtime->maybe_submitted = false;
    JobStep(active, node_id, runtime);
  } else if (MayBecomeJob(node)) {
    CallOrBecomeJob(active, run, node);
  } else {
    Finish(active, node_id, Call(active, run, node, outputs));
  }
}

bool RunnerImpl::Begin(const ActivePtr& active, const std::string& node_id, store::Node* node,
                       store::Run* run, std::string* outputs) {
  const RunLock lock(*this, *active);
  const store::Node* found = active->state.Find(node_id);
  if (active->gone || stopping_ || found->state != store::kPending) return false;
  if (active->state.run().state == store::kPending) {
    active->state.MoveRun(store::kRunning, Now(), "");
  }
  active->state.MoveNode(node_id, store::kRunning, Now(), "");
  DCP_CRASH_POINT("node.begin.before_commit");
  if (!Commit(active)) return false;
  DCP_CRASH_POINT("node.begin.after_commit");
  *node = *found;
  *run = active->state.run();
  if (node->capability == "resource" && node->method == "Continue") {
    *outputs = OutputsJson(active->state, *node);
  }
  return true;
}

Invocation RunnerImpl::MakeInvocation(const ActivePtr& active, const store::Run& run,
                                      const store::Node& node, int64_t timeout_ms) {
  Invocation invocation;
  invocation.run_id = run.id;
  invocation.node_id = node.id;
  invocation.playground = run.playground;
  invocation.generation = run.generation;
  invocation.principal = run.principal;
  invocation.team = run.team;
  invocation.environment = run.environment;
  invocation.capability = node.capability;
  invocation.method = node.method;
  invocation.route = node.route;
  invocation.deadline = clock_.Steady() + timeout_ms;
  invocation.cancelled = [this, active] { return active->cancel || stopping_; };
  invocation.on_progress = [this, run_id = run.id, id = node.id,
                            title = node.title](const std::string& text) {
    hub_->Progress(run_id, {0, Now(), id, title, "", text});
  };
  return invocation;
}

Result<std::string> RunnerImpl::Call(const ActivePtr& active, const store::Run& run,
                                     const store::Node& node, const std::string& outputs) {
  const int64_t timeout = node.timeout_ms > 0 ? node.timeout_ms : options_.default_timeout_ms;
  Invocation invocation = MakeInvocation(active, run, node, timeout);
  std::vector<std::string> mounts;
  if (node.capability == "test_backend") {
    DCP_ASSIGN(std::string mount, backend_.MountFor(run, "ro", Now() + kSessionLifeMs, ""));
    mounts.push_back(std::move(mount));
  }
  const bool with_context = node.capability != "catalog" && node.capability != "playground";
  if (with_context) {
    const std::string context = ContextJson(run, node.id, backend_.CatalogName());
    DCP_ASSIGN(invocation.request_json, BuildRequest(node, context, outputs, mounts));
  } else {
    invocation.request_json = node.request_json;
  }
  return backend_.Invoke(invocation);
}

void RunnerImpl::CallOrBecomeJob(const ActivePtr& active, const store::Run& run,
                                 const store::Node& node) {
  JobAtWork job;
  job.active = active;
  job.run = run;
  job.node = node;
  job.runtime = std::make_shared<JobRuntime>();
  const Status pinned = NewLease(job, JobRecord::Kind::kTest, options_.default_timeout_ms);
  auto offer = pinned.ok() ? AskForWork(job) : Result<Offer>(pinned);
  if (offer.ok() && offer->process) {
    const Status prepared = PrepareProcess(job, *offer->process);
    if (prepared.ok()) {
      // From here on it is a job: a restart goes on with it instead of calling again.
      if (!SaveJob(job, "prepared")) return;
      control_.Post(
          [this, active, id = node.id, runtime = job.runtime] { JobStep(active, id, runtime); });
      return;
    }
    offer = prepared;
  }
  // Files that an earlier daemon, or this one just now, wrote for a process that is none. Before
  // the node goes on, which may be with another call and the same folder.
  CleanUpTest(run.id, node.id, job.record, Leave::kNothing);
  Finish(active, node.id, offer.ok() ? Result<std::string>(offer->answer) : offer.status());
}

void RunnerImpl::Finish(const ActivePtr& active, const std::string& node_id,
                        const Result<std::string>& result) {
  DCP_CRASH_POINT("node.call.answered");
  const RunLock lock(*this, *active);
  if (active->gone) return;
  Status failure = result.status();
  // Stopping makes calls fail; such a node stays RUNNING and is called again at the next start.
  if (!failure.ok() && stopping_ && !active->cancel) return;
  hub_->ForgetProgress(active->id, node_id);
  if (!failure.ok() && active->cancel) {
    active->state.CancelNode(node_id, Now(), "the run was cancelled");
    Settle(active);
    return;
  }
  if (failure.code() == Code::kUnavailable) {
    const int failures = ++active->failures[node_id];
    if (failures < kCallAttemptsMax) {
      active->state.MoveNode(node_id, store::kPending, Now(), "again: " + failure.message());
      if (!Commit(active)) return;
      DCP_CRASH_POINT("node.again.after_commit");
      LaneOf(active->state.run(), *active->state.Find(node_id))
          .PostAfter(BackOff(options_.back_off_ms, failures),
                     [this, active, node_id] { Execute(active, node_id); });
      return;
    }
  }
  const store::Node node = *active->state.Find(node_id);
  if (failure.ok() && AnswersGraphs(node)) failure = TakeAnswer(active, node, *result);
  if (failure.code() == Code::kCancelled && active->cancel) {
    active->state.CancelNode(node_id, Now(), failure.message());
  } else if (failure.ok()) {
    active->state.Succeed(node_id, *result, Now());
  } else {
    active->state.Fail(node_id, failure, "", Now());
  }
  Settle(active);
  if (failure.ok()) DCP_CRASH_POINT("node.succeeded.after_commit");
}

Status RunnerImpl::TakeAnswer(const ActivePtr& active, const store::Node& node,
                              const std::string& response) {
  DCP_ASSIGN(const ResourceAnswer answer, ParseResourceAnswer(response));
  if (answer.kind == ResourceAnswer::Kind::kNeedsFiles) {
    active->state.SetNeedsFiles(answer.needs_files_json);
  }
  if (answer.kind != ResourceAnswer::Kind::kGraph) return Status::Ok();
  if (active->cancel) return Cancelled("the run was cancelled");
  const int32_t depth = node.depth + 1;
  DCP_TRY(CheckNodes(active->state.nodes(), answer.nodes, depth));
  DCP_TRY(Claim(active->state.run(), answer.nodes));
  DCP_CRASH_POINT("node.graph.before_commit");
  return active->state.Add(answer.nodes, depth, Now());
}

}  // namespace dcp::graph
