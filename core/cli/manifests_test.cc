// SPDX-License-Identifier: Apache-2.0
#include "cli/manifests.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/id.h"
#include "base/limits.h"
#include "cli/render/text.h"

namespace dcp::cli {
namespace {

namespace fs = std::filesystem;

class ManifestsTest : public ::testing::Test {
 protected:
  ManifestsTest() {
    fs::create_directories(folder_ + "/jobs/sql");
    before_ = fs::current_path();
    fs::current_path(folder_);
  }
  ~ManifestsTest() override {
    fs::current_path(before_);
    fs::remove_all(folder_);
  }
  static void Write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
  }
  static Result<std::vector<SourceFile>> ReadManifests(const Io& io,
                                                       const std::vector<std::string>& paths) {
    DCP_ASSIGN(const auto names, NameManifests(paths));
    return ManifestReader(io).ReadAll(names);
  }
  const std::string folder_ = ::testing::TempDir() + "manifests-" + RandomHex(6);
  fs::path before_;
  std::istringstream stdin_{"from stdin"};
  Io io_{&stdin_, nullptr, nullptr, false, false, false, {}};
};

TEST_F(ManifestsTest, FoldersGiveTheirYamlFilesInOrderAndEachFileComesOnce) {
  Write("jobs/b.yaml", "b");
  Write("jobs/a.yml", "a");
  Write("jobs/notes.txt", "no");
  Write("jobs/sql/below.yaml", "no");
  const auto files = ReadManifests(io_, {"jobs/b.yaml", "jobs", "-", "./jobs/b.yaml"});
  ASSERT_TRUE(files.ok()) << files.status().ToString();
  ASSERT_EQ(files->size(), 3U);
  EXPECT_EQ((*files)[0].path, "jobs/b.yaml");
  EXPECT_EQ((*files)[1].path, "jobs/a.yml");
  EXPECT_EQ((*files)[2].path, "stdin");
  EXPECT_EQ((*files)[2].content, "from stdin");
}

TEST_F(ManifestsTest, SaysWhyAFileCannotBeRead) {
  Write("big.yaml", std::string(limits::kFileBytesMax + 1, '#'));
  Write("full.yaml", std::string(limits::kFileBytesMax, '#'));
  fs::create_directories("empty");
  EXPECT_EQ(ReadManifests(io_, {"none.yaml"}).status().message(), "there is no file none.yaml");
  EXPECT_EQ(ReadManifests(io_, {"empty"}).status().message(), "folder empty holds no .yaml file");
  EXPECT_EQ(ReadManifests(io_, {"big.yaml"}).status().code(), Code::kResourceExhausted);
  EXPECT_TRUE(ReadManifests(io_, {"full.yaml"}).ok());
  EXPECT_EQ(ReadManifests(io_, {"/dev/null"}).status().code(), Code::kInvalidArgument);
}

TEST_F(ManifestsTest, TooManyAreRefusedWithTheirNumber) {
  std::vector<std::string> names;
  for (size_t i = 0; i < limits::kCommandManifestsMax; ++i) {
    names.push_back("m" + std::to_string(i) + ".yaml");
  }
  EXPECT_EQ(NameManifests(names)->size(), limits::kCommandManifestsMax);
  for (int i = 0; i < 2345; ++i) names.push_back("more" + std::to_string(i) + ".yaml");
  const auto refused = NameManifests(names);
  EXPECT_EQ(refused.status().message(),
            "12,345 manifests were given; at most 10,000 go into one command");
  EXPECT_EQ(refused.status().code(), Code::kResourceExhausted);
  EXPECT_NE(refused.status().hint(), "");
  EXPECT_EQ(Thousands(7), "7");
  EXPECT_EQ(Thousands(999), "999");
  EXPECT_EQ(Thousands(1'234'567), "1,234,567");
}

TEST_F(ManifestsTest, StandardInputIsReadOnceAndKept) {
  ManifestReader reader(io_);
  EXPECT_EQ(reader.Read("-")->content, "from stdin");
  EXPECT_EQ(reader.Read("-")->content, "from stdin");
  EXPECT_EQ(CountDocuments("a: 1\n"), 1U);
  EXPECT_EQ(CountDocuments("a: 1\n---\nb: 1\n---\nc: 1"), 3U);
}

TEST_F(ManifestsTest, ReadsANeededFileFromHereOrFromTheManifestsFolder) {
  Write("jobs/sql/q.sql", "SELECT 1");
  const std::vector<SourceFile> manifests = {{"jobs/b.yaml", ""}};
  for (const std::string wanted : {"jobs/sql/q.sql", "sql/q.sql"}) {
    const auto file = ReadNeeded(manifests, wanted);
    ASSERT_TRUE(file.ok()) << wanted << ": " << file.status().ToString();
    EXPECT_EQ(file->path, wanted);
    EXPECT_EQ(file->content, "SELECT 1");
  }
  const auto absolute = ReadNeeded({{folder_ + "/jobs/b.yaml", ""}}, folder_ + "/jobs/sql/q.sql");
  EXPECT_TRUE(absolute.ok()) << absolute.status().ToString();
  EXPECT_TRUE(ReadNeeded({{"stdin", ""}}, "jobs/sql/q.sql").ok());
}

TEST_F(ManifestsTest, NeverSendsAFileFromOutsideTheManifestsFolder) {
  Write("secret.txt", "s");
  fs::create_directories("jobs2");
  Write("jobs2/q.sql", "SELECT 2");
  fs::create_symlink(folder_ + "/secret.txt", "jobs/link.sql");
  fs::create_directory_symlink(folder_, "jobs/up");
  const std::vector<SourceFile> manifests = {{"jobs/b.yaml", ""}};
  for (const std::string wanted :
       {"../secret.txt", "secret.txt", "jobs/../secret.txt", "jobs/link.sql", "link.sql",
        "jobs/up/secret.txt", "up/secret.txt", "/etc/passwd", "jobs2/q.sql", "../jobs2/q.sql"}) {
    const auto file = ReadNeeded(manifests, wanted);
    ASSERT_FALSE(file.ok()) << wanted;
    EXPECT_EQ(file.status().code(), Code::kPermissionDenied) << wanted;
  }
  EXPECT_EQ(ReadNeeded(manifests, "sql/none.sql").status().code(), Code::kNotFound);
  EXPECT_FALSE(ReadNeeded(manifests, "jobs/sql").ok()) << "a folder";
}

}  // namespace
}  // namespace dcp::cli
