// SPDX-License-Identifier: Apache-2.0
//
// One escaped character of a text, in whatever notation.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace dcp {

/// At most a code point in UTF-8.
struct EscapedBytes {
  std::array<char, 4> bytes{};
  size_t size = 0;
  std::string_view view() const { return {bytes.data(), size}; }
};

struct Escape {
  size_t size = 0;          ///< of the source; 0: no escape stands there
  bool unfinished = false;  ///< it may go on after the text's end
  EscapedBytes stands_for;
};

/// Whether an escape may begin with this character.
constexpr bool BeginsEscape(char c) {
  return c == '%' || c == '\\' || c == '&' || c == '\'' || c == '"';
}
/// The escape at the text's beginning.
Escape ReadEscape(std::string_view text);

}  // namespace dcp
