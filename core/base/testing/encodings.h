// SPDX-License-Identifier: Apache-2.0
//
// Encodings as programs write them, for tests of what is found inside them. They share no code with
// base/decoding.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dcp::testing {

inline bool IsAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// How a number is written: "\\x", 16, 2 gives \x0a.
struct Form {
  const char* before;
  unsigned base;
  size_t digits_min;
  const char* after = "";
  bool upper = false;
};

inline std::string Written(const Form& form, uint32_t number) {
  std::string digits;
  for (; number > 0 || digits.size() < form.digits_min; number /= form.base) {
    digits.insert(digits.begin(),
                  (form.upper ? "0123456789ABCDEF" : "0123456789abcdef")[number % form.base]);
  }
  return form.before + digits + form.after;
}

inline std::string EachByte(std::string_view text, const Form& form, std::string_view between) {
  std::string out;
  for (const char c : text) {
    if (!out.empty()) out += between;
    out += Written(form, static_cast<uint8_t>(c));
  }
  return out;
}

inline constexpr Form kPercent{"%", 16, 2, "", true};
inline constexpr Form kPercentLower{"%", 16, 2};

inline std::string PercentEncoded(std::string_view text, std::string_view kept,
                                  const Form& form = kPercent) {
  std::string out;
  for (const char c : text) {
    const bool plain = IsAlphanumeric(c) || kept.find(c) != std::string_view::npos;
    out += plain ? std::string(1, c) : EachByte({&c, 1}, form, "");
  }
  return out;
}

/// With a backslash before each of `escaped`, and the control characters by their letters.
inline std::string Backslashed(std::string_view text, std::string_view escaped) {
  std::string out;
  for (const char c : text) {
    if (escaped.find(c) != std::string_view::npos) out += '\\';
    out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : c == '\r' ? "\\r" : std::string(1, c);
  }
  return out;
}

/// Each code point of well-formed UTF-8, or of `only` and what is not ASCII; those beyond U+FFFF as
/// two halves where `halves`.
inline std::string EachPoint(std::string_view text, const Form& form, bool halves,
                             std::string_view only = "") {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const auto first = static_cast<uint8_t>(text[at]);
    const size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    uint32_t point = size == 1 ? first : first & (0x7FU >> size);
    for (size_t i = 1; i < size; ++i) {
      point = (point << 6) | (static_cast<uint8_t>(text[at + i]) & 0x3FU);
    }
    if (!only.empty() && size == 1 && only.find(text[at]) == std::string_view::npos) {
      out += text[at];
    } else if (halves && point > 0xFFFF) {
      out += Written(form, 0xD800 + ((point - 0x10000) >> 10));
      out += Written(form, 0xDC00 + ((point - 0x10000) & 0x3FF));
    } else {
      out += Written(form, point);
    }
    at += size;
  }
  return out;
}

inline std::string HtmlEscaped(std::string_view text, std::string_view slash) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#x27;";
        break;
      case '/':
        out += slash;
        break;
      default:
        out += c;
    }
  }
  return out;
}

inline std::string Doubled(std::string_view text, char quote) {
  std::string out;
  for (const char c : text) out += std::string(c == quote ? 2 : 1, c);
  return out;
}

/// In lines of `line` characters; 0: in one.
inline std::string Base64(std::string text, std::string_view last_two, size_t line = 0) {
  const std::string alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + std::string(last_two);
  std::string out;
  for (size_t i = 0; i < text.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = (group << 8) | (i + j < text.size() ? static_cast<uint8_t>(text[i + j]) : 0U);
    }
    for (size_t j = 0; j < 4; ++j) {
      out += i + j > text.size() ? '=' : alphabet[(group >> (18 - 6 * j)) & 63];
    }
  }
  if (line == 0) return out;
  std::string lines;
  for (size_t at = 0; at < out.size(); at += line) lines += out.substr(at, line) + "\n";
  return lines;
}

inline std::string Utf16(std::string_view text, bool big_endian) {
  const std::string hex = EachPoint(text, {"", 16, 4}, true);
  std::string out;
  for (size_t at = 0; at < hex.size(); at += 4) {
    const auto unit = std::stoul(hex.substr(at, 4), nullptr, 16);
    const char high = static_cast<char>(static_cast<uint8_t>(unit >> 8));
    const char low = static_cast<char>(static_cast<uint8_t>(unit & 0xFF));
    (out += big_endian ? high : low) += big_endian ? low : high;
  }
  return out;
}

struct Encoding {
  const char* name;
  std::string (*of)(const std::string&);
  bool steady = true;  ///< how long it gets depends on how long the text is and on its marks alone
};

inline const std::vector<Encoding>& Encodings() {
  using S = const std::string&;
  static const std::vector<Encoding> all = {
      {"plain", [](S s) { return s; }},
      {"JSON", [](S s) { return Backslashed(s, "\"\\"); }},
      {"JSON, PHP", [](S s) { return Backslashed(s, "\"\\/"); }},
      {"JSON, for HTML",
       [](S s) {
         return EachPoint(Backslashed(s, "\"\\"), {"\\u", 16, 4}, true, "<>&'");
       }},
      {"JSON, for HTML, upper case",
       [](S s) {
         return EachPoint(Backslashed(s, "\"\\"), {"\\u", 16, 4, "", true}, true, "<>&'");
       }},
      {"JSON, all by number",
       [](S s) {
         return EachPoint(s, {"\\u", 16, 4}, true);
       }},
      {"percent, encodeURIComponent", [](S s) { return PercentEncoded(s, "-_.!~*'()"); }},
      {"percent, RFC 3986", [](S s) { return PercentEncoded(s, "-_.~"); }},
      {"percent, lower case", [](S s) { return PercentEncoded(s, "-_.~", kPercentLower); }},
      {"percent, no mark kept", [](S s) { return PercentEncoded(s, ""); }},
      {"percent, Python's quote", [](S s) { return PercentEncoded(s, "-_.~/"); }},
      {"percent, Java's URLEncoder",
       [](S s) {
         std::string out = PercentEncoded(s, "-_.* ");
         for (char& c : out) c = c == ' ' ? '+' : c;
         return out;
       }},
      {"percent, all of it", [](S s) { return EachByte(s, kPercentLower, ""); }},
      {"JavaScript's escape()",
       [](S s) {
         return EachPoint(s, {"%u", 16, 4, "", true}, true, "%\"' <>\\^`{|}");
       }},
      {"HTML", [](S s) { return HtmlEscaped(s, "/"); }},
      {"HTML, with slashes", [](S s) { return HtmlEscaped(s, "&#x2F;"); }},
      {"HTML, all by the number of the byte",
       [](S s) {
         return EachByte(s, {"&#", 10, 1, ";"}, "");
       },
       false},
      {"HTML, all by number",
       [](S s) {
         return EachPoint(s, {"&#", 10, 1, ";"}, false);
       },
       false},
      {"HTML, all in hex",
       [](S s) {
         return EachByte(s, {"&#x", 16, 1, ";", true}, "");
       }},
      {"repr", [](S s) { return Backslashed(s, "'\\"); }},
      {"repr of bytes",
       [](S s) {
         std::string out;
         for (const char c : Backslashed(s, "'\\")) {
           out += (static_cast<uint8_t>(c) < 0x80) ? std::string(1, c)
                                                   : EachByte({&c, 1}, {"\\x", 16, 2}, "");
         }
         return out;
       }},
      {"C, all in hex",
       [](S s) {
         return EachByte(s, {"\\x", 16, 2}, "");
       }},
      {"C, all in octal",
       [](S s) {
         return EachByte(s, {"\\", 8, 3}, "");
       }},
      {"Rust, all by number",
       [](S s) {
         return EachPoint(s, {"\\u{", 16, 1, "}"}, false);
       }},
      {"shell", [](S s) { return Backslashed(s, " !\"#$&'()*;<>?[\\]^`{|}~"); }},
      {"SQL", [](S s) { return Doubled(s, '\''); }},
      {"CSV", [](S s) { return Doubled(s, '"'); }},
      {"base64", [](S s) { return Base64(s, "+/"); }},
      {"base64, after one byte", [](S s) { return Base64(":" + s + "@", "+/"); }},
      {"base64, after two bytes", [](S s) { return Base64("x:" + s + "@h", "+/"); }},
      {"base64, after three bytes", [](S s) { return Base64("us:" + s + "@ho", "+/"); }},
      {"base64url", [](S s) { return Base64(s, "-_"); }},
      {"base64url, after one byte", [](S s) { return Base64(":" + s + "@", "-_"); }},
      {"base64url, after two bytes", [](S s) { return Base64("x:" + s + "@h", "-_"); }},
      {"base64 within a word", [](S s) { return "a/b/c" + Base64(s, "+/"); }},
      {"base64, MIME", [](S s) { return Base64("user:" + s + "@", "+/", 76); }},
      {"base64 of UTF-16", [](S s) { return Base64(Utf16(s, false), "+/"); }},
      {"base64 of UTF-16BE", [](S s) { return Base64(Utf16(s, true), "+/"); }},
      {"hex",
       [](S s) {
         return EachByte(s, {"", 16, 2}, "");
       }},
      {"hex, upper case",
       [](S s) {
         return EachByte(s, {"", 16, 2, "", true}, "");
       }},
      {"hex, after a digit",
       [](S s) {
         return "0x7" + EachByte(s, {"", 16, 2}, "");
       }},
      {"hex, colons",
       [](S s) {
         return EachByte(s, {"", 16, 2}, ":");
       }},
      {"hex, dashes",
       [](S s) {
         return EachByte(s, {"", 16, 2, "", true}, "-");
       }},
      {"hex, C's array",
       [](S s) {
         return "{" + EachByte(s, {"0x", 16, 2}, ", ") + "}";
       }},
      {"list of numbers",
       [](S s) {
         return "[" + EachByte(s, {"", 10, 1}, ", ") + "]";
       },
       false},
  };
  return all;
}

}  // namespace dcp::testing
