// SPDX-License-Identifier: Apache-2.0
#include "spark_sql/table_hint.h"

#include <gtest/gtest.h>

#include <map>

namespace dcp::spark_sql {
namespace {

// A catalog "prod" with nyc.{flights,planes} and eu.air.{routes}, and an "aux" with nyc.{flocks}.
class Hint : public ::testing::Test {
 protected:
  std::string For(const std::vector<std::string>& wanted) {
    return TableHint(wanted, {"prod", "aux"},
                     [this](size_t mount, NameKind kind, const Levels& levels) {
                       return Find(mount, kind, levels);
                     });
  }
  std::optional<Names> Find(size_t mount, NameKind kind, const Levels& levels) {
    ++asked_;
    const auto& known = kind == NameKind::kTables ? tables_ : spaces_;
    const auto found = known.find({mount, levels});
    return found == known.end() ? std::nullopt : std::optional(found->second);
  }

  using Known = std::map<std::pair<size_t, Levels>, Names>;
  Known tables_ = {{{0, {"nyc"}}, {"planes", "flights"}},
                   {{0, {"empty"}}, {}},
                   {{0, {"eu", "air"}}, {"routes"}},
                   {{1, {"nyc"}}, {"flocks"}}};
  Known spaces_ = {{{0, {}}, {"nyc", "eu", "empty"}}, {{0, {"eu"}}, {"air"}}, {{1, {}}, {"nyc"}}};
  int asked_ = 0;
};

TEST_F(Hint, TheNearestTableOfTheNamespace) {
  EXPECT_EQ(For({"prod", "nyc", "flihgts"}), "did you mean prod.nyc.flights?");
  EXPECT_EQ(For({"prod", "nyc", "Flights"}), "did you mean prod.nyc.flights?");
  EXPECT_EQ(For({"aux", "nyc", "flock"}), "did you mean aux.nyc.flocks?");
  EXPECT_EQ(For({"prod", "eu", "air", "route"}), "did you mean prod.eu.air.routes?");
}

TEST_F(Hint, WithoutACatalogItIsTheFirst) {
  EXPECT_EQ(For({"nyc", "plane"}), "did you mean prod.nyc.planes?");
}

TEST_F(Hint, ElseWhatThereIs) {
  EXPECT_EQ(For({"prod", "nyc", "zebra"}), "tables of prod.nyc: flights, planes");
  EXPECT_EQ(For({"prod", "empty", "zebra"}), "prod.empty holds no table");
}

TEST_F(Hint, AListIsCut) {
  Names& names = tables_[{0, {"nyc"}}];
  names.clear();
  for (size_t i = 0; i < kNamesShownMax; ++i) names.push_back("t" + std::to_string(i) + "_long");
  EXPECT_EQ(For({"prod", "nyc", "zebra"}).find(" more"), std::string::npos);
  names.emplace_back("z_last");
  const std::string hint = For({"prod", "nyc", "zebra"});
  EXPECT_TRUE(hint.ends_with("t9_long and 1 more")) << hint;
}

TEST_F(Hint, TheNearestNamespace) {
  EXPECT_EQ(For({"prod", "nycc", "flights"}), "did you mean prod.nyc.flights?");
  EXPECT_EQ(For({"prod", "nycc", "zebra"}), "did you mean the namespace prod.nyc?");
  EXPECT_EQ(For({"prod", "eu", "aire", "routes"}), "did you mean prod.eu.air.routes?");
  EXPECT_EQ(For({"prod", "warehouse", "flights"}), "namespaces of prod: empty, eu, nyc");
}

TEST_F(Hint, TheNearestCatalog) {
  EXPECT_EQ(For({"prd", "nyc", "flights"}), "did you mean prod.nyc.flights?");
}

TEST_F(Hint, NothingIsSaidOfWhatIsNotKnown) {
  EXPECT_EQ(For({"flights"}), "");
  EXPECT_EQ(asked_, 0);
  tables_.clear();
  spaces_.clear();
  EXPECT_EQ(For({"prod", "nyc", "flights"}), "");
  EXPECT_EQ(asked_, 2);
  EXPECT_EQ(TableHint({"a", "b", "c"}, {}, nullptr), "");
}

// A table that came to be meanwhile is no slip of the hand.
TEST_F(Hint, NeverWhatThePersonWrote) {
  EXPECT_EQ(For({"prod", "nyc", "flights"}), "tables of prod.nyc: planes");
}

TEST(Parts, AreReadAndWritten) {
  EXPECT_EQ(ParseParts("`prod`.`nyc`.`plain`"), (std::vector<std::string>{"prod", "nyc", "plain"}));
  EXPECT_EQ(ParseParts("`a.b`.`c``d`"), (std::vector<std::string>{"a.b", "c`d"}));
  EXPECT_EQ(ParseParts("a"), std::vector<std::string>{"a"});
  EXPECT_EQ(QuoteName("a_1"), "a_1");
  EXPECT_EQ(QuoteName("2013"), "`2013`");
  EXPECT_EQ(QuoteName("c`d e"), "`c``d e`");
}

}  // namespace
}  // namespace dcp::spark_sql
