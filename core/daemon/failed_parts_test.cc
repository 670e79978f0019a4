// SPDX-License-Identifier: Apache-2.0
#include "daemon/failed_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dcp::daemon {
namespace {

using ::testing::HasSubstr;

std::vector<os::ServiceState> Services(const std::string& state) {
  os::ServiceState other;
  other.name = "overlay-catalog";
  other.state = "FAILED";
  other.endpoint = "127.0.0.1:800";
  os::ServiceState spark;
  spark.name = "spark-connect";
  spark.state = state;
  spark.endpoint = "127.0.0.1:8001";
  spark.detail = "ended with exit code 1 (attempt 5; the next follows in 60 s)";
  spark.log_tail = "the end of its log:\nSELECT somebody FROM else";
  return {other, spark};
}

TEST(FailedPartsTest, NamesTheServiceAndTheCommand) {
  const Status failure = NameFailedService(Unavailable("127.0.0.1:8001: refused").WithId("PZ0201"),
                                           Services("FAILED"));
  EXPECT_EQ(failure.code(), Code::kUnavailable);
  EXPECT_EQ(failure.id(), "PZ0201");
  EXPECT_THAT(failure.message(), HasSubstr("service spark-connect has FAILED: ended with exit"));
  EXPECT_EQ(failure.message().find("somebody"), std::string::npos) << "the log is for operators";
  EXPECT_THAT(failure.ToString(), HasSubstr("SELECT somebody FROM else"));
  EXPECT_THAT(failure.hint(), HasSubstr("pretzel service restart spark-connect"));
}

TEST(FailedPartsTest, AsksForPatienceWithOneThatIsComingBack) {
  const Status failure =
      NameFailedService(Unavailable("no answer from 127.0.0.1:8001"), Services("RESTARTING"));
  EXPECT_EQ(failure.message(), "no answer from 127.0.0.1:8001");
  EXPECT_THAT(failure.hint(), HasSubstr("spark-connect is RESTARTING"));
}

TEST(FailedPartsTest, LeavesOtherFailuresAlone) {
  for (const std::string text : {"127.0.0.1:80019 refused", "no address here"}) {
    const Status failure = NameFailedService(Unavailable(text).WithHint("h"), Services("FAILED"));
    EXPECT_EQ(failure.message(), text);
    EXPECT_EQ(failure.hint(), "h");
  }
  EXPECT_EQ(
      NameFailedService(Unavailable("127.0.0.1:8001").WithHint("h"), Services("READY")).hint(),
      "h");
  EXPECT_TRUE(NameFailedService(Status(), Services("FAILED")).ok());
}

}  // namespace
}  // namespace dcp::daemon
