// SPDX-License-Identifier: Apache-2.0
//
// Identifiers: random ones for things we make, and the rule for names people choose.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace dcp {

/// `bytes` random bytes of the kernel's generator as lower-case hex.
std::string RandomHex(size_t bytes);
/// A version 4 UUID in the usual text form.
std::string RandomUuid();
/// A run id: "r" and 16 hex digits; safe in file names, URLs and SQL.
std::string NewRunId();
/// Whether `text` is of that very form.
bool IsRunId(std::string_view text);

/// A playground's name: [a-z][a-z0-9-]{0,62}, not ending in '-'. It is its id, and stands in
/// URLs, paths and namespaces, so nothing else is let in.
Status CheckPlaygroundName(std::string_view name);

/// The candidate nearest to `word` by edit distance, or "" when none is near
/// enough to be worth suggesting. Used for every "did you mean".
template <typename Range>
std::string Nearest(std::string_view word, const Range& candidates);
/// Edit distance of two words; insertion, deletion, replacement, swap of neighbours cost 1.
size_t EditDistance(std::string_view a, std::string_view b);

template <typename Range>
std::string Nearest(std::string_view word, const Range& candidates) {
  std::string best;
  size_t best_distance = word.size() / 3 + 1;  // one slip in three letters, and at least one
  for (const auto& candidate : candidates) {
    const size_t distance = EditDistance(word, candidate);
    if (distance <= best_distance && (best.empty() || distance < best_distance)) {
      best = std::string(candidate);
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace dcp
