// SPDX-License-Identifier: Apache-2.0
//
// What a job could put into its folder to have the daemon read or write something else.
#include "os/untrusted_folder.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <fstream>

#include "os/file.h"
#include "os/job.h"
#include "os/service.h"

namespace dcp::os {
namespace {

class UntrustedFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "dcp_untrusted_XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    job_ = root_ + "/jobs/r1/a.run";
    ASSERT_TRUE(MakeDirectories(job_).ok());
    ASSERT_TRUE(MakeDirectories(root_ + "/outside").ok());
    ASSERT_TRUE(WriteFileAtomic(Outside(), "secret").ok());
  }
  void TearDown() override { ASSERT_TRUE(RemoveTree(root_).ok()); }

  std::string Outside() const { return root_ + "/outside/secret"; }
  void Link(const std::string& to, const std::string& at) {
    ASSERT_EQ(::symlink(to.c_str(), at.c_str()), 0) << at;
  }
  Result<std::string> Read(const std::string& name) {
    DCP_ASSIGN(const auto folder, UntrustedFolder::Open(job_, kJobFolderLevels));
    return folder.Read(name, 100);
  }
  Status Write(const std::string& name) {
    DCP_ASSIGN(const auto folder, UntrustedFolder::Open(job_, kJobFolderLevels));
    return folder.Write(name, "written");
  }
  void ExpectRefused(const std::string& name) {
    const auto read = Read(name);
    EXPECT_EQ(read.status().code(), Code::kInvalidArgument) << name << read.status().ToString();
    EXPECT_NE(read.status().message().find("refused " + job_), std::string::npos)
        << read.status().ToString();
  }

  std::string root_;
  std::string job_;
};

TEST_F(UntrustedFolderTest, ReadsAndWritesWhatIsItsOwn) {
  ASSERT_TRUE(Write("f").ok());
  ASSERT_TRUE(Write("conf/deep/g").ok());
  EXPECT_EQ(Read("f").value(), "written");
  EXPECT_EQ(Read("conf/deep/g").value(), "written");
  struct stat info = {};
  ASSERT_EQ(::stat((job_ + "/conf/deep/g").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(Read("none").status().code(), Code::kNotFound);
  const auto folder = UntrustedFolder::Open(job_, kJobFolderLevels);
  EXPECT_EQ(folder->Read("f", 6).status().code(), Code::kResourceExhausted);
  EXPECT_EQ(folder->Read("f", 7).value(), "written");
  EXPECT_EQ(folder->ReadRange("f", 3, 2).value(), "tt");
  EXPECT_EQ(folder->ReadRange("f", -3, 100).value(), "ten");
  EXPECT_EQ(folder->ReadRange("f", -50, 2).value(), "wr");
  EXPECT_EQ(folder->ReadRange("f", 50, 2).value(), "");
}

TEST_F(UntrustedFolderTest, ReadsNothingThatLiesElsewhere) {
  Link(Outside(), job_ + "/link");
  Link("../../../outside/secret", job_ + "/relative");
  Link("link", job_ + "/twice");
  Link(root_ + "/outside", job_ + "/folder");
  ASSERT_EQ(::link(Outside().c_str(), (job_ + "/hard").c_str()), 0);
  for (const char* name : {"link", "relative", "twice", "folder/secret", "hard", "", ".", "..",
                           "../a.run/link", "/etc/passwd", "a//b", "folder/"}) {
    ExpectRefused(name);
  }
  EXPECT_EQ(Read("hard").status().message().find("secret\n"), std::string::npos);
}

TEST_F(UntrustedFolderTest, WaitsForNothingThatIsNoFile) {
  ASSERT_EQ(::mkfifo((job_ + "/fifo").c_str(), 0600), 0);
  ASSERT_EQ(::mkdir((job_ + "/folder").c_str(), 0700), 0);
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (job_ + "/socket").c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(listener);
  for (const char* name : {"fifo", "folder", "socket"}) ExpectRefused(name);
}

TEST_F(UntrustedFolderTest, WritesNothingThatLiesElsewhere) {
  Link(Outside(), job_ + "/link");
  Link(root_ + "/outside", job_ + "/folder");
  EXPECT_TRUE(Write("link").ok());  // in the link's place
  EXPECT_EQ(Write("folder/secret").code(), Code::kInvalidArgument);
  EXPECT_EQ(Write("../../../outside/secret").code(), Code::kInvalidArgument);
  EXPECT_EQ(ReadFile(Outside(), 100).value(), "secret");
  EXPECT_EQ(Read("link").value(), "written");
}

TEST_F(UntrustedFolderTest, AFolderThatWasReplacedIsNotEntered) {
  ASSERT_TRUE(MakeDirectories(root_ + "/outside/a.run").ok());
  ASSERT_TRUE(WriteFileAtomic(root_ + "/outside/a.run/launched", "x").ok());
  for (const std::string& replaced : {job_, root_ + "/jobs/r1"}) {
    ASSERT_TRUE(RemoveTree(replaced).ok());
    Link(replaced == job_ ? root_ + "/outside" : root_ + "/outside", replaced);
    EXPECT_EQ(UntrustedFolder::Open(job_, kJobFolderLevels).status().code(),
              Code::kInvalidArgument);
    EXPECT_EQ(ReadJobState(job_).status().code(), Code::kInvalidArgument);
    ASSERT_EQ(::unlink(replaced.c_str()), 0);
    ASSERT_TRUE(MakeDirectories(job_).ok());
  }
  // What is above may be an operator's link.
  Link(root_ + "/jobs", root_ + "/state");
  EXPECT_TRUE(UntrustedFolder::Open(root_ + "/state/r1/a.run", kJobFolderLevels).ok());
  EXPECT_EQ(UntrustedFolder::Open("a", 2).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(UntrustedFolder::Open(root_ + "/../x", 2).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(UntrustedFolder::Open(root_ + "/none", 1).status().code(), Code::kNotFound);
}

TEST_F(UntrustedFolderTest, TheFolderThatWasOpenedIsTheOneThatIsWritten) {
  const auto folder = UntrustedFolder::Open(job_, kJobFolderLevels);
  ASSERT_EQ(::rename(job_.c_str(), (root_ + "/moved").c_str()), 0);
  Link(root_ + "/outside", job_);
  EXPECT_TRUE(folder->Write("exit", "code 0\n").ok());
  EXPECT_TRUE(Exists(root_ + "/moved/exit"));
  EXPECT_FALSE(Exists(root_ + "/outside/exit"));
}

TEST_F(UntrustedFolderTest, RemovesLinksAndNotWhatTheyLeadTo) {
  Link(root_ + "/outside", job_ + "/folder");
  Link(Outside(), job_ + "/link");
  ASSERT_TRUE(Write("stdout").ok());
  ASSERT_TRUE(Write("deep/file").ok());
  ASSERT_TRUE(UntrustedFolder::Open(job_, kJobFolderLevels)->RemoveAllBut({"stdout"}).ok());
  EXPECT_EQ(ListDirectory(job_).value(), std::vector<std::string>{"stdout"});
  EXPECT_EQ(ReadFile(Outside(), 100).value(), "secret");
}

TEST_F(UntrustedFolderTest, AServiceCannotShowAnotherFileAsItsLog) {
  const std::string log = root_ + "/outside/service.log";
  std::ofstream(log) << "port in use";
  EXPECT_NE(ServiceLogTail(log, 0).find("port in use"), std::string::npos);
  ASSERT_EQ(::unlink(log.c_str()), 0);
  Link(Outside(), log);
  EXPECT_EQ(ServiceLogTail(log, 0).find("secret"), std::string::npos);
  ASSERT_EQ(::unlink(log.c_str()), 0);
  ASSERT_EQ(::mkfifo(log.c_str(), 0600), 0);
  EXPECT_EQ(ServiceLogTail(log, 0), "");
}

}  // namespace
}  // namespace dcp::os
