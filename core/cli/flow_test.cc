// SPDX-License-Identifier: Apache-2.0
//
// Whole commands, from argv to exit code, against the API on a real Unix socket.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <streambuf>
#include <thread>

#include "api/testing/fixture.h"
#include "cli/app.h"
#include "cli/context_file.h"

namespace dcp::cli {
namespace {

constexpr char kPassed[] = R"({"kind":"TestReport","status":"PASSED","findings":[],
    "body":{"datasets":[{"table":"prod.m.a","status":"PASSED"}]}})";
constexpr char kFailed[] = R"({"kind":"TestReport","status":"FAILED","findings":[
    {"severity":"ERROR","code":"PZ0203","message":"no column y","hint":"did you mean x?",
     "location":{"file":"MANIFEST","line":1,"column":8}}],"body":{}})";

/// What another thread writes, to be waited for.
class SharedText : public std::streambuf {
 public:
  void WaitFor(const std::string& wanted) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return text_.find(wanted) != std::string::npos; });
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  int overflow(int c) override {
    const std::lock_guard lock(mutex_);
    text_ += static_cast<char>(c);
    changed_.notify_all();
    return c;
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
};

class FlowTest : public ::testing::Test {
 protected:
  FlowTest() {
    manifest_ = daemon_.folder + "/B.yaml";
    std::ofstream(manifest_) << "select y\n";
    env_ = {{"HOME", daemon_.folder},
            {"PRETZEL_ENDPOINT", daemon_.target()},
            {"PRETZEL_TOKEN", "ana-token"}};
    const Status started = daemon_.Start();
    EXPECT_TRUE(started.ok()) << started.ToString();
  }

  int Pretzel(std::vector<std::string> line, const std::string& input = "") {
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    Io io{&in, &out, &err, false, false, false, [this](const std::string& name) {
            const auto found = env_.find(name);
            return found == env_.end() ? std::string() : found->second;
          }};
    const int code = Main(io, std::move(line));
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  /// The next runs compile, then end like this.
  void RunsEnd(const std::string& state, const std::string& report) {
    daemon_.runner->on_start = [this, state, report](const store::Run& run) {
      EXPECT_TRUE(
          daemon_.runner
              ->SetNode(run.id, run.command == "delete" ? "purge" : "compile", store::kSucceeded)
              .ok());
      EXPECT_TRUE(daemon_.runner->Finish(run.id, state, report).ok());
    };
  }

  nlohmann::json Json() const { return nlohmann::json::parse(out_, nullptr, false); }

  api::testing::Daemon daemon_;
  std::map<std::string, std::string> env_;
  std::string manifest_;
  std::string out_;
  std::string err_;
};

TEST_F(FlowTest, TheSeedsCommandsNeedNoFlag) {
  RunsEnd(store::kSucceeded, kPassed);
  EXPECT_EQ(Pretzel({"playground", "create", "fin-123"}), 0) << err_;
  EXPECT_EQ(out_, "playground fin-123 created; it lives until 2023-11-17T22:13:20Z\n");
  for (const std::string verb : {"apply", "test"}) {
    EXPECT_EQ(Pretzel({"derived-dataset", verb, manifest_}), 0) << err_;
    EXPECT_EQ(daemon_.runner->started().back().playground, "fin-123");
    EXPECT_EQ(daemon_.runner->started().back().command, verb);
    EXPECT_EQ(Pretzel({"dd", verb, manifest_}), 0) << err_;
    EXPECT_EQ(Pretzel({verb, manifest_}), 0) << err_;
  }
  EXPECT_EQ(out_.substr(0, 17), "prod.m.a  PASSED\n");
  EXPECT_EQ(err_, "");
}

TEST_F(FlowTest, OptionsTravelToThePlugin) {
  RunsEnd(store::kSucceeded, kPassed);
  ASSERT_EQ(Pretzel({"pg", "create", "fin"}), 0);
  ASSERT_EQ(Pretzel({"test", manifest_, "--mode", "schema", "--plan", "--param", "day=2013-01-01"}),
            0)
      << err_;
  const auto request =
      nlohmann::json::parse(daemon_.runner->started().back().nodes.at(0).request_json);
  EXPECT_EQ(
      request["options"],
      nlohmann::json::parse(R"({"mode":"schema","plan":true,"params":{"day":"2013-01-01"}})"));
  ASSERT_EQ(Pretzel({"apply", "--recreate", "-"}, "kind: X"), 0) << err_;
  const auto piped =
      nlohmann::json::parse(daemon_.runner->started().back().nodes.at(0).request_json);
  EXPECT_EQ(piped["options"], nlohmann::json::parse(R"({"recreate":true})"));
  EXPECT_EQ(piped["manifests"][0]["path"], "stdin");
}

TEST_F(FlowTest, AFailedTestQuotesTheManifestAndEndsWithOne) {
  std::string report = kFailed;
  report.replace(report.find("MANIFEST"), 8, manifest_);
  RunsEnd(store::kFailed, report);
  ASSERT_EQ(Pretzel({"pg", "create", "fin"}), 0);
  EXPECT_EQ(Pretzel({"test", manifest_}), 1);
  EXPECT_EQ(out_.substr(0, out_.find("\n\n")), manifest_ +
                                                   ":1:8: error PZ0203: no column y\n"
                                                   "  1 | select y\n"
                                                   "    |        ^\n"
                                                   "  hint: did you mean x?");
  EXPECT_EQ(Pretzel({"test", manifest_, "-o", "json"}), 1);
  EXPECT_EQ(Json()["kind"], "TestReport");
  EXPECT_EQ(Json()["findings"][0]["code"], "PZ0203");
}

TEST_F(FlowTest, LogsAreFollowedOverARestartAndPrintedOnce) {
  ASSERT_EQ(Pretzel({"pg", "create", "fin"}), 0);
  const std::string job = daemon_.folder + "/job";
  std::filesystem::create_directories(job);
  daemon_.runner->job_directories["compile"] = job;
  std::ofstream(job + "/output") << "one\n";
  std::string id;
  daemon_.runner->on_start = [&](const store::Run& run) { id = run.id; };
  (void)Pretzel({"run", manifest_, "--wait=1ms", "-q"});
  ASSERT_NE(id, "");
  SharedText out;
  std::ostream stream(&out);
  std::ostringstream err;
  std::istringstream in;
  int code = -1;
  std::thread follower([&] {
    Io io{&in, &stream, &err, false, false, false, [this](const std::string& name) {
            const auto found = env_.find(name);
            return found == env_.end() ? std::string() : found->second;
          }};
    code = Main(io, {"run", "logs", "-f", id});
  });
  out.WaitFor("one\n");
  daemon_.server.reset();
  std::ofstream(job + "/output", std::ios::app) << "two\n";
  EXPECT_TRUE(daemon_.Start().ok());
  out.WaitFor("one\ntwo\n");
  std::ofstream(job + "/output", std::ios::app) << "three\n";
  EXPECT_TRUE(daemon_.runner->Finish(id, store::kSucceeded).ok());
  follower.join();
  EXPECT_EQ(code, 0) << err.str();
  EXPECT_EQ(out.text(), "one\ntwo\nthree\n");
  EXPECT_EQ(Pretzel({"run", "logs", "r0000000000000000", "-f"}), 5);
}

TEST_F(FlowTest, APreviewIsRowsInEveryFormat) {
  RunsEnd(store::kSucceeded, R"({"kind":"PreviewReport","status":"SUCCEEDED","findings":[],
      "body":{"datasets":[{"table":"prod.m.a","status":"SUCCEEDED","moreRows":true,
      "columns":[{"name":"n","type":"bigint"},{"name":"s","type":"string"}],
      "rows":[["9007199254740993",""],["2",null]]}]}})");
  ASSERT_EQ(Pretzel({"pg", "create", "fin"}), 0);
  ASSERT_EQ(Pretzel({"preview", manifest_, "--rows", "2", "--timeout", "5s"}), 0) << err_;
  EXPECT_EQ(out_.substr(0, out_.find("\n\n")),
            "prod.m.a  SUCCEEDED\n"
            "                 n  s\n"
            "  9007199254740993  \"\"\n"
            "                 2  NULL\n"
            "  2 rows; there are more (--rows)");
  EXPECT_EQ(daemon_.runner->started().back().command, "preview");
  const auto request =
      nlohmann::json::parse(daemon_.runner->started().back().nodes.at(0).request_json);
  EXPECT_EQ(request["options"], nlohmann::json::parse(R"({"rows":2,"timeoutMs":5000})"));
  ASSERT_EQ(Pretzel({"dd", "preview", manifest_, "-o", "json"}), 0) << err_;
  EXPECT_EQ(Json()["datasets"][0]["rows"].dump(), R"([["9007199254740993",""],["2",null]])");
  ASSERT_EQ(Pretzel({"preview", manifest_, "-o", "csv"}), 0) << err_;
  EXPECT_EQ(out_, "n,s\r\n9007199254740993,\"\"\r\n2,\r\n");
  EXPECT_NE(err_.find("there are more rows"), std::string::npos) << err_;
}

TEST_F(FlowTest, WhatAPreviewDoesNotTake) {
  ASSERT_EQ(Pretzel({"pg", "create", "fin"}), 0);
  const std::vector<std::vector<std::string>> wrong = {
      {"preview", manifest_, "--rows", "0"},   {"preview", manifest_, "--rows", "1001"},
      {"preview", manifest_, "--rows", "ten"}, {"preview", manifest_, "--timeout", "soon"},
      {"test", manifest_, "-o", "csv"},        {"test", manifest_, "--rows", "5"},
      {"test", manifest_, "--mode", "limit1"}};
  for (const auto& line : wrong) {
    EXPECT_EQ(Pretzel(line), 2) << line.back();
    EXPECT_EQ(out_, "");
  }
  EXPECT_TRUE(daemon_.runner->started().empty());
  // Findings are no data: a program that reads CSV gets none.
  RunsEnd(store::kFailed, R"({"kind":"PreviewReport","status":"FAILED","findings":[
      {"severity":"ERROR","code":"PZ0220","message":"no column y"}],"body":{}})");
  EXPECT_EQ(Pretzel({"preview", manifest_, "-o", "csv"}), 1);
  EXPECT_EQ(out_, "");
  EXPECT_NE(err_.find("no column y"), std::string::npos) << err_;
  // Two datasets make no one table.
  RunsEnd(store::kSucceeded, R"({"kind":"PreviewReport","status":"SUCCEEDED","body":{"datasets":[
      {"columns":[{"name":"a"}],"rows":[]},{"columns":[{"name":"b"}],"rows":[]}]}})");
  EXPECT_EQ(Pretzel({"preview", manifest_, "-o", "csv"}), 2);
  EXPECT_EQ(out_, "");
}

TEST_F(FlowTest, NeededFilesAreSentWithASecondRun) {
  ASSERT_EQ(Pretzel({"pg", "create", "fin"}), 0);
  std::ofstream(daemon_.folder + "/q.sql") << "SELECT 1";
  const std::string wanted = daemon_.folder + "/q.sql";
  daemon_.runner->on_start = [&](const store::Run& run) {
    const bool sent = daemon_.runner->started().back().nodes.at(0).request_json.find("q.sql") !=
                      std::string::npos;
    EXPECT_TRUE((sent ? daemon_.runner->Finish(run.id, store::kSucceeded, kPassed)
                      : daemon_.runner->Finish(run.id, store::kFailed, "",
                                               R"({"paths":[")" + wanted + "\"]}"))
                    .ok());
  };
  EXPECT_EQ(Pretzel({"test", manifest_}), 0) << err_;
  EXPECT_EQ(daemon_.runner->started().size(), 2U);
  // A manifest cannot make this program send what lies elsewhere.
  daemon_.runner->on_start = [&](const store::Run& run) {
    EXPECT_TRUE(daemon_.runner->Finish(run.id, store::kFailed, "", R"(["/etc/passwd"])").ok());
  };
  EXPECT_EQ(Pretzel({"test", manifest_}), 4);
  EXPECT_EQ(daemon_.runner->started().size(), 3U);
  EXPECT_NE(err_.find("PZ0906"), std::string::npos) << err_;
}

TEST_F(FlowTest, RunReturnsOnceItsGraphIsMadeAndCanBeWaitedFor) {
  ASSERT_EQ(Pretzel({"pg", "create", "fin"}), 0);
  daemon_.runner->on_start = [&](const store::Run& run) {
    graph::NodeSpec job;
    job.id = "a.run";
    job.capability = "run_backend";
    job.method = "Submit";
    EXPECT_TRUE(daemon_.runner->AddNode(run.id, job).ok());
    EXPECT_TRUE(daemon_.runner->SetNode(run.id, "compile", store::kSucceeded).ok());
  };
  ASSERT_EQ(Pretzel({"run", manifest_}), 0) << err_;
  const std::string id = out_.substr(0, out_.find('\n'));
  EXPECT_EQ(out_, id + "\n");
  EXPECT_NE(err_.find("pretzel run wait " + id), std::string::npos) << err_;
  EXPECT_EQ(Pretzel({"run", "wait", id, "--timeout", "50ms"}), 8);
  EXPECT_EQ(Pretzel({"run", manifest_, "--wait=50ms"}), 8);
  EXPECT_EQ(Pretzel({"run", "get", id, "-o", "json"}), 0);
  EXPECT_EQ(Json()["state"], "PENDING");
  EXPECT_EQ(Json()["nodes"][1]["id"], "a.run");
  EXPECT_EQ(Pretzel({"run", "cancel", id}), 0) << err_;
  EXPECT_EQ(Pretzel({"run", "wait", id}), 7);
  EXPECT_EQ(Pretzel({"run", "list", "-o", "name"}), 0);
  EXPECT_NE(out_.find(id), std::string::npos);
  EXPECT_EQ(Pretzel({"run", "wait", "rffff"}), 5);
}

TEST_F(FlowTest, RunSaysAtOnceWhatCompileFound) {
  ASSERT_EQ(Pretzel({"pg", "create", "fin"}), 0);
  RunsEnd(store::kFailed,
          R"({"kind":"RunReport","status":"FAILED","findings":[
              {"severity":"ERROR","code":"PZ0104","message":"unknown key"}]})");
  EXPECT_EQ(Pretzel({"run", manifest_}), 2);
  EXPECT_NE(out_.find("error PZ0104: unknown key"), std::string::npos) << out_;
}

TEST_F(FlowTest, WhoWaitsAsksAgainForWhatIsRefusedOnlyForNow) {
  ASSERT_EQ(Pretzel({"pg", "create", "fin"}), 0);
  RunsEnd(store::kSucceeded, kPassed);
  int refusals = 2;
  daemon_.runner->before_start = [&]() -> Status {
    if (refusals-- <= 0) return {};
    return ResourceExhausted("start a run: 500 of yours have not ended").WithId("PZ0911");
  };
  EXPECT_EQ(Pretzel({"run", manifest_, "--wait"}), 0) << err_;
  EXPECT_EQ(err_, "start a run: 500 of yours have not ended; waiting for room\n") << "said once";
  refusals = 1;  // who does not wait is told
  EXPECT_EQ(Pretzel({"run", manifest_}), 5);
  EXPECT_NE(err_.find("500 of yours"), std::string::npos) << err_;
  refusals = 1'000'000;
  EXPECT_EQ(Pretzel({"run", manifest_, "--wait=700ms"}), 8);
  daemon_.runner->before_start = []() -> Status {
    return ResourceExhausted("B.yaml has 5 MB").WithId("PZ0902");  // which no time changes
  };
  EXPECT_EQ(Pretzel({"run", manifest_, "--wait"}), 5);
}

TEST_F(FlowTest, CtrlCDetachesAndCancelsNothing) {
  ASSERT_EQ(Pretzel({"pg", "create", "fin"}), 0);
  daemon_.runner->on_subscribe = [] { std::raise(SIGINT); };
  EXPECT_EQ(Pretzel({"run", manifest_, "--wait"}), 130);
  EXPECT_EQ(Pretzel({"run", "list", "-o", "json"}), 0);
  const auto run = Json()["items"][0];
  EXPECT_EQ(run["state"], "PENDING");
  EXPECT_FALSE(run.contains("cancelRequested"));
  // The next command is not interrupted by the last one's Ctrl-C.
  daemon_.runner->on_subscribe = {};
  RunsEnd(store::kSucceeded, kPassed);
  EXPECT_EQ(Pretzel({"test", manifest_}), 0) << err_;
}

TEST_F(FlowTest, CreateUseAndDeleteKeepTheCurrentPlayground) {
  const std::string file = daemon_.folder + "/.config/pretzel/config.yaml";
  ASSERT_EQ(Pretzel({"pg", "create", "one", "--ttl", "2d", "--label", "pr=481"}), 0) << err_;
  ASSERT_EQ(Pretzel({"pg", "create", "two", "-o", "name"}), 0);
  EXPECT_EQ(out_, "two\n");
  EXPECT_EQ(ReadContext(file)->playground, "two");
  struct stat info {};
  ASSERT_EQ(stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  ASSERT_EQ(Pretzel({"pg", "use", "one"}), 0);
  EXPECT_EQ(Pretzel({"pg", "use", "three"}), 5);
  ASSERT_EQ(Pretzel({"pg", "get", "-o", "json"}), 0);
  EXPECT_EQ(Json()["name"], "one");
  EXPECT_EQ(Json()["labels"]["pr"], "481");
  EXPECT_EQ(Json()["expiresAt"], "2023-11-16T22:13:20.000Z");
  ASSERT_EQ(Pretzel({"pg", "extend"}), 0) << err_;
  ASSERT_EQ(Pretzel({"pg", "list"}), 0);
  EXPECT_NE(out_.find("*  one"), std::string::npos) << out_;
  EXPECT_EQ(err_.find("restore"), std::string::npos) << err_;
  EXPECT_EQ(Pretzel({"pg", "delete", "one"}), 2) << "asked nobody";
  EXPECT_NE(err_.find("add --yes"), std::string::npos);
  RunsEnd(store::kSucceeded, "");
  EXPECT_EQ(Pretzel({"pg", "delete", "one", "--yes"}), 0) << err_;
  EXPECT_EQ(ReadContext(file)->playground, "");
  EXPECT_EQ(Pretzel({"test", manifest_}), 2) << "no playground is current";
}

TEST_F(FlowTest, AnExpiredPlaygroundIsShownAndRestored) {
  ASSERT_EQ(Pretzel({"pg", "create", "one", "--ttl", "1h"}), 0) << err_;
  EXPECT_EQ(Pretzel({"pg", "restore", "one"}), 5) << err_;
  EXPECT_NE(err_.find("PZ0310"), std::string::npos) << err_;
  daemon_.clock.Advance(3'600'000);
  const std::string purged = FormatTime(daemon_.clock.Wall() + 24 * 3'600'000);
  ASSERT_EQ(Pretzel({"pg", "get", "-o", "json"}), 0);
  EXPECT_EQ(Json()["state"], "EXPIRED");
  EXPECT_EQ(Json()["purgedAt"], purged);
  for (const char* verb : {"get", "list"}) {
    ASSERT_EQ(Pretzel({"pg", verb}), 0);
    EXPECT_NE((out_ + err_).find("`pretzel playground restore one`"), std::string::npos) << out_;
    EXPECT_NE(out_.find("EXPIRED"), std::string::npos) << out_;
  }
  ASSERT_EQ(Pretzel({"pg", "restore", "--ttl", "2h", "-o", "json"}), 0) << err_;
  EXPECT_EQ(Json()["state"], "ACTIVE");
  EXPECT_EQ(Json()["expiresAt"], FormatTime(daemon_.clock.Wall() + 2 * 3'600'000));
  EXPECT_FALSE(Json().contains("purgedAt"));
  EXPECT_EQ(Pretzel({"pg", "restore", "two"}), 5);
  EXPECT_EQ(Pretzel({"pg", "restore", "one", "--ttl", "soon"}), 2);
}

TEST_F(FlowTest, UpdateMergesLabelsAndSaysWhatIsThere) {
  ASSERT_EQ(Pretzel({"pg", "create", "fin", "--label", "team=x"}), 0);
  EXPECT_EQ(Pretzel({"pg", "update"}), 2);
  EXPECT_NE(err_.find("PZ0309"), std::string::npos) << err_;
  ASSERT_EQ(Pretzel({"pg", "update", "--label", "pr=1", "--label", "a=b=c"}), 0) << err_;
  EXPECT_NE(out_.find("  a=b=c\n  pr=1\n  team=x\n"), std::string::npos) << out_;
  ASSERT_EQ(Pretzel({"pg", "update", "fin", "--remove-label", "team", "--remove-label", "a",
                     "--ttl", "2h", "-o", "json"}),
            0)
      << err_;
  EXPECT_EQ(Json()["labels"], nlohmann::json({{"pr", "1"}}));
  EXPECT_EQ(Json()["expiresAt"], FormatTime(daemon_.clock.Wall() + 2 * 3'600'000));
  EXPECT_EQ(Pretzel({"pg", "update", "fin", "--label", "pr=2", "--remove-label", "pr"}), 2);
  EXPECT_EQ(Pretzel({"pg", "update", "fin", "--label", "pr"}), 2);
  EXPECT_EQ(Pretzel({"pg", "update", "fin", "--ttl", "soon"}), 2);
  EXPECT_EQ(Pretzel({"pg", "update", "nobodys", "--ttl", "2h"}), 5);
}

TEST_F(FlowTest, ADryRunAsksNothingAndDeletesNothing) {
  daemon_.deps.preview_delete = [](const store::Playground&) {
    api::DeletionPreview preview;
    preview.footprint = {{"lab.one", "lab.two"}, 3, 10};
    preview.runs = {{"r1", "run", store::kRunning}};
    preview.job_folders = {{"/jobs/r1", 2, 7}};
    return Result<api::DeletionPreview>(preview);
  };
  daemon_.server.reset();
  ASSERT_TRUE(daemon_.Start().ok());
  ASSERT_EQ(Pretzel({"pg", "create", "fin"}), 0);
  ASSERT_EQ(Pretzel({"pg", "delete", "fin", "--dry-run"}), 0) << err_;
  for (const char* part : {"lab.one", "lab.two", "r1 run", "RUNNING", "jobs/r1"}) {
    EXPECT_NE(out_.find(part), std::string::npos) << part << "\n" << out_;
  }
  EXPECT_EQ(out_.find("/jobs/r1"), std::string::npos) << "where the daemon's folder is\n" << out_;
  ASSERT_EQ(Pretzel({"pg", "delete", "fin", "--dry-run", "-o", "json"}), 0) << err_;
  EXPECT_EQ(Json()["kind"], "DeletionPreview");
  EXPECT_EQ(Json()["tables"], nlohmann::json({"lab.one", "lab.two"}));
  EXPECT_EQ(Json()["bytes"], 10);
  EXPECT_EQ(Json()["runs"][0]["runId"], "r1");
  EXPECT_EQ(Json()["jobFolders"][0]["files"], 2);
  EXPECT_EQ(daemon_.store->GetPlayground("fin")->state, store::kActive);
  EXPECT_EQ(Pretzel({"whoami"}), 0);
  EXPECT_EQ(Pretzel({"pg", "delete", "nobodys", "--dry-run"}), 5);
}

TEST_F(FlowTest, ASweepIsShownAndItsFailuresDecide) {
  api::SweepReport report;
  daemon_.deps.sweep = [&](const api::SweepOptions&) { return Result<api::SweepReport>(report); };
  daemon_.server.reset();
  ASSERT_TRUE(daemon_.Start().ok());
  EXPECT_EQ(Pretzel({"system", "sweep"}), 4);
  EXPECT_NE(err_.find("PZ0910"), std::string::npos) << err_;
  env_["PRETZEL_TOKEN"] = "bo-token";
  EXPECT_EQ(Pretzel({"system", "sweep"}), 0) << err_;
  EXPECT_EQ(out_, "");
  EXPECT_NE(err_.find("everything has an owner"), std::string::npos) << err_;
  report.items.push_back({"job", "/jobs/r\x1b", "REMOVED", "no such run", 0, 2, 3});
  EXPECT_EQ(Pretzel({"system", "sweep"}), 0) << err_;
  EXPECT_NE(out_.find("/jobs/r\\x1b"), std::string::npos) << out_;
  EXPECT_EQ(Pretzel({"system", "sweep", "--dry-run", "-o", "json"}), 0) << err_;
  EXPECT_EQ(Json()["items"][0]["action"], "REMOVED");
  EXPECT_EQ(Json()["dryRun"], true);
  report.items[0].action = "FAILED";
  EXPECT_EQ(Pretzel({"system", "sweep"}), 6);
  report.items.clear();
  report.failures = {"the overlay is down"};
  EXPECT_EQ(Pretzel({"system", "sweep"}), 6);
  EXPECT_NE(err_.find("the overlay is down"), std::string::npos) << err_;
}

TEST_F(FlowTest, ConnectPrintsWhatAnEngineNeeds) {
  ASSERT_EQ(Pretzel({"pg", "create", "fin"}), 0);
  ASSERT_EQ(Pretzel({"pg", "connect"}), 0) << err_;
  EXPECT_NE(out_.find("uri: http://127.0.0.1:4321/pg/fin"), std::string::npos) << out_;
  ASSERT_EQ(Pretzel({"pg", "connect", "--engine", "spark"}), 0);
  EXPECT_NE(out_.find("spark.sql.catalog.prod.uri http://"), std::string::npos) << out_;
  ASSERT_EQ(Pretzel({"pg", "connect", "--engine", "env", "--write"}), 0);
  EXPECT_EQ(out_.substr(0, 30), "export PRETZEL_CATALOG='prod'\n");
  EXPECT_EQ(Pretzel({"pg", "connect", "--engine", "sprak"}), 2);
}

TEST_F(FlowTest, WhoYouAreDecides) {
  EXPECT_EQ(Pretzel({"whoami"}), 0) << err_;
  EXPECT_EQ(out_, "ana, team finance, environment dev\n");
  env_["PRETZEL_TOKEN"] = "wrong";
  EXPECT_EQ(Pretzel({"whoami"}), 4);
  env_.erase("PRETZEL_TOKEN");
  const std::string token = daemon_.folder + "/token";
  std::ofstream(token) << "bo-token\n";
  env_["PRETZEL_TOKEN_FILE"] = token;
  chmod(token.c_str(), 0644);
  EXPECT_EQ(Pretzel({"whoami"}), 4);
  EXPECT_NE(err_.find("chmod 600"), std::string::npos) << err_;
  chmod(token.c_str(), 0600);
  EXPECT_EQ(Pretzel({"whoami", "-o", "json"}), 0) << err_;
  EXPECT_EQ(Json()["user"], "bo");
  EXPECT_EQ(Pretzel({"whoami", "--endpoint", "10.1.2.3:80"}), 4);
  EXPECT_EQ(Pretzel({"whoami", "--endpoint", "nonsense"}), 2);
}

TEST_F(FlowTest, ADaemonThatIsDownIsSaidSo) {
  daemon_.server.reset();
  EXPECT_EQ(Pretzel({"pg", "list"}), 6);
  EXPECT_NE(err_.find("dcpd does not answer at " + daemon_.target()), std::string::npos) << err_;
  EXPECT_NE(err_.find("is dcpd running"), std::string::npos);
  EXPECT_EQ(out_, "");
}

TEST_F(FlowTest, DoctorAndStatusShowAndJudge) {
  daemon_.deps.doctor = [](const playground::Principal&, const store::Playground*) {
    return Result<std::vector<api::DoctorCheck>>(std::vector<api::DoctorCheck>{
        {"catalog-write", "catalog", "ENFORCED", "refused", ""},
        {"storage-write", "storage", "MISSING", "one Unix user owns all", "use credentials"}});
  };
  daemon_.deps.status = [] {
    api::SystemState state;
    state.services.push_back(
        {"spark-connect", "FAILED", 0, 3, "127.0.0.1:15002", "exit code 1", ""});
    return state;
  };
  daemon_.server.reset();
  ASSERT_TRUE(daemon_.Start().ok());
  EXPECT_EQ(Pretzel({"doctor"}), 0) << err_;
  EXPECT_NE(out_.find("storage-write: use credentials"), std::string::npos) << out_;
  EXPECT_EQ(Pretzel({"status"}), 6);
  EXPECT_NE(out_.find("spark-connect  FAILED"), std::string::npos) << out_;
}

TEST_F(FlowTest, AReloadSaysWhatItDid) {
  EXPECT_EQ(Pretzel({"config", "reload"}), 4) << "it concerns everybody";
  env_["PRETZEL_TOKEN"] = "bo-token";
  EXPECT_EQ(Pretzel({"config", "reload"}), 6);
  Result<api::ConfigurationChange> answer = api::ConfigurationChange();
  answer->plugins.kept = {"derived-dataset"};
  answer->plugins.stopped = {"old"};
  answer->plugins.routes = {"test_backend: default old -> new"};
  answer->needs_restart = {"catalog.port"};
  daemon_.deps.reload = [&answer] { return answer; };
  daemon_.server.reset();
  ASSERT_TRUE(daemon_.Start().ok());
  EXPECT_EQ(Pretzel({"config", "reload"}), 0) << err_;
  EXPECT_EQ(out_,
            "route      test_backend: default old -> new\nstopped    old\nkept       "
            "derived-dataset\nrestart    catalog.port\n\nWhat is marked \"restart\" holds from the "
            "next start of dcpd on.\n");
  EXPECT_EQ(Pretzel({"config", "reload", "-o", "json"}), 0);
  EXPECT_EQ(nlohmann::json::parse(out_)["needsRestart"][0], "catalog.port");
  answer->plugins.failed = {"sick"};
  EXPECT_EQ(Pretzel({"config", "reload"}), 6);
  answer = InvalidArgument("unknown key `x`").At({"dcpd.yaml", 3, 7});
  EXPECT_EQ(Pretzel({"config", "reload"}), 2);
  EXPECT_NE(err_.find("dcpd.yaml:3:7"), std::string::npos) << err_;
}

TEST_F(FlowTest, WrongCommandLinesEndWithTwoAndSuggest) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"plaground"}, "did you mean \"pretzel playground\"?"},
      {{"pg", "crate"}, "did you mean \"pretzel playground create\"?"},
      {{"dd", "tset", "x"}, "did you mean \"pretzel derived-dataset test\"?"},
      {{"test"}, "--help shows examples"},
      {{"test", "x", "--moed", "y"}, "did you mean --mode?"},
      {{"test", "x", "--mode", "y"}, "schema, explain or limit0"},
      {{"whoami", "x"}, "does not take \"x\""},
      {{"whoami", "-o", "xml"}, "table, json or name"},
      {{"pg", "create", "--ttl", "5"}, "72h, 15m"}};
  for (const auto& [line, expected] : cases) {
    EXPECT_EQ(Pretzel(line), 2) << line.front();
    EXPECT_NE(err_.find(expected), std::string::npos) << err_;
    EXPECT_EQ(out_, "");
  }
  ASSERT_EQ(Pretzel({"pg", "create", "fin"}), 0);
  EXPECT_EQ(Pretzel({"run", "lsit"}), 5);
  EXPECT_NE(err_.find("did you mean \"pretzel run list\"?"), std::string::npos) << err_;
}

TEST_F(FlowTest, EveryCommandHasHelpThatEndsWithExamples) {
  EXPECT_EQ(Pretzel({"--help"}), 0);
  std::istringstream overview(out_);
  int commands = 0;
  for (std::string text; std::getline(overview, text);) {
    if (!text.starts_with("  ") || text.starts_with("  pretzel")) continue;
    std::vector<std::string> line;
    std::istringstream words(text);
    for (std::string word;
         words >> word && word.find_first_of("[ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 0;) {
      line.push_back(word);
    }
    line.push_back("--help");
    ++commands;
    EXPECT_EQ(Pretzel({line.front(), line.back()}), 0) << text;
    EXPECT_NE(out_.find("Examples:\n  "), std::string::npos) << text;
  }
  EXPECT_GE(commands, 24);
  EXPECT_EQ(Pretzel({}), 2);
  EXPECT_EQ(Pretzel({"help", "run", "logs"}), 0);
  EXPECT_NE(out_.find("Usage: pretzel run logs RUN"), std::string::npos);
}

}  // namespace
}  // namespace dcp::cli
