// SPDX-License-Identifier: Apache-2.0
//
// Tests of base64: RFC 4648's own vectors, every byte, both alphabets, broken input.
#include "base64.h"

#include <gtest/gtest.h>

namespace dcp::spark_runner {
namespace {

TEST(Base64Test, AgreesWithTheStandard) {
  EXPECT_EQ(EncodeBase64(""), "");
  EXPECT_EQ(EncodeBase64("f"), "Zg==");
  EXPECT_EQ(EncodeBase64("fo"), "Zm8=");
  EXPECT_EQ(EncodeBase64("foo"), "Zm9v");
  EXPECT_EQ(EncodeBase64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(DecodeBase64("Zm9vYg"), "foob");
  EXPECT_EQ(DecodeBase64("Zm9vYg=="), "foob");
}

TEST(Base64Test, KeepsEveryByte) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(DecodeBase64(EncodeBase64(all)), all);
  EXPECT_EQ(DecodeBase64("-_8="), DecodeBase64("+/8="));
}

TEST(Base64Test, RefusesWhatItIsNot) {
  EXPECT_FALSE(DecodeBase64("Zm9v!").has_value());
  EXPECT_FALSE(DecodeBase64("Zm9vY").has_value());
  EXPECT_FALSE(DecodeBase64("Zm\n9v").has_value());
}

}  // namespace
}  // namespace dcp::spark_runner
