// SPDX-License-Identifier: Apache-2.0
#include "cli/render/text.h"

#include <gtest/gtest.h>

#include <map>

namespace dcp::cli {
namespace {

Io IoWith(std::map<std::string, std::string> env) {
  Io io;
  io.env = [env = std::move(env)](const std::string& name) {
    const auto found = env.find(name);
    return found == env.end() ? std::string() : found->second;
  };
  return io;
}

TEST(TextTest, ColourFollowsFlagThenEnvironmentThenTerminal) {
  const std::map<std::string, std::string> term = {{"TERM", "xterm"}};
  EXPECT_TRUE(UseColor(IoWith(term), "", true));
  EXPECT_TRUE(UseColor(IoWith(term), "auto", true));
  EXPECT_FALSE(UseColor(IoWith(term), "", false));
  EXPECT_FALSE(UseColor(IoWith({{"TERM", "dumb"}}), "", true));
  EXPECT_FALSE(UseColor(IoWith({}), "", true));
  EXPECT_FALSE(UseColor(IoWith({{"TERM", "xterm"}, {"NO_COLOR", "1"}}), "", true));
  EXPECT_TRUE(UseColor(IoWith({{"CLICOLOR_FORCE", "1"}}), "", false));
  EXPECT_FALSE(UseColor(IoWith({{"CLICOLOR_FORCE", "0"}}), "", false));
  EXPECT_TRUE(UseColor(IoWith({{"NO_COLOR", "1"}}), "always", false));
  EXPECT_FALSE(UseColor(IoWith(term), "never", true));
}

TEST(TextTest, TablesLineUpByCodePointsAndIgnoreColour) {
  Table table({"NAME", "STATE"});
  table.Add({"é", Paint(true).State("PASSED")});
  table.Add({"longer", ""});
  EXPECT_EQ(table.Text(" "),
            " NAME    STATE\n"
            " é       \x1b[32mPASSED\x1b[0m\n"
            " longer\n");
}

TEST(TextTest, ControlCharactersDoNotReachTheTerminal) {
  EXPECT_EQ(Printable("a\x1b[31mb\x07\r\n\tc\x7f"), "a\\x1b[31mb\\x07\\x0d\n\tc\\x7f");
  EXPECT_EQ(Printable("naïve"), "naïve");
}

TEST(TextTest, ErrorsNameThePlaceTheIdAndTheHint) {
  const Status error = InvalidArgument("no such column")
                           .WithId("PZ0203")
                           .WithHint("did you mean x?")
                           .At({"B.yaml", 3, 7});
  EXPECT_EQ(ErrorText(error, Paint()),
            "B.yaml:3:7: error PZ0203: no such column\n  hint: did you mean x?\n");
  EXPECT_EQ(ErrorText(Internal("x"), Paint()), "error: x\n");
}

TEST(TextTest, TimesAreUtcToTheSecond) {
  EXPECT_EQ(TimeText(1'700'000'000'123), "2023-11-14T22:13:20Z");
  EXPECT_EQ(TimeText(0), "-");
}

}  // namespace
}  // namespace dcp::cli
