// SPDX-License-Identifier: Apache-2.0
//
// Configurations of instances against the schemas of real files: each answer has its place.
#include "daemon/plugin_configs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/id.h"
#include "host/elf_builder.h"
#include "host/plugin_store.h"

namespace dcp::daemon {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kHead[] = R"(state_dir: /var/lib/pretzel
secrets: [acme]
ports: [acme]
catalog:
  production: {uri: "http://127.0.0.1:1", secret: x}
  overlay: {uri: "http://127.0.0.1:2", secret: x, warehouse: "file:///w"}
plugins:
  directories: ["${bin_dir}"]
  instances:
    - {id: plain, plugin: plain, config: {anything: 1}}
    - id: acme
      plugin: acme
)";  // the next line is the thirteenth

constexpr char kSchema[] =
    R"({"type": "object", "additionalProperties": false, "required": ["endpoint"],
  "properties": {
    "endpoint": {"type": "string"},
    "batch_size": {"type": "integer", "maximum": 100},
    "token": {"type": "string", "writeOnly": true},
    "jars": {"type": "array", "items": {"type": "object", "required": ["path"]}},
    "a/b": {"type": "boolean"}}})";

class PluginConfigsTest : public ::testing::Test {
 protected:
  PluginConfigsTest() : folder_("/tmp/dcp-configs-" + RandomHex(6)) {
    std::filesystem::create_directories(folder_);
    Put("plain", "");
    Put("acme", std::string(R"(,"config_schema":)") + kSchema);
    references_.state_dir = "/var/lib/pretzel";
    references_.bin_dir = folder_;
    references_.secrets["acme"] = Secret("hunter2");
    references_.secret_files["acme"] = "/var/lib/pretzel/secrets/acme";
    references_.ports["acme"] = 4711;
  }
  ~PluginConfigsTest() override { std::filesystem::remove_all(folder_); }

  void Put(const std::string& id, const std::string& more) {
    host::ElfBuilder elf;
    elf.exported = {"dcp_plugin_v1"};
    elf.manifest = R"({"id":")" + id + R"(","version":"1.2","encoding":"json","capabilities":)" +
                   R"([{"name":"resource","major":1,"minor":0,"methods":["Compile"]}])" + more +
                   "}";
    std::ofstream(folder_ + "/" + id + ".so", std::ios::binary) << elf.Build();
  }
  Result<Settings> Read(const std::string& config) {
    return ReadCheckedSettings("dcpd.yaml", kHead + config, references_);
  }
  std::string Wrong(const std::string& config) {
    const auto settings = Read(config);
    EXPECT_EQ(settings.status().code(), Code::kInvalidArgument) << config;
    return settings.status().ToString();
  }

  std::string folder_;
  References references_;
};

TEST_F(PluginConfigsTest, AGoodOneKeepsItsSecretsAsReferences) {
  const auto settings = Read(
      "      config: {endpoint: \"h:${port.acme}\", batch_size: 100, token: \"a ${secret.acme}\", "
      "a/b: true}\n");
  ASSERT_TRUE(settings.ok()) << settings.status().ToString();
  const host::InstanceSettings& acme = settings->host.instances[1];
  EXPECT_EQ(acme.config_json.Reveal(),
            R"({"a/b":true,"batch_size":100,"endpoint":"h:4711","token":"a ${secret.acme}"})");
  for (const auto& [key, value] : settings->values) {
    EXPECT_THAT(value.Reveal(), Not(HasSubstr("hunter2"))) << key;
  }
  EXPECT_EQ(schema::Fill(acme.config_json, settings->host.secrets)->Reveal(),
            R"({"a/b":true,"batch_size":100,"endpoint":"h:4711","token":"a hunter2"})");
  EXPECT_FALSE(settings->host.secrets("port.acme").ok());
}

TEST_F(PluginConfigsTest, EachMistakeHasItsPlace) {
  const struct {
    const char* config;
    const char* status;
  } cases[] = {
      {"      config:\n        endpoint: h\n        batch_size: 200\n",
       "dcpd.yaml:15:21: INVALID_ARGUMENT: plugins.instances[1].config.batch_size: is 200, must be "
       "<= 100 (schema of plugin acme 1.2)"},
      {"      config:\n        endpoint: h\n        batch_sise: 2\n",
       "dcpd.yaml:15:9: INVALID_ARGUMENT: plugins.instances[1].config.batch_sise: unknown key "
       "(schema "
       "of plugin acme 1.2) (hint: did you mean `batch_size`?)"},
      {"      config:\n        batch_size: 2\n",
       "dcpd.yaml:14:9: INVALID_ARGUMENT: plugins.instances[1].config.endpoint: is missing (schema "
       "of "
       "plugin acme 1.2)"},
      {"      config: {endpoint: \"${port.acme}\", jars: [{path: a}, {pth: b}]}\n",
       "dcpd.yaml:13:60: INVALID_ARGUMENT: plugins.instances[1].config.jars[1].path: is missing "
       "(schema of plugin acme 1.2)"},
      {"      config: {endpoint: h, a/b: 1}\n",
       "dcpd.yaml:13:34: INVALID_ARGUMENT: plugins.instances[1].config.a/b: must be true or false, "
       "found a whole number (schema of plugin acme 1.2)"},
      // Without a configuration: where the instance stands.
      {"",
       "dcpd.yaml:11:7: INVALID_ARGUMENT: plugins.instances[1].config.endpoint: is missing "
       "(schema of plugin acme 1.2)"},
  };
  for (const auto& c : cases) EXPECT_EQ(Wrong(c.config), c.status);
}

TEST_F(PluginConfigsTest, ASecretInTheFileIsRefusedAndNotRepeated) {
  const std::string words = Wrong("      config: {endpoint: h, token: hunter2hunter2}\n");
  EXPECT_THAT(words, HasSubstr("dcpd.yaml:13:36: INVALID_ARGUMENT: "
                               "plugins.instances[1].config.token: is a secret"));
  EXPECT_THAT(words, HasSubstr("write ${secret.NAME} or ${secret_file.NAME}"));
  EXPECT_THAT(words, Not(HasSubstr("hunter2")));
  // A name that is not declared is told where it stands.
  EXPECT_THAT(Wrong("      config: {endpoint: h, token: \"${secret.acne}\"}\n"),
              testing::AllOf(HasSubstr("dcpd.yaml:13:36"), HasSubstr("did you mean \"acme\"")));
}

TEST_F(PluginConfigsTest, AllAtOnceInTheOrderOfTheFile) {
  EXPECT_EQ(
      Wrong("      config:\n        nedpoint: h\n        batch_size: 200\n        jars: [{}]\n"),
      "dcpd.yaml:14:9: INVALID_ARGUMENT: plugins.instances[1].config.endpoint: is missing "
      "(schema of plugin acme 1.2)\n"
      "dcpd.yaml:14:9: plugins.instances[1].config.nedpoint: unknown key (schema of plugin acme "
      "1.2) (hint: did you mean `endpoint`?)\n"
      "dcpd.yaml:15:21: plugins.instances[1].config.batch_size: is 200, must be <= 100 (schema "
      "of plugin acme 1.2)\n"
      "dcpd.yaml:16:16: plugins.instances[1].config.jars[0].path: is missing (schema of plugin "
      "acme 1.2)");
  const auto many = [&](size_t count) {
    std::string config = "      config:\n        endpoint: h\n        jars:\n";
    for (size_t i = 0; i < count; ++i) config += "        - {}\n";
    const std::string words = Wrong(config);
    return std::count(words.begin(), words.end(), '\n') + 1;
  };
  EXPECT_EQ(many(kConfigMistakesMax), static_cast<int64_t>(kConfigMistakesMax));
  EXPECT_EQ(many(kConfigMistakesMax + 5), static_cast<int64_t>(kConfigMistakesMax) + 1);
}

TEST_F(PluginConfigsTest, TheSchemaIsThatOfTheVersionThatWouldRun) {
  references_.state_dir = folder_ + "/state";
  const std::string config = "      config: {endpoint: h, later: 1}\n";
  const std::string unknown =
      "dcpd.yaml:13:29: INVALID_ARGUMENT: plugins.instances[1].config.later: unknown key (schema "
      "of plugin acme 1.2) (hint: known here: endpoint, batch_size, token, jars, a/b)";
  EXPECT_EQ(Wrong(config), unknown);
  EXPECT_FALSE(std::filesystem::exists(references_.state_dir)) << "looking made something";

  // An installed one that knows the key changes nothing before the instance goes over to it.
  const std::string directory = references_.state_dir + "/plugins";
  const auto store = host::PluginStore::Open(directory);
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  const std::string old = folder_ + "/old.so";
  std::filesystem::rename(folder_ + "/acme.so", old);
  Put("acme", R"(,"config_schema":{"properties":{"later":{"type":"integer"}}})");
  std::filesystem::rename(folder_ + "/acme.so", directory + "/incoming-1");
  std::filesystem::rename(old, folder_ + "/acme.so");
  bool existed = false;
  const auto later = (*store)->Install(directory + "/incoming-1", "later.so", "ana", "", existed);
  ASSERT_TRUE(later.ok()) << later.status().ToString();
  EXPECT_EQ(Wrong(config), unknown);
  ASSERT_TRUE((*store)->Decide({{"acme", {later->sha256, false, "", "ana", ""}}}).ok());
  EXPECT_TRUE(Read(config).ok()) << Read(config).status().ToString();
  EXPECT_THAT(Wrong("      config: {later: soon}\n"), HasSubstr("dcpd.yaml:13:23: "));

  // One that no directory has is held against its own.
  std::filesystem::remove(folder_ + "/acme.so");
  ASSERT_TRUE((*store)->Decide({{"acme", {}}}).ok());
  EXPECT_THAT(Wrong("      config: {later: soon}\n"), HasSubstr("config.later: must be a whole"));
}

TEST_F(PluginConfigsTest, APluginThatIsNotThereIsTheHostsAffair) {
  std::filesystem::remove(folder_ + "/acme.so");
  EXPECT_TRUE(Read("      config: {whatever: 1}\n").ok());
}

}  // namespace
}  // namespace dcp::daemon
