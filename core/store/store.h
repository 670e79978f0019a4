// SPDX-License-Identifier: Apache-2.0
//
// Durable state: what must outlive the daemon. SQLite (WAL, synchronous=FULL) through SOCI; every
// method is one transaction and has happened on disk when it returns. Secrets are never stored.
// Texts named *_json are opaque here.
#pragma once

#include <cstdint>
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
  int64_t generation = 0;  ///< Counts the playgrounds that have had this name; from 1.
  std::string owner;
  std::string team;
  std::string environment;
  std::string state = kActive;
  WallMillis created_at = 0;
  WallMillis expires_at = 0;
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

struct Run {
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
  std::string report_json;  ///< contract Report, once there is one
  std::string needs_files_json;
  std::string
      error_json;  ///< {"code","id","message","hint","location"} when it failed without a report
};

struct Node {
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
  std::string request_json;
  std::string state = kPending;
  int32_t attempt = 0;
  WallMillis started_at = 0;
  WallMillis finished_at = 0;
  std::string response_json;
  std::string error_json;
  std::string job_json;  ///< A run node's lease, handle or launched process; kept through restarts.
  std::string detail;
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

/// A run in few words: what a deletion has to know of all of a playground's.
struct RunBrief {
  std::string id;
  std::string command;
  std::string state;
};

class Store {
 public:
  /// Opens or creates the database and brings its schema up to date. FAILED_PRECONDITION when a
  /// newer program wrote it, or another daemon has it open.
  static Result<std::unique_ptr<Store>> Open(const std::string& path);
  virtual ~Store() = default;

  // --- playgrounds -------------------------------------------------------------------- [any]
  /// Sets `generation`. ALREADY_EXISTS when one of that name is not DELETED.
  virtual Result<Playground> CreatePlayground(Playground playground) = 0;
  /// The one of that name that is not DELETED, else NOT_FOUND.
  virtual Result<Playground> GetPlayground(const std::string& name) = 0;
  /// Not DELETED ones, by name; of one owner unless `owner` is empty.
  virtual Result<std::vector<Playground>> ListPlaygrounds(const std::string& owner) = 0;
  /// The state of that very generation, DELETED ones too; NOT_FOUND when there never was one.
  virtual Result<std::string> PlaygroundState(const std::string& name, int64_t generation) = 0;
  /// NOT_FOUND when it is not ACTIVE.
  virtual Status SetPlaygroundExpiry(const std::string& name, int64_t generation,
                                     WallMillis expires_at) = 0;
  /// Answers the playground as it is now. FAILED_PRECONDITION when it is not ACTIVE.
  virtual Result<Playground> ChangePlayground(const std::string& name, int64_t generation,
                                              const PlaygroundChange& change) = 0;
  /// ACTIVE -> DELETING, if its time is over at `now`; ABORTED if not: it was extended meanwhile.
  virtual Status ExpirePlayground(const std::string& name, int64_t generation, WallMillis now) = 0;
  /// Makes sure that no playground will ever have that name and generation: inserts it as DELETED
  /// where it is unknown. ABORTED when it is known and not DELETED.
  virtual Status BuryPlayground(const std::string& name, int64_t generation, WallMillis now) = 0;
  /// ABORTED when its state is not `from`.
  virtual Status SetPlaygroundState(const std::string& name, int64_t generation,
                                    const std::string& from, const std::string& to) = 0;
  /// ACTIVE ones whose time is over, oldest first.
  virtual Result<std::vector<Playground>> ExpiredPlaygrounds(WallMillis now, int limit) = 0;

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
  virtual Result<std::vector<Node>> GetNodes(const std::string& run_id) = 0;
  virtual Result<std::vector<Transition>> GetTransitions(const std::string& run_id,
                                                         int64_t after_sequence) = 0;
  /// Newest first, without those that only asked for files: they were a step of the client's next
  /// try, nothing a person did. Empty `playground` or `principal` means any.
  virtual Result<std::vector<Run>> ListRuns(const std::string& playground,
                                            const std::string& principal, int limit) = 0;
  /// All runs of that generation, oldest first, with those that only asked for files.
  virtual Result<std::vector<RunBrief>> RunsOf(const std::string& playground,
                                               int64_t generation) = 0;
  /// Of the runs of that generation that have ended, what they were about goes: reports with their
  /// rows, requests, answers, errors. That they were, who started them, their states and times
  /// stay. It is gone from the disk, too, when this returns.
  virtual Status ForgetRuns(const std::string& playground, int64_t generation) = 0;
  /// Runs that have not ended, oldest first: what a restarted daemon resumes.
  virtual Result<std::vector<Run>> UnfinishedRuns() = 0;

  // --- small facts about this installation -------------------------------------------- [any]
  virtual Status PutFact(const std::string& key, const std::string& value) = 0;
  /// NOT_FOUND when never put.
  virtual Result<std::string> GetFact(const std::string& key) = 0;
};

}  // namespace dcp::store
