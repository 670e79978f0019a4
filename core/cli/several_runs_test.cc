// SPDX-License-Identifier: Apache-2.0
//
// A command over more manifests than one run takes, against the API on a real Unix socket.
#include "cli/several_runs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "api/testing/fixture.h"
#include "cli/app.h"

namespace dcp::cli {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class SeveralRunsTest : public ::testing::Test {
 protected:
  SeveralRunsTest() {
    env_ = {{"HOME", daemon_.folder},
            {"PRETZEL_ENDPOINT", daemon_.target()},
            {"PRETZEL_TOKEN", "ana-token"}};
    // The plugin's part: a manifest m12.yaml defines m.m12, and reads what the test says.
    daemon_.deps.invoke = [this](const graph::Invocation& call) { return Outline(call); };
    daemon_.runner->on_start = [this](const store::Run& run) { End(run); };
    const Status started = daemon_.Start();
    EXPECT_TRUE(started.ok()) << started.ToString();
    EXPECT_EQ(Pretzel({"pg", "create", "fin"}), 0) << err_;
  }

  void Write(size_t count) {
    std::filesystem::create_directories(daemon_.folder + "/all");
    for (size_t i = 0; i < count; ++i) {
      std::ofstream(Path(i)) << "number " << i << "\n";
    }
  }
  std::string Path(size_t i) const {
    std::string digits = std::to_string(i);
    digits.insert(0, 5 - digits.size(), '0');
    return daemon_.folder + "/all/m" + digits + ".yaml";
  }
  static std::string NameOf(const std::string& path) {
    return "m." + std::filesystem::path(path).stem().string();
  }

  Result<std::string> Outline(const graph::Invocation& call) {
    const json request = json::parse(call.request_json);
    EXPECT_EQ(request["command"], "outline");
    json datasets = json::array();
    for (const json& manifest : request["manifests"]) {
      const std::string name = NameOf(manifest["path"]);
      datasets.push_back({{"path", manifest["path"]},
                          {"name", name},
                          {"reads", reads_[name]},
                          {"params", params_[name]}});
    }
    ++outlines_;
    return json{{"report", {{"kind", "Outline"}, {"body", {{"datasets", datasets}}}}}}.dump();
  }

  /// A run ends at once; the datasets that the test names have failed.
  void End(const store::Run& run) {
    const json request = json::parse(daemon_.runner->started().back().nodes.at(0).request_json);
    json datasets = json::array();
    bool failed = false;
    for (const json& manifest : request["manifests"]) {
      const std::string name = NameOf(manifest["path"]);
      failed = failed || fails_.contains(name);
      datasets.push_back({{"name", name},
                          {"table", "prod." + name},
                          {"status", fails_.contains(name) ? "FAILED" : "PASSED"}});
    }
    json report = {{"kind", "TestReport"},
                   {"status", failed ? "FAILED" : "PASSED"},
                   {"findings", json::array()},
                   {"body", {{"datasets", datasets}}}};
    if (failed) {
      report["findings"].push_back({{"severity", "ERROR"}, {"code", code_}, {"message", "no"}});
    }
    EXPECT_TRUE(daemon_.runner->SetNode(run.id, "compile", store::kSucceeded).ok());
    const bool cancelled = cancels_ == daemon_.runner->started().size();
    EXPECT_TRUE(daemon_.runner
                    ->Finish(run.id,
                             cancelled ? store::kCancelled
                             : failed  ? store::kFailed
                                       : store::kSucceeded,
                             report.dump())
                    .ok());
  }

  int Pretzel(std::vector<std::string> line, bool terminal = false) {
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    Io io{&in, &out, &err, false, terminal, false, [this](const std::string& name) {
            const auto found = env_.find(name);
            return found == env_.end() ? std::string() : found->second;
          }};
    const int code = Main(io, std::move(line));
    out_ = out.str();
    err_ = err.str();
    return code;
  }
  std::vector<size_t> Sizes() const {
    std::vector<size_t> sizes;
    for (const auto& start : daemon_.runner->started()) {
      sizes.push_back(json::parse(start.nodes.at(0).request_json)["manifests"].size());
    }
    return sizes;
  }
  std::string All() const { return daemon_.folder + "/all"; }

  api::testing::Daemon daemon_;
  std::map<std::string, std::string> env_;
  std::map<std::string, std::vector<std::string>> reads_;
  std::map<std::string, std::vector<std::string>> params_;
  std::set<std::string> fails_;
  std::string code_ = "PZ0220";
  size_t cancels_ = 0;
  int outlines_ = 0;
  std::string out_;
  std::string err_;
};

TEST_F(SeveralRunsTest, OneCommandOneAnswer) {
  Write(450);
  EXPECT_EQ(Pretzel({"test", All()}), 0) << err_;
  EXPECT_EQ(Sizes(), (std::vector<size_t>{200, 200, 50}));
  EXPECT_EQ(outlines_, 5);
  EXPECT_THAT(out_, HasSubstr("prod.m.m00000  PASSED"));
  EXPECT_THAT(out_, HasSubstr("prod.m.m00449  PASSED"));
  EXPECT_THAT(out_.substr(out_.rfind("\n", out_.size() - 2) + 1),
              ::testing::MatchesRegex("test PASSED in [0-9.]+ m?s, 450 manifests in 3 runs "
                                      "\\(playground fin\\): 450 PASSED\n"));
  EXPECT_THAT(err_, HasSubstr("reading 450 manifests\n"));
  EXPECT_THAT(err_, HasSubstr("  200 of 450 manifests done, "));
  EXPECT_THAT(err_, HasSubstr("  450 of 450 manifests done, "));
  // As many as one run takes are one run, and nothing is asked before.
  std::filesystem::remove_all(All());
  Write(200);
  EXPECT_EQ(Pretzel({"test", All()}), 0) << err_;
  EXPECT_EQ(Sizes().size(), 4U);
  EXPECT_EQ(outlines_, 5);
}

TEST_F(SeveralRunsTest, ATerminalSeesItMove) {
  Write(201);
  EXPECT_EQ(Pretzel({"test", All()}, /*terminal=*/true), 0) << err_;
  EXPECT_THAT(err_, HasSubstr("\r\x1b[2K  0 of 201 manifests done"));
  EXPECT_THAT(err_, Not(HasSubstr("SUCCEEDED")));
  EXPECT_EQ(Pretzel({"test", All(), "-q"}, /*terminal=*/true), 0) << err_;
  EXPECT_EQ(err_, "");
}

TEST_F(SeveralRunsTest, JsonIsOneDocument) {
  Write(401);
  fails_ = {"m.m00300"};
  EXPECT_EQ(Pretzel({"test", All(), "-o", "json"}), 1) << err_;
  const json document = json::parse(out_, nullptr, false);
  ASSERT_TRUE(document.is_object()) << out_.substr(0, 500);
  EXPECT_EQ(document["kind"], "Reports");
  EXPECT_EQ(document["status"], "FAILED");
  EXPECT_EQ(document["manifests"], 401);
  EXPECT_EQ(document["runs"], 3);
  EXPECT_EQ(document["manifestsLeft"], 0);
  EXPECT_EQ(document["datasets"], json::parse(R"({"FAILED":1,"PASSED":400})"));
  ASSERT_EQ(document["reports"].size(), 3U);
  EXPECT_EQ(document["reports"][1]["kind"], "TestReport");
  EXPECT_EQ(document["reports"][1]["findings"][0]["code"], "PZ0220");
  EXPECT_EQ(document["reports"][2]["datasets"][0]["name"], "m.m00400");
  EXPECT_EQ(Pretzel({"preview", All(), "-o", "csv"}), 2);
  EXPECT_THAT(err_, HasSubstr("401 manifests were given"));
  EXPECT_EQ(Sizes().size(), 3U);
}

TEST_F(SeveralRunsTest, TheWorstRunSaysHowItEnded) {
  Write(401);
  fails_ = {"m.m00000"};
  EXPECT_EQ(Pretzel({"test", All()}), 1);
  code_ = "PZ0101";
  EXPECT_EQ(Pretzel({"test", All()}), 2);
  EXPECT_EQ(Sizes().size(), 6U) << "what is independent goes on";
  // An engine that is down would fail them all.
  code_ = "PZ0160";
  EXPECT_EQ(Pretzel({"test", All()}), 6);
  EXPECT_EQ(Sizes().size(), 7U);
  EXPECT_THAT(err_, HasSubstr("201 manifests did not come to an end"));
  EXPECT_THAT(out_, HasSubstr("test INCOMPLETE in "));
}

TEST_F(SeveralRunsTest, ACancelledRunEndsTheCommand) {
  Write(401);
  cancels_ = 2;
  EXPECT_EQ(Pretzel({"test", All()}), 7);
  EXPECT_EQ(Sizes().size(), 2U);
  EXPECT_THAT(err_, HasSubstr(" was cancelled\n1 manifest did not come to an end"));
}

TEST_F(SeveralRunsTest, TheSameTokenIsTheSameRunsAndEachHasItsOwn) {
  Write(401);
  EXPECT_EQ(Pretzel({"test", All(), "--client-token", "t"}), 0) << err_;
  EXPECT_EQ(Pretzel({"test", All(), "--client-token", "t"}), 0) << err_;
  const auto tokens = [this] {
    std::set<std::string> all;
    for (const auto& start : daemon_.runner->started()) all.insert(start.client_token);
    return all;
  };
  EXPECT_EQ(tokens().size(), 3U);
  for (const std::string& token : tokens()) EXPECT_EQ(token.substr(0, 2), "t/");
  std::ofstream(Path(0)) << "changed\n";
  EXPECT_EQ(Pretzel({"test", All(), "--client-token", "t"}), 0) << err_;
  EXPECT_EQ(tokens().size(), 4U);
}

TEST_F(SeveralRunsTest, ParametersGoWhereTheyAreDeclared) {
  Write(401);
  params_["m.m00250"] = {"day"};
  EXPECT_EQ(Pretzel({"test", All(), "--param", "day=2013-01-01", "--mode", "schema"}), 0) << err_;
  std::vector<json> options;
  for (const auto& start : daemon_.runner->started()) {
    options.push_back(json::parse(start.nodes.at(0).request_json)["options"]);
  }
  EXPECT_EQ(options[0], json::parse(R"({"mode":"schema"})"));
  EXPECT_EQ(options[1], json::parse(R"({"mode":"schema","params":{"day":"2013-01-01"}})"));
  EXPECT_EQ(Pretzel({"test", All(), "--param", "dai=1"}), 2);
  EXPECT_THAT(err_, HasSubstr("no manifest declares the parameter `dai`"));
  EXPECT_EQ(Sizes().size(), 3U);
}

TEST_F(SeveralRunsTest, WhatReadsEachOtherIsOneRunOrGoesInOrder) {
  Write(301);
  for (size_t i = 1; i < 301; ++i) reads_[NameOf(Path(i))] = {NameOf(Path(i - 1))};
  EXPECT_EQ(Pretzel({"run", All()}), 5);
  EXPECT_THAT(err_, HasSubstr("301 manifests were given; 301 of their datasets read one another"));
  EXPECT_THAT(err_, HasSubstr("at most 200"));
  EXPECT_TRUE(Sizes().empty());
  // A check of one says what is missing; a table that is not made lets no other be made over it.
  fails_ = {"m.m00010"};
  EXPECT_EQ(Pretzel({"test", All()}), 1);
  EXPECT_EQ(Sizes(), (std::vector<size_t>{200, 101}));
  EXPECT_EQ(Pretzel({"apply", All()}), 1);
  EXPECT_EQ(Sizes(), (std::vector<size_t>{200, 101, 200}));
  EXPECT_THAT(err_, HasSubstr("101 manifests did not come to an end"));
}

TEST_F(SeveralRunsTest, ManyDocumentsInFewFilesAreDividedToo) {
  std::filesystem::create_directories(All());
  for (int i = 0; i < 2; ++i) {
    std::ofstream file(Path(static_cast<size_t>(i)));
    for (int k = 0; k < 150; ++k) file << "---\nnumber: " << k << "\n";
  }
  EXPECT_EQ(Pretzel({"test", All()}), 0) << err_;
  EXPECT_EQ(outlines_, 1);
}

}  // namespace
}  // namespace dcp::cli
