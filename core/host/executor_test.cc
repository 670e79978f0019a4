// SPDX-License-Identifier: Apache-2.0
//
// Who runs how many tasks at once, threads and guests together.
#include "host/executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <vector>

namespace dcp::host {
namespace {

TEST(ExecutorTest, AGuestCountsAsAThread) {
  Executor executor(1);
  ASSERT_TRUE(executor.Enter());
  EXPECT_FALSE(executor.Enter());
  std::atomic<bool> ran{false};
  std::promise<void> done;
  ASSERT_TRUE(executor.Post([&] {
    ran = true;
    done.set_value();
  }));
  // Its thread has been started and would have run it long ago.
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(ran);
  executor.Leave();
  done.get_future().wait();
  EXPECT_TRUE(ran);
}

TEST(ExecutorTest, NobodyOvertakesWhatWaits) {
  Executor executor(1);
  std::promise<void> begun;
  std::promise<void> gate;
  std::promise<void> done;
  ASSERT_TRUE(executor.Post([&] {
    begun.set_value();
    gate.get_future().wait();
  }));
  begun.get_future().wait();
  ASSERT_TRUE(executor.Post([&] { done.set_value(); }));
  EXPECT_FALSE(executor.Enter());
  gate.set_value();
  done.get_future().wait();
  while (!executor.Enter()) std::this_thread::yield();
  executor.Leave();
}

TEST(ExecutorTest, NoMoreRunAtOnceThanMay) {
  constexpr size_t kAtOnce = 3;
  constexpr int kTasks = 2000;
  Executor executor(kAtOnce);
  std::atomic<size_t> inside{0};
  std::atomic<size_t> inside_max{0};
  std::atomic<int> ran{0};
  const auto task = [&] {
    const size_t now = ++inside;
    size_t seen = inside_max;
    while (now > seen && !inside_max.compare_exchange_weak(seen, now)) {
    }
    std::this_thread::yield();
    --inside;
    ++ran;
  };
  for (int i = 0; i < kTasks; ++i) {
    if (i % 3 == 0 && executor.Enter()) {
      task();
      executor.Leave();
    } else {
      ASSERT_TRUE(executor.Post(task));
    }
  }
  while (ran < kTasks) std::this_thread::yield();
  EXPECT_LE(inside_max, kAtOnce);
}

}  // namespace
}  // namespace dcp::host
