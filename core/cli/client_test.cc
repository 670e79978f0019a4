// SPDX-License-Identifier: Apache-2.0
#include "cli/client.h"

#include <gtest/gtest.h>

namespace dcp::cli {
namespace {

TEST(ClientTest, EndpointsAreOnThisMachineAndWhole) {
  for (const char* good : {"unix:/run/dcpd.sock", "127.0.0.1:1", "127.0.0.1:65535", "[::1]:50051",
                           "localhost:50051"}) {
    EXPECT_TRUE(CheckEndpoint(good).ok()) << good;
  }
  for (const char* wrong :
       {"", "x", "unix:relative", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x",
        "127.0.0.1:1x", "localhost:", "http://127.0.0.1:1"}) {
    EXPECT_EQ(CheckEndpoint(wrong).code(), Code::kInvalidArgument) << wrong;
  }
  EXPECT_EQ(CheckEndpoint("10.0.0.1:443").code(), Code::kPermissionDenied);
}

TEST(ClientTest, ASocketsPathFitsAnAddress) {
  EXPECT_TRUE(CheckEndpoint("unix:/" + std::string(106, 'x')).ok());
  EXPECT_EQ(CheckEndpoint("unix:/" + std::string(107, 'x')).code(), Code::kInvalidArgument);
}

// gRPC ends the program when a header holds such a thing.
TEST(ClientTest, ATokenThatNoHeaderHoldsIsRefused) {
  for (const std::string& token :
       {std::string(), std::string("a\nb"), std::string("a\r\nx: y"), std::string("caf\xC3\xA9"),
        std::string("a b"), std::string("a\0b", 3), std::string(4097, 'x')}) {
    const auto client = Client::Connect("127.0.0.1:1", Secret(token));
    ASSERT_FALSE(client.ok());
    EXPECT_EQ(client.status().code(), Code::kUnauthenticated);
    EXPECT_TRUE(token.empty() || client.status().message().find(token) == std::string::npos);
  }
  EXPECT_TRUE(Client::Connect("127.0.0.1:1", Secret(std::string(4096, 'x'))).ok());
}

}  // namespace
}  // namespace dcp::cli
