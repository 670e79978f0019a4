// SPDX-License-Identifier: Apache-2.0
#include "spark_sql/positions.h"

#include <gtest/gtest.h>

namespace dcp::spark_sql {
namespace {

constexpr std::string_view kEmoji = "SELECT '\xF0\x9F\x98\x80' AS e,\n  nop AS x";

TEST(Positions, CountCodePointsFromOne) {
  EXPECT_EQ(PlaceOfByte("abc", 0), (Place{1, 1}));
  EXPECT_EQ(PlaceOfByte(kEmoji, kEmoji.find("AS e")), (Place{1, 12}));
  EXPECT_EQ(PlaceOfByte(kEmoji, kEmoji.find("nop")), (Place{2, 3}));
  EXPECT_EQ(PlaceOfByte("ab", 99), (Place{1, 3}));
}

// The figures are Spark 4.1.2's own, for this text in our wrapper.
TEST(Positions, ReadSparksIndices) {
  const auto span = SpanOfIndices(kEmoji, 35, 37);
  ASSERT_TRUE(span);
  EXPECT_EQ(span->begin, (Place{2, 3}));
  EXPECT_EQ(span->end, (Place{2, 6}));
  EXPECT_FALSE(SpanOfIndices(kEmoji, -1, -1));
  EXPECT_FALSE(SpanOfIndices(kEmoji, 3, 9));  // in the wrapper's prefix
}

TEST(Positions, ReadSparksLines) {
  EXPECT_EQ(SpanOfLine(kEmoji, 3, 2)->begin, (Place{2, 3}));
  EXPECT_EQ(SpanOfLine(kEmoji, 2, 11)->begin, (Place{1, 12}));
  EXPECT_FALSE(SpanOfLine(kEmoji, 1, 0));
}

TEST(Positions, TheWrappersEndIsTheQuerysEnd) {
  const auto by_line = SpanOfLine("SELECT 1 +\n\n", 5, 0);
  ASSERT_TRUE(by_line);
  EXPECT_TRUE(by_line->at_end);
  EXPECT_EQ(by_line->begin, (Place{1, 11}));
  EXPECT_TRUE(SpanOfIndices("SELECT 1 +", 40, 41)->at_end);
}

TEST(Positions, FindTheLastPlaceInAMessage) {
  const auto parse =
      FindLinePos("\n[X] Syntax error. SQLSTATE: 42601 (line 3, pos 12)\n\n== SQL ==");
  ASSERT_TRUE(parse);
  EXPECT_EQ(parse->line, 3);
  EXPECT_EQ(parse->pos, 12);
  const auto analysis = FindLinePos("cannot be resolved; line 2 pos 7;\n'Project");
  ASSERT_TRUE(analysis);
  EXPECT_EQ(analysis->pos, 7);
  EXPECT_EQ(FindLinePos("== SQL (line 2, position 8) ==")->pos, 7);
  EXPECT_FALSE(FindLinePos("a line of text, line by line"));
}

TEST(Positions, MapIntoTheFile) {
  const Origin block{true, "b.yaml", 10, 4, 4, true};
  EXPECT_EQ(ToFile(block, {1, 1}), (Place{10, 5}));
  EXPECT_EQ(ToFile(block, {3, 2}), (Place{12, 6}));
  const Origin plain{true, "b.yaml", 7, 5, 0, true};
  EXPECT_EQ(ToFile(plain, {1, 8}), (Place{7, 13}));
  EXPECT_EQ(ToFile(plain, {2, 8}), (Place{8, 8}));
  const Origin folded{true, "b.yaml", 7, 5, 0, false};
  EXPECT_EQ(ToFile(folded, {3, 8}), (Place{7, 0}));
  EXPECT_EQ(ToFile({}, {3, 8}), (Place{3, 8}));
}

TEST(Positions, WrapIsWhatTheNumbersAssume) {
  EXPECT_EQ(kWrapPrefix.size(), 16U);
  EXPECT_EQ(Wrap("SELECT 1 -- c"), "SELECT * FROM (\nSELECT 1 -- c\n)");
}

}  // namespace
}  // namespace dcp::spark_sql
