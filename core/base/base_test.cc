// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"
#include "base/secret.h"

namespace dcp {
namespace {

TEST(StatusTest, EveryCodeHasItsOwnNameBothWays) {
  for (int32_t number = 0; number <= 16; ++number) {
    const Code code = CodeFromInt(number);
    EXPECT_EQ(static_cast<int32_t>(code), number);
    EXPECT_EQ(CodeFromName(CodeName(code)), code);
  }
  EXPECT_EQ(CodeFromInt(17), Code::kUnknown);
  EXPECT_EQ(CodeFromInt(-1), Code::kUnknown);
  EXPECT_EQ(CodeFromName("NO_SUCH_CODE"), Code::kUnknown);
}

TEST(StatusTest, SaysWhereWhatWhyAndWhatToDo) {
  const Status status = NotFound("no table prod.nyc.flihgts")
                            .WithId("PZ0220")
                            .At({"B.yaml", 12, 8})
                            .WithHint("did you mean flights?")
                            .With("while checking daily");
  EXPECT_EQ(status.ToString(),
            "B.yaml:12:8: NOT_FOUND [PZ0220]: while checking daily: no table prod.nyc.flihgts "
            "(hint: did you mean flights?)");
  EXPECT_TRUE(Status::Ok().With("context").ok());
}

Result<int> Half(int number) {
  if (number % 2 != 0) return InvalidArgument("odd");
  return number / 2;
}

Result<int> Quarter(int number) {
  DCP_ASSIGN(const int half, Half(number));
  DCP_ASSIGN(const int quarter, Half(half));
  return quarter;
}

TEST(ResultTest, PassesTheFirstFailureOn) {
  EXPECT_EQ(Quarter(8).value(), 2);
  EXPECT_EQ(Quarter(6).status(), InvalidArgument("odd"));
  EXPECT_EQ(Quarter(6).value_or(7), 7);
  EXPECT_DEATH((void)Quarter(6).value(), "check failed");
}

TEST(ClockTest, WritesRfc3339) {
  EXPECT_EQ(FormatTime(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatTime(1'700'000'000'123), "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(FormatTime(-1), "1969-12-31T23:59:59.999Z");
}

TEST(IdTest, RandomOnesDifferAndHaveTheirForm) {
  EXPECT_EQ(RandomHex(8).size(), 16U);
  EXPECT_NE(RandomUuid(), RandomUuid());
  const std::string uuid = RandomUuid();
  EXPECT_EQ(uuid.size(), 36U);
  EXPECT_EQ(uuid[14], '4');
}

TEST(IdTest, PlaygroundNamesAreDnsLabels) {
  for (const char* good : {"a", "fin-123", "x9"})
    EXPECT_TRUE(CheckPlaygroundName(good).ok()) << good;
  const std::vector<std::string> bad = {
      "", "-a", "a-", "A", "a_b", "a.b", "a/b", "../x", "1ab", "caf\xC3\xA9", std::string(64, 'a')};
  for (const auto& name : bad) {
    EXPECT_EQ(CheckPlaygroundName(name).code(), Code::kInvalidArgument) << name;
  }
  EXPECT_TRUE(CheckPlaygroundName(std::string(63, 'a')).ok());
}

TEST(IdTest, SuggestsWhatIsNear) {
  const std::array<std::string, 3> words = {"carrier", "origin", "dest"};
  EXPECT_EQ(Nearest("carier", words), "carrier");
  EXPECT_EQ(Nearest("orgiin", words), "origin");
  EXPECT_EQ(Nearest("tailnum", words), "");
  EXPECT_EQ(EditDistance("", "abc"), 3U);
}

TEST(SecretTest, ComparesWhole) {
  const Secret secret("abc");
  EXPECT_TRUE(secret.Equals("abc"));
  EXPECT_FALSE(secret.Equals("abd"));
  EXPECT_FALSE(secret.Equals("ab"));
  EXPECT_FALSE(secret.Equals(""));
}

}  // namespace
}  // namespace dcp
