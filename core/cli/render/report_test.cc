// SPDX-License-Identifier: Apache-2.0
//
// Golden texts: what people and scripts read is interface.
#include "cli/render/report.h"

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/render/json.h"

namespace dcp::cli {
namespace {

v1::Run RunWith(const std::string& command, const std::string& state, const std::string& report) {
  v1::Run run;
  run.set_id("r0123456789abcdef");
  run.set_command(command);
  run.set_playground("fin");
  run.set_state(state);
  run.set_created_at_ms(1'700'000'000'000);
  run.set_finished_at_ms(1'700'000'001'500);
  if (!report.empty()) {
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(report, run.mutable_report()).ok());
  }
  return run;
}

constexpr char kPassed[] = R"({
  "kind": "TestReport", "status": "PASSED", "findings": [],
  "body": {
    "datasets": [{"name": "nyc_marts.daily", "table": "prod.nyc_marts.daily", "file": "B.yaml",
      "status": "PASSED",
      "columns": [{"name": "carrier", "type": "string", "nullable": false},
                  {"name": "flights", "type": "bigint"}],
      "inputs": ["prod.nyc.flights", "prod.nyc.airlines"],
      "engine": "spark", "engineVersion": "4.1.1",
      "timings": {"sessionMs": "10", "analyzeMs": "200", "explainMs": "130"}}],
    "receipt": {"mode": "ro", "loads": 3, "lists": 0, "creates": 0, "commits": 0, "drops": 0,
                "refused": 0}}})";

TEST(ReportTest, APassedTestShowsColumnsInputsAndTheReceipt) {
  EXPECT_EQ(ReportText(RunWith("test", "SUCCEEDED", kPassed), {}, Paint()),
            "prod.nyc_marts.daily  PASSED\n"
            "  checked by spark 4.1.1 in 210 ms\n"
            "  reads: prod.nyc.flights, prod.nyc.airlines\n"
            "  COLUMN   TYPE    NULLABLE\n"
            "  carrier  string  no\n"
            "  flights  bigint  yes\n"
            "  nothing was written: 0 creates, 0 commits, 0 drops; 3 table loads\n"
            "\n"
            "test PASSED in 1.5 s (run r0123456789abcdef, playground fin)\n");
}

TEST(ReportTest, AFindingQuotesTheLineWithACaretBelowTheColumn) {
  const std::string report = R"({"kind": "TestReport", "status": "FAILED", "findings": [
      {"severity": "ERROR", "code": "PZ0203", "message": "no column \"carier\"",
       "engineCode": "UNRESOLVED_COLUMN", "hint": "did you mean carrier?",
       "location": {"file": "B.yaml", "line": 2, "column": 13}},
      {"severity": "WARNING", "code": "PZ0121", "message": "status is ignored",
       "location": {"file": "C.yaml", "line": 9}}]})";
  const std::vector<SourceFile> sources = {{"B.yaml", "sql: |\n\tSELECT é, carier\r\nFROM t\n"}};
  EXPECT_EQ(ReportText(RunWith("test", "FAILED", report), sources, Paint()),
            "B.yaml:2:13: error PZ0203: no column \"carier\" [UNRESOLVED_COLUMN]\n"
            "  2 | \tSELECT é, carier\n"
            "    | \t           ^\n"
            "  hint: did you mean carrier?\n"
            "C.yaml:9: warning PZ0121: status is ignored\n"
            "\n"
            "test FAILED in 1.5 s (run r0123456789abcdef, playground fin)\n");
}

TEST(ReportTest, OfALongLineThePartAroundTheColumnIsQuoted) {
  const auto report = [](int column) {
    return R"({"kind": "TestReport", "status": "FAILED", "findings": [
      {"severity": "ERROR", "code": "PZ0203", "message": "no",
       "location": {"file": "B.yaml", "line": 1, "column": )" +
           std::to_string(column) + "}}]}";
  };
  const std::string line = std::string(500, 'a') + "éX" + std::string(1'000'000, 'b');
  const std::vector<SourceFile> sources = {{"B.yaml", line}};
  EXPECT_EQ(ReportText(RunWith("test", "FAILED", report(502)), sources, Paint()),
            "B.yaml:1:502: error PZ0203: no\n"
            "  1 | … " +
                std::string(119, 'a') + "éX" + std::string(119, 'b') + " …\n" + "    | " +
                std::string(122, ' ') + "^\n" +
                "\ntest FAILED in 1.5 s (run r0123456789abcdef, playground fin)\n");
  EXPECT_EQ(ReportText(RunWith("test", "FAILED", report(2)), sources, Paint()),
            "B.yaml:1:2: error PZ0203: no\n"
            "  1 | " +
                std::string(240, 'a') + " …\n" +
                "    |  ^\n\ntest FAILED in 1.5 s (run r0123456789abcdef, playground fin)\n");
}

TEST(ReportTest, ApplyAndRunReportsNameTheTableAndWhatBecameOfIt) {
  const std::string apply = R"({"kind": "ApplyReport", "status": "DRIFTED", "body": {"datasets": [
      {"table": "prod.m.a", "status": "CREATED", "location": "file:///w/a"},
      {"table": "prod.m.b", "status": "DRIFTED", "drift": ["column x is int, declared bigint"]}]}})";
  EXPECT_EQ(ReportText(RunWith("apply", "SUCCEEDED", apply), {}, Paint()),
            "prod.m.a  CREATED\n"
            "  location: file:///w/a\n"
            "\n"
            "prod.m.b  DRIFTED\n"
            "  drift: column x is int, declared bigint\n"
            "\n"
            "apply DRIFTED in 1.5 s (run r0123456789abcdef, playground fin)\n");
  const std::string ran = R"({"kind": "RunReport", "status": "SUCCEEDED", "body": {"datasets": [
      {"table": "prod.m.a", "state": "SUCCEEDED", "rows": 365, "durationMs": 9100,
       "snapshotId": "8123456789012345678"}]}})";
  EXPECT_EQ(ReportText(RunWith("run", "SUCCEEDED", ran), {}, Paint()),
            "prod.m.a  SUCCEEDED  365 rows  in 9.1 s\n"
            "  snapshot: 8123456789012345678\n"
            "\n"
            "run SUCCEEDED in 1.5 s (run r0123456789abcdef, playground fin)\n");
}

TEST(ReportTest, ARunThatFailedWithoutAReportSaysWhy) {
  v1::Run run = RunWith("test", "FAILED", "");
  run.set_error_code("UNAVAILABLE");
  run.set_error_message("the test server does not answer");
  run.mutable_error()->set_id("PZ0240");
  run.mutable_error()->set_hint("pretzel status");
  EXPECT_EQ(ReportText(run, {}, Paint()),
            "error PZ0240: the test server does not answer\n"
            "  hint: pretzel status\n"
            "\n"
            "test FAILED in 1.5 s (run r0123456789abcdef, playground fin)\n");
}

TEST(ReportTest, HostileTextDoesNotDriveTheTerminal) {
  const std::string report = R"({"status": "FAILED", "findings": [
      {"message": "\u001b[2Jgone", "location": {"file": "x\u001b]0;y"}}]})";
  const std::string text = ReportText(RunWith("test", "FAILED", report), {}, Paint());
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
}

TEST(JsonTest, AReportIsFlatAndVersioned) {
  const auto json = nlohmann::json::parse(RunJson(RunWith("test", "SUCCEEDED", kPassed)));
  EXPECT_EQ(json["apiVersion"], "dcp/v1");
  EXPECT_EQ(json["kind"], "TestReport");
  EXPECT_EQ(json["status"], "PASSED");
  EXPECT_EQ(json["runId"], "r0123456789abcdef");
  EXPECT_EQ(json["durationMs"], 1500);
  EXPECT_EQ(json["createdAt"], "2023-11-14T22:13:20.000Z");
  EXPECT_TRUE(json["findings"].is_array());
  EXPECT_EQ(json["datasets"][0]["table"], "prod.nyc_marts.daily");
  EXPECT_EQ(json["receipt"]["loads"], 3);
}

TEST(JsonTest, ARunWithoutAReportIsARun) {
  v1::Run run = RunWith("run", "FAILED", "");
  run.set_error_code("UNAVAILABLE");
  run.set_error_message("bytes that are no text: \xff");
  const auto json = nlohmann::json::parse(RunJson(run));
  EXPECT_EQ(json["kind"], "Run");
  EXPECT_EQ(json["error"]["status"], "UNAVAILABLE");
}

}  // namespace
}  // namespace dcp::cli
