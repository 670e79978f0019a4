// SPDX-License-Identifier: Apache-2.0
//
// Tests of the configuration: what is right passes, and every fault names its key.
#include "config.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace dcp::spark_runner {
namespace {

using Json = nlohmann::json;

class ConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "spark_runner_XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    std::filesystem::create_directories(root_ + "/spark/bin");
    for (const char* file : {"/spark/bin/spark-submit", "/python", "/a.jar", "/b.jar", "/job.py"}) {
      std::ofstream(root_ + file) << "x";
    }
    ::chmod((root_ + "/spark/bin/spark-submit").c_str(), 0700);
    ::chmod((root_ + "/python").c_str(), 0700);
    good_ = {{"mode", "local"},
             {"sparkHome", root_ + "/spark"},
             {"python", root_ + "/python"},
             {"jars", {root_ + "/a.jar", root_ + "/b.jar"}},
             {"coreetl", root_ + "/job.py"}};
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  /// The message when `key` has `value`.
  std::string Fault(const char* key, const Json& value) const {
    Json changed = good_;
    changed[key] = value;
    const auto config = ParseConfig(changed.dump());
    return config.ok() ? "" : config.error().message;
  }
  std::string root_;
  Json good_;
};

TEST_F(ConfigTest, ReadsWhatIsRight) {
  Json json = good_;
  json["master"] = "local[4]";
  json["driverMemory"] = "1500m";
  json["conf"] = {{"spark.sql.shuffle.partitions", 4}, {"spark.x", "y z"}, {"spark.b", true}};
  const auto config = ParseConfig(json.dump());
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config.value().spark_home, root_ + "/spark");
  EXPECT_EQ(config.value().jars.size(), 2u);
  EXPECT_EQ(config.value().master, "local[4]");
  EXPECT_EQ(config.value().driver_memory, "1500m");
  EXPECT_EQ(config.value().conf.at("spark.sql.shuffle.partitions"), "4");
  EXPECT_EQ(config.value().conf.at("spark.b"), "true");
  EXPECT_TRUE(ParseConfig(good_.dump()).ok());
}

TEST_F(ConfigTest, NamesTheKeyThatIsWrong) {
  const auto expect = [](const std::string& message, const std::string& key,
                         const std::string& why) {
    EXPECT_NE(message.find("key '" + key + "'"), std::string::npos) << message;
    EXPECT_NE(message.find(why), std::string::npos) << message;
  };
  expect(Fault("mode", "yarn"), "mode", "'yarn' is not supported");
  expect(Fault("sparkHome", "spark"), "sparkHome", "not an absolute path");
  expect(Fault("sparkHome", root_), "sparkHome", "bin/spark-submit does not exist");
  expect(Fault("sparkHome", 7), "sparkHome", "must be text");
  expect(Fault("python", root_ + "/none"), "python", "/none does not exist");
  expect(Fault("python", root_ + "/a.jar"), "python", "is no program");
  expect(Fault("javaHome", root_), "javaHome", "bin/java does not exist");
  expect(Fault("jars", Json::array()), "jars", "must be a list");
  expect(Fault("jars", {root_ + "/a.jar", root_ + "/c.jar"}), "jars[1]", "does not exist");
  expect(Fault("coreetl", root_ + "/spark"), "coreetl", "is not a file");
  expect(Fault("master", "spark://h:7077"), "master", "not for mode local");
  expect(Fault("master", "local[0]"), "master", "not for mode local");
  expect(Fault("driverMemory", "lots"), "driverMemory", "no size");
  expect(Fault("conf", Json::array()), "conf", "must map");
  expect(Fault("conf", {{"spark.x", {1}}}), "conf.spark.x", "must be text");
  expect(Fault("conf", {{"java.x", "1"}}), "conf.java.x", "not the name of a Spark setting");
  expect(Fault("sparkhome", "x"), "sparkhome", "is not known");
  Json json = good_;
  json.erase("coreetl");
  expect(ParseConfig(json.dump()).error().message, "coreetl", "is missing");
  EXPECT_FALSE(ParseConfig("[]").ok());
  EXPECT_FALSE(ParseConfig("{").ok());
}

TEST_F(ConfigTest, KeepsTheSettingsThatIsolateAJob) {
  for (const char* key : {"spark.hadoop.fs.http.impl", "spark.hadoop.fs.ftp.impl",
                          "spark.sql.catalog.prod.uri", "spark.ui.enabled", "spark.driver.host",
                          "spark.redaction.regex", "spark.sql.runSQLOnFiles"}) {
    EXPECT_NE(Fault("conf", {{key, "x"}}).find("cannot be changed"), std::string::npos) << key;
  }
}

}  // namespace
}  // namespace dcp::spark_runner
