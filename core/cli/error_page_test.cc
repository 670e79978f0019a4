// SPDX-License-Identifier: Apache-2.0
//
// The page of error ids as it is built in, and the command that prints from it.
#include "cli/error_page.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "cli/app.h"
#include "cli/render/text.h"

namespace dcp::cli {
namespace {

TEST(ErrorPageTest, ReadsRowsAndLeavesProse) {
  const auto entries = ParseErrorPage(
      "# Errors\n\nPZ0001 in a sentence.\n\n## PZ02xx: queries (`spark`)\r\n\n"
      "| id | meaning | what to do |\n| --- | --- | --- |\n"
      "| PZ0201 | Empty [a] (b), [c](d). | See [the page](other.md) for `a\\|b`. |\n"
      "| PZ02 | no id | no |\n| PZ0202 | two cells |\n"
      "## PZ03xx: playgrounds\n| PZ0301 | No name. | Rename. |");
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].id, "PZ0201");
  EXPECT_EQ(entries[0].block, "queries (`spark`)");
  EXPECT_EQ(entries[0].meaning, "Empty [a] (b), c.");
  EXPECT_EQ(entries[0].action, "See the page for `a|b`.");
  EXPECT_EQ(entries[1].block, "playgrounds");
  EXPECT_EQ(entries[1].action, "Rename.");
}

TEST(ErrorPageTest, EveryRowOfThePageIsBuiltInAndComplete) {
  const std::string_view page = ErrorPage();
  size_t rows = 0;
  for (size_t at = page.find("\n| PZ"); at != page.npos; at = page.find("\n| PZ", at + 1)) ++rows;
  const auto entries = ParseErrorPage(page);
  EXPECT_EQ(entries.size(), rows);
  EXPECT_GE(rows, 90U);
  std::string before;
  for (const ErrorEntry& entry : entries) {
    EXPECT_LT(before, entry.id) << "not once, or not in order";
    EXPECT_FALSE(entry.block.empty()) << entry.id;
    EXPECT_TRUE(entry.meaning.ends_with('.')) << entry.id;
    EXPECT_TRUE(entry.action.ends_with('.')) << entry.id;
    before = entry.id;
  }
}

TEST(ErrorPageTest, TakesAnIdAsItIsTyped) {
  for (const char* typed : {"PZ0203", "pz0203", "Pz203", "0203", "203"}) {
    EXPECT_EQ(FullErrorId(typed), "PZ0203") << typed;
  }
  for (const char* typed : {"", "PZ", "PZ02034", "20345", "PZ02x3", "warehouse"}) {
    EXPECT_EQ(FullErrorId(typed), typed);
  }
}

class ExplainTest : public ::testing::Test {
 protected:
  int Explain(std::vector<std::string> rest) {
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    const std::string home = ::testing::TempDir();
    rest.insert(rest.begin(), "explain");
    const Io io{&in, &out, &err, false, false, false, [&](const std::string& name) {
                  return name == "HOME" ? home : std::string();
                }};
    const int code = Main(io, std::move(rest));
    out_ = out.str();
    err_ = err.str();
    return code;
  }
  std::string out_;
  std::string err_;
};

TEST_F(ExplainTest, SaysWhatAnIdMeansAndWhatToDo) {
  EXPECT_EQ(Explain({"pz301"}), 0) << err_;
  EXPECT_EQ(out_.substr(0, out_.find("\n\n")), "PZ0301  playgrounds");
  EXPECT_NE(out_.find("\nThe text is not a playground's name. "), std::string::npos) << out_;
  EXPECT_NE(out_.find("\nwhat to do\n1 to 63 small letters"), std::string::npos) << out_;
  std::istringstream lines(out_);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(Width(line), 80U) << line;
  EXPECT_EQ(err_, "");
}

TEST_F(ExplainTest, SpeaksJsonAndNames) {
  EXPECT_EQ(Explain({"PZ0203", "-o", "json"}), 0) << err_;
  const auto json = nlohmann::json::parse(out_, nullptr, false);
  EXPECT_EQ(json["kind"], "ErrorExplanation");
  EXPECT_EQ(json["id"], "PZ0203");
  for (const char* key : {"block", "meaning", "whatToDo"}) {
    EXPECT_FALSE(json[key].get<std::string>().empty()) << key;
  }
  EXPECT_EQ(Explain({"203", "-o", "name"}), 0);
  EXPECT_EQ(out_, "PZ0203\n");
}

TEST_F(ExplainTest, SuggestsForASlipAndOnlyThen) {
  EXPECT_EQ(Explain({"PZO901"}), 5);
  EXPECT_EQ(out_, "");
  EXPECT_NE(err_.find("there is no error id \"PZO901\""), std::string::npos) << err_;
  EXPECT_NE(err_.find("did you mean \"pretzel explain PZ0901\"?"), std::string::npos) << err_;
  EXPECT_EQ(Explain({"PZ0077"}), 5);
  EXPECT_EQ(err_.find("did you mean"), std::string::npos) << err_;
  EXPECT_NE(err_.find("docs/reference/errors.md"), std::string::npos) << err_;
  EXPECT_EQ(Explain({}), 2);
}

}  // namespace
}  // namespace dcp::cli
