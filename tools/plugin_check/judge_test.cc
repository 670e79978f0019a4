// SPDX-License-Identifier: Apache-2.0
//
// Answers held against the contract.
#include "plugin_check/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dcp::plugin_check {
namespace {

using ::testing::HasSubstr;

host::Manifest TwoCapabilities(host::Encoding encoding) {
  host::Manifest manifest;
  manifest.encoding = encoding;
  manifest.capabilities = {{"resource", 1, 0, {"Describe", "Compile"}},
                           {"test_backend", 1, 0, {"Analyze"}}};
  return manifest;
}

TEST(JudgeTest, EveryMethodGetsACallAndGivenOnesAreEncoded) {
  const auto calls = MakeCalls(TwoCapabilities(host::Encoding::kProtobuf),
                               {{"test_backend.Analyze", R"({"sql":"S"})"}});
  ASSERT_TRUE(calls.ok()) << calls.status().ToString();
  ASSERT_EQ(calls->size(), 3U);
  EXPECT_EQ((*calls)[0].request, "");
  EXPECT_EQ((*calls)[2].method, "Analyze");
  EXPECT_EQ((*calls)[2].request, std::string("\x12\x01S"));
}

TEST(JudgeTest, AGivenCallMustFitManifestAndContract) {
  const host::Manifest manifest = TwoCapabilities(host::Encoding::kJson);
  const Status unknown = MakeCalls(manifest, {{"Analyse", "{}"}}).status();
  EXPECT_EQ(unknown.code(), Code::kNotFound);
  EXPECT_EQ(unknown.hint(), "did you mean Analyze?");
  EXPECT_THAT(MakeCalls(manifest, {{"Analyze", R"({"sqll":1})"}}).status().message(),
              HasSubstr("sqll"));
}

TEST(JudgeTest, ResponsesAreTheContractsMessages) {
  const Answered good{"resource", "Describe", true, true, false, 0, R"({"kinds":["A"]})"};
  Answered bad = good;
  bad.body = R"({"kind":7})";
  Answered failure = good;
  failure.code = 13;
  EXPECT_EQ(JudgeResponses({good}, host::Encoding::kJson).kind, Verdict::Kind::kPassed);
  const Verdict verdict = JudgeResponses({good, bad}, host::Encoding::kJson);
  EXPECT_EQ(verdict.kind, Verdict::Kind::kFailed);
  EXPECT_THAT(verdict.happened, HasSubstr("kind"));
  // Nothing was judged, so nothing has passed.
  EXPECT_EQ(JudgeResponses({failure}, host::Encoding::kJson).kind, Verdict::Kind::kNotRun);
}

TEST(JudgeTest, FailuresHaveAMessageOrNoBody) {
  Answered failure{"resource", "Compile", true, true, false, 3, R"({"message":"no column"})"};
  EXPECT_EQ(JudgeErrors({failure}, host::Encoding::kJson).kind, Verdict::Kind::kPassed);
  failure.body.clear();
  EXPECT_EQ(JudgeErrors({failure}, host::Encoding::kJson).kind, Verdict::Kind::kPassed);
  for (const char* body : {"no json", "{}", R"({"id":"PZ1"})"}) {
    failure.body = body;
    EXPECT_EQ(JudgeErrors({failure}, host::Encoding::kJson).kind, Verdict::Kind::kFailed) << body;
  }
  failure.code = 0;
  EXPECT_EQ(JudgeErrors({failure}, host::Encoding::kJson).kind, Verdict::Kind::kNotRun);
}

}  // namespace
}  // namespace dcp::plugin_check
