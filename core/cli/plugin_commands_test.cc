// SPDX-License-Identifier: Apache-2.0
//
// plugin top and plugin logs against the API with a real host, whose only instance has no file.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "api/testing/fixture.h"
#include "cli/app.h"

namespace dcp::cli {
namespace {

using nlohmann::json;

class PluginCommandsTest : public ::testing::Test {
 protected:
  PluginCommandsTest() {
    host::Settings settings;
    settings.worker_program = "/nonexistent/dcp-plugin-worker";
    settings.instances.resize(1);
    settings.instances[0].id = "ghost";
    settings.instances[0].plugin = "nowhere";
    host_ = host::Host::Start(std::move(settings)).value();
    daemon_.deps.host = host_.get();
    EXPECT_TRUE(daemon_.Start().ok());
    environment_ = {{"PRETZEL_ENDPOINT", daemon_.target()},
                    {"PRETZEL_TOKEN", "bo-token"},
                    {"XDG_CONFIG_HOME", daemon_.folder + "/config"}};
  }
  void TearDown() override { daemon_.server.reset(); }

  int Run(const std::vector<std::string>& words) {
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    const Io io{&in, &out, &err, false, false, false, [this](const std::string& name) {
                  const auto found = environment_.find(name);
                  return found == environment_.end() ? std::string() : found->second;
                }};
    const int code = Main(io, words);
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  api::testing::Daemon daemon_;
  std::unique_ptr<host::Host> host_;
  std::map<std::string, std::string> environment_;
  std::string out_;
  std::string err_;
};

TEST_F(PluginCommandsTest, TopIsOneTableInAPipe) {
  EXPECT_FALSE(host_->Call("ghost", "resource", "Describe", "{}", {}).ok());
  ASSERT_EQ(Run({"plugin", "top", "--interval", "100ms"}), 0) << err_;
  EXPECT_EQ(out_.find("INSTANCE"), 0U) << out_;
  EXPECT_NE(out_.find("ghost     FAILED"), std::string::npos) << out_;
  EXPECT_EQ(out_.find('\x1b'), std::string::npos);
  ASSERT_EQ(Run({"plugin", "top", "--interval", "100ms", "-o", "json"}), 0) << err_;
  const json document = json::parse(out_);
  EXPECT_EQ(document["items"][0]["errorsByCode"]["FAILED_PRECONDITION"], 1);
  EXPECT_GE(document["intervalMs"], 100);
  ASSERT_EQ(Run({"plugin", "top", "-o", "name"}), 0) << err_;
  EXPECT_EQ(out_, "ghost\n");
}

TEST_F(PluginCommandsTest, AnIntervalHasBounds) {
  for (const char* wrong : {"99ms", "2h", "2", "often"}) {
    EXPECT_EQ(Run({"plugin", "top", "--once", "--interval", wrong}), 2) << wrong;
  }
}

TEST_F(PluginCommandsTest, LogsAreLinesOrDocuments) {
  host_->JournalOf("ghost").value()->Add(log::Level::kWarning, host::kSourceStderr, "it is warm");
  ASSERT_EQ(Run({"plugin", "logs", "ghost"}), 0) << err_;
  EXPECT_NE(out_.find("error   host   out of service: "), std::string::npos) << out_;
  EXPECT_NE(out_.find("warning stderr it is warm\n"), std::string::npos) << out_;
  ASSERT_EQ(Run({"plugin", "logs", "ghost", "-n", "1", "-o", "json"}), 0) << err_;
  const json line = json::parse(out_);  // one document, on one line
  EXPECT_EQ(line["kind"], "PluginLogLine");
  EXPECT_EQ(line["source"], "stderr");
  EXPECT_EQ(line["text"], "it is warm");
  EXPECT_EQ(out_.find('\n'), out_.size() - 1);
}

TEST_F(PluginCommandsTest, LogsSayWhatIsWrong) {
  EXPECT_EQ(Run({"plugin", "logs", "gost"}), 5);
  EXPECT_NE(err_.find("did you mean ghost?"), std::string::npos) << err_;
  for (const char* wrong : {"0", "-1", "x", "1000001", ""}) {
    EXPECT_EQ(Run({"plugin", "logs", "ghost", "--tail", wrong}), 2) << wrong;
  }
  environment_["PRETZEL_TOKEN"] = "ana-token";
  EXPECT_EQ(Run({"plugin", "logs", "ghost"}), 4);
  EXPECT_NE(err_.find("PZ0910"), std::string::npos) << err_;
  EXPECT_EQ(Run({"plugin", "top", "--interval", "100ms"}), 0) << err_;
}

}  // namespace
}  // namespace dcp::cli
