// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.h"

#include <gtest/gtest.h>

#include "cli/duration.h"

namespace dcp::cli {
namespace {

const std::vector<Flag> kFlags = {{"playground", 'p', "NAME", ""},
                                  {"param", 0, "NAME=VALUE", "", true},
                                  {"wait", 0, "TIME", "", false, true},
                                  {"yes", 'y', "", ""}};

TEST(ArgumentsTest, FlagsStandAnywhereInEitherForm) {
  const auto parsed = ParseArguments(kFlags, {"a.yaml", "-p", "fin", "b.yaml", "--param", "x=1",
                                              "--param=y=2", "--wait", "-y", "-"});
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_EQ(parsed->words(), (std::vector<std::string>{"a.yaml", "b.yaml", "-"}));
  EXPECT_EQ(parsed->Text("playground"), "fin");
  EXPECT_EQ(parsed->All("param"), (std::vector<std::string>{"x=1", "y=2"}));
  EXPECT_TRUE(parsed->Has("wait"));
  EXPECT_EQ(parsed->Text("wait"), "");
  EXPECT_TRUE(parsed->Has("yes"));
}

TEST(ArgumentsTest, AnOptionalValueComesWithAnEqualsSignOnly) {
  const auto with = ParseArguments(kFlags, {"--wait=10m", "a.yaml"});
  ASSERT_TRUE(with.ok());
  EXPECT_EQ(with->Text("wait"), "10m");
  const auto without = ParseArguments(kFlags, {"--wait", "a.yaml"});
  ASSERT_TRUE(without.ok());
  EXPECT_EQ(without->Text("wait"), "");
  EXPECT_EQ(without->words(), std::vector<std::string>{"a.yaml"}) << "the file was swallowed";
}

TEST(ArgumentsTest, AfterTwoDashesEverythingIsAWord) {
  const auto parsed = ParseArguments(kFlags, {"--", "--yes", "-p"});
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->words(), (std::vector<std::string>{"--yes", "-p"}));
  EXPECT_FALSE(parsed->Has("yes"));
}

TEST(ArgumentsTest, RefusesWhatItDoesNotKnow) {
  struct Case {
    std::vector<std::string> line;
    std::string message;
    std::string hint;
  };
  const std::vector<Case> cases = {
      {{"--playgroud", "x"}, "unknown flag --playgroud", "did you mean --playground?"},
      {{"--play", "x"}, "unknown flag --play", "--help lists the flags of this command"},
      {{"-z"}, "unknown flag -z", ""},
      {{"-p", "a", "-p", "b"}, "--playground stands twice", "give it once"},
      {{"--playground"}, "", ""},
      {{"--yes=1"}, "", ""}};
  for (const Case& one : cases) {
    const auto parsed = ParseArguments(kFlags, one.line);
    ASSERT_FALSE(parsed.ok()) << one.line.front();
    EXPECT_EQ(parsed.status().code(), Code::kInvalidArgument);
    const Status status = parsed.status();
    EXPECT_TRUE(one.message.empty() || status.message() == one.message) << status.ToString();
    EXPECT_TRUE(one.hint.empty() || status.hint() == one.hint) << status.ToString();
    EXPECT_FALSE(status.message().empty());
  }
}

TEST(ArgumentsTest, PairsNeedAnEqualsSignAndAKeyOfTheirOwn) {
  const auto pairs = ParsePairs("label", {"a=1", "b=", "c=x=y"});
  ASSERT_TRUE(pairs.ok());
  EXPECT_EQ(*pairs, (std::map<std::string, std::string>{{"a", "1"}, {"b", ""}, {"c", "x=y"}}));
  EXPECT_FALSE(ParsePairs("label", {"a"}).ok());
  EXPECT_FALSE(ParsePairs("label", {"=1"}).ok());
  EXPECT_FALSE(ParsePairs("label", {"a=1", "a=2"}).ok());
}

TEST(DurationTest, ReadsWhatPeopleWrite) {
  EXPECT_EQ(ParseDuration("72h").value_or(0), 259'200'000);
  EXPECT_EQ(ParseDuration("14d").value_or(0), 1'209'600'000);
  EXPECT_EQ(ParseDuration("500ms").value_or(0), 500);
  EXPECT_EQ(ParseDuration("1h30m").value_or(0), 5'400'000);
  for (const std::string wrong : {"", "5", "h", "-5h", "1.5h", "5 h", "5w", "0s", "99999999d",
                                  "999999999999999999999d", "1h-"}) {
    EXPECT_FALSE(ParseDuration(wrong).ok()) << wrong;
  }
}

TEST(DurationTest, WritesTheTwoLargestUnits) {
  EXPECT_EQ(FormatDuration(0), "0 ms");
  EXPECT_EQ(FormatDuration(340), "340 ms");
  EXPECT_EQ(FormatDuration(1'250), "1.2 s");
  EXPECT_EQ(FormatDuration(65'000), "1m 5s");
  EXPECT_EQ(FormatDuration(259'200'000), "3d");
  EXPECT_EQ(FormatDuration(259'200'000 - 1), "2d 23h");
  EXPECT_EQ(FormatDuration(86'400'000 + 5'000), "1d");
}

}  // namespace
}  // namespace dcp::cli
