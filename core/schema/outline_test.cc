// SPDX-License-Identifier: Apache-2.0
#include "schema/outline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/schema.h"

namespace dcp::schema {
namespace {

constexpr char kSchema[] = R"({
  "type": "object", "description": "A cluster.", "additionalProperties": false, "required": ["endpoint", "retry"],
  "properties": {
    "endpoint": {"type": "string", "description": "host:port of the server", "examples": ["127.0.0.1:80"]},
    "token": {"type": "string", "writeOnly": true},
    "mode": {"enum": ["fast", "slow"], "default": "fast"},
    "jars": {"type": "array", "items": {"type": "string", "format": "path"}, "minItems": 1},
    "retry": {"type": "object", "required": ["times"], "properties": {
      "times": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3}, "slow": {"type": "boolean"}}},
    "conf": {"type": "object", "additionalProperties": {"type": ["string", "number"]}}}})";

TEST(OutlineTest, KeysInTheOrderWrittenWithWhatIsKnownOfThem) {
  const std::vector<Key> keys = Keys(Compile(kSchema).value());
  std::vector<std::string> paths;
  for (const Key& key : keys) paths.push_back(key.path);
  EXPECT_THAT(paths, testing::ElementsAre("endpoint", "token", "mode", "jars", "jars[]", "retry",
                                          "retry.times", "retry.slow", "conf", "conf.*"));
  EXPECT_TRUE(keys[0].required);
  EXPECT_FALSE(keys[1].required);
  EXPECT_TRUE(keys[1].secret);
  EXPECT_EQ(keys[2].fallback, "\"fast\"");
  EXPECT_THAT(keys[2].allowed, testing::ElementsAre("\"fast\"", "\"slow\""));
  EXPECT_THAT(keys[6].bounds, testing::ElementsAre(">= 1", "<= 9"));
  EXPECT_EQ(keys[9].type, "text or number");
}

TEST(OutlineTest, ATextForPeople) {
  EXPECT_EQ(Outline("acme", "1.2", Compile(kSchema).value()), R"(plugin acme 1.2

A cluster.

Keys of `config`:

  endpoint: text, required
      host:port of the server
      examples: "127.0.0.1:80"
  token: text, a reference such as ${secret.NAME}
  mode: default "fast", one of "fast", "slow"
  jars: list, at least 1 items
  jars[]: text, in the form path
  retry: map, required
  retry.times: whole number, required, default 3, >= 1, <= 9
  retry.slow: true or false
  conf: map
  conf.*: text or number

For dcpd.yaml:

plugins:
  instances:
    - id: acme
      plugin: acme
      config:
        endpoint: "127.0.0.1:80"
        # token: ${secret.token}
        # mode: "fast"
        # jars: []
        retry:
          times: 3
          # slow: false
        # conf: {}
)");
  EXPECT_THAT(Outline("acme", "1.2", ""), testing::HasSubstr("publishes no schema"));
  EXPECT_THAT(Outline("acme", "1.2", R"({"additionalProperties":false})"),
              testing::HasSubstr("Its configuration has no keys."));
  EXPECT_THAT(Outline("acme", "1.2", "{}"), testing::HasSubstr("Other keys are let pass."));
}

TEST(OutlineTest, ASnippetWithoutRequiredKeysIsAnEmptyMap) {
  EXPECT_EQ(Snippet("acme", R"({"properties":{"a b":{"type":"integer","minimum":2}}})"),
            "plugins:\n  instances:\n    - id: acme\n      plugin: acme\n      config: {}\n"
            "        # \"a b\": 2\n");
  EXPECT_EQ(Snippet("acme", R"({"properties":{"a":{},"b":{}},"examples":[{"b":[1]}]})"),
            "plugins:\n  instances:\n    - id: acme\n      plugin: acme\n      config:\n"
            "        # a: {}\n        b: [1]\n");
  EXPECT_EQ(Snippet("acme", ""), "plugins:\n  instances:\n    - id: acme\n      plugin: acme\n");
}

TEST(OutlineTest, NothingInASchemaDrivesATerminal) {
  const std::string text = Outline("acme", "1",
                                   Compile(R"({"description": "a\u001b[2J\nb",
      "properties": {"x": {"description": "\u0007c", "default": "\u001b", "pattern": "\u001b"}}})")
                                       .value());
  for (const char c : text) EXPECT_TRUE(c == '\n' || (c >= ' ' && c != 0x7F)) << int{c};
}

}  // namespace
}  // namespace dcp::schema
