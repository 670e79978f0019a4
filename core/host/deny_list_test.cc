// SPDX-License-Identifier: Apache-2.0
#include "host/deny_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dcp::host {
namespace {

TEST(DenyListTest, DeniesAfterSoManyDeathsAndNotBefore) {
  DenyList list(3);
  for (int death = 0; death < 3; ++death) {
    EXPECT_TRUE(list.Check("Analyze", "a").ok()) << death;
    list.Died("Analyze", "a", "signal 11");
  }
  const Status denied = list.Check("Analyze", "a");
  EXPECT_EQ(denied.code(), Code::kFailedPrecondition);
  EXPECT_THAT(denied.message(), ::testing::HasSubstr("3 workers died while it ran"));
  EXPECT_THAT(denied.message(), ::testing::HasSubstr("signal 11"));
}

TEST(DenyListTest, KnowsMethodsAndRequestsApart) {
  DenyList list(1);
  list.Died("Analyze", "ab", "x");
  EXPECT_TRUE(list.Check("Preview", "ab").ok());
  EXPECT_TRUE(list.Check("Analyze", "a").ok());
  EXPECT_TRUE(list.Check("Analyzea", "b").ok());
  EXPECT_FALSE(list.Check("Analyze", "ab").ok());
}

TEST(DenyListTest, AnAnswerClearsTheSuspicion) {
  DenyList list(2);
  list.Died("Analyze", "a", "x");
  list.Answered("Analyze", "a");
  list.Died("Analyze", "a", "x");
  EXPECT_TRUE(list.Check("Analyze", "a").ok());
}

TEST(DenyListTest, IsForgottenAsAWhole) {
  DenyList list(1);
  list.Died("Analyze", "a", "x");
  list.Clear();
  EXPECT_TRUE(list.Check("Analyze", "a").ok());
}

TEST(DenyListTest, ZeroDeniesNothing) {
  DenyList list(0);
  for (int death = 0; death < 10; ++death) list.Died("Analyze", "a", "x");
  EXPECT_TRUE(list.Check("Analyze", "a").ok());
}

TEST(DenyListTest, TheOldestMakesRoom) {
  DenyList list(1);
  for (size_t i = 0; i < kSuspectsMax; ++i) list.Died("Analyze", std::to_string(i), "x");
  EXPECT_FALSE(list.Check("Analyze", "0").ok());
  list.Died("Analyze", "one more", "x");
  EXPECT_TRUE(list.Check("Analyze", "0").ok());
  EXPECT_FALSE(list.Check("Analyze", "1").ok());
}

}  // namespace
}  // namespace dcp::host
