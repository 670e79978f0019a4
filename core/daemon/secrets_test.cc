// SPDX-License-Identifier: Apache-2.0
#include "daemon/secrets.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <string>

#include "os/file.h"

namespace dcp::daemon {
namespace {

class SecretsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "dcp-secrets-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { ASSERT_TRUE(os::RemoveTree(directory_).ok()); }
  std::string directory_;
};

TEST_F(SecretsTest, IsMadeOnceAndKept) {
  const auto first = LoadOrCreateSecret(directory_ + "/secrets", "spark");
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  EXPECT_EQ(first->Reveal().size(), 64U);
  const auto second = LoadOrCreateSecret(directory_ + "/secrets", "spark");
  ASSERT_TRUE(second.ok());
  EXPECT_TRUE(second->Equals(first->Reveal()));
  struct stat info {};
  ASSERT_EQ(stat((directory_ + "/secrets/spark").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(SecretsTest, OneThatOthersMayReadIsRefused) {
  ASSERT_TRUE(os::WriteFileAtomic(directory_ + "/open", std::string(64, 'a'), 0644).ok());
  const Status status = LoadOrCreateSecret(directory_, "open").status();
  EXPECT_EQ(status.code(), Code::kPermissionDenied);
  EXPECT_EQ(status.ToString().find("aaaa"), std::string::npos);
}

TEST_F(SecretsTest, OneThatIsTooShortIsRefused) {
  ASSERT_TRUE(os::WriteFileAtomic(directory_ + "/short", std::string(31, 'a') + "\n", 0600).ok());
  EXPECT_EQ(LoadOrCreateSecret(directory_, "short").status().code(), Code::kFailedPrecondition);
  ASSERT_TRUE(os::WriteFileAtomic(directory_ + "/enough", std::string(32, 'a') + "\n", 0600).ok());
  EXPECT_TRUE(LoadOrCreateSecret(directory_, "enough").ok());
}

}  // namespace
}  // namespace dcp::daemon
