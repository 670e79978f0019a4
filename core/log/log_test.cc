// SPDX-License-Identifier: Apache-2.0
//
// Tests of the log: one line whatever the fields hold, both forms, levels, and the catalogue.
#include "log/log.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <vector>

#include "log/format.h"

namespace dcp::log {
namespace {

constexpr WallMillis kTime = 1'700'000'000'123;
const Message kMessage = {"Probe", Level::kWarning, "a probe", "It is.", "Nothing."};

TEST(LogFormatTest, WritesText) {
  const std::vector<Field> fields = {
      {"run", "r-1"}, {"rows", int64_t{7}}, {"why", "two words"}, {"none", ""}};
  EXPECT_EQ(FormatText(kTime, kMessage, fields),
            "2023-11-14T22:13:20.123Z warning Probe: a probe run=r-1 rows=7 why=\"two words\" "
            "none=\"\"");
}

TEST(LogFormatTest, WritesJson) {
  const std::vector<Field> fields = {{"run", "r-1"}, {"why", "say \"no\"\\"}};
  EXPECT_EQ(FormatJson(kTime, kMessage, fields),
            "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"warning\",\"id\":\"Probe\","
            "\"text\":\"a probe\",\"fields\":{\"run\":\"r-1\",\"why\":\"say \\\"no\\\"\\\\\"}}");
  EXPECT_EQ(FormatJson(kTime, kMessage, {}),
            "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"warning\",\"id\":\"Probe\","
            "\"text\":\"a probe\"}");
}

TEST(LogFormatTest, IsOneLineWhateverAFieldHolds) {
  // Line ends of all kinds, an escape sequence, a turn of direction, broken UTF-8.
  const std::string hostile =
      "a\nb\r\t\x1b[2J\xc2\x85\xe2\x80\xa8\xe2\x80\xae\xff\xc0\xaf\xed\xa0\x80 \xc3\xa9";
  const std::vector<Field> fields = {{"x", hostile}};
  EXPECT_EQ(FormatText(0, kMessage, fields).substr(25),
            "warning Probe: a probe x=\"a\\nb\\u000d\\t\\u001b[2J\\u0085\\u2028\\u202e"
            "\\xff\\xc0\\xaf\\xed\\xa0\\x80 \xc3\xa9\"");
  const std::string json = FormatJson(0, kMessage, fields);
  EXPECT_NE(json.find("\\u202e\\ufffd\\ufffd\\ufffd"), std::string::npos);
  for (const char c : json) EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20);
}

TEST(LogFormatTest, CutsLongFields) {
  const std::vector<Field> at = {{"x", std::string(kFieldBytesMax, 'y')}};
  EXPECT_EQ(FormatText(0, kMessage, at).find("(cut)"), std::string::npos);
  const std::vector<Field> above = {{"x", std::string(kFieldBytesMax + 1, 'y')}};
  EXPECT_LT(FormatText(0, kMessage, above).size(), kFieldBytesMax + 100);
  EXPECT_NE(FormatText(0, kMessage, above).find("(cut)"), std::string::npos);
}

TEST(LogFormatTest, OneLineIsPrintableUtf8) {
  EXPECT_EQ(OneLine("say \"no\" \\ \xc3\xa9", 100), "say \"no\" \\ \xc3\xa9");
  EXPECT_EQ(OneLine("a\nb\x1b[2J\xff\xe2\x80\xae", 100), "a\\nb\\u001b[2J\\xff\\u202e");
  EXPECT_EQ(OneLine("12345", 5), "12345");
  EXPECT_EQ(OneLine("123456", 5), "12345... (cut)");
  EXPECT_EQ(OneLine("", 5), "");
}

TEST(LogTest, WritesToStderrFromItsLevelOn) {
  testing::internal::CaptureStderr();
  Configure({.level = Level::kWarning, .json = false});
  Write(Id::kDaemonReady);
  Write(Id::kRequestFailed, {{"error", "line 1\nline 2"}});
  Flush();
  Configure({.level = Level::kInfo, .json = true});
  Write(Id::kDaemonReady);
  Flush();
  Configure({});
  const std::string text = testing::internal::GetCapturedStderr();
  std::istringstream lines(text);
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_NE(line.find("warning RequestFailed: request failed error=\"line 1\\nline 2\""),
            std::string::npos)
      << text;
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_TRUE(line.starts_with("{") && line.ends_with("\"text\":\"daemon is ready\"}")) << text;
  EXPECT_FALSE(std::getline(lines, line));
}

TEST(CatalogueTest, IsCompleteUniqueAndInOrder) {
  std::set<std::string_view> seen;
  std::string_view last;
  for (const Message& message : Catalogue()) {
    EXPECT_TRUE(seen.insert(message.name).second) << message.name;
    EXPECT_LT(last, message.name) << "messages.inc is in alphabetical order";
    last = message.name;
    EXPECT_FALSE(message.text.empty()) << message.name;
    EXPECT_TRUE(message.meaning.ends_with(".")) << message.name;
    EXPECT_TRUE(message.action.ends_with(".")) << message.name;
  }
  EXPECT_EQ(MessageOf(Id::kDaemonReady).name, "DaemonReady");
}

TEST(CatalogueTest, IsDocumented) {
  std::ifstream file(DCP_TEST_MESSAGES_DOC);
  std::ostringstream page;
  page << file.rdbuf();
  EXPECT_EQ(page.str(), CatalogueMarkdown())
      << "run: ninja -C <build folder> log-messages, and commit the page";
}

}  // namespace
}  // namespace dcp::log
