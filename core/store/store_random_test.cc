// SPDX-License-Identifier: Apache-2.0
//
// Random changes against a model, some of which fail in their middle, with the database closed and
// opened in between: each happens as a whole, or not at all.
//
// PRETZEL_SEED=N draws other changes.
#include <gtest/gtest.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>

#include "store/store.h"

namespace dcp::store {
namespace {

constexpr int kChanges = 1'500;
constexpr int kRuns = 12;
constexpr char kBoom[] = "boom";

/// What the store must answer.
struct Model {
  std::map<std::string, std::string> runs;                          // id -> state
  std::map<std::string, std::map<std::string, std::string>> nodes;  // id -> node -> state
  std::map<std::string, std::vector<std::string>> history;          // id -> details
};

class StoreRandomTest : public ::testing::Test {
 protected:
  StoreRandomTest() {
    const bool in_memory = access("/dev/shm", W_OK) == 0;
    std::string pattern =
        (in_memory ? "/dev/shm/" : ::testing::TempDir()) + std::string("dcp_random_XXXXXX");
    folder_ = mkdtemp(pattern.data());
    const char* text = std::getenv("PRETZEL_SEED");  // NOLINT: before any thread exists
    seed_ = text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
    random_.seed(seed_);
    Open();
    // FAIL keeps what the transaction did so far: undoing it is the store's business.
    soci::session sql(soci::sqlite3, folder_ + "/state.db");
    sql << "CREATE TRIGGER boom BEFORE INSERT ON run_transition WHEN new.detail = 'boom' "
           "BEGIN SELECT RAISE(FAIL, 'no space'); END";
  }
  ~StoreRandomTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Open() {
    store_.reset();
    auto opened = Store::Open(folder_ + "/state.db");
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    store_ = std::move(opened).value();
  }
  int Roll(int n) { return static_cast<int>(random_() % static_cast<uint64_t>(n)); }

  void ChangeByChance(int number) {
    const std::string id = "r" + std::to_string(Roll(kRuns));
    const bool boom = Roll(4) == 0;
    const std::string detail = boom ? kBoom : "change " + std::to_string(number);
    if (!model_.runs.contains(id)) return CreateByChance(id, detail, boom);
    const bool ended = IsTerminal(model_.runs[id]);
    RunChange change;
    change.run = store_->GetRun(id).value();
    change.run->state = Roll(12) == 0 ? kSucceeded : kRunning;
    bool node_ended = false;
    std::map<std::string, std::string> touched;
    for (int i = 0; i < 1 + Roll(3); ++i) {
      store::Node node;
      node.id = "n" + std::to_string(Roll(6));
      node.state = Roll(6) == 0 ? kFailed : kRunning;
      const auto known = model_.nodes[id].find(node.id);
      const auto before = touched.contains(node.id)         ? touched[node.id]
                          : known != model_.nodes[id].end() ? known->second
                                                            : std::string(kPending);
      node_ended = node_ended || IsTerminal(before);
      touched[node.id] = node.state;
      change.nodes.push_back(node);
    }
    change.transitions.push_back({id, 0, "", 1, "", "RUNNING", "first of " + detail});
    change.transitions.push_back({id, 0, "", 1, "", "RUNNING", detail});
    const Status status = store_->ChangeRun(id, change);
    EXPECT_EQ(status.ok(), !ended && !node_ended && !boom) << status.ToString();
    if (!status.ok()) return;
    model_.runs[id] = change.run->state;
    for (const auto& [node, state] : touched) model_.nodes[id][node] = state;
    model_.history[id].push_back("first of " + detail);
    model_.history[id].push_back(detail);
  }

  void CreateByChance(const std::string& id, const std::string& detail, bool boom) {
    store::Run run;
    run.id = id;
    store::Node node;
    node.id = "n0";
    const auto made = store_->CreateRun(run, {node}, {{id, 0, "", 1, "", "PENDING", detail}});
    EXPECT_EQ(made.ok(), !boom) << made.status().ToString();
    if (!made.ok()) return;
    model_.runs[id] = run.state;
    model_.nodes[id]["n0"] = node.state;
    model_.history[id] = {detail};
  }

  void Compare() {
    for (int i = 0; i < kRuns; ++i) {
      const std::string id = "r" + std::to_string(i);
      const auto run = store_->GetRun(id);
      ASSERT_EQ(run.ok(), model_.runs.contains(id)) << id;
      if (!run.ok()) continue;
      EXPECT_EQ(run->state, model_.runs[id]) << id;
      std::map<std::string, std::string> nodes;
      for (const Node& node : store_->GetNodes(id).value()) nodes[node.id] = node.state;
      EXPECT_EQ(nodes, model_.nodes[id]) << id;
      std::vector<std::string> details;
      int64_t sequence = 0;
      for (const Transition& step : store_->GetTransitions(id, 0, 10'000).value()) {
        EXPECT_EQ(step.sequence, ++sequence) << id;
        details.push_back(step.detail);
      }
      EXPECT_EQ(details, model_.history[id]) << id;
    }
  }

  std::string folder_;
  uint64_t seed_ = 0;
  std::mt19937_64 random_;
  Model model_;
  std::unique_ptr<Store> store_;
};

TEST_F(StoreRandomTest, EveryChangeHappensAsAWholeOrNotAtAll) {
  SCOPED_TRACE("PRETZEL_SEED=" + std::to_string(seed_));
  for (int number = 1; number <= kChanges && !HasFailure(); ++number) {
    ChangeByChance(number);
    if (Roll(100) == 0) Open();
    if (Roll(50) == 0) Compare();
  }
  Compare();
}

}  // namespace
}  // namespace dcp::store
