// SPDX-License-Identifier: Apache-2.0
#include "spark_sql/suggest.h"

#include <algorithm>

#include "spark_sql/lexer.h"

namespace dcp::spark_sql {

size_t EditDistance(std::string_view a, std::string_view b) {
  const std::string x = Lower(a);
  const std::string y = Lower(b);
  std::vector<std::vector<size_t>> cost(x.size() + 1, std::vector<size_t>(y.size() + 1));
  for (size_t i = 0; i <= x.size(); ++i) cost[i][0] = i;
  for (size_t j = 0; j <= y.size(); ++j) cost[0][j] = j;
  for (size_t i = 1; i <= x.size(); ++i) {
    for (size_t j = 1; j <= y.size(); ++j) {
      const size_t replace = cost[i - 1][j - 1] + (x[i - 1] == y[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replace});
      if (i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[x.size()][y.size()];
}

std::string Nearest(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.size() > kSuggestBytesMax) return {};
  // Up to a third of the letters may be wrong; beyond that a suggestion misleads.
  size_t best = std::max<size_t>(1, word.size() / 3) + 1;
  std::string nearest;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kSuggestBytesMax) continue;
    const size_t distance = EditDistance(word, candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace dcp::spark_sql
