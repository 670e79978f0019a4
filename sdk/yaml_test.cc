// SPDX-License-Identifier: Apache-2.0
//
// yaml.h: places, scalars, limits, and each way in which a file can be wrong.
#include <dcp/sdk/yaml.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dcp::sdk::yaml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string Show(const Problems& problems) {
  std::string out;
  for (const Problem& p : problems.list()) {
    out += std::to_string(p.line) + ":" + std::to_string(p.column) + ": " + p.message;
    out += p.hint.empty() ? "\n" : " (" + p.hint + ")\n";
  }
  return out;
}

NodePtr One(std::string_view text) {
  Problems problems;
  std::vector<NodePtr> documents = Parse(text, problems);
  EXPECT_EQ(Show(problems), "");
  EXPECT_THAT(documents, SizeIs(1));
  return documents.empty() ? std::make_shared<Node>() : documents[0];
}

std::string Wrong(std::string_view text, const Limits& limits = {}) {
  Problems problems;
  (void)Parse(text, problems, limits);
  return Show(problems);
}

TEST(YamlTest, PlacesOfKeysAndValues) {
  NodePtr root = One("a: 1\nb:\n  - x\n  - {c: \"ö\", d: e}\n");
  EXPECT_EQ(root->Find("b")->key_at, (Position{2, 1}));
  const Node& map = *root->Find("b")->value->items[1];
  EXPECT_EQ(map.Find("c")->value->at, (Position{4, 9}));
  EXPECT_EQ(map.Find("d")->key_at, (Position{4, 14}));  // code points: the o with dots is one
}

TEST(YamlTest, CoreSchemaScalars) {
  NodePtr root =
      One("[yes, no, on, true, False, 12, -3, 0x1F, 0o17, 1.5, .5, 1e3, .inf, 1:30, 2013-01-01, "
          "'12', ~, "
          "null, 1_000]");
  std::vector<Kind> kinds;
  for (const NodePtr& item : root->items) kinds.push_back(item->kind);
  EXPECT_THAT(kinds, ElementsAre(Kind::kText, Kind::kText, Kind::kText, Kind::kBool, Kind::kBool,
                                 Kind::kInt, Kind::kInt, Kind::kInt, Kind::kInt, Kind::kFloat,
                                 Kind::kFloat, Kind::kFloat, Kind::kFloat, Kind::kText, Kind::kText,
                                 Kind::kText, Kind::kNull, Kind::kNull, Kind::kText));
}

TEST(YamlTest, Integers) {
  Problems problems;
  NodePtr root = One("[9223372036854775807, -9223372036854775808, 0x10, 9223372036854775808, a]");
  EXPECT_EQ(AsInt(*root->items[0], "x", problems), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(AsInt(*root->items[1], "x", problems), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(AsInt(*root->items[2], "x", problems), 16);
  EXPECT_EQ(AsInt(*root->items[3], "x", problems), std::nullopt);
  EXPECT_EQ(AsInt(*root->items[4], "x", problems), std::nullopt);
  EXPECT_EQ(Show(problems),
            "1:51: `x` does not fit 64 bits: 9223372036854775808\n"
            "1:72: `x` must be an integer, found text `a` (write it without quotes and without a "
            "unit)\n");
}

TEST(YamlTest, SourceMapOfBlockScalars) {
  NodePtr literal = One("a:\n  sql: |-\n\n    SELECT 1\n      FROM x\n");
  const Node& sql = *literal->Find("a")->value->Find("sql")->value;
  EXPECT_EQ(sql.text, "\nSELECT 1\n  FROM x");
  EXPECT_TRUE(sql.source.exact);
  EXPECT_EQ(sql.source.Of({2, 8}), (Position{4, 12}));
  EXPECT_EQ(sql.source.Of({3, 3}), (Position{5, 7}));

  NodePtr indented = One("sql: |2\n    SELECT 1\n   x\n");
  const Node& kept = *indented->Find("sql")->value;
  EXPECT_EQ(kept.text, "  SELECT 1\n x\n");
  EXPECT_EQ(kept.source.Of({1, 3}), (Position{2, 5}));

  NodePtr folded = One("sql: >\n  SELECT\n  1\n");
  EXPECT_FALSE(folded->Find("sql")->value->source.exact);
  EXPECT_EQ(folded->Find("sql")->value->source.Of({1, 9}), (Position{2, 3}));
}

TEST(YamlTest, SourceMapOfFlowScalars) {
  NodePtr root = One(
      "a: SELECT 1\nb: 'SELECT 2'\nc: \"SELECT 3\"\nd: 'it''s'\ne: \"x\\ty\"\nf: SELECT\n  4\n");
  auto map = [&](const char* key) { return root->Find(key)->value->source; };
  EXPECT_EQ(map("a").Of({1, 8}), (Position{1, 11}));
  EXPECT_EQ(map("b").Of({1, 8}), (Position{2, 12}));
  EXPECT_EQ(map("c").Of({1, 8}), (Position{3, 12}));
  EXPECT_FALSE(map("d").exact);
  EXPECT_FALSE(map("e").exact);
  EXPECT_FALSE(map("f").exact);
  EXPECT_EQ(map("f").Of({1, 8}), (Position{6, 4}));
}

TEST(YamlTest, AnchorsKeepThePlaceOfTheValue) {
  NodePtr root = One("a: &x SELECT 1\nb: *x\n");
  EXPECT_EQ(root->Find("a")->value->at, (Position{1, 7}));
  EXPECT_EQ(root->Find("b")->value->text, "SELECT 1");
  EXPECT_EQ(root->Find("a")->value->source.Of({1, 1}), (Position{1, 7}));
}

TEST(YamlTest, CarriageReturnsAndByteOrderMark) {
  NodePtr root =
      One("\xEF\xBB\xBF"
          "a: 1\r\nsql: |\r\n  SELECT 1\r\n  FROM x\r\n");
  EXPECT_EQ(root->Find("a")->key_at, (Position{1, 1}));
  EXPECT_EQ(root->Find("sql")->value->text, "SELECT 1\nFROM x\n");
}

TEST(YamlTest, Documents) {
  Problems problems;
  std::vector<NodePtr> documents = Parse("# head\n---\na: 1\n---\nb: 2\n", problems);
  EXPECT_EQ(Show(problems), "");
  ASSERT_THAT(documents, SizeIs(2));
  EXPECT_EQ(documents[1]->Find("b")->key_at, (Position{5, 1}));
  EXPECT_THAT(Parse("", problems), IsEmpty());
  EXPECT_EQ(Show(problems), "");
}

// What every JSON writer emits for a character beyond U+FFFF.
TEST(YamlTest, SurrogatePairsOfJsonAreOneCharacter) {
  Problems problems;
  const auto text = [&](const std::string& yaml) {
    const auto documents = Parse(yaml, problems);
    return documents.size() == 1 ? documents[0]->entries.at(0).value->text : "nothing";
  };
  EXPECT_EQ(text(R"({"a": "x\ud83d\ude00y", "b": 1})"), "x\xF0\x9F\x98\x80y");
  EXPECT_EQ(text(R"({"a": "\uD800\uDC00\uDBFF\uDFFF"})"), "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF");
  EXPECT_EQ(text(R"({"\ud83d\ude00": "key"})"), "key");
  EXPECT_EQ(text(R"({"a": "\\ud83d\\ude00"})"), R"(\ud83d\ude00)") << "an escaped backslash";
  EXPECT_EQ(text("a: '\\ud83d\\ude00'\nb: \"\\ud83d\\ude00\"\n"), "\\ud83d\\ude00") << "no escape";
  EXPECT_EQ(text("a: |\n  \\ud83d\\ude00\nb: \"\\ud83d\\ude00\"\n"), "\\ud83d\\ude00\n");
  // Characters for private use that the text has itself stay what they are.
  EXPECT_EQ(text("{\"a\": \"\xEE\x80\x80\\ue03d\\ue600\\ud83d\\ude00\"}"),
            "\xEE\x80\x80\xEE\x80\xBD\xEE\x98\x80\xF0\x9F\x98\x80");
  EXPECT_TRUE(problems.empty()) << problems.list()[0].message;
  // Places behind a pair are exact; half a pair is no character.
  EXPECT_EQ(Wrong(R"({"a": "\ud83d\ude00", "b": 1, "b": 2})"),
            "1:31: duplicate key `b` (it stands in line 1 already)\n");
  EXPECT_THAT(Wrong(R"({"a": "\ud83d"})"), HasSubstr("not valid YAML: "));
  EXPECT_THAT(Wrong(R"({"a": "\ude00\ud83d"})"), HasSubstr("not valid YAML: "));
}

TEST(YamlTest, WhatIsRefused) {
  EXPECT_EQ(Wrong("a: 1\nb: 2\na: 3\n"), "3:1: duplicate key `a` (it stands in line 1 already)\n");
  EXPECT_EQ(Wrong("a:\n\tb: 1\n"), "2:1: a tab cannot indent YAML (use spaces)\n");
  EXPECT_EQ(Wrong(std::string("a: \0b\n", 6)),
            "1:4: a NUL byte (remove it, or write it as an escape in a double-quoted text)\n");
  EXPECT_EQ(Wrong("a: b\xC3(\n"), "1:5: byte 0xC3 is not valid UTF-8 (save the file as UTF-8)\n");
  EXPECT_EQ(Wrong("\xFF\xFE"
                  "a"),
            "1:1: the file is UTF-16 (save it as UTF-8)\n");
  EXPECT_EQ(Wrong("a: 1\rb: 2\n"),
            "1:5: a carriage return without a line feed (end lines with a line feed)\n");
  EXPECT_EQ(Wrong("a: !!int 1\n"),
            "1:4: the YAML tag `tag:yaml.org,2002:int` is not supported (remove it)\n");
  EXPECT_EQ(Wrong("a: &x {b: 1}\nc:\n  <<: *x\n"),
            "3:3: the merge key `<<` is not supported (write the keys out)\n");
  EXPECT_EQ(Wrong("a: &x [*x]\n"),
            "1:8: an alias to a value that holds it (write the value out)\n");
  EXPECT_EQ(Wrong("[a]: 1\n"), "1:1: a key must be text, found a list\n");
  EXPECT_THAT(Wrong("a: b: c\n"),
              HasSubstr("1:5: not valid YAML: illegal map value (quote a text"));
  EXPECT_THAT(Wrong("a: 'x' y\n"), HasSubstr("not valid YAML: "));
  EXPECT_THAT(Wrong("a: [1\n"), HasSubstr("not valid YAML: "));
  EXPECT_THAT(Wrong("a: *nope\n"), HasSubstr("not valid YAML: "));
  EXPECT_THAT(Wrong("[a]\n[b]\n"), HasSubstr("2:1: text after the end of the document"));
}

TEST(YamlTest, Limits) {
  Limits limits;
  limits.bytes = 10;
  EXPECT_EQ(Wrong("a: 1234567", limits), "");
  EXPECT_EQ(Wrong("a: 12345678", limits), "1:1: the file has 11 bytes; at most 10 are read\n");
  limits = {};
  limits.depth = 3;
  EXPECT_EQ(Wrong("[[[1]]]", limits), "");
  EXPECT_EQ(Wrong("[[[[1]]]]", limits), "1:4: nested deeper than 3 levels\n");
  limits = {};
  limits.nodes = 8;
  EXPECT_EQ(Wrong("[1, 2, 3, 4, 5, 6, 7]", limits), "");
  EXPECT_EQ(Wrong("[1, 2, 3, 4, 5, 6, 7, 8]", limits),
            "1:23: more than 8 values, aliases expanded\n");
  limits = {};
  limits.documents = 1;
  EXPECT_EQ(Wrong("a\n---\nb\n", limits), "2:1: more than 1 documents\n");
}

TEST(YamlTest, AliasBombIsRefusedEarly) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 20; ++i) {
    std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int j = 0; j < 9; ++j) bomb += ", " + last;
    bomb += "]\n";
  }
  EXPECT_THAT(Wrong(bomb), HasSubstr("more than 200000 values, aliases expanded"));
}

TEST(YamlTest, DeepNestingEndsWithAProblem) {
  EXPECT_THAT(Wrong(std::string(20'000, '[')), HasSubstr("nested deeper than 64 levels"));
}

// Each of these was quadratic once, and took minutes at the largest size that is read.
TEST(YamlTest, OneLongLineIsReadInOneGo) {
  std::string text = "[";
  while (text.size() < Limits{}.bytes - 100) text += "a,                                      ";
  NodePtr root = One(text + "b]");
  EXPECT_EQ(root->items.back()->at.column, static_cast<int>(text.size()) + 1);
}

TEST(YamlTest, ManyDocumentsBehindManyEmptyLines) {
  std::string text(3 << 20, '\n');
  for (int i = 0; i < 1'000; ++i) text += "---\na\n";
  Problems problems;
  EXPECT_THAT(Parse(text, problems), SizeIs(1'000));
  EXPECT_EQ(Show(problems), "");
}

TEST(YamlTest, ManyDuplicateKeysAreCountedQuickly) {
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += "k" + std::to_string(i) + ": 1\n";
  for (int i = 0; i < 30'000; ++i) text += "k59999: 2\n";
  Problems problems;
  ASSERT_THAT(Parse(text, problems), SizeIs(1));
  EXPECT_EQ(problems.list().back().hint, "it stands in line 60000 already");
  EXPECT_EQ(problems.list().size() + problems.dropped(), 30'000u);
}

TEST(YamlTest, ManyUnknownKeysGetHintsOnlyWhileTheyAreShown) {
  std::string text;
  for (int i = 0; i < 40'000; ++i) text += std::string(90, 'n') + std::to_string(i) + ": 1\n";
  Problems problems;
  std::vector<NodePtr> documents = Parse(text, problems);
  ASSERT_THAT(documents, SizeIs(1));
  Fields fields(*documents[0], "", problems);
  (void)fields.Get("name");
  fields.Close();
  EXPECT_EQ(problems.list().size(), Limits{}.problems);
  EXPECT_EQ(problems.dropped(), 40'000u - Limits{}.problems);
}

TEST(YamlTest, FieldsReportEveryProblem) {
  NodePtr root = One("nmae: x\nlabel: 1\nempty:\nlist: [1]\n");
  Problems problems;
  Fields fields(*root, "", problems);
  EXPECT_EQ(fields.NeedText("name"), std::nullopt);
  EXPECT_EQ(fields.Text("label"), std::nullopt);
  EXPECT_EQ(fields.Text("empty"), std::nullopt);
  EXPECT_EQ(fields.Text("list"), std::nullopt);
  fields.Close();
  EXPECT_EQ(Show(problems),
            "1:1: `name` is missing\n"
            "2:8: `label` must be text, found the integer `1` (quote it: \"1\")\n"
            "3:1: `empty` has no value (give it one or remove the key)\n"
            "4:7: `list` must be text, found a list\n"
            "1:1: unknown key `nmae` (did you mean `name`?)\n");
}

TEST(YamlTest, BooleansAreTrueAndFalseAlone) {
  NodePtr root = One("[true, FALSE, yes]");
  Problems problems;
  EXPECT_EQ(AsBool(*root->items[0], "x", problems), true);
  EXPECT_EQ(AsBool(*root->items[1], "x", problems), false);
  EXPECT_EQ(AsBool(*root->items[2], "x", problems), std::nullopt);
  EXPECT_EQ(Show(problems),
            "1:15: `x` must be true or false, found text `yes` "
            "(YAML 1.2 knows only `true` and `false`, without quotes)\n");
}

TEST(YamlTest, ProblemsAreBounded) {
  Problems problems(2);
  for (int i = 0; i < 5; ++i) problems.Add({1, 1}, "x");
  EXPECT_THAT(problems.list(), SizeIs(2));
  EXPECT_EQ(problems.dropped(), 3u);
}

TEST(YamlTest, NearestWord) {
  std::vector<std::string> known = {"columns", "contract", "sql"};
  EXPECT_EQ(Nearest("colunms", known), "columns");
  EXPECT_EQ(Nearest("contrcat", known), "contract");
  EXPECT_EQ(Nearest("partitioning", known), "");
}

}  // namespace
}  // namespace dcp::sdk::yaml
