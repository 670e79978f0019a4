// SPDX-License-Identifier: Apache-2.0
//
// From outputs of nodes to reports, or to further nodes.
#include <gmock/gmock.h>

#include "command.h"
#include "test_support.h"

namespace dcp::derived_dataset {
namespace {

using ::testing::HasSubstr;

std::string Manifest(const std::string& name, const std::string& sql,
                     const std::string& columns = "") {
  return "apiVersion: dcp/v1\nkind: DerivedDataset\nmetadata: {name: " + name +
         ", namespace: m}\nspec:\n  sql: " + sql + "\n" +
         (columns.empty() ? "" : "  schema:\n    columns:\n" + columns);
}
constexpr const char* kColumn = "    - {name: a, type: int}\n";
const Json kEngine = {{"valid", true},
                      {"columns", {{{"name", "a"}, {"type", "int"}, {"nullable", false}}}}};

Json Column(const char* name, const char* type, bool nullable = true) {
  return {{"name", name}, {"type", type}, {"nullable", nullable}};
}
std::string StatusOf(const Json& response) { return TextOf(Member(response, "report"), "status"); }
const Json& DatasetAt(const Json& response, size_t i) {
  return response.at("report").at("body").at("datasets").at(i);
}

// ---- apply

TEST(ApplyTest, ReportOfATable) {
  Json compiled = Compile("apply", {{"a.yaml", Manifest("a", "SELECT 1 AS a", kColumn)}});
  auto report = [&](const Json& ensure) {
    return ContinueWith(compiled, "apply.continue-0",
                        {Ok("m.a.ensure", ensure), Ok("m.a.register")});
  };
  Json created = report({{"status", "CREATED"}, {"uuid", "u"}, {"location", "file:/x"}});
  EXPECT_EQ(
      created["report"].dump(),
      R"({"body":{"datasets":[{"columns":[{"name":"a","nullable":true,"type":"int"}],"file":"a.yaml",)"
      R"("location":"file:/x","name":"m.a","status":"CREATED","table":"prod.m.a","uuid":"u"}]},)"
      R"("findings":[],"kind":"ApplyReport","status":"CHANGED"})");
  EXPECT_EQ(StatusOf(report({{"status", "UNCHANGED"}})), "UNCHANGED");
  EXPECT_EQ(StatusOf(report({{"status", "RECREATED"}})), "CHANGED");
  Json drifted = report({{"status", "DRIFTED"}, {"drift", {"column a is string, declared int"}}});
  EXPECT_EQ(StatusOf(drifted), "DRIFTED");
  EXPECT_EQ(
      Show(drifted),
      "a.yaml:3:18: WARNING PZ0140 prod.m.a exists and differs from the manifest: column a is "
      "string, declared "
      "int (make it anew, without its rows: pretzel derived-dataset apply --recreate a.yaml)\n");
}

TEST(ApplyTest, AFailedStepIsTold) {
  Json compiled = Compile("apply", {{"a.yaml", Manifest("a", "SELECT 1 AS a", kColumn)},
                                    {"b.yaml", Manifest("b", "SELECT a FROM m.a", kColumn)}});
  Json report = ContinueWith(
      compiled, "apply.continue-0",
      {Failed("m.a.ensure", "the catalog is down", "PZ0401"), Ended("m.a.register", "SKIPPED"),
       Ended("m.b.ensure", "SKIPPED"), Ended("m.b.register", "SKIPPED")});
  EXPECT_EQ(StatusOf(report), "FAILED");
  EXPECT_EQ(Show(report),
            "a.yaml:3:18: ERROR PZ0401 cannot create prod.m.a: the catalog is down (look at the "
            "daemon's log)\n"
            "b.yaml:3:18: WARNING PZ0143 m.b was not applied, since it reads m.a, which failed "
            "(mend m.a first)\n");
  EXPECT_EQ(DatasetAt(report, 1)["status"], "SKIPPED");
  Json cancelled =
      ContinueWith(compiled, "apply.continue-0", Json::array({Ended("m.a.ensure", "CANCELLED")}));
  EXPECT_EQ(StatusOf(cancelled), "CANCELLED");
}

TEST(ApplyTest, UndeclaredColumnsComeFromTheEngineRoundByRound) {
  Json compiled = Compile("apply", {{"b.yaml", Manifest("b", "SELECT * FROM m.a")},
                                    {"a.yaml", Manifest("a", "SELECT 1 AS a")}});
  EXPECT_EQ(ShowGraph(compiled),
            "m.a.analyze: test_backend.Analyze\napply.continue-0: resource.Continue after "
            "m.a.analyze (always)\n");
  Json outputs = Json::array({Ok("m.a.analyze", kEngine)});
  Json second = ContinueWith(compiled, "apply.continue-0", outputs);
  EXPECT_EQ(ShowGraph(second),
            "m.a.ensure: catalog.EnsureTable\n"
            "m.a.register: playground.Register after m.a.ensure\n"
            "m.b.analyze: test_backend.Analyze after m.a.ensure\n"
            "apply.continue-1: resource.Continue after m.a.analyze, m.a.ensure, m.a.register, "
            "m.b.analyze (always)\n");
  EXPECT_EQ(NodeOf(second, "m.a.ensure")["request"]["columns"].dump(),
            R"([{"name":"a","nullable":true,"type":"int"}])");
  outputs.push_back(Ok("m.a.ensure", {{"status", "CREATED"}}));
  outputs.push_back(Ok("m.a.register"));
  outputs.push_back(Ok("m.b.analyze", kEngine));
  Json third = ContinueWith(second, "apply.continue-1", outputs);
  EXPECT_THAT(ShowGraph(third), HasSubstr("m.b.ensure: catalog.EnsureTable after m.a.ensure\n"));
  outputs.push_back(Ok("m.b.ensure", {{"status", "CREATED"}}));
  outputs.push_back(Ok("m.b.register"));
  Json report = ContinueWith(third, "apply.continue-2", outputs);
  EXPECT_EQ(StatusOf(report), "CHANGED");
  EXPECT_EQ(DatasetAt(report, 1)["status"], "CREATED");
}

TEST(ApplyTest, AQueryThatTheEngineRefusesEndsTheRounds) {
  Json compiled = Compile("apply", {{"b.yaml", Manifest("b", "SELECT * FROM m.a")},
                                    {"a.yaml", Manifest("a", "SELECT x")}});
  Json finding = {{"severity", "ERROR"},
                  {"code", "PZ0203"},
                  {"message", "no column x"},
                  {"location", {{"file", "a.yaml"}, {"line", 5}, {"column", 15}}}};
  Json report = ContinueWith(compiled, "apply.continue-0",
                             Json::array({Ok("m.a.analyze", {{"findings", {finding}}})}));
  EXPECT_EQ(StatusOf(report), "FAILED");
  EXPECT_EQ(Show(report),
            "a.yaml:5:15: ERROR PZ0203 no column x\n"
            "b.yaml:3:18: WARNING PZ0143 m.b was not applied, since it reads m.a, which failed "
            "(mend m.a first)\n");
}

// ---- test

constexpr const char* kCounts =
    R"({"loads":"5","lists":1,"creates":2,"commits":2,"drops":0,"refused":0})";
const Json kBefore = Ok("test.receipt-before", Json::parse(kCounts));
Json After(int loads, int commits = 2) {
  Json counts = Json::parse(kCounts);
  counts["loads"] = loads;
  counts["commits"] = commits;
  return Ok("test.receipt-after", counts);
}

Json TestOf(const std::string& columns, const Json& engine_columns) {
  Json compiled = Compile("test", {{"a.yaml", Manifest("a", "SELECT 1 AS a", columns)}});
  return ContinueWith(
      compiled, "test.report",
      {kBefore, Ok("m.a.analyze", {{"valid", true}, {"columns", engine_columns}}), After(8)});
}

TEST(TestTest, ReportWithReceipt) {
  Json compiled =
      Compile("test", {{"a.yaml", Manifest("a", "SELECT 1 AS a", kColumn)}}, {{"plan", true}});
  Json engine = kEngine;
  engine["plan"] = "Project";
  engine["inputs"] = {"prod.nyc.flights"};
  engine["engineVersion"] = "4.1.2";
  engine["timings"] = {{"analyzeMs", "12"}};
  Json outputs = {kBefore, Ok("m.a.analyze", engine), After(8)};
  EXPECT_EQ(
      ContinueWith(compiled, "test.report", outputs)["report"].dump(),
      R"({"body":{"datasets":[{"columns":[{"name":"a","nullable":false,"type":"int"}],"engineVersion":"4.1.2",)"
      R"("file":"a.yaml","inputs":["prod.nyc.flights"],"name":"m.a","plan":"Project","status":"PASSED",)"
      R"("table":"prod.m.a","timings":{"analyzeMs":"12"}}],"receipt":{"commits":0,"creates":0,"drops":0,)"
      R"("lists":0,"loads":3,"mode":"ro","refused":0}},"findings":[],"kind":"TestReport","status":"PASSED"})");
  Json quiet = Compile("test", {{"a.yaml", Manifest("a", "SELECT 1 AS a", kColumn)}});
  EXPECT_FALSE(DatasetAt(ContinueWith(quiet, "test.report", outputs), 0).contains("plan"));
}

TEST(TestTest, DeclaredAgainstDerivedColumns) {
  Json report = TestOf(
      "    - {name: gone, type: int}\n    - {name: total, type: int}\n    - {name: kind, type: "
      "string, nullable: false}\n"
      "    - {name: Day, type: date}\n    - {name: nmae, type: string}\n",
      {Column("total", "bigint", false), Column("kind", "string"), Column("day", "date"),
       Column("name", "string"), Column("more", "double")});
  EXPECT_EQ(Show(report),
            "a.yaml:8:14: ERROR PZ0130 `gone` is declared; the query does not yield it (add it "
            "to the query, or remove it here)\n"
            "a.yaml:8:14: ERROR PZ0131 the query yields `name`, which is not declared (add - "
            "{name: name, type: "
            "\"string\"}, or drop it from the query)\n"
            "a.yaml:8:14: ERROR PZ0131 the query yields `more`, which is not declared (add - "
            "{name: more, type: "
            "\"double\"}, or drop it from the query)\n"
            "a.yaml:9:14: ERROR PZ0132 `total` is declared as int; the query yields bigint "
            "(declare bigint, or write "
            "CAST(... AS int) in the query)\n"
            "a.yaml:10:14: WARNING PZ0133 `kind` is declared without NULL; the engine cannot tell "
            "that there is none "
            "(the run fails at the first NULL; use coalesce(), or drop `nullable: false`)\n"
            "a.yaml:11:14: ERROR PZ0134 `Day` is declared; the query yields `day` (write both with "
            "the same letters: "
            "other engines tell them apart)\n"
            "a.yaml:12:14: ERROR PZ0130 `nmae` is declared; the query does not yield it (did you "
            "mean `name`?)\n");
  EXPECT_EQ(StatusOf(report), "FAILED");
}

TEST(TestTest, OrderAndSpellingOfTypesDoNotFail) {
  Json report = TestOf("    - {name: b, type: long}\n    - {name: a, type: int}\n",
                       {Column("a", "smallint"), Column("b", "BIGINT")});
  EXPECT_EQ(Show(report),
            "a.yaml:8:14: INFO PZ0135 the columns are declared in another order than the query "
            "yields them (the table "
            "has the declared order; rows are written by name)\n");
  EXPECT_EQ(StatusOf(report), "PASSED");
}

TEST(TestTest, ColumnsThatNoTableHolds) {
  Json report = TestOf("", {Column("x", "void"), Column("y", "int"), Column("Y", "interval day")});
  EXPECT_EQ(
      Show(report),
      "a.yaml:5:8: ERROR PZ0136 the query yields `x` as void, which no table can hold (cast it: "
      "CAST(NULL AS "
      "string))\n"
      "a.yaml:5:8: ERROR PZ0136 the query yields two columns named `Y` (name one of them with AS)\n"
      "a.yaml:5:8: ERROR PZ0136 the query yields `Y` as interval day, which no table can hold "
      "(cast it to a type "
      "of a table)\n");
}

// ---- preview

const Json kRows = {{"valid", true},
                    {"columns", {{{"name", "a"}, {"type", "bigint"}}}},
                    {"rows", {{"9007199254740993"}, {nullptr}}},
                    {"moreRows", true},
                    {"engine", "spark"}};

TEST(PreviewTest, NodesAndReport) {
  Json compiled = Compile("preview",
                          {{"a.yaml", Manifest("a", "SELECT 1 AS a", kColumn)},
                           {"b.yaml", Manifest("b", "SELECT a FROM m.a", kColumn)}},
                          {{"rows", 7}, {"timeoutMs", 5000}});
  EXPECT_EQ(ShowGraph(compiled),
            "test.receipt-before: catalog.Receipt\n"
            "m.a.describe: catalog.DescribeTable\n"
            "m.a.preview: test_backend.Preview after test.receipt-before\n"
            "m.b.preview: test_backend.Preview after test.receipt-before\n"
            "test.receipt-after: catalog.Receipt after test.receipt-before, m.a.preview, "
            "m.b.preview (always)\n"
            "test.report: resource.Continue after test.receipt-before, m.a.describe, m.a.preview, "
            "m.b.preview, test.receipt-after (always)\n");
  const Json& node = NodeOf(compiled, "m.a.preview");
  EXPECT_EQ(node["request"]["rowsMax"], 7);
  EXPECT_EQ(node["request"]["bytesMax"], (1 << 20) / 2);
  EXPECT_EQ(node["request"]["timeoutMs"], 5000);
  EXPECT_EQ(node["timeoutMs"], 15000);
  Json refused = {{"findings",
                   {{{"severity", "ERROR"},
                     {"code", "PZ0220"},
                     {"message", "no column x"},
                     {"location", {{"file", "b.yaml"}, {"line", 5}, {"column", 8}}}}}}};
  Json report =
      ContinueWith(compiled, "test.report",
                   {kBefore, Ok("m.a.preview", kRows), Ok("m.b.preview", refused), After(8)});
  EXPECT_EQ(StatusOf(report), "FAILED");
  EXPECT_EQ(TextOf(report["report"], "kind"), "PreviewReport");
  EXPECT_EQ(DatasetAt(report, 0)["rows"].dump(), R"([["9007199254740993"],[null]])");
  EXPECT_EQ(DatasetAt(report, 0)["moreRows"], true);
  EXPECT_EQ(DatasetAt(report, 0)["truncated"], false);
  EXPECT_EQ(DatasetAt(report, 0)["status"], "SUCCEEDED");
  EXPECT_EQ(DatasetAt(report, 1)["status"], "FAILED");
  EXPECT_FALSE(DatasetAt(report, 1).contains("rows"));
  EXPECT_EQ(Show(report), "b.yaml:5:8: ERROR PZ0220 no column x\n");
  EXPECT_EQ(report["report"]["body"]["receipt"]["loads"], 3);
}

TEST(PreviewTest, OfATestComesAfterItsChecks) {
  Json compiled = Compile("test", {{"a.yaml", Manifest("a", "SELECT 1 AS a", kColumn)}},
                          {{"preview", true}, {"mode", "limit0"}});
  EXPECT_EQ(NodeOf(compiled, "m.a.analyze")["request"]["mode"], "LIMIT0");
  EXPECT_EQ(NodeOf(compiled, "m.a.preview")["after"].dump(),
            R"(["test.receipt-before","m.a.analyze"])");
  EXPECT_EQ(NodeOf(compiled, "m.a.preview")["request"]["rowsMax"], 100);
  EXPECT_EQ(NodeOf(compiled, "m.a.preview")["request"]["bytesMax"], 1 << 20);
  auto report = [&](const Json& analysis, const Json& preview) {
    return ContinueWith(compiled, "test.report",
                        {kBefore, Ok("m.a.analyze", analysis), preview, After(8)});
  };
  Json good = report(kEngine, Ok("m.a.preview", kRows));
  EXPECT_EQ(StatusOf(good), "PASSED");
  EXPECT_EQ(DatasetAt(good, 0)["preview"]["rows"].size(), 2U);
  // What fails only when it runs fails the test that asked for rows.
  Json late = report(kEngine, Failed("m.a.preview", "it did not end within its time", "PZ0247"));
  EXPECT_EQ(StatusOf(late), "FAILED");
  EXPECT_EQ(Show(late),
            "a.yaml:5:8: ERROR PZ0247 cannot show rows of prod.m.a: it did not end within its "
            "time (look at the daemon's log)\n");
  // Columns that do not fit: the rows are of no interest.
  Json other = {{"valid", true}, {"columns", {Column("b", "int")}}};
  EXPECT_FALSE(DatasetAt(report(other, Ok("m.a.preview", kRows)), 0).contains("preview"));
}

TEST(PreviewTest, OptionsAreCheckedAtTheirBounds) {
  auto message = [](const Json& options) {
    return Handle("Compile",
                  CompileRequest("preview", {{"a.yaml", Manifest("a", "SELECT 1 AS a")}}, options)
                      .dump())
        .message;
  };
  for (const Json& good : {Json{{"rows", 1}}, Json{{"rows", kPreviewRowsMax}},
                           Json{{"timeoutMs", kPreviewTimeoutMsMax}}, Json{{"rows", 5.0}}}) {
    EXPECT_EQ(message(good), "") << good;
  }
  for (const Json& rows : {Json(0), Json(1001), Json(1.5), Json(-1), Json("5"), Json(1e300)}) {
    EXPECT_EQ(message({{"rows", rows}}), "option rows must be a whole number from 1 to 1000");
  }
  EXPECT_EQ(message({{"timeoutMs", kPreviewTimeoutMsMax + 1}}),
            "option timeoutMs must be a whole number from 1 to 540000");
  EXPECT_EQ(message({{"preview", 1}}), "option preview has a value of the wrong type");
}

TEST(TestTest, AnUnbuiltInputOfTheSameCommand) {
  Json compiled = Compile("test", {{"dir/a.yaml", Manifest("a", "SELECT 1 AS a")},
                                   {"b.yaml", Manifest("b", "SELECT * FROM m.a")}});
  Json finding = {{"severity", "ERROR"},
                  {"code", "PZ0203"},
                  {"message", "the table `m`.`a` cannot be found"},
                  {"engineCode", "TABLE_OR_VIEW_NOT_FOUND"},
                  {"location", {{"file", "b.yaml"}, {"line", 5}, {"column", 22}}}};
  Json report =
      ContinueWith(compiled, "test.report",
                   {kBefore, Ok("m.a.describe", {{"exists", false}}), Ok("m.a.analyze", kEngine),
                    Ok("m.b.analyze", {{"findings", {finding}}}), After(5)});
  EXPECT_EQ(Show(report),
            "b.yaml:5:22: ERROR PZ0142 prod.m.a does not exist yet; dir/a.yaml defines it (apply "
            "it first: pretzel "
            "derived-dataset apply dir/a.yaml)\n");
  EXPECT_EQ(DatasetAt(report, 0)["status"], "PASSED");
  EXPECT_EQ(DatasetAt(report, 1)["status"], "FAILED");
}

TEST(TestTest, TheEngineIsDown) {
  Json compiled = Compile("test", {{"a.yaml", Manifest("a", "SELECT 1 AS a")}});
  Json report = ContinueWith(compiled, "test.report",
                             {kBefore, Failed("m.a.analyze", "connection refused"), After(5)});
  EXPECT_EQ(Show(report),
            "a.yaml:5:8: ERROR PZ0160 cannot check prod.m.a: connection refused (look at the "
            "daemon's log)\n");
  EXPECT_EQ(StatusOf(report), "FAILED");
}

TEST(TestTest, AReceiptThatDoesNotProveIt) {
  Json compiled = Compile("test", {{"a.yaml", Manifest("a", "SELECT 1 AS a")}});
  Json analyzed = Ok("m.a.analyze", kEngine);
  Json wrote = ContinueWith(compiled, "test.report", {kBefore, analyzed, After(5, 3)});
  EXPECT_THAT(Show(wrote), HasSubstr("ERROR PZ0150 1 writes went through the read-only mount"));
  EXPECT_EQ(StatusOf(wrote), "FAILED");
  Json anew = ContinueWith(compiled, "test.report", {kBefore, analyzed, After(0)});
  EXPECT_THAT(
      Show(anew),
      HasSubstr(
          "WARNING PZ0151 cannot prove that nothing was written: the catalog began to count"));
  Json none = ContinueWith(compiled, "test.report",
                           {kBefore, analyzed, Failed("test.receipt-after", "gone")});
  EXPECT_THAT(Show(none), HasSubstr("WARNING PZ0151 cannot prove that nothing was written: gone"));
  EXPECT_FALSE(none["report"]["body"].contains("receipt"));
}

// ---- run

Json Applied(const char* type = "int") {
  return {{"exists", true}, {"inOverlay", true}, {"columns", {Column("a", type)}}};
}

TEST(RunTest, JobsInTheOrderOfReading) {
  Json compiled = Compile("run", {{"b.yaml", Manifest("b", "SELECT a FROM m.a", kColumn)},
                                  {"a.yaml", Manifest("a", "SELECT 1 AS a")}});
  Json jobs = ContinueWith(compiled, "run.check",
                           {Ok("m.a.describe", Applied()), Ok("m.b.describe", Applied())});
  EXPECT_EQ(ShowGraph(jobs),
            "m.a.run: run_backend.Submit\n"
            "m.b.run: run_backend.Submit after m.a.run\n"
            "run.report: resource.Continue after m.a.describe, m.b.describe, m.a.run, m.b.run "
            "(always)\n");
  EXPECT_EQ(
      NodeOf(jobs, "m.a.run")["request"].dump(),
      R"({"job":{"columns":[{"name":"a","nullable":true,"type":"int"}],"materialization":"full","params":[],)"
      R"("sql":"SELECT 1 AS a","table":"prod.m.a"}})");
  Json done = {
      {"state", "JOB_SUCCEEDED"},
      {"result", {{"rows", "3"}, {"snapshotId", "8077198465420839217"}, {"durationMs", "900"}}}};
  Json report = ContinueWith(jobs, "run.report", {Ok("m.a.run", done), Ok("m.b.run", done)});
  EXPECT_EQ(StatusOf(report), "SUCCEEDED");
  EXPECT_EQ(DatasetAt(report, 0).dump(),
            R"({"alreadyWritten":false,"durationMs":900,"file":"a.yaml","name":"m.a","rows":3,)"
            R"("snapshotId":"8077198465420839217","state":"SUCCEEDED","table":"prod.m.a"})");
}

TEST(RunTest, NothingIsSubmittedUnlessAllIsApplied) {
  Json compiled = Compile("run", {{"a.yaml", Manifest("a", "SELECT 1 AS a", kColumn)},
                                  {"b.yaml", Manifest("b", "SELECT 1 AS a", kColumn)}});
  Json report = ContinueWith(compiled, "run.check",
                             {Ok("m.a.describe", {{"exists", true}, {"inOverlay", false}}),
                              Ok("m.b.describe", Applied("string"))});
  EXPECT_EQ(ShowGraph(report), "");
  EXPECT_EQ(Show(report),
            "a.yaml:3:18: ERROR PZ0141 prod.m.a is not applied: the playground has no such table "
            "of its own (run: "
            "pretzel derived-dataset apply a.yaml)\n"
            "b.yaml:3:18: ERROR PZ0140 prod.m.b differs from the manifest: `a` is string, declared "
            "as int (make it "
            "anew: pretzel derived-dataset apply --recreate b.yaml)\n");
  EXPECT_EQ(StatusOf(report), "FAILED");
  Json down =
      ContinueWith(compiled, "run.check",
                   {Failed("m.a.describe", "the catalog is down"), Ok("m.b.describe", Applied())});
  EXPECT_EQ(Show(down),
            "a.yaml:3:18: ERROR PZ0160 cannot look at prod.m.a: the catalog is down (look at the "
            "daemon's log)\n");
}

/// What an engine says of a query as a whole stands where the query begins, and not at the name.
TEST(EnginePlaceTest, WithoutAPlaceOfItsOwnIsTheStartOfTheSql) {
  const std::string head =
      "apiVersion: dcp/v1\nkind: DerivedDataset\nmetadata:\n  name: a\n"
      "  namespace: m\nspec:\n";
  const Files block = {{"a.yaml", head + "  sql: |\n    -- why\n    SELECT 1 AS a\n"}};
  const Files named = {{"a.yaml", head + "  sqlFile: a.sql\n"}};
  const Files files = {{"a.sql", "SELECT 1 AS a\n"}};
  const Json placeless = {
      {"findings", {{{"severity", "ERROR"}, {"code", "PZ0220"}, {"message", "internal error"}}}}};
  struct Case {
    const char* command;
    Json options;
    const char* node;
    const char* end;
    Json outputs;
  };
  const std::vector<Case> cases = {
      {"test", Json::object(), "m.a.analyze", "test.report", {kBefore, After(5)}},
      {"test", {{"preview", true}}, "m.a.analyze", "test.report", {kBefore, After(5)}},
      {"preview", Json::object(), "m.a.preview", "test.report", {kBefore, After(5)}},
      {"apply", Json::object(), "m.a.analyze", "apply.continue-0", Json::array()}};
  for (const Case& each : cases) {
    const Json compiled = Compile(each.command, block, each.options);
    for (const Json& output :
         {Failed(each.node, "Spark failed on this query"), Ok(each.node, placeless),
          Ok(each.node, {{"columns", Json::array()}})}) {
      if (each.node == std::string("m.a.preview") && output["response"].contains("columns"))
        continue;
      Json outputs = each.outputs;
      outputs.push_back(output);
      const std::string shown = Show(ContinueWith(compiled, each.end, outputs));
      EXPECT_EQ(shown.substr(0, 18), "a.yaml:8:5: ERROR ") << each.command << ": " << shown;
    }
    Json outputs = each.outputs;
    outputs.push_back(Failed(each.node, "Spark failed on this query"));
    const std::string shown =
        Show(ContinueWith(Compile(each.command, named, each.options, files), each.end, outputs));
    EXPECT_EQ(shown.substr(0, 17), "a.sql:1:1: ERROR ") << each.command << ": " << shown;
  }
}

TEST(RunTest, AJobThatFails) {
  Json compiled = Compile("run", {{"a.yaml", Manifest("a", "SELECT 1 AS a")},
                                  {"b.yaml", Manifest("b", "SELECT a FROM m.a")}});
  Json jobs = ContinueWith(compiled, "run.check",
                           {Ok("m.a.describe", Applied()), Ok("m.b.describe", Applied())});
  Json failed = {
      {"state", "JOB_FAILED"},
      {"findings", {{{"severity", "ERROR"}, {"code", "PZ0411"}, {"message", "divide by zero"}}}}};
  // Whether the host ends the node of a failed job as SUCCEEDED or FAILED, the report is the same.
  Json node = Ok("m.a.run", failed);
  for (const char* state : {"SUCCEEDED", "FAILED"}) {
    node["state"] = state;
    Json report = ContinueWith(jobs, "run.report", {node, Ended("m.b.run", "SKIPPED")});
    EXPECT_EQ(StatusOf(report), "FAILED");
    EXPECT_EQ(Show(report),
              "a.yaml:5:8: ERROR PZ0411 divide by zero\n"
              "b.yaml:3:18: WARNING PZ0143 m.b was not run, since a dataset that it reads did not "
              "succeed (mend that one "
              "first)\n");
    EXPECT_EQ(DatasetAt(report, 0)["state"], "FAILED");
    EXPECT_EQ(DatasetAt(report, 1)["state"], "SKIPPED");
  }
  Json lost =
      ContinueWith(jobs, "run.report", {Failed("m.a.run", "no disk"), Ended("m.b.run", "SKIPPED")});
  EXPECT_THAT(Show(lost),
              HasSubstr("a.yaml:5:8: ERROR PZ0160 the run of prod.m.a failed: no disk"));
  Json cancelled =
      ContinueWith(jobs, "run.report",
                   {Ok("m.a.run", {{"state", "JOB_CANCELLED"}}), Ended("m.b.run", "CANCELLED")});
  EXPECT_EQ(StatusOf(cancelled), "CANCELLED");
}

}  // namespace
}  // namespace dcp::derived_dataset
