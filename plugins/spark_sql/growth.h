// SPDX-License-Identifier: Apache-2.0
//
// How much larger than its text a query becomes. Spark puts the query of a WITH in each place that
// names it, so a chain of them that each use the last one twice doubles with every link; and a
// column that is put into a struct twice, or a `*` that stands twice, doubles with every query
// around it. Twenty such steps are a kilobyte of text and all the memory of a server that other
// tenants use, too.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "spark_sql/lexer.h"

namespace dcp::spark_sql {

class Findings;

/// Copies of the queries of a WITH in one statement. Those of TPC-DS need less than thirty.
constexpr size_t kCopiesMax = 2'000;
/// How many times a column stands in what the last query makes of it.
constexpr size_t kColumnCopiesMax = size_t{1} << 14;
/// The columns of a query as it is answered and kept: names and types with all that is nested.
constexpr size_t kSchemaBytesMax = size_t{1} << 20;

/// Whether columns of that size are kept; if not, says so.
bool CheckSchemaSize(size_t bytes, Findings* findings);

/// What of the first `count` tokens grows too much. Counts rather too much than too little. [any]
std::optional<Denial> JudgeGrowth(const std::vector<Token>& tokens, size_t count);

}  // namespace dcp::spark_sql
