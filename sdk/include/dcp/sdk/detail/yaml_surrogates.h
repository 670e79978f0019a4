// SPDX-License-Identifier: Apache-2.0
//
// JSON is YAML, but for one thing that every JSON writer emits: a character beyond U+FFFF as two
// escapes, "\ud83d\ude00". YAML has no such pairs, and yaml-cpp refuses them. While a text is
// parsed each half is replaced by an escape of the same length for a character that the text does
// not use, so that every place stays where it is; afterwards the two become the character that was
// meant.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace dcp::sdk::yaml::detail {

inline int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The value of `\uXXXX` at `at`, or -1.
inline int EscapeAt(std::string_view text, size_t at) {
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return -1;
  int value = 0;
  for (size_t i = at + 2; i < at + 6; ++i) {
    const int digit = HexDigit(text[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/// Stands for surrogates by characters of a block of 2048 that are for private use.
class Surrogates {
 public:
  /// Replaces the pairs of `text`. Does nothing when it has none, or uses all the blocks itself.
  explicit Surrogates(std::string& text) {
    if (text.find("\\ud") == text.npos && text.find("\\uD") == text.npos) return;
    base_ = UnusedBlock(text);
    if (base_ == 0) return;
    for (size_t at = text.find('\\'); at < text.size();) {
      const int high = EscapeAt(text, at);
      const int low = EscapeAt(text, at + 6);
      if (high >= 0xD800 && high <= 0xDBFF && low >= 0xDC00 && low <= 0xDFFF) {
        Write(text, at, base_ + (high - 0xD800));
        Write(text, at + 6, base_ + (low - 0xD800));
        any_ = true;
        at += 12;
      } else {
        at += 2;  // an escaped backslash begins no escape
      }
      at = text.find('\\', at);
    }
  }

  /// A scalar as it was meant: of one in double quotes the characters, of any other the text.
  std::string Restore(std::string value, bool double_quoted) const {
    if (!any_) return value;
    return double_quoted ? Characters(value) : Text(std::move(value));
  }

 private:
  static void Write(std::string& text, size_t at, int value) {
    constexpr char kDigits[] = "0123456789abcdef";
    for (int shift = 12; shift >= 0; shift -= 4, ++at) {
      text[at + 2] = kDigits[(value >> shift) & 0xF];
    }
  }
  static void Append(std::string& to, uint32_t c) {
    to += static_cast<char>(0xF0U | (c >> 18U));
    to += static_cast<char>(0x80U | ((c >> 12U) & 0x3FU));
    to += static_cast<char>(0x80U | ((c >> 6U) & 0x3FU));
    to += static_cast<char>(0x80U | (c & 0x3FU));
  }
  /// The character of three bytes at `at`, or 0.
  static int CharacterAt(std::string_view text, size_t at) {
    if (at + 3 > text.size() || (static_cast<unsigned char>(text[at]) & 0xF0U) != 0xE0) return 0;
    const auto bits = [&](size_t i, unsigned mask) {
      return static_cast<int>(static_cast<unsigned char>(text[at + i]) & mask);
    };
    return bits(0, 0x0FU) << 12 | bits(1, 0x3FU) << 6 | bits(2, 0x3FU);
  }
  /// Its first character, or 0 when the text uses each block, as a character or as an escape.
  static int UnusedBlock(const std::string& text) {
    std::array<bool, 3> used{};
    const auto mark = [&used](int c) {
      if (c >= 0xE000 && c < 0xF800) used[static_cast<size_t>((c - 0xE000) / 2048)] = true;
    };
    for (size_t at = 0; at < text.size(); ++at) {
      mark(CharacterAt(text, at));
      mark(EscapeAt(text, at));
      // A long escape ends like a short one.
      if (text.compare(at, 6, "\\U0000") == 0) mark(EscapeAt("\\u" + text.substr(at + 6, 4), 0));
    }
    for (size_t block = 0; block < used.size(); ++block) {
      if (!used[block]) return 0xE000 + static_cast<int>(block) * 2048;
    }
    return 0;
  }
  bool IsHalf(int c) const { return c >= base_ && c < base_ + 2048; }

  std::string Characters(std::string_view value) const {
    std::string out;
    for (size_t at = 0; at < value.size();) {
      const int high = CharacterAt(value, at);
      const int low = CharacterAt(value, at + 3);
      if (!IsHalf(high) || !IsHalf(low)) {
        out += value[at++];
        continue;
      }
      Append(out, 0x10000U + (static_cast<uint32_t>(high - base_) << 10U) +
                      static_cast<uint32_t>(low - base_ - 0x400));
      at += 6;
    }
    return out;
  }
  std::string Text(std::string value) const {
    for (size_t at = value.find("\\u"); at < value.npos; at = value.find("\\u", at + 2)) {
      const int half = EscapeAt(value, at);
      if (IsHalf(half)) Write(value, at, half - base_ + 0xD800);
    }
    return value;
  }

  int base_ = 0;
  bool any_ = false;
};

}  // namespace dcp::sdk::yaml::detail
