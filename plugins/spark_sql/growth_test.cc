// SPDX-License-Identifier: Apache-2.0
#include "spark_sql/growth.h"

#include <gtest/gtest.h>

#include <string>

#include "spark_sql/screen.h"

namespace dcp::spark_sql {
namespace {

std::string Refused(const std::string& sql) {
  const ScreenResult result = Screen(sql);
  return result.denial ? result.denial->id : "";
}

/// WITH t0 AS (first), t1 AS (step over t0), ..., and a query of the last one.
std::string Chain(const std::string& first, const std::string& step, int links) {
  std::string sql = "WITH t0 AS (" + first + ")";
  for (int i = 1; i <= links; ++i) {
    std::string link = step;
    for (size_t at = link.find('@'); at != link.npos; at = link.find('@', at)) {
      link.replace(at, 1, "t" + std::to_string(i - 1));
    }
    sql += ", t" + std::to_string(i) + " AS (" + link + ")";
  }
  return sql + " SELECT count(*) FROM t" + std::to_string(links);
}

/// Queries within queries.
std::string Nest(const std::string& list, int levels) {
  std::string sql = "(SELECT 1 AS a)";
  for (int i = 0; i < levels; ++i) sql = "(SELECT " + list + " FROM " + sql + " x)";
  return sql.substr(1, sql.size() - 2);
}

TEST(GrowthTest, AChainThatDoublesIsRefused) {
  for (const std::string step :
       {"SELECT a FROM @ UNION ALL SELECT a FROM @", "SELECT x.a FROM @ x JOIN @ y ON x.a = y.a",
        "SELECT x.a FROM @ x, @ y", "SELECT a FROM @ WHERE a IN (SELECT a FROM @)",
        "SELECT a FROM `@` UNION ALL (TABLE @)", "FROM @ |> UNION ALL (FROM @)",
        "SELECT a, (SELECT max(a) FROM @) m FROM (@)"}) {
    EXPECT_EQ(Refused(Chain("SELECT 1 AS a", step, 8)), "") << step;
    EXPECT_EQ(Refused(Chain("SELECT 1 AS a", step, 22)), "PZ0225") << step;
  }
  // With columns, in capitals, and with a limit of recursion.
  std::string sql = "with T0(A) as (select 1)";
  for (int i = 1; i <= 22; ++i) {
    const std::string last = "t" + std::to_string(i - 1);
    sql += ", T" + std::to_string(i) + "(A) As (select a from " + last + ", " + last + " y)";
  }
  EXPECT_EQ(Refused(sql + " select * from t22"), "PZ0225");
}

TEST(GrowthTest, AnInnerQueryOfTheSameNameHidesNothing) {
  const std::string step =
      "SELECT a, (WITH @ AS (SELECT 1 AS b) SELECT max(b) FROM @) c FROM (SELECT a FROM @ UNION "
      "ALL "
      "SELECT a FROM @)";
  EXPECT_EQ(Refused(Chain("SELECT 1 AS a", step, 22)), "PZ0225");
}

TEST(GrowthTest, AColumnThatHoldsItselfTwiceIsRefused) {
  for (const std::string list :
       {"struct(a, a) AS a", "named_struct('x', a, 'y', a) AS a", "(a, a) AS a",
        "struct(x.a, a) AS a", "map(1, struct(a, a)) AS a", "arrays_zip(array(a), array(a)) AS a",
        "*, *", "x.*, x.*", "struct(*, *) AS a", "DISTINCT *, *"}) {
    EXPECT_EQ(Refused(Nest(list, 5)), "") << list;
    EXPECT_EQ(Refused(Nest(list, 20)), "PZ0225") << list;
  }
  EXPECT_EQ(Refused(Chain("SELECT 1 AS a", "SELECT struct(a, a) AS a FROM @", 20)), "PZ0225");
}

TEST(GrowthTest, QueriesThatPeopleWriteAreNot) {
  // A long chain, each link once; a name used often; a diamond.
  EXPECT_EQ(Refused(Chain("SELECT 1 AS a", "SELECT a FROM @", 150)), "");
  std::string often = "WITH t AS (SELECT 1 AS a) SELECT 1";
  for (int i = 0; i < 300; ++i) often += " UNION ALL SELECT t.a + t.a FROM t WHERE t.a > 0";
  EXPECT_EQ(Refused(often), "");
  // Structs beside each other, of columns of one name, and columns of the name of a WITH.
  std::string wide = "WITH a AS (SELECT 1 AS id) SELECT 1 x";
  for (int i = 0; i < 100; ++i) {
    wide += ", struct(l.id, r.id) AS s" + std::to_string(i) + ", l.a, coalesce(a, l.a)";
  }
  EXPECT_EQ(Refused(wide + " FROM a l JOIN a r ON l.id = r.id"), "");
  EXPECT_EQ(Refused(Nest("if(a > 0, a, 0) AS a, count(*) OVER (PARTITION BY a ORDER BY a) n", 40)),
            "");
  EXPECT_EQ(Refused("SELECT * FROM t WHERE (a, b) IN ((1, 1), (2, 2)) AND a IN (1, 1, 1, 1)"), "");
}

}  // namespace
}  // namespace dcp::spark_sql
