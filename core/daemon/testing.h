// SPDX-License-Identifier: Apache-2.0
//
// For tests of this room: the janitor with everything real around it (store, catalog room, Graph
// Runner, files) but the overlay catalog, which must fail on demand.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/jumping_clock.h"
#include "catalog/names.h"
#include "catalog/testing/fake_overlay.h"
#include "daemon/capabilities.h"
#include "daemon/janitor.h"
#include "daemon/orphans.h"
#include "daemon/removal.h"
#include "daemon/retention.h"
#include "graph/graph.h"
#include "os/file.h"
#include "store/testing.h"

namespace dcp::daemon {

inline constexpr int64_t kGraceMs = 1'000;
inline constexpr int64_t kLong = int64_t{1} << 50;
/// Of every run that has ended: rows of production's, as a preview leaves them.
inline constexpr char kReport[] = R"({"rows":[["secret"]]})";
inline constexpr int64_t kLifeMs =
    int64_t{13} * 24 * 3'600'000;  // longer than any test's clock runs

/// Of the capabilities, those that the daemon serves itself.
class OwnCapabilities final : public graph::Backend {
 public:
  explicit OwnCapabilities(Capabilities& capabilities) : capabilities_(capabilities) {}
  Result<std::string> Invoke(const graph::Invocation& call) override {
    return capabilities_.Invoke({call.playground, call.generation, call.cancelled}, call.capability,
                                call.method, call.request_json);
  }
  Result<std::string> MountFor(const store::Run&, const std::string&, WallMillis,
                               const std::string&) override {
    return std::string("{}");
  }
  Result<std::string> Resolve(const graph::Invocation&) override { return std::string("local"); }
  std::string PluginOf(const std::string&) override { return "runner"; }
  std::string CatalogName() const override { return "prod"; }
  bool StartsJobs(const std::string&) override { return false; }
  void RunLives(const std::string&) override {}
  void JobEnded(const std::string&, const std::string&) override {}
  void RunEnded(const std::string&) override {}

 private:
  Capabilities& capabilities_;
};

class SweepingTest : public ::testing::Test {
 protected:
  explicit SweepingTest(int64_t tombstone_ms = 0) : tombstone_ms_(tombstone_ms) {
    std::string pattern = ::testing::TempDir() + "dcp_janitor_XXXXXX";
    folder_ = mkdtemp(pattern.data());
    jobs_ = folder_ + "/jobs";
    std::filesystem::create_directories(jobs_);
    store_ = store::OpenCounting(folder_ + "/state.db").value();
    catalog::Settings settings;
    settings.production = {overlay_.uri(), Secret("s")};
    settings.overlay = {overlay_.uri(), Secret("s")};
    settings.overlay_warehouse = "file://" + folder_ + "/wh";
    catalog_ = catalog::Catalog::Start(settings, *store_, tokens_, clock_).value();
    playground::Limits limits;
    limits.tombstone_ms = tombstone_ms_;
    playgrounds_ = std::make_unique<playground::Playgrounds>(*store_, clock_, limits);
    removal_ = std::make_unique<Removal>(*catalog_, *playgrounds_, *store_, clock_, jobs_);
    orphans_ = std::make_unique<Orphans>(*catalog_, *store_, clock_, jobs_, kGraceMs);
    capabilities_ =
        std::make_unique<Capabilities>(*catalog_, *playgrounds_, *store_, *removal_, clock_);
    backend_ = std::make_unique<OwnCapabilities>(*capabilities_);
    graph::RunnerOptions options;
    options.job_directory = jobs_;
    options.launcher = "/bin/false";
    options.back_off_ms = 0;
    runner_ = graph::Runner::Create(*store_, *backend_, clock_, options).value();
    retention_ = std::make_unique<RunRetention>(
        *store_, [this] { return clock_.Wall(); }, jobs_,
        store::Retention{kLong, kLong, kLong, kLong});
    MakeJanitor(kLong);
  }
  ~SweepingTest() override {
    janitor_.reset();
    runner_.reset();
    catalog_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  /// A daemon's, in the same run of the machine as the one before.
  void MakeJanitor(int64_t sweep_every_ms) {
    janitor_.reset();
    watch_ = std::make_unique<ClockWatch>(*store_, clock_, tombstone_ms_, "boot-1");
    janitor_ = std::make_unique<Janitor>(*playgrounds_, *store_, *runner_, *orphans_, *retention_,
                                         *watch_, clock_, sweep_every_ms);
  }
  static void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
  }
  std::string FolderOf(const std::string& playground, int64_t generation) const {
    return folder_ + "/wh/pg/" + playground + "-" + std::to_string(generation);
  }
  /// What runs leave in the overlay.
  void Fill(const std::string& playground, int64_t generation) {
    overlay_.Add({catalog::OverlayRoot(playground, generation), "lab"}, "one");
    Write(FolderOf(playground, generation) + "/lab/one-1/data/a", "12345");
  }
  /// A playground with an ended run, a job folder and a table. Answers the run's id.
  std::string Make(const std::string& name) {
    auto made = playgrounds_->Create(ana_, name, kLifeMs, {}).value();
    Fill(name, made.generation);
    EXPECT_TRUE(
        playgrounds_->Register({name, made.generation, "lab.one", "DerivedDataset", "h", "{}", 0})
            .ok());
    return AddRun(name, made.generation, store::kSucceeded);
  }
  std::string AddRun(const std::string& playground, int64_t generation, const std::string& state) {
    store::Run run;
    run.id = NewRunId();
    run.playground = playground;
    run.generation = generation;
    run.command = "run";
    run.principal = "ana";
    EXPECT_TRUE(store_->CreateRun(run, {}, {}).ok());
    if (store::IsTerminal(state)) {
      run.state = state;
      run.report_json = kReport;
      run.finished_at = clock_.Wall();
      store::RunChange change;
      change.run = run;
      EXPECT_TRUE(store_->ChangeRun(run.id, change).ok());
    }
    Write(jobs_ + "/" + run.id + "/a.run/output", "123");
    Write(jobs_ + "/" + run.id + "/a.run~2/output", "4567");
    return run.id;
  }
  void SetState(const std::string& playground, int64_t generation, const std::string& state) {
    ASSERT_TRUE(
        store_->SetPlaygroundState(playground, generation, store::kActive, store::kDeleting).ok());
    if (state == store::kDeleting) return;
    ASSERT_TRUE(store_->SetPlaygroundState(playground, generation, store::kDeleting, state).ok());
  }
  /// "ACTION kind name", the name cut to what follows the folder of this test.
  std::vector<std::string> Sweep(bool dry_run = false, bool unknown = false) {
    api::SweepOptions options;
    options.dry_run = dry_run;
    options.unknown = unknown;
    report_ = orphans_->Sweep(options).value();
    std::vector<std::string> lines;
    for (const api::SweepItem& item : report_.items) {
      std::string name = item.name;
      if (const size_t at = name.find(folder_ + "/"); at != std::string::npos) {
        name.erase(at, folder_.size() + 1);
      }
      lines.push_back(item.action + " " + item.kind + " " + name);
    }
    return lines;
  }
  /// Everything that a sweep or a deletion could take.
  std::vector<std::string> Listing() const {
    std::vector<std::string> lines = overlay_.Listing();
    for (const char* part : {"/jobs", "/wh"}) {
      if (!std::filesystem::exists(folder_ + part)) continue;
      for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ + part)) {
        lines.push_back(entry.path());
      }
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }
  /// Of it, what the names do not occur in.
  static std::vector<std::string> Without(const std::vector<std::string>& lines,
                                          const std::vector<std::string>& names) {
    std::vector<std::string> left;
    for (const std::string& line : lines) {
      const bool named = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
        return line.find(name) != std::string::npos;
      });
      if (!named) left.push_back(line);
    }
    return left;
  }
  std::vector<store::RunBrief> Deletions(const std::string& playground, int64_t generation) {
    auto runs = store_->RunsOf(playground, generation).value();
    std::erase_if(runs, [](const auto& run) { return run.command != "delete"; });
    return runs;
  }
  std::string AwaitRun(const std::string& id) {
    int64_t last = 0;
    for (;;) {
      const store::Run run = store_->GetRun(id).value();
      if (store::IsTerminal(run.state)) return run.state;
      const auto events = runner_->WaitEvents(id, last, 10'000).value();
      if (!events.empty()) last = events.back().sequence;
    }
  }

  const int64_t tombstone_ms_;
  const playground::Principal ana_{"ana", "fin", "dev"};
  std::string folder_;
  std::string jobs_;
  JumpingClock clock_;
  catalog::testing::FakeOverlay overlay_;
  catalog::Tokens tokens_{Secret(std::string(32, 'k'))};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<catalog::Catalog> catalog_;
  std::unique_ptr<playground::Playgrounds> playgrounds_;
  std::unique_ptr<Removal> removal_;
  std::unique_ptr<Orphans> orphans_;
  std::unique_ptr<RunRetention> retention_;
  std::unique_ptr<Capabilities> capabilities_;
  std::unique_ptr<OwnCapabilities> backend_;
  std::unique_ptr<graph::Runner> runner_;
  std::unique_ptr<ClockWatch> watch_;
  std::unique_ptr<Janitor> janitor_;
  api::SweepReport report_;
};

}  // namespace dcp::daemon
