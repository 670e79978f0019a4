// SPDX-License-Identifier: Apache-2.0
#include "base/decoding.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "base/escapes.h"

namespace dcp {
namespace {

/// Between what was not beside each other, so that it does not read as one.
constexpr std::string_view kApart = "\x1f";

constexpr std::array<int8_t, 256> DigitTable(std::string_view digits) {
  std::array<int8_t, 256> table{};
  table.fill(-1);
  for (size_t i = 0; i < digits.size(); ++i) {
    table[static_cast<unsigned char>(digits[i])] = static_cast<int8_t>(i);
  }
  return table;
}

constexpr std::array<int8_t, 256> Base64Table() {
  auto table = DigitTable("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
  table['-'] = 62;
  table['_'] = 63;
  return table;
}

constexpr std::array<int8_t, 256> HexTable() {
  auto table = DigitTable("0123456789abcdef");
  for (char c = 'A'; c <= 'F'; ++c) {
    table[static_cast<unsigned char>(c)] = static_cast<int8_t>(c - 'A' + 10);
  }
  return table;
}

constexpr std::array<int8_t, 256> kBase64Values = Base64Table();
constexpr std::array<int8_t, 256> kHexValues = HexTable();

int8_t ValueOf(const std::array<int8_t, 256>& table, char c) {
  return table[static_cast<unsigned char>(c)];
}

struct Notation {
  const std::array<int8_t, 256>& values;
  size_t bits;  ///< of a character
  size_t run_min;
  Decoded::Ratio ratio;
};

const Notation kBase64{kBase64Values, 6, (kDecodedBytesMin * 8 + 5) / 6, Decoded::Ratio::kBase64};
const Notation kHex{kHexValues, 4, kDecodedBytesMin * 2, Decoded::Ratio::kHex};

/// The bytes that are whole in a run of characters which hold a fixed number of bits each.
std::string_view DecodeRun(std::string_view run, const Notation& notation, size_t skipped,
                           std::string* buffer) {
  buffer->resize(run.size());
  char* out = buffer->data();
  uint32_t held = 0;
  size_t bits = notation.bits - skipped;
  if (!run.empty()) {
    held = static_cast<uint32_t>(ValueOf(notation.values, run[0])) & ((1U << bits) - 1);
    run.remove_prefix(1);
  }
  for (const char c : run) {
    held = (held << notation.bits) | static_cast<uint32_t>(ValueOf(notation.values, c));
    bits += notation.bits;
    if (bits < 8) continue;
    bits -= 8;
    *out++ = static_cast<char>(static_cast<uint8_t>(held >> bits));
  }
  return {buffer->data(), static_cast<size_t>(out - buffer->data())};
}

std::optional<Decoded> FromRuns(std::string_view text, const std::vector<ByteRange>& runs,
                                const Notation& notation, size_t skipped, bool goes_on) {
  if (runs.empty()) return std::nullopt;
  std::optional<Decoded> decoded(std::in_place);
  std::string buffer;
  for (const auto& [begin, end] : runs) {
    if (!decoded->text().empty()) decoded->Add(Decoded::Ratio::kUnit, begin, 0, kApart);
    decoded->Add(notation.ratio, begin, end - begin,
                 DecodeRun(text.substr(begin, end - begin), notation, skipped, &buffer), skipped);
    // The last character may begin a byte.
    if (goes_on && end == text.size()) decoded->Open(end - 1, true);
  }
  return decoded;
}

/// The runs within [begin, end) of characters that have a value.
void AddRuns(std::string_view text, ByteRange within, const Notation& notation, bool goes_on,
             std::vector<ByteRange>* runs) {
  for (size_t begin = within.begin; begin < within.end;) {
    size_t end = begin;
    while (end < within.end && ValueOf(notation.values, text[end]) >= 0) ++end;
    const bool last = goes_on && end == text.size() && end > begin;
    if (end - begin >= notation.run_min || last) runs->push_back({begin, end});
    begin = end + 1;
  }
}

/// "0xff", "-128"; and the space before it as forms have it, which base64 has too
constexpr size_t kWrittenByteMax = 5;

enum : uint8_t { kNothing, kWord, kEscape, kBreak, kNul };

constexpr std::array<uint8_t, 256> KindTable() {
  std::array<uint8_t, 256> table{};
  for (size_t i = 0; i < table.size(); ++i) {
    const char c = static_cast<char>(i);
    const bool is_break = c == '\n' || c == '\r';
    table[i] = kBase64Values[i] >= 0 ? kWord
               : BeginsEscape(c)     ? kEscape
               : c == '\0'           ? kNul
               : is_break            ? kBreak
                                     : kNothing;
  }
  return table;
}
constexpr std::array<uint8_t, 256> kKinds = KindTable();

struct WrittenNumber {
  size_t size = 0;  ///< 0: no number of a byte
  char byte = 0;
};

/// 255, -1 (as Java has it); 0xff, ff.
WrittenNumber ReadByte(std::string_view text, bool decimal) {
  size_t at = 0;
  const bool negative = decimal && text.starts_with('-');
  if (negative) ++at;
  if (!decimal && (text.starts_with("0x") || text.starts_with("0X"))) at += 2;
  const size_t first = at;
  int value = 0;
  const int base = decimal ? 10 : 16;
  for (; at < text.size() && at - first < 4; ++at) {
    const int8_t digit = ValueOf(kHexValues, text[at]);
    if (digit < 0 || digit >= base) break;
    value = value * base + digit;
  }
  const size_t digits = at - first;
  const bool whole = decimal ? digits >= 1 && digits <= 3 : digits == 2;
  if (!whole || value > (negative ? 128 : 255)) return {};
  return {at, static_cast<char>(static_cast<uint8_t>(negative ? 256 - value : value))};
}

bool IsBetweenNumbers(char c) {
  return c == ' ' || c == ',' || c == ':' || c == ';' || c == '-' || c == '+' || c == '\t' ||
         c == '\n' || c == '\r';
}

bool IsWordCharacter(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/// At the end of a piece, where it may have more digits.
bool IsUnfinishedNumber(std::string_view rest) {
  return rest.size() <= kWrittenByteMax && std::all_of(rest.begin(), rest.end(), [](char c) {
           return c == '-' || c == '+' || IsWordCharacter(c);
         });
}

/// Of what stands between two numbers, ", " and an end of line with its indent included.
constexpr size_t kBetweenNumbersMax = 16;

}  // namespace

void Decoded::Add(Ratio ratio, size_t from, size_t size, std::string_view bytes, size_t skipped) {
  segments_.push_back({text_.size(), from, size, skipped, ratio});
  text_ += bytes;
}

const Decoded::Segment& Decoded::SegmentOf(size_t at) const {
  const auto after =
      std::upper_bound(segments_.begin(), segments_.end(), at,
                       [](size_t value, const Segment& segment) { return value < segment.at; });
  return *std::prev(after);
}

ByteRange Decoded::Source(ByteRange range) const {
  const auto of = [this](size_t at) -> ByteRange {
    const Segment& segment = SegmentOf(at);
    const size_t n = at - segment.at;
    switch (segment.ratio) {
      case Ratio::kCopy:
        return {segment.from + n, segment.from + n + 1};
      case Ratio::kUnit:
        break;
      case Ratio::kHex:
      case Ratio::kBase64: {
        const size_t bits = segment.ratio == Ratio::kHex ? 4 : 6;
        const size_t first = segment.skipped + 8 * n;
        return {segment.from + first / bits, segment.from + (first + 7) / bits + 1};
      }
    }
    return {segment.from, segment.from + segment.size};
  };
  return {of(range.begin).begin, of(range.end - 1).end};
}

std::optional<Decoded> Unescape(std::string_view text, bool goes_on) {
  std::optional<Decoded> decoded;
  size_t copied = 0;
  const auto copy = [&](size_t end) {
    if (end > copied) {
      decoded->Add(Decoded::Ratio::kCopy, copied, end - copied, text.substr(copied, end - copied));
    }
  };
  for (size_t at = 0; at < text.size();) {
    if (!BeginsEscape(text[at])) {
      ++at;
      continue;
    }
    const Escape escape = ReadEscape(text.substr(at));
    if (escape.unfinished && goes_on) {
      if (!decoded) decoded.emplace();
      copy(at);
      decoded->Open(at, true);
      return decoded;
    }
    if (escape.size == 0) {
      ++at;
      continue;
    }
    if (!decoded) decoded.emplace();
    copy(at);
    decoded->Add(Decoded::Ratio::kUnit, at, escape.size, escape.stands_for.view());
    at += escape.size;
    copied = at;
  }
  if (!decoded) return decoded;
  copy(text.size());
  if (goes_on) decoded->Open(std::string::npos, true);
  return decoded;
}

namespace {

/// Without these characters; after the end of a line also without the next line's indent.
std::optional<Decoded> Without(std::string_view text, std::string_view left_out) {
  std::optional<Decoded> decoded;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find_first_of(left_out, at), text.size());
    if (end == text.size() && !decoded) break;
    if (!decoded) decoded.emplace();
    if (end > at) {
      decoded->Add(Decoded::Ratio::kCopy, at, end - at, text.substr(at, end - at));
    }
    at = end;
    while (at < text.size() && left_out.find(text[at]) != std::string_view::npos) {
      const bool line = text[at] == '\n';
      ++at;
      while (line && at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
    }
  }
  return decoded;
}

}  // namespace

std::optional<Decoded> JoinLines(std::string_view text) { return Without(text, "\n\r"); }

std::optional<Decoded> WithoutNuls(std::string_view text, bool goes_on) {
  auto decoded = Without(text, std::string_view("\0", 1));
  if (decoded && goes_on) decoded->Open(std::string::npos, true);
  return decoded;
}

std::optional<Decoded> OnlyText(std::string_view bytes) {
  const auto is_text = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte < 0x7F) || c == '\t' || c == '\n' || c == '\r' || c == '\0';
  };
  // A character of UTF-8 with its second byte; the others are like the second.
  const auto size_of = [&](size_t at) -> size_t {
    if (is_text(bytes[at])) return 1;
    const auto byte = static_cast<unsigned char>(bytes[at]);
    const size_t size = byte < 0xC2 ? 0 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : byte < 0xF5 ? 4 : 0;
    if (size == 0 || at + size > bytes.size()) return 0;
    for (size_t i = 1; i < size; ++i) {
      if ((static_cast<unsigned char>(bytes[at + i]) & 0xC0) != 0x80) return 0;
    }
    return size;
  };
  std::optional<Decoded> decoded;
  for (size_t begin = 0; begin < bytes.size();) {
    size_t end = begin;
    for (size_t size = 0; end < bytes.size() && (size = size_of(end)) > 0;) end += size;
    if (end - begin >= kDecodedBytesMin) {
      if (!decoded) decoded.emplace();
      if (!decoded->text().empty()) decoded->Add(Decoded::Ratio::kUnit, begin, 0, kApart);
      decoded->Add(Decoded::Ratio::kCopy, begin, end - begin, bytes.substr(begin, end - begin));
    }
    begin = end + 1;
  }
  return decoded;
}

Survey SurveyOf(std::string_view text, bool goes_on) {
  Survey survey;
  size_t short_words = 0;  // in a row
  for (size_t at = 0; at < text.size();) {
    const uint8_t kind = kKinds[static_cast<unsigned char>(text[at])];
    if (kind != kWord) {
      survey.escapes = survey.escapes || kind == kEscape;
      survey.line_breaks = survey.line_breaks || kind == kBreak;
      survey.nuls = survey.nuls || kind == kNul;
      ++at;
      continue;
    }
    const size_t begin = at;
    bool sign = false;  // of base64, and between numbers: of a list, or of one that a form encoded
    for (; at < text.size() && ValueOf(kBase64Values, text[at]) >= 0; ++at) {
      sign = sign || text[at] == '-' || text[at] == '+';
    }
    short_words = at - begin <= kWrittenByteMax ? short_words + 1 : 0;
    survey.numbers = survey.numbers || sign || short_words >= kDecodedBytesMin;
    const bool last = goes_on && at == text.size();
    if (at - begin < kBase64.run_min && !last) continue;
    survey.base64.push_back({begin, at});
    if (at - begin >= kHex.run_min || last) {
      AddRuns(text, {begin, at}, kHex, goes_on, &survey.hex);
    }
  }
  survey.numbers = survey.numbers || (goes_on && short_words > 0);
  return survey;
}

std::optional<Decoded> FromBase64(std::string_view text, const Survey& survey, size_t skipped,
                                  bool goes_on) {
  return FromRuns(text, survey.base64, kBase64, skipped, goes_on);
}

std::optional<Decoded> FromHex(std::string_view text, const Survey& survey, size_t skipped,
                               bool goes_on) {
  return FromRuns(text, survey.hex, kHex, skipped, goes_on);
}

std::optional<Decoded> FromNumbers(std::string_view text, bool decimal, bool goes_on) {
  std::optional<Decoded> decoded;
  std::vector<std::pair<size_t, WrittenNumber>> list;
  size_t ended = 0;  // the last number's end
  size_t unfinished = std::string_view::npos;
  const auto take = [&](bool last) {
    if (list.size() >= kDecodedBytesMin || (last && !list.empty())) {
      if (!decoded) decoded.emplace();
      if (!decoded->text().empty()) decoded->Add(Decoded::Ratio::kUnit, ended, 0, kApart);
      for (const auto& [at, number] : list) {
        decoded->Add(Decoded::Ratio::kUnit, at, number.size, {&number.byte, 1});
      }
    }
    list.clear();
  };
  for (size_t at = 0; at < text.size();) {
    const bool begins = at == 0 || !IsWordCharacter(text[at - 1]);
    const WrittenNumber number = begins ? ReadByte(text.substr(at), decimal) : WrittenNumber();
    const size_t end = at + number.size;
    if (goes_on && begins && IsUnfinishedNumber(text.substr(at))) {
      unfinished = at;
      break;
    }
    if (number.size == 0 || (end < text.size() && IsWordCharacter(text[end]))) {
      if (!IsBetweenNumbers(text[at])) take(false);
      ++at;
      continue;
    }
    if (!list.empty() && (at == ended || at - ended > kBetweenNumbersMax)) take(false);
    list.emplace_back(at, number);
    at = ended = end;
  }
  const bool open = goes_on && (!list.empty() || unfinished < text.size());
  take(open);
  if (!open) return decoded;
  if (!decoded) decoded.emplace();
  decoded->Open(unfinished, true);
  return decoded;
}

}  // namespace dcp
