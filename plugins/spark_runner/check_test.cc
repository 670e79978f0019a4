// SPDX-License-Identifier: Apache-2.0
//
// Tests of Check: every way a process can stand or end, and what a person is told.
#include "check.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base64.h"

namespace dcp::spark_runner {
namespace {

using Json = nlohmann::json;

Json CheckJson(const Json& process) {
  const auto response = Check(Json({{"process", process}}).dump());
  EXPECT_TRUE(response.ok()) << response.error().message;
  return response.ok() ? Json::parse(response.value()) : Json();
}

std::string Encoded(const Json& result) { return EncodeBase64(result.dump()); }

Json Failure(const std::string& error_class, const Json& sql_state = nullptr) {
  return {{"state", "FAILED"},
          {"error", {{"class", error_class}, {"message", "why\nmore"}, {"sql_state", sql_state}}}};
}

const Json kSuccess = {{"state", "SUCCEEDED"},
                       {"rows", 336776},
                       {"snapshot_id", 7166391452178964537},
                       {"already_written", false},
                       {"seconds", {{"total", 4.5}}},
                       {"error", nullptr},
                       {"spark_version", "4.1.2"}};

TEST(CheckTest, ShowsTheProgressOfARunningJob) {
  Json response = CheckJson({{"phase", "RUNNING"}});
  EXPECT_EQ(response, Json({{"state", "JOB_RUNNING"}, {"detail", "starting Spark"}}));
  response =
      CheckJson({{"phase", 1}, {"stderrTail", "WARN x\n==> writing\n==> planning\nWARN y\n"}});
  EXPECT_EQ(response.at("detail"), "planning");
  response = CheckJson({{"phase", "RUNNING"}, {"cancelRequested", true}});
  EXPECT_EQ(response.at("detail"), "stopping");
}

TEST(CheckTest, ReportsAResult) {
  const Json response =
      CheckJson({{"phase", "EXITED"}, {"exitCode", 0}, {"result", Encoded(kSuccess)}});
  EXPECT_EQ(response.at("state"), "JOB_SUCCEEDED");
  EXPECT_EQ(response.at("detail"), "wrote 336776 rows");
  EXPECT_EQ(response.at("result"),
            Json::parse(R"({"table": "", "rows": "336776", "snapshotId": "7166391452178964537",
                "alreadyWritten": false, "durationMs": "4500", "engineVersion": "Spark 4.1.2"})"));
}

TEST(CheckTest, WhatIsCommittedStaysCommitted) {
  for (const Json& process :
       {Json{{"phase", "LOST"}}, Json{{"phase", "EXITED"}, {"signal", 9}},
        Json{{"phase", "EXITED"}, {"exitCode", 1}, {"cancelRequested", true}}}) {
    Json with_result = process;
    with_result["result"] = Encoded(kSuccess);
    EXPECT_EQ(CheckJson(with_result).at("state"), "JOB_SUCCEEDED") << process.dump();
  }
}

TEST(CheckTest, ExplainsAnErrorOfTheJob) {
  const struct {
    const char* error_class;
    Json sql_state;
    const char* code;
    bool retryable;
  } cases[] = {
      {"TABLE_OR_VIEW_NOT_FOUND", "42P01", "PZ0401", false},
      {"COREETL_SCHEMA_MISMATCH", nullptr, "PZ0402", false},
      {"COREETL_TABLE_DRIFT", nullptr, "PZ0402", false},
      {"COREETL_PLAN_NODE", nullptr, "PZ0415", false},
      {"COREETL_PARAMETER", nullptr, "PZ0403", false},
      {"org.apache.iceberg.exceptions.ForbiddenException", nullptr, "PZ0404", false},
      {"java.net.ConnectException", nullptr, "PZ0405", true},
      {"COREETL_DEADLINE", nullptr, "PZ0405", true},
      {"java.lang.OutOfMemoryError", nullptr, "PZ0406", false},
      {"DIVIDE_BY_ZERO", "22012", "PZ0411", false},
      {"org.apache.iceberg.exceptions.CommitFailedException", nullptr, "PZ0412", true},
      {"SomethingElse", nullptr, "PZ0408", false},
  };
  for (const auto& c : cases) {
    const Json response = CheckJson({{"phase", "EXITED"},
                                     {"exitCode", 1},
                                     {"result", Encoded(Failure(c.error_class, c.sql_state))}});
    EXPECT_EQ(response.at("state"), "JOB_FAILED") << c.error_class;
    EXPECT_EQ(response.at("retryable"), c.retryable) << c.error_class;
    const Json& finding = response.at("findings").at(0);
    EXPECT_EQ(finding.at("code"), c.code) << c.error_class;
    EXPECT_EQ(finding.at("engineCode"), c.error_class);
    EXPECT_EQ(finding.at("message"), "why\nmore");
    EXPECT_FALSE(finding.at("hint").get<std::string>().empty()) << c.error_class;
    EXPECT_EQ(response.at("detail"), "why");
  }
}

TEST(CheckTest, NamesTheKeysThatConfineAJob) {
  for (const char* words :
       {"dcp-confine: the sandbox cannot allow /nope: No such file or directory",
        "cannot start /opt/spark-submit: Permission denied",
        "[Errno 13] Permission denied: '/data/x'",
        "Failed to bind to /127.0.0.1:0: Operation not permitted",
        "Cannot find catalog plugin class for catalog 'prod'"}) {
    const Json response = CheckJson(
        {{"phase", "EXITED"}, {"exitCode", 1}, {"stderrTail", std::string(words) + "\n"}});
    const std::string hint = response.at("findings").at(0).at("hint");
    EXPECT_NE(hint.find("`runs.sandbox"), hint.npos) << words << ": " << hint;
    EXPECT_NE(hint.find("`job_sandbox"), hint.npos) << words << ": " << hint;
  }
}

TEST(CheckTest, ExplainsAProcessThatLeftNoResult) {
  const struct {
    Json process;
    const char* code;
    const char* words;
    bool retryable;
  } cases[] = {
      {{{"signal", 9}}, "PZ0406", "signal 9", true},
      {{{"exitCode", 137}}, "PZ0406", "exit code 137", true},
      {{{"exitCode", 143}}, "PZ0410", "told to stop", true},
      {{{"exitCode", 1},
        {"stderrTail", "x\n/opt/spark/bin/spark-class: line 71: java: command not found\n"}},
       "PZ0407",
       "java: command not found",
       false},
      {{{"exitCode", 127}, {"stderrTail", "cannot start /opt/spark-submit: No such file\n"}},
       "PZ0407",
       "/opt/spark-submit",
       false},
      {{{"exitCode", 1},
        {"stderrTail", "java.lang.OutOfMemoryError: Java heap space\n\tat a.b(C)\n"}},
       "PZ0406",
       "Java heap space",
       false},
      {{{"exitCode", 1}, {"stderrTail", "ModuleNotFoundError: No module named 'pyspark'\n"}},
       "PZ0407",
       "pyspark",
       false},
      {{{"exitCode", 1}, {"stderrTail", "java.io.IOException: No space left on device\n"}},
       "PZ0413",
       "No space left",
       true},
      {{{"exitCode", 126},
        {"stderrTail", "dcp-confine: the sandbox cannot allow /nope: No such file or directory\n"}},
       "PZ0407",
       "/nope",
       false},
      {{{"exitCode", 0}}, "PZ0408", "logged nothing", false},
      {{{"exitCode", 3}, {"stderrTail", "what went wrong\n\tat x\n"}},
       "PZ0408",
       "what went wrong",
       false},
      {{{"exitCode", 1}, {"result", EncodeBase64("{not json")}}, "PZ0414", "cannot be read", false},
      {{{"exitCode", 1}, {"result", "%%%"}}, "PZ0414", "cannot be read", false},
  };
  for (const auto& c : cases) {
    Json process = c.process;
    process["phase"] = "EXITED";
    const Json response = CheckJson(process);
    EXPECT_EQ(response.at("state"), "JOB_FAILED") << process.dump();
    EXPECT_EQ(response.at("retryable"), c.retryable) << process.dump();
    const Json& finding = response.at("findings").at(0);
    EXPECT_EQ(finding.at("code"), c.code) << process.dump();
    EXPECT_NE(finding.at("message").get<std::string>().find(c.words), std::string::npos)
        << finding.dump();
    EXPECT_EQ(finding.at("message").get<std::string>().find("\tat "), std::string::npos);
  }
}

TEST(CheckTest, TellsCancelledFromFailed) {
  EXPECT_EQ(
      CheckJson({{"phase", "EXITED"}, {"exitCode", 143}, {"cancelRequested", true}}).at("state"),
      "JOB_CANCELLED");
  EXPECT_EQ(CheckJson({{"phase", "LOST"}, {"cancelRequested", true}}).at("state"), "JOB_CANCELLED");
  const Json response = CheckJson(
      {{"phase", "EXITED"}, {"exitCode", 143}, {"result", Encoded({{"state", "CANCELLED"}})}});
  EXPECT_EQ(response.at("state"), "JOB_FAILED");
  EXPECT_EQ(response.at("findings").at(0).at("code"), "PZ0410");
}

TEST(CheckTest, ALostJobMayRunAgain) {
  const Json response = CheckJson({{"phase", "LOST"}});
  EXPECT_EQ(response.at("state"), "JOB_FAILED");
  EXPECT_EQ(response.at("retryable"), true);
  EXPECT_EQ(response.at("findings").at(0).at("code"), "PZ0409");
}

TEST(CheckTest, RefusesAHandleItCannotHaveGiven) {
  const auto response = Check(R"({"handle": "x"})");
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, DCP_INVALID_ARGUMENT);
  EXPECT_FALSE(Check("[]").ok());
  EXPECT_FALSE(Check(R"({"process": {"phase": "NEW"}})").ok());
}

}  // namespace
}  // namespace dcp::spark_runner
