// SPDX-License-Identifier: Apache-2.0
#include "host/journal.h"

#include <gtest/gtest.h>

namespace dcp::host {
namespace {

void Fill(Journal& journal, size_t lines, const std::string& text = "line ") {
  for (size_t i = 0; i < lines; ++i) {
    journal.Add(log::Level::kInfo, kSourceStderr, text + std::to_string(i));
  }
}

TEST(JournalTest, LinesAreReadInPages) {
  Journal journal;
  Fill(journal, 5);
  Journal::Page page = journal.Read(0, 3);
  ASSERT_EQ(page.lines.size(), 3U);
  EXPECT_EQ(page.lines[0].text, "line 0");
  EXPECT_EQ(page.lines[0].source, "stderr");
  EXPECT_GT(page.lines[0].at, 0);
  page = journal.Read(page.next, 3);
  ASSERT_EQ(page.lines.size(), 2U);
  EXPECT_EQ(page.lines[1].text, "line 4");
  EXPECT_EQ(page.next, 5);
  EXPECT_EQ(page.missed, 0);
  page = journal.Read(page.next, 3);
  EXPECT_TRUE(page.lines.empty());
  EXPECT_EQ(page.next, 5);
  EXPECT_EQ(journal.Read(99, 3).next, 5);  // of a number that was never given
}

TEST(JournalTest, TheOldestLineMakesRoomAtTheLimitOfLines) {
  Journal journal;
  Fill(journal, kJournalLinesMax);
  EXPECT_EQ(journal.Read(0, 1).lines.at(0).text, "line 0");
  Fill(journal, 1, "one more ");
  const Journal::Page page = journal.Read(0, kJournalLinesMax + 1);
  EXPECT_EQ(page.missed, 1);
  ASSERT_EQ(page.lines.size(), kJournalLinesMax);
  EXPECT_EQ(page.lines.front().text, "line 1");
  EXPECT_EQ(page.lines.back().text, "one more 0");
}

TEST(JournalTest, LongLinesAreCutAndTakeMoreRoom) {
  Journal journal;
  const std::string longest(kJournalLineBytesMax, 'x');
  journal.Add(log::Level::kInfo, kSourcePlugin, longest);
  journal.Add(log::Level::kInfo, kSourcePlugin, longest + "y");
  Journal::Page page = journal.Read(0, 2);
  EXPECT_EQ(page.lines.at(0).text, longest);
  EXPECT_EQ(page.lines.at(1).text, longest + "... (cut)");
  for (size_t i = 0; i < kJournalLinesMax; ++i) {
    journal.Add(log::Level::kInfo, kSourcePlugin, longest);
  }
  page = journal.Read(0, kJournalLinesMax);
  size_t bytes = 0;
  for (const JournalLine& line : page.lines) bytes += line.text.size();
  EXPECT_LE(bytes, kJournalBytesMax);
  EXPECT_GT(bytes, kJournalBytesMax * 9 / 10);
  EXPECT_GT(page.missed, 0);
}

TEST(JournalTest, WhatCannotBePrintedIsEscaped) {
  Journal journal;
  journal.Add(log::Level::kError, kSourcePlugin, "a\x1b[2Jb\nc\xff");
  EXPECT_EQ(journal.Read(0, 1).lines.at(0).text, "a\\u001b[2Jb\\nc\\xff");
}

TEST(JournalTest, TheTailIsAskedForByItsLength) {
  Journal journal;
  EXPECT_EQ(journal.Tail(0), 0);
  EXPECT_EQ(journal.Tail(3), 0);
  Fill(journal, kJournalLinesMax + 10);
  EXPECT_EQ(journal.Tail(0), 10);
  EXPECT_EQ(journal.Tail(1), static_cast<int64_t>(kJournalLinesMax) + 9);
  EXPECT_EQ(journal.Tail(kJournalLinesMax), 10);
  EXPECT_EQ(journal.Tail(kJournalLinesMax + 1), 10);
}

}  // namespace
}  // namespace dcp::host
