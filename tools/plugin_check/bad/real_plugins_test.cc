// SPDX-License-Identifier: Apache-2.0
//
// The checker on plugins that are meant to work: our own, and one of the SDK alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "checker.h"

namespace dcp::plugin_check {
namespace {

using ::testing::IsEmpty;

namespace fs = std::filesystem;

class RealPluginsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("real_plugins_" + std::to_string(getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text, int mode = 0600) {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    EXPECT_EQ(chmod(path.c_str(), static_cast<mode_t>(mode)), 0);
    return path.string();
  }
  static void ExpectPasses(const std::string& file, std::vector<std::string> arguments) {
    const Report report = RunChecker(file, std::move(arguments));
    EXPECT_EQ(report.exit_code, 0);
    EXPECT_THAT(report.failed, IsEmpty()) << report.text;
    EXPECT_GE(report.passed, 75U) << report.text;
    EXPECT_LE(report.not_run.size(), 6U) << report.text;
  }

  fs::path folder_;
};

TEST_F(RealPluginsTest, OneOfTheSdkAlone) {
  ExpectPasses(std::string(TEST_HOST_PLUGINS) + "/sdk_plugin.so", {"--timeout", "4"});
}

TEST_F(RealPluginsTest, DerivedDataset) {
  ExpectPasses(std::string(TEST_OWN_PLUGINS) + "/derived_dataset.so", {"--level", "2"});
}

TEST_F(RealPluginsTest, SparkRunner) {
  Write("spark/bin/spark-submit", "#!/bin/sh\n", 0700);
  const std::string program = Write("python", "#!/bin/sh\n", 0700);
  const std::string jar = Write("iceberg.jar", "");
  const nlohmann::json config = {{"mode", "local"},
                                 {"sparkHome", (folder_ / "spark").string()},
                                 {"python", program},
                                 {"jars", {jar}},
                                 {"coreetl", jar}};
  ExpectPasses(std::string(TEST_OWN_PLUGINS) + "/spark_runner.so",
               {"--config", Write("config.json", config.dump()), "--level", "3"});
}

TEST_F(RealPluginsTest, SparkConnect) {
  // Nobody listens there: its calls fail, and have to fail as the contract says.
  const std::string config =
      Write("config.json", R"({"endpoint":"127.0.0.1:1","defaultTimeoutMs":500})");
  ExpectPasses(std::string(TEST_OWN_PLUGINS) + "/spark_connect.so", {"--config", config});
}

}  // namespace
}  // namespace dcp::plugin_check
