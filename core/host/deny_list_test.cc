// SPDX-License-Identifier: Apache-2.0
#include "host/deny_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dcp::host {
namespace {

/// Of another worker than all before.
std::shared_ptr<const void> Life() { return std::make_shared<int>(); }

TEST(DenyListTest, ManyCallsThatAreOpenAtOneDeathCountAsOne) {
  DenyList list(3);
  for (int death = 0; death < 3; ++death) {
    EXPECT_TRUE(list.Check("Analyze", "a").ok()) << death;
    const auto life = Life();
    EXPECT_EQ(list.Died(life, "Analyze", "a", "x"), death == 2);
    for (int call = 0; call < 20; ++call) EXPECT_FALSE(list.Died(life, "Analyze", "a", "x"));
  }
  EXPECT_THAT(list.Check("Analyze", "a").message(), ::testing::HasSubstr("3 workers died"));
}

TEST(DenyListTest, DeniesAfterSoManyDeathsAndNotBefore) {
  DenyList list(3);
  for (int death = 0; death < 3; ++death) {
    EXPECT_TRUE(list.Check("Analyze", "a").ok()) << death;
    list.Died(Life(), "Analyze", "a", "signal 11");
  }
  const Status denied = list.Check("Analyze", "a");
  EXPECT_EQ(denied.code(), Code::kFailedPrecondition);
  EXPECT_THAT(denied.message(), ::testing::HasSubstr("3 workers died while it ran"));
  EXPECT_THAT(denied.message(), ::testing::HasSubstr("signal 11"));
}

TEST(DenyListTest, KnowsMethodsAndRequestsApart) {
  DenyList list(1);
  list.Died(Life(), "Analyze", "ab", "x");
  EXPECT_TRUE(list.Check("Preview", "ab").ok());
  EXPECT_TRUE(list.Check("Analyze", "a").ok());
  EXPECT_TRUE(list.Check("Analyzea", "b").ok());
  EXPECT_FALSE(list.Check("Analyze", "ab").ok());
}

TEST(DenyListTest, AnAnswerClearsTheSuspicion) {
  DenyList list(2);
  list.Died(Life(), "Analyze", "a", "x");
  list.Answered("Analyze", "a");
  list.Died(Life(), "Analyze", "a", "x");
  EXPECT_TRUE(list.Check("Analyze", "a").ok());
}

TEST(DenyListTest, IsForgottenAsAWhole) {
  DenyList list(1);
  list.Died(Life(), "Analyze", "a", "x");
  list.Clear();
  EXPECT_TRUE(list.Check("Analyze", "a").ok());
}

TEST(DenyListTest, ZeroDeniesNothing) {
  DenyList list(0);
  for (int death = 0; death < 10; ++death) list.Died(Life(), "Analyze", "a", "x");
  EXPECT_TRUE(list.Check("Analyze", "a").ok());
}

TEST(DenyListTest, TheOldestMakesRoom) {
  DenyList list(1);
  for (size_t i = 0; i < kSuspectsMax; ++i) list.Died(Life(), "Analyze", std::to_string(i), "x");
  EXPECT_FALSE(list.Check("Analyze", "0").ok());
  list.Died(Life(), "Analyze", "one more", "x");
  EXPECT_TRUE(list.Check("Analyze", "0").ok());
  EXPECT_FALSE(list.Check("Analyze", "1").ok());
}

}  // namespace
}  // namespace dcp::host
