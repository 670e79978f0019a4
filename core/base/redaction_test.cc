// SPDX-License-Identifier: Apache-2.0
#include "base/redaction.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <random>

namespace dcp {
namespace {

// As dcpd makes them, as people have them, and one with lines.
const std::string kHex = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";
const std::string kOwn = "p&ss \"w/rd\"\\ of+our=own %§ making!";
const std::string kPem =
    "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\nAASCBKcwggSjAgEAAoIBAQDX\n";

std::string Base64(const std::string& text, const std::string& last_two) {
  const std::string alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + last_two;
  std::string out;
  for (size_t i = 0; i < text.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = (group << 8) | (i + j < text.size() ? static_cast<unsigned char>(text[i + j]) : 0U);
    }
    for (size_t j = 0; j < 4; ++j) {
      out += i + j > text.size() ? '=' : alphabet[(group >> (18 - 6 * j)) & 63];
    }
  }
  return out;
}

class RedactionTest : public ::testing::Test {
 protected:
  RedactionTest() {
    for (const std::string& each : {kHex, kOwn, kPem}) Conceal(Secret(each));
  }
  const std::string token_ = "eyJlIjoxNzAwMDAwMDAwMDAwLCJnIjoxfQ." + std::string(43, 'x');
};

TEST_F(RedactionTest, FindsASecretHoweverItIsSpelled) {
  const std::string escaped = R"(p&ss \"w/rd\"\\ of+our=own %§ making!)";
  const std::string percent = "p%26ss%20%22w%2Frd%22%5C%20of%2Bour%3Down%20%25%C2%A7%20making%21";
  for (const std::string& spelled : {kHex, kOwn, escaped, percent, token_}) {
    for (const std::string before : {"", "x", "token="}) {
      for (const std::string after : {"", "y", "\n", " and more"}) {
        // What stands beside a token must not be able to belong to it.
        if (spelled == token_ && (before == "x" || after == "y")) continue;
        EXPECT_EQ(Redact(before + spelled + after), before + kRedacted + after);
      }
    }
  }
  EXPECT_EQ(Redact(kHex + kHex + " " + token_ + "," + kOwn),
            std::string(kRedacted) + kRedacted + " " + kRedacted + "," + kRedacted);
}

TEST_F(RedactionTest, FindsASecretInsideBase64WhereverItBegins) {
  for (const std::string& secret : {kHex, kOwn}) {
    for (const std::string& alphabet : {std::string("+/"), std::string("-_")}) {
      for (const std::string before : {"", "u", "us", "use", "user:"}) {
        const std::string shown = Redact("Basic " + Base64(before + secret + "@host", alphabet));
        EXPECT_NE(shown.find(kRedacted), std::string::npos) << before << ": " << shown;
        // What is left is what stands beside it, and at each end a character that it shares.
        const size_t beside = Base64(before + "@host", alphabet).size() + 4;
        EXPECT_LE(shown.size(),
                  std::string("Basic ").size() + std::string(kRedacted).size() + beside)
            << shown;
      }
    }
  }
}

// A list of bytes ends with its line, whatever word the next line begins with.
TEST_F(RedactionTest, FindsAListOfBytesBetweenLinesOfText) {
  const auto list = [&](const std::string& prefix, const std::string& between) {
    const char* digits = "0123456789abcdef";
    std::string text;
    for (const char c : kOwn) {
      const auto byte = static_cast<unsigned char>(c);
      const std::string hex = {digits[byte / 16], digits[byte % 16]};
      text +=
          (text.empty() ? "" : between) + (prefix == "%u" ? std::to_string(byte) : prefix + hex);
    }
    return text;
  };
  for (const std::string& spelled :
       {list("", ":"), list("0x", ", "), list("%u", ", "), list("", "-"), list("", "+"),
        list("%u", "+"), list("", " ")}) {
    for (const std::string before : {"", "bytes\n", "7\n", "it is:\n"}) {
      for (const std::string after : {"", "\nend", "\n7 more", "\n"}) {
        const std::string shown = Redact(before + spelled + after);
        // A number of the text itself may stand in the list; nothing of the list stays.
        EXPECT_NE(shown.find(kRedacted), std::string::npos) << before << spelled << after;
        EXPECT_LE(shown.size(), (before + kRedacted + after).size()) << shown;
      }
    }
  }
}

TEST_F(RedactionTest, FindsEachLineOfASecretInSeveral) {
  EXPECT_EQ(Redact("key: " + kPem), std::string("key: ") + kRedacted);
  EXPECT_EQ(Redact("| AASCBKcwggSjAgEAAoIBAQDX |"), std::string("| ") + kRedacted + " |");
}

TEST_F(RedactionTest, LeavesEverythingElse) {
  for (const std::string& text :
       {std::string(), std::string("e"), kHex.substr(0, 15), kOwn.substr(1), std::string("eyJlIjo"),
        std::string("eyJlIjoxfQ. Then"), std::string("eyJlIjoxfQ.short"),
        std::string("a run of 7 nodes"), std::string(300, 'e')}) {
    EXPECT_EQ(Redact(text), text);
  }
  Conceal(Secret("seven77"));
  EXPECT_EQ(Redact("seven77"), "seven77") << "shorter than any secret";
  Conceal(Secret("eight888"));
  EXPECT_EQ(Redact("eight888"), kRedacted);
}

TEST_F(RedactionTest, OfAStatusEverythingThatWasSaid) {
  const Status status = Redact(Unavailable("a " + kHex)
                                   .WithId("PZ0201")
                                   .WithHint("b " + kHex)
                                   .WithLogTail("c " + token_)
                                   .At({"d " + kHex, 3, 4}));
  EXPECT_EQ(status.message(), "a (secret)");
  EXPECT_EQ(status.hint(), "b (secret)");
  EXPECT_EQ(status.log_tail(), "c (secret)");
  EXPECT_EQ(status.location(), (Location{"d (secret)", 3, 4}));
  EXPECT_EQ(status.id(), "PZ0201");
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_TRUE(Redact(Status()).ok());
}

/// A text in pieces, cut anywhere, shows what it would have shown as a whole.
TEST_F(RedactionTest, ATextInPiecesHidesAsMuch) {
  const std::string text = "one " + kHex + " two " + token_ + " three " + kOwn + " four eyJl end e";
  const std::string whole = Redact(text);
  for (size_t size = 1; size < text.size(); ++size) {
    std::string shown;
    std::string kept;
    for (size_t at = 0; at < text.size(); at += size) {
      kept += text.substr(at, size);
      const size_t end = RedactableEnd(kept);
      shown += Redact(kept.substr(0, end));
      kept.erase(0, end);
    }
    shown += Redact(kept);
    EXPECT_EQ(shown, whole) << "pieces of " << size;
  }
}

TEST_F(RedactionTest, NothingKeepsAPieceForEver) {
  // Neither a run of a token's characters nor the beginning of a secret that goes on otherwise.
  EXPECT_GT(RedactableEnd("eyJlIjo" + std::string(10'000, 'x')), 5'000U);
  EXPECT_GT(RedactableEnd(std::string(10'000, '0')), 9'000U);
}

/// The same as looking for each spelling by itself, over texts made of their parts.
TEST_F(RedactionTest, AgreesWithAPlainSearch) {
  std::mt19937 random(7);
  // With a mark in it, it does not look random: nothing is done about its parts.
  std::string secret = "k:";
  for (const char c : kHex.substr(0, 30)) secret += static_cast<char>('A' + c % 16);
  Conceal(Secret(secret));
  const std::string bag = secret + "eyJlIj. \n" + secret.substr(0, 20);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    while (text.size() < 200) {
      const size_t at = random() % bag.size();
      text += random() % 20 == 0 ? secret : bag.substr(at, random() % 9);
    }
    std::string expected = text;
    for (size_t at = 0; (at = expected.find(secret, at)) != std::string::npos;) {
      expected.replace(at, secret.size(), kRedacted);
      at += std::string(kRedacted).size();
    }
    ASSERT_EQ(Redact(text), expected);
  }
}

}  // namespace
}  // namespace dcp
