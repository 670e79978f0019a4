// SPDX-License-Identifier: Apache-2.0
#include "daemon/retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/jumping_clock.h"
#include "os/file.h"
#include "store/testing.h"

namespace dcp::daemon {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kForEver = int64_t{1} << 50;

class RetentionTest : public ::testing::Test {
 protected:
  RetentionTest() {
    std::string pattern = ::testing::TempDir() + "dcp_retention_XXXXXX";
    folder_ = mkdtemp(pattern.data());
    std::filesystem::create_directories(folder_ + "/jobs");
    store_ = store::OpenCounting(folder_ + "/state.db").value();
  }
  ~RetentionTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Ran(const std::string& id) {
    store::Run run;
    run.id = id;
    run.principal = "ada";
    ASSERT_TRUE(store_->CreateRun(run, {}, {}).ok());
    store::RunChange end;
    end.run = run;
    end.run->state = store::kSucceeded;
    end.run->finished_at = clock_.Wall();
    end.run->report_json = "{}";
    ASSERT_TRUE(store_->ChangeRun(id, end).ok());
  }
  std::string JobOf(const std::string& run_id) {
    const std::string job = folder_ + "/jobs/" + run_id + "/node.1";
    std::filesystem::create_directories(job);
    std::ofstream(job + "/output") << "words";
    return job;
  }
  RunRetention Keep(int64_t runs) {
    return {*store_,
            [this] { return clock_.Wall(); },
            folder_ + "/jobs",
            {kForEver, kForEver, runs, kForEver}};
  }
  size_t Left() { return store_->ListRuns({"ada", ""}, "", 1000).value().runs.size(); }

  JumpingClock clock_;
  std::string folder_;
  std::unique_ptr<store::Store> store_;
};

TEST_F(RetentionTest, TheOldestGoWithTheirJobFolders) {
  for (int i = 0; i < 120; ++i) Ran("r" + std::to_string(i));
  JobOf("r0");
  JobOf("r119");
  RunRetention retention = Keep(5);
  const auto said = retention.Collect({true, {}}).value();
  EXPECT_EQ(said.runs, 115);
  EXPECT_GT(said.bytes, 0);
  EXPECT_EQ(Left(), 120U) << "a dry run only says";

  const auto done = retention.Collect({}).value();
  EXPECT_EQ(done.runs, said.runs);
  EXPECT_EQ(done.bytes, said.bytes);
  EXPECT_THAT(done.failures, IsEmpty());
  EXPECT_EQ(Left(), 5U);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/jobs/r0"));
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/jobs/r119"));
  EXPECT_EQ(retention.Collect({}).value().runs, 0);
}

TEST_F(RetentionTest, ARunOfWhichAProcessLivesStaysAndHoldsUpNoOther) {
  for (int i = 0; i < 70; ++i) Ran("r" + std::to_string(i));
  // As a launcher does for as long as its job lives.
  const std::string job = JobOf("r0");
  const auto held = os::FileLock::Acquire(job + "/" + "lock");
  ASSERT_TRUE(held.ok()) << held.status().ToString();
  RunRetention retention = Keep(1);
  const auto report = retention.Collect({}).value();
  EXPECT_EQ(report.runs, 68) << "not the oldest, not the newest";
  ASSERT_EQ(report.failures.size(), 1U);
  EXPECT_THAT(report.failures[0], HasSubstr("r0"));
  EXPECT_TRUE(store_->GetRun("r0").ok());
  EXPECT_TRUE(std::filesystem::exists(job + "/output"));
}

TEST_F(RetentionTest, OneThatIsToldToStopLeavesTheRestToTheNext) {
  for (int i = 0; i < 120; ++i) Ran("r" + std::to_string(i));
  RunRetention retention = Keep(1);
  int asked = 0;
  const auto report = retention.Collect({false, [&] { return ++asked > 1; }}).value();
  EXPECT_EQ(report.runs, kRemoveAtOnce);
  EXPECT_EQ(Left(), 70U);
}

}  // namespace
}  // namespace dcp::daemon
