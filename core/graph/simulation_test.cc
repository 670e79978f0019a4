// SPDX-License-Identifier: Apache-2.0
//
// Random graphs in a world where everything fails (testing_world.h): calls, the store, processes,
// the daemon itself, and the clock, which jumps both ways. Whatever happens, no node ends while its
// job lives or may yet; when the faults stop every run ends, and its history is one that may be.
// tests/crash/history.py is the twin for real daemons.
//
// PRETZEL_SEED=N replays one world, PRETZEL_WORLDS=N makes more of them.
#include <gtest/gtest.h>

#include <climits>
#include <cstdlib>
#include <iostream>
#include <set>

#include "graph/testing.h"
#include "graph/testing_store.h"
#include "graph/testing_world.h"

namespace dcp::graph {
namespace {

constexpr int kWorlds = 300;
constexpr int kRunsInAWorld = 8;
constexpr int kLives = 3;  // of the daemon; the last one meets no faults
constexpr std::chrono::milliseconds kPatience{60'000};
constexpr int64_t kJumpMsMax = int64_t{8} * 3600 * 1000;  // further than a job's deadline

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
      : folder_(folder), dice_(seed), world_(seed, dice_, processes_) {
    options_.threads = 1 + dice_.Roll(4);
    options_.jobs = 1 + dice_.Roll(3);
    options_.test_jobs = 1 + dice_.Roll(2);
    options_.job_directory = folder_;
    options_.job_poll_ms = 1;
    options_.back_off_ms = 0;
    options_.rest_ms = 1;
    options_.stop_again_ms = 1;
    world_.Bound(options_.jobs, options_.test_jobs);
    processes_.reads_until_exit = dice_.Roll(6);
    processes_.lost = dice_.Percent(20);
    store_.fault = [this](bool write) { return StoreFault(write); };
    store_.written = [this](const std::string& run, const store::RunChange& change) {
      world_.Written(run, change);
    };
  }

  void Live() {
    for (int life = 1; life <= kLives; ++life) {
      const bool last = life == kLives;
      world_.calm = last;
      calm_ = last;
      writes_left_ = last ? INT_MAX : 1 + dice_.Roll(80);
      world_.NewDaemon(store_.Unended());
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
    for (const std::string& id : store_.Ids()) {
      ++seen["graphs"];
      ++seen[store_.GetRun(id)->state];
      EXPECT_EQ(FaultOfRun(store_, id), "") << id;
      for (const store::Transition& step : store_.GetTransitions(id, 0, kWholeHistory).value()) {
        seen["remote jobs"] += step.detail == "submitted";
        seen["calls again"] += step.detail.starts_with("again");
        seen["attempts"] += step.detail.starts_with("attempt ");
        seen["doubts"] += step.detail.find("; asking again") != step.detail.npos;
        seen["ends not confirmed"] += step.detail.find("not confirmed") != step.detail.npos;
      }
    }
    world_.Count(seen);
    for (const std::string& fault : world_.Faults()) ADD_FAILURE() << fault;
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
      if (const auto ids = store_.Ids(); dice_.Percent(40) && !ids.empty()) {
        const auto& id = ids[static_cast<size_t>(dice_.Roll(static_cast<int>(ids.size())))];
        if (dice_.Percent(80)) world_.BreakDown();
        static_cast<void>(runner.Cancel(id, "chance"));
        if (dice_.Percent(10)) {
          world_.Abandoned(id);
          static_cast<void>(runner.Abandon(id, "bo").status());
        }
      }
      if (dice_.Percent(30)) clock_.Pass(dice_.Roll(5'000));
      if (dice_.Percent(5)) clock_.Jump(dice_.Roll(2 * kJumpMsMax) - kJumpMsMax);
    }
  }

  const std::string folder_;
  Dice dice_;
  FakeProcesses processes_;
  World world_;
  JumpingClock clock_;
  RunnerOptions options_;
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
  for (const char* what :
       {"SUCCEEDED", "FAILED", "CANCELLED", "remote jobs", "launches", "attempts", "calls again",
        "deaths", "doubts", "ends not confirmed", "late submits", "lost answers",
        "silent launchers", "tests as jobs", "outages", "refusals"}) {
    EXPECT_GE(seen[what], static_cast<int>(worlds) / 10) << what << ": the worlds are too kind";
  }
}

}  // namespace
}  // namespace dcp::graph
