// SPDX-License-Identifier: Apache-2.0
//
// pretzel plugin describe, against the API with a real plugin host that runs nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "api/testing/fixture.h"
#include "cli/app.h"
#include "host/elf_builder.h"

namespace dcp::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class DescribeTest : public ::testing::Test {
 protected:
  DescribeTest() {
    Put("acme", R"(,"config_schema":{"properties":{"endpoint":{"type":"string",
                    "description":"host:port"},"token":{"format":"secret"}},"required":["endpoint"]})");
    Put("bare", "");
    host::Settings settings;
    settings.directories = {daemon_.folder};
    settings.worker_program = "/nowhere/no_worker_is_started";
    host::InstanceSettings instance;
    instance.id = "used";
    instance.plugin = "missing";
    settings.instances.push_back(instance);
    host_ = host::Host::Start(settings).value();
    daemon_.deps.host = host_.get();
    const Status started = daemon_.Start();
    EXPECT_TRUE(started.ok()) << started.ToString();
  }
  ~DescribeTest() override { daemon_.server.reset(); }

  void Put(const std::string& id, const std::string& more) {
    host::ElfBuilder elf;
    elf.exported = {"dcp_plugin_v1"};
    elf.manifest = R"({"id":")" + id + R"(","version":"1.2","encoding":"json","capabilities":)" +
                   R"([{"name":"resource","major":1,"minor":0,"methods":["Compile"]}])" + more +
                   "}";
    std::ofstream(daemon_.folder + "/" + id + ".so", std::ios::binary) << elf.Build();
  }
  int Pretzel(std::vector<std::string> line) {
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    Io io{&in, &out, &err, false, false, false, [this](const std::string& name) -> std::string {
            if (name == "HOME") return daemon_.folder;
            if (name == "PRETZEL_ENDPOINT") return daemon_.target();
            return name == "PRETZEL_TOKEN" ? token_ : "";
          }};
    const int code = Main(io, std::move(line));
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  api::testing::Daemon daemon_;
  std::unique_ptr<host::Host> host_;
  std::string token_ = "ana-token";
  std::string out_;
  std::string err_;
};

TEST_F(DescribeTest, ShowsKeysAndASnippet) {
  ASSERT_EQ(Pretzel({"plugin", "describe", "acme"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("plugin acme 1.2\n"));
  EXPECT_THAT(out_, HasSubstr("  endpoint: text, required\n      host:port\n"));
  EXPECT_THAT(out_, HasSubstr("        endpoint: \"...\"\n        # token: ${secret.token}\n"));
  ASSERT_EQ(Pretzel({"plugin", "describe", "acme", "-o", "name"}), 0) << err_;
  EXPECT_EQ(out_, "acme\n");
}

TEST_F(DescribeTest, AsADocument) {
  ASSERT_EQ(Pretzel({"plugin", "describe", "acme", "-o", "json"}), 0) << err_;
  const auto json = nlohmann::json::parse(out_);
  EXPECT_EQ(json["kind"], "PluginDescription");
  EXPECT_EQ(json["id"], "acme");
  EXPECT_EQ(json["configSchema"]["required"][0], "endpoint");
  EXPECT_EQ(json["keys"][0]["path"], "endpoint");
  EXPECT_EQ(json["keys"][0]["required"], true);
  EXPECT_EQ(json["keys"][1]["secret"], true);
  EXPECT_THAT(json["snippet"].get<std::string>(), HasSubstr("plugin: acme"));
  ASSERT_EQ(Pretzel({"plugin", "describe", "bare", "-o", "json"}), 0) << err_;
  EXPECT_FALSE(nlohmann::json::parse(out_).contains("configSchema"));
}

TEST_F(DescribeTest, SaysSoWhenThereIsNothingToShow) {
  ASSERT_EQ(Pretzel({"plugin", "describe", "bare"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("publishes no schema"));
  for (const char* name : {"acne", "used"}) {
    EXPECT_EQ(Pretzel({"plugin", "describe", name}), 5);
    EXPECT_THAT(err_, HasSubstr("`pretzel plugin list` shows what there is"));
    EXPECT_THAT(err_, Not(HasSubstr(daemon_.folder))) << "where the daemon's files are";
  }
  token_ = "bo-token";  // an operator
  EXPECT_EQ(Pretzel({"plugin", "describe", "acne"}), 5);
  EXPECT_THAT(err_, HasSubstr("found: acme (" + daemon_.folder + "/acme.so)"));
  EXPECT_EQ(Pretzel({"plugin", "describe", "./acme.so"}), 2);
  EXPECT_THAT(err_, HasSubstr("dcp-plugin-check --describe FILE"));
  EXPECT_EQ(Pretzel({"plugin", "describe"}), 2);
}

}  // namespace
}  // namespace dcp::cli
