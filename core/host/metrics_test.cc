// SPDX-License-Identifier: Apache-2.0
#include "host/metrics.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>
#include <vector>

namespace dcp::host {
namespace {

TEST(MetricsTest, ADurationOnABoundIsInItsBucket) {
  EXPECT_EQ(DurationBucket(0), 0U);
  EXPECT_EQ(DurationBucket(100'000), 0U);  // 100 µs
  EXPECT_EQ(DurationBucket(100'001), 1U);
  EXPECT_EQ(DurationBucket(250'000), 1U);
  EXPECT_EQ(DurationBucket(int64_t{600} * 1'000'000'000), kDurationBounds.size() - 1);
  EXPECT_EQ(DurationBucket(int64_t{600} * 1'000'000'000 + 1), kDurationBounds.size());
  EXPECT_TRUE(std::is_sorted(kDurationBounds.begin(), kDurationBounds.end()));
}

TEST(MetricsTest, CallsAreCountedByCodeAndDuration) {
  Counters counters;
  counters.Begin();
  counters.Begin();
  counters.Begin();
  counters.End(Code::kOk, 1'000'000);
  counters.End(Code::kUnavailable, 2'000'000'000);
  const Counters::Values values = counters.Read();
  EXPECT_EQ(values.ended, 2U);
  EXPECT_EQ(values.errors, 1U);
  EXPECT_EQ(values.open, 1U);
  EXPECT_EQ(values.by_code[static_cast<size_t>(Code::kOk)], 1U);
  EXPECT_EQ(values.by_code[static_cast<size_t>(Code::kUnavailable)], 1U);
  EXPECT_EQ(values.by_duration[DurationBucket(1'000'000)], 1U);
  EXPECT_EQ(values.by_duration[DurationBucket(2'000'000'000)], 1U);
  EXPECT_DOUBLE_EQ(values.duration_seconds, 2.001);
}

TEST(MetricsTest, NumbersThatMakeNoSenseAreTaken) {
  Counters counters;
  counters.End(static_cast<Code>(99), -5);  // before any beginning, and a clock that went back
  const Counters::Values values = counters.Read();
  EXPECT_EQ(values.by_code[static_cast<size_t>(Code::kUnknown)], 1U);
  EXPECT_EQ(values.by_duration[0], 1U);
  EXPECT_EQ(values.open, 0U);
  EXPECT_EQ(values.duration_seconds, 0);
}

TEST(MetricsTest, WhatWaitsIsCountedAsLongAsItDoes) {
  Counters counters;
  CountedCall call(counters);
  {
    const QueuedCall queued(counters);
    EXPECT_EQ(counters.Read().queued, 1U);
    EXPECT_EQ(counters.Read().open, 1U);
  }
  EXPECT_EQ(counters.Read().queued, 0U);
  call.End(Code::kOk);
  EXPECT_EQ(counters.Read().open, 0U);
}

TEST(MetricsTest, NothingIsLostBetweenThreads) {
  constexpr int kThreads = 4;
  constexpr int kCalls = 5000;
  Counters counters;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < kCalls; ++n) {
        CountedCall call(counters);
        call.End(n % 5 == 0 ? Code::kInternal : Code::kOk);
      }
    });
  }
  uint64_t before = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t now = counters.Read().ended;
    EXPECT_GE(now, before);
    before = now;
  }
  for (std::thread& thread : threads) thread.join();
  const Counters::Values values = counters.Read();
  EXPECT_EQ(values.ended, static_cast<uint64_t>(kThreads * kCalls));
  EXPECT_EQ(values.errors, static_cast<uint64_t>(kThreads * kCalls / 5));
  EXPECT_EQ(values.open, 0U);
}

TEST(MetricsTest, AProcessIsMeasuredAndOneThatIsGoneIsNot) {
  const auto own = UsageOf(getpid());
  ASSERT_TRUE(own.has_value());
  EXPECT_GT(own->resident_bytes, uint64_t{64} << 10);
  EXPECT_LT(own->resident_bytes, uint64_t{1} << 40);
  EXPECT_GE(own->cpu_seconds, 0);
  ASSERT_TRUE(own->open_fds.has_value());
  EXPECT_GE(*own->open_fds, 3U);
  EXPECT_FALSE(UsageOf(0).has_value());
  EXPECT_FALSE(UsageOf(-1).has_value());
  EXPECT_FALSE(UsageOf(1'999'999'999).has_value());  // beyond what any kernel gives
}

}  // namespace
}  // namespace dcp::host
