// SPDX-License-Identifier: Apache-2.0
//
// Messages over a real socket pair, from several threads.
#include "host/channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <thread>

namespace dcp::host {
namespace {

class ChannelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    near_ = std::make_unique<Channel>(ends[0]);
    far_ = std::make_unique<Channel>(ends[1]);
  }
  std::vector<Frame> Receive(size_t count) {
    std::vector<Frame> frames;
    while (frames.size() < count) {
      const auto more = far_->Receive(frames);
      if (!more.ok() || !*more) break;
    }
    return frames;
  }
  std::unique_ptr<Channel> near_;
  std::unique_ptr<Channel> far_;
};

TEST_F(ChannelTest, LargeMessagesFromSeveralThreadsComeWhole) {
  constexpr size_t kThreads = 4;
  constexpr size_t kBytes = 3 * kFrameBodyMax + 11;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([this, i] {
      const std::string body(kBytes, static_cast<char>('a' + i));
      EXPECT_TRUE(near_->Send(FrameType::kComplete, i, body).ok());
    });
  }
  const std::vector<Frame> frames = Receive(kThreads);
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(frames.size(), kThreads);
  for (const Frame& frame : frames) {
    EXPECT_EQ(frame.body, std::string(kBytes, static_cast<char>('a' + frame.call_id)));
  }
}

TEST_F(ChannelTest, TooLargeAMessageIsRefusedBeforeItIsSent) {
  const std::string body(limits::kMessageBytesMax + kMessageOverheadMax + 1, 'x');
  EXPECT_EQ(near_->Send(FrameType::kComplete, 1, body).code(), Code::kResourceExhausted);
  ASSERT_TRUE(near_->Send(FrameType::kPing, 2, {}).ok());
  const std::vector<Frame> frames = Receive(1);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0].call_id, 2U);
}

size_t OpenDescriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

TEST_F(ChannelTest, DescriptorsThatAPeerSendsAlongAreNotTaken) {
  std::vector<Frame> frames;
  ASSERT_TRUE(near_->Send(FrameType::kPing, 1, {}).ok());
  ASSERT_EQ(Receive(1).size(), 1U);
  const size_t before = OpenDescriptors();
  char head[kFrameHeaderBytes];
  FrameHeader header;
  header.type = FrameType::kPing;
  EncodeHeader(header, head);
  iovec part = {head, sizeof head};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* const rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  const int sent = 0;
  memcpy(CMSG_DATA(rights), &sent, sizeof sent);
  ASSERT_EQ(sendmsg(near_->fd(), &message, 0), static_cast<ssize_t>(sizeof head));
  EXPECT_EQ(Receive(1).size(), 1U);
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(ChannelTest, TheEndOfTheStreamIsSeenOnBothSides) {
  near_->Shutdown();
  std::vector<Frame> frames;
  const auto more = far_->Receive(frames);
  ASSERT_TRUE(more.ok());
  EXPECT_FALSE(*more);
  EXPECT_EQ(far_->Send(FrameType::kLog, 0, "x").code(), Code::kUnavailable);
}

TEST_F(ChannelTest, ABurstIsHeldUntilItIsFlushedOrSomethingElseIsSent) {
  bool held = true;
  ASSERT_TRUE(near_->Hold(FrameType::kEvent, 1, "a", "0", held).ok());
  EXPECT_FALSE(held);  // the first after a pause
  EXPECT_EQ(Receive(1).size(), 1U);
  // A machine that stands still for a millisecond makes a pause of its own.
  size_t count = 0;
  do {
    ASSERT_TRUE(near_->Hold(FrameType::kEvent, 1, "a", std::to_string(++count), held).ok());
  } while (!held);
  ASSERT_TRUE(near_->Send(FrameType::kComplete, 1, "end").ok());
  std::vector<Frame> frames = Receive(count + 1);
  ASSERT_EQ(frames.size(), count + 1);
  EXPECT_EQ(frames[count - 1].body, "a" + std::to_string(count));
  EXPECT_EQ(frames[count].body, "end");
  do {
    ASSERT_TRUE(near_->Hold(FrameType::kEvent, 2, "", "x", held).ok());
    ++count;
  } while (!held);
  ASSERT_TRUE(near_->Flush().ok());
  std::vector<Frame> none;
  while (none.empty() || none.back().call_id != 2) ASSERT_TRUE(far_->Receive(none).ok());
}

TEST_F(ChannelTest, WhatIsHeldIsBounded) {
  constexpr size_t kEvents = 1000;
  constexpr size_t kHeldMax = 32;  // of a kilobyte each
  std::thread reader([&] { EXPECT_EQ(Receive(kEvents).size(), kEvents); });
  const std::string body(1000, 'x');
  size_t in_a_row = 0;
  for (size_t i = 0; i < kEvents; ++i) {
    bool held = false;
    ASSERT_TRUE(near_->Hold(FrameType::kEvent, 1, "", body, held).ok());
    in_a_row = held ? in_a_row + 1 : 0;
    EXPECT_LE(in_a_row, kHeldMax);
  }
  ASSERT_TRUE(near_->Flush().ok());
  reader.join();
}

TEST_F(ChannelTest, ALookTakesWhatIsThereAndDoesNotWait) {
  std::vector<Frame> frames;
  EXPECT_EQ(*far_->ReceiveNow(frames), Channel::Got::kAll);
  ASSERT_TRUE(near_->Send(FrameType::kLog, 0, "x").ok());
  EXPECT_EQ(*far_->ReceiveNow(frames), Channel::Got::kAll);
  ASSERT_EQ(frames.size(), 1U);
  ASSERT_TRUE(near_->Send(FrameType::kLog, 0, std::string(100'000, 'x')).ok());
  EXPECT_EQ(*far_->ReceiveNow(frames), Channel::Got::kMore);
  EXPECT_EQ(*far_->ReceiveNow(frames), Channel::Got::kAll);
  EXPECT_EQ(frames.size(), 2U);
  near_->Shutdown();
  EXPECT_EQ(*far_->ReceiveNow(frames), Channel::Got::kEnd);
}

TEST_F(ChannelTest, TrySendDoesNotWait) {
  int sent = 0;
  while (near_->TrySend(FrameType::kPing, 0)) ++sent;
  EXPECT_GT(sent, 0);
  EXPECT_EQ(Receive(static_cast<size_t>(sent)).size(), static_cast<size_t>(sent));
  EXPECT_TRUE(near_->TrySend(FrameType::kPing, 0));
}

}  // namespace
}  // namespace dcp::host
