// SPDX-License-Identifier: Apache-2.0
//
// Two neighbouring bytes say how far the next match may be away (Wu and Manber's algorithm), so
// most of a text is never looked at. Built again for each secret that is added, which happens a few
// times in a daemon's life.
#include "base/needles.h"

#include <algorithm>
#include <utility>

namespace dcp {
namespace {

/// What every catalog token begins with: {"e": in base64url (catalog/tokens.h).
constexpr std::string_view kTokenHead = "eyJlIjo";
/// A token's signature has 43 characters. With fewer than these it is of no use to anybody, and the
/// text was cut there.
constexpr size_t kSignatureMin = 16;
/// A longer run of such characters is no token (catalog/tokens.cc).
constexpr size_t kTokenBytesMax = 4096;

/// A part is found by a piece of this size, of which one begins in every few bytes of a secret; so
/// every part of kSecretPartMin bytes holds a whole piece.
constexpr size_t kPieceBytes = 12;
constexpr size_t kPieceStep = kSecretPartMin - kPieceBytes + 1;
/// Shorter secrets have no parts: half of one is short enough to be a word.
constexpr size_t kSecretWithPartsMin = 2 * kSecretPartMin;
/// Digits in a secret that looks random: what people make up has words in it.
constexpr size_t kRandomDigitsMin = 4;

bool IsTokenSign(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '_';
}

size_t EndOfRun(std::string_view text, size_t at) {
  while (at < text.size() && IsTokenSign(text[at])) ++at;
  return at;
}

/// A URL, a path or a sentence is not: parts of it are words that others use too.
bool LooksRandom(std::string_view secret) {
  size_t digits = 0;
  for (const char c : secret) {
    if (!IsTokenSign(c) && c != '+' && c != '/' && c != '=') return false;
    if (c >= '0' && c <= '9') ++digits;
  }
  return digits >= kRandomDigitsMin;
}

size_t BlockAt(std::string_view text, size_t at) {
  return static_cast<size_t>(static_cast<unsigned char>(text[at])) << 8 |
         static_cast<unsigned char>(text[at + 1]);
}

}  // namespace

Needles::Needles(std::vector<std::string> secrets) : secrets_(std::move(secrets)) {
  for (size_t i = 0; i < secrets_.size(); ++i) {
    needles_.push_back({secrets_[i], i, 0, false, false});
    if (secrets_[i].size() >= kSecretWithPartsMin && LooksRandom(secrets_[i])) AddParts(i);
  }
  needles_.push_back({std::string(kTokenHead), 0, 0, false, true});
  shortest_ = kTokenHead.size();  // no secret is shorter
  Index();
}

void Needles::AddParts(size_t whole) {
  const std::string& secret = secrets_[whole];
  for (size_t at = 0; at + kPieceBytes <= secret.size(); at += kPieceStep) {
    needles_.push_back({secret.substr(at, kPieceBytes), whole, at, true, false});
  }
}

void Needles::Index() {
  shift_.fill(static_cast<uint8_t>(shortest_ - 1));
  for (const Needle& needle : needles_) {
    for (size_t i = 0; i + 1 < shortest_; ++i) {
      uint8_t& shift = shift_[BlockAt(needle.text, i)];
      shift = std::min(shift, static_cast<uint8_t>(shortest_ - 2 - i));
    }
    ++block_begin_[BlockAt(needle.text, shortest_ - 2) + 1];
  }
  for (size_t i = 1; i < block_begin_.size(); ++i) block_begin_[i] += block_begin_[i - 1];
  by_block_.resize(needles_.size());
  std::vector<uint32_t> next(block_begin_.begin(), block_begin_.end());
  for (uint32_t n = 0; n < needles_.size(); ++n) {
    by_block_[next[BlockAt(needles_[n].text, shortest_ - 2)]++] = n;
  }
}

void Needles::Find(std::string_view text, bool tokens, std::vector<ByteRange>* found) const {
  Place place{text, tokens};
  for (size_t at = shortest_ - 2; at + 1 < text.size();) {
    const uint8_t shift = shift_[BlockAt(text, at)];
    if (shift > 0) {
      at += shift;
      continue;
    }
    const size_t begin = at - (shortest_ - 2);
    const ByteRange match = begin < place.free ? ByteRange{} : MatchAt(&place, begin);
    if (match.end > match.begin) {
      found->push_back(match);
      place.free = match.end;
      at = match.end + shortest_ - 2;
    } else {
      ++at;
    }
  }
}

/// The longest that begins there, or goes on there.
ByteRange Needles::MatchAt(Place* place, size_t begin) const {
  const std::string_view text = place->text;
  const size_t block = BlockAt(text, begin + shortest_ - 2);
  ByteRange best{begin, begin};
  for (uint32_t i = block_begin_[block]; i < block_begin_[block + 1]; ++i) {
    const Needle& needle = needles_[by_block_[i]];
    if (text.substr(begin, needle.text.size()) != needle.text) continue;
    ByteRange match{begin, begin + needle.text.size()};
    if (needle.is_part) {
      match = PartAt(*place, needle, begin);
    } else if (needle.is_token) {
      if (!place->tokens) continue;
      // The same run is not walked again for each head that stands in it.
      if (begin >= place->run_end) place->run_end = EndOfRun(text, begin);
      const size_t dot = place->run_end;
      if (dot == text.size() || text[dot] != '.' || dot - begin > kTokenBytesMax) continue;
      const size_t end = EndOfRun(text, dot + 1);
      if (end - dot <= kSignatureMin) continue;
      match.end = end;
    }
    if (match.end - match.begin > best.end - best.begin) best = match;
  }
  return best;
}

ByteRange Needles::PartAt(const Place& place, const Needle& needle, size_t begin) const {
  const std::string& whole = secrets_[needle.whole];
  ByteRange match{begin, begin + needle.text.size()};
  size_t first = needle.offset;
  while (first > 0 && match.begin > place.free && place.text[match.begin - 1] == whole[first - 1]) {
    --first;
    --match.begin;
  }
  size_t last = needle.offset + needle.text.size();
  while (last < whole.size() && match.end < place.text.size() &&
         place.text[match.end] == whole[last]) {
    ++last;
    ++match.end;
  }
  return match.end - match.begin >= kSecretPartMin ? match : ByteRange{begin, begin};
}

void Needles::FindOpen(std::string_view text, std::vector<size_t>* open) const {
  for (const Needle& needle : needles_) {
    if (needle.is_part) continue;  // of a secret that is there itself
    const size_t longest = std::min(needle.text.size() - 1, text.size());
    for (size_t size = longest; size > 0; --size) {
      if (needle.text[size - 1] != text.back()) continue;
      if (text.substr(text.size() - size) == std::string_view(needle.text).substr(0, size)) {
        open->push_back(text.size() - size);
      }
    }
  }
  // A token's head has been, its end perhaps not.
  const size_t window = std::min(text.size(), kTokenBytesMax);
  size_t run = text.size();
  while (text.size() - run < window && (IsTokenSign(text[run - 1]) || text[run - 1] == '.')) --run;
  if (const size_t head = text.find(kTokenHead, run); head != std::string_view::npos) {
    open->push_back(head);
  }
}

}  // namespace dcp
