// SPDX-License-Identifier: Apache-2.0
#include "spark_sql/engine_error.h"

#include <gtest/gtest.h>

#include "spark_sql/suggest.h"

namespace dcp::spark_sql {
namespace {

TEST(EngineError, CleansMessages) {
  EXPECT_EQ(
      CleanMessage("[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column `nope` cannot be resolved. Did "
                   "you mean [`k`]. SQLSTATE: 42703; line 2 pos 17;\n'Project [*]\n+- x"),
      "A column `nope` cannot be resolved. Did you mean [`k`]");
  EXPECT_EQ(
      CleanMessage("\n[PARSE_SYNTAX_ERROR] Syntax error at or near ')'. SQLSTATE: 42601 (line 3, "
                   "pos 0)\n\n== SQL ==\nx"),
      "Syntax error at or near ')'");
  EXPECT_EQ(CleanMessage("two\n lines"), "two lines");
  EXPECT_EQ(CleanMessage(""), "");
}

TEST(EngineError, TellsQueriesFromCatalogs) {
  EngineError catalog;
  catalog.exceptions = {"org.apache.iceberg.exceptions.RESTException",
                        "java.lang.RuntimeException"};
  EXPECT_FALSE(IsAboutQuery(catalog));
  EngineError nothing;
  EXPECT_FALSE(IsAboutQuery(nothing));
  EngineError query;
  query.error_class = "UNRESOLVED_COLUMN.WITH_SUGGESTION";
  EXPECT_TRUE(IsAboutQuery(query));
}

TEST(EngineError, SaysWhoseFaultItIs) {
  EngineError error;
  error.exceptions = {"org.apache.iceberg.exceptions.ServiceUnavailableException"};
  EXPECT_EQ(NotTheQuery(error).code, DCP_UNAVAILABLE);
  EXPECT_EQ(NotTheQuery(error).id, "PZ0244");
  error.exceptions = {"org.apache.iceberg.exceptions.NotAuthorizedException"};
  EXPECT_EQ(NotTheQuery(error).code, DCP_UNAUTHENTICATED);
  error.exceptions = {"org.apache.iceberg.exceptions.ForbiddenException"};
  EXPECT_EQ(NotTheQuery(error).code, DCP_PERMISSION_DENIED);
  error.exceptions = {"java.lang.StackOverflowError"};
  EXPECT_EQ(NotTheQuery(error).code, DCP_INTERNAL);
  EXPECT_EQ(NotTheQuery(error).id, "PZ0243");
}

TEST(Suggest, FindsSlipsAndNothingElse) {
  EXPECT_EQ(Nearest("carier", {"year", "carrier", "origin"}), "carrier");
  EXPECT_EQ(Nearest("dpe_delay", {"arr_delay", "dep_delay"}), "dep_delay");
  EXPECT_EQ(Nearest("xyz", {"year", "carrier"}), "");
  EXPECT_EQ(EditDistance("abc", "ACB"), 1U);
}

TEST(Names, AreParsed) {
  EXPECT_EQ(ParseNames("[`t`.`a`, `u`.`b c`]"), (std::vector<std::string>{"t.a", "u.b c"}));
  EXPECT_EQ(ParseNames("`a``b`"), std::vector<std::string>{"a`b"});
}

}  // namespace
}  // namespace dcp::spark_sql
