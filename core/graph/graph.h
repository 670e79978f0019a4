// SPDX-License-Identifier: Apache-2.0
//
// The Graph Runner's public face: starts runs, carries them through, and finds them again after a
// restart. A run is a graph of nodes; node 0 is `resource`/`Compile`, and what it answers decides
// the rest. Every transition is in the store before it is acted on.
//
// The room knows capabilities and JSON texts; which plugin, catalog or playground serves them is
// behind Backend, which the daemon binds.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "graph/limits.h"
#include "store/store.h"

namespace dcp::graph {

/// How far a call came. One that was sent and not answered may have done its work, or may yet.
enum class Reach { kNotSent, kSent, kAnswered };

/// One invocation of a capability. `request_json` is the contract's request message.
struct Invocation {
  std::string run_id;
  std::string node_id;
  std::string playground;
  int64_t generation = 0;
  std::string principal;
  std::string team;
  std::string environment;
  std::string capability;
  std::string method;
  std::string route;
  std::string instance;  ///< of a plugin, as Resolve answered it; empty: whichever the routes say
  std::string request_json;
  SteadyMillis deadline = 0;                                 ///< 0: none
  std::function<bool()> cancelled;                           ///< [any]; never empty
  std::function<void(const std::string& text)> on_progress;  ///< [any]; may be empty
  Reach* reach = nullptr;  ///< where to say how far a call came that failed; may be empty
};

/// What the runner needs from the rooms and plugins around it. [any]
class Backend {
 public:
  virtual ~Backend() = default;
  /// Blocks until the capability answered: the contract's response message as JSON.
  virtual Result<std::string> Invoke(const Invocation& invocation) = 0;
  /// The instance of a plugin that the routes give for it now.
  virtual Result<std::string> Resolve(const Invocation& invocation) = 0;
  /// The plugin that an instance runs; empty when no such instance is configured (any more).
  virtual std::string PluginOf(const std::string& instance) = 0;
  /// Whether the instance may start jobs that are no processes of the host: a call of Submit that
  /// was not answered may then have started one. True also when that is not known.
  virtual bool StartsJobs(const std::string& instance) = 0;
  /// A contract Mount message as JSON, for a session (`ro`) or a job (`rw`) of this run that lives
  /// until `expires_at`. The token in it is secret: it goes into requests, never into the store.
  /// One that writes is good while its run lives and `job` (a JobKey) has not ended.
  virtual Result<std::string> MountFor(const store::Run& run, const std::string& mode,
                                       WallMillis expires_at, const std::string& job) = 0;
  // What those tokens depend on. They only take note, and may be called with a run locked.
  virtual void RunLives(const std::string& run_id) = 0;
  virtual void JobEnded(const std::string& run_id, const std::string& job) = 0;
  virtual void RunEnded(const std::string& run_id) = 0;
  /// The name production is mounted under.
  virtual std::string CatalogName() const = 0;
};

/// A node as a command or another node returned it.
struct NodeSpec {
  std::string id;
  std::string capability;
  std::string method;
  std::string request_json = "{}";
  std::vector<std::string> after;
  std::string route;
  std::string title;
  bool always = false;
  int64_t timeout_ms = 0;
};

struct StartRequest {
  std::string playground;
  int64_t generation = 0;
  std::string principal;
  std::string team;
  std::string environment;
  std::string command;
  std::string client_token;
  /// The first nodes; for a manifest command just node "compile".
  std::vector<NodeSpec> nodes;
};

/// One thing that happened, in order.
struct Event {
  int64_t sequence = 0;  ///< of the last transition at that time; progress has no number of its own
  WallMillis at = 0;
  std::string node_id;
  std::string title;
  std::string state;  ///< empty: progress
  std::string detail;
};

/// What a job may touch depends on these.
struct JobToConfine {
  std::string playground;
  int64_t generation = 0;
  bool writes = false;    ///< into the playground's tables; a test only reads
  std::string directory;  ///< its work folder
  std::string instance;   ///< of the backend, which knows what its jobs are
  std::vector<std::string> argv;
};

/// Events of one answer: what a client takes in one go.
constexpr int kEventsMax = 500;

struct RunnerOptions {
  int threads = 16;   ///< calls of nodes that are made at once; jobs and deletions have their own
  int jobs = 4;       ///< batch jobs that live at once; further ones wait as PENDING
  int test_jobs = 2;  ///< batch jobs of tests, which runs that take hours must not keep waiting
  int runs_per_principal = kRunsPerPrincipalDefault;  ///< that have not ended
  int64_t default_timeout_ms = 600'000;
  std::string job_directory;  ///< folder that holds one folder for each job
  std::string launcher;       ///< path of dcp-launch
  int held_fd = -1;           ///< what every launcher keeps open beside its job; the caller's
  /// The command that runs a job's command confined, and gives it the environment that stands in
  /// os::kJobEnvironmentFd; without it jobs run as they are. [any]
  std::function<Result<std::vector<std::string>>(const JobToConfine&)> confine;
  int64_t job_timeout_ms = 6 * 3600 * 1000;
  int64_t job_poll_ms = 200;
  int64_t back_off_ms = 300;       ///< first pause before something is tried again
  int64_t stop_again_ms = 30'000;  ///< a job that goes on is told to stop again this often
  int64_t rest_ms = 30'000;        ///< for how long a run rests when the store cannot be written
};

class Runner {
 public:
  static Result<std::unique_ptr<Runner>> Create(store::Store& store, Backend& backend,
                                                const Clock& clock, RunnerOptions options);
  virtual ~Runner() = default;  ///< Stops: no new nodes; waits for those that run. Jobs go on.

  /// Resumes what the last daemon left: re-attaches to jobs, submits nothing twice. Once, first.
  virtual Status Recover() = 0;
  /// Durable on return. ABORTED naming the other run when one that has not ended writes a table
  /// that these nodes write (nodes that a plugin returns later fail the same way), or deletes the
  /// playground. Command "delete" cancels the playground's other runs and waits for their end;
  /// asked for twice it answers the first. UNAVAILABLE while stopping. [any]
  virtual Result<store::Run> Start(const StartRequest& request) = 0;
  /// Asks a run to end; its jobs are stopped. OK when it has ended already. [any]
  virtual Status Cancel(const std::string& run_id, const std::string& reason) = 0;
  /// For an operator, when the end of a run's jobs cannot be confirmed. A run that was not asked to
  /// end is asked, and false; one that was ends now, whatever its jobs do, and true, as for one
  /// that has ended. `by` is recorded. [any]
  virtual Result<bool> Abandon(const std::string& run_id, const std::string& by) = 0;
  /// Blocks until there are events after `after_sequence`, new progress, the run has ended or
  /// `wait_ms` is over. At most kEventsMax: that many mean that there may be more at once. Else the
  /// latest progress of each running node comes along, new or not. Costs what it answers. [any]
  /// blocks
  virtual Result<std::vector<Event>> WaitEvents(const std::string& run_id, int64_t after_sequence,
                                                int64_t wait_ms) = 0;
  /// Calls `notify` (from any thread, briefly, possibly spuriously) when the run has news, until
  /// the returned handle is dropped, which must not happen within `notify`. For streams that must
  /// not block a thread. [any]
  virtual std::shared_ptr<void> Subscribe(const std::string& run_id,
                                          std::function<void()> notify) = 0;
  /// Path of a job's work folder (its stdout and stderr live there); NOT_FOUND when the node has
  /// none.
  virtual Result<std::string> JobDirectory(const std::string& run_id,
                                           const std::string& node_id) = 0;
};

}  // namespace dcp::graph
