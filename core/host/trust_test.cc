// SPDX-License-Identifier: Apache-2.0
#include "host/trust.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace dcp::host {
namespace {

using ::testing::HasSubstr;

class TrustTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(below_);
    std::ofstream(file_) << "x";
    Mode(root_, 0755);
    Mode(below_, 0755);
    Mode(file_, 0644);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  static void Mode(const std::string& path, mode_t mode) {
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
  }

  const std::string root_ = ::testing::TempDir() + "dcp_trust_" + std::to_string(getpid());
  const std::string below_ = root_ + "/below";
  const std::string file_ = below_ + "/a.so";
};

TEST_F(TrustTest, WhatOnlyItsOwnerWritesIsTrusted) { EXPECT_TRUE(CheckTrusted(file_).ok()); }

TEST_F(TrustTest, EachFolderAboveCounts) {
  Mode(root_, 0777);
  const Status open = CheckTrusted(file_);
  EXPECT_EQ(open.code(), Code::kPermissionDenied);
  EXPECT_THAT(open.message(), HasSubstr(root_ + " can be written by everybody"));
  EXPECT_EQ(open.hint(), "chmod o-w " + std::filesystem::canonical(root_).string());
  Mode(root_, 01777);
  EXPECT_TRUE(CheckTrusted(file_).ok()) << "in a sticky folder only owners replace what is theirs";
}

TEST_F(TrustTest, AGroupOfOthersCounts) {
  Mode(file_, 0664);
  constexpr gid_t kNobodys = 54321;
  if (chown(file_.c_str(), static_cast<uid_t>(-1), kNobodys) != 0) {
    GTEST_SKIP() << "only root may give a file to another group";
  }
  EXPECT_THAT(CheckTrusted(file_).message(), HasSubstr("can be written by the group 54321"));
}

TEST_F(TrustTest, AnotherOwnerCounts) {
  constexpr uid_t kNobody = 54321;
  if (chown(below_.c_str(), kNobody, static_cast<gid_t>(-1)) != 0) {
    GTEST_SKIP() << "only root may give a folder to another user";
  }
  EXPECT_THAT(CheckTrusted(file_).message(), HasSubstr(below_ + " belongs to user 54321"));
}

TEST_F(TrustTest, ALinkIsAsGoodAsWhereItLeads) {
  const std::string link = root_ + "/link.so";
  std::filesystem::create_symlink(file_, link);
  EXPECT_TRUE(CheckTrusted(link).ok());
  Mode(below_, 0777);
  EXPECT_FALSE(CheckTrusted(link).ok());
  EXPECT_EQ(CheckTrusted(root_ + "/none").code(), Code::kNotFound);
}

}  // namespace
}  // namespace dcp::host
