// SPDX-License-Identifier: Apache-2.0
#include "schema/fill.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dcp::schema {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Result<Secret> Source(const std::string& reference) {
  if (reference == "secret.token") return Secret("hunter2 \"${x}\"");
  if (reference == "secret.binary") return Secret("hunter2\xFF");
  return NotFound("no secret \"" + reference + "\"").WithHint("add it");
}

std::string Filled(const std::string& config) {
  const auto filled = Fill(Secret(config), Source);
  return filled.ok() ? filled->Reveal() : filled.status().ToString();
}

TEST(FillTest, ReferencesAreReplacedWhereverTextsAre) {
  EXPECT_EQ(Filled(R"({"a":["Bearer ${secret.token}",1],"b":{"c":"$${secret.token}"}})"),
            R"({"a":["Bearer hunter2 \"${x}\"",1],"b":{"c":"${secret.token}"}})");
  EXPECT_EQ(Filled(R"({ "a" : 1 })"), R"({ "a" : 1 })");
  EXPECT_EQ(Filled(""), "");
}

TEST(FillTest, FailuresNameTheReferenceAndNoValue) {
  EXPECT_THAT(Filled(R"({"a":"${secret.token}${secret.none}"})"),
              testing::AllOf(HasSubstr("cannot resolve `${secret.none}`: no secret"),
                             HasSubstr("hint: add it"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(Filled(R"({"a":"${secret.binary}"})"),
              testing::AllOf(HasSubstr("is not UTF-8 text"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(Filled("{${"), HasSubstr("is not JSON"));
}

}  // namespace
}  // namespace dcp::schema
