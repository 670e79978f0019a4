// SPDX-License-Identifier: Apache-2.0
//
// A command over more manifests than one run takes is several runs. Which manifests go into which
// is decided here: those that read each other together, as far as a run can hold them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace dcp::cli {

/// What is kept of a manifest: ten thousand of them are held at once. Names are hashes; two that
/// are the same by accident only put two manifests into one run.
struct Outlined {
  size_t datasets = 1;
  uint64_t bytes = 0;  ///< of it and of the files that it names
  size_t files = 0;    ///< that it names
  std::vector<uint64_t> defines;
  std::vector<uint64_t> reads;  ///< what may be datasets of this command
  std::vector<uint64_t> params;
};

/// FNV-1a, which is the same in every build: it is a part of tokens. Goes on from `before`.
uint64_t NameHash(std::string_view name, uint64_t before = 0xCBF29CE484222325U);

struct SplitLimits {
  size_t datasets = 0;
  uint64_t bytes = 0;
  size_t files = 0;
};

struct Piece {
  std::vector<size_t> manifests;  ///< in the order in which they were given
  size_t datasets = 0;
  /// Of manifests that read each other and are too many for one run: pieces of the same set, from
  /// 1, stand in the order in which they read. 0: nothing outside of the piece reads it or is read.
  size_t set = 0;
};

struct Split {
  std::vector<Piece> pieces;
  size_t largest = 0;        ///< datasets of the largest set that is too large for one run; 0: none
  size_t largest_first = 0;  ///< a manifest of it
};

/// Deterministic: the same manifests make the same pieces. [any]
Split SplitManifests(const std::vector<Outlined>& manifests, const SplitLimits& limits);

}  // namespace dcp::cli
