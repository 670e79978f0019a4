// SPDX-License-Identifier: Apache-2.0
//
// Secrets in the encodings that programs write. What must hold is said without a decoder: two texts
// that differ in their secret alone are shown alike.
#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <random>

#include "base/redaction.h"
#include "base/testing/encodings.h"

namespace dcp {
namespace {

using testing::Encoding;
using testing::Encodings;

using Random = std::mt19937;

std::string Pick(Random& random, std::string_view from, size_t size) {
  std::string out;
  for (size_t i = 0; i < size; ++i) out += from[random() % from.size()];
  return out;
}

/// Another secret of the same form: letters and digits are exchanged.
std::string Twin(Random& random, const std::string& secret, size_t kept) {
  std::string twin = secret;
  for (size_t i = kept; i < twin.size(); ++i) {
    char& c = twin[i];
    if (c >= '0' && c <= '9') c = Pick(random, "0123456789", 1)[0];
    if (c >= 'a' && c <= 'c') c = Pick(random, "abc", 1)[0];  // two digits, in decimal
    if (c >= 'd' && c <= 'f') c = Pick(random, "def", 1)[0];
    if (c >= 'g' && c <= 'z') c = Pick(random, "ghijklmnopqrstuvwxyz", 1)[0];
    if (c >= 'A' && c <= 'Z') c = Pick(random, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 1)[0];
  }
  return twin;
}

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kWord = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// As dcpd makes them, as others do, and as people do.
std::string AnySecret(Random& random) {
  const std::string marks = std::string(kWord) + " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
  switch (random() % 4) {
    case 0:
      return Pick(random, kHexDigits, 64);
    case 1:
      return Pick(random, std::string(kWord) + "+/", 43) + "=";
    case 2:
      return Pick(random, kWord, 4) + Pick(random, marks, 8 + random() % 30) +
             Pick(random, kWord, 4);
    default:
      return Pick(random, kWord, 4) + "p&ss \"w/rd\"\\ of+<our>='own' %§ 100% 😀!" +
             Pick(random, kWord, 4);
  }
}

std::string AnyToken(Random& random) {
  return "eyJlIjo" + Pick(random, kWord, 60 + random() % 60) + "." +
         Pick(random, std::string(kWord) + "-_", 42) + "x";
}

struct Pair {
  std::string one;
  std::string other;
};

/// One of a few: each secret that is known costs the search.
Pair AnyPair(Random& random, bool token) {
  if (token) {
    const std::string one = AnyToken(random);
    return {one, Twin(random, one, 7)};
  }
  static const auto* known = [] {
    auto* pairs = new std::vector<Pair>;
    Random seeded(42);
    for (int i = 0; i < 20; ++i) {
      const std::string one = AnySecret(seeded);
      pairs->push_back({one, Twin(seeded, one, 0)});
      Conceal(Secret(pairs->back().one));
      Conceal(Secret(pairs->back().other));
    }
    return pairs;
  }();
  return (*known)[random() % known->size()];
}

/// Both shown alike, once, with what stands around them as it was.
void ExpectHidden(const Pair& encoded, const std::string& how) {
  const std::string before = "before: ";
  const std::string after = " ;after";
  const std::string shown = Redact(before + encoded.one + after);
  ASSERT_EQ(shown, Redact(before + encoded.other + after)) << how << ": " << encoded.one;
  ASSERT_NE(shown.find(kRedacted), std::string::npos) << how << ": " << encoded.one;
  ASSERT_TRUE(shown.starts_with(before) && shown.ends_with(after)) << how << ": " << shown;
}

TEST(RedactionSpellingsTest, EachEncoding) {
  Random random(1);
  for (const Encoding& encoding : Encodings()) {
    for (int round = 0; round < 8; ++round) {
      const Pair pair = AnyPair(random, round % 4 == 3);
      ExpectHidden({encoding.of(pair.one), encoding.of(pair.other)}, encoding.name);
      if (HasFatalFailure()) return;
    }
  }
}

/// What UTF-16 has beside a NUL is read on as text when it is ASCII.
bool CanBeNested(const std::string& secret, const std::string& how) {
  return how.find("UTF-16") == std::string::npos ||
         std::all_of(secret.begin(), secret.end(), [](char c) { return c > 0; });
}

TEST(RedactionSpellingsTest, EachEncodingWithinEachOther) {
  Random random(2);
  for (const Encoding& inner : Encodings()) {
    for (const Encoding& outer : Encodings()) {
      const std::string how = inner.name + std::string(", then ") + outer.name;
      for (const bool token : {false, true}) {
        const Pair pair = AnyPair(random, token);
        if (!CanBeNested(pair.one, how)) continue;
        const auto spelled = [&](const std::string& secret) {
          return outer.of(R"({"a": ")" + inner.of(secret) + R"("})");
        };
        if (outer.steady) {
          ExpectHidden({spelled(pair.one), spelled(pair.other)}, how);
        } else {
          const std::string shown = Redact(spelled(pair.one));
          EXPECT_LT(shown.size(), outer.of(R"({"a": ""})" + inner.of("")).size() + 70)
              << how << ": " << shown;
        }
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(RedactionSpellingsTest, ThreeEncodingsOnTopOfEachOther) {
  Random random(3);
  for (int round = 0; round < 1000; ++round) {
    const Pair pair = AnyPair(random, round % 2 == 0);
    Pair spelled = pair;
    std::string how;
    for (int layer = 0; layer < kRedactedEncodingsMax;) {
      const Encoding& encoding = Encodings()[random() % Encodings().size()];
      if (layer > 0 && !encoding.steady) continue;
      spelled = {encoding.of(spelled.one), encoding.of(spelled.other)};
      how += encoding.name + std::string("; ");
      ++layer;
    }
    if (CanBeNested(pair.one, how)) ExpectHidden(spelled, how);
    if (HasFatalFailure()) return;
  }
}

/// In pieces that end anywhere, as much is hidden as in the whole.
TEST(RedactionSpellingsTest, EachEncodingCutAnywhere) {
  Random random(4);
  for (const Encoding& encoding : Encodings()) {
    // A token is recognised by its head and signature, which the first piece does not show to have
    // in common when the end of a line is between them.
    const bool in_lines = std::string(encoding.name).find("MIME") != std::string::npos;
    for (const bool token : {false, true}) {
      if (token && in_lines) continue;
      const Pair pair = AnyPair(random, token);
      const auto shown = [&](const std::string& secret, size_t cut) {
        const std::string text = "before: " + encoding.of(secret) + " ;after";
        const std::string first = text.substr(0, std::min(cut, text.size()));
        const size_t end = RedactableEnd(first);
        return Redact(first.substr(0, end)) + Redact(text.substr(end));
      };
      const size_t cuts = encoding.of(pair.one).size() + 20;
      for (size_t cut = random() % 3; cut < cuts; cut += 1 + random() % 5) {
        ASSERT_EQ(shown(pair.one, cut), shown(pair.other, cut)) << encoding.name << " at " << cut;
      }
    }
  }
}

TEST(RedactionSpellingsTest, ALinesEndInASecret) {
  Random random(5);
  const std::string secret = Pick(random, kHexDigits, 64);
  Conceal(Secret(secret));
  for (size_t cut = 0; cut <= secret.size(); ++cut) {
    const std::string shown = Redact(secret.substr(0, cut)) + "|" + Redact(secret.substr(cut));
    EXPECT_LT(shown.size(), std::string("(secret)").size() + 1 + 16) << shown;
    EXPECT_EQ(Redact(secret.substr(0, cut) + "\n  " + secret.substr(cut)).find(secret.substr(8, 8)),
              std::string::npos);
  }
  // Also where each line is a text of its own.
  const std::string lines = testing::Base64("user:" + secret + secret, "+/", 76);
  for (size_t at = 0; at < lines.size(); at += 77) {
    EXPECT_NE(Redact(lines.substr(at, 76)).find(kRedacted), std::string::npos) << lines;
  }
}

/// Bytes that were written as hex are the same secret in base64, and in upper case.
TEST(RedactionSpellingsTest, TheBytesOfASecretInHex) {
  Random random(6);
  const std::string hex = Pick(random, kHexDigits, 64);
  Conceal(Secret(hex));
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  std::string upper = hex;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c; });
  for (const std::string& spelled :
       {upper, testing::Base64(bytes, "+/"), testing::EachByte(bytes, {"", 16, 2}, ":")}) {
    EXPECT_LE(Redact("key " + spelled).size(), std::string("key (secret)=").size()) << spelled;
  }
}

TEST(RedactionSpellingsTest, OrdinaryTextStays) {
  Conceal(Secret("eight888"));
  Conceal(Secret("postgresql://admin:pa55w0rd123@db1.example.org/production_2024"));
  Conceal(Secret(std::string(40, 'S') + "1234567890"));
  for (const std::string text :
       {"eight 888", "EIGHT888", "db1.example.org answered 404",
        "/production_2024/part-00000.parquet",
        "SELECT 100%25 AS a, '' AS b, \"\" AS c FROM t WHERE x = '\\\\u0041'",
        "5f0c1e2d-3c4b-5a69-7887-96a5b4c3d2e1", "sha256:9f86d081884c7d659a2feaa0c55ad015",
        "java.lang.IllegalStateException: org/apache/spark/sql/catalyst/plans/logical/Join",
        "[53, 102, 48, 99, 49, 101, 50, 100]", "aGVsbG8gd29ybGQsIGhlbGxvIHdvcmxk",
        "C:\\new\\table\\x41", "a&amp;b &lt;c&gt; &#65; %41 \\x41", "%", "\\", "&", "%4", "\\u00",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"}) {
    EXPECT_EQ(Redact(text), text);
  }
  EXPECT_EQ(Redact("0eight88%38x"), "0(secret)x");
}

double CpuSeconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

std::string Repeated(const std::string& part, size_t size) {
  std::string out;
  while (out.size() < size) out += part;
  return out;
}

/// Texts that were made to take long: the work grows as they do. Counted for the layers; measured
/// against itself for each search.
TEST(RedactionSpellingsTest, WorkIsLinear) {
  Random random(7);
  const std::string secret = Pick(random, kHexDigits, 64);
  Conceal(Secret(secret));
  constexpr size_t kSmall = size_t{16} << 10;
  constexpr size_t kTimes = 16;
  const std::string words = Pick(random, kWord, kSmall * kTimes);
  const std::string digits = Pick(random, kHexDigits, kSmall * kTimes);
  std::vector<std::string> texts = {words, digits,
                                    testing::Base64(testing::Base64(words, "+/"), "+/")};
  for (const std::string& part :
       {std::string("%25"), std::string("%"), std::string("%252525"), std::string("\\"),
        std::string("&#1"), std::string("&"), std::string("'"), std::string("\n"),
        std::string("eyJlIjo"), std::string("eyJlIjo."), std::string("QUFB"), std::string("0"),
        std::string("53, "), std::string("35:"), std::string("\\ud83d"), secret.substr(0, 63),
        secret.substr(3, 15),
        std::string("\\u0025\\x41&#65;abcdef0123456789 QUJDREVGR0hJSg%3D ")}) {
    texts.push_back(Repeated(part, kSmall * kTimes));
  }
  for (const std::string& large : texts) {
    const std::string small = large.substr(0, kSmall);
    const std::string what = large.substr(0, 20);
    EXPECT_LE(RedactionWork(large), 20 * large.size()) << what;
    double seconds[2] = {1e9, 1e9};
    for (int round = 0; round < 3; ++round) {
      for (const size_t i : {0U, 1U}) {
        const double begin = CpuSeconds();
        RedactionWork(i == 0 ? small : large);
        RedactableEnd(i == 0 ? small : large);
        seconds[i] = std::min(seconds[i], CpuSeconds() - begin);
      }
    }
    // Quadratic would be 16 times as much again.
    EXPECT_LT(seconds[1], seconds[0] * kTimes * 6) << what;
  }
}

}  // namespace
}  // namespace dcp
