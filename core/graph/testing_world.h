// SPDX-License-Identifier: Apache-2.0
//
// For the simulation: plugins, remote jobs and processes whose answers are lost, late and doubled,
// and who watches over them: no node ends while its job lives or may yet, nothing lives twice, and
// no more than may.
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "graph/testing.h"
#include "graph/testing_plugins.h"

namespace dcp::graph {

/// Jobs are known by their keys. The store's lock and that of the processes may be held when this
/// one is taken, never after it.
class World : public Backend {
 public:
  World(uint64_t seed, Dice& dice, FakeProcesses& processes)
      : plugins_(seed),
        dice_(dice),
        faults_(dice.Percent(50) ? 3 : 10 + dice.Roll(40)),
        processes_(processes) {
    processes_.fault = [this](const char* method, bool before) {
      return ProcessFault(method, before);
    };
    processes_.changed = [this](const std::string& folder, const FakeProcesses::Process& process) {
      ProcessChanged(folder, process);
    };
  }

  std::atomic<bool> calm = false;

  // --- what the runner asks
  Result<std::string> Invoke(const Invocation& call) override {
    Reach reach = Reach::kNotSent;
    auto answer = Carry(call, &reach);
    if (call.reach != nullptr) *call.reach = reach;
    return answer;
  }
  Result<std::string> MountFor(const store::Run&, const std::string&, WallMillis,
                               const std::string&) override {
    if (!calm && dice_.Percent(3)) return Unavailable("no mount");
    return std::string(R"({"name":"prod"})");
  }
  Result<std::string> Resolve(const Invocation&) override { return std::string("local"); }
  std::string PluginOf(const std::string&) override { return "runner"; }
  bool StartsJobs(const std::string&) override { return true; }
  std::string CatalogName() const override { return "prod"; }
  void RunLives(const std::string& run_id) override {
    const std::lock_guard lock(mutex_);
    writers_.insert(run_id);
  }
  void JobEnded(const std::string&, const std::string& job) override {
    const std::lock_guard lock(mutex_);
    ended_jobs_.insert(job);
  }
  void RunEnded(const std::string& run_id) override {
    const std::lock_guard lock(mutex_);
    writers_.erase(run_id);
  }

  // --- what the simulation says
  void Bound(int jobs, int test_jobs) {
    jobs_max_ = jobs;
    test_jobs_max_ = test_jobs;
  }
  /// What a daemon knows of its runs before it serves.
  void NewDaemon(const std::vector<std::string>& unended) {
    const std::lock_guard lock(mutex_);
    writers_ = {unended.begin(), unended.end()};
    ended_jobs_.clear();
  }
  void BreakDown() {
    const std::lock_guard lock(mutex_);
    BreakDownLocked();
  }
  /// Whatever its jobs do from now on is a person's to see.
  void Abandoned(const std::string& run_id) {
    const std::lock_guard lock(mutex_);
    abandoned_.insert(run_id);
  }
  /// Under the store's lock.
  void Written(const std::string& run_id, const store::RunChange& change) {
    for (const store::Node& node : change.nodes) {
      if (!store::IsTerminal(node.state)) continue;
      const std::lock_guard lock(mutex_);
      if (abandoned_.contains(run_id)) continue;
      const std::string place = run_id + "/" + node.id;
      for (const auto& [key, job] : jobs_) {
        if (NodeOfKey(key) != place) continue;
        if (job.alive) Fault(key + " lives, and its node ended as " + node.state);
      }
      for (const Late& late : late_) {
        if (NodeOfKey(late.key) != place || !late.submit || jobs_.contains(late.key) ||
            refused_.contains(late.key)) {
          continue;
        }
        Fault(late.key + " may yet begin, and its node ended as " + node.state);
      }
      for (const auto& [folder, alive] : folders_) {
        if (alive && NodeOfFolder(folder) == place) {
          Fault(folder + " lives, and its node ended as " + node.state);
        }
      }
    }
  }
  std::vector<std::string> Faults() {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, job] : jobs_) {
      if (job.alive && !OfAbandoned(key)) Fault(key + " still lives at the end");
    }
    for (const auto& [folder, alive] : folders_) {
      if (alive && !OfAbandoned(NodeOfFolder(folder))) Fault(folder + " still lives at the end");
    }
    return violations_;
  }
  void Count(std::map<std::string, int>& seen) {
    const std::lock_guard lock(mutex_);
    for (const auto& [what, count] : seen_) seen[what] += count;
    for (const auto& [folder, process] : processes_.processes) {
      seen["launches"] += process.launches;
      if (process.launches > 1) Fault(folder + " was launched twice");
    }
  }

 private:
  struct Job {
    std::string table;  ///< playground, generation and table
    bool alive = false;
    std::string end;       ///< Check's answer once it does not live
    int cancelled_in = 0;  ///< checks until its cancellation takes effect; 0: none was asked for

    std::string End(std::string how) {
      alive = false;
      return end = std::move(how);
    }
  };
  /// A call that takes effect after its caller has given it up.
  struct Late {
    std::string key;
    std::string table;
    bool submit = false;  ///< else it cancels
    int in = 0;           ///< calls from now
  };

  void Fault(const std::string& what) {
    if (violations_.size() < 10) violations_.push_back(what);
  }
  /// "RUN/NODE[/ATTEMPT]" and "JOBS/RUN/NODE[~ATTEMPT]"
  static std::string NodeOfKey(const std::string& key) {
    const size_t node = key.find('/');
    return key.substr(0, key.find('/', node + 1));
  }
  /// A lease names the work folder in it.
  static std::string FolderOf(const nlohmann::json& lease) {
    const std::string work = lease["directory"].get<std::string>();
    return work.substr(0, work.rfind('/'));
  }
  static std::string NodeOfFolder(const std::string& folder) {
    const size_t node = folder.rfind('/');
    const size_t run = folder.rfind('/', node - 1);
    return folder.substr(run + 1, folder.find('~', node) - run - 1);
  }
  static std::string RunOf(const std::string& key) { return key.substr(0, key.find('/')); }
  bool OfAbandoned(const std::string& key) const { return abandoned_.contains(RunOf(key)); }

  Result<std::string> Carry(const Invocation& call, Reach* reach) {
    const bool backend = call.capability != "resource";
    const bool acts = call.method == "Submit" || call.method == "Cancel";
    {
      const std::lock_guard lock(mutex_);
      HappenLate();
      Watch();
      if (calm) outage_ = 0;
      if (outage_ == 0 && !calm && dice_.Percent(1)) BreakDownLocked();
      if (outage_ > 0 && backend) {
        --outage_;
        *reach = dice_.Percent(50) ? Reach::kNotSent : Reach::kSent;
        return Unavailable("the plugin is out of service");
      }
    }
    *reach = Reach::kAnswered;
    if (calm || !dice_.Percent(faults_ + (acts ? 30 : 0))) return Answer(call);
    return Fail(call, reach);
  }

  void BreakDownLocked() {
    outage_ = 20 + dice_.Roll(60);
    ++seen_["outages"];
  }

  /// Its answer is lost, or late, or says that something failed.
  Result<std::string> Fail(const Invocation& call, Reach* reach) {
    static const Status kFailures[] = {Unavailable("the worker died"), DeadlineExceeded("too slow"),
                                       Unavailable("the worker died"), Internal("a fault of it")};
    const Status failure = kFailures[dice_.Roll(4)];
    *reach = failure.code() == Code::kInternal ? Reach::kAnswered : Reach::kSent;
    const bool job = call.capability == "run_backend";
    const int kind = dice_.Roll(10);
    if (job && kind < 3 && (call.method == "Submit" || call.method == "Cancel")) {
      const std::lock_guard lock(mutex_);
      const json request = json::parse(call.request_json);
      const bool submit = call.method == "Submit";
      const std::string key = request[submit ? "idempotencyKey" : "handle"];
      if (submit && AnswersProcess(key)) return failure;
      late_.push_back({key, submit ? TableOf(call, request) : "", submit, 1 + dice_.Roll(30)});
      seen_["late submits"] += submit ? 1 : 0;
      return failure;
    }
    if (job && kind < 5 && call.method == "Submit") return Refuse(call, reach);
    if (kind < 8) {
      auto lost = Answer(call);
      const std::lock_guard lock(mutex_);
      ++seen_["lost answers"];
    }
    return failure;
  }

  /// A refusal is a promise: of that key there is no job, and will be none.
  Result<std::string> Refuse(const Invocation& call, Reach* reach) {
    *reach = Reach::kAnswered;
    const std::string key = json::parse(call.request_json)["idempotencyKey"];
    {
      const std::lock_guard lock(mutex_);
      if (!jobs_.contains(key)) {
        refused_.insert(key);
        ++seen_["refusals"];
        return FailedPrecondition("the cluster takes no jobs");
      }
    }
    return Answer(call);
  }

  Result<std::string> Answer(const Invocation& call) {
    const std::string& method = call.method;
    if (call.capability == "resource") return plugins_.Graph(call);
    if (method == "Analyze") return Analyze(call);
    if (method == "Interpret") return std::string(R"({"valid":true})");
    if (call.capability != "run_backend") return std::string(R"({"status":"CREATED"})");
    const json request = json::parse(call.request_json);
    const std::lock_guard lock(mutex_);
    if (method == "Submit") return Submit(call, request);
    if (method == "Cancel") return Cancel(request["handle"]);
    if (method != "Check") return Unimplemented("no method " + method);
    return request.contains("process") ? CheckProcess(request["process"])
                                       : Check(request["handle"]);
  }

  bool AnswersProcess(const std::string& key) const { return plugins_.DiceOf(key).Percent(50); }
  static std::string TableOf(const Invocation& call, const json& request) {
    return call.playground + "/" + request["job"].value("table", "");
  }

  Result<std::string> Analyze(const Invocation& call) {
    const std::string key = call.run_id + "/" + call.node_id;
    if (!AnswersProcess(key)) return std::string(R"({"valid":true})");
    const json lease = json::parse(call.request_json)["lease"];
    const std::lock_guard lock(mutex_);
    tests_.insert(FolderOf(lease));
    ++seen_["tests as jobs"];
    return std::string(kProcessAnswer);
  }

  // --- remote jobs; under the lock
  Result<std::string> Submit(const Invocation& call, const json& request) {
    const std::string key = request["idempotencyKey"];
    if (refused_.contains(key)) return FailedPrecondition("the cluster takes no jobs");
    if (AnswersProcess(key)) {
      tables_[FolderOf(request["lease"])] = TableOf(call, request);
      return std::string(kProcessAnswer);
    }
    Start(key, TableOf(call, request));
    return json{{"handle", key}}.dump();
  }
  void Start(const std::string& key, const std::string& table) {
    if (refused_.contains(key) || jobs_.contains(key)) return;  // the same key: the same job
    jobs_[key] = {table, true, "", 0};
    CheckAlone(NodeOfKey(key), key, table);
  }
  Result<std::string> Cancel(const std::string& key) {
    Job& job = jobs_[key];
    if (job.alive && job.cancelled_in == 0) job.cancelled_in = 1 + dice_.Roll(3);
    return std::string("{}");
  }
  Result<std::string> Check(const std::string& key) {
    Job& job = jobs_[key];
    if (!job.alive) return job.end;
    if (job.cancelled_in > 0 && --job.cancelled_in == 0) return job.End(kCancelledJob);
    if (dice_.Percent(75)) return std::string(R"({"state":"JOB_RUNNING","detail":"words"})");
    return job.End(PluginAnswers::End(plugins_.DiceOf(key + "?")));
  }
  Result<std::string> CheckProcess(const json& process) const {
    if (process["phase"] == "RUNNING") return std::string(R"({"state":"JOB_RUNNING"})");
    if (process["phase"] == "LOST" || process.value("signal", 0) != 0) {
      const bool stopped = process.value("cancelRequested", false);
      return std::string(stopped ? kCancelledJob : R"({"state":"JOB_FAILED","retryable":true})");
    }
    return PluginAnswers::End(plugins_.DiceOf(process.dump()));
  }
  void HappenLate() {
    for (Late& late : late_) {
      if (--late.in > 0) continue;
      if (late.submit) {
        Start(late.key, late.table);
      } else {
        static_cast<void>(Cancel(late.key).status());
      }
    }
    std::erase_if(late_, [](const Late& late) { return late.in <= 0; });
  }

  // --- processes; under their lock
  Status ProcessFault(const char* method, bool before) {
    if (calm) {
      processes_.silent_reads = 0;
      processes_.deaf = false;
      return {};
    }
    if (before && std::string_view(method) == "Launch") {
      processes_.silent_reads = dice_.Percent(30) ? 1 + dice_.Roll(6) : 0;
      const std::lock_guard lock(mutex_);
      seen_["silent launchers"] += processes_.silent_reads > 0 ? 1 : 0;
    }
    processes_.deaf = dice_.Percent(20);
    if (!dice_.Percent(faults_ / 3)) return {};
    return dice_.Percent(50) ? Unavailable("no descriptor is left") : Internal("cannot be read");
  }
  void ProcessChanged(const std::string& folder, const FakeProcesses::Process& process) {
    const std::lock_guard lock(mutex_);
    const bool was = std::exchange(folders_[folder], process.Lives());
    if (process.Lives() && !was) CheckAlone(NodeOfFolder(folder), folder, tables_[folder]);
  }

  // --- what must hold; under the lock
  /// Called as `what`, a key or a folder, begins to live.
  void CheckAlone(const std::string& node, const std::string& what, const std::string& table) {
    if (OfAbandoned(node)) return;
    int runs = 0;
    int tests = 0;
    const auto other = [&](const std::string& place, const std::string& name,
                           const std::string& its_table) {
      if (OfAbandoned(place) || name == what) return;
      if (place == node) Fault(what + " began while " + name + " lived");
      if (!table.empty() && table == its_table && RunOf(place) != RunOf(node)) {
        Fault(what + " began to write the table that " + name + " writes");
      }
    };
    for (const auto& [key, job] : jobs_) {
      if (!job.alive) continue;
      runs += OfAbandoned(key) ? 0 : 1;
      other(NodeOfKey(key), key, job.table);
    }
    for (const auto& [folder, alive] : folders_) {
      if (!alive) continue;
      const std::string place = NodeOfFolder(folder);
      (tests_.contains(folder) ? tests : runs) += OfAbandoned(place) ? 0 : 1;
      other(place, folder, tables_[folder]);
    }
    if (runs > jobs_max_) Fault(what + " was one job too many");
    if (tests > test_jobs_max_) Fault(what + " was one test too many");
  }
  /// Who lives may write.
  void Watch() {
    for (const auto& [key, job] : jobs_) {
      if (!job.alive || OfAbandoned(key)) continue;
      if (!writers_.contains(RunOf(key))) Fault(key + " lives, and its run's token is refused");
      if (ended_jobs_.contains(key)) Fault(key + " lives, and its token is refused");
    }
  }

  const PluginAnswers plugins_;
  Dice& dice_;
  const int faults_;  // percent of the calls
  FakeProcesses& processes_;
  int jobs_max_ = 0;
  int test_jobs_max_ = 0;
  std::mutex mutex_;                 // guards what follows
  int outage_ = 0;                   // calls until it ends
  std::map<std::string, Job> jobs_;  // that were started, by key
  std::vector<Late> late_;
  std::set<std::string> refused_;              // keys
  std::map<std::string, bool> folders_;        // of processes, and whether they live
  std::map<std::string, std::string> tables_;  // of processes, by folder
  std::set<std::string> tests_;                // folders
  std::set<std::string> writers_;
  std::set<std::string> ended_jobs_;
  std::set<std::string> abandoned_;
  std::vector<std::string> violations_;
  std::map<std::string, int> seen_;
};

}  // namespace dcp::graph
