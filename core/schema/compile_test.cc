// SPDX-License-Identifier: Apache-2.0
//
// Which schemas are taken, and what is said of those that are not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/schema.h"

namespace dcp::schema {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(CompileTest, WhatDraft07HasIsTaken) {
  const char* cases[] = {
      R"({})",
      R"({"type": "object"})",
      R"({"$schema": "http://json-schema.org/draft-07/schema#", "$id": "x", "title": "t"})",
      R"({"type": "object", "properties": {"a": {"type": ["string", "null"], "pattern": "^a+$"}}})",
      R"({"properties": {"a": true, "b": false}, "additionalProperties": {"type": "number"}})",
      R"({"properties": {"a": {"items": [{"type": "string"}], "additionalItems": false}}})",
      R"({"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"minProperties": 1}})",
      R"({"anyOf": [{"required": ["a"]}], "oneOf": [true], "allOf": [{}], "not": false})",
      R"({"dependencies": {"a": ["b"], "c": {"required": ["d"]}}})",
      R"({"properties": {"a": {"type": "string", "format": "secret", "writeOnly": true}}})",
      R"({"properties": {"a": {"contains": {"const": 1}, "uniqueItems": true, "enum": [[1]]}}})",
      R"({"from_the_future": {"anything": [1]}})",
  };
  for (const char* schema : cases) {
    const auto compiled = Compile(schema);
    EXPECT_TRUE(compiled.ok()) << schema << ": " << compiled.status().ToString();
  }
}

TEST(CompileTest, EachFaultIsNamedByItsPlace) {
  const struct {
    const char* schema;
    const char* words;
  } cases[] = {
      {"", "is not JSON"},
      {"{", "is not JSON"},
      {"[]", "is no JSON object"},
      {"true", "is no JSON object"},
      {R"({"type": "text"})", "`type`: must be one or more of string"},
      {R"({"type": []})", "`type`: must be one or more of string"},
      {R"({"properties": {"a": {"type": "any"}}})", "`properties.a.type`: must be one or more"},
      {R"({"properties": []})", "`properties`: must be a map of schemas"},
      {R"({"properties": {"a": 1}})", "`properties.a`: must be a schema"},
      {R"({"properties": {"": {}}})", "`properties`: has a key that is empty"},
      {R"({"properties": {"a\u0000": {}}})",
       "`properties`: has a key that is empty or holds control"},
      {R"({"properties": {"a": {"multipleOf": 0}}})",
       "`properties.a.multipleOf`: must be a number above"},
      {R"({"properties": {"a": {"multipleOf": -1}}})", "must be a number above zero"},
      {R"({"properties": {"a": {"minimum": "1"}}})", "`properties.a.minimum`: must be a number"},
      {R"({"properties": {"a": {"exclusiveMinimum": true}}})", "must be a number"},
      {R"({"properties": {"a": {"minLength": -1}}})", "must be a whole number, not below zero"},
      {R"({"properties": {"a": {"maxItems": 1.5}}})", "must be a whole number, not below zero"},
      {R"({"properties": {"a": {"enum": []}}})", "`properties.a.enum`: must be a non-empty list"},
      {R"({"properties": {"a": {"uniqueItems": 1}}})", "must be true or false"},
      {R"({"properties": {"a": {"writeOnly": "yes"}}})",
       "`properties.a.writeOnly`: must be true or"},
      {R"({"properties": {"a": {"pattern": "("}}})", "is no pattern of RE2's syntax"},
      {R"x({"properties": {"a": {"pattern": "(?=a)"}}})x", "is no pattern of RE2's syntax"},
      {R"({"properties": {"a": {"pattern": 1}}})", "`properties.a.pattern`: must be text"},
      {R"({"properties": {"a": {"items": [1]}}})", "`properties.a.items[0]`: must be a schema"},
      {R"({"required": ["a", 1]})", "`required`: must be a list of keys"},
      {R"({"required": "a"})", "`required`: must be a list of keys"},
      {R"({"anyOf": []})", "`anyOf`: must be a non-empty list of schemas"},
      {R"({"allOf": {}})", "`allOf`: must be a non-empty list of schemas"},
      {R"({"anyOf": [{"type": 1}]})", "`anyOf[0].type`: must be one or more"},
      {R"({"dependencies": {"a": [1]}})", "must map keys to lists of keys or to schemas"},
      {R"({"not": 1})", "`not`: must be a schema"},
      {R"({"description": 1})", "`description`: must be text"},
      {R"({"examples": {}})", "`examples`: must be a list"},
      {R"({"patternProperties": {"a": {}}})", "`patternProperties`: is not supported"},
      {R"({"propertyNames": {}})", "`propertyNames`: is not supported"},
  };
  for (const auto& c : cases) {
    const auto compiled = Compile(c.schema);
    ASSERT_FALSE(compiled.ok()) << c.schema;
    EXPECT_EQ(compiled.status().code(), Code::kInvalidArgument) << c.schema;
    EXPECT_THAT(compiled.status().message(), HasSubstr(c.words)) << c.schema;
  }
}

TEST(CompileTest, ReferencesAreReplacedAndLeadNowhereElse) {
  const auto compiled = Compile(R"({"definitions": {"size": {"type": "integer", "minimum": 1}},
      "properties": {"a": {"$ref": "#/definitions/size", "description": "of a"},
                     "b": {"items": {"$ref": "#/definitions/size"}}}})");
  ASSERT_TRUE(compiled.ok()) << compiled.status().ToString();
  EXPECT_EQ(*compiled, R"({"properties":{"a":{"type":"integer","minimum":1,"description":"of a"},)"
                       R"("b":{"items":{"type":"integer","minimum":1}}}})");
  const struct {
    const char* schema;
    const char* words;
  } cases[] = {
      {R"({"properties": {"a": {"$ref": "https://example.org/s.json"}}})", "nothing is fetched"},
      {R"({"properties": {"a": {"$ref": "file:///etc/passwd"}}})", "nothing is fetched"},
      {R"({"properties": {"a": {"$ref": "other.json#/x"}}})", "nothing is fetched"},
      {R"({"properties": {"a": {"$ref": ""}}})", "nothing is fetched"},
      {R"({"properties": {"a": {"$ref": "#"}}})", "leads back to itself"},
      {R"({"$ref": "#"})", "leads back to itself"},
      {R"({"definitions": {"x": {"items": {"$ref": "#/definitions/x"}}},
           "properties": {"a": {"$ref": "#/definitions/x"}}})",
       "leads back to itself"},
      {R"({"definitions": {"x": {"$ref": "#/definitions/y"}, "y": {"$ref": "#/definitions/x"}},
           "properties": {"a": {"$ref": "#/definitions/x"}}})",
       "leads back to itself"},
      {R"({"properties": {"a": {"$ref": "#/definitions/x"}}})", "there is nothing at"},
      {R"({"properties": {"a": {"$ref": "#/properties/a/b/c"}}})", "there is nothing at"},
      {R"({"properties": {"a": {"$ref": 1}}})", "must be text"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(Compile(c.schema).status().message(), HasSubstr(c.words)) << c.schema;
  }
}

std::string Repeated(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

TEST(CompileTest, LimitsHoldAtNAndOneMore) {
  const auto of_size = [](size_t bytes) {
    const std::string around = R"({"description":""})";
    return Compile(R"({"description":")" + std::string(bytes - around.size(), 'x') + "\"}")
        .status();
  };
  EXPECT_TRUE(of_size(kSchemaBytesMax).ok());
  EXPECT_THAT(of_size(kSchemaBytesMax + 1).message(), HasSubstr("65537 bytes, the limit is 65536"));

  const auto nested = [](int levels) {
    std::string text = "{}";
    for (int i = 1; i < levels; ++i) text = R"({"not":)" + text + "}";
    return Compile(text).status();
  };
  EXPECT_TRUE(nested(kSchemaDepthMax).ok()) << nested(kSchemaDepthMax).ToString();
  EXPECT_THAT(nested(kSchemaDepthMax + 1).message(), HasSubstr("more than 24 deep"));

  const auto value = [](size_t depth) {
    return Compile(R"({"default":)" + Repeated("[", depth) + Repeated("]", depth) + "}").status();
  };
  EXPECT_TRUE(value(kSchemaValueDepthMax - 1).ok());
  EXPECT_THAT(value(kSchemaValueDepthMax).message(), HasSubstr("more than 64 deep"));
  EXPECT_FALSE(value(30'000).ok());

  const auto pattern = [](size_t bytes) {
    return Compile(R"({"pattern":")" + std::string(bytes, 'x') + "\"}").status();
  };
  EXPECT_TRUE(pattern(kPatternBytesMax).ok());
  EXPECT_THAT(pattern(kPatternBytesMax + 1).message(), HasSubstr("1001 bytes, the limit is 1000"));

  const auto references = [](size_t uses) {
    return Compile(R"({"definitions":{"x":{}},"allOf":[{})" +
                   Repeated(R"(,{"$ref":"#/definitions/x"})", uses) + "]}")
        .status();
  };
  EXPECT_TRUE(references(kSchemaReferencesMax).ok());
  EXPECT_THAT(references(kSchemaReferencesMax + 1).message(), HasSubstr("200 uses of $ref"));

  const auto nodes = [](size_t parts) {  // the root is one, too
    return Compile(R"({"allOf":[{})" + Repeated(",{}", parts - 2) + "]}").status();
  };
  EXPECT_TRUE(nodes(kSchemaNodesMax).ok());
  EXPECT_THAT(nodes(kSchemaNodesMax + 1).message(), HasSubstr("more than 4096 subschemas"));
}

// Each definition uses the one before twice: 2^30 subschemas out of a few lines.
TEST(CompileTest, ABombOfReferencesIsRefusedSoon) {
  std::string definitions = R"("d0":{})";
  for (int i = 1; i <= 30; ++i) {
    const std::string before = R"({"$ref":"#/definitions/d)" + std::to_string(i - 1) + "\"}";
    definitions += R"(,"d)" + std::to_string(i) + R"(":{"allOf":[)" + before + "," + before + "]}";
  }
  EXPECT_FALSE(
      Compile(R"({"definitions":{)" + definitions + R"(},"not":{"$ref":"#/definitions/d30"}})")
          .ok());
}

TEST(LintTest, SaysWhatAnAuthorShouldMend) {
  const auto lint = [](const char* schema) { return Lint(Compile(schema).value()); };
  EXPECT_THAT(lint(R"({"type": "object", "properties": {"a": {"type": "integer", "default": 1}},
                       "required": ["a"], "examples": [{"a": 2}]})"),
              IsEmpty());
  EXPECT_THAT(lint(R"({"type": "array"})"), ElementsAre("its type is not \"object\""));
  EXPECT_THAT(
      lint(R"({"properties": {"a": {"minimun": 1}}})"),
      ElementsAre(HasSubstr("`minimun` is no keyword of draft 07, did you mean `minimum`?")));
  EXPECT_THAT(lint(R"({"properties": {"a": {}}, "required": ["b"]})"),
              ElementsAre(HasSubstr("`required` lists \"b\", which is no property")));
  EXPECT_THAT(lint(R"({"properties": {"a": {"maximum": 3, "default": 4}}})"),
              ElementsAre(HasSubstr("`properties.a`: its default does not satisfy the schema")));
  EXPECT_THAT(lint(R"({"required": ["a"], "examples": [{"a": 1}, {}]})"),
              ElementsAre(HasSubstr("example 2 does not satisfy the schema: /a is missing")));
  // An example of a secret is a reference, as in a file.
  EXPECT_THAT(lint(R"({"properties": {"t": {"type": "string", "writeOnly": true}},
                       "examples": [{"t": "${secret.t}"}]})"),
              IsEmpty());
}

}  // namespace
}  // namespace dcp::schema
