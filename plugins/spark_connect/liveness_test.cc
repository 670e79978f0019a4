// SPDX-License-Identifier: Apache-2.0
#include "liveness.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>

namespace dcp::spark_connect {
namespace {

/// Something that a thread waits for.
class Event {
 public:
  void Set() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  void Wait(int count = 1) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return count_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

TEST(LivenessTest, ACallOfAServerThatIsGoneIsStopped) {
  Liveness liveness([] { return false; }, 1);
  Event stopped;
  const Liveness::Watch watch(liveness, [&] { stopped.Set(); });
  stopped.Wait();
  EXPECT_TRUE(watch.lost());
}

TEST(LivenessTest, ASlowCallOfALivingServerGoesOnAndIsLookedAtAgain) {
  Event looked;
  std::atomic<bool> alive{true};
  Event stopped;
  Liveness liveness(
      [&] {
        looked.Set();
        return alive.load();
      },
      1);
  const Liveness::Watch watch(liveness, [&] { stopped.Set(); });
  looked.Wait(3);
  EXPECT_FALSE(watch.lost());
  alive = false;
  stopped.Wait();
  EXPECT_TRUE(watch.lost());
}

TEST(LivenessTest, AQuickCallCausesNoLook) {
  std::atomic<int> looks{0};
  {
    Liveness liveness(
        [&] {
          ++looks;
          return false;
        },
        60'000);
    for (int i = 0; i < 100; ++i) {
      const Liveness::Watch watch(liveness, [] { FAIL() << "it was stopped"; });
      EXPECT_FALSE(watch.lost());
    }
  }
  EXPECT_EQ(looks, 0);
}

TEST(LivenessTest, ACallThatBeganDuringALookIsNotJudgedByIt) {
  Event looking;
  Event go_on;
  std::atomic<bool> first{true};
  Event old_stopped;
  Liveness liveness(
      [&] {
        if (!first.exchange(false)) return true;
        looking.Set();
        go_on.Wait();
        return false;
      },
      50);
  const Liveness::Watch old(liveness, [&] { old_stopped.Set(); });
  looking.Wait();
  const Liveness::Watch young(liveness, [] { FAIL() << "it was stopped"; });
  go_on.Set();
  old_stopped.Wait();
  EXPECT_TRUE(old.lost());
  EXPECT_FALSE(young.lost());
}

TEST(LivenessTest, CallsMayEndWhileTheServerIsLookedAt) {
  Event looking;
  Event go_on;
  Liveness liveness(
      [&] {
        looking.Set();
        go_on.Wait();
        return false;
      },
      1);
  {
    const Liveness::Watch watch(liveness, [] { FAIL() << "it had ended"; });
    looking.Wait();
  }
  go_on.Set();
}

}  // namespace
}  // namespace dcp::spark_connect
