// SPDX-License-Identifier: Apache-2.0
//
// Against the kernel's own groups where this process may make some, and against folders of the same
// shape for what an unprivileged machine lacks.
#include "os/control_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace dcp::os {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class ControlGroupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "dcp_group_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { fs::remove_all(root_); }
  void Put(const std::string& name, const std::string& text) {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }
  std::string Text(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string WhyNot(const std::string& own) {
    const auto got = PrepareGroups({root_.string(), own});
    EXPECT_EQ(got.status().code(), Code::kUnavailable) << got.status().ToString();
    return got.ok() ? "" : got.status().message();
  }

  fs::path root_;
};

TEST_F(ControlGroupTest, WhyThereIsNoneIsSaid) {
  EXPECT_THAT(WhyNot("/nowhere"), HasSubstr("cannot be read"));
  Put("a/cgroup.controllers", "cpu memory\n");
  EXPECT_THAT(WhyNot("/a"), HasSubstr("has no controller \"pids\""));
  Put("a/cgroup.controllers", "cpu memory pids\n");
  EXPECT_THAT(WhyNot("/a"), HasSubstr("is not delegated"));
  EXPECT_FALSE(fs::exists(root_ / "a" / "pretzel-daemon"));
}

TEST_F(ControlGroupTest, LimitsAreWrittenBeforeAnybodyIsInside) {
  // A folder makes no files by itself: the group's must be there for the kernel's part.
  EXPECT_EQ(ControlGroup::Make(root_.string(), {int64_t{1} << 30, 0}).status().code(),
            Code::kNotFound);
}

/// Real groups: of the one that this process is in, where it may make some.
TEST_F(ControlGroupTest, KillsAndRemovesWhateverWasStartedInside) {
  const auto place = FindGroupPlace();
  if (!place.ok()) {
    EXPECT_EQ(place.status().code(), Code::kUnavailable);
    return;
  }
  const std::string parent = place->mount + (place->own == "/" ? "" : place->own);
  auto group = ControlGroup::Make(parent, {});
  if (!group.ok()) {
    EXPECT_NE(access(parent.c_str(), W_OK), 0) << group.status().ToString();
    return;
  }
  const std::string path = (*group)->path();
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    char byte = 0;
    (void)!read(ends[0], &byte, 1);
    if (fork() == 0) setsid();  // out of its parent's reach
    for (;;) pause();
  }
  ASSERT_TRUE((*group)->Admit(child).ok());
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  EXPECT_THAT(Text(path + "/cgroup.procs"), HasSubstr(std::to_string(child)));
  ASSERT_TRUE((*group)->Kill());
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  group = Unavailable("gone");
  EXPECT_FALSE(fs::exists(path));
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace dcp::os
