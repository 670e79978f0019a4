// SPDX-License-Identifier: Apache-2.0
//
// Room for events: how much there is, and what ends the wait for it.
#include "host/event_room.h"

#include <gtest/gtest.h>

#include <thread>

namespace dcp::host {
namespace {

int64_t InMs(int64_t ms) {
  const auto then = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  return std::chrono::nanoseconds(then.time_since_epoch()).count();
}

/// Takes all there is in pieces that fit exactly.
void Fill(EventRoom& room) {
  constexpr size_t kPieces = 4;
  for (size_t i = 0; i < kPieces; ++i) {
    ASSERT_EQ(room.Take(kEventWindowBytes / kPieces - kEventOverheadBytes, 0), DCP_OK);
  }
}

TEST(EventRoomTest, ItIsFullAtTheWindow) {
  EventRoom room;
  Fill(room);
  EXPECT_EQ(room.Take(0, InMs(5)), DCP_DEADLINE_EXCEEDED);
  room.Give(1);
  EXPECT_EQ(room.Take(0, InMs(5)), DCP_OK);
  EXPECT_EQ(room.Take(0, InMs(5)), DCP_DEADLINE_EXCEEDED);
}

TEST(EventRoomTest, EmptyEventsAreBoundedToo) {
  EventRoom room;
  size_t taken = 0;
  while (room.Take(0, InMs(1)) == DCP_OK) ++taken;
  EXPECT_EQ(taken, kEventWindowBytes / kEventOverheadBytes);
}

TEST(EventRoomTest, WhatIsLargerThanTheWindowGoesOnItsOwn) {
  EventRoom room;
  EXPECT_EQ(room.Take(4 * kEventWindowBytes, InMs(5)), DCP_OK);
  EXPECT_EQ(room.Take(0, InMs(5)), DCP_DEADLINE_EXCEEDED);
  room.Give(EventCost(4 * kEventWindowBytes));
  Fill(room);
}

TEST(EventRoomTest, AWaitEndsWithRoomOrWithTheCall) {
  for (const dcp_code end : {DCP_OK, DCP_CANCELLED}) {
    EventRoom room;
    Fill(room);
    dcp_code answer = -1;
    std::thread waits([&] { answer = room.Take(1, 0); });
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (end == DCP_OK) {
      room.Give(kEventWindowBytes);
    } else {
      room.End(end);
      room.End(DCP_FAILED_PRECONDITION);  // the first reason counts
    }
    waits.join();
    EXPECT_EQ(answer, end);
  }
}

}  // namespace
}  // namespace dcp::host
