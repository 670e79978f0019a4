// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "store/errors.h"
#include "store/migrations.h"
#include "store/store.h"

namespace dcp::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class StoreOpenTest : public ::testing::Test {
 protected:
  StoreOpenTest() {
    std::string pattern = ::testing::TempDir() + "dcp_store_XXXXXX";
    folder_ = mkdtemp(pattern.data());
    path_ = folder_ + "/state.db";
  }
  ~StoreOpenTest() override { std::filesystem::remove_all(folder_); }

  void Execute(const std::string& statement) {
    soci::session sql(soci::sqlite3, path_);
    sql << statement;
  }

  std::string folder_;
  std::string path_;
};

TEST_F(StoreOpenTest, KeepsWhatWasWrittenAndItsFilesPrivate) {
  {
    auto store = Store::Open(path_);
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    ASSERT_TRUE(store.value()->PutFact("port", "18080").ok());
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      struct stat facts {};
      ASSERT_EQ(stat(entry.path().c_str(), &facts), 0);
      EXPECT_EQ(facts.st_mode & 0777U, 0600U) << entry.path();
    }
  }
  auto again = Store::Open(path_);
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(again.value()->GetFact("port").value(), "18080");
}

TEST_F(StoreOpenTest, AnUpgradeForgetsTheRunsOfPlaygroundsThatWereDeletedBefore) {
  {
    auto store = Store::Open(path_).value();
    for (const char* name : {"dead", "alive"}) {
      Playground playground;
      playground.name = name;
      ASSERT_TRUE(store->CreatePlayground(playground).ok());
      store::Run run;
      run.id = std::string("run-") + name;
      run.playground = name;
      run.generation = 1;
      Node node;
      node.id = "preview";
      ASSERT_TRUE(store->CreateRun(run, {node}, {}).ok());
      run.state = kSucceeded;
      run.report_json = "of production";
      node.response_json = "of production";
      RunChange change;
      change.run = run;
      change.nodes = {node};
      ASSERT_TRUE(store->ChangeRun(run.id, change).ok());
    }
    ASSERT_TRUE(store->SetPlaygroundState("dead", 1, kActive, kDeleted).ok());
  }
  Execute("DELETE FROM schema_migration WHERE version > 1");
  auto store = Store::Open(path_).value();
  EXPECT_EQ(store->GetRun("run-dead").value().report_json, "");
  EXPECT_EQ(store->GetNodes("run-dead").value().at(0).response_json, "");
  EXPECT_EQ(store->GetRun("run-dead").value().state, kSucceeded);
  EXPECT_EQ(store->GetRun("run-alive").value().report_json, "of production");
  EXPECT_EQ(store->GetNodes("run-alive").value().at(0).response_json, "of production");
}

TEST_F(StoreOpenTest, RefusesASecondDaemon) {
  auto first = Store::Open(path_);
  ASSERT_TRUE(first.ok());
  auto second = Store::Open(path_);
  EXPECT_EQ(second.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(second.status().message(), HasSubstr("another daemon"));
  first.value().reset();
  EXPECT_TRUE(Store::Open(path_).ok());
}

TEST_F(StoreOpenTest, RefusesANewerSchemaAndNamesBothVersions) {
  ASSERT_TRUE(Store::Open(path_).ok());
  Execute("INSERT INTO schema_migration (version, name, applied_at) VALUES (917, 'later', 1)");
  auto store = Store::Open(path_);
  EXPECT_EQ(store.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(store.status().message(), HasSubstr("version 917"));
  EXPECT_THAT(store.status().message(),
              HasSubstr("up to " + std::to_string(Migrations().back().version)));
}

TEST_F(StoreOpenTest, RefusesADatabaseOfAnotherProgram) {
  Execute("CREATE TABLE songs (title TEXT)");
  auto store = Store::Open(path_);
  EXPECT_EQ(store.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(store.status().message(), HasSubstr("another program"));
  EXPECT_FALSE(store.status().hint().empty());
}

TEST_F(StoreOpenTest, RefusesAFileThatIsNoDatabase) {
  std::ofstream(path_) << std::string(8192, 'x');
  auto store = Store::Open(path_);
  EXPECT_EQ(store.status().code(), Code::kDataLoss) << store.status().ToString();
  EXPECT_THAT(store.status().message(), HasSubstr(path_));
}

TEST_F(StoreOpenTest, RefusesADamagedDatabase) {
  {
    auto store = Store::Open(path_);
    ASSERT_TRUE(store.ok());
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(store.value()->PutFact("k" + std::to_string(i), std::string(500, 'v')).ok());
    }
  }
  const auto size = std::filesystem::file_size(path_);
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  for (std::streamoff at = 4096; at < static_cast<std::streamoff>(size); at += 4096) {
    file.seekp(at);
    file << std::string(64, '\xff');
  }
  file.close();
  auto store = Store::Open(path_);
  EXPECT_EQ(store.status().code(), Code::kDataLoss) << store.status().ToString();
}

TEST_F(StoreOpenTest, RefusesAFolderThatIsMissing) {
  auto store = Store::Open(folder_ + "/missing/state.db");
  EXPECT_EQ(store.status().code(), Code::kNotFound) << store.status().ToString();
}

TEST_F(StoreOpenTest, RefusesAFolderThatItCannotWrite) {
  // A folder that nobody can write, root included.
  auto store = Store::Open("/sys/state.db");
  EXPECT_EQ(store.status().code(), Code::kPermissionDenied) << store.status().ToString();
  EXPECT_THAT(store.status().message(), HasSubstr("/sys/state.db"));
  EXPECT_THAT(store.status().hint(), HasSubstr("write the state folder"));
}

TEST_F(StoreOpenTest, ARefusedDatabaseStaysAsItIs) {
  ASSERT_TRUE(Store::Open(path_).ok());
  Execute("INSERT INTO schema_migration (version, name, applied_at) VALUES (917, 'later', 1)");
  Execute("CREATE TABLE what_is_new (a TEXT)");
  EXPECT_FALSE(Store::Open(path_).ok());
  soci::session sql(soci::sqlite3, path_);
  int tables = 0;
  sql << "SELECT count(*) FROM sqlite_master WHERE name = 'what_is_new'", soci::into(tables);
  EXPECT_EQ(tables, 1);
}

TEST_F(StoreOpenTest, KeepsStatesToTheKnownOnes) {
  ASSERT_TRUE(Store::Open(path_).ok());
  EXPECT_THROW(Execute("INSERT INTO playground VALUES ('a', 1, 'o', '', '', 'HALF', 1, 2)"),
               soci::soci_error);
}

TEST(StoreErrorsTest, NamesNoBoundValue) {
  soci::session sql(soci::sqlite3, ":memory:");
  sql << "CREATE TABLE t (k TEXT PRIMARY KEY)";
  const std::string value = "hunter2";
  Status status;
  for (int i = 0; i < 2; ++i) {
    try {
      sql << "INSERT INTO t VALUES (:k)", soci::use(value, "k");
    } catch (...) {
      status = CurrentException("put");
    }
  }
  EXPECT_EQ(status.code(), Code::kAlreadyExists);
  EXPECT_THAT(status.message(), HasSubstr("UNIQUE"));
  EXPECT_THAT(status.ToString(), Not(HasSubstr("hunter2")));
}

TEST(StoreErrorsTest, TellsResultCodesApart) {
  EXPECT_EQ(FromSqlite(SQLITE_BUSY, "w", "t").code(), Code::kUnavailable);
  EXPECT_EQ(FromSqlite(SQLITE_FULL, "w", "t").code(), Code::kResourceExhausted);
  EXPECT_EQ(FromSqlite(SQLITE_READONLY, "w", "t").code(), Code::kFailedPrecondition);
  EXPECT_EQ(FromSqlite(SQLITE_CORRUPT, "w", "t").code(), Code::kDataLoss);
  EXPECT_EQ(FromSqlite(SQLITE_CONSTRAINT | (5 << 8), "w", "t").code(), Code::kAlreadyExists);
  EXPECT_EQ(FromSqlite(SQLITE_MISUSE, "w", "t").code(), Code::kInternal);
}

TEST(MigrationsTest, CutsAScriptAtLineEnds) {
  EXPECT_THAT(Statements("-- head; with one\nCREATE a\n (b);\n\nCREATE c;\n-- tail\n"),
              ElementsAre("-- head; with one\nCREATE a\n (b);", "\n\nCREATE c;"));
  EXPECT_TRUE(Statements("-- nothing\n\n").empty());
}

TEST(MigrationsTest, AreNumberedFromOne) {
  int expected = 1;
  for (const Migration& migration : Migrations()) EXPECT_EQ(migration.version, expected++);
  EXPECT_GT(expected, 1);
}

}  // namespace
}  // namespace dcp::store
