// SPDX-License-Identifier: Apache-2.0
//
// Lists in pages, what a run leaves once it has ended, and what retention gives up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <unistd.h>

#include <filesystem>

#include "store/store.h"

namespace dcp::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class StorePagesTest : public ::testing::Test {
 protected:
  StorePagesTest() {
    std::string pattern = ::testing::TempDir() + "dcp_store_XXXXXX";
    folder_ = mkdtemp(pattern.data());
    store_ = Store::Open(folder_ + "/state.db").value();
  }
  ~StorePagesTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Start(const std::string& id, const std::string& principal = "ada",
             const std::string& playground = "pg") {
    store::Run run;
    run.id = id;
    run.principal = principal;
    run.playground = playground;
    run.generation = 1;
    run.command = "test";
    Node node;
    node.id = "compile";
    node.title = "compile it";
    node.request_json = R"({"manifest":"long"})";
    ASSERT_TRUE(store_->CreateRun(run, {node}, {{id, 0, "compile", 1, "", kPending, ""}}).ok());
  }
  void End(const std::string& id, WallMillis at, const std::string& report = "{}",
           const std::string& needs_files = "", const std::string& error = "") {
    RunChange change;
    change.run = store_->GetRun(id).value();
    change.run->state = kSucceeded;
    change.run->finished_at = at;
    change.run->report_json = report;
    change.run->needs_files_json = needs_files;
    change.run->error_json = error;
    ASSERT_TRUE(store_->ChangeRun(id, change).ok());
  }
  static std::string Ids(const std::vector<RunSummary>& runs) {
    std::string ids;
    for (const RunSummary& run : runs) ids += run.id + " ";
    return ids;
  }
  std::string Beyond(const Retention& retention, WallMillis now, int limit = 100) {
    std::string ids;
    const auto found = store_->RunsBeyond(retention, now, limit).value();
    for (const RunBrief& run : found) ids += run.id + " ";
    return ids;
  }
  int64_t Count(const std::string& table) {
    soci::session sql(soci::sqlite3, folder_ + "/state.db");
    int64_t count = 0;
    sql << "SELECT count(*) FROM " + table, soci::into(count);
    return count;
  }

  static constexpr int64_t kMuch = int64_t{1} << 40;
  std::string folder_;
  std::unique_ptr<Store> store_;
};

TEST_F(StorePagesTest, EachFilterIsPagedToItsEnd) {
  for (int i = 1; i <= 7; ++i) {
    Start("a" + std::to_string(i), "ada", i % 2 == 0 ? "pg" : "other");
    Start("b" + std::to_string(i), "bob", "pg");
  }
  const std::map<std::string, RunFilter> filters = {
      {"b7 a7 b6 a6 b5 a5 b4 a4 b3 a3 b2 a2 b1 a1 ", {}},
      {"a7 a6 a5 a4 a3 a2 a1 ", {"ada", ""}},
      {"b7 b6 a6 b5 b4 a4 b3 b2 a2 b1 ", {"", "pg"}},
      {"a6 a4 a2 ", {"ada", "pg"}},
      {"", {"ada", "nowhere"}},
  };
  for (const auto& [expected, filter] : filters) {
    for (const int limit : {1, 3, 100}) {
      std::string ids;
      std::string before;
      int pages = 0;
      do {
        const auto page = store_->ListRuns(filter, before, limit).value();
        EXPECT_LE(page.runs.size(), static_cast<size_t>(limit));
        ids += Ids(page.runs);
        before = page.next;
      } while (!before.empty() && ++pages < 50);
      EXPECT_EQ(ids, expected) << limit;
    }
  }
}

TEST_F(StorePagesTest, APageEndsWhereItsBytesDo) {
  const std::string long_error(kRunPageBytes / 3, 'x');
  for (const char* id : {"r1", "r2", "r3", "r4"}) {
    Start(id);
    End(id, 1, "{}", "", long_error);
  }
  auto page = store_->ListRuns({"ada", ""}, "", 100).value();
  EXPECT_EQ(Ids(page.runs), "r4 r3 ");
  page = store_->ListRuns({"ada", ""}, page.next, 100).value();
  EXPECT_EQ(Ids(page.runs), "r2 r1 ");
  EXPECT_EQ(page.next, "");

  EXPECT_EQ(store_->ListRuns({"ada", ""}, "r9", 9).status().code(), Code::kNotFound);

  Start("huge");
  End("huge", 1, "{}", "", std::string(2 * kRunPageBytes, 'x'));
  page = store_->ListRuns({"ada", ""}, "", 100).value();
  EXPECT_EQ(Ids(page.runs), "huge ") << "a list must get past it";
  EXPECT_EQ(Ids(store_->ListRuns({"ada", ""}, page.next, 1).value().runs), "r4 ");
}

TEST_F(StorePagesTest, RunsThatAskedForFilesAreNotListed) {
  Start("asked");
  End("asked", 1, "", R"(["q.sql"])");
  Start("ran");
  EXPECT_EQ(Ids(store_->ListRuns({"ada", "pg"}, "", 10).value().runs), "ran ");
  EXPECT_EQ(store_->GetRun("asked").value().needs_files_json, R"(["q.sql"])");
}

TEST_F(StorePagesTest, AnEmptyBodyInAChangeIsAsItWas) {
  Start("r");
  RunChange change;
  change.run = store_->GetRun("r").value();
  change.run->report_json = "{}";
  Node node;
  node.id = "compile";
  node.response_json = "[1]";
  change.nodes = {node};
  ASSERT_TRUE(store_->ChangeRun("r", change).ok());
  change.run->report_json = "";
  change.nodes[0].response_json = "";
  ASSERT_TRUE(store_->ChangeRun("r", change).ok());
  EXPECT_EQ(store_->GetRun("r").value().report_json, "{}");
  const Node stored = store_->GetNodes("r").value().at(0);
  EXPECT_EQ(stored.request_json, R"({"manifest":"long"})");
  EXPECT_EQ(stored.response_json, "[1]");
}

TEST_F(StorePagesTest, NodesLoseTheirBodiesWithTheRunsEnd) {
  Start("r");
  EXPECT_EQ(Count("node_body"), 1);
  End("r", 1);
  EXPECT_EQ(Count("node_body"), 0);
  EXPECT_EQ(store_->GetNodes("r").value().at(0).request_json, "");
  EXPECT_EQ(store_->GetNodeSummary("r", "compile").value().title, "compile it");
  EXPECT_EQ(store_->GetNodeSummary("r", "other").status().code(), Code::kNotFound);
  EXPECT_EQ(store_->GetRun("r").value().report_json, "{}");
}

TEST_F(StorePagesTest, HistoryComesInPiecesWithTitles) {
  Start("r");
  RunChange change;
  for (int i = 0; i < 5; ++i) change.transitions.push_back({"", 0, "", i, "", kRunning, ""});
  ASSERT_TRUE(store_->ChangeRun("r", change).ok());
  const auto first = store_->GetTransitions("r", 0, 2).value();
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].title, "compile it");
  EXPECT_EQ(first[1].title, "") << "about the run itself";
  EXPECT_EQ(store_->GetTransitions("r", 2, 100).value().size(), 4U);
}

TEST_F(StorePagesTest, RetentionGoesByAgeCountAndBytes) {
  for (int i = 1; i <= 4; ++i) {
    const std::string number = std::to_string(i);
    Start("a" + number, "ada");
    End("a" + number, i * 1000, std::string(10'000, 'x'));
    Start("b" + number, "bob");
    End("b" + number, i * 1000);
  }
  Start("open", "ada");
  Start("asked", "bob");
  End("asked", 4000, "", R"(["q.sql"])");
  EXPECT_EQ(Beyond({kMuch, kMuch, kMuch, kMuch}, 9000), "");
  EXPECT_EQ(Beyond({6500, kMuch, kMuch, kMuch}, 9000), "a1 b1 a2 b2 ");
  EXPECT_EQ(Beyond({6500, kMuch, kMuch, kMuch}, 9000, 3), "a1 b1 a2 ");
  EXPECT_EQ(Beyond({kMuch, 1000, kMuch, kMuch}, 9000), "asked ");
  EXPECT_EQ(Beyond({kMuch, kMuch, 3, kMuch}, 9000), "a1 b1 b2 ");
  EXPECT_EQ(Beyond({kMuch, kMuch, kMuch, 25'000}, 9000), "a1 a2 ");
}

TEST_F(StorePagesTest, ARemovedRunLeavesNothing) {
  Start("r1", "ada");
  Start("r2", "ada");
  End("r1", 1);
  EXPECT_EQ(store_->RemoveRuns({"r1", "r2"}).code(), Code::kFailedPrecondition);
  EXPECT_TRUE(store_->GetRun("r1").ok()) << "none, or all";
  End("r2", 2);
  ASSERT_TRUE(store_->RemoveRuns({"r1", "r2"}).ok());
  EXPECT_TRUE(store_->RemoveRuns({"r1"}).ok()) << "it can be repeated";
  for (const char* table : {"run", "node", "run_transition", "run_body", "node_body"}) {
    EXPECT_EQ(Count(table), 0) << table;
  }
  Start("r3", "ada");
  End("r3", 3);
  EXPECT_EQ(Beyond({kMuch, kMuch, 1, kMuch}, 9), "") << "those that went count no more";
}

TEST_F(StorePagesTest, WhatADeletedPlaygroundForgetsCountsNoMore) {
  Start("r1", "ada");
  End("r1", 1, std::string(50'000, 'x'));
  EXPECT_EQ(Beyond({kMuch, kMuch, kMuch, 20'000}, 9), "r1 ");
  ASSERT_TRUE(store_->ForgetRuns("pg", 1).ok());
  EXPECT_EQ(Beyond({kMuch, kMuch, kMuch, 20'000}, 9), "");
}

}  // namespace
}  // namespace dcp::store
