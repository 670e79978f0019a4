// SPDX-License-Identifier: Apache-2.0
//
// The contract's seam: JSON to protobuf and back, and every code of a plugin's failure.
#include "host/contract.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "dcp/contract/v1/run_backend.pb.h"
#include "dcp/contract/v1/test_backend.pb.h"

namespace dcp::host {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::json;
namespace v1 = dcp::contract::v1;

TEST(ContractTest, UnknownMethodsAreNamed) {
  EXPECT_TRUE(Contract::Check("run_backend", "Submit").ok());
  const Status status = Contract::Check("run_backend", "Sumbit");
  EXPECT_EQ(status.code(), Code::kUnimplemented);
  EXPECT_THAT(status.message(), HasSubstr("run_backend.Submit"));
  EXPECT_EQ(status.hint(), "did you mean run_backend.Submit?");
}

TEST(ContractTest, ARequestBecomesProtobuf) {
  const auto bytes = Contract::EncodeRequest(
      "test_backend", "Analyze",
      R"({"sql":"SELECT :n","mode":"EXPLAIN","params":[{"name":"n","type":"int","value":"1"}],
          "mounts":[{"name":"prod","expiresAtMs":"1700000000000"}]})",
      Encoding::kProtobuf);
  ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
  v1::AnalyzeRequest request;
  ASSERT_TRUE(request.ParseFromString(*bytes));
  EXPECT_EQ(request.sql(), "SELECT :n");
  EXPECT_EQ(request.mode(), v1::EXPLAIN);
  EXPECT_EQ(request.params(0).value(), "1");
  EXPECT_EQ(request.mounts(0).expires_at_ms(), 1'700'000'000'000);
}

TEST(ContractTest, JsonIsMadeCanonical) {
  const auto json = Contract::EncodeRequest(
      "run_backend", "Submit", R"({"idempotency_key":"k","job":{"deadline_ms":5,"sql":""}})",
      Encoding::kJson);
  ASSERT_TRUE(json.ok()) << json.status().ToString();
  EXPECT_EQ(Json::parse(*json), Json::parse(R"({"idempotencyKey":"k","job":{"deadlineMs":"5"}})"));
}

TEST(ContractTest, WhatIsNotTheMessageIsInternalAndNamed) {
  for (const Encoding encoding : {Encoding::kJson, Encoding::kProtobuf}) {
    const Status status =
        Contract::EncodeRequest("test_backend", "Analyze", R"({"sq":"x"})", encoding).status();
    EXPECT_EQ(status.code(), Code::kInternal);
    EXPECT_THAT(status.message(), AllOf(HasSubstr("test_backend.Analyze"), HasSubstr("sq")));
  }
  EXPECT_EQ(
      Contract::EncodeRequest("test_backend", "Analyze", "{", Encoding::kJson).status().code(),
      Code::kInternal);
  EXPECT_EQ(
      Contract::DecodeResponse("test_backend", "Analyze", R"({"valid":"perhaps"})", Encoding::kJson)
          .status()
          .code(),
      Code::kInternal);
  EXPECT_EQ(Contract::DecodeResponse("test_backend", "Analyze", "\xff\xff", Encoding::kProtobuf)
                .status()
                .code(),
            Code::kInternal);
}

TEST(ContractTest, ResponsesComeBackAsJson) {
  v1::SubmitResponse response;
  (*response.mutable_process()->mutable_env())["SPARK_HOME"] = "/opt/spark";
  auto* file = response.mutable_process()->add_files();
  file->set_path("job.json");
  file->set_content(std::string("\0\x01", 2));
  const auto json = Contract::DecodeResponse("run_backend", "Submit", response.SerializeAsString(),
                                             Encoding::kProtobuf);
  ASSERT_TRUE(json.ok()) << json.status().ToString();
  EXPECT_EQ(Json::parse(*json), Json::parse(R"({"process":{"env":{"SPARK_HOME":"/opt/spark"},
      "files":[{"path":"job.json","content":"AAE="}]}})"));
}

TEST(ContractTest, StructsMayBeAsDeepAsReportsAre) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "with this sanitizer protobuf's headers lay out maps otherwise than the library";
#endif
  std::string open;
  std::string shut;
  for (int i = 0; i < 20; ++i) {
    open += R"({"a":)";
    shut += "}";
  }
  const std::string state = R"({"state":)" + open + "1" + shut + "}";
  EXPECT_TRUE(Contract::EncodeRequest("resource", "Continue", state, Encoding::kJson).ok());
  EXPECT_TRUE(Contract::EncodeRequest("resource", "Continue", state, Encoding::kProtobuf).ok());
}

TEST(ContractTest, AllSeventeenCodesComeThrough) {
  v1::Error error;
  error.set_message("why");
  const std::string bytes = error.SerializeAsString();
  for (int number = 1; number <= 16; ++number) {
    const Code code = CodeFromInt(number);
    EXPECT_EQ(Contract::DecodeError(code, R"({"message":"why"})", Encoding::kJson, "x"),
              Status(code, "why"));
    EXPECT_EQ(Contract::DecodeError(code, bytes, Encoding::kProtobuf, "x"), Status(code, "why"));
  }
}

TEST(ContractTest, AnErrorKeepsAllItsParts) {
  const Status status = Contract::DecodeError(
      Code::kNotFound,
      R"({"id":"PZ0401","message":"no table","hint":"look","location":{"file":"f","line":2,"column":3},
          "fromTheFuture":1})",
      Encoding::kJson, "x");
  EXPECT_EQ(status.ToString(), "f:2:3: NOT_FOUND [PZ0401]: no table (hint: look)");
}

TEST(ContractTest, ErrorsWithoutWordsSayWhoFailed) {
  const auto text = [](const std::string& body, Encoding encoding) {
    return Contract::DecodeError(Code::kInternal, body, encoding, "plugin x: Check").message();
  };
  EXPECT_EQ(text("", Encoding::kJson), "plugin x: Check failed and gave no reason");
  EXPECT_EQ(text("", Encoding::kProtobuf), "plugin x: Check failed and gave no reason");
  EXPECT_EQ(text("{}", Encoding::kJson),
            "plugin x: Check failed and gave a reason without a message");
  EXPECT_EQ(text("oops", Encoding::kJson),
            "plugin x: Check failed with an error that cannot be read: oops");
  EXPECT_EQ(text("\xff\xff", Encoding::kProtobuf),
            "plugin x: Check failed with an error that cannot be read");
}

}  // namespace
}  // namespace dcp::host
