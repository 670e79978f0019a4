// SPDX-License-Identifier: Apache-2.0
#include "cli/exit_code.h"

#include <google/protobuf/util/json_util.h>
#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include "cli/client.h"

namespace dcp::cli {
namespace {

TEST(ExitCodeTest, EachOfTheSeventeenCodesHasOne) {
  const std::map<std::string, int> expected = {{"OK", 0},
                                               {"CANCELLED", 130},
                                               {"UNKNOWN", 6},
                                               {"INVALID_ARGUMENT", 2},
                                               {"DEADLINE_EXCEEDED", 6},
                                               {"NOT_FOUND", 5},
                                               {"ALREADY_EXISTS", 5},
                                               {"PERMISSION_DENIED", 4},
                                               {"RESOURCE_EXHAUSTED", 5},
                                               {"FAILED_PRECONDITION", 5},
                                               {"ABORTED", 5},
                                               {"OUT_OF_RANGE", 2},
                                               {"UNIMPLEMENTED", 2},
                                               {"INTERNAL", 6},
                                               {"UNAVAILABLE", 6},
                                               {"DATA_LOSS", 6},
                                               {"UNAUTHENTICATED", 4}};
  ASSERT_EQ(expected.size(), 17U);
  for (int number = 0; number <= 16; ++number) {
    const Code code = CodeFromInt(number);
    const std::string name(CodeName(code));
    ASSERT_TRUE(expected.contains(name)) << name;
    EXPECT_EQ(ExitCodeOf(code), expected.at(name)) << name;
  }
}

TEST(ExitCodeTest, GrpcsCodesAreOurs) {
  for (int number = 1; number <= 16; ++number) {
    v1::ErrorDetails details;
    details.set_id("PZ0901");
    const Status status = FromGrpc(
        grpc::Status(static_cast<grpc::StatusCode>(number), "why", details.SerializeAsString()),
        "unix:/x");
    EXPECT_EQ(status.code(), CodeFromInt(number));
    EXPECT_EQ(status.message(), "why");
    EXPECT_EQ(status.id(), "PZ0901");
  }
  // Without our details it is gRPC that speaks, and the person needs more than its words.
  const Status down = FromGrpc(grpc::Status(grpc::StatusCode::UNAVAILABLE, "x"), "unix:/x");
  EXPECT_EQ(down.message(), "dcpd does not answer at unix:/x: x");
  EXPECT_NE(down.hint().find("is dcpd running"), std::string::npos);
}

v1::Run RunOf(const std::string& command, const std::string& state, const std::string& report,
              const std::string& error_code = "") {
  v1::Run run;
  run.set_command(command);
  run.set_state(state);
  run.set_error_code(error_code);
  if (!report.empty()) {
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(report, run.mutable_report()).ok());
  }
  return run;
}

TEST(ExitCodeTest, ARunsEndDecides) {
  const std::string failed = R"({"status":"FAILED","findings":[{"code":"PZ0203"}]})";
  const std::string manifest =
      R"({"status":"FAILED","findings":[{"severity":"ERROR","code":"PZ0104"}]})";
  const std::string mismatch = R"({"status":"FAILED","findings":[{"code":"PZ0130"}]})";
  const std::string not_applied = R"({"status":"FAILED","findings":[{"code":"PZ0141"}]})";
  const std::string warned =
      R"({"status":"FAILED","findings":[{"severity":"WARNING","code":"PZ0104"}]})";
  EXPECT_EQ(ExitCodeOf(RunOf("test", "SUCCEEDED", R"({"status":"PASSED"})")), 0);
  EXPECT_EQ(ExitCodeOf(RunOf("test", "FAILED", failed)), 1);
  EXPECT_EQ(ExitCodeOf(RunOf("apply", "FAILED", failed)), 1);
  EXPECT_EQ(ExitCodeOf(RunOf("test", "FAILED", warned)), 1);
  EXPECT_EQ(ExitCodeOf(RunOf("run", "FAILED", failed)), 7);
  EXPECT_EQ(ExitCodeOf(RunOf("run", "FAILED", manifest)), 2);
  EXPECT_EQ(ExitCodeOf(RunOf("test", "FAILED", manifest)), 2);
  EXPECT_EQ(ExitCodeOf(RunOf("test", "FAILED", mismatch)), 1);
  EXPECT_EQ(ExitCodeOf(RunOf("run", "FAILED", not_applied)), 7);
  // The catalog was away: nothing in the manifest is to be mended. A mistake beside it is.
  const std::string outside = R"({"status":"FAILED","findings":[{"code":"PZ0160"}]})";
  const std::string both =
      R"({"status":"FAILED","findings":[{"code":"PZ0160"},{"code":"PZ0203"}]})";
  EXPECT_EQ(ExitCodeOf(RunOf("apply", "FAILED", outside)), 6);
  EXPECT_EQ(ExitCodeOf(RunOf("run", "FAILED", outside)), 7);
  EXPECT_EQ(ExitCodeOf(RunOf("test", "FAILED", both)), 1);
  EXPECT_EQ(ExitCodeOf(RunOf("run", "CANCELLED", "")), 7);
  EXPECT_EQ(ExitCodeOf(RunOf("test", "FAILED", "", "UNAVAILABLE")), 6);
  EXPECT_EQ(ExitCodeOf(RunOf("delete", "FAILED", "", "")), 7);
}

}  // namespace
}  // namespace dcp::cli
