// SPDX-License-Identifier: Apache-2.0
//
// Tests of os/file: modes, limits, atomic replacement, removal that follows no link, locks.
#include "os/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace dcp::os {
namespace {

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "dcp_file_XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { ASSERT_TRUE(RemoveTree(root_).ok()); }
  std::string In(const std::string& name) const { return root_ + "/" + name; }
  static int ModeOf(const std::string& path) {
    struct stat info = {};
    return ::stat(path.c_str(), &info) == 0 ? static_cast<int>(info.st_mode & 07777) : -1;
  }
  std::string root_;
};

TEST_F(FileTest, WritesPrivatelyAndReadsBack) {
  const std::string content("a\0b\n", 4);
  ASSERT_TRUE(WriteFileAtomic(In("f"), content).ok());
  EXPECT_EQ(ModeOf(In("f")), 0600);
  EXPECT_EQ(ReadFile(In("f"), 4).value(), content);
  // Replacing takes the new mode, and leaves no temporary file.
  ASSERT_TRUE(WriteFileAtomic(In("f"), "second", 0640).ok());
  EXPECT_EQ(ModeOf(In("f")), 0640);
  EXPECT_EQ(ReadFile(In("f"), 100).value(), "second");
  EXPECT_EQ(ListDirectory(root_).value(), std::vector<std::string>{"f"});
}

TEST_F(FileTest, RefusesWhatIsLargerThanTheLimit) {
  ASSERT_TRUE(WriteFileAtomic(In("f"), "12345").ok());
  EXPECT_TRUE(ReadFile(In("f"), 5).ok());
  EXPECT_EQ(ReadFile(In("f"), 4).status().code(), Code::kResourceExhausted);
}

TEST_F(FileTest, ReadsFilesWithoutASize) {
  EXPECT_GT(ReadFile("/proc/self/stat", 4096).value().size(), 20u);
}

TEST_F(FileTest, SaysWhatIsWrong) {
  const Status missing = ReadFile(In("none"), 10).status();
  EXPECT_EQ(missing.code(), Code::kNotFound);
  EXPECT_NE(missing.message().find("/none"), std::string::npos);
  EXPECT_EQ(ReadFile(root_, 10).status().code(), Code::kInvalidArgument);
  EXPECT_FALSE(WriteFileAtomic(In("no/such/folder"), "x").ok());
  EXPECT_EQ(ListDirectory(In("none")).status().code(), Code::kNotFound);
}

TEST_F(FileTest, ReadingAPipeDoesNotHang) {
  ASSERT_EQ(::mkfifo(In("pipe").c_str(), 0600), 0);
  EXPECT_EQ(ReadFile(In("pipe"), 10).status().code(), Code::kInvalidArgument);
}

TEST_F(FileTest, MakesFoldersPrivately) {
  ASSERT_TRUE(MakeDirectories(In("a/b/c")).ok());
  ASSERT_TRUE(MakeDirectories(In("a/b/c/")).ok());
  EXPECT_EQ(ModeOf(In("a")), 0700);
  EXPECT_EQ(ModeOf(In("a/b/c")), 0700);
  ASSERT_TRUE(WriteFileAtomic(In("f"), "").ok());
  EXPECT_EQ(MakeDirectories(In("f")).code(), Code::kFailedPrecondition);
  EXPECT_FALSE(MakeDirectories(In("f/below")).ok());
}

TEST_F(FileTest, RemovesTreesWithoutFollowingLinks) {
  ASSERT_TRUE(MakeDirectories(In("keep")).ok());
  ASSERT_TRUE(WriteFileAtomic(In("keep/f"), "x").ok());
  ASSERT_TRUE(MakeDirectories(In("tree/deep/er")).ok());
  ASSERT_TRUE(WriteFileAtomic(In("tree/deep/f"), "x").ok());
  ASSERT_EQ(::symlink(In("keep").c_str(), In("tree/link").c_str()), 0);
  ASSERT_TRUE(RemoveTree(In("tree")).ok());
  EXPECT_FALSE(Exists(In("tree")));
  EXPECT_TRUE(Exists(In("keep/f")));
  EXPECT_TRUE(RemoveTree(In("tree")).ok());
  EXPECT_FALSE(RemoveTree("").ok());
  EXPECT_FALSE(RemoveTree("//").ok());
}

TEST_F(FileTest, LocksExcludeEachOther) {
  auto first = FileLock::Acquire(In("lock"));
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(FileLock::Acquire(In("lock")).status().code(), Code::kUnavailable);
  {
    const FileLock moved = std::move(*first);
    EXPECT_FALSE(FileLock::Acquire(In("lock")).ok());
  }
  EXPECT_TRUE(FileLock::Acquire(In("lock")).ok());
}

TEST_F(FileTest, MeasuresWhatWouldBeRemoved) {
  ASSERT_TRUE(MakeDirectories(In("tree/a/b")).ok());
  ASSERT_TRUE(WriteFileAtomic(In("tree/one"), "12345").ok());
  ASSERT_TRUE(WriteFileAtomic(In("tree/a/b/two"), "123").ok());
  ASSERT_TRUE(WriteFileAtomic(In("big"), std::string(1000, 'x')).ok());
  ASSERT_EQ(::symlink(In("big").c_str(), In("tree/link").c_str()), 0);
  ASSERT_EQ(::symlink(root_.c_str(), In("tree/loop").c_str()), 0);
  const TreeSize size = MeasureTree(In("tree")).value();
  EXPECT_EQ(size.files, 4);  // two files and two links, each as long as its text
  EXPECT_EQ(size.bytes, static_cast<int64_t>(8 + In("big").size() + root_.size()));
  EXPECT_EQ(MeasureTree(In("none"))->files, 0);
  EXPECT_TRUE(IsFolder(In("tree")));
  EXPECT_FALSE(IsFolder(In("tree/loop")));
  EXPECT_FALSE(IsFolder(In("tree/one")));
}

}  // namespace
}  // namespace dcp::os
