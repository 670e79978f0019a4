// SPDX-License-Identifier: Apache-2.0
//
// The Store over one Database: each method is one transaction and names itself in its failures.
#include <utility>

#include "store/database.h"
#include "store/node_rows.h"
#include "store/playground_rows.h"
#include "store/retention_rows.h"
#include "store/run_rows.h"
#include "store/store.h"

namespace dcp::store {
namespace {

class SqliteStore : public Store {
 public:
  SqliteStore(std::unique_ptr<Database> database, NextGeneration next_generation)
      : database_(std::move(database)), next_generation_(std::move(next_generation)) {}

  Result<Playground> CreatePlayground(Playground playground) override {
    return Write<Playground>("create playground " + playground.name, [&](soci::session& sql) {
      return InsertPlayground(sql, std::move(playground), next_generation_);
    });
  }
  Result<Playground> GetPlayground(const std::string& name) override {
    return Read<Playground>("read playground " + name,
                            [&](soci::session& sql) { return SelectPlayground(sql, name); });
  }
  Result<std::vector<Playground>> ListPlaygrounds(const std::string& owner,
                                                  const std::string& after, int limit) override {
    return Read<std::vector<Playground>>("list playgrounds", [&](soci::session& sql) {
      return Result(SelectPlaygrounds(sql, owner, after, limit));
    });
  }
  Result<int64_t> CountPlaygrounds(const std::string& owner) override {
    return Read<int64_t>("count playgrounds", [&](soci::session& sql) {
      return Result<int64_t>(store::CountPlaygrounds(sql, owner));
    });
  }
  Result<std::vector<Playground>> DeletingPlaygrounds(const std::string& after,
                                                      int limit) override {
    return Read<std::vector<Playground>>("list playgrounds", [&](soci::session& sql) {
      return Result(SelectDeleting(sql, after, limit));
    });
  }
  Result<std::string> PlaygroundState(const std::string& name, int64_t generation) override {
    return Read<std::string>("read playground " + name, [&](soci::session& sql) {
      return SelectState(sql, name, generation);
    });
  }
  Status SetPlaygroundExpiry(const std::string& name, int64_t generation,
                             WallMillis expires_at) override {
    return database_->Write("extend playground " + name, [&](soci::session& sql) {
      return UpdateExpiry(sql, name, generation, expires_at);
    });
  }
  Result<Playground> ChangePlayground(const std::string& name, int64_t generation,
                                      const PlaygroundChange& change) override {
    return Write<Playground>("change playground " + name, [&](soci::session& sql) {
      return ApplyChange(sql, name, generation, change);
    });
  }
  Status ExpirePlayground(const std::string& name, int64_t generation, WallMillis now,
                          int64_t noticed_until) override {
    return database_->Write("expire playground " + name, [&](soci::session& sql) {
      return Expire(sql, name, generation, now, noticed_until);
    });
  }
  Status BuryPlayground(const std::string& name, int64_t generation, WallMillis now) override {
    return database_->Write("bury playground " + name,
                            [&](soci::session& sql) { return Bury(sql, name, generation, now); });
  }
  Status SetPlaygroundState(const std::string& name, int64_t generation, const std::string& from,
                            const std::string& to) override {
    return database_->Write("change playground " + name, [&](soci::session& sql) {
      return UpdateState(sql, name, generation, from, to);
    });
  }
  Result<std::vector<Playground>> NoticeEnds(WallMillis now, int64_t served, int limit) override {
    // Mostly there is none, and then the store's writers need not wait.
    DCP_ASSIGN(auto ended,
               Read<std::vector<Playground>>("list expired playgrounds", [&](soci::session& sql) {
                 return Result(SelectUnnoticed(sql, now, limit));
               }));
    if (ended.empty()) return ended;
    return Write<std::vector<Playground>>("notice ends of playgrounds", [&](soci::session& sql) {
      return Result(UpdateNoticed(sql, now, served, limit));
    });
  }
  Status ForgetEnds(WallMillis now) override {
    return database_->Write("forget ends of playgrounds", [&](soci::session& sql) {
      ClearNoticed(sql, now);
      return Status::Ok();
    });
  }
  Result<std::vector<Playground>> PurgeablePlaygrounds(WallMillis now, int64_t noticed_until,
                                                       int limit) override {
    return Read<std::vector<Playground>>("list expired playgrounds", [&](soci::session& sql) {
      return Result(SelectPurgeable(sql, now, noticed_until, limit));
    });
  }
  Result<int64_t> ShortenLives(WallMillis now, int64_t longest_ms) override {
    return Write<int64_t>("shorten lives of playgrounds", [&](soci::session& sql) {
      return Result<int64_t>(UpdateLongLives(sql, now, longest_ms));
    });
  }

  Status PutDataset(const Dataset& dataset) override {
    return database_->Write("register " + dataset.name,
                            [&](soci::session& sql) { return UpsertDataset(sql, dataset); });
  }
  Result<Dataset> GetDataset(const std::string& playground, int64_t generation,
                             const std::string& name) override {
    return Read<Dataset>("read dataset " + name, [&](soci::session& sql) -> Result<Dataset> {
      auto found = SelectDatasets(sql, playground, generation, name);
      if (name.empty() || found.empty()) {
        return NotFound("dataset " + name + ": playground " + playground +
                        " has none of that name");
      }
      return std::move(found.front());
    });
  }
  Result<std::vector<Dataset>> ListDatasets(const std::string& playground,
                                            int64_t generation) override {
    return Read<std::vector<Dataset>>("list datasets of " + playground, [&](soci::session& sql) {
      return Result(SelectDatasets(sql, playground, generation, ""));
    });
  }
  Status DeleteDatasets(const std::string& playground, int64_t generation) override {
    return database_->Write("forget datasets of " + playground, [&](soci::session& sql) {
      RemoveDatasets(sql, playground, generation);
      return Status::Ok();
    });
  }

  Result<Run> CreateRun(const Run& run, const std::vector<Node>& nodes,
                        const std::vector<Transition>& transitions) override {
    return Write<Run>("create run " + run.id,
                      [&](soci::session& sql) { return InsertRun(sql, run, nodes, transitions); });
  }
  Status ChangeRun(const std::string& run_id, const RunChange& change) override {
    return database_->Write("change run " + run_id,
                            [&](soci::session& sql) { return UpdateRun(sql, run_id, change); });
  }
  Result<Run> GetRun(const std::string& run_id) override {
    return Read<Run>("read run " + run_id,
                     [&](soci::session& sql) { return SelectRun(sql, run_id); });
  }
  Result<RunSummary> GetRunSummary(const std::string& run_id) override {
    return Read<RunSummary>("read run " + run_id,
                            [&](soci::session& sql) { return SelectRunSummary(sql, run_id); });
  }
  Result<std::vector<Node>> GetNodes(const std::string& run_id) override {
    return Read<std::vector<Node>>("read nodes of run " + run_id, [&](soci::session& sql) {
      return Result(SelectNodes(sql, run_id));
    });
  }
  Result<std::vector<NodeSummary>> GetNodeSummaries(const std::string& run_id) override {
    return Read<std::vector<NodeSummary>>("read nodes of run " + run_id, [&](soci::session& sql) {
      return Result(SelectNodeSummaries(sql, run_id));
    });
  }
  Result<NodeSummary> GetNodeSummary(const std::string& run_id,
                                     const std::string& node_id) override {
    return Read<NodeSummary>("read node " + node_id + " of run " + run_id, [&](soci::session& sql) {
      return SelectNodeSummary(sql, run_id, node_id);
    });
  }
  Result<std::vector<Transition>> GetTransitions(const std::string& run_id, int64_t after_sequence,
                                                 int limit) override {
    return Read<std::vector<Transition>>(
        "read the history of run " + run_id, [&](soci::session& sql) {
          return Result(SelectTransitions(sql, run_id, after_sequence, limit));
        });
  }
  Result<RunPage> ListRuns(const RunFilter& filter, const std::string& before, int limit) override {
    return Read<RunPage>(
        "list runs", [&](soci::session& sql) { return SelectRunPage(sql, filter, before, limit); });
  }
  Result<std::vector<RunBrief>> RunsOf(const std::string& playground, int64_t generation) override {
    return Read<std::vector<RunBrief>>("list runs of " + playground, [&](soci::session& sql) {
      return Result(SelectRunsOf(sql, playground, generation));
    });
  }
  Status ForgetRuns(const std::string& playground, int64_t generation) override {
    DCP_TRY(
        database_->Write("forget the runs of playground " + playground, [&](soci::session& sql) {
          StripRuns(sql, playground, generation);
          return Status::Ok();
        }));
    return database_->Scrub();
  }
  Result<std::vector<RunBrief>> RunsBeyond(const Retention& retention, WallMillis now,
                                           int limit) override {
    return Read<std::vector<RunBrief>>("list old runs", [&](soci::session& sql) {
      return Result(SelectRunsBeyond(sql, retention, now, limit));
    });
  }
  Status RemoveRuns(const std::vector<std::string>& run_ids) override {
    return database_->Write("remove old runs", [&](soci::session& sql) {
      for (const std::string& id : run_ids) DCP_TRY(DeleteRun(sql, id));
      return Status::Ok();
    });
  }
  Result<std::vector<Run>> UnfinishedRuns() override {
    return Read<std::vector<Run>>("list unfinished runs", [&](soci::session& sql) {
      return Result(SelectUnfinishedRuns(sql));
    });
  }

  Status PutFact(const std::string& key, const std::string& value) override {
    return database_->Write("put fact " + key, [&](soci::session& sql) {
      UpsertFact(sql, key, value);
      return Status::Ok();
    });
  }
  Result<std::string> GetFact(const std::string& key) override {
    return Read<std::string>("read fact " + key,
                             [&](soci::session& sql) { return SelectFact(sql, key); });
  }

 private:
  template <typename T, typename Body>
  static Database::Body Into(Result<T>& result, Body& body) {
    return [&result, &body](soci::session& sql) {
      result = body(sql);
      return result.status();
    };
  }

  template <typename T, typename Body>
  Result<T> Write(std::string_view what, Body body) {
    Result<T> result = Internal(std::string(what) + ": nothing was done");
    // A value whose commit failed is no value.
    DCP_TRY(database_->Write(what, Into(result, body)));
    return result;
  }
  template <typename T, typename Body>
  Result<T> Read(std::string_view what, Body body) {
    Result<T> result = Internal(std::string(what) + ": nothing was done");
    DCP_TRY(database_->Read(what, Into(result, body)));
    return result;
  }

  std::unique_ptr<Database> database_;
  const NextGeneration next_generation_;
};

}  // namespace

bool IsTerminal(const std::string& state) {
  return state == kSucceeded || state == kFailed || state == kCancelled || state == kSkipped;
}

Result<std::unique_ptr<Store>> Store::Open(const std::string& path,
                                           std::function<void(const Status&)> damaged,
                                           NextGeneration next_generation) {
  DCP_ASSIGN(auto database, Database::Open(path, std::move(damaged)));
  return std::unique_ptr<Store>(
      std::make_unique<SqliteStore>(std::move(database), std::move(next_generation)));
}

}  // namespace dcp::store
