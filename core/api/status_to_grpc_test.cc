// SPDX-License-Identifier: Apache-2.0
#include "api/status_to_grpc.h"

#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include "dcp/v1/dcp.pb.h"

namespace dcp::api {
namespace {

TEST(StatusToGrpcTest, KeepsEachOfTheSeventeenCodes) {
  for (int number = 0; number <= 16; ++number) {
    const Status status =
        number == 0 ? Status() : Status(CodeFromInt(number), "what failed, on what");
    const grpc::Status sent = ToGrpc(status);
    EXPECT_EQ(static_cast<int>(sent.error_code()), number) << CodeName(status.code());
    EXPECT_EQ(sent.error_message(), status.message());
  }
}

TEST(StatusToGrpcTest, CarriesIdHintAndLocation) {
  const grpc::Status sent = ToGrpc(
      InvalidArgument("bad type").WithId("PZ0203").WithHint("write int").At({"B.yaml", 12, 7}));
  dcp::v1::ErrorDetails details;
  ASSERT_TRUE(details.ParseFromString(sent.error_details()));
  EXPECT_EQ(details.id(), "PZ0203");
  EXPECT_EQ(details.hint(), "write int");
  EXPECT_EQ(details.file(), "B.yaml");
  EXPECT_EQ(details.line(), 12);
  EXPECT_EQ(details.column(), 7);
}

TEST(StatusToGrpcTest, CutsLongMessagesBetweenCodePoints) {
  std::string text(kErrorMessageBytesMax - 1, 'a');
  text += "é and more";  // the limit falls into the middle of é
  const std::string sent = ToGrpc(Internal(text)).error_message();
  EXPECT_EQ(sent, std::string(kErrorMessageBytesMax - 1, 'a') + " …");
  const std::string exact(kErrorMessageBytesMax, 'b');
  EXPECT_EQ(ToGrpc(Internal(exact)).error_message(), exact);
}

}  // namespace
}  // namespace dcp::api
