// SPDX-License-Identifier: Apache-2.0
#include "base/spellings.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/decoding.h"
#include "base/redaction.h"

namespace dcp {
namespace {

/// Of a secret in several lines (a key in PEM), shorter ones say nothing.
constexpr size_t kLineBytesMin = 16;

/// With U+0080 to U+00FF as one byte each: what Python's "\xa7" decodes to, in which the number of
/// a character and a byte look alike. Empty when the secret has none of these, or is not UTF-8.
std::string WithLatin1(std::string_view secret) {
  std::string out;
  bool changed = false;
  for (size_t at = 0; at < secret.size(); ++at) {
    const auto byte = static_cast<unsigned char>(secret[at]);
    if ((byte == 0xC2 || byte == 0xC3) && at + 1 < secret.size()) {
      ++at;
      const auto second = static_cast<unsigned char>(secret[at]);
      out += static_cast<char>(static_cast<unsigned char>(((byte & 3U) << 6) | (second & 0x3FU)));
      changed = true;
    } else {
      out += secret[at];
    }
  }
  return changed ? out : std::string();
}

/// Each byte as if it were a character: UTF-8 that was taken for Latin-1, "Â§" for "§".
std::string TakenForLatin1(std::string_view secret) {
  std::string out;
  for (const char c : secret) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) out += static_cast<char>(0xC0 | (byte >> 6));
    out += byte >= 0x80 ? static_cast<char>(0x80 | (byte & 0x3F)) : c;
  }
  return out;
}

/// As UTF-16, without the NULs, which are left out of what is searched. Empty for what is no UTF-8.
std::string InUtf16(std::string_view secret, bool big_endian) {
  std::string out;
  const auto add = [&](char32_t unit) {
    const char high = static_cast<char>(static_cast<unsigned char>(unit >> 8));
    const char low = static_cast<char>(static_cast<unsigned char>(unit & 0xFF));
    for (const char byte : {big_endian ? high : low, big_endian ? low : high}) {
      if (byte != '\0') out += byte;
    }
  };
  for (size_t at = 0; at < secret.size();) {
    const auto first = static_cast<unsigned char>(secret[at]);
    const size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (at + size > secret.size() || (first >= 0x80 && first < 0xC2)) return {};
    char32_t point = size == 1 ? first : first & (0x7FU >> size);
    for (size_t i = 1; i < size; ++i) {
      point = (point << 6) | (static_cast<unsigned char>(secret[at + i]) & 0x3FU);
    }
    if (point > 0xFFFF) add(0xD800 + ((point - 0x10000) >> 10));
    add(point > 0xFFFF ? 0xDC00 + ((point - 0x10000) & 0x3FF) : point);
    at += size;
  }
  return out;
}

/// The bytes that are written as hex or base64 in it: they may be printed in another notation.
std::string BytesOf(std::string_view secret) {
  const Survey survey = SurveyOf(secret, false);
  for (const auto& decoded :
       {FromHex(secret, survey, 0, false), FromBase64(secret, survey, 0, false)}) {
    if (!decoded) continue;
    const ByteRange all = decoded->Source({0, decoded->text().size()});
    const std::string_view rest = secret.substr(all.end);
    if (all.begin == 0 && (rest.empty() || rest == "=" || rest == "==")) return decoded->text();
  }
  return {};
}

}  // namespace

std::vector<std::string> SpellingsOf(const std::string& secret) {
  std::vector<std::string> all = {secret};
  for (size_t begin = 0; secret.find('\n') != std::string::npos && begin < secret.size();) {
    const size_t end = std::min(secret.find('\n', begin), secret.size());
    if (end - begin >= kLineBytesMin) all.push_back(secret.substr(begin, end - begin));
    begin = end + 1;
  }
  // A secret may look encoded itself. Where others encoded it, one layer too many is then undone.
  const size_t lines = all.size();
  for (size_t i = 0; i < lines; ++i) {
    std::optional<Decoded> decoded = Unescape(all[i], false);
    for (int layer = 0; decoded && layer < kRedactedEncodingsMax; ++layer) {
      all.push_back(decoded->text());
      decoded = Unescape(all.back(), false);
    }
  }
  for (size_t i = 0, end = all.size(); i < end; ++i) {
    all.push_back(WithLatin1(all[i]));
    all.push_back(TakenForLatin1(all[i]));
    all.push_back(InUtf16(all[i], false));
    all.push_back(InUtf16(all[i], true));
  }
  for (size_t i = 0, end = all.size(); i < end; ++i) {
    std::string plus = all[i];  // as forms and Java's URLEncoder have a space
    std::replace(plus.begin(), plus.end(), ' ', '+');
    all.push_back(std::move(plus));
  }
  for (size_t i = 0; i < lines; ++i) all.push_back(BytesOf(all[i]));
  std::erase_if(all, [](const std::string& each) { return each.size() < kRedactedBytesMin; });
  return all;
}

}  // namespace dcp
