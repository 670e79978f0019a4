// SPDX-License-Identifier: Apache-2.0
//
// Durable state: what must outlive the daemon. SQLite (WAL, synchronous=FULL) through SOCI; every
// method is one transaction and has happened on disk when it returns. Secrets are never stored.
// Texts named *_json are opaque here.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace dcp::store {

/// Playground states, as stored.
inline constexpr char kActive[] = "ACTIVE";
inline constexpr char kDeleting[] = "DELETING";
inline constexpr char kDeleted[] = "DELETED";

struct Playground {
  std::string name;
  /// With the name, which playground it is: also in the overlay's names, folders and tokens. A
  /// random number (DrawGeneration); before that was so, a count from 1.
  int64_t generation = 0;
  std::string owner;
  std::string team;
  std::string environment;
  std::string state = kActive;
  WallMillis created_at = 0;
  WallMillis expires_at = 0;
  /// How long the daemon had served (ClockWatch::Served) when it noticed the end; -1: it has not.
  int64_t ended_served = -1;
  std::map<std::string, std::string> labels;
};

/// A dataset that `apply` registered in a playground.
struct Dataset {
  std::string playground;
  int64_t generation = 0;
  std::string name;  ///< "namespace.table", relative to the production catalog.
  std::string kind;
  std::string spec_hash;
  std::string spec_json;
  WallMillis updated_at = 0;
};

/// Run and node states, as stored. The last three are terminal (a node may also be SKIPPED).
inline constexpr char kPending[] = "PENDING";
inline constexpr char kRunning[] = "RUNNING";
inline constexpr char kSucceeded[] = "SUCCEEDED";
inline constexpr char kFailed[] = "FAILED";
inline constexpr char kCancelled[] = "CANCELLED";
inline constexpr char kSkipped[] = "SKIPPED";
bool IsTerminal(const std::string& state);

/// A page of a list ends once it holds that much, so that no answer outgrows a message. A summary
/// has some hundred bytes, and more where it failed.
constexpr size_t kRunPageBytes = size_t{1} << 20;

/// A run without its bodies: what lists and watchers are answered from. Its size does not depend on
/// the data that the run was about.
struct RunSummary {
  std::string id;
  std::string playground;
  int64_t generation = 0;
  std::string command;
  std::string principal;
  std::string team;
  std::string environment;
  std::string client_token;  ///< Unique for each principal when not empty.
  std::string state = kPending;
  bool cancel_requested = false;
  WallMillis created_at = 0;
  WallMillis finished_at = 0;
  /// {"code","id","message","hint","location"} when it failed without a report.
  std::string error_json;
};

/// In a RunChange an empty body means: as it is stored.
struct Run : RunSummary {
  std::string report_json;  ///< contract Report, once there is one
  std::string needs_files_json;
};

/// A node without its bodies.
struct NodeSummary {
  std::string run_id;
  std::string id;
  int64_t position = 0;  ///< Order of creation in the run.
  int32_t depth = 0;     ///< 0 for compile, +1 each time a node returned this one.
  std::string capability;
  std::string method;
  std::string route;
  std::string title;
  std::vector<std::string> after;
  bool always = false;
  int64_t timeout_ms = 0;
  std::string state = kPending;
  int32_t attempt = 0;
  WallMillis started_at = 0;
  WallMillis finished_at = 0;
  std::string error_json;
  std::string job_json;  ///< A run node's lease, handle or launched process; kept through restarts.
  std::string detail;
};

/// Bodies are kept until the run has ended: what of them matters later is in its report. In a
/// RunChange an empty body means: as it is stored.
struct Node : NodeSummary {
  std::string request_json;
  std::string response_json;
};

/// One line of the history, append-only. `node_id` is empty for the run itself.
struct Transition {
  std::string run_id;
  int64_t sequence = 0;  ///< 1, 2, 3, ... within the run, without gaps.
  std::string node_id;
  WallMillis at = 0;
  std::string from;
  std::string to;
  std::string detail;
  std::string title = {};  ///< of the node; only read, never written
};

/// A change of one run that is committed as a whole or not at all. Nodes are inserted when new and
/// replaced otherwise; each entry of `transitions` gets the next sequence number.
struct RunChange {
  std::optional<Run> run;
  std::vector<Node> nodes;
  std::vector<Transition> transitions;
};

/// What `playground update` changes; what is not named stays.
struct PlaygroundChange {
  std::optional<WallMillis> expires_at;
  std::map<std::string, std::string> set_labels;
  std::vector<std::string> remove_labels;  ///< one that is not there is no mistake
  size_t labels_max = 0;                   ///< RESOURCE_EXHAUSTED when more would be left
};

/// Which runs a list answers; empty means any.
struct RunFilter {
  std::string principal;
  std::string playground;
};

/// One page of a list of runs, newest first.
struct RunPage {
  std::vector<RunSummary> runs;
  std::string next;  ///< `before` of the next page; empty: nothing follows
};

/// How much of what has ended is kept; the oldest goes first.
struct Retention {
  int64_t age_ms = 0;
  int64_t asked_age_ms = 0;  ///< of runs that only asked for files
  int64_t runs_per_principal = 0;
  int64_t bytes_per_principal = 0;  ///< reports, messages, histories
};

/// A run in few words: what a deletion has to know of all of a playground's.
struct RunBrief {
  std::string id;
  std::string command;
  std::string state;
  WallMillis finished_at = 0;
  int64_t bytes = 0;  ///< that it keeps; of RunsBeyond alone
};

/// The generation of a new playground; `last` is the highest that its name has had in this store.
using NextGeneration = std::function<int64_t(int64_t last)>;
/// A random number of 13 digits, whatever `last` is. The store may have been lost, or restored from
/// an older copy, while the overlay still has the tables of the playgrounds that it has forgotten:
/// a number that counts would be given again, and a new owner would inherit them.
int64_t DrawGeneration(int64_t last);

class Store {
 public:
  /// Opens or creates the database and brings its schema up to date. FAILED_PRECONDITION when a
  /// newer program wrote it, or another daemon has it open. After an unclean end the file is
  /// checked while the store serves: `damaged` is called, once and from a thread, when it is found
  /// to be.
  static Result<std::unique_ptr<Store>> Open(const std::string& path,
                                             std::function<void(const Status&)> damaged = nullptr,
                                             NextGeneration next_generation = DrawGeneration);
  virtual ~Store() = default;

  // --- playgrounds -------------------------------------------------------------------- [any]
  /// Sets `generation`. ALREADY_EXISTS when one of that name is not DELETED.
  virtual Result<Playground> CreatePlayground(Playground playground) = 0;
  /// The one of that name that is not DELETED, else NOT_FOUND.
  virtual Result<Playground> GetPlayground(const std::string& name) = 0;
  /// An owner's that are not DELETED, by name: those after `after` (empty: from the first), at most
  /// `limit`.
  virtual Result<std::vector<Playground>> ListPlaygrounds(const std::string& owner,
                                                          const std::string& after, int limit) = 0;
  /// How many of an owner's are not DELETED.
  virtual Result<int64_t> CountPlaygrounds(const std::string& owner) = 0;
  /// Anybody's that are DELETING, by name: those after `after`, at most `limit`.
  virtual Result<std::vector<Playground>> DeletingPlaygrounds(const std::string& after,
                                                              int limit) = 0;
  /// The state of that very generation, DELETED ones too; NOT_FOUND when there never was one.
  virtual Result<std::string> PlaygroundState(const std::string& name, int64_t generation) = 0;
  /// A new end has not been noticed. NOT_FOUND when it is not ACTIVE.
  virtual Status SetPlaygroundExpiry(const std::string& name, int64_t generation,
                                     WallMillis expires_at) = 0;
  /// Answers the playground as it is now. FAILED_PRECONDITION when it is not ACTIVE.
  virtual Result<Playground> ChangePlayground(const std::string& name, int64_t generation,
                                              const PlaygroundChange& change) = 0;
  /// ACTIVE -> DELETING, if its time is over at `now` and that was noticed when the daemon had
  /// served for `noticed_until` or less; ABORTED if not: it was extended or restored meanwhile.
  virtual Status ExpirePlayground(const std::string& name, int64_t generation, WallMillis now,
                                  int64_t noticed_until) = 0;
  /// Makes sure that no playground will ever have that name and generation: inserts it as DELETED
  /// where it is unknown. ABORTED when it is known and not DELETED.
  virtual Status BuryPlayground(const std::string& name, int64_t generation, WallMillis now) = 0;
  /// ABORTED when its state is not `from`.
  virtual Status SetPlaygroundState(const std::string& name, int64_t generation,
                                    const std::string& from, const std::string& to) = 0;
  /// Notices the end of ACTIVE ones whose time is over at `now`, oldest first, and answers them.
  virtual Result<std::vector<Playground>> NoticeEnds(WallMillis now, int64_t served, int limit) = 0;
  /// Where an end that was noticed lies after `now`, it is forgotten: the clock was set back.
  virtual Status ForgetEnds(WallMillis now) = 0;
  /// ACTIVE ones that ExpirePlayground would take, longest first.
  virtual Result<std::vector<Playground>> PurgeablePlaygrounds(WallMillis now,
                                                               int64_t noticed_until,
                                                               int limit) = 0;
  /// No ACTIVE one was made after `now`, or lives for more than `longest_ms` from then: the clock
  /// was wrong when they were made. Answers how many were changed.
  virtual Result<int64_t> ShortenLives(WallMillis now, int64_t longest_ms) = 0;

  // --- datasets ----------------------------------------------------------------------- [any]
  virtual Status PutDataset(const Dataset& dataset) = 0;
  virtual Result<Dataset> GetDataset(const std::string& playground, int64_t generation,
                                     const std::string& name) = 0;
  virtual Result<std::vector<Dataset>> ListDatasets(const std::string& playground,
                                                    int64_t generation) = 0;
  virtual Status DeleteDatasets(const std::string& playground, int64_t generation) = 0;

  // --- runs --------------------------------------------------------------------------- [any]
  /// Inserts the run with its first nodes and transitions. When the principal used that
  /// client_token before, answers the run of then and inserts nothing.
  virtual Result<Run> CreateRun(const Run& run, const std::vector<Node>& nodes,
                                const std::vector<Transition>& transitions) = 0;
  virtual Status ChangeRun(const std::string& run_id, const RunChange& change) = 0;
  virtual Result<Run> GetRun(const std::string& run_id) = 0;
  virtual Result<RunSummary> GetRunSummary(const std::string& run_id) = 0;
  /// With their bodies, as long as the run has not ended.
  virtual Result<std::vector<Node>> GetNodes(const std::string& run_id) = 0;
  virtual Result<std::vector<NodeSummary>> GetNodeSummaries(const std::string& run_id) = 0;
  virtual Result<NodeSummary> GetNodeSummary(const std::string& run_id,
                                             const std::string& node_id) = 0;
  /// Those after `after_sequence`, at most `limit`.
  virtual Result<std::vector<Transition>> GetTransitions(const std::string& run_id,
                                                         int64_t after_sequence, int limit) = 0;
  /// Newest first, without those that only asked for files: they were a step of the client's next
  /// try, nothing a person did. Begins with the one that is older than the run `before` (empty:
  /// with the newest) and ends after `limit` runs or kRunPageBytes. Costs what it answers, however
  /// many runs there are. NOT_FOUND when the run `before` is gone.
  virtual Result<RunPage> ListRuns(const RunFilter& filter, const std::string& before,
                                   int limit) = 0;
  /// All runs of that generation, oldest first, with those that only asked for files.
  virtual Result<std::vector<RunBrief>> RunsOf(const std::string& playground,
                                               int64_t generation) = 0;
  /// Of the runs of that generation that have ended, what they were about goes: reports with their
  /// rows, requests, answers, errors. That they were, who started them, their states and times
  /// stay. It is gone from the disk, too, when this returns.
  virtual Status ForgetRuns(const std::string& playground, int64_t generation) = 0;
  /// Ended runs that `retention` does not keep at `now`, at most `limit`.
  virtual Result<std::vector<RunBrief>> RunsBeyond(const Retention& retention, WallMillis now,
                                                   int limit) = 0;
  /// With all that belongs to them; those that are gone are passed over. FAILED_PRECONDITION, and
  /// none is removed, when one has not ended.
  virtual Status RemoveRuns(const std::vector<std::string>& run_ids) = 0;
  /// Runs that have not ended, oldest first: what a restarted daemon resumes.
  virtual Result<std::vector<Run>> UnfinishedRuns() = 0;

  // --- small facts about this installation -------------------------------------------- [any]
  virtual Status PutFact(const std::string& key, const std::string& value) = 0;
  /// NOT_FOUND when never put.
  virtual Result<std::string> GetFact(const std::string& key) = 0;
};

}  // namespace dcp::store
