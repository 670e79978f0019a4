// SPDX-License-Identifier: Apache-2.0
//
// Did you mean: the nearest of some names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dcp::spark_sql {

/// Names longer than this are not compared: the distance costs their product.
constexpr size_t kSuggestBytesMax = 256;

/// Edits (insert, delete, replace, swap of neighbours) between two words, ignoring ASCII case.
size_t EditDistance(std::string_view a, std::string_view b);

/// The candidate nearest to `word`, or "" when none is near enough to be a slip of the hand.
std::string Nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace dcp::spark_sql
