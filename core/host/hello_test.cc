// SPDX-License-Identifier: Apache-2.0
#include "host/hello.h"

#include <gtest/gtest.h>

#include "host/frame.h"

namespace dcp::host {
namespace {

Hello Full() {
  Hello hello;
  hello.plugin_path = "/plugins/a.so";
  hello.plugin_source = "/src/a.so";
  hello.sandboxed = true;
  hello.sandbox = {
      {"/etc/a", "/etc/b"}, {"/var/lib/a"}, true, false, true, true, false, {0, 8181}, true};
  hello.limits = {int64_t{1} << 40, 7};
  return hello;
}

TEST(HelloTest, ComesBackAsItWas) {
  const auto read = DecodeHello(EncodeHello(Full()));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(read->plugin_path, "/plugins/a.so");
  EXPECT_EQ(read->plugin_source, "/src/a.so");
  EXPECT_TRUE(read->sandboxed);
  EXPECT_EQ(read->sandbox, Full().sandbox);
  EXPECT_EQ(read->limits, Full().limits);
}

TEST(HelloTest, AnotherProtocolIsNamed) {
  const auto read = DecodeHello(BodyWriter().U32(kFrameProtocol + 1).Rest("anything").Take());
  EXPECT_EQ(read.status().code(), Code::kFailedPrecondition);
  EXPECT_NE(read.status().message().find("install both from one release"), std::string::npos);
}

TEST(HelloTest, CutAnywhereItIsRefused) {
  const std::string whole = EncodeHello(Full());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(DecodeHello(whole.substr(0, size)).ok()) << size;
  }
}

TEST(HelloTest, AListLongerThanAnyIsRefused) {
  BodyWriter writer;
  writer.U32(kFrameProtocol)
      .Text("/a.so")
      .Text("")
      .U32(1)
      .U32(0)
      .U32(0)
      .U32(0)
      .U32(0)
      .U32(0)
      .U32(0xffffffffU);
  EXPECT_EQ(DecodeHello(writer.Take()).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace dcp::host
