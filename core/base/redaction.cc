// SPDX-License-Identifier: Apache-2.0
//
// One search for all spellings at once: two neighbouring bytes say how far the next one may be away
// (Wu and Manber's algorithm), so most of a text is never looked at. Built again for each secret
// that is added, which happens a few times in a daemon's life.
#include "base/redaction.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace dcp {
namespace {

/// What every catalog token begins with: {"e": in base64url (catalog/tokens.h).
constexpr std::string_view kTokenHead = "eyJlIjo";
/// A token's signature has 43 characters. With fewer than these it is of no use to anybody, and the
/// text was cut there.
constexpr size_t kSignatureMin = 16;
/// A longer run of such characters is no token (catalog/tokens.cc).
constexpr size_t kTokenBytesMax = 4096;
/// Of a secret in several lines (a key in PEM), shorter ones say nothing.
constexpr size_t kLineBytesMin = 16;

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool IsTokenSign(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '_';
}

size_t EndOfRun(std::string_view text, size_t at) {
  while (at < text.size() && IsTokenSign(text[at])) ++at;
  return at;
}

/// Where the token that begins at `at` ends; `at` when no token begins there.
size_t EndOfToken(std::string_view text, size_t at) {
  const size_t dot = EndOfRun(text, at);
  if (dot == text.size() || text[dot] != '.' || dot - at > kTokenBytesMax) return at;
  const size_t end = EndOfRun(text, dot + 1);
  return end - dot > kSignatureMin ? end : at;
}

/// The characters of base64 that depend on `secret` alone when `before` bytes stand before it.
std::string InnerBase64(std::string_view secret, size_t before, std::string_view alphabet) {
  std::string out;
  uint32_t buffer = 0;
  size_t bits = before * 8 % 6;
  // Bits of the byte before share the first character, which is left out.
  size_t skip = bits > 0 ? 1 : 0;
  for (const char c : secret) {
    buffer = (buffer << 8) | static_cast<unsigned char>(c);
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      if (skip > 0) {
        --skip;
      } else {
        out += alphabet[(buffer >> bits) & 63];
      }
    }
  }
  return out;
}

std::string PercentEncoded(std::string_view text, std::string_view digits) {
  std::string out;
  for (const char c : text) {
    if (IsTokenSign(c) || c == '.' || c == '~') {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

std::string JsonEscaped(std::string_view text, bool slash) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\' || (slash && c == '/')) out += '\\';
    if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

/// Every text by which a secret is found.
std::vector<std::string> SpellingsOf(const std::string& secret) {
  std::vector<std::string> all = {secret, JsonEscaped(secret, false), JsonEscaped(secret, true),
                                  PercentEncoded(secret, "0123456789ABCDEF"),
                                  PercentEncoded(secret, "0123456789abcdef")};
  for (size_t before = 0; before < 3; ++before) {
    for (const std::string_view alphabet : {kBase64, kBase64Url}) {
      all.push_back(InnerBase64(secret, before, alphabet));
    }
  }
  for (size_t begin = 0; secret.find('\n') != std::string::npos && begin < secret.size();) {
    const size_t end = std::min(secret.find('\n', begin), secret.size());
    if (end - begin >= kLineBytesMin) all.push_back(secret.substr(begin, end - begin));
    begin = end + 1;
  }
  std::erase_if(all, [](const std::string& each) { return each.size() < kRedactedBytesMin; });
  return all;
}

class Search {
 public:
  explicit Search(std::vector<std::string> needles) : needles_(std::move(needles)) {
    needles_.emplace_back(kTokenHead);
    shortest_ = kTokenHead.size();  // no spelling is shorter
    shift_.fill(static_cast<uint8_t>(shortest_ - 1));
    for (size_t n = 0; n < needles_.size(); ++n) {
      for (size_t i = 0; i + 1 < shortest_; ++i) {
        const size_t block = BlockAt(needles_[n], i);
        const auto left = static_cast<uint8_t>(shortest_ - 2 - i);
        shift_[block] = std::min(shift_[block], left);
        if (left == 0) by_block_[block].push_back(n);
      }
    }
  }

  std::string Redact(std::string text) const {
    std::string out;
    size_t copied = 0;
    ForEachMatch(text, [&](size_t begin, size_t end) {
      out.append(text, copied, begin - copied);
      out += kRedacted;
      copied = end;
    });
    if (copied == 0) return text;
    return out.append(text, copied);
  }

  size_t SafeEnd(std::string_view text) const {
    std::vector<size_t> open;  // where something begins that may go on
    for (const std::string& needle : needles_) {
      for (size_t size = std::min(needle.size() - 1, text.size()); size > 0; --size) {
        if (text.substr(text.size() - size) == std::string_view(needle).substr(0, size)) {
          open.push_back(text.size() - size);
        }
      }
    }
    // A token's head has been, its end perhaps not.
    const size_t window = std::min(text.size(), kTokenBytesMax);
    size_t run = text.size();
    while (text.size() - run < window && (IsTokenSign(text[run - 1]) || text[run - 1] == '.')) {
      --run;
    }
    if (const size_t head = text.find(kTokenHead, run); head != std::string_view::npos) {
      open.push_back(head);
    }
    // What begins inside a match goes with it.
    ForEachMatch(text, [&](size_t begin, size_t end) {
      std::erase_if(open, [&](size_t at) { return begin < at && at < end; });
    });
    return open.empty() ? text.size() : *std::min_element(open.begin(), open.end());
  }

 private:
  static size_t BlockAt(std::string_view text, size_t at) {
    return static_cast<size_t>(static_cast<unsigned char>(text[at])) << 8 |
           static_cast<unsigned char>(text[at + 1]);
  }

  /// From the left, none inside another.
  template <typename Take>
  void ForEachMatch(std::string_view text, Take take) const {
    size_t free = 0;
    for (size_t at = shortest_ - 2; at + 1 < text.size();) {
      const uint8_t shift = shift_[BlockAt(text, at)];
      if (shift > 0) {
        at += shift;
        continue;
      }
      const size_t begin = at - (shortest_ - 2);
      const size_t end = begin < free ? begin : EndOfMatch(text, begin);
      if (end > begin) take(begin, end);
      free = std::max(free, end);
      at = end > begin ? end + shortest_ - 2 : at + 1;
    }
  }

  /// Of the longest needle that stands there.
  size_t EndOfMatch(std::string_view text, size_t begin) const {
    size_t end = begin;
    for (const size_t n : by_block_.at(BlockAt(text, begin + shortest_ - 2))) {
      const std::string& needle = needles_[n];
      if (text.substr(begin, needle.size()) != needle) continue;
      end = std::max(end, needle == kTokenHead ? EndOfToken(text, begin) : begin + needle.size());
    }
    return end;
  }

  std::vector<std::string> needles_;
  size_t shortest_ = 0;
  std::array<uint8_t, size_t{1} << 16> shift_{};
  std::unordered_map<size_t, std::vector<size_t>> by_block_;  ///< blocks that may end a match
};

/// The secrets of the process.
class Concealed {
 public:
  void Add(const std::string& secret) {
    const MutexLock lock(mutex_);
    const size_t before = spellings_.size();
    for (std::string& each : SpellingsOf(secret)) spellings_.insert(std::move(each));
    if (spellings_.size() == before) return;
    search_ = std::make_shared<const Search>(
        std::vector<std::string>(spellings_.begin(), spellings_.end()));
  }
  std::shared_ptr<const Search> search() const {
    const MutexLock lock(mutex_);
    return search_;
  }

 private:
  mutable Mutex mutex_;
  std::set<std::string> spellings_ DCP_GUARDED_BY(mutex_);
  std::shared_ptr<const Search> search_ DCP_GUARDED_BY(mutex_) =
      std::make_shared<const Search>(std::vector<std::string>());
};

/// Never destroyed: threads of plugins may speak until the very end.
Concealed& TheConcealed() {
  static auto* concealed = new Concealed;
  return *concealed;
}

}  // namespace

void Conceal(const Secret& secret) {
  if (secret.Reveal().size() >= kRedactedBytesMin) TheConcealed().Add(secret.Reveal());
}

std::string Redact(std::string text) { return TheConcealed().search()->Redact(std::move(text)); }

Status Redact(Status status) {
  if (status.ok()) return status;
  Location location = status.location();
  location.file = Redact(location.file);
  return Status(status.code(), Redact(status.message()))
      .WithId(status.id())
      .WithHint(Redact(status.hint()))
      .WithLogTail(Redact(status.log_tail()))
      .At(std::move(location));
}

size_t RedactableEnd(std::string_view piece) { return TheConcealed().search()->SafeEnd(piece); }

}  // namespace dcp
