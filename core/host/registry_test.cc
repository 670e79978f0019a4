// SPDX-License-Identifier: Apache-2.0
//
// Discovery: order, duplicates, and reasons that are kept.
#include "host/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "host/elf_builder.h"

namespace dcp::host {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class RegistryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = ::testing::TempDir() + "dcp_registry_" + std::to_string(getpid());
    for (const char* name : {"/one", "/two"}) std::filesystem::create_directories(root_ + name);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void WritePlugin(const std::string& name, const std::string& id) {
    ElfBuilder elf;
    elf.manifest = R"({"id":")" + id + R"(","version":"1","encoding":"json","capabilities":)" +
                   R"([{"name":"resource","major":1,"minor":0,"methods":["Describe"]}]})";
    elf.exported = {"dcp_plugin_v1"};
    WriteText(name, elf.Build());
  }
  void WriteText(const std::string& name, const std::string& text) {
    std::ofstream(root_ + name, std::ios::binary) << text;
  }
  Registry Discover() { return Registry::Discover({root_ + "/one", root_ + "/two"}); }

  std::string root_;
};

TEST_F(RegistryTest, TheFirstDirectoryWins) {
  WritePlugin("/two/a.so", "emr");
  WritePlugin("/one/z.so", "emr");
  WritePlugin("/two/b.so", "databricks");
  const Registry registry = Discover();
  ASSERT_TRUE(registry.Find("emr").ok());
  EXPECT_EQ((*registry.Find("emr"))->path, root_ + "/one/z.so");
  EXPECT_TRUE(registry.Find("databricks").ok());
  ASSERT_THAT(registry.skipped(), SizeIs(1));
  EXPECT_THAT(registry.skipped()[0].reason, HasSubstr("is taken by " + root_ + "/one/z.so"));
}

TEST_F(RegistryTest, OtherFilesAndFoldersBelowAreNotLookedAt) {
  WriteText("/one/readme.txt", "hello");
  std::filesystem::create_directories(root_ + "/one/below");
  WritePlugin("/one/below/a.so", "emr");
  const Registry registry = Discover();
  EXPECT_THAT(registry.skipped(), SizeIs(0));
  EXPECT_THAT(registry.plugins(), SizeIs(0));
}

TEST_F(RegistryTest, AMissingPluginListsWhatWasTriedAndWhy) {
  WriteText("/one/broken.so", "text");
  WritePlugin("/two/a.so", "databricks");
  const Registry registry =
      Registry::Discover({root_ + "/one", root_ + "/nowhere", root_ + "/two"});
  const Status status = registry.Find("databrick").status();
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("no plugin \"databrick\" in " + root_ + "/one, "),
                    HasSubstr("skipped " + root_ + "/one/broken.so is not an ELF file"),
                    HasSubstr(root_ + "/nowhere: No such file"),
                    HasSubstr("found: databricks (" + root_ + "/two/a.so)")));
  EXPECT_EQ(status.hint(), "did you mean \"databricks\"?");
  EXPECT_THAT(Registry::Discover({}).Find("x").status().message(), HasSubstr("none is configured"));
}

TEST_F(RegistryTest, WhatEverybodyMayWriteIsNotTrusted) {
  WritePlugin("/one/a.so", "emr");
  ASSERT_EQ(chmod((root_ + "/one/a.so").c_str(), 0666), 0);
  EXPECT_THAT(Discover().Find("emr").status().message(), HasSubstr("written by everybody"));
  ASSERT_EQ(chmod((root_ + "/one/a.so").c_str(), 0644), 0);
  EXPECT_TRUE(Discover().Find("emr").ok());
  ASSERT_EQ(chmod((root_ + "/one").c_str(), 0777), 0);
  EXPECT_THAT(Discover().Find("emr").status().message(), HasSubstr("written by everybody"));
}

}  // namespace
}  // namespace dcp::host
