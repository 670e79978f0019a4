// SPDX-License-Identifier: Apache-2.0
//
// From manifests to graphs.
#include <gmock/gmock.h>

#include <algorithm>

#include "finding.h"
#include "sql_text.h"
#include "test_support.h"

namespace dcp::derived_dataset {
namespace {

using ::testing::HasSubstr;

std::string Manifest(const std::string& name, const std::string& sql,
                     const std::string& more = "") {
  return "apiVersion: dcp/v1\nkind: DerivedDataset\nmetadata: {name: " + name +
         ", namespace: m}\nspec:\n  sql: " + sql + "\n" + more;
}
constexpr const char* kColumns = "  schema: {columns: [{name: a, type: int}]}\n";

TEST(CompileTest, Describe) {
  EXPECT_EQ(
      Call("Describe", Json::object()).dump(),
      R"({"commands":["apply","test","preview","run","outline"],"kinds":["DerivedDataset"]})");
}

TEST(CompileTest, ApplyWithDeclaredColumnsAsksNoEngine) {
  Json response = Compile("apply", {{"a.yaml", Manifest("a", "SELECT 1 AS a", kColumns)}},
                          {{"recreate", true}});
  EXPECT_EQ(ShowGraph(response),
            "m.a.ensure: catalog.EnsureTable\n"
            "m.a.register: playground.Register after m.a.ensure\n"
            "apply.continue-0: resource.Continue after m.a.ensure, m.a.register (always)\n");
  EXPECT_EQ(
      NodeOf(response, "m.a.ensure")["request"].dump(),
      R"({"columns":[{"name":"a","nullable":true,"type":"int"}],"partitioning":[],"properties":{},)"
      R"("recreate":true,"table":"m.a"})");
  const Json& registration = NodeOf(response, "m.a.register")["request"];
  EXPECT_EQ(registration["name"], "m.a");
  EXPECT_EQ(registration["kind"], "DerivedDataset");
  EXPECT_THAT(registration["specHash"].get<std::string>(), HasSubstr("sha256:"));
  EXPECT_EQ(registration["spec"]["spec"]["sql"], "SELECT 1 AS a");
}

TEST(CompileTest, ApplyInTheOrderOfReading) {
  Json response = Compile("apply", {{"b.yaml", Manifest("b", "SELECT a FROM prod.m.a", kColumns)},
                                    {"a.yaml", Manifest("a", "SELECT 1 AS a", kColumns)}});
  EXPECT_EQ(ShowGraph(response),
            "m.a.ensure: catalog.EnsureTable\n"
            "m.a.register: playground.Register after m.a.ensure\n"
            "m.b.ensure: catalog.EnsureTable after m.a.ensure\n"
            "m.b.register: playground.Register after m.b.ensure\n"
            "apply.continue-0: resource.Continue after m.a.ensure, m.a.register, m.b.ensure, "
            "m.b.register (always)\n");
}

TEST(CompileTest, TestBetweenTwoReceipts) {
  Json response = Compile(
      "test",
      {{"a.yaml", Manifest("a", "SELECT :n AS a;",
                           "  params: {n: {type: int, default: 1}}\n  runtime: {test: shared}\n")},
       {"b.yaml", Manifest("b", "SELECT a FROM m.a")}},
      {{"params", {{"n", "7"}}}});
  EXPECT_EQ(ShowGraph(response),
            "test.receipt-before: catalog.Receipt\n"
            "m.a.describe: catalog.DescribeTable\n"
            "m.a.analyze: test_backend.Analyze after test.receipt-before\n"
            "m.b.analyze: test_backend.Analyze after test.receipt-before\n"
            "test.receipt-after: catalog.Receipt after test.receipt-before, m.a.analyze, "
            "m.b.analyze (always)\n"
            "test.report: resource.Continue after test.receipt-before, m.a.describe, m.a.analyze, "
            "m.b.analyze, "
            "test.receipt-after (always)\n");
  const Json& node = NodeOf(response, "m.a.analyze");
  EXPECT_EQ(node["route"], "shared");
  EXPECT_EQ(
      node["request"].dump(),
      R"({"mode":"EXPLAIN","params":[{"name":"n","type":"int","value":"7"}],)"
      R"("source":{"exact":true,"file":"a.yaml","firstLineOffset":7,"line":5,"lineOffset":0},)"
      R"("sql":"SELECT :n AS a"})");
  Json schema = Compile("test", {{"a.yaml", Manifest("a", "SELECT 1")}}, {{"mode", "schema"}});
  EXPECT_EQ(NodeOf(schema, "m.a.analyze")["request"]["mode"], "SCHEMA");
  Json limit0 = Compile("test", {{"a.yaml", Manifest("a", "SELECT 1")}}, {{"mode", "limit0"}});
  EXPECT_EQ(NodeOf(limit0, "m.a.analyze")["request"]["mode"], "LIMIT0");
}

TEST(CompileTest, RunLooksFirst) {
  Json response = Compile("run", {{"a.yaml", Manifest("a", "SELECT 1 AS a")}});
  EXPECT_EQ(ShowGraph(response),
            "m.a.describe: catalog.DescribeTable\nrun.check: resource.Continue after m.a.describe "
            "(always)\n");
}

TEST(CompileTest, FilesAreAskedForAndRead) {
  std::string text =
      "apiVersion: dcp/v1\nkind: DerivedDataset\nmetadata: {name: a, namespace: m}\nspec:\n  "
      "sqlFile: ./q/a.sql\n";
  Json response = Compile("test", {{"dir/a.yaml", text}});
  EXPECT_EQ(response.dump(), R"({"needsFiles":{"paths":["dir/q/a.sql"]}})");
  response = Compile("test", {{"dir/a.yaml", text}}, Json::object(),
                     {{"dir/q/a.sql", "-- x\r\nSELECT 1\r\n"}});
  const Json& request = NodeOf(response, "m.a.analyze")["request"];
  EXPECT_EQ(request["sql"], "-- x\nSELECT 1\n");
  EXPECT_EQ(request["source"]["file"], "dir/q/a.sql");
  response =
      Compile("test", {{"dir/a.yaml", text}}, Json::object(), {{"dir/q/a.sql", "\n SELECT 'x"}});
  EXPECT_EQ(Show(response),
            "dir/q/a.sql:2:9: ERROR PZ0111 the string that begins here is never closed (close it "
            "with ')\n");
  response = Compile("test", {{"dir/a.yaml", text}}, Json::object(),
                     {{"dir/q/a.sql", std::string("a\0b", 3)}});
  EXPECT_THAT(Show(response), HasSubstr("dir/q/a.sql:1:2: ERROR PZ0107 a NUL byte"));
  response = Compile("test", {{"dir/a.yaml", text}}, Json::object(), {{"other.sql", "SELECT 1"}});
  EXPECT_THAT(Show(response),
              HasSubstr("dir/a.yaml:5:12: ERROR PZ0107 the file `./q/a.sql` was not sent"));
}

TEST(CompileTest, EveryMistakeOfEveryFileIsTold) {
  Json response = Compile("run", {{"a.yaml", Manifest("A", "SELECT 1", "  nope: 1\n")},
                                  {"b.yaml", Manifest("b", "DROP TABLE x")}});
  EXPECT_EQ(
      Show(response),
      "a.yaml:3:18: ERROR PZ0106 `A` is no name of a dataset (a small letter, then small "
      "letters, digits and _)\n"
      "a.yaml:6:3: ERROR PZ0102 unknown key `spec.nope` (known here: consumers, description, diff, "
      "expectations, inputs, lifecycle, materialization, owner, params, policies, runtime, "
      "schema, sql, sqlFile, table, tests)\n"
      "b.yaml:5:8: ERROR PZ0113 a query begins with SELECT, WITH, VALUES, FROM or TABLE, not "
      "with `DROP` "
      "(Pretzel itself creates and writes the table: give the query alone)\n");
  EXPECT_EQ(response["report"]["kind"], "RunReport");
}

TEST(CompileTest, TheSameDatasetTwice) {
  Json response = Compile(
      "apply", {{"a.yaml", Manifest("a", "SELECT 1")}, {"b.yaml", Manifest("a", "SELECT 2")}});
  EXPECT_EQ(Show(response),
            "b.yaml:3:18: ERROR PZ0118 the dataset m.a is defined twice (it is defined at "
            "a.yaml:3:18 already)\n");
}

TEST(CompileTest, ParametersOfTheCommand) {
  std::string text = Manifest("a", "SELECT :day AS a", "  params: {day: {type: date}}\n");
  EXPECT_EQ(Show(Compile("test", {{"a.yaml", text}}, {{"params", {{"day", "2013-13-01"}}}})),
            "a.yaml:6:12: ERROR PZ0109 the value given for `day`: `2013-13-01` is not a date such "
            "as 2013-01-31 "
            "(it is declared as date)\n");
  EXPECT_EQ(Show(Compile("test", {{"a.yaml", text}},
                         {{"params", {{"day", "2013-12-01"}, {"dya", "1"}}}})),
            "ERROR PZ0109 no manifest declares the parameter `dya` (did you mean `day`?)\n");
}

TEST(CompileTest, ChainsOfUndeclaredColumnsAreBounded) {
  Files files = {{"d0.yaml", Manifest("d0", "SELECT 1 AS a")}};
  auto grow = [&](size_t to) {
    for (size_t i = files.size(); i < to; ++i) {
      std::string name = "d" + std::to_string(i);
      files.push_back(
          {name + ".yaml", Manifest(name, "SELECT * FROM prod.m.d" + std::to_string(i - 1))});
    }
  };
  grow(3);
  EXPECT_NE(ShowGraph(Compile("apply", files)), "");
  grow(4);
  EXPECT_EQ(Show(Compile("apply", files)),
            "d3.yaml:3:18: ERROR PZ0122 m.d3 ends a chain of more than 3 datasets without declared "
            "columns that read "
            "one another (declare spec.schema.columns of one in the middle)\n");
}

// Who divides a command asks for this; what is wrong is said by the command itself.
TEST(CompileTest, AnOutlineSaysWhatIsDefinedAndRead) {
  const Json outline =
      Compile("outline",
              {{"a.yaml", Manifest("a", "SELECT x.y FROM prod.m.b x, `m`.`c`")},
               {"b.yaml", Manifest("b", "SELECT :day AS d") + "  params:\n    day: {type: date}\n"},
               {"wrong.yaml", "kind: ["}});
  const Json& report = Member(outline, "report");
  EXPECT_EQ(TextOf(report, "kind"), "Outline");
  EXPECT_EQ(
      Member(Member(report, "body"), "datasets").dump(),
      R"([{"name":"m.a","params":[],"path":"a.yaml","reads":["x.y","m.b","m.c"],"sqlFile":""},)"
      R"({"name":"m.b","params":["day"],"path":"b.yaml","reads":[],"sqlFile":""}])");
  const std::string file =
      "apiVersion: dcp/v1\nkind: DerivedDataset\nmetadata: {name: a, "
      "namespace: m}\nspec:\n  sqlFile: q.sql\n";
  EXPECT_EQ(Compile("outline", {{"d/a.yaml", file}}).dump(),
            R"({"needsFiles":{"paths":["d/q.sql"]}})");
  const Json with_file = Compile("outline", {{"d/a.yaml", file}}, Json::object(),
                                 {{"d/q.sql", "SELECT * FROM prod.m.b"}});
  EXPECT_EQ(with_file["report"]["body"]["datasets"][0]["sqlFile"], "d/q.sql");
  EXPECT_EQ(with_file["report"]["body"]["datasets"][0]["reads"][0], "m.b");
}

TEST(CompileTest, WrongRequests) {
  auto message = [](const std::string& method, const Json& request) {
    return Handle(method, request.dump()).message;
  };
  EXPECT_EQ(message("Nope", Json::object()), "unknown method `Nope`");
  EXPECT_EQ(message("Compile", CompileRequest("delete", {})),
            "kind DerivedDataset knows no command `delete`");
  EXPECT_EQ(message("Compile", {{"command", "apply"}}), "the request's context names no catalog");
  EXPECT_EQ(message("Compile", CompileRequest("test", {}, {{"mdoe", "schema"}})),
            "unknown option `mdoe`; known: mode, plan, recreate, preview, rows, timeoutMs, params");
  EXPECT_EQ(message("Compile", CompileRequest("test", {}, {{"mode", "run"}})),
            "option mode must be \"schema\", \"explain\" or \"limit0\"");
  EXPECT_EQ(message("Compile", CompileRequest("test", Files(201, {"a.yaml", ""}))),
            "201 manifests in one run; at most 200 are taken");
  EXPECT_EQ(message("Continue", Json::object()), "the request holds no state");
  EXPECT_EQ(message("Continue", {{"state", {{"command", "x"}}}}),
            "the state is of no command that is known");
  EXPECT_EQ(message("Continue", {{"state", {{"command", "apply"}, {"nodes", {1}}}}}).substr(0, 43),
            "the request does not follow the contract: [");
  EXPECT_EQ(Handle("Compile", "{").message, "the request is not a JSON object");
  Json request = CompileRequest("test", {});
  request["manifests"] = {{{"path", "a"}, {"content", "*"}}};
  EXPECT_EQ(message("Compile", request), "manifests must hold a path and content in base64");
  EXPECT_EQ(Show(Compile("test", {})),
            "ERROR PZ0120 the command names no manifest (name at least one file)\n");
}

TEST(CompileTest, TheStatusFieldIsIgnoredWithAWarning) {
  std::string text = ReadFile(std::string(DCP_EXAMPLES) + "/broken/status.yaml");
  Json response = Compile("test", {{"status.yaml", text}});
  Json report = ContinueWith(response, "test.report", Json::array());
  EXPECT_THAT(Show(report),
              HasSubstr("status.yaml:8:1: WARNING PZ0121 `status` belongs to the daemon"));
}

TEST(CompileTest, ASqlFileThatIsNoTextIsNotCalledEmptyToo) {
  const std::string manifest =
      "apiVersion: dcp/v1\nkind: DerivedDataset\nmetadata: {name: a, namespace: m}\n"
      "spec: {sqlFile: q.sql}\n";
  EXPECT_EQ(Show(Compile("test", {{"a.yaml", manifest}}, Json::object(),
                         {{"q.sql", std::string("SELECT \0", 8)}})),
            "q.sql:1:8: ERROR PZ0107 a NUL byte (remove it, or write it as an escape in a "
            "double-quoted text)\n");
}

TEST(CompileTest, SqlIsBounded) {
  const auto sized = [](size_t bytes) {
    return Show(Compile(
        "test", {{"a.yaml", Manifest("a", "SELECT '" + std::string(bytes - 9, 'x') + "'")}}));
  };
  EXPECT_EQ(sized(kSqlBytesMax), "");
  EXPECT_THAT(sized(kSqlBytesMax + 1), HasSubstr("PZ0123 the SQL has 1048577 bytes"));
}

TEST(CompileTest, MessagesQuoteNoMegabytes) {
  Json response = Compile("test", {{"a.yaml", "apiVersion: " + std::string(1 << 20, 'x') +
                                                  "\nkind: DerivedDataset\n"}});
  size_t longest = 0;
  for (const Json& finding : response["report"]["findings"]) {
    longest = std::max(longest, finding["message"].get<std::string>().size());
  }
  EXPECT_EQ(longest, Findings::kTextBytesMax + 3);  // and "..."
}

}  // namespace
}  // namespace dcp::derived_dataset
