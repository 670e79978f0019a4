// SPDX-License-Identifier: Apache-2.0
//
// What is said of configurations that do not satisfy their schema.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/schema.h"

namespace dcp::schema {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// "pointer[+key]: message (hint)".
std::vector<std::string> Wrong(const std::string& schema, const std::string& config) {
  const auto compiled = Compile(schema);
  EXPECT_TRUE(compiled.ok()) << compiled.status().ToString();
  std::vector<std::string> all;
  for (const Mistake& each : Check(compiled.value_or("{}"), config)) {
    all.push_back(each.pointer + (each.key.empty() ? "" : "+" + each.key) +
                  (each.at_key ? " (key)" : "") + ": " + each.message +
                  (each.hint.empty() ? "" : " (" + each.hint + ")"));
  }
  return all;
}

std::vector<std::string> Of(const std::string& property, const std::string& value) {
  return Wrong(R"({"properties": {"x": )" + property + "}}", R"({"x": )" + value + "}");
}

TEST(CheckTest, EachKeywordSaysWhatItWants) {
  const struct {
    const char* property;
    const char* good;
    const char* bad;
    const char* words;
  } cases[] = {
      {R"({"type": "string"})", "\"1\"", "1",
       "must be text, found a whole number (put it into quotes)"},
      {R"({"type": "string"})", "\"1\"", "null",
       "must be text, found nothing (give it a value or remove the key)"},
      {R"({"type": "integer"})", "1", "\"1\"", "must be a whole number, found text"},
      {R"({"type": "integer"})", "1", "1.5", "must be a whole number, found a number"},
      {R"({"type": "boolean"})", "true", "\"yes\"", "must be true or false, found text"},
      {R"({"type": ["array", "null"]})", "null", "{}",
       "must be a list or nothing (null), found a map"},
      {R"({"type": "object"})", "{}", "[]", "must be a map of keys, found a list"},
      {R"({"maximum": 100})", "100", "101", "is 101, must be <= 100"},
      {R"({"exclusiveMaximum": 100})", "99", "100", "is 100, must be < 100"},
      {R"({"minimum": 1.5})", "1.5", "1.4", "is 1.4, must be >= 1.5"},
      {R"({"exclusiveMinimum": 0})", "1", "0", "is 0, must be > 0"},
      {R"({"multipleOf": 5})", "10", "12", "is 12, must be a multiple of 5"},
      {R"({"minLength": 2})", "\"\u00e9\u00e9\"", "\"\u00e9\"", "must have at least 2 characters"},
      {R"({"maxLength": 2})", "\"ab\"", "\"abc\"", "must have at most 2 characters"},
      {R"({"pattern": "^[a-z]+$"})", "\"ab\"", "\"aB\"", "does not match the pattern \"^[a-z]+$\""},
      {R"({"enum": ["fast", "slow"]})", "\"fast\"", "\"fats\"",
       "must be one of fast, slow; found `fats` (did you mean `fast`?)"},
      {R"({"enum": [1, 2]})", "2", "3", "must be one of 1, 2; found 3"},
      {R"({"const": "v1"})", "\"v1\"", "\"v2\"", "must be \"v1\""},
      {R"({"minItems": 1})", "[1]", "[]", "must have at least 1 items"},
      {R"({"maxItems": 1})", "[1]", "[1, 2]", "must have at most 1 items"},
      {R"({"uniqueItems": true})", "[1, 2]", "[1, 1]", "holds the same item twice"},
      {R"({"contains": {"const": 1}})", "[1]", "[2]",
       "holds no item of the kind that it must hold"},
      {R"({"items": [{}], "additionalItems": false})", "[1]", "[1, 2]",
       "has more items than are allowed"},
      {R"({"minProperties": 1})", "{\"a\": 1}", "{}", "must have at least 1 keys"},
      {R"({"maxProperties": 1})", "{\"a\": 1}", "{\"a\": 1, \"b\": 2}", "must have at most 1 keys"},
      {R"({"not": {"const": 1}})", "2", "1", "is of a form that is not allowed"},
      {R"({"anyOf": [{"type": "string"}, {"type": "integer"}]})", "1", "true",
       "must be of at least one of the forms that are allowed: text; a whole number"},
      {R"({"oneOf": [{"minimum": 1}, {"maximum": 9}]})", "0", "5",
       "must be of exactly one of the forms that are allowed"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(Of(c.property, c.good), IsEmpty()) << c.property;
    EXPECT_THAT(Of(c.property, c.bad), ElementsAre(std::string("/x: ") + c.words)) << c.property;
  }
  EXPECT_THAT(Of("false", "1"), ElementsAre(HasSubstr(": ")));
}

TEST(CheckTest, KeysThatAreMissingOrUnknown) {
  const std::string schema = R"({"type": "object", "additionalProperties": false,
      "required": ["endpoint"], "dependencies": {"tls": ["ca"]},
      "properties": {"endpoint": {"description": "host:port of the server"}, "tls": {}, "ca": {},
        "retry": {"additionalProperties": false, "properties": {"times": {"type": "integer"}}}}})";
  EXPECT_THAT(Wrong(schema, R"({"endpoint": "a"})"), IsEmpty());
  EXPECT_THAT(Wrong(schema, "{}"), ElementsAre("+endpoint: is missing (host:port of the server)"));
  EXPECT_THAT(Wrong(schema, R"({"endpoint": "a", "tls": 1})"),
              ElementsAre("+ca: is missing, since another key needs it"));
  EXPECT_THAT(
      Wrong(schema, R"({"endpoint": 1, "retry": {"tiems": 2, "~/": 3}, "endpoit": 2})"),
      ::testing::UnorderedElementsAre("/endpoit (key): unknown key (did you mean `endpoint`?)",
                                      "/retry/tiems (key): unknown key (did you mean `times`?)",
                                      "/retry/~0~1 (key): unknown key (known here: times)"));
  EXPECT_THAT(Wrong(R"({"additionalProperties": false})", R"({"a": 1})"),
              ElementsAre("/a (key): unknown key (no keys are known here: remove it)"));
  EXPECT_THAT(
      Wrong(R"({"anyOf": [{"required": ["a"]}, {"required": ["b", "c"]}]})", "{}"),
      ElementsAre(": must be of at least one of the forms that are allowed: `a`; `b` and `c`"));
}

TEST(CheckTest, EverythingIsSaidAtOnce) {
  EXPECT_THAT(
      Wrong(R"({"additionalProperties": {"items": {"type": "integer"}},
                        "if": {"required": ["a"]}, "then": {"required": ["z"]}})",
            R"({"a": [1, "2", "3"], "b": ["4"]})"),
      ::testing::UnorderedElementsAre("+z: is missing", "/a/1: must be a whole number, found text",
                                      "/a/2: must be a whole number, found text",
                                      "/b/0: must be a whole number, found text"));
  EXPECT_THAT(Wrong("{}", "not json"), ElementsAre(": is not JSON"));
}

TEST(CheckTest, ASecretIsGivenAsAReferenceAndNeverQuoted) {
  for (const char* mark : {R"("writeOnly": true)", R"("format": "secret")"}) {
    const std::string property =
        std::string(R"({"type": "string", "minLength": 40, )") + mark + "}";
    EXPECT_THAT(Of(property, R"("${secret.token}")"), IsEmpty());
    EXPECT_THAT(Of(property, R"("Bearer ${secret_file.token}")"), IsEmpty());
    for (const char* literal : {R"("hunter2hunter2hunter2hunter2hunter2hunter2")",
                                R"("$${secret.hunter2hunter2hunter2hunter2hunter2}")"}) {
      const auto wrong = Of(property, literal);
      ASSERT_EQ(wrong.size(), 1U) << literal;
      EXPECT_THAT(wrong[0], HasSubstr("is a secret: its text may not stand in the file"));
      EXPECT_THAT(wrong[0], HasSubstr("write ${secret.NAME}"));
      EXPECT_THAT(wrong[0], Not(HasSubstr("hunter2")));
    }
    EXPECT_THAT(Of(property, "12345678"),
                ElementsAre("/x: must be text, found a whole number (put it into quotes)"));
  }
  // Within a combination as well, and whatever else is wrong with it.
  const std::string hidden = R"({"allOf": [{"writeOnly": true}], "enum": ["a"], "maximum": 3})";
  for (const char* value : {R"("hunter2")", "4711"}) {
    for (const std::string& words : Of(hidden, value)) {
      EXPECT_THAT(words, Not(HasSubstr("hunter2")));
      EXPECT_THAT(words, Not(HasSubstr("4711")));
    }
  }
}

TEST(CheckTest, WhatAReferenceWillBeIsNotGuessed) {
  EXPECT_THAT(Of(R"({"pattern": "^[a-z]+$", "enum": ["a"], "const": "a", "maxLength": 1})",
                 R"("${secret.token}")"),
              IsEmpty());
  EXPECT_THAT(Of(R"({"type": "integer"})", R"("${secret.token}")"),
              ElementsAre("/x: must be a whole number, found text"));
  EXPECT_THAT(Of(R"({"pattern": "^[$][{]x}$"})", R"("$${x}")"), IsEmpty());
}

// std::regex would need longer than anybody waits, or more stack than there is.
TEST(CheckTest, NoPatternTakesLong) {
  const std::string text(200'000, 'a');
  EXPECT_THAT(Of(R"({"pattern": "^(a+)+$"})", "\"" + text + "!\""),
              ElementsAre(HasSubstr("does not match the pattern")));
  EXPECT_THAT(Of(R"({"pattern": "^(a|b)*$"})", "\"" + text + "\""), IsEmpty());
}

}  // namespace
}  // namespace dcp::schema
