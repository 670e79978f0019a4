// SPDX-License-Identifier: Apache-2.0
//
// Tests of Submit: the process, its files, where the token is and where it is not, bad requests.
#include "submit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base64.h"
#include "properties.h"
#include "walls.h"

namespace dcp::spark_runner {
namespace {

using Json = nlohmann::json;

constexpr char kToken[] = "pzt_0123456789abcdef";

Config MakeConfig() {
  Config config;
  config.spark_home = "/opt/spark";
  config.python = "/opt/venv/bin/python";
  config.jars = {"/jars/iceberg.jar", "/jars/more.jar"};
  config.coreetl = "/opt/pretzel/coreetl.py";
  config.conf = {{"spark.sql.shuffle.partitions", "4"},
                 {"spark.hadoop.fs.hdfs.impl", "org.acme.Hdfs"},
                 {"spark.driver.extraJavaOptions", "-XX:+UseSerialGC"}};
  return config;
}

Json MakeRequest() {
  return Json::parse(R"({
    "job": {"context": {"runId": "r1"}, "table": "prod.nyc.daily", "sql": "SELECT :d AS d, ':x'",
      "params": [{"name": "d", "type": "date", "value": "2013-01-01"},
                 {"name": "n", "type": "int"}],
      "materialization": "full",
      "columns": [{"name": "d", "type": "date", "nullable": false}, {"name": "x", "type": "string"}],
      "mounts": [{"name": "prod", "uri": "http://127.0.0.1:8181/pg/fin", "token": "T",
                  "mode": "rw", "expiresAtMs": "99"}],
      "runId": "r1", "deadlineMs": "1700000000000"},
    "lease": {"id": "l1", "kind": "cold", "directory": "/state/jobs/r1/run x/"},
    "idempotencyKey": "r1/run"})");
}

Json Process(const Json& request) {
  Json changed = request;
  if (changed["job"].contains("mounts") && !changed["job"]["mounts"].empty()) {
    changed["job"]["mounts"][0]["token"] = kToken;
  }
  const auto response = Submit(MakeConfig(), changed.dump());
  EXPECT_TRUE(response.ok()) << response.error().message;
  return response.ok() ? Json::parse(response.value()).at("process") : Json();
}

std::string FileOf(const Json& process, const std::string& path) {
  for (const Json& file : process.at("files")) {
    if (file.at("path") == path) return DecodeBase64(file.at("content").get<std::string>()).value();
  }
  return "";
}

TEST(SubmitTest, MakesAProcess) {
  const Json process = Process(MakeRequest());
  EXPECT_EQ(process.at("argv"),
            Json({"/opt/spark/bin/spark-submit", "--master", "local[2]", "--properties-file",
                  "/state/jobs/r1/run x/spark.properties", "/opt/pretzel/coreetl.py", "--spec",
                  "/state/jobs/r1/run x/spec.json"}));
  EXPECT_EQ(process.at("env").at("HOME"), "/state/jobs/r1/run x");
  EXPECT_EQ(process.at("env").at("SPARK_LOCAL_IP"), "127.0.0.1");
  EXPECT_EQ(process.at("env").at("PYSPARK_PYTHON"), "/opt/venv/bin/python");
  EXPECT_FALSE(process.at("env").contains("JAVA_HOME"));
  EXPECT_EQ(process.at("resultFile"), "result.json");
  EXPECT_EQ(process.at("env").at("SPARK_LOCAL_DIRS"), "/state/jobs/r1/run x/local");
  // Python's stderr arrives on spark-submit's stdout; a job has one log.
  EXPECT_EQ(process.at("stderrFile"), "output");
  EXPECT_EQ(process.at("stdoutFile"), "output");
}

TEST(SubmitTest, WritesTheSpecOfTheJob) {
  Json spec = Json::parse(FileOf(Process(MakeRequest()), "spec.json"));
  const Json nodes = std::move(spec.at("plan_nodes"));
  spec.erase("plan_nodes");
  EXPECT_NE(std::find(nodes.begin(), nodes.end(), "Project"), nodes.end());
  EXPECT_EQ(std::find(nodes.begin(), nodes.end(), "ScriptTransformation"), nodes.end());
  EXPECT_EQ(spec, Json::parse(R"json({
    "version": 1, "run_id": "r1", "attempt": 1, "table": "prod.nyc.daily",
    "sql": "SELECT * FROM (\nSELECT :d AS d, ':x'\n)",
    "params": [{"name": "d", "type": "date", "value": "2013-01-01"},
               {"name": "n", "type": "int", "value": null}],
    "materialization": "full", "result_file": "/state/jobs/r1/run x/result.json",
    "deadline_ms": 1700000000000,
    "columns": [{"name": "d", "type": "date", "nullable": false},
                {"name": "x", "type": "string", "nullable": true}]})json"));
}

TEST(SubmitTest, MountsTheCatalogAndStaysOnLoopback) {
  const std::string text = FileOf(Process(MakeRequest()), "spark.properties");
  for (const std::string line : {
           "spark.sql.catalog.prod=org.apache.iceberg.spark.SparkCatalog",
           "spark.sql.catalog.prod.type=rest",
           "spark.sql.catalog.prod.uri=http://127.0.0.1:8181/pg/fin",
           "spark.sql.catalog.prod.header.x-pretzel-token=pzt_0123456789abcdef",
           "spark.sql.catalog.prod.rest.auth.type=none",
           "spark.sql.catalog.prod.cache-enabled=false",
           "spark.sql.catalog.prod.rest-metrics-reporting-enabled=false",
           "spark.sql.catalog.prod.io-impl=org.apache.iceberg.hadoop.HadoopFileIO",
           "spark.driver.host=127.0.0.1",
           "spark.driver.bindAddress=127.0.0.1",
           "spark.driver.extraClassPath=/jars/iceberg.jar:/jars/more.jar",
           "spark.driver.memory=1g",
           "spark.ui.enabled=false",
           "spark.sql.catalogImplementation=in-memory",
           "spark.sql.shuffle.partitions=4",
           "spark.hadoop.fs.http.impl=pretzel.refuses.this.FileSystem",
           "spark.hadoop.fs.hdfs.impl=org.acme.Hdfs",
           "spark.hadoop.fs.AbstractFileSystem.hdfs.impl=pretzel.refuses.this.FileSystem",
           "spark.hadoop.fs.permissions.umask-mode=077",
           "spark.sql.legacy.parameterSubstitution.constantsOnly=true",
       }) {
    EXPECT_NE(("\n" + text).find("\n" + line + "\n"), std::string::npos) << line << "\n" << text;
  }
  EXPECT_NE(text.find("spark.driver.extraJavaOptions=\"-Djava.io.tmpdir=/state/jobs/r1/run x\" "),
            std::string::npos);
  // What an operator adds stands before the walls, which therefore win.
  EXPECT_NE(text.find(" -XX:+UseSerialGC " + WallOptions() + "\n"), std::string::npos);
  EXPECT_NE(text.find("spark.redaction.regex=(?i)secret|password|token"), std::string::npos);
}

TEST(SubmitTest, KeepsTheTokenOutOfSight) {
  Json process = Process(MakeRequest());
  EXPECT_NE(FileOf(process, "spark.properties").find(kToken), std::string::npos);
  EXPECT_EQ(FileOf(process, "spec.json").find(kToken), std::string::npos);
  process.erase("files");
  EXPECT_EQ(process.dump().find(kToken), std::string::npos);
  // Nor in a message about a bad request.
  Json request = MakeRequest();
  request["job"]["mounts"][0]["token"] = "secret with spaces";
  const auto refused = Submit(MakeConfig(), request.dump());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message.find("secret"), std::string::npos);
}

TEST(SubmitTest, AnswersTheSameAgain) {
  EXPECT_EQ(Submit(MakeConfig(), MakeRequest().dump()).value(),
            Submit(MakeConfig(), MakeRequest().dump()).value());
}

TEST(SubmitTest, QuotesNamesThatAreNoWords) {
  Json request = MakeRequest();
  request["job"]["table"] = "prod.nyc.by-day";
  EXPECT_EQ(Json::parse(FileOf(Process(request), "spec.json")).at("table"), "prod.nyc.`by-day`");
}

TEST(SubmitTest, RefusesWhatItCannotRun) {
  const auto fault = [](const char* pointer, const Json& value) {
    Json request = MakeRequest();
    request[Json::json_pointer(pointer)] = value;
    const auto response = Submit(MakeConfig(), request.dump());
    return response.ok() ? "" : response.error().message;
  };
  const auto has = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text << " lacks " << part;
  };
  has(fault("/job/table", "daily"), "catalog.namespace.name");
  has(fault("/job/table", "prod..daily"), "not well formed");
  has(fault("/job/table", "prod.nyc.`x"), "not well formed");
  has(fault("/job/table", "other.nyc.daily"), "no writable mount for the catalog 'other'");
  has(fault("/job/mounts/0/mode", "ro"), "no writable mount");
  has(fault("/job/mounts", Json::array()), "no writable mount");
  has(fault("/job/mounts/0/uri", "file:///x"), "no HTTP address");
  has(fault("/job/mounts/0/uri", "http://x/${env:HOME}"), "no HTTP address");
  has(fault("/job/mounts/0/token", ""), "no usable token");
  has(fault("/job/mounts/0/name", "a.b"), "not a plain word");
  has(fault("/job/sql", ""), "no SQL");
  has(fault("/job/sql", "DROP TABLE prod.nyc.daily"), "line 1, column 1");
  has(fault("/job/sql", "SELECT\n reflect('java.lang.System', 'exit')"), "line 2, column 2");
  has(fault("/job/sql", "SELECT 1) UNION ALL SELECT * FROM (SELECT 2"), "refused");
  has(fault("/job/materialization", "append"), "'append' is not supported");
  has(fault("/job/runId", nullptr), "no usable run id");
  has(fault("/job/deadlineMs", nullptr), "no deadline");
  has(fault("/lease/directory", "jobs/1"), "absolute path");
  has(fault("/job", 1), "no job");
  EXPECT_FALSE(Submit(MakeConfig(), "nonsense").ok());
}

TEST(PropertiesTest, EscapesWhatJavaWouldReadOtherwise) {
  EXPECT_EQ(FormatProperties({{"a b=c:#!", " x\\y = z\n\t\xc3\xa9\xf0\x9f\x98\x80\xff"}}),
            "a\\ b\\=c\\:\\#\\!=\\ x\\\\y = z\\u000a\\u0009\\u00e9\\ud83d\\ude00\\ufffd\n");
  EXPECT_EQ(QuoteJavaOption("-Dx=a \"b\\"), "\"-Dx=a \\\"b\\\\\"");
}

}  // namespace
}  // namespace dcp::spark_runner
