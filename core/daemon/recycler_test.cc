// SPDX-License-Identifier: Apache-2.0
#include "daemon/recycler.h"

#include <gtest/gtest.h>

namespace dcp::daemon {
namespace {

std::string Opened(int count) { return R"({"sessionsOpened":")" + std::to_string(count) + R"("})"; }

TEST(RecyclerTest, AsksOnceAtTheLimitAndAgainAfterAsManyMore) {
  int asked = 0;
  Recycler recycler(3, [&] { ++asked; });
  for (const int opened : {1, 2, 2}) {
    recycler.Begin();
    recycler.End(Opened(opened));
  }
  EXPECT_EQ(asked, 0);
  for (const int opened : {3, 3, 4, 5}) {
    recycler.Begin();
    recycler.End(Opened(opened));
    EXPECT_EQ(asked, 1);
  }
  recycler.Begin();
  recycler.End(Opened(6));
  EXPECT_EQ(asked, 2);
}

TEST(RecyclerTest, WaitsUntilNoCallIsRunning) {
  int asked = 0;
  Recycler recycler(1, [&] { ++asked; });
  recycler.Begin();
  recycler.Begin();
  recycler.End(Opened(2));
  EXPECT_EQ(asked, 0);
  recycler.End("");  // the other one failed, and says nothing of sessions
  EXPECT_EQ(asked, 1);
}

TEST(RecyclerTest, ANewWorkerCountsAnew) {
  int asked = 0;
  Recycler recycler(5, [&] { ++asked; });
  recycler.Begin();
  recycler.End(Opened(7));
  EXPECT_EQ(asked, 1);
  recycler.Begin();
  recycler.End(Opened(1));
  recycler.Begin();
  recycler.End(Opened(5));
  EXPECT_EQ(asked, 2);
}

TEST(RecyclerTest, ZeroMeansNever) {
  Recycler recycler(0, [] { FAIL(); });
  recycler.Begin();
  recycler.End(Opened(1'000'000));
}

}  // namespace
}  // namespace dcp::daemon
