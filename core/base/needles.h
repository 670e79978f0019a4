// SPDX-License-Identifier: Apache-2.0
//
// One search for all secrets at once, and for what looks like a catalog token.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/decoding.h"

namespace dcp {

/// Of a secret that looks random, from so many bytes on a part is looked for as well: what a line's
/// end, a cut or a `[:-1]` leaves of it. 16 hex digits are 64 bits.
constexpr size_t kSecretPartMin = 16;

class Needles {
 public:
  /// None is shorter than kRedactedBytesMin.
  explicit Needles(std::vector<std::string> secrets);

  /// Where secrets stand, from the left, none inside another; with `tokens` also tokens.
  void Find(std::string_view text, bool tokens, std::vector<ByteRange>* found) const;
  /// Where at the text's end something has begun that may go on in the next piece.
  void FindOpen(std::string_view text, std::vector<size_t>* open) const;

 private:
  struct Needle {
    std::string text;
    size_t whole = 0;   ///< index of the secret that it is a part of
    size_t offset = 0;  ///< there
    bool is_part = false;
    bool is_token = false;
  };
  struct Place {
    std::string_view text;
    bool tokens = false;
    size_t free = 0;     ///< what is before is part of a match
    size_t run_end = 0;  ///< of the token characters among which the last token's head stood
  };

  void AddParts(size_t whole);
  void Index();
  ByteRange MatchAt(Place* place, size_t begin) const;
  ByteRange PartAt(const Place& place, const Needle& needle, size_t begin) const;

  std::vector<std::string> secrets_;
  std::vector<Needle> needles_;
  size_t shortest_ = 0;
  std::array<uint8_t, size_t{1} << 16> shift_{};
  std::array<uint32_t, (size_t{1} << 16) + 1> block_begin_{};
  std::vector<uint32_t>
      by_block_;  ///< needles by the block that ends their first `shortest_` bytes
};

}  // namespace dcp
