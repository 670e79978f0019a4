// SPDX-License-Identifier: Apache-2.0
#include "base/escapes.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace dcp {
namespace {

/// "&CounterClockwiseContourIntegral;" is longer, and stands for nothing that a secret holds.
constexpr size_t kEntityNameMax = 8;
/// Digits of a reference by number: U+10FFFF has seven, some write zeroes before.
constexpr size_t kEntityDigitsMax = 8;

struct Named {
  std::string_view name;
  char stands_for;
};

/// ASCII's punctuation by HTML's names.
constexpr auto kEntities = std::to_array<Named>({
    {"amp", '&'},    {"AMP", '&'},      {"lt", '<'},     {"LT", '<'},     {"gt", '>'},
    {"GT", '>'},     {"quot", '"'},     {"QUOT", '"'},   {"apos", '\''},  {"nbsp", ' '},
    {"Tab", '\t'},   {"NewLine", '\n'}, {"excl", '!'},   {"num", '#'},    {"dollar", '$'},
    {"percnt", '%'}, {"lpar", '('},     {"rpar", ')'},   {"ast", '*'},    {"midast", '*'},
    {"plus", '+'},   {"comma", ','},    {"period", '.'}, {"sol", '/'},    {"colon", ':'},
    {"semi", ';'},   {"equals", '='},   {"quest", '?'},  {"commat", '@'}, {"lsqb", '['},
    {"lbrack", '['}, {"bsol", '\\'},    {"rsqb", ']'},   {"rbrack", ']'}, {"Hat", '^'},
    {"lowbar", '_'}, {"grave", '`'},    {"lcub", '{'},   {"lbrace", '{'}, {"verbar", '|'},
    {"vert", '|'},   {"rcub", '}'},     {"rbrace", '}'}, {"hyphen", '-'}, {"dash", '-'},
});

int DigitOf(char c, int base) {
  int value = -1;
  if (c >= '0' && c <= '9') value = c - '0';
  if (c >= 'a' && c <= 'f') value = c - 'a' + 10;
  if (c >= 'A' && c <= 'F') value = c - 'A' + 10;
  return value < base ? value : -1;
}

bool IsLetterOrDigit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

struct Number {
  char32_t value = 0;
  size_t digits = 0;
};

Number ReadNumber(std::string_view text, int base, size_t digits_max) {
  Number number;
  while (number.digits < std::min(digits_max, text.size())) {
    const int digit = DigitOf(text[number.digits], base);
    if (digit < 0) break;
    number.value = number.value * static_cast<char32_t>(base) + static_cast<char32_t>(digit);
    ++number.digits;
  }
  return number;
}

Escape None() { return {}; }
Escape Unfinished() { return {0, true, {}}; }
Escape Of(size_t size, EscapedBytes bytes) { return {size, false, bytes}; }
Escape OfByte(size_t size, char32_t byte) {
  return Of(size, {{static_cast<char>(static_cast<uint8_t>(byte))}, 1});
}
Escape OfCharacter(size_t size, char c) { return Of(size, {{c}, 1}); }

/// U+FFFD for what is no code point.
EscapedBytes Utf8(char32_t code_point) {
  const auto byte = [](char32_t bits) { return static_cast<char>(static_cast<uint8_t>(bits)); };
  const auto next = [&](int shift) { return byte(0x80 | ((code_point >> shift) & 0x3F)); };
  if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) return Utf8(0xFFFD);
  if (code_point < 0x80) return {{byte(code_point)}, 1};
  if (code_point < 0x800) return {{byte(0xC0 | (code_point >> 6)), next(0)}, 2};
  if (code_point < 0x10000) return {{byte(0xE0 | (code_point >> 12)), next(6), next(0)}, 3};
  return {{byte(0xF0 | (code_point >> 18)), next(12), next(6), next(0)}, 4};
}

/// Exactly `digits` hex digits after the first `head` characters.
std::optional<Number> HexAfter(std::string_view text, size_t head, size_t digits, Escape* other) {
  const Number number = ReadNumber(text.substr(std::min(head, text.size())), 16, digits);
  if (number.digits == digits) return number;
  *other = head + number.digits >= text.size() ? Unfinished() : None();
  return std::nullopt;
}

/// A code point of four digits after `head` characters; two of them may be halves of one.
Escape ReadUtf16(std::string_view text, std::string_view head) {
  Escape other;
  const auto first = HexAfter(text, head.size(), 4, &other);
  if (!first) return other;
  const size_t size = head.size() + 4;
  if (first->value < 0xD800 || first->value > 0xDBFF) return Of(size, Utf8(first->value));
  const std::string_view rest = text.substr(size);
  const size_t common = std::min(rest.size(), head.size());
  Escape half = Of(size, Utf8(first->value));
  if (rest.substr(0, common) != head.substr(0, common)) return half;
  const auto second = HexAfter(rest, head.size(), 4, &other);
  half.unfinished = !second && other.unfinished;
  if (!second || second->value < 0xDC00 || second->value > 0xDFFF) return half;
  return Of(2 * size, Utf8(0x10000 + ((first->value - 0xD800) << 10) + (second->value - 0xDC00)));
}

/// \u{1f600}
Escape ReadBraced(std::string_view text) {
  const Number number = ReadNumber(text.substr(3), 16, kEntityDigitsMax);
  const size_t end = 3 + number.digits;
  if (end >= text.size()) return Unfinished();
  if (number.digits == 0 || text[end] != '}') return None();
  return Of(end + 1, Utf8(number.value));
}

Escape ReadBackslash(std::string_view text) {
  if (text.size() < 2) return Unfinished();
  constexpr std::string_view kLetters = "abefnrtv";
  constexpr std::string_view kControls = "\a\b\x1b\f\n\r\t\v";
  const char kind = text[1];
  Escape other;
  if (kind == 'x') {
    const auto number = HexAfter(text, 2, 2, &other);
    return number ? OfByte(4, number->value) : other;
  }
  if (kind == 'u' && text.size() > 2 && text[2] == '{') return ReadBraced(text);
  if (kind == 'u') return ReadUtf16(text, "\\u");
  if (kind == 'U') {
    const auto number = HexAfter(text, 2, 8, &other);
    return number ? Of(10, Utf8(number->value)) : other;
  }
  if (kind >= '0' && kind <= '7') {
    const Number number = ReadNumber(text.substr(1), 8, 3);
    Escape escape = OfByte(1 + number.digits, number.value & 0xFF);
    escape.unfinished = number.digits < 3 && escape.size == text.size();
    return escape;
  }
  if (const size_t at = kLetters.find(kind); at != std::string_view::npos) {
    return OfCharacter(2, kControls[at]);
  }
  if (IsLetterOrDigit(kind)) return None();
  return OfCharacter(2, kind);
}

Escape ReadPercent(std::string_view text) {
  if (text.size() < 2) return Unfinished();
  if (text[1] == 'u') return ReadUtf16(text, "%u");
  Escape other;
  const auto number = HexAfter(text, 1, 2, &other);
  return number ? OfByte(3, number->value) : other;
}

Escape ReadEntity(std::string_view text) {
  if (text.size() < 3) return Unfinished();
  if (text[1] == '#') {
    const size_t head = text[2] == 'x' || text[2] == 'X' ? 3 : 2;
    const Number number = ReadNumber(text.substr(head), head == 3 ? 16 : 10, kEntityDigitsMax);
    const size_t end = head + number.digits;
    if (number.digits == 0) return end >= text.size() ? Unfinished() : None();
    const bool closed = end < text.size() && text[end] == ';';
    Escape escape = Of(closed ? end + 1 : end, Utf8(number.value));
    escape.unfinished = end == text.size();
    return escape;
  }
  size_t end = 1;
  while (end < text.size() && end <= kEntityNameMax && IsLetterOrDigit(text[end])) ++end;
  if (end == text.size() && end <= kEntityNameMax) return Unfinished();
  if (end == text.size() || text[end] != ';') return None();
  for (const Named& each : kEntities) {
    if (each.name == text.substr(1, end - 1)) return OfCharacter(end + 1, each.stands_for);
  }
  return None();
}

/// A quote within quotes: SQL, CSV and YAML double it, the shell goes out and in again.
Escape ReadQuote(std::string_view text) {
  for (const std::string_view outside : {R"('"'"')", R"('\'')"}) {
    if (text.starts_with(outside)) return OfCharacter(outside.size(), '\'');
  }
  if (text.size() > 1 && text[1] == text[0]) return OfCharacter(2, text[0]);
  return None();
}

}  // namespace

Escape ReadEscape(std::string_view text) {
  switch (text.empty() ? '\0' : text[0]) {
    case '%':
      return ReadPercent(text);
    case '\\':
      return ReadBackslash(text);
    case '&':
      return ReadEntity(text);
    case '\'':
    case '"':
      return ReadQuote(text);
    default:
      return None();
  }
}

}  // namespace dcp
