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
#include <set>
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
    auto response = answer(invocation);
    if (invocation.reach != nullptr && !keeps_reach) {
      *invocation.reach = ReachOf(response.status().code());
    }
    return response;
  }
  /// What fails in other ways than these was said by the plugin itself.
  static Reach ReachOf(Code code) {
    const bool lost = code == Code::kUnavailable || code == Code::kDeadlineExceeded;
    return lost || code == Code::kCancelled ? Reach::kSent : Reach::kAnswered;
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
  bool StartsJobs(const std::string&) override { return starts_jobs; }
  /// As a reload of the configuration would do.
  void Configure(const std::string& routed_to, std::map<std::string, std::string> plugins) {
    const std::lock_guard lock(mutex_);
    routed_to_ = routed_to;
    plugins_ = std::move(plugins);
  }
  Result<std::string> MountFor(const store::Run&, const std::string& mode, WallMillis expires_at,
                               const std::string&) override {
    return R"({"name":"prod","token":"token-of-mount","mode":")" + mode + R"(","expiresAtMs":")" +
           std::to_string(expires_at) + "\"}";
  }
  std::string CatalogName() const override { return "prod"; }
  void RunLives(const std::string& run_id) override {
    const std::lock_guard lock(mutex_);
    living_.insert(run_id);
  }
  void JobEnded(const std::string&, const std::string& job) override {
    const std::lock_guard lock(mutex_);
    ended_jobs_.insert(job);
  }
  void RunEnded(const std::string& run_id) override {
    const std::lock_guard lock(mutex_);
    living_.erase(run_id);
  }
  /// Whether the write token of that job of the run would be good.
  bool MayWrite(const std::string& run_id, const std::string& job) {
    const std::lock_guard lock(mutex_);
    return living_.contains(run_id) && !ended_jobs_.contains(job);
  }

  /// What is prepared for a call, to be built upon.
  Answer AnswerOf(const std::string& call) {
    const std::lock_guard lock(mutex_);
    return answers_.at(call);
  }

  std::atomic<bool> starts_jobs = true;
  std::atomic<bool> keeps_reach = false;  ///< a test's answers say themselves how far calls came

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
  std::set<std::string> living_;
  std::set<std::string> ended_jobs_;
};

/// Processes that live as long as the test says, whatever becomes of the runner.
class FakeProcesses {
 public:
  struct Process {
    int launches = 0;
    int stops = 0;
    int reads_until_exit = 2;
    int reads_until_recorded = 0;  ///< more than 0: its launcher is at work
    os::JobState state;
    os::JobSpec spec;
    bool Lives() const {
      return reads_until_recorded > 0 || state.phase == os::JobState::Phase::kRunning;
    }
  };
  std::mutex mutex;
  std::map<std::string, Process> processes;
  int reads_until_exit = 2;  ///< of new ones; negative: never
  bool lost = false;         ///< new ones end without an exit status
  int silent_reads = 0;  ///< the launchers of new ones say nothing and record it that much later
  bool deaf = false;     ///< those that are told to end do not
  Status launch_fails;
  /// Asked before and after what each method does; a failure is its answer. Under `mutex`.
  std::function<Status(const char* method, bool before)> fault;
  /// After each change of a process. Under `mutex`.
  std::function<void(const std::string& directory, const Process& process)> changed;

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
    DCP_TRY(Fault("Launch", true));
    auto& process = all_.processes[directory];
    // As a second launcher that finds the lock taken.
    if (process.reads_until_recorded > 0 || process.state.phase != Phase::kNotLaunched) return {};
    process.spec = spec;
    ++process.launches;
    process.reads_until_recorded = all_.silent_reads;
    if (all_.silent_reads > 0) {
      Tell(directory, process);
      return DeadlineExceeded("the job's launcher said nothing");
    }
    Begin(directory, process);
    return Fault("Launch", false);
  }
  Result<os::JobState> Read(const std::string& directory) override {
    const std::lock_guard lock(all_.mutex);
    DCP_TRY(Fault("Read", true));
    auto& process = all_.processes[directory];
    if (process.reads_until_recorded > 0 && --process.reads_until_recorded == 0) {
      Begin(directory, process);
    }
    if (process.state.phase == Phase::kRunning && process.reads_until_exit == 0) {
      process.state.phase = all_.lost ? Phase::kLost : Phase::kExited;
      Tell(directory, process);
    }
    if (process.reads_until_exit > 0) --process.reads_until_exit;
    return process.state;
  }
  Status Stop(const std::string& directory) override {
    const std::lock_guard lock(all_.mutex);
    return StopLocked(directory);
  }
  Result<bool> End(const std::string& directory) override {
    const std::lock_guard lock(all_.mutex);
    const Status stopped = StopLocked(directory);
    if (stopped.code() == Code::kAborted) return false;
    DCP_TRY(stopped);
    return !all_.processes[directory].Lives();
  }
  Result<bool> Runs(const std::string& directory) override {
    const std::lock_guard lock(all_.mutex);
    DCP_TRY(Fault("Runs", true));
    return all_.processes[directory].Lives();
  }

 private:
  using Phase = os::JobState::Phase;

  Status Fault(const char* method, bool before) const {
    return all_.fault ? all_.fault(method, before) : Status();
  }
  void Tell(const std::string& directory, const FakeProcesses::Process& process) const {
    if (all_.changed) all_.changed(directory, process);
  }
  void Begin(const std::string& directory, FakeProcesses::Process& process) const {
    process.reads_until_recorded = 0;
    process.state.phase = Phase::kRunning;
    process.reads_until_exit = all_.reads_until_exit;
    std::ofstream(os::JobWorkFolder(directory) + "/result.json") << "{\"rows\":3}";
    Tell(directory, process);
  }
  Status StopLocked(const std::string& directory) {
    DCP_TRY(Fault("Stop", true));
    auto& process = all_.processes[directory];
    if (process.reads_until_recorded > 0) return Aborted("it is being launched");
    if (process.state.phase == Phase::kExited) return {};
    ++process.stops;
    if (process.state.phase == Phase::kLost) return {};
    if (all_.deaf && process.state.phase == Phase::kRunning) return {};
    process.state.phase = Phase::kExited;
    process.state.exit.signal = 15;
    Tell(directory, process);
    return Fault("Stop", false);
  }

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
  /// Blocks until the run's history, or its progress, holds the words that often; answers the whole
  /// detail.
  std::string AwaitWords(const std::string& run_id, const std::string& words, int times = 1) {
    int64_t after = 0;
    for (int i = 0; i < 1000; ++i) {
      const auto events = runner_->WaitEvents(run_id, after, 5000).value();
      for (const Event& event : events) {
        after = std::max(after, event.sequence);
        if (event.detail.find(words) != event.detail.npos && --times == 0) return event.detail;
      }
    }
    ADD_FAILURE() << "no \"" << words << "\"";
    return "";
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
