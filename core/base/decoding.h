// SPDX-License-Identifier: Apache-2.0
//
// What a text says once an encoding is undone, and where each byte of that stood: for the search
// for secrets (base/redaction.h). Nothing here knows where an encoded part begins or which encoding
// it is in: everything that can be read as encoded is decoded, and what was no encoding becomes
// bytes that mean nothing. Each function takes time and memory linear in its text.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dcp {

/// Bytes [begin, end) of a text.
struct ByteRange {
  size_t begin = 0;
  size_t end = 0;
};

/// Encoded runs with fewer bytes of content are left out.
constexpr size_t kDecodedBytesMin = 8;

class Decoded {
 public:
  enum class Ratio {
    kCopy,    ///< a byte for a byte
    kUnit,    ///< all of these bytes stand for all of those
    kHex,     ///< four bits a character
    kBase64,  ///< six
  };

  const std::string& text() const { return text_; }
  /// The part of the source that these bytes were made of.
  ByteRange Source(ByteRange range) const;
  /// With a source that goes on in another piece: whether the text's end goes on there.
  bool goes_on() const { return goes_on_; }
  /// With such a source: where something begins that cannot be decoded without the next piece.
  size_t open_at() const { return open_at_; }

  /// The next bytes, made of `size` bytes of the source that begin at `from`; of the first of these
  /// without `skipped` bits.
  void Add(Ratio ratio, size_t from, size_t size, std::string_view bytes, size_t skipped = 0);
  void Open(size_t at, bool goes_on) {
    open_at_ = at;
    goes_on_ = goes_on;
  }

 private:
  struct Segment {
    size_t at = 0;
    size_t from = 0;
    size_t size = 0;
    size_t skipped = 0;
    Ratio ratio = Ratio::kCopy;
  };
  const Segment& SegmentOf(size_t at) const;

  std::string text_;
  std::vector<Segment> segments_;
  bool goes_on_ = false;
  size_t open_at_ = std::string::npos;
};

/// What there may be to decode in a text: one look at it instead of one for each encoding.
struct Survey {
  bool escapes = false;
  bool line_breaks = false;
  bool nuls = false;
  bool numbers = false;           ///< many short words that may be bytes
  std::vector<ByteRange> base64;  ///< runs of its characters that are long enough, or go on
  std::vector<ByteRange> hex;
};

/// In these functions `goes_on` says that another piece of the text follows. Without a result there
/// was nothing to decode.
Survey SurveyOf(std::string_view text, bool goes_on);

/// Undoes one layer of percent-encoding, of escapes with a backslash (JSON, Python, Java, C, the
/// shell), of HTML's character references, and of doubled quotes.
std::optional<Decoded> Unescape(std::string_view text, bool goes_on);
/// Takes out what breaks a long word into lines: ends of lines with the next line's indent.
std::optional<Decoded> JoinLines(std::string_view text);
/// Takes NULs out: UTF-16 has one beside each character of ASCII.
std::optional<Decoded> WithoutNuls(std::string_view text, bool goes_on);
/// Only what may be text, by the stretch: what random bytes were decoded to has little of it.
std::optional<Decoded> OnlyText(std::string_view bytes);
/// Every run of base64, in both alphabets, as if a byte began after `skipped` bits of its first
/// character: 0, 2, 4 or 6 of them, by what stood before.
std::optional<Decoded> FromBase64(std::string_view text, const Survey& survey, size_t skipped,
                                  bool goes_on);
/// Every run of hex digits; `skipped` is 0 or 4.
std::optional<Decoded> FromHex(std::string_view text, const Survey& survey, size_t skipped,
                               bool goes_on);
/// Every list of bytes that are written as numbers: "5f:0c", "0x5f, 0x0c", "95, 12".
std::optional<Decoded> FromNumbers(std::string_view text, bool decimal, bool goes_on);

}  // namespace dcp
