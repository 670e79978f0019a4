// SPDX-License-Identifier: Apache-2.0
#include "spark_sql/plan.h"

#include <algorithm>
#include <array>

namespace dcp::spark_sql {
namespace {

// Nodes of an analyzed plan of a query over catalog tables. A new Spark's node is refused until
// somebody has looked at it.
constexpr std::array<std::string_view, 49> kNodes = {"Aggregate",
                                                     "AsOfJoin",
                                                     "CTE",
                                                     "CTERelationDef",
                                                     "CTERelationRef",
                                                     "Deduplicate",
                                                     "Distinct",
                                                     "Except",
                                                     "Expand",
                                                     "Filter",
                                                     "Generate",
                                                     "GlobalLimit",
                                                     "GroupingSets",
                                                     "InlineTable",
                                                     "Intersect",
                                                     "Join",
                                                     "LateralJoin",
                                                     "LocalLimit",
                                                     "LocalRelation",
                                                     "Offset",
                                                     "OneRowRelation",
                                                     "Pivot",
                                                     "Project",
                                                     "Range",
                                                     "RebalancePartitions",
                                                     "RelationV2",
                                                     "Repartition",
                                                     "RepartitionByExpression",
                                                     "ResolvedHint",
                                                     "ResolvedInlineTable",
                                                     "Sample",
                                                     "Sort",
                                                     "Subquery",
                                                     "SubqueryAlias",
                                                     "Tail",
                                                     "Transpose",
                                                     "Union",
                                                     "UnionLoop",
                                                     "UnionLoopRef",
                                                     "Unpivot",
                                                     "UnresolvedHint",
                                                     "View",
                                                     "Window",
                                                     "WithCTE",
                                                     "WithWindowDefinition",
                                                     "Values",
                                                     "DataSourceV2Relation",
                                                     "DataSourceV2ScanRelation",
                                                     "PipeOperator"};

bool IsWord(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The lines of the analyzed plan, without the schema line in front of them.
std::string_view AnalyzedSection(std::string_view explain) {
  constexpr std::string_view kHead = "== Analyzed Logical Plan ==\n";
  const size_t head = explain.find(kHead);
  if (head == std::string_view::npos) return {};
  std::string_view section = explain.substr(head + kHead.size());
  section =
      section.substr(0, std::min(section.find("\n== Optimized Logical Plan =="), section.size()));
  const size_t feed = section.find('\n');
  return feed == std::string_view::npos ? section : section.substr(feed + 1);
}

// The node on a line of the tree, without the drawing in front of it; "" for anything else.
std::string_view NodeOf(std::string_view line, bool root) {
  size_t at = 0;
  while (at < line.size() && (line[at] == ' ' || line[at] == ':' || line[at] == '|')) ++at;
  if (line.substr(at).starts_with("+- ")) {
    line.remove_prefix(at + 3);
  } else if (at >= 1 && at + 1 < line.size() && line[at] == '-' && line[at - 1] == ':') {
    line.remove_prefix(at + 2);
  } else if (!root) {
    return {};
  }
  return line;
}

// "RelationV2[a#1, b#2] prod.nyc.flights ..." -> "prod.nyc.flights"
std::string TableOf(std::string_view node) {
  const size_t close = node.find("] ");
  if (close == std::string_view::npos) return {};
  const std::string_view rest = node.substr(close + 2);
  return std::string(rest.substr(0, std::min(rest.find_first_of(" \t"), rest.size())));
}

void AddOnce(std::vector<std::string>& list, std::string text) {
  if (!text.empty() && std::find(list.begin(), list.end(), text) == list.end()) {
    list.push_back(std::move(text));
  }
}

}  // namespace

PlanFacts ReadPlan(std::string_view explain) {
  PlanFacts facts;
  std::string_view rest = AnalyzedSection(explain);
  for (bool root = true; !rest.empty(); root = false) {
    const size_t feed = std::min(rest.find('\n'), rest.size());
    const std::string_view node = NodeOf(rest.substr(0, feed), root);
    rest.remove_prefix(std::min(feed + 1, rest.size()));
    size_t length = 0;
    while (length < node.size() && IsWord(node[length])) ++length;
    const std::string_view name = node.substr(0, length);
    if (name.empty()) continue;
    if (name == "RelationV2" || name.starts_with("DataSourceV2")) {
      AddOnce(facts.inputs, TableOf(node));
    } else if (std::find(kNodes.begin(), kNodes.end(), name) == kNodes.end()) {
      AddOnce(facts.denied, std::string(name));
    }
  }
  return facts;
}

std::span<const std::string_view> AllowedNodes() { return kNodes; }

std::string CapPlan(std::string text) {
  if (text.size() <= kPlanBytesMax) return text;
  size_t end = kPlanBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text + "\n... (the plan is longer than " + std::to_string(kPlanBytesMax) + " bytes)";
}

}  // namespace dcp::spark_sql
