// SPDX-License-Identifier: Apache-2.0
#include "spark_sql/query.h"

#include <gtest/gtest.h>

namespace dcp::spark_sql {
namespace {

class QueryTest : public ::testing::Test {
 protected:
  std::optional<Query> Prepare(const std::string& sql,
                               const std::vector<Parameter>& parameters = {}) {
    findings_.clear();
    Findings findings(sql, {true, "q.yaml", 5, 4, 4, true},
                      [this](Finding finding) { findings_.push_back(std::move(finding)); });
    return PrepareQuery(sql, parameters, &findings);
  }
  std::vector<Finding> findings_;
};

TEST_F(QueryTest, WrapsWhatPasses) {
  const auto query = Prepare("SELECT :n AS n; -- all", {{"n", "int", "7"}});
  ASSERT_TRUE(query);
  EXPECT_EQ(query->text, "SELECT * FROM (\nSELECT :n AS n\n)");
  ASSERT_EQ(query->values.size(), 1U);
  EXPECT_EQ(query->values[0].second.number, 7);
  EXPECT_TRUE(findings_.empty());
}

TEST_F(QueryTest, PlacesWhatItRefuses) {
  EXPECT_FALSE(Prepare("SELECT 1;\n DROP TABLE t"));
  ASSERT_EQ(findings_.size(), 1U);
  EXPECT_EQ(findings_[0].code, "PZ0202");
  EXPECT_EQ(findings_[0].file, "q.yaml");
  EXPECT_EQ(findings_[0].begin, (Place{6, 6}));
}

TEST_F(QueryTest, SaysEverythingAboutParametersAtOnce) {
  EXPECT_FALSE(Prepare("SELECT :a, :c", {{"a", "int", "x"}, {"b", "int", "1"}}));
  ASSERT_EQ(findings_.size(), 3U);
  EXPECT_EQ(findings_[0].code, "PZ0219");
  EXPECT_EQ(findings_[1].code, "PZ0215");
  EXPECT_EQ(findings_[2].code, "PZ0216");
  EXPECT_FALSE(findings_[2].is_error);
}

TEST_F(QueryTest, HintsAtTheFullNameAndAtSimilarOnes) {
  EngineError error;
  error.error_class = "TABLE_OR_VIEW_NOT_FOUND";
  const auto none = [](size_t, NameKind, const Levels&) { return std::optional<Names>(); };
  error.parameters["relationName"] = "`flights`";
  EXPECT_EQ(HintForRefusal(error, "prod", {"prod"}, none),
            "write the full name: prod.<namespace>.flights");
  error.parameters["relationName"] = "`prod`.`nyc`.`flihgts`";
  const auto flights = [](size_t, NameKind kind, const Levels&) {
    return kind == NameKind::kTables ? std::optional<Names>({"flights"}) : std::nullopt;
  };
  EXPECT_EQ(HintForRefusal(error, "prod", {"prod"}, flights), "did you mean prod.nyc.flights?");
  EXPECT_NE(HintForRefusal(error, "prod", {"prod"}, none), "");
}

TEST_F(QueryTest, KnowsAParserThatDropsParameters) {
  EngineError error;
  EXPECT_FALSE(LostParameters(error, "x"));
  error.error_class = "UNBOUND_SQL_PARAMETER";
  EXPECT_EQ(LostParameters(error, "x")->id, "PZ0246");
}

}  // namespace
}  // namespace dcp::spark_sql
