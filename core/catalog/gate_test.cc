// SPDX-License-Identifier: Apache-2.0
//
// Places of calls: how many, whose, and who comes next.
#include "catalog/gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

namespace dcp::catalog {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

Status Hope() { return {}; }

void AwaitWaiting(const Gate& gate, int count) {
  for (int i = 0; i < 5000 && gate.waiting() < count; ++i) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_EQ(gate.waiting(), count);
}

/// Calls that hang until they are told not to.
class Hanging {
 public:
  Hanging(Gate& gate, Caller caller, int count) {
    for (int i = 0; i < count; ++i) {
      threads_.emplace_back([this, &gate, caller] {
        const auto pass = gate.Enter(caller, [this]() -> Status {
          if (over_) return Cancelled("over");
          return {};
        });
        if (pass.ok()) ++in;
        while (pass.ok() && !over_) std::this_thread::sleep_for(milliseconds(1));
      });
    }
  }
  ~Hanging() {
    over_ = true;
    threads_.clear();
  }
  void Wait(int count) const {
    for (int i = 0; i < 5000 && in < count; ++i) std::this_thread::sleep_for(milliseconds(1));
    EXPECT_EQ(in, count);
  }
  std::atomic<int> in{0};

 private:
  std::atomic<bool> over_{false};
  std::vector<std::jthread> threads_;
};

TEST(GateTest, APlaygroundLeavesRoomForItsOwnersOthersAndAPrincipalForOthers) {
  Gate gate("the production catalog", {4, 2, 1});
  const Hanging one(gate, {"ana", "a"}, 3);
  one.Wait(1);
  EXPECT_TRUE(gate.Enter({"ana", "b"}, Hope).ok());
  const Hanging other(gate, {"ana", "b"}, 1);
  other.Wait(1);
  const auto begun = steady_clock::now();
  EXPECT_TRUE(gate.Enter({"ben", "c"}, Hope).ok());
  EXPECT_LT(steady_clock::now() - begun, milliseconds(500));
  std::atomic<bool> give_up{false};
  EXPECT_EQ(gate.Enter({"ana", "d"},
                       [&]() -> Status {
                         return give_up.exchange(true) ? Cancelled("enough") : Status();
                       })
                .status()
                .code(),
            Code::kCancelled);
}

TEST(GateTest, WhoHasFewestComesNext) {
  Gate gate("the overlay catalog", {3, 3, 3});
  std::optional<Gate::Pass> first = gate.Enter({"ana", "a"}, Hope).value();
  const Hanging greedy(gate, {"ana", "a"}, 2);
  greedy.Wait(2);
  const Hanging more(gate, {"ana", "a"}, 5);
  AwaitWaiting(gate, 5);
  std::atomic<bool> in{false};
  std::jthread late([&] { in = gate.Enter({"ben", "b"}, Hope).ok(); });
  AwaitWaiting(gate, 6);
  EXPECT_FALSE(in);
  first.reset();
  late.join();
  EXPECT_TRUE(in);
}

TEST(GateTest, OneWhoCallsTooOftenIsToldAtOnceAndOthersStillWait) {
  Gate gate("the production catalog", {1, 1, 1});
  const Hanging running(gate, {"ana", "a"}, 1);
  running.Wait(1);
  const Hanging waiting(gate, {"ana", "a"}, kWaitingCallsMax / 2);
  AwaitWaiting(gate, kWaitingCallsMax / 2);
  const Status full = gate.Enter({"ana", "a"}, Hope).status();
  EXPECT_EQ(full.code(), Code::kUnavailable) << full.ToString();
  EXPECT_NE(full.message().find("the production catalog has 1 calls under way, 1 of them of ana, "
                                "and 16 wait; try again"),
            std::string::npos)
      << full.message();
  const auto looks = []() -> Status { return Cancelled("has waited"); };
  EXPECT_EQ(gate.Enter({"ben", "b"}, looks).status().code(), Code::kCancelled);
}

TEST(GateTest, EveryPlaceIsGivenBack) {
  Gate gate("the overlay catalog", {2, 2, 2});
  std::atomic<int> at_once{0};
  std::atomic<int> failed{0};
  std::atomic<bool> too_many{false};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const auto pass = gate.Enter({t % 2 == 0 ? "ana" : "ben", "p"}, Hope);
        if (!pass.ok()) {
          ++failed;
          continue;
        }
        if (++at_once > 2) too_many = true;
        std::this_thread::yield();
        --at_once;
      }
    });
  }
  threads.clear();
  EXPECT_FALSE(too_many);
  EXPECT_EQ(failed, 0);
  const auto one = gate.Enter({"cyn", "q"}, Hope);
  const auto two = gate.Enter({"cyn", "q"}, Hope);
  EXPECT_TRUE(one.ok() && two.ok());
}

}  // namespace
}  // namespace dcp::catalog
