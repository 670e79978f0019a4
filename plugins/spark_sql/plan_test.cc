// SPDX-License-Identifier: Apache-2.0
#include "spark_sql/plan.h"

#include <gtest/gtest.h>

namespace dcp::spark_sql {
namespace {

// The shape is Spark 4.1.2's.
constexpr std::string_view kPlan =
    "== Parsed Logical Plan ==\n'Project [*]\n+- 'UnresolvedRelation [x]\n\n"
    "== Analyzed Logical Plan ==\nname: string, n: bigint\n"
    "WithCTE\n"
    ":- CTERelationDef 1, false\n"
    ":  +- SubqueryAlias prod.nyc.airlines\n"
    ":     +- RelationV2[carrier#143, name#144] prod.nyc.airlines\n"
    "+- Aggregate [name#144], [name#144, 'one\n+- two' AS x]\n"
    "   :  +- RelationV2[dist#172L] prod.nyc.flights\n"
    "   +- Join Inner, (a#1 = b#2)\n"
    "      :- CTERelationRef 1, true, [carrier#143], false, false\n"
    "      +- RelationV2[dist#149L] prod.nyc.flights\n\n"
    "== Optimized Logical Plan ==\nScriptTransformation cat\n";

TEST(Plan, ListsInputsOnceInOrder) {
  const PlanFacts facts = ReadPlan(kPlan);
  EXPECT_EQ(facts.inputs, (std::vector<std::string>{"prod.nyc.airlines", "prod.nyc.flights"}));
  EXPECT_EQ(facts.denied, std::vector<std::string>{"two"});  // spoofed text can refuse, not allow
}

TEST(Plan, RefusesUnknownNodes) {
  const std::string head = "== Analyzed Logical Plan ==\na: int\n";
  EXPECT_TRUE(ReadPlan(head + "Project [a#1]\n+- OneRowRelation\n").denied.empty());
  EXPECT_EQ(ReadPlan(head + "Project [a#1]\n+- ScriptTransformation cat, [a#1]\n").denied,
            std::vector<std::string>{"ScriptTransformation"});
  EXPECT_EQ(ReadPlan(head + "Relation [value#1] text\n").denied,
            std::vector<std::string>{"Relation"});
  EXPECT_TRUE(ReadPlan("").denied.empty());
}

TEST(Plan, CapsTheTextBetweenCharacters) {
  EXPECT_EQ(CapPlan(std::string(kPlanBytesMax, 'x')).size(), kPlanBytesMax);
  const std::string cut = CapPlan(std::string(kPlanBytesMax - 1, 'x') + "\xC3\xA9");
  EXPECT_EQ(cut.find('\xC3'), std::string::npos);
  EXPECT_NE(cut.find("longer than"), std::string::npos);
}

}  // namespace
}  // namespace dcp::spark_sql
