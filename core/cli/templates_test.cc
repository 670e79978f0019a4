// SPDX-License-Identifier: Apache-2.0
#include "cli/templates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "cli/app.h"

namespace dcp::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class TemplatesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(root_);
    Write(Folder() / "run_backend/go/a/b.txt", "@name@ and @name@x @names@");
    Write(Folder() / "run_backend/c/c.txt", "none");
    Write(Folder() / "resource/c/c.txt", "none");
  }
  void TearDown() override { fs::remove_all(root_); }
  fs::path Folder() const { return root_ / "sdk/share/dcp_sdk/templates"; }
  static void Write(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  static std::string Read(const fs::path& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  int Run(std::vector<std::string> line) {
    out_.str("");
    err_.str("");
    std::istringstream in;
    Io io;
    io.in = &in;
    io.out = &out_;
    io.err = &err_;
    io.env = [](const std::string&) { return std::string(); };
    line.insert(line.begin(), {"plugin", "new"});
    line.insert(line.end(), {"--sdk", (root_ / "sdk").string()});
    return Main(io, line);
  }

  const fs::path root_ = fs::temp_directory_path() / ("templates_test." + std::to_string(getpid()));
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(TemplatesTest, CopiesAndNames) {
  const std::string target = (root_ / "new").string();
  const int exit = Run({"mine", "--kind", "run_backend", "--lang", "go", "--directory", target});
  ASSERT_EQ(exit, 0) << err_.str();
  EXPECT_EQ(Read(root_ / "new/a/b.txt"), "mine and minex @names@");
  EXPECT_EQ(out_.str(), "  cd " + target + "\n  make mine.so\n  make test\n");
}

TEST_F(TemplatesTest, AnEmptyFolderIsTakenAndAnotherIsLeftAlone) {
  fs::create_directories(root_ / "empty");
  const std::vector<std::string> line = {
      "mine", "--kind", "resource", "--lang", "c", "--directory", (root_ / "empty").string()};
  ASSERT_EQ(Run(line), 0) << err_.str();
  EXPECT_EQ(Run(line), 5);
  EXPECT_THAT(err_.str(), HasSubstr("is there already"));
  EXPECT_EQ(Read(root_ / "empty/c.txt"), "none");
  Write(root_ / "file", "x");
  EXPECT_EQ(CopyTemplate({"k", "c", (Folder() / "resource/c").string()}, "mine",
                         (root_ / "file").string())
                .code(),
            Code::kAlreadyExists);
}

TEST_F(TemplatesTest, NamesWhatThereIs) {
  EXPECT_EQ(Run({"mine", "--kind", "resource", "--lang", "go"}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("there is one in c"));
  EXPECT_EQ(Run({"mine", "--kind", "catalog", "--lang", "c"}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("resource, run_backend"));
  EXPECT_EQ(Run({"mine", "--kind", "resource"}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("--lang"));
  fs::remove_all(Folder());
  EXPECT_EQ(Run({"mine", "--kind", "resource", "--lang", "c"}), 5);
  EXPECT_THAT(err_.str(), HasSubstr(Folder().string()));
  EXPECT_FALSE(fs::exists("mine"));
}

TEST_F(TemplatesTest, NamesAreIdsAndPartsOfCode) {
  for (const std::string& good :
       {std::string("a"), std::string("my_backend2"), std::string(64, 'x')}) {
    EXPECT_TRUE(IsPluginName(good)) << good;
  }
  const std::vector<std::string> bad = {"", "A", "1a", "a-b", "a b", "../a", std::string(65, 'x')};
  for (const std::string& wrong : bad) {
    EXPECT_FALSE(IsPluginName(wrong)) << wrong;
  }
  EXPECT_EQ(Run({"../evil", "--kind", "resource", "--lang", "c"}), 2);
}

TEST_F(TemplatesTest, AFailedCopyLeavesNothing) {
  Write(Folder() / "resource/c/large", std::string(kTemplateBytesMax + 1, 'x'));
  const Status status = CopyTemplate({"resource", "c", (Folder() / "resource/c").string()}, "mine",
                                     (root_ / "new").string());
  EXPECT_EQ(status.code(), Code::kDataLoss);
  EXPECT_FALSE(fs::exists(root_ / "new"));
}

}  // namespace
}  // namespace dcp::cli
