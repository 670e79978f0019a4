// SPDX-License-Identifier: Apache-2.0
//
// The list of checks as a list.
#include "plugin_check/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

#include "plugin_check/report.h"

namespace dcp::plugin_check {
namespace {

TEST(CheckTest, NamesAreKebabCaseAndUnique) {
  std::set<std::string_view> names;
  for (const Check& check : AllChecks()) {
    EXPECT_TRUE(names.insert(check.name).second) << check.name;
    EXPECT_THAT(std::string(check.name), ::testing::MatchesRegex("[a-z]+[0-9]*(-[a-z0-9]+)+"));
  }
  EXPECT_GE(names.size(), 40U);
}

TEST(CheckTest, EachSaysWhatItExpectsAndWhatToDo) {
  for (const Check& check : AllChecks()) {
    EXPECT_TRUE(check.rule.ends_with('.')) << check.name;
    EXPECT_FALSE(check.advice.empty()) << check.name;
    EXPECT_FALSE(check.advice.ends_with('.')) << check.name;
    EXPECT_TRUE(check.level >= 1 && check.level <= kLevelMax) << check.name;
    EXPECT_TRUE(check.group >= 'A' && check.group <= 'G') << check.name;
  }
}

TEST(CheckTest, NeedsAreChecksAndDoNotGoInCircles) {
  std::set<std::string> settled;
  for (size_t round = 0; round <= AllChecks().size(); ++round) {
    for (const Check& check : AllChecks()) {
      bool known = true;
      for (const std::string& need : Needs(check)) {
        ASSERT_NE(FindCheck(need), nullptr) << check.name << " needs " << need;
        known = known && settled.contains(need);
      }
      if (known) settled.insert(std::string(check.name));
    }
  }
  EXPECT_EQ(settled.size(), AllChecks().size());
}

TEST(CheckTest, ThePageIsCurrent) {
  std::ifstream file(DCP_TEST_CHECKS_PAGE);
  const std::string page((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(page, ListPage()) << "run ninja plugin-checks-page";
}

}  // namespace
}  // namespace dcp::plugin_check
