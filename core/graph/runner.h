// SPDX-License-Identifier: Apache-2.0
//
// The Runner itself. Its files: runner.cc (starting, ending), recovery.cc (finding again),
// registry.cc (what runs must know of each other), node_steps.cc (one node's call), job_steps.cc
// (one job's life), job_process.cc (that of a process), job_doubt.cc (what is done while its state
// is not known), job_calls.cc (what it asks of its backend) and job_ends.cc (what becomes of it).
//
// A node does not end while its job lives or may still come alive: every end of a job passes a
// place that knows this, from its backend's answer or from its process. What cannot be known is
// asked again (AskAgain), and an operator alone can end the run without (Abandon).
//
// Locks: a run's own mutex first, then the registry's. Nothing is called outside this room with
// either of them held, except the store and what Backend says may be.
#pragma once

#include <atomic>
#include <chrono>
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
  int rests DCP_GUARDED_BY(mutex) = 0;           // since something was written the last time
};
using ActivePtr = std::shared_ptr<ActiveRun>;

/// The pause before try number `failures` + 1.
int64_t BackOff(int64_t first_ms, int failures, int64_t max_ms = kBackOffMsMax);

/// The command of a deletion: it waits for the playground's other runs, and has threads of its own.
constexpr char kDelete[] = "delete";

/// A job's step answers for how long to wait until the next, or one of these.
constexpr int64_t kAgain = 0;
constexpr int64_t kDone = -1;
constexpr int64_t kElsewhere = -2;  ///< at once, in another lane

/// What a job in progress needs besides its record; used by one thread at a time.
struct JobRuntime {
  /// Time of the threads' timer, which is real also where a test moves the clock.
  using TimePoint = std::chrono::steady_clock::time_point;

  std::shared_ptr<void> slot;
  bool waits_for_slot = false;   ///< guarded by the registry's mutex
  bool maybe_submitted = true;   ///< false: no Submit of this attempt has reached its backend
  int failures = 0;              ///< in a row, of whatever the present step needs
  SteadyMillis doubt_since = 0;  ///< when the first of them was
  bool doubt_told = false;
  bool end_doubt_told = false;  ///< that its end is not confirmed
  TimePoint not_before;         ///< of the next step
  bool cancel_seen = false;     ///< it ends the pause
  TimePoint stop_again_at;
  int stop_failures = 0;
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
  /// Of the last Submit: the backend has no such job and will have none.
  bool refused = false;
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
  Result<bool> Abandon(const std::string& run_id, const std::string& by) override;

 private:
  /// What the registry knows of an unfinished run; `active` is empty while it is set aside.
  struct Entry {
    std::string playground;
    int64_t generation = 0;
    std::string command;
    std::string principal;
    ActivePtr active;
    int rests = 0;  ///< how often it was set aside since something was written
    /// Until its jobs are found again: they live on while the run is set aside.
    bool keeps_slots = false;
    std::vector<std::shared_ptr<void>> slots = {};
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

  // --- recovery.cc
  /// A run as the store has it, with the slots of what may live of it.
  struct FoundJob {
    std::string node_id;
    std::shared_ptr<JobRuntime> runtime;
    Executor* lane = nullptr;
  };
  struct FoundRun {
    ActivePtr active;
    std::vector<FoundJob> jobs;
  };
  Result<FoundRun> Find(const store::Run& run);
  void GoOn(const FoundRun& found);
  Status Resume(const store::Run& run);
  void ResumeLater(const std::string& run_id, int rests);
  /// Memory is ahead of the store: it is forgotten, and the store's word taken later.
  void SetAside(const ActivePtr& active, const Status& why) DCP_REQUIRES(active->mutex);

  // --- runner.cc
  ActivePtr FindActive(const std::string& run_id);
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
  /// Where a node is carried out: nobody's calls keep jobs or deletions waiting.
  Executor& LaneOf(const store::Run& run, const store::Node& node);
  /// Where a job's next step is made: a test's call may be the work itself.
  Executor& LaneOf(const JobRecord& record);
  /// Empty when all are taken: the node is started again when one is free.
  std::shared_ptr<void> TakeJobSlot(const ActivePtr& active, const std::string& node_id);
  /// For a job that lives already, or may.
  std::shared_ptr<void> KeepSlot(JobRecord::Kind kind);
  void KeepTestSlot(JobAtWork& job);
  /// Whether the job that is found again needs no place in the queue of tests.
  bool HoldsSlot(const JobRecord& record) const;
  /// A run that was set aside keeps the slots of its jobs.
  void ParkSlot(const ActivePtr& active, JobRuntime& runtime);
  std::shared_ptr<void> JobSlotLocked() DCP_REQUIRES(registry_);
  std::shared_ptr<void> TestSlotLocked() DCP_REQUIRES(registry_);
  void FreeJobSlot();
  /// A test that is about to be launched. False: not yet, in the order of asking.
  bool TakeTestSlot(JobAtWork& job);
  void LeaveTestQueue(const std::shared_ptr<JobRuntime>& runtime);
  void LeaveTestQueueLocked(const std::shared_ptr<JobRuntime>& runtime) DCP_REQUIRES(registry_);

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
  /// A step of a node that may have ended; answers kDone then. `lane` is that of the next step.
  int64_t TryStep(const ActivePtr& active, const std::string& node_id,
                  const std::shared_ptr<JobRuntime>& runtime, Executor** lane);
  int64_t TakeStep(JobAtWork& job);
  int64_t LeaseJob(JobAtWork& job);
  int64_t SubmitJob(JobAtWork& job);
  int64_t SubmitFailed(JobAtWork& job, const Status& failure);
  int64_t LookAtHandle(JobAtWork& job);
  /// Whether the job is to end; sees to it. `wait_ms` is the answer for the step.
  bool StopIfAsked(JobAtWork& job, int64_t* wait_ms);
  int64_t NextAttempt(JobAtWork& job, const std::string& why);
  bool SaveJob(JobAtWork& job, const std::string& detail);

  // --- job_process.cc
  Status PrepareProcess(JobAtWork& job, const ProcessPlan& plan);
  Result<std::vector<std::string>> ConfineCommand(const JobAtWork& job,
                                                  std::vector<std::string> argv) const;
  int64_t LaunchProcess(JobAtWork& job);
  Result<os::JobSpec> SpecOf(const JobAtWork& job) const;
  int64_t Launched(JobAtWork& job);
  /// The folder shows no launch: nobody launches there any more, and the node ends.
  int64_t CloseUnlaunched(JobAtWork& job);
  int64_t LookAtProcess(JobAtWork& job);
  int64_t LaunchAgain(JobAtWork& job);
  /// Fails the node once nothing of its process runs, now or later.
  int64_t FailWhenDead(JobAtWork& job, const Status& failure);

  // --- job_doubt.cc
  /// Nothing is known to have ended: the step is made again, after a pause that grows.
  int64_t AskAgain(JobAtWork& job, const Status& failure);
  /// Of a job that is known to live no more: tried again while it may help, then the node fails.
  int64_t RetryOrFail(JobAtWork& job, const Status& failure, int attempts_max);
  int64_t Pause(JobAtWork& job, int64_t max_ms) const;
  /// The doubt is over.
  bool Answered(JobAtWork& job);
  bool IsToEnd(const JobAtWork& job) const;
  std::string WordsOfDoubt(const JobAtWork& job, const Status& failure) const;
  void TellOfDoubt(JobAtWork& job, const std::string& words, bool store);
  /// A transition that says something and changes nothing.
  bool Note(JobAtWork& job, const std::string& detail);

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
  bool MayHaveBeenSubmitted(const JobAtWork& job) const;
  Result<std::string> CallJob(JobAtWork& job, const std::string& method,
                              const std::string& request_json, Reach* reach = nullptr);
  std::string ContextOf(const JobAtWork& job) const;

  // --- job_ends.cc
  enum class Leave { kNothing, kLogs };  ///< of a test's folder
  Result<ProcessFacts> FactsOf(const JobAtWork& job, const os::JobState& state) const;
  int64_t CheckEnded(JobAtWork& job, const ProcessFacts& facts);
  /// Of a job that has ended: what it came to is not known yet.
  int64_t JudgeLater(JobAtWork& job, const Status& failure);
  int64_t InterpretEnded(JobAtWork& job, const ProcessFacts& facts);
  int64_t ConcludeJob(JobAtWork& job, const CheckAnswer& answer, const std::string& response);
  int64_t TryAgainOrFail(JobAtWork& job, const Status& failure, const std::string& response);
  int64_t SucceedJob(JobAtWork& job, const std::string& response);
  // These two are for who knows that the job has ended and will not come alive.
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

  // Last: their tasks use everything above.
  Executor calls_;     // of nodes; each may take as long as its node
  Executor control_;   // steps of jobs, each a thread's at most; ends and resumptions of runs
  Executor removals_;  // nodes of deletions
};

}  // namespace dcp::graph
