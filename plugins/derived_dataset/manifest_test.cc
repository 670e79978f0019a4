// SPDX-License-Identifier: Apache-2.0
//
// The manifest's fields, and each broken example with the exact place of its mistake.
#include "manifest.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <set>

#include "dataset.h"
#include "test_support.h"

namespace dcp::derived_dataset {
namespace {

using ::testing::ElementsAre;

constexpr const char* kFull = R"yaml(apiVersion: dcp/v1
kind: DerivedDataset
metadata:
  name: daily
  namespace: nyc.marts
  labels: {tier: "1"}
  annotations: {ticket: FIN-1}
spec:
  owner: {team: t, email: t@example.com}
  description: what it is
  sql: |
    SELECT day, n FROM x WHERE d > :start
  params:
    start: {type: date, default: 2013-01-01}
    none: {type: string, default: ~}
  schema:
    columns:
      - {name: day, type: date, nullable: false, description: the day}
      - {name: n, type: long}
  materialization: {type: full}
  table:
    format: iceberg
    partitioning: [months( day ), "bucket(16,n)"]
    properties: {a.b: "1"}
  runtime: {test: shared, run: hot}
)yaml";

TEST(ManifestTest, EveryField) {
  Findings findings;
  std::vector<Manifest> all = ParseManifests("x.yaml", kFull, "prod", findings);
  EXPECT_EQ(findings.list().size(), 0u);
  ASSERT_EQ(all.size(), 1u);
  const Manifest& m = all[0];
  EXPECT_EQ(m.name, "nyc.marts.daily");
  EXPECT_EQ(m.place.line, 4);
  EXPECT_EQ(m.labels.at("tier"), "1");
  EXPECT_EQ(m.annotations.at("ticket"), "FIN-1");
  EXPECT_EQ(m.owner_team + m.owner_email + m.description, "tt@example.comwhat it is");
  EXPECT_EQ(m.sql_source.Of({1, 1}).line, 12);
  EXPECT_EQ(m.sql_source.Of({1, 1}).column, 5);
  ASSERT_EQ(m.params.size(), 2u);
  EXPECT_EQ(m.params[0].value, "2013-01-01");
  EXPECT_TRUE(m.params[1].has_default && !m.params[1].value);
  EXPECT_EQ(m.columns[0].nullable, false);
  EXPECT_EQ(m.columns[1].type, "bigint");
  EXPECT_THAT(m.partitioning, ElementsAre("month(day)", "bucket(16, n)"));
  EXPECT_EQ(m.properties.at("a.b"), "1");
  EXPECT_EQ(m.test_route + m.run_route, "sharedhot");
}

TEST(ManifestTest, TheHashIsOfTheMeaning) {
  Findings findings;
  auto hash = [&](std::string text) {
    std::vector<Manifest> all = ParseManifests("x.yaml", text, "prod", findings);
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? "" : SpecHash(CanonicalSpec(all[0]));
  };
  std::string text = kFull;
  std::string once = hash(text);
  EXPECT_EQ(once.size(), 7u + 64u);
  std::string respelt = text;
  respelt.replace(respelt.find("type: long"), 10, "type:  \"BIGINT\"");
  EXPECT_EQ(hash(respelt), once);
  std::string other = text;
  other.replace(other.find("d > :start"), 10, "d < :start");
  EXPECT_NE(hash(other), once);
}

TEST(ManifestTest, Paths) {
  EXPECT_EQ(NormalPath("./a//b/./c.sql"), "a/b/c.sql");
  EXPECT_EQ(NormalPath("a/../b"), std::nullopt);
  EXPECT_EQ(NormalPath("/a"), std::nullopt);
  EXPECT_EQ(NormalPath("a\\..\\b"), std::nullopt);
}

TEST(ManifestTest, EveryFieldOfLaterIsRefused) {
  for (std::string key :
       {"inputs", "tests", "expectations", "policies", "diff", "lifecycle", "consumers"}) {
    Findings findings;
    std::string text =
        "apiVersion: dcp/v1\nkind: DerivedDataset\nmetadata: {name: a, namespace: b}\nspec:\n  "
        "sql: SELECT 1\n  " +
        key + ": []\n";
    ParseManifests("x.yaml", text, "prod", findings);
    ASSERT_EQ(findings.list().size(), 1u) << key;
    EXPECT_EQ(findings.list()[0].message, "spec." + key + " is not supported yet");
    EXPECT_EQ(findings.list()[0].code, kUnsupported);
    EXPECT_EQ(findings.list()[0].place.line, 6);
    EXPECT_EQ(findings.list()[0].place.column, 3);
  }
}

const std::vector<std::pair<std::string, std::string>>& Broken() {
  static const std::vector<std::pair<std::string, std::string>> kBroken = {
#include "broken_examples.inc"
  };
  return kBroken;
}

TEST(BrokenExamplesTest, EachSaysWhatIsWrongAndWhere) {
  for (const auto& [name, expected] : Broken()) {
    std::string text = ReadFile(std::string(DCP_EXAMPLES) + "/broken/" + name);
    Json response = Compile("apply", {{name, text}});
    EXPECT_EQ(Show(response), expected) << name;
    EXPECT_EQ(TextOf(Member(response, "report"), "status"), "FAILED") << name;
    EXPECT_EQ(TextOf(Member(response, "report"), "kind"), "ApplyReport") << name;
  }
}

TEST(BrokenExamplesTest, NoneIsForgotten) {
  std::set<std::string> expected = {"status.yaml"};  // a warning alone: compile_test
  for (const auto& [name, text] : Broken()) expected.insert(name);
  std::set<std::string> found;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(DCP_EXAMPLES) + "/broken")) {
    found.insert(entry.path().filename().string());
  }
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace dcp::derived_dataset
