// SPDX-License-Identifier: Apache-2.0
//
// The data: every line read, none twice, and nothing allowed by a slip of the pen.
#include "spark_sql/functions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "spark_sql/lexer.h"

namespace dcp::spark_sql {

std::string_view FunctionsFile();
std::string_view OptionsFile();

namespace {

size_t LinesOf(std::string_view text) {
  size_t lines = 0;
  for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) lines += text[at] != '#';
  return lines;
}

// The field of the line that begins with `start`.
std::string FieldOf(std::string_view text, const std::string& start, size_t number) {
  size_t at = text.find("\n" + start + "\t") + 1;
  for (; number > 0; --number) at = text.find('\t', at) + 1;
  return std::string(text.substr(at, text.find_first_of("\t\n", at) - at));
}

TEST(Functions, EveryLineIsReadOnce) {
  EXPECT_EQ(Functions().size(), LinesOf(FunctionsFile()));
  EXPECT_EQ(Options().size(), LinesOf(OptionsFile()));
  EXPECT_GE(Functions().size(), 550U);
  std::set<std::string> seen;
  for (const Function& function : Functions()) {
    const bool catalog = function.place == FunctionPlace::kCatalog;
    EXPECT_TRUE(seen.insert((catalog ? "c " : "s ") + std::string(function.name)).second)
        << function.name;
    EXPECT_EQ(function.name, Lower(function.name));
    EXPECT_FALSE(function.why.empty()) << function.name;
    const Function* found =
        catalog ? FindCatalogFunction(function.name) : FindFunction(function.name);
    EXPECT_EQ(found, &function);
  }
}

TEST(Functions, WordsOfTheFilesAreKnown) {
  const std::set<std::string> judgements = {"pure", "arguments", "context", "reaches"};
  const std::set<std::string> places = {"expression", "table",   "both",
                                        "grammar",    "catalog", "elsewhere"};
  for (const Function& function : Functions()) {
    if (function.place == FunctionPlace::kCatalog) continue;
    const std::string name(function.name);
    EXPECT_EQ(places.count(FieldOf(FunctionsFile(), name, 1)), 1U) << name;
    EXPECT_EQ(judgements.count(FieldOf(FunctionsFile(), name, 2)), 1U) << name;
  }
}

TEST(Functions, ChecksBelongToFunctionsThatReadTheirArguments) {
  size_t checked = 0;
  for (const Function& function : Functions()) {
    const bool checks = function.type_at != 0 || function.options_at != 0;
    checked += checks ? 1 : 0;
    EXPECT_TRUE(!checks || function.judgement == Judgement::kArguments) << function.name;
    EXPECT_EQ(function.options_at != 0, !function.family.empty()) << function.name;
    EXPECT_EQ(function.family.empty(), OptionKeys(function.family).empty());
  }
  EXPECT_EQ(checked, 13U);
  EXPECT_EQ(FindFunction("from_json")->type_at, 2U);
  EXPECT_EQ(FindFunction("from_json")->options_at, 3U);
  EXPECT_EQ(FindFunction("from_json")->family, "json");
}

TEST(Functions, WhatReachesOutIsRefused) {
  for (const char* name : {"reflect", "java_method", "try_reflect", "xpath", "xpath_string",
                           "from_protobuf", "to_protobuf", "python_worker_logs", "read_files"}) {
    ASSERT_NE(FindFunction(name), nullptr) << name;
    EXPECT_EQ(FindFunction(name)->judgement, Judgement::kReaches) << name;
  }
  const std::vector<std::string> names = CallableNames();
  EXPECT_EQ(std::count(names.begin(), names.end(), "reflect"), 0);
  EXPECT_EQ(std::count(names.begin(), names.end(), "upper"), 1);
}

TEST(Functions, OptionsAreFoundInAnyCase) {
  ASSERT_NE(FindOption("xml", "ROWVALIDATIONXSDPATH"), nullptr);
  EXPECT_EQ(FindOption("xml", "rowValidationXsdPath")->judgement, Judgement::kReaches);
  EXPECT_EQ(FindOption("avro", "avroSchemaUrl")->judgement, Judgement::kReaches);
  EXPECT_EQ(FindOption("json", "compression")->judgement, Judgement::kReaches);
  EXPECT_EQ(FindOption("json", "mode")->judgement, Judgement::kPure);
  EXPECT_EQ(FindOption("csv", "rowTag"), nullptr);
}

TEST(Functions, KeywordsOfTheGrammar) {
  for (const char* word : {"select", "as", "in", "over", "lateral", "aggregate", "extend", "regexp",
                           "rlike", "temp", "temporary", "minus", "percent", "x"}) {
    EXPECT_TRUE(IsKeyword(word)) << word;
  }
  EXPECT_FALSE(IsKeyword("upper"));
  EXPECT_FALSE(IsKeyword(""));
}

}  // namespace
}  // namespace dcp::spark_sql
