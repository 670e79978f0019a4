// SPDX-License-Identifier: Apache-2.0
#include "base/crash_point.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <set>

namespace dcp::crash {
namespace {

TEST(CrashPointTest, NamesAreUniqueAndSayWhereTheyAre) {
  std::set<std::string_view> seen;
  for (const Point& point : Points()) {
    EXPECT_TRUE(seen.insert(point.name).second) << point.name;
    EXPECT_FALSE(point.where.empty()) << point.name;
    EXPECT_EQ(std::count(point.name.begin(), point.name.end(), '.'),
              point.name.starts_with(kLauncherPrefix) ? 1 : 2)
        << point.name << ": <room>.<transition>.<moment>, or launcher.<moment>";
  }
  EXPECT_EQ(seen.size(), kNames.size());
}

TEST(CrashPointTest, RefusesWhatItDoesNotKnow) {
  const Status unknown = Arm("run.create.after_comit");
  EXPECT_EQ(unknown.code(), Code::kInvalidArgument);
  EXPECT_NE(unknown.hint().find("run.create.after_commit"), std::string::npos) << unknown.hint();
  for (const char* text : {"run.create.after_commit:0", "run.create.after_commit:-1",
                           "run.create.after_commit:x", "run.create.after_commit:", "", ":1"}) {
    EXPECT_EQ(Arm(text).code(), Code::kInvalidArgument) << text;
  }
  EXPECT_EQ(armed, kNone);
}

TEST(CrashPointDeathTest, KillsAtTheTimeThatWasAskedFor) {
  const auto pass = [](int times) {
    if (!Arm("run.create.after_commit:3").ok()) std::exit(2);
    for (int i = 0; i < times; ++i) {
      DCP_CRASH_POINT("run.create.before_commit");
      DCP_CRASH_POINT("run.create.after_commit");
    }
    std::exit(0);
  };
  EXPECT_EXIT(pass(2), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(pass(3), ::testing::KilledBySignal(SIGKILL), "");
}

TEST(CrashPointDeathTest, ReadsTheVariable) {
  const auto pass = [](const char* text) {
    setenv(kVariable, text, 1);
    if (!ArmFromEnvironment().ok()) std::exit(2);
    DCP_CRASH_POINT("run.end.after_commit");
    std::exit(0);
  };
  EXPECT_EXIT(pass(""), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(pass("nothing.of.this"), ::testing::ExitedWithCode(2), "");
  EXPECT_EXIT(pass("run.end.after_commit"), ::testing::KilledBySignal(SIGKILL), "");
}

TEST(CrashPointDeathTest, GoesToOneLauncherOnly) {
  const auto take = [] {
    if (!TakeForLauncher().empty() || !Arm("launcher.locked").ok()) std::exit(2);
    const auto first = TakeForLauncher();
    const bool right = first.size() == 1 && first[0].second == "launcher.locked";
    std::exit(right && TakeForLauncher().empty() ? 0 : 1);
  };
  EXPECT_EXIT(take(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace dcp::crash
