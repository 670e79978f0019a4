// SPDX-License-Identifier: Apache-2.0
//
// The Runner itself. Its files: runner.cc (starting, ending, finding again), registry.cc (what runs
// must know of each other), node_steps.cc (one node's call), job_steps.cc (one job's life),
// job_calls.cc (what it asks of its backend) and job_ends.cc (what becomes of it).
//
// Locks: a run's own mutex first, then the registry's. Nothing is called outside this room with
// either of them held, except the store.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/mutex.h"
#include "graph/answers.h"
#include "graph/events.h"
#include "graph/executor.h"
#include "graph/graph.h"
#include "graph/job_record.h"
#include "graph/launcher.h"
#include "graph/limits.h"
#include "graph/requests.h"
#include "graph/run_state.h"

namespace dcp::graph {

/// A run that has not ended, in memory.
struct ActiveRun {
  ActiveRun(store::Run run, std::vector<store::Node> nodes)
      : id(run.id), cancel(run.cancel_requested), state(std::move(run), std::move(nodes)) {}

  const std::string id;
  std::atomic<bool> cancel;
  Mutex mutex;
  RunState state DCP_GUARDED_BY(mutex);
  std::unordered_set<std::string> queued DCP_GUARDED_BY(mutex);  // given to the executor once
  std::unordered_map<std::string, int> failures DCP_GUARDED_BY(mutex);  // calls that failed
  bool gone DCP_GUARDED_BY(mutex) = false;                              // ended or set aside
  bool set_aside DCP_GUARDED_BY(mutex) = false;  // memory is ahead of the store
  bool news DCP_GUARDED_BY(mutex) = false;       // to be told on unlocking
};
using ActivePtr = std::shared_ptr<ActiveRun>;

/// The pause before try number `failures` + 1.
int64_t BackOff(int64_t first_ms, int failures);

/// A job's step answers for how long to wait until the next, or one of these.
constexpr int64_t kAgain = 0;
constexpr int64_t kDone = -1;

/// What a job in progress needs besides its record; used by one thread at a time.
struct JobRuntime {
  std::shared_ptr<void> slot;
  bool waits_for_slot = false;  ///< guarded by the registry's mutex
  bool maybe_submitted = true;  ///< false: this daemon made the lease and has not submitted yet
  bool stop_sent = false;
  int failures = 0;
  int64_t pause_ms = 0;
  SteadyMillis words_at = 0;
};

/// A job's step at work: copies, and where the results go.
struct JobAtWork {
  ActivePtr active;
  store::Run run;
  store::Node node;
  JobRecord record;
  std::shared_ptr<JobRuntime> runtime;
  bool ended = false;  ///< its process is known to have ended
};

class RunnerImpl : public Runner {
 public:
  RunnerImpl(store::Store& store, Backend& backend, const Clock& clock, RunnerOptions options,
             std::unique_ptr<Launcher> launcher);
  ~RunnerImpl() override;

  Status Recover() override;
  Result<store::Run> Start(const StartRequest& request) override;
  Status Cancel(const std::string& run_id, const std::string& reason) override;
  Result<std::vector<Event>> WaitEvents(const std::string& run_id, int64_t after_sequence,
                                        int64_t wait_ms) override;
  std::shared_ptr<void> Subscribe(const std::string& run_id, std::function<void()> notify) override;
  Result<std::string> JobDirectory(const std::string& run_id, const std::string& node_id) override;

 private:
  /// What the registry knows of an unfinished run; `active` is empty while it is set aside.
  struct Entry {
    std::string playground;
    int64_t generation = 0;
    std::string command;
    std::string principal;
    ActivePtr active;
  };
  /// Playground, generation, table.
  using TableKey = std::tuple<std::string, int64_t, std::string>;
  /// Locks a run; on unlocking, tells listeners what was committed meanwhile.
  class DCP_THREAD_ANNOTATION(scoped_lockable) RunLock {
   public:
    RunLock(RunnerImpl& runner, ActiveRun& run) DCP_ACQUIRE(run.mutex);
    ~RunLock() DCP_RELEASE();
    RunLock(const RunLock&) = delete;
    RunLock& operator=(const RunLock&) = delete;

   private:
    RunnerImpl& runner_;
    ActiveRun& run_;
  };

  // --- runner.cc
  ActivePtr FindActive(const std::string& run_id);
  Status Resume(const store::Run& run);
  void ResumeLater(const std::string& run_id);
  void CancelOthers(const std::string& delete_run_id);
  /// Writes what changed. False: the run was set aside, and nothing may be acted on.
  bool Commit(const ActivePtr& active) DCP_REQUIRES(active->mutex);
  /// After any change: skips, concludes, commits and starts what may start.
  void Settle(const ActivePtr& active) DCP_REQUIRES(active->mutex);
  void End(const ActivePtr& active) DCP_REQUIRES(active->mutex);
  WallMillis Now() const { return clock_.Wall(); }

  // --- registry.cc
  Status Register(const store::Run& run, const std::vector<NodeSpec>& nodes, std::string* other);
  Status CheckRoom(const store::Run& run) DCP_REQUIRES(registry_);
  void Unregister(const std::string& run_id);
  bool MustWait(const store::Run& run);
  bool IsBeingDeleted(const store::Run& run);
  /// ABORTED when another unfinished run makes or writes one of the tables.
  Status Claim(const store::Run& run, const std::vector<NodeSpec>& nodes);
  Status ClaimLocked(const store::Run& run, const std::vector<std::string>& tables)
      DCP_REQUIRES(registry_);
  std::vector<std::string> TablesOf(const std::vector<NodeSpec>& nodes) const;
  /// Empty when all are taken: the node is started again when one is free.
  std::shared_ptr<void> TakeJobSlot(const ActivePtr& active, const std::string& node_id);
  /// For a job that lives already.
  std::shared_ptr<void> KeepSlot(JobRecord::Kind kind);
  std::shared_ptr<void> JobSlotLocked() DCP_REQUIRES(registry_);
  std::shared_ptr<void> TestSlotLocked() DCP_REQUIRES(registry_);
  void FreeJobSlot();
  /// A test that is about to be launched. False: not yet, in the order of asking.
  bool TakeTestSlot(JobAtWork& job);

  // --- node_steps.cc
  void Execute(const ActivePtr& active, const std::string& node_id);
  bool Begin(const ActivePtr& active, const std::string& node_id, store::Node* node,
             store::Run* run, std::string* outputs);
  Result<std::string> Call(const ActivePtr& active, const store::Run& run, const store::Node& node,
                           const std::string& outputs);
  /// A call that may turn the node into a job.
  void CallOrBecomeJob(const ActivePtr& active, const store::Run& run, const store::Node& node);
  void Finish(const ActivePtr& active, const std::string& node_id,
              const Result<std::string>& result);
  Status TakeAnswer(const ActivePtr& active, const store::Node& node, const std::string& response)
      DCP_REQUIRES(active->mutex);
  Invocation MakeInvocation(const ActivePtr& active, const store::Run& run, const store::Node& node,
                            int64_t timeout_ms);

  // --- job_steps.cc; steps answer kAgain, kDone or for how long to wait
  void JobStep(const ActivePtr& active, const std::string& node_id,
               const std::shared_ptr<JobRuntime>& runtime);
  int64_t TakeStep(JobAtWork& job);
  int64_t LeaseJob(JobAtWork& job);
  int64_t SubmitJob(JobAtWork& job);
  Status PrepareProcess(JobAtWork& job, const ProcessPlan& plan);
  Result<std::vector<std::string>> ConfineCommand(const JobAtWork& job,
                                                  std::vector<std::string> argv) const;
  int64_t LaunchProcess(JobAtWork& job);
  int64_t LookAtProcess(JobAtWork& job);
  int64_t LookAtHandle(JobAtWork& job);
  /// Whether the job is to end; sees to it. `wait_ms` is the answer for the step.
  bool StopIfAsked(JobAtWork& job, int64_t* wait_ms);
  int64_t NextAttempt(JobAtWork& job, const std::string& why);
  int64_t RetryJob(JobAtWork& job, const Status& failure, int attempts_max);
  bool SaveJob(JobAtWork& job, const std::string& detail);

  // --- job_calls.cc
  /// What a backend answers when it is asked for work: one of the three.
  struct Offer {
    std::string handle;
    std::optional<ProcessPlan> process;
    std::string answer;  ///< of a test that needed no job
  };
  /// The record of a first attempt, with the instance that the routes give now. Not stored yet.
  Status NewLease(JobAtWork& job, JobRecord::Kind kind, int64_t default_timeout_ms);
  Result<Offer> AskForWork(JobAtWork& job);
  void AskForWords(JobAtWork& job);
  /// The instance that the job was given to. Once that is not configured any more: the one that
  /// the routes give now, if it runs the same plugin, else UNAVAILABLE.
  Result<std::string> InstanceOf(const JobAtWork& job);
  Result<std::string> CallJob(JobAtWork& job, const std::string& method,
                              const std::string& request_json);
  std::string ContextOf(const JobAtWork& job) const;

  // --- job_ends.cc
  enum class Leave { kNothing, kLogs };  ///< of a test's folder
  Result<ProcessFacts> FactsOf(const JobAtWork& job, const os::JobState& state) const;
  int64_t CheckEnded(JobAtWork& job, const ProcessFacts& facts);
  int64_t InterpretEnded(JobAtWork& job, const ProcessFacts& facts);
  int64_t ConcludeJob(JobAtWork& job, const CheckAnswer& answer, const std::string& response);
  int64_t TryAgainOrFail(JobAtWork& job, const Status& failure, const std::string& response);
  int64_t SucceedJob(JobAtWork& job, const std::string& response);
  int64_t FailJob(JobAtWork& job, const Status& failure, const std::string& response = "");
  int64_t CancelJob(JobAtWork& job, const std::string& why);
  /// Ends the node with `end` (run locked), then tidies up.
  int64_t EndJob(JobAtWork& job, Leave leave, const std::function<void()>& end);
  void CleanUpTest(const std::string& run_id, const std::string& node_id, const JobRecord& record,
                   Leave leave);
  /// What a daemon that died right after a test's end had no time for.
  void CleanUpEnded(const store::Node& node);
  void RemoveIfEmpty(const std::string& run_id) const;

  store::Store& store_;
  Backend& backend_;
  const Clock& clock_;
  const RunnerOptions options_;
  const std::unique_ptr<Launcher> launcher_;
  const std::shared_ptr<EventHub> hub_;
  std::atomic<bool> stopping_ = false;

  Mutex registry_;
  std::map<std::string, Entry> entries_ DCP_GUARDED_BY(registry_);
  std::map<TableKey, std::string> claims_ DCP_GUARDED_BY(registry_);  // run that writes
  int jobs_running_ DCP_GUARDED_BY(registry_) = 0;
  std::deque<std::pair<ActivePtr, std::string>> jobs_waiting_ DCP_GUARDED_BY(registry_);
  int test_jobs_running_ DCP_GUARDED_BY(registry_) = 0;
  std::deque<std::weak_ptr<JobRuntime>> tests_waiting_ DCP_GUARDED_BY(registry_);

  Executor executor_;  // last: its tasks use everything above
};

}  // namespace dcp::graph
