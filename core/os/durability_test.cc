// SPDX-License-Identifier: Apache-2.0
//
// What this room says is on disk is there after a power loss, as far as the order of calls can
// tell.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "os/file.h"
#include "os/job.h"
#include "os/testing/durability_trace.h"
#include "os/untrusted_folder.h"

namespace dcp::os {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DurabilityTest : public ::testing::Test {
 protected:
  DurabilityTest() {
    std::string name = ::testing::TempDir() + "dcp_durable_XXXXXX";
    root_ = ::mkdtemp(name.data());
  }
  ~DurabilityTest() override { EXPECT_TRUE(RemoveTree(root_).ok()); }
  std::string root_;
};

TEST_F(DurabilityTest, AFileThatIsWrittenOrMovedStaysWithItsFolders) {
  const DurabilityTrace trace;
  ASSERT_TRUE(MakeDirectories(root_ + "/a/b/c").ok());
  ASSERT_TRUE(WriteFileAtomic(root_ + "/a/b/c/one", "1").ok());
  std::ofstream(root_ + "/incoming") << "somebody's";
  ASSERT_TRUE(MoveIntoPlace(root_ + "/incoming", root_ + "/a/two").ok());
  EXPECT_THAT(trace.Losses(), IsEmpty());
  EXPECT_EQ(trace.renames(), 2U);
}

TEST_F(DurabilityTest, AJobsFilesStayBeforeItIsLaunched) {
  const std::string job = root_ + "/jobs/r1/a.run";
  const DurabilityTrace trace;
  ASSERT_TRUE(MakeDirectories(job).ok());
  const auto folder = UntrustedFolder::Open(job, kJobFolderLevels);
  ASSERT_TRUE(folder.ok()) << folder.status().ToString();
  ASSERT_TRUE(folder->Write("conf/spark.properties", "a").ok());
  ASSERT_TRUE(folder->Write("process.json", "{}").ok());
  EXPECT_THAT(trace.Losses(), IsEmpty());
  EXPECT_EQ(trace.renames(), 2U);
}

/// The trace itself sees what it is for.
TEST_F(DurabilityTest, TheTraceSeesALoss) {
  const DurabilityTrace trace;
  ASSERT_EQ(::mkdir((root_ + "/a").c_str(), 0700), 0);
  std::ofstream(root_ + "/file") << "1";
  ASSERT_EQ(::rename((root_ + "/file").c_str(), (root_ + "/a/file").c_str()), 0);
  const auto losses = trace.Losses();
  ASSERT_EQ(losses.size(), 4U);
  EXPECT_THAT(losses[0], HasSubstr("bytes of " + root_ + "/a/file may be lost"));
  EXPECT_THAT(losses[1], HasSubstr("a name in " + root_ + " may be lost when"));
}

}  // namespace
}  // namespace dcp::os
