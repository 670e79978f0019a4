// SPDX-License-Identifier: Apache-2.0
//
// Reads the text of EXPLAIN EXTENDED: which tables the analyzed plan reads, and whether it holds a
// node that a query over catalog tables has no use for. Text can be spoofed by literals with line
// feeds, so this only ever adds a refusal; it allows nothing that the screen refused.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dcp::spark_sql {

/// Plan text handed back at most; a plan beyond this is read by nobody. UTF-8 is never cut within
/// a character.
constexpr size_t kPlanBytesMax = size_t{1} << 20;

struct PlanFacts {
  std::vector<std::string> inputs;  ///< "catalog.namespace.table", each once, in plan order
  std::vector<std::string> denied;  ///< names of nodes that are not on the allow-list
};

/// [any]
PlanFacts ReadPlan(std::string_view explain);

/// The names of nodes that an analyzed plan may hold, for who has the plan itself. [any]
std::span<const std::string_view> AllowedNodes();

/// `text` within kPlanBytesMax, with a note when it was cut.
std::string CapPlan(std::string text);

}  // namespace dcp::spark_sql
