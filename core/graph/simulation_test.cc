// SPDX-License-Identifier: Apache-2.0
//
// Random graphs in a world where everything fails: calls, the store, processes, the daemon itself,
// and the clock, which jumps both ways. Whatever happens, when the faults stop every run ends, and
// its history is one that may be. tests/crash/history.py is the twin for real daemons.
//
// PRETZEL_SEED=N replays one world, PRETZEL_WORLDS=N makes more of them.
#include <gtest/gtest.h>

#include <climits>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "graph/testing.h"
#include "graph/testing_store.h"

namespace dcp::graph {
namespace {

using nlohmann::json;

constexpr int kWorlds = 300;
constexpr int kRunsInAWorld = 8;
constexpr int kLives = 3;  // of the daemon; the last one meets no faults
constexpr int kNodesMax = 7;
constexpr std::chrono::milliseconds kPatience{60'000};
constexpr int64_t kJumpMsMax = int64_t{8} * 3600 * 1000;  // further than a job's deadline

class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}
  /// 0 .. n-1
  int Roll(int n) {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(random_() % static_cast<uint64_t>(n));
  }
  bool Percent(int chance) { return Roll(100) < chance; }

 private:
  std::mutex mutex_;
  std::mt19937_64 random_;
};

/// The wall clock jumps, the steady one does not go back.
class JumpingClock : public Clock {
 public:
  WallMillis Wall() const override { return now_ + offset_; }
  SteadyMillis Steady() const override { return now_; }
  void Pass(int64_t ms) { now_ += ms; }
  void Jump(int64_t ms) { offset_ += ms; }

 private:
  std::atomic<int64_t> now_ = 1'700'000'000'000;
  std::atomic<int64_t> offset_ = 0;
};

/// Plugins and remote jobs. A plugin is a function: asked again, it answers the same graph.
class World : public Backend {
 public:
  World(uint64_t seed, Dice& dice)
      : seed_(seed), dice_(dice), faults_(dice.Percent(50) ? 3 : 10 + dice.Roll(40)) {}

  std::atomic<bool> calm = false;

  Result<std::string> Invoke(const Invocation& call) override {
    const std::string& method = call.method;
    // A backend that cannot be told to stop a job leaves it running; that is its operator's to see.
    if (!calm && method != "Cancel") DCP_TRY(Fault());
    if (call.capability == "resource") return Graph(call);
    if (call.capability != "run_backend") return std::string(R"({"status":"CREATED"})");
    const json request = json::parse(call.request_json);
    if (method == "Submit") return Submit(request["idempotencyKey"]);
    if (method == "Cancel") return Cancel(request["handle"]);
    if (method != "Check") return Unimplemented("no method " + method);
    return request.contains("process") ? CheckProcess(request["process"])
                                       : Check(request["handle"]);
  }
  Result<std::string> MountFor(const store::Run&, const std::string&, WallMillis) override {
    if (!calm && dice_.Percent(3)) return Unavailable("no mount");
    return std::string(R"({"name":"prod"})");
  }
  Result<std::string> Resolve(const Invocation&) override { return std::string("local"); }
  std::string PluginOf(const std::string&) override { return "runner"; }
  std::string CatalogName() const override { return "prod"; }

  /// Handles of remote jobs that still run.
  std::set<std::string> Alive() {
    const std::lock_guard lock(mutex_);
    return alive_;
  }

 private:
  Status Fault() {
    if (!dice_.Percent(faults_)) return {};
    switch (dice_.Roll(6)) {
      case 0:
        return DeadlineExceeded("too slow");
      case 1:
        return Internal("a fault of the plugin");
      default:
        return Unavailable("the worker died");
    }
  }

  /// Random, and the same for the same node of the same run.
  Dice DiceOf(const std::string& what) const {
    return Dice(std::hash<std::string>()(what) ^ (seed_ * 0x9E3779B97F4A7C15U));
  }

  Result<std::string> Graph(const Invocation& call) {
    Dice dice = DiceOf(call.run_id + call.node_id);
    if (call.method == "Continue" && !dice.Percent(15)) {
      return std::string(dice.Percent(80) ? R"({"report":{"status":"SUCCEEDED"}})"
                                          : R"({"report":{"status":"FAILED"}})");
    }
    if (dice.Percent(3)) return std::string(R"({"needsFiles":{"paths":["a.sql"]}})");
    if (dice.Percent(3)) return std::string("{");
    json nodes = json::array();
    std::vector<std::string> ids;
    const int count = 1 + dice.Roll(kNodesMax);
    for (int i = 0; i < count; ++i) {
      const std::string id = call.node_id + "." + std::to_string(i);
      json node = {{"id", id}, {"after", json::array()}, {"always", dice.Percent(30)}};
      for (const std::string& other : ids) {
        if (dice.Percent(30)) node["after"].push_back(other);
      }
      if (dice.Percent(1)) node["after"].push_back(dice.Percent(50) ? id : "nobody");
      const std::string table = "ns.t" + std::to_string(dice.Roll(20));
      static constexpr const char* kKinds[][2] = {
          {"catalog", "EnsureTable"},  {"catalog", "Receipt"},    {"playground", "Register"},
          {"test_backend", "Analyze"}, {"run_backend", "Submit"}, {"run_backend", "Submit"},
          {"resource", "Continue"},    {"run_backend", "Nothing"}};
      const auto& kind = kKinds[dice.Roll(8)];
      node["capability"] = kind[0];
      node["method"] = kind[1];
      node["request"] = {{"table", table}, {"job", {{"table", "prod." + table}, {"sql", "s"}}}};
      nodes.push_back(node);
      ids.push_back(id);
    }
    return json{{"graph", {{"nodes", nodes}}}}.dump();
  }

  Result<std::string> Submit(const std::string& key) {
    if (DiceOf(key).Percent(50)) {
      return std::string(R"({"process":{"argv":["/bin/job"],"files":[{"path":"a","content":"YQ=="}],
                            "resultFile":"result.json"}})");
    }
    const std::lock_guard lock(mutex_);
    if (started_.insert(key).second) alive_.insert(key);  // the same key again: the same job
    return json{{"handle", key}}.dump();
  }
  Result<std::string> Cancel(const std::string& handle) {
    const std::lock_guard lock(mutex_);
    if (alive_.erase(handle) > 0) ended_[handle] = R"({"state":"JOB_CANCELLED"})";
    return std::string("{}");
  }
  Result<std::string> Check(const std::string& handle) {
    const std::lock_guard lock(mutex_);
    if (!alive_.contains(handle)) return ended_[handle];
    if (dice_.Percent(50)) return std::string(R"({"state":"JOB_RUNNING","detail":"words"})");
    alive_.erase(handle);
    return ended_[handle] = End(DiceOf(handle + "?"));
  }
  Result<std::string> CheckProcess(const json& process) {
    if (process["phase"] == "RUNNING") return std::string(R"({"state":"JOB_RUNNING"})");
    if (process["phase"] == "LOST" || process.value("signal", 0) != 0) {
      const bool stopped = process.value("cancelRequested", false);
      return std::string(stopped ? R"({"state":"JOB_CANCELLED"})"
                                 : R"({"state":"JOB_FAILED","retryable":true})");
    }
    return End(DiceOf(process.dump()));
  }
  static std::string End(Dice&& dice) {
    if (dice.Percent(70)) return R"({"state":"JOB_SUCCEEDED","result":{"rows":"3"}})";
    return dice.Percent(50) ? R"({"state":"JOB_FAILED","retryable":true})"
                            : R"({"state":"JOB_FAILED","findings":[{"message":"no"}]})";
  }

  const uint64_t seed_;
  Dice& dice_;
  const int faults_;  // percent of the calls
  std::mutex mutex_;
  std::set<std::string> started_;             // keys; guarded by mutex_
  std::set<std::string> alive_;               // guarded by mutex_
  std::map<std::string, std::string> ended_;  // guarded by mutex_
};

bool MayStep(const store::Transition& step) {
  static const std::set<std::string> kRun = {
      ">PENDING",       "PENDING>PENDING",   "PENDING>RUNNING", "PENDING>SUCCEEDED",
      "PENDING>FAILED", "PENDING>CANCELLED", "RUNNING>RUNNING", "RUNNING>SUCCEEDED",
      "RUNNING>FAILED", "RUNNING>CANCELLED"};
  static const std::set<std::string> kNode = {
      ">PENDING",          "PENDING>RUNNING",   "PENDING>SKIPPED",
      "PENDING>CANCELLED", "RUNNING>RUNNING",   "RUNNING>PENDING",
      "RUNNING>FAILED",    "RUNNING>CANCELLED", "RUNNING>SUCCEEDED"};
  return (step.node_id.empty() ? kRun : kNode).contains(step.from + ">" + step.to);
}

/// What is wrong with a run that has ended, or "".
std::string FaultOfRun(MemoryStore& store, const std::string& id) {
  const store::Run run = store.GetRun(id).value();
  const auto history = store.GetTransitions(id, 0, kWholeHistory).value();
  if (std::string fault = FaultOfHistory(history); !fault.empty()) return fault;
  std::map<std::string, std::string> states;
  std::map<std::string, std::set<std::string>> job_steps;
  for (const store::Transition& step : history) {
    const std::string place = "#" + std::to_string(step.sequence) + " " + step.node_id;
    if (!MayStep(step)) return place + ": no step " + step.from + "->" + step.to;
    states[step.node_id] = step.to;
    auto& done = job_steps[step.node_id];
    if (step.detail.starts_with("attempt ")) done.clear();
    if (step.detail.starts_with("there is no trace")) done.erase("launched");
    for (const char* word : {"leased", "submitted", "prepared", "launched"}) {
      if (step.detail == word && !done.insert(word).second) return place + ": " + word + " twice";
    }
  }
  if (states[""] != run.state) return "the run's row says " + run.state;
  for (const store::Node& node : store.GetNodes(id).value()) {
    if (states[node.id] != node.state) return node.id + "'s row says " + node.state;
    if (node.state == store::kRunning || node.state == store::kPending) return node.id + " lives";
    for (const std::string& before : node.after) {
      if (node.state == store::kSucceeded && !node.always && states[before] != store::kSucceeded) {
        return node.id + " succeeded after " + before + ", which did not";
      }
    }
  }
  return "";
}

class Simulation {
 public:
  Simulation(const std::string& folder, uint64_t seed)
      : folder_(folder), dice_(seed), world_(seed, dice_) {
    options_.threads = 1 + dice_.Roll(4);
    options_.jobs = 1 + dice_.Roll(3);
    options_.job_directory = folder_;
    options_.job_poll_ms = 1;
    options_.back_off_ms = 0;
    options_.rest_ms = 1;
    processes_.reads_until_exit = dice_.Roll(4);
    processes_.lost = dice_.Percent(20);
    store_.fault = [this](bool write) { return StoreFault(write); };
  }

  void Live() {
    for (int life = 1; life <= kLives; ++life) {
      const bool last = life == kLives;
      world_.calm = last;
      calm_ = last;
      writes_left_ = last ? INT_MAX : 1 + dice_.Roll(80);
      auto runner = std::make_unique<RunnerImpl>(store_, world_, clock_, options_,
                                                 std::make_unique<FakeLauncher>(processes_));
      const Status recovered = runner->Recover();
      // Only the store can keep a daemon from starting; then the next one tries.
      EXPECT_TRUE(recovered.ok() || !last) << recovered.ToString();
      if (!recovered.ok()) continue;
      if (!last) Act(*runner);
      const auto done = [this] { return writes_left_ <= 0 || store_.AllEnded(); };
      EXPECT_TRUE(store_.Await(kPatience, done)) << "runs do not end";
      deaths_ += writes_left_ <= 0;
    }
  }

  /// What happened is counted into `seen`, so that the test can say that it tested something.
  void Check(std::map<std::string, int>& seen) {
    const std::set<std::string> alive = world_.Alive();
    for (const std::string& id : store_.Ids()) {
      ++seen["graphs"];
      ++seen[store_.GetRun(id)->state];
      EXPECT_EQ(FaultOfRun(store_, id), "") << id;
      // A remote job whose handle was never learnt cannot be ended; any other has ended.
      std::map<std::string, int> failed_attempts;
      for (const store::Transition& step : store_.GetTransitions(id, 0, kWholeHistory).value()) {
        seen["remote jobs"] += step.detail == "submitted";
        seen["calls again"] += step.detail.starts_with("again");
        seen["attempts"] += step.detail.starts_with("attempt ");
        failed_attempts[step.node_id] += step.detail.starts_with("attempt ");
        if (step.detail != "submitted") continue;
        const std::string key = JobKey(id, step.node_id, failed_attempts[step.node_id] + 1);
        EXPECT_FALSE(alive.contains(key)) << key << " still runs";
      }
    }
    for (const auto& [directory, process] : processes_.processes) {
      seen["launches"] += process.launches;
      EXPECT_LE(process.launches, 1) << directory;
      EXPECT_NE(process.state.phase, os::JobState::Phase::kRunning) << directory;
    }
    seen["deaths"] += deaths_;
  }

 private:
  /// Under the store's lock.
  Status StoreFault(bool write) {
    if (calm_) return {};
    if (write) --writes_left_;
    if (writes_left_ <= 0) return Unavailable("killed");
    return dice_.Percent(2) ? Unavailable("disk full") : Status();
  }

  /// What people and time do to a daemon.
  void Act(Runner& runner) {
    for (int i = 0; i < kRunsInAWorld / (kLives - 1); ++i) {
      StartRequest request;
      request.playground = dice_.Percent(80) ? "fin" : "ops";
      request.generation = 1;
      request.principal = "ada";
      request.command = dice_.Percent(4) ? "delete" : "run";
      NodeSpec compile;
      compile.id = "compile";
      compile.capability = "resource";
      compile.method = "Compile";
      request.nodes = {compile};
      static_cast<void>(runner.Start(request).status());  // it may be refused
      const auto ids = store_.Ids();
      if (dice_.Percent(25) && !ids.empty()) {
        const auto& id = ids[static_cast<size_t>(dice_.Roll(static_cast<int>(ids.size())))];
        static_cast<void>(runner.Cancel(id, "chance"));
      }
      if (dice_.Percent(30)) clock_.Pass(dice_.Roll(5'000));
      if (dice_.Percent(5)) clock_.Jump(dice_.Roll(2 * kJumpMsMax) - kJumpMsMax);
    }
  }

  const std::string folder_;
  Dice dice_;
  World world_;
  JumpingClock clock_;
  RunnerOptions options_;
  FakeProcesses processes_;
  MemoryStore store_;
  std::atomic<bool> calm_ = false;
  std::atomic<int> writes_left_ = 0;
  int deaths_ = 0;
};

uint64_t Number(const char* variable, uint64_t fallback) {
  const char* text = std::getenv(variable);  // NOLINT: before any thread exists
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

class SimulationTest : public GraphTest {};

TEST_F(SimulationTest, EveryRunEndsOnAPathWhateverFails) {
  const uint64_t one = Number("PRETZEL_SEED", 0);
  const uint64_t worlds = one != 0 ? 1 : Number("PRETZEL_WORLDS", kWorlds);
  std::map<std::string, int> seen;
  for (uint64_t seed = one != 0 ? one : 1; seed < std::max<uint64_t>(one, 1) + worlds; ++seed) {
    SCOPED_TRACE("PRETZEL_SEED=" + std::to_string(seed));
    const std::string folder = folder_ + "/" + std::to_string(seed);
    std::filesystem::create_directories(folder);
    {
      Simulation simulation(folder, seed);
      simulation.Live();
      simulation.Check(seen);
    }
    std::filesystem::remove_all(folder);
    if (HasFailure()) break;
  }
  std::cout << "seeds from " << (one != 0 ? one : 1) << ", " << worlds << " worlds:";
  for (const auto& [what, count] : seen) std::cout << " " << what << " " << count;
  std::cout << "\n";
  if (one != 0) return;
  for (const char* what : {"SUCCEEDED", "FAILED", "CANCELLED", "remote jobs", "launches",
                           "attempts", "calls again", "deaths"}) {
    EXPECT_GE(seen[what], static_cast<int>(worlds) / 10) << what << ": the worlds are too kind";
  }
}

}  // namespace
}  // namespace dcp::graph
