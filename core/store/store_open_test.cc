// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>

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

/// A database as the first schema had it: two playgrounds, one of them deleted, each with a run
/// that has ended and one that has not.
void MakeFirstSchema(const std::string& path) {
  soci::session sql(soci::sqlite3, path);
  for (const std::string_view statement : Statements(Migrations().front().sql)) {
    sql << std::string(statement);
  }
  sql << "CREATE TABLE schema_migration (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, "
         "applied_at BIGINT NOT NULL)";
  sql << "INSERT INTO schema_migration VALUES (1, '0001_initial.sql', 1)";
  for (const std::string name : {"dead", "alive"}) {
    sql << "INSERT INTO playground VALUES ('" + name + "', 1, 'ada', '', '', '" +
               (name == "dead" ? "DELETED" : "ACTIVE") + "', 1, 2)";
    for (const std::string state : {"SUCCEEDED", "RUNNING"}) {
      const std::string id = (state == "RUNNING" ? "open-" : "run-") + name;
      const std::string ordinal =
          std::to_string((name == "dead" ? 1 : 3) + (state == "RUNNING" ? 1 : 0));
      sql << "INSERT INTO run VALUES ('" + id + "', " + ordinal + ", '" + name +
                 "', 1, 'preview', 'ada', '', '', '', '" + state +
                 "', 0, 1, 2, 'report of production', '', '')";
      sql << "INSERT INTO node VALUES ('" + id +
                 "', 'preview', 0, 0, 'c', 'm', '', 'a title', '', 0, 0, 'the request', '" + state +
                 "', 1, 1, 2, 'response of production', '', '', '')";
      sql << "INSERT INTO run_transition VALUES ('" + id + "', 1, 'preview', 1, '', 'PENDING', '')";
    }
  }
}

TEST_F(StoreOpenTest, AnUpgradeKeepsWhatIsStillOfUse) {
  MakeFirstSchema(path_);
  auto store = Store::Open(path_).value();
  EXPECT_EQ(store->GetRun("run-dead").value().report_json, "");
  EXPECT_EQ(store->GetRun("run-dead").value().state, kSucceeded);
  EXPECT_EQ(store->GetRun("run-alive").value().report_json, "report of production");
  const Node ended = store->GetNodes("run-alive").value().at(0);
  EXPECT_EQ(ended.request_json + ended.response_json, "") << "bodies go with the run's end";
  EXPECT_EQ(ended.title, "a title");
  const Node open = store->GetNodes("open-alive").value().at(0);
  EXPECT_EQ(open.request_json, "the request");
  EXPECT_EQ(open.response_json, "response of production");
  EXPECT_EQ(store->UnfinishedRuns().value().size(), 2U);
  EXPECT_EQ(store->GetTransitions("run-alive", 0, 9).value().at(0).title, "a title");
  // Two have ended, which is one too many.
  EXPECT_EQ(store->RunsBeyond({1000, 1000, 1, 1 << 20}, 3, 9).value().at(0).id, "run-dead");
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

TEST_F(StoreOpenTest, AfterAnUncleanEndADamageIsFoundWhileItServes) {
  const std::string copy = folder_ + "/copy.db";
  {
    auto store = Store::Open(path_).value();
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(store->PutFact("k" + std::to_string(i), std::string(500, 'v')).ok());
    }
    // As a machine that loses its power leaves it: with the log.
    std::filesystem::copy_file(path_, copy);
    std::filesystem::copy_file(path_ + "-wal", copy + "-wal");
  }
  ASSERT_GT(std::filesystem::file_size(copy + "-wal"), 0U);
  const auto open = [&](const std::string& path) {
    std::promise<Status> said;
    auto store = Store::Open(path, [&](const Status& status) { said.set_value(status); });
    EXPECT_TRUE(store.ok()) << store.status().ToString();
    auto answer = said.get_future();
    const bool damaged = answer.wait_for(std::chrono::seconds(5)) == std::future_status::ready;
    return damaged ? answer.get() : Status::Ok();
  };
  // The free list's length in the header says that there are pages which are not there.
  std::filesystem::copy_file(path_, folder_ + "/damaged.db");
  std::fstream file(folder_ + "/damaged.db", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(36);
  file << std::string("\0\0\0\7", 4);
  file.close();
  std::ofstream(folder_ + "/damaged.db-wal") << "not a log, and not empty";
  const Status found = open(folder_ + "/damaged.db");
  EXPECT_EQ(found.code(), Code::kDataLoss) << found.ToString();
  EXPECT_THAT(found.message(), HasSubstr("damaged.db"));
  auto again = Store::Open(copy, [](const Status& status) { ADD_FAILURE() << status.ToString(); });
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again.value()->PutFact("it", "serves").ok());
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
