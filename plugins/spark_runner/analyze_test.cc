// SPDX-License-Identifier: Apache-2.0
//
// Tests of Analyze and Interpret: what runs, what never runs, and what a person is told.
#include "analyze.h"

#include <gtest/gtest.h>

#include "base64.h"
#include "json_io.h"

namespace dcp::spark_runner {
namespace {

constexpr char kToken[] = "pzt_0123456789abcdef";
constexpr char kFolder[] = "/state/jobs/r1/q.analyze";

Config MakeConfig() {
  Config config;
  config.spark_home = "/opt/spark";
  config.python = "/opt/venv/bin/python";
  config.jars = {"/jars/iceberg.jar"};
  config.coreetl = "/opt/pretzel/coreetl.py";
  return config;
}

Json MakeRequest(const std::string& sql) {
  Json request = Json::parse(R"json({
    "context": {"runId": "r1", "catalog": "prod"}, "mode": "EXPLAIN",
    "mounts": [{"name": "prod", "uri": "http://127.0.0.1:8181/pg/fin", "mode": "ro"}],
    "source": {"file": "q.yaml", "line": 6, "firstLineOffset": 4, "lineOffset": 4, "exact": true},
    "lease": {"id": "r1/q", "kind": "cold", "directory": "/state/jobs/r1/q.analyze/"}})json");
  request["sql"] = sql;
  request["mounts"][0]["token"] = kToken;
  return request;
}

Json AnalyzeJson(const Json& request) {
  const auto response = Analyze(MakeConfig(), request.dump());
  EXPECT_TRUE(response.ok()) << response.error().message;
  return response.ok() ? Json::parse(response.value()) : Json();
}

std::string FileOf(const Json& process, const std::string& path) {
  for (const Json& file : process.at("files")) {
    if (file.at("path") == path) return DecodeBase64(file.at("content").get<std::string>()).value();
  }
  return "";
}

sdk::Outcome<std::string> InterpretOf(const std::string& sql, const Json& process) {
  Json request = MakeRequest(sql);
  request.erase("mounts");
  return Interpret(Json({{"request", request}, {"process", process}}).dump());
}

Json ExitedWith(const Json& result) {
  return {{"phase", "EXITED"}, {"exitCode", 0}, {"result", EncodeBase64(result.dump())}};
}

const Json kResult = Json::parse(R"json({"state": "SUCCEEDED", "spark_version": "4.1.2",
  "catalogs": ["prod"], "ms": {"session": 3100, "analyze": 800, "explain": 90}, "error": null,
  "columns": [{"name": "n", "type": "int", "nullable": false}],
  "plan": "== Parsed Logical Plan ==\n'Project [*]\n\n== Analyzed Logical Plan ==\nn: int\nProject [n#1]\n+- RelationV2[n#1] prod.nyc.flights prod.nyc.flights\n\n== Optimized Logical Plan ==\nx"})json");

Json Refused(const std::string& error_class, const Json& more = Json::object()) {
  Json error = {
      {"class", error_class},
      {"sql_state", "42703"},
      {"message", "[" + error_class + "] It is wrong. SQLSTATE: 42703; line 2 pos 7;\nplan"},
      {"parameters", Json::object()},
      {"exceptions", {"org.apache.spark.sql.AnalysisException", "java.lang.Exception"}},
      {"start_index", -1},
      {"stop_index", -1}};
  error.update(more);
  return {
      {"state", "REFUSED"}, {"spark_version", "4.1.2"}, {"catalogs", {"prod"}}, {"error", error}};
}

TEST(AnalyzeTest, MakesAProcessThatAsksOnly) {
  Json request = MakeRequest("SELECT :n AS n; -- all");
  request["params"] = Json::parse(R"json([{"name": "n", "type": "INT", "value": "+7"}])json");
  const Json process = AnalyzeJson(request).at("process");
  EXPECT_EQ(process.at("argv"),
            Json({"/opt/spark/bin/spark-submit", "--master", "local[2]", "--properties-file",
                  std::string(kFolder) + "/spark.properties", "/opt/pretzel/coreetl.py", "--spec",
                  std::string(kFolder) + "/spec.json", "--mode", "explain"}));
  EXPECT_EQ(process.at("resultFile"), "result.json");
  EXPECT_EQ(Json::parse(FileOf(process, "spec.json")), Json::parse(R"json({
    "version": 1, "run_id": "r1", "sql": "SELECT * FROM (\nSELECT :n AS n\n)",
    "params": [{"name": "n", "type": "int", "value": 7}], "catalogs": ["prod"],
    "result_file": "/state/jobs/r1/q.analyze/result.json"
})json"));
}

TEST(AnalyzeTest, HasWhatIsolatesARunAndWhatTheTestServerHas) {
  const Json process = AnalyzeJson(MakeRequest("SELECT 1")).at("process");
  const std::string text = "\n" + FileOf(process, "spark.properties");
  for (const std::string line :
       {"spark.sql.catalog.prod.header.x-pretzel-token=pzt_0123456789abcdef",
        "spark.sql.scripting.enabled=false", "spark.sql.runSQLOnFiles=false",
        "spark.sql.variable.substitute=false", "spark.sql.catalogImplementation=in-memory",
        "spark.sql.defaultCatalog=prod", "spark.driver.host=127.0.0.1", "spark.ui.enabled=false",
        "spark.authenticate=true"}) {
    EXPECT_NE(text.find("\n" + line + "\n"), std::string::npos) << line << text;
  }
  // Their parser loses parameters, and the setting that helps changes what errors look like.
  EXPECT_EQ(text.find("spark.sql.extensions"), std::string::npos);
  EXPECT_EQ(text.find("constantsOnly"), std::string::npos);
  EXPECT_EQ(process.at("argv").dump().find(kToken), std::string::npos);
  EXPECT_EQ(process.at("env").dump().find(kToken), std::string::npos);
  EXPECT_EQ(FileOf(process, "spec.json").find(kToken), std::string::npos);
}

TEST(AnalyzeTest, RunsNothingForWhatIsNoQuery) {
  for (const char* sql :
       {"DROP TABLE prod.nyc.flights", "SELECT 1; DROP TABLE x", "SELECT reflect('a', 'b')", "",
        "SELECT * FROM csv.`/etc/passwd`", "SELECT 1) UNION ALL (SELECT 2", "SELECT '${env:HOME}'",
        "EXECUTE IMMEDIATE 'SELECT 1'", "SELECT :undeclared"}) {
    const Json response = AnalyzeJson(MakeRequest(sql));
    EXPECT_FALSE(response.contains("process")) << sql;
    EXPECT_EQ(response.at("valid"), false) << sql;
    EXPECT_EQ(response.at("findings").at(0).at("severity"), "ERROR") << sql;
    EXPECT_EQ(response.at("findings").at(0).at("location").at("file"), "q.yaml") << sql;
  }
}

TEST(AnalyzeTest, WritesEachParameterInItsOwnType) {
  Json request = MakeRequest("SELECT :a, :b, :c, :d, :e, :f");
  request["params"] = Json::parse(R"json([
    {"name": "a", "type": "timestamp", "value": "1969-12-31T23:59:59.5-01:00"},
    {"name": "b", "type": "date", "value": "0001-02-03"}, {"name": "c", "type": "decimal(10,2)"
},
    {"name": "d", "type": "boolean", "value": "TRUE"}, {"name": "e", "type": "double", "value": "2"},
    {"name": "f", "type": "string", "value": "it's"}])json");
  const Json spec = Json::parse(FileOf(AnalyzeJson(request).at("process"), "spec.json"));
  EXPECT_EQ(spec.at("params"), Json::parse(R"json([
    {"name": "a", "type": "timestamp", "value": "1970-01-01T00:59:59.500000+00:00"},
    {"name": "b", "type": "date", "value": "0001-02-03"},
    {"name": "c", "type": "decimal(10,2)", "value": null
  },
    {"name": "d", "type": "boolean", "value": "true"}, {"name": "e", "type": "double", "value": 2.0},
    {"name": "f", "type": "string", "value": "it's"}])json"));
}

TEST(AnalyzeTest, RefusesWhatItCannotIsolate) {
  Json writable = MakeRequest("SELECT 1");
  writable["mounts"][0]["mode"] = "rw";
  Json homeless = MakeRequest("SELECT 1");
  homeless.erase("lease");
  for (const Json& request : {writable, homeless, Json(7)}) {
    const auto response = Analyze(MakeConfig(), request.dump());
    ASSERT_FALSE(response.ok()) << request.dump();
    EXPECT_EQ(response.error().code, DCP_INVALID_ARGUMENT);
  }
}

TEST(InterpretTest, AnswersAsTheTestServerWould) {
  const auto outcome = InterpretOf("SELECT n FROM prod.nyc.flights", ExitedWith(kResult));
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  const Json response = Json::parse(outcome.value());
  EXPECT_EQ(response.at("valid"), true);
  EXPECT_EQ(response.at("columns"), kResult.at("columns"));
  EXPECT_EQ(response.at("inputs"), Json({"prod.nyc.flights"}));
  EXPECT_EQ(response.at("plan"), kResult.at("plan"));
  EXPECT_EQ(response.at("engineVersion"), "4.1.2");
  EXPECT_EQ(response.at("timings").at("sessionMs"), "3100");
  EXPECT_FALSE(response.contains("process"));
}

TEST(InterpretTest, PlacesWhatSparkRefuses) {
  // Wrapped, the SQL begins with the 16th character; "nme" is the 8th of the person's line.
  const Json result = Refused("UNRESOLVED_COLUMN.WITH_SUGGESTION",
                              {{"start_index", 23},
                               {"stop_index", 25},
                               {"parameters", {{"objectName", "`nme`"}, {"proposal", "`name`"}}}});
  const auto outcome = InterpretOf("SELECT nme FROM prod.nyc.airlines", ExitedWith(result));
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  EXPECT_EQ(Json::parse(outcome.value()).at("findings"), Json::parse(R"json([{"severity": "ERROR",
    "code": "PZ0220", "message": "It is wrong", "hint": "did you mean 'name'?",
    "location": {"file": "q.yaml", "line": 6, "column": 12, "endLine": 6, "endColumn": 15},
    "engineCode": "UNRESOLVED_COLUMN.WITH_SUGGESTION", "sqlState": "42703"}])json"));
}

TEST(InterpretTest, HintsFromWhatTheJobListed) {
  Json result = Refused("TABLE_OR_VIEW_NOT_FOUND",
                        {{"parameters", {{"relationName", "`prod`.`nyc`.`flihgts`"}}}});
  const std::string sql = "SELECT * FROM prod.nyc.flihgts";
  auto outcome = InterpretOf(sql, ExitedWith(result));
  EXPECT_EQ(Json::parse(outcome.value()).at("findings").at(0).at("hint"),
            "check the spelling; tables of the playground and of production go by the same name");
  result["listings"] = Json::parse(
      R"json([{"catalog": "prod", "kind": "tables", "levels": ["nyc"], "names": ["flights"]}])json");
  outcome = InterpretOf(sql, ExitedWith(result));
  EXPECT_EQ(Json::parse(outcome.value()).at("findings").at(0).at("hint"),
            "did you mean prod.nyc.flights?");
}

TEST(InterpretTest, ReadsWhatALongPlanReads) {
  Json result = kResult;
  result["analyzed"] = kResult.at("plan");
  result["plan"] = std::string((size_t{1} << 20) + 1024, 'x');
  const Json response = Json::parse(InterpretOf("SELECT 1", ExitedWith(result)).value());
  EXPECT_EQ(response.at("inputs"), Json({"prod.nyc.flights"}));
  EXPECT_LT(response.at("plan").get<std::string>().size(), (size_t{1} << 20) + 100);
}

TEST(InterpretTest, TellsATryThatMayEndOtherwiseFromOneThatWillNot) {
  const Json away = Refused("", {{"exceptions", {"java.net.ConnectException"}}});
  const Json foreign =
      Refused("", {{"exceptions", {"org.apache.iceberg.exceptions.NotAuthorizedException"}}});
  const Json failed = {{"state", "FAILED"}, {"error", {{"class", "X"}, {"message", "why"}}}};
  struct Case {
    Json process;
    dcp_code code;
    const char* id;
  };
  for (const Case& each : std::vector<Case>{
           {ExitedWith(away), DCP_UNAVAILABLE, "PZ0244"},
           {ExitedWith(foreign), DCP_UNAUTHENTICATED, "PZ0244"},
           {ExitedWith(failed), DCP_INTERNAL, "PZ0408"},
           {{{"phase", "LOST"}}, DCP_UNAVAILABLE, "PZ0409"},
           {{{"phase", "EXITED"}, {"signal", 9}}, DCP_UNAVAILABLE, "PZ0406"},
           {{{"phase", "EXITED"}, {"exitCode", 1}, {"stderrTail", "JAVA_HOME is not set\n"}},
            DCP_FAILED_PRECONDITION,
            "PZ0407"},
           {{{"phase", "EXITED"}, {"signal", 15}, {"cancelRequested", true}}, DCP_CANCELLED, ""},
           {{{"phase", "RUNNING"}}, DCP_INVALID_ARGUMENT, ""}}) {
    const auto outcome = InterpretOf("SELECT 1", each.process);
    ASSERT_FALSE(outcome.ok()) << each.process.dump();
    EXPECT_EQ(outcome.error().code, each.code) << each.process.dump();
    EXPECT_EQ(outcome.error().id, each.id) << each.process.dump();
  }
}

}  // namespace
}  // namespace dcp::spark_runner
