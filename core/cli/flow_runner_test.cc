// SPDX-License-Identifier: Apache-2.0
//
// Commands against the API with the real Graph Runner behind it; only the capabilities at the far
// end are prepared answers.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>

#include "api/testing/fixture.h"
#include "cli/app.h"

namespace dcp::cli {
namespace {

using nlohmann::json;

/// A resource plugin and a catalog, as far as these tests need them.
class Capabilities final : public graph::Backend {
 public:
  Result<std::string> Invoke(const graph::Invocation& call) override {
    const json request = json::parse(call.request_json, nullptr, false);
    if (call.method == "Compile") return Compile(request).dump();
    if (call.method == "Continue") {
      return json{{"report", {{"kind", "ApplyReport"}, {"status", "CHANGED"}, {"body", body_}}}}
          .dump();
    }
    if (call.method == "Purge") return std::string(R"({"tables":"2"})");
    if (call.method == "FinishDelete" || call.method == "EndJobs") return std::string("{}");
    if (call.method == "EnsureTable" && fails_) {
      return Unavailable("the catalog server does not answer").WithHint("pretzel status");
    }
    return std::string(R"({"status":"CREATED"})");
  }
  Result<std::string> Resolve(const graph::Invocation&) override { return std::string("one"); }
  std::string PluginOf(const std::string&) override { return "plugin"; }
  Result<std::string> MountFor(const store::Run&, const std::string&, WallMillis,
                               const std::string&) override {
    return std::string("{}");
  }
  std::string CatalogName() const override { return "prod"; }
  bool StartsJobs(const std::string&) override { return false; }
  void RunLives(const std::string&) override {}
  void JobEnded(const std::string&, const std::string&) override {}
  void RunEnded(const std::string&) override {}

  std::string wanted_file;
  bool fails_ = false;

 private:
  json Compile(const json& request) const {
    if (!wanted_file.empty() && request.value("files", json::array()).empty()) {
      return {{"needsFiles", {{"paths", {wanted_file}}}}};
    }
    const json ensure = {{"id", "a.ensure"},
                         {"capability", "catalog"},
                         {"method", "EnsureTable"},
                         {"title", "make table a"}};
    const json report = {{"id", "report"},
                         {"capability", "resource"},
                         {"method", "Continue"},
                         {"after", {"a.ensure"}}};
    return {{"graph", {{"nodes", {ensure, report}}}}};
  }

  const json body_ = {{"datasets", {{{"table", "prod.m.a"}, {"status", "CREATED"}}}}};
};

class FlowRunnerTest : public ::testing::Test {
 protected:
  FlowRunnerTest() {
    graph::RunnerOptions options;
    options.job_directory = daemon_.folder + "/jobs";
    auto runner = graph::Runner::Create(*daemon_.store, capabilities_, SystemClock(), options);
    EXPECT_TRUE(runner.ok()) << runner.status().ToString();
    runner_ = std::move(runner).value();
    EXPECT_TRUE(runner_->Recover().ok());
    daemon_.deps.runner = runner_.get();
    daemon_.deps.clock = &SystemClock();
    daemon_.playgrounds = std::make_unique<playground::Playgrounds>(*daemon_.store, SystemClock(),
                                                                    playground::Limits());
    daemon_.deps.playgrounds = daemon_.playgrounds.get();
    EXPECT_TRUE(daemon_.Start().ok());
    manifest_ = daemon_.folder + "/B.yaml";
    std::ofstream(manifest_) << "kind: DerivedDataset\n";
  }
  ~FlowRunnerTest() override { daemon_.server.reset(); }

  int Pretzel(std::vector<std::string> line) {
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    const std::map<std::string, std::string> env = {{"HOME", daemon_.folder},
                                                    {"PRETZEL_ENDPOINT", daemon_.target()},
                                                    {"PRETZEL_TOKEN", "ana-token"}};
    Io io{&in, &out, &err, false, false, false, [&env](const std::string& name) {
            const auto found = env.find(name);
            return found == env.end() ? std::string() : found->second;
          }};
    const int code = Main(io, std::move(line));
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  api::testing::Daemon daemon_;
  Capabilities capabilities_;
  std::unique_ptr<graph::Runner> runner_;
  std::string manifest_;
  std::string out_;
  std::string err_;
};

TEST_F(FlowRunnerTest, AnAppliedManifestIsAGraphThatEndsInAReport) {
  std::ofstream(daemon_.folder + "/q.sql") << "SELECT 1";
  capabilities_.wanted_file = daemon_.folder + "/q.sql";
  ASSERT_EQ(Pretzel({"pg", "create", "fin"}), 0) << err_;
  EXPECT_EQ(Pretzel({"apply", manifest_, "-v"}), 0) << err_;
  EXPECT_EQ(out_.substr(0, out_.find('\n')), "prod.m.a  CREATED");
  EXPECT_NE(err_.find("SUCCEEDED  make table a"), std::string::npos) << err_;
  ASSERT_EQ(Pretzel({"run", "list", "-o", "json"}), 0);
  const auto items = json::parse(out_)["items"];
  ASSERT_EQ(items.size(), 1U) << "the run that only asked for the file is not shown";
  EXPECT_EQ(Pretzel({"run", "get", items[0]["runId"]}), 0) << err_;
  EXPECT_NE(out_.find("a.ensure  SUCCEEDED"), std::string::npos) << out_;
}

TEST_F(FlowRunnerTest, ABackendThatIsDownEndsTheCommandWithItsReason) {
  capabilities_.fails_ = true;
  ASSERT_EQ(Pretzel({"pg", "create", "fin"}), 0) << err_;
  EXPECT_EQ(Pretzel({"apply", manifest_}), 6) << out_ << err_;
  EXPECT_NE(out_.find("the catalog server does not answer"), std::string::npos) << out_;
  EXPECT_NE(out_.find("hint: pretzel status"), std::string::npos) << out_;
}

TEST_F(FlowRunnerTest, RunLetsGoOnceThePlanIsMade) {
  ASSERT_EQ(Pretzel({"pg", "create", "fin"}), 0) << err_;
  ASSERT_EQ(Pretzel({"run", manifest_, "-q"}), 0) << err_;
  const std::string first_line = out_.substr(0, out_.find('\n'));
  // Either it let go of a run under way, or the run was over before that and shows its report.
  if (first_line.front() == 'r') {
    EXPECT_EQ(Pretzel({"run", "wait", first_line}), 0) << err_;
  }
  EXPECT_NE(out_.find("prod.m.a  CREATED"), std::string::npos) << out_;
}

TEST_F(FlowRunnerTest, DeletingAPlaygroundRunsItsGraphToTheEnd) {
  ASSERT_EQ(Pretzel({"pg", "create", "fin"}), 0) << err_;
  EXPECT_EQ(Pretzel({"pg", "delete", "fin", "--yes"}), 0) << err_ << out_;
  EXPECT_NE(out_.find("delete SUCCEEDED"), std::string::npos) << out_;
}

}  // namespace
}  // namespace dcp::cli
