// SPDX-License-Identifier: Apache-2.0
//
// The frame codec: any cut of the stream gives the same frames; any nonsense is an error.
#include "host/frame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace dcp::host {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string Wire(FrameType type, uint64_t id, const std::string& body, uint16_t flags = 0) {
  FrameHeader header;
  header.length = static_cast<uint32_t>(body.size());
  header.type = type;
  header.flags = flags;
  header.call_id = id;
  char bytes[kFrameHeaderBytes];
  EncodeHeader(header, bytes);
  return std::string(bytes, sizeof(bytes)) + body;
}

TEST(FrameTest, HeadersAreLittleEndianAndComeBack) {
  const std::string wire = Wire(FrameType::kInvoke, 0x0102030405060708, "abc", kFlagMore);
  EXPECT_EQ(wire.substr(0, 16),
            std::string("\x03\0\0\0\x06\0\x01\0\x08\x07\x06\x05\x04\x03\x02\x01", 16));
  const auto header = DecodeHeader(wire);
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->length, 3U);
  EXPECT_EQ(header->type, FrameType::kInvoke);
  EXPECT_EQ(header->flags, kFlagMore);
  EXPECT_EQ(header->call_id, 0x0102030405060708U);
}

TEST(FrameTest, NonsenseIsNamed) {
  const auto message = [](const std::string& wire) {
    return DecodeHeader(wire).status().message();
  };
  EXPECT_THAT(message("short"), HasSubstr("cut short"));
  EXPECT_THAT(message(Wire(static_cast<FrameType>(0), 1, "")), HasSubstr("unknown type 0"));
  EXPECT_THAT(message(Wire(static_cast<FrameType>(kFrameTypeLast + 1), 1, "")),
              HasSubstr("unknown type 14"));
  EXPECT_THAT(message(Wire(FrameType::kPing, 1, "", 2)), HasSubstr("unknown flags 2"));
  EXPECT_THAT(message(Wire(FrameType::kEvent, 1, "", kFlagMore)), HasSubstr("brings nothing"));
  EXPECT_TRUE(DecodeHeader(Wire(FrameType::kEvent, 1, std::string(kFrameBodyMax, 'x'))).ok());
  EXPECT_THAT(message(Wire(FrameType::kEvent, 1, std::string(kFrameBodyMax + 1, 'x'))),
              HasSubstr("the limit is"));
}

TEST(FrameReaderTest, AnyCutGivesTheSameFrames) {
  const std::string wire = Wire(FrameType::kPing, 0, "") +
                           Wire(FrameType::kEvent, 7, "one ", kFlagMore) +
                           Wire(FrameType::kEvent, 8, "other") + Wire(FrameType::kEvent, 7, "two") +
                           Wire(FrameType::kComplete, 7, "");
  for (size_t step = 1; step <= wire.size(); ++step) {
    FrameReader reader;
    std::vector<Frame> frames;
    for (size_t at = 0; at < wire.size(); at += step) {
      ASSERT_TRUE(reader.Feed(std::string_view(wire).substr(at, step), frames).ok());
    }
    ASSERT_THAT(frames, SizeIs(4)) << "step " << step;
    EXPECT_EQ(frames[0].type, FrameType::kPing);
    EXPECT_EQ(frames[1].body, "other");  // passed between the chunks of the long one
    EXPECT_EQ(frames[2].body, "one two");
    EXPECT_EQ(frames[2].call_id, 7U);
    EXPECT_EQ(frames[3].type, FrameType::kComplete);
  }
}

TEST(FrameReaderTest, AMessageMayBeAsLargeAsTheLimit) {
  const std::string chunk = Wire(FrameType::kComplete, 1, std::string(600, 'x'), kFlagMore);
  for (const size_t rest : {400U, 401U}) {
    FrameReader reader(1000);
    std::vector<Frame> frames;
    ASSERT_TRUE(reader.Feed(chunk, frames).ok());
    const Status status =
        reader.Feed(Wire(FrameType::kComplete, 1, std::string(rest, 'y')), frames);
    if (rest == 400) {
      ASSERT_TRUE(status.ok());
      ASSERT_THAT(frames, SizeIs(1));
      EXPECT_EQ(frames[0].body.size(), 1000U);
    } else {
      EXPECT_EQ(status.code(), Code::kResourceExhausted);
      EXPECT_THAT(frames, SizeIs(0));
    }
  }
}

TEST(FrameReaderTest, RandomBytesNeverCrash) {
  std::mt19937 random(7);
  int failed = 0;
  for (int round = 0; round < 300; ++round) {
    FrameReader reader;
    std::vector<Frame> frames;
    std::string bytes =
        Wire(FrameType::kLog, 3, "hello") + Wire(FrameType::kEvent, 3, "x", kFlagMore);
    for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    if (!reader.Feed(bytes, frames).ok()) ++failed;
  }
  EXPECT_GT(failed, 50);
}

TEST(BodyTest, ReadsWhatWasWrittenAndNothingBeyond) {
  const std::string body = BodyWriter().I64(-5).U32(7).Text("name").Rest("the rest").Take();
  BodyReader reader(body);
  EXPECT_EQ(reader.I64(), -5);
  EXPECT_EQ(reader.U32(), 7U);
  EXPECT_EQ(reader.Text(), "name");
  EXPECT_EQ(reader.Rest(), "the rest");
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.U32(), 0U);
  EXPECT_FALSE(reader.ok());
  BodyReader lying(std::string_view("\xFF\xFF\xFF\xFFxy", 6));
  EXPECT_EQ(lying.Text(), "");
  EXPECT_FALSE(lying.ok());
}

}  // namespace
}  // namespace dcp::host
