// SPDX-License-Identifier: Apache-2.0
//
// What people and programs read.
#include "plugin_check/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace dcp::plugin_check {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::vector<CheckResult> FourResults() {
  return {{FindCheck("elf-kind"), Outcome::kPassed, "", 1},
          {FindCheck("load-output"), Outcome::kFailed, "it printed <\"\x01\"> & \xFF", 1500},
          {FindCheck("elf-exports"), Outcome::kWaived, "managed", 0},
          {FindCheck("progress-json"), Outcome::kNotRun, "no call emitted an event", 0}};
}

const RunFacts kFacts{"a.so", "a", "1.0", 2, 77};

TEST(ReportTest, WaivedAndNotRunAreCountedApart) {
  const std::string text = SummaryText(FourResults(), kFacts);
  EXPECT_THAT(text, HasSubstr("a 1.0: 1 passed, 1 failed, 1 waived, 1 not run"));
  EXPECT_THAT(text, HasSubstr("failed: load-output"));
  EXPECT_THAT(text, HasSubstr("--seed 77"));
}

TEST(ReportTest, AFailureSaysWhatWasExpectedWhatHappenedAndWhatToDo) {
  const std::string text = ResultText(FourResults()[1]);
  EXPECT_THAT(text, HasSubstr("FAILED  load-output"));
  EXPECT_THAT(text, HasSubstr("expected  Loading it prints nothing."));
  EXPECT_THAT(text, HasSubstr("happened  it printed <\"\\x01\"> & \\xff"));
  EXPECT_THAT(text, HasSubstr("to do     use the host's log()"));
  EXPECT_EQ(ResultText(FourResults()[0]), "  passed  elf-kind\n");
  EXPECT_THAT(ResultText(FourResults()[3]), HasSubstr("not run progress-json"));
}

TEST(ReportTest, JsonHoldsEveryCheck) {
  const auto json = nlohmann::json::parse(Json(FourResults(), kFacts));
  EXPECT_EQ(json["seed"], 77);
  EXPECT_EQ(json["waived"], 1);
  EXPECT_EQ(json["notRun"], 1);
  ASSERT_EQ(json["checks"].size(), 4U);
  EXPECT_EQ(json["checks"][1]["outcome"], "failed");
  EXPECT_EQ(json["checks"][1]["happened"], "it printed <\"\\x01\"> & \\xff");
  EXPECT_EQ(json["checks"][2]["outcome"], "waived");
  EXPECT_EQ(json["checks"][3]["outcome"], "not run");
}

TEST(ReportTest, JUnitIsXmlWithSkippedApart) {
  const std::string xml = JUnit(FourResults(), kFacts);
  EXPECT_THAT(xml, HasSubstr("tests=\"4\" failures=\"1\" skipped=\"2\""));
  EXPECT_THAT(xml, HasSubstr("<testcase classname=\"file\" name=\"elf-kind\" time=\"0.001\"/>"));
  EXPECT_THAT(xml, HasSubstr("it printed &lt;&quot;"));
  EXPECT_THAT(xml, HasSubstr("<skipped message=\"waived: managed\"/>"));
  EXPECT_THAT(xml, Not(HasSubstr("\x01")));
}

}  // namespace
}  // namespace dcp::plugin_check
