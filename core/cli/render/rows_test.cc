// SPDX-License-Identifier: Apache-2.0
//
// Golden texts of rows.
#include "cli/render/rows.h"

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "cli/render/report.h"

namespace dcp::cli {
namespace {

ShownRows Shown(const std::string& dataset) {
  auto shown = ShownRowsOf(dataset);
  EXPECT_TRUE(shown.has_value()) << dataset;
  return shown.value_or(ShownRows());
}

constexpr char kRows[] = R"({"table": "prod.m.a", "columns": [
    {"name": "id", "type": "bigint"}, {"name": "ratio", "type": "double"},
    {"name": "name", "type": "string"}, {"name": "span", "type": "interval day to second"},
    {"name": "parts", "type": "array<struct<b:int,a:decimal(3,1)>>"}],
  "rows": [["9223372036854775807", 5, "plain", "INTERVAL '1 00:00:00' DAY TO SECOND",
            [{"a": "1.5", "b": 1}]],
           ["-1", "-0.0", "", null, []],
           [null, 0.25, "NULL", null, null]],
  "moreRows": true})";

TEST(RowsTest, NumbersStandToTheRightAndNullIsNoText) {
  EXPECT_EQ(RowsText(Shown(kRows), "  "),
            "                   id  ratio  name    span                                 parts\n"
            "  9223372036854775807    5.0  plain   INTERVAL '1 00:00:00' DAY TO SECOND  "
            "[{\"a\":\"1.5\",\"b\":1}]\n"
            "                   -1   -0.0  \"\"      NULL                                 []\n"
            "                 NULL   0.25  \"NULL\"  NULL                                 NULL\n"
            "  3 rows; there are more (--rows)\n");
}

TEST(RowsTest, CsvTellsNullFromAnEmptyText) {
  EXPECT_EQ(RowsCsv(Shown(kRows)),
            "id,ratio,name,span,parts\r\n"
            "9223372036854775807,5.0,plain,INTERVAL '1 00:00:00' DAY TO SECOND,"
            "\"[{\"\"a\"\":\"\"1.5\"\",\"\"b\"\":1}]\"\r\n"
            "-1,-0.0,\"\",,[]\r\n"
            ",0.25,NULL,,\r\n");
  EXPECT_EQ(RowsCsv(Shown(R"({"columns": [{"name": "a\"b", "type": "string"}],
                              "rows": [["x\ny"], [" z"], ["1,2"], [null]]})")),
            "\"a\"\"b\"\r\n\"x\ny\"\r\n\" z\"\r\n\"1,2\"\r\n\r\n");
}

TEST(RowsTest, WideCharactersTakeTwoColumnsAndLongCellsAreCut) {
  EXPECT_EQ(DisplayWidth("aé漢\xF0\x9F\x98\x80"), 6U);
  EXPECT_EQ(DisplayWidth("e\xCC\x81"), 1U);
  const std::string long_text(kCellWidthMax + 1, 'x');
  const std::string fits(kCellWidthMax, 'y');
  EXPECT_EQ(RowsText(Shown(R"({"columns": [{"name": "a", "type": "string"},
                                           {"name": "b", "type": "int"}],
                               "rows": [["漢字", 1], [")" +
                           long_text + R"(", 2], [")" + fits + R"(", 3]], "truncated": true})"),
                     ""),
            "a" + std::string(kCellWidthMax - 1, ' ') + "  b\n漢字" +
                std::string(kCellWidthMax - 4, ' ') + "  1\n" +
                std::string(kCellWidthMax - 1, 'x') + "…  2\n" + fits +
                "  3\n3 rows; the rest is over the size limit of a preview\n");
}

TEST(RowsTest, DataCannotDriveTheTerminal) {
  EXPECT_EQ(OneLine("\x1b[2J\n\t\r\x07\x7f\xC2\x9B\xE2\x80\xAE\xEF\xBB\xBF|é"),
            "\\x1b[2J\\n\\t\\r\\x07\\x7f\\x9b\\u202e\\ufeff|é");
  EXPECT_EQ(OneLine("\xFF\xC3"), "\xFF\xC3");  // not text: the daemon sends none
  const std::string text = RowsText(
      Shown(R"({"columns": [{"name": "\u001b[31m", "type": "string"}], "rows": [["\u009b2J"]]})"),
      "");
  EXPECT_EQ(text, "\\x1b[31m\n\\x9b2J\n1 row\n");
}

TEST(RowsTest, AReportShowsRowsAndNoRowsAreSaidSo) {
  v1::Run run;
  run.set_id("r0");
  run.set_command("preview");
  run.set_playground("fin");
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(
                  R"({"kind": "PreviewReport", "status": "SUCCEEDED", "body": {"datasets": [
                      {"table": "prod.m.a", "status": "SUCCEEDED", "rows": [],
                       "columns": [{"name": "a", "type": "int"}]}]}})",
                  run.mutable_report())
                  .ok());
  EXPECT_EQ(ReportText(run, {}, Paint()),
            "prod.m.a  SUCCEEDED\n  a\n  0 rows\n\npreview SUCCEEDED (run r0, playground fin)\n");
  ASSERT_EQ(ShownRowsOf(run).size(), 1U);
  EXPECT_EQ(RowsCsv(ShownRowsOf(run)[0]), "a\r\n");
}

TEST(RowsTest, WhatIsNoRowsIsNone) {
  for (const char* text : {"", "[]", "{}", R"({"rows": 5})", R"({"preview": {"rows": 1}})"}) {
    EXPECT_FALSE(ShownRowsOf(std::string(text)).has_value()) << text;
  }
  EXPECT_TRUE(ShownRowsOf(v1::Run()).empty());
}

}  // namespace
}  // namespace dcp::cli
