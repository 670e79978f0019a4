// SPDX-License-Identifier: Apache-2.0
//
// For this room's tests: capabilities in memory, processes in memory, a real store in a folder of
// its own.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/jumping_clock.h"
#include "graph/runner.h"
#include "graph/testing_store.h"

namespace dcp::graph {

/// More transitions than any run of these tests has.
constexpr int kWholeHistory = 1'000'000;

/// Answers by capability and method; remembers what was asked.
class FakeBackend : public Backend {
 public:
  using Answer = std::function<Result<std::string>(const Invocation&)>;

  void On(const std::string& call, Answer answer) {
    const std::lock_guard lock(mutex_);
    answers_[call] = std::move(answer);
  }
  void On(const std::string& call, const std::string& response) {
    On(call, [response](const Invocation&) { return Result<std::string>(response); });
  }

  Result<std::string> Invoke(const Invocation& invocation) override {
    Answer answer;
    {
      const std::lock_guard lock(mutex_);
      calls_.push_back(invocation);
      const auto found = answers_.find(invocation.capability + "." + invocation.method);
      if (found == answers_.end()) return Unimplemented("no answer was prepared");
      answer = found->second;
    }
    return answer(invocation);
  }
  /// Every capability is served by the instance "at-first", until a test says otherwise.
  Result<std::string> Resolve(const Invocation&) override {
    const std::lock_guard lock(mutex_);
    if (routed_to_.empty()) return NotFound("no route");
    return routed_to_;
  }
  std::string PluginOf(const std::string& instance) override {
    const std::lock_guard lock(mutex_);
    const auto found = plugins_.find(instance);
    return found == plugins_.end() ? "" : found->second;
  }
  /// As a reload of the configuration would do.
  void Configure(const std::string& routed_to, std::map<std::string, std::string> plugins) {
    const std::lock_guard lock(mutex_);
    routed_to_ = routed_to;
    plugins_ = std::move(plugins);
  }
  Result<std::string> MountFor(const store::Run&, const std::string& mode,
                               WallMillis expires_at) override {
    return R"({"name":"prod","token":"token-of-mount","mode":")" + mode + R"(","expiresAtMs":")" +
           std::to_string(expires_at) + "\"}";
  }
  std::string CatalogName() const override { return "prod"; }

  std::vector<Invocation> Calls(const std::string& method) {
    const std::lock_guard lock(mutex_);
    std::vector<Invocation> found;
    for (const Invocation& call : calls_) {
      if (call.method == method) found.push_back(call);
    }
    return found;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, Answer> answers_;
  std::string routed_to_ = "at-first";
  std::map<std::string, std::string> plugins_ = {{"at-first", "spark"}};
  std::vector<Invocation> calls_;
};

/// Processes that live as long as the test says, whatever becomes of the runner.
class FakeProcesses {
 public:
  struct Process {
    int launches = 0;
    int stops = 0;
    int reads_until_exit = 2;
    os::JobState state;
    os::JobSpec spec;
  };
  std::mutex mutex;
  std::map<std::string, Process> processes;
  int reads_until_exit = 2;  ///< of new ones; negative: never
  bool lost = false;         ///< new ones end without an exit status
  Status launch_fails;

  int Launches() {
    const std::lock_guard lock(mutex);
    int launches = 0;
    for (const auto& [directory, process] : processes) launches += process.launches;
    return launches;
  }
};

class FakeLauncher : public Launcher {
 public:
  explicit FakeLauncher(FakeProcesses& all) : all_(all) {}

  Status Launch(const std::string& directory, const os::JobSpec& spec) override {
    const std::lock_guard lock(all_.mutex);
    DCP_TRY(all_.launch_fails);
    auto& process = all_.processes[directory];
    if (process.state.phase != os::JobState::Phase::kNotLaunched) return Status::Ok();
    process.state.phase = os::JobState::Phase::kRunning;
    process.reads_until_exit = all_.reads_until_exit;
    process.spec = spec;
    ++process.launches;
    std::ofstream(directory + "/result.json") << "{\"rows\":3}";
    return Status::Ok();
  }
  Result<os::JobState> Read(const std::string& directory) override {
    const std::lock_guard lock(all_.mutex);
    auto& process = all_.processes[directory];
    if (process.state.phase == os::JobState::Phase::kRunning && process.reads_until_exit == 0) {
      process.state.phase = all_.lost ? os::JobState::Phase::kLost : os::JobState::Phase::kExited;
    }
    if (process.reads_until_exit > 0) --process.reads_until_exit;
    return process.state;
  }
  Status Stop(const std::string& directory) override {
    const std::lock_guard lock(all_.mutex);
    auto& process = all_.processes[directory];
    ++process.stops;
    if (process.state.phase == os::JobState::Phase::kExited ||
        process.state.phase == os::JobState::Phase::kLost) {
      return Status::Ok();
    }
    process.state.phase = os::JobState::Phase::kExited;
    process.state.exit.signal = 15;
    return Status::Ok();
  }

 private:
  FakeProcesses& all_;
};

class GraphTest : public ::testing::Test {
 protected:
  GraphTest() {
    // In memory where there is such a folder: what is tested here is order, not the disk.
    const bool in_memory = access("/dev/shm", W_OK) == 0;
    std::string pattern =
        (in_memory ? "/dev/shm/" : ::testing::TempDir()) + std::string("dcp_graph_XXXXXX");
    folder_ = mkdtemp(pattern.data());
    options_.threads = 4;
    options_.job_directory = folder_ + "/jobs";
    options_.job_poll_ms = 1;
    options_.back_off_ms = 1;
    options_.rest_ms = 1;
    OpenStore();
  }
  ~GraphTest() override {
    runner_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void OpenStore() {
    store_ = std::make_unique<RememberingStore>(store::Store::Open(folder_ + "/state.db").value(),
                                                bodies_);
  }
  std::unique_ptr<Runner> MakeRunner(store::Store& store) {
    return std::make_unique<RunnerImpl>(store, backend_, clock_, options_,
                                        std::make_unique<FakeLauncher>(processes_));
  }
  void StartRunner() { runner_ = MakeRunner(*store_); }

  static StartRequest Request(const std::string& command, std::vector<NodeSpec> nodes) {
    StartRequest request;
    request.playground = "fin";
    request.generation = 1;
    request.principal = "ada";
    request.command = command;
    request.nodes = std::move(nodes);
    return request;
  }
  static NodeSpec Spec(const std::string& id, const std::string& capability,
                       const std::string& method, std::vector<std::string> after = {}) {
    NodeSpec spec;
    spec.id = id;
    spec.capability = capability;
    spec.method = method;
    spec.after = std::move(after);
    return spec;
  }
  static NodeSpec Compile() { return Spec("compile", "resource", "Compile"); }

  /// Blocks until the run has ended; its events wake us, there is no sleep.
  store::Run Await(const std::string& run_id) {
    int64_t after = 0;
    for (int i = 0; i < 1000; ++i) {
      const auto run = store_->GetRun(run_id);
      if (!run.ok() || store::IsTerminal(run->state)) return run.value();
      const auto events = runner_->WaitEvents(run_id, after, 5000);
      if (!events.ok()) break;
      for (const Event& event : *events) after = std::max(after, event.sequence);
    }
    ADD_FAILURE() << "run " << run_id << " does not end";
    return store_->GetRun(run_id).value();
  }
  store::Run RunToEnd(const StartRequest& request) {
    const auto run = runner_->Start(request);
    EXPECT_TRUE(run.ok()) << run.status().ToString();
    return run.ok() ? Await(run->id) : store::Run{};
  }
  store::Node NodeOf(const std::string& run_id, const std::string& id) {
    const auto nodes = store_->GetNodes(run_id).value();
    for (const store::Node& node : nodes) {
      if (node.id == id) return node;
    }
    ADD_FAILURE() << "no node " << id;
    return {};
  }

  std::string folder_;
  JumpingClock clock_;
  RunnerOptions options_;
  FakeBackend backend_;
  FakeProcesses processes_;
  RememberingStore::Bodies bodies_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Runner> runner_;
};

/// Whether the transitions of a run form paths: each begins where the last one of its node ended,
/// nothing follows a terminal state, and numbers have no gaps.
inline std::string FaultOfHistory(const std::vector<store::Transition>& history) {
  std::map<std::string, std::string> states;
  int64_t sequence = 0;
  for (const store::Transition& step : history) {
    const std::string place =
        "#" + std::to_string(step.sequence) + " " + step.node_id + " " + step.from + "->" + step.to;
    if (step.sequence != ++sequence) return place + ": a gap";
    std::string& state = states[step.node_id];
    if (state != step.from) return place + ": it was " + state;
    if (store::IsTerminal(state)) return place + ": after the end";
    if (store::IsTerminal(states[""]) && !step.node_id.empty()) return place + ": the run ended";
    state = step.to;
  }
  for (const auto& [node, state] : states) {
    if (!store::IsTerminal(state)) return node + " ends as " + state;
  }
  return "";
}

}  // namespace dcp::graph
