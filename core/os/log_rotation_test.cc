// SPDX-License-Identifier: Apache-2.0
#include "os/log_rotation.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace dcp::os {
namespace {

class LogRotationTest : public ::testing::Test {
 protected:
  LogRotationTest() {
    std::string pattern = ::testing::TempDir() + "dcp_log_XXXXXX";
    folder_ = mkdtemp(pattern.data());
    path_ = folder_ + "/a.log";
  }
  ~LogRotationTest() override { std::filesystem::remove_all(folder_); }

  static std::string Read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string folder_;
  std::string path_;
};

TEST_F(LogRotationTest, EmptiesALargeLogUnderItsWriter) {
  const int writer = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ASSERT_GE(writer, 0);
  const std::string first(100, 'a');
  ASSERT_EQ(::write(writer, first.data(), first.size()), 100);
  EXPECT_FALSE(RotateLog(path_, 100).value());
  ASSERT_EQ(::write(writer, "b", 1), 1);
  EXPECT_TRUE(RotateLog(path_, 100).value());
  EXPECT_EQ(Read(path_ + ".1"), first + "b");
  ASSERT_EQ(::write(writer, "c", 1), 1);
  EXPECT_EQ(Read(path_), "c") << "no hole where the old lines were";
  ASSERT_EQ(::write(writer, first.data(), first.size()), 100);
  EXPECT_TRUE(RotateLog(path_, 100).value());
  EXPECT_EQ(Read(path_ + ".1"), "c" + first);
  ::close(writer);
}

TEST_F(LogRotationTest, OfAFloodTheEndIsKept) {
  std::ofstream(path_) << std::string(1000, 'a') << std::string(50, 'z');
  EXPECT_TRUE(RotateLog(path_, 100).value());
  EXPECT_EQ(Read(path_ + ".1"), std::string(150, 'a') + std::string(50, 'z'));
}

TEST_F(LogRotationTest, FollowsNoLink) {
  std::ofstream(folder_ + "/secret") << std::string(1000, 's');
  std::filesystem::create_symlink(folder_ + "/secret", path_);
  EXPECT_FALSE(RotateLog(path_, 100).ok());
  EXPECT_EQ(std::filesystem::file_size(folder_ + "/secret"), 1000U);
  std::filesystem::remove(path_);
  std::ofstream(path_) << std::string(1000, 'l');
  std::filesystem::create_symlink(folder_ + "/secret", path_ + ".1.new");
  EXPECT_TRUE(RotateLog(path_, 100).value());
  EXPECT_EQ(Read(folder_ + "/secret"), std::string(1000, 's'));
  EXPECT_FALSE(RotateLog(folder_, 100).ok());
  EXPECT_FALSE(RotateLog(folder_ + "/missing", 100).ok());
}

TEST_F(LogRotationTest, KnowsWhereItsOwnLogIs) {
  const int before = ::dup(STDERR_FILENO);
  const auto with = [&](int flags) {
    const int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | flags, 0600);
    ::dup2(file, STDERR_FILENO);
    ::close(file);
    const std::string found = OwnLogFile();
    ::dup2(before, STDERR_FILENO);
    return found;
  };
  EXPECT_EQ(with(O_APPEND), path_);
  EXPECT_EQ(with(0), "") << "written at an offset";
  ::close(before);
}

}  // namespace
}  // namespace dcp::os
