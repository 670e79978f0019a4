// SPDX-License-Identifier: Apache-2.0
//
// How many contents one process loads. A program of its own, because what is loaded stays.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "host/in_process_files.h"
#include "host/plugin_store.h"

namespace dcp::host {
namespace {

namespace fs = std::filesystem;

TEST(InProcessFilesTest, TheLimitOfContentsHolds) {
  const fs::path folder =
      fs::path(::testing::TempDir()) / ("dcp_limit_" + std::to_string(getpid()));
  fs::create_directories(folder);
  const auto store = PluginStore::Open((folder / "store").string()).value();
  const fs::path file = folder / "echo.so";
  const auto load = [&](size_t content) -> Result<const dcp_plugin_api*> {
    fs::remove(file);
    fs::copy_file(std::string(TEST_PLUGINS) + "/echo.so", file);
    std::ofstream(file, std::ios::app) << content;
    DCP_ASSIGN(const StoredPlugin taken, store->Take(file.string()));
    return LoadInProcess(taken.path, taken.source, taken.sha256);
  };
  std::vector<const dcp_plugin_api*> tables;
  for (size_t i = 0; i < kInProcessVersionsMax; ++i) {
    const auto table = load(i);
    ASSERT_TRUE(table.ok()) << i << ": " << table.status().ToString();
    tables.push_back(*table);
  }
  const Status status = load(kInProcessVersionsMax).status();
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_THAT(status.message(), ::testing::HasSubstr("has loaded 32 plugin files"));
  EXPECT_THAT(status.hint(), ::testing::HasSubstr("restart dcpd"));
  // What is loaded already is no further one.
  const auto again = load(0);
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(*again, tables.front());
  EXPECT_NE(tables[1], tables.front());
  fs::remove_all(folder);
}

}  // namespace
}  // namespace dcp::host
