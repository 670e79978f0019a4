// SPDX-License-Identifier: Apache-2.0
#include "cli/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace dcp::cli {
namespace {

constexpr SplitLimits kLimits{4, 1'000, 8};

Outlined Manifest(const std::string& name, const std::vector<std::string>& reads = {},
                  size_t datasets = 1, uint64_t bytes = 10) {
  Outlined manifest;
  manifest.datasets = datasets;
  manifest.bytes = bytes;
  manifest.defines = {NameHash(name)};
  for (const std::string& read : reads) manifest.reads.push_back(NameHash(read));
  return manifest;
}

/// "0 1 | 2 3", with "!" and the number of its set in front of a piece of a set that was cut.
std::string Show(const Split& split) {
  std::string out;
  for (const Piece& piece : split.pieces) {
    out += out.empty() ? "" : " | ";
    if (piece.set != 0) out += "!" + std::to_string(piece.set) + " ";
    for (size_t i = 0; i < piece.manifests.size(); ++i) {
      out += (i == 0 ? "" : " ") + std::to_string(piece.manifests[i]);
    }
  }
  return out;
}

TEST(SplitTest, WhatIsIndependentFillsPiecesInOrder) {
  std::vector<Outlined> manifests;
  for (int i = 0; i < 10; ++i) manifests.push_back(Manifest("m" + std::to_string(i), {"other.x"}));
  EXPECT_EQ(Show(SplitManifests(manifests, kLimits)), "0 1 2 3 | 4 5 6 7 | 8 9");
  EXPECT_EQ(Show(SplitManifests({}, kLimits)), "");
}

TEST(SplitTest, WhatReadsEachOtherStaysTogether) {
  EXPECT_EQ(Show(SplitManifests({Manifest("a"), Manifest("b"), Manifest("c"), Manifest("d"),
                                 Manifest("e", {"a", "e"}), Manifest("f", {"e"})},
                                kLimits)),
            "0 1 4 5 | 2 3");
  // The same name twice, too: the run that has both says so.
  EXPECT_EQ(
      Show(SplitManifests(
          {Manifest("a"), Manifest("b"), Manifest("c"), Manifest("d"), Manifest("a")}, kLimits)),
      "0 1 2 4 | 3");
}

TEST(SplitTest, DatasetsBytesAndFilesCount) {
  EXPECT_EQ(Show(SplitManifests({Manifest("a", {}, 3), Manifest("b", {}, 2), Manifest("c", {}, 2)},
                                kLimits)),
            "0 | 1 2");
  EXPECT_EQ(Show(SplitManifests({Manifest("a", {}, 1, 600), Manifest("b", {}, 1, 600)}, kLimits)),
            "0 | 1");
  // One that no piece can hold is a piece: the daemon refuses it, and says why.
  EXPECT_EQ(Show(SplitManifests({Manifest("a", {}, 9), Manifest("b")}, kLimits)), "0 | 1");
  Outlined files = Manifest("c");
  files.files = 5;
  // Two of the same name stay together: no piece can hold them, and the daemon says why.
  EXPECT_EQ(Show(SplitManifests({files, files, Manifest("d")}, kLimits)), "!1 0 1 | 2");
}

TEST(SplitTest, ASetThatIsTooLargeIsCutInTheOrderOfReading) {
  std::vector<Outlined> chain = {Manifest("x")};
  for (int i = 9; i >= 0; --i) {
    chain.push_back(Manifest("m" + std::to_string(i), {"m" + std::to_string(i - 1)}));
  }
  chain.push_back(Manifest("y"));
  const Split split = SplitManifests(chain, kLimits);
  EXPECT_EQ(Show(split), "0 | !1 7 8 9 10 | !1 3 4 5 6 | !1 1 2 | 11");
  EXPECT_EQ(split.largest, 10U);
  EXPECT_EQ(split.largest_first, 1U);
}

TEST(SplitTest, ACircleIsNeverTornApart) {
  std::vector<Outlined> manifests = {Manifest("a", {"c"}), Manifest("b", {"a"}),
                                     Manifest("c", {"b"})};
  for (int i = 0; i < 9; ++i) manifests.push_back(Manifest("r" + std::to_string(i), {"a"}));
  const Split split = SplitManifests(manifests, kLimits);
  EXPECT_EQ(Show(split), "!1 0 1 2 3 | !1 4 5 6 7 | !1 8 9 10 11");
}

TEST(SplitTest, TenThousandInOneChainOrOneStar) {
  for (const bool star : {false, true}) {
    std::vector<Outlined> manifests;
    for (int i = 0; i < 10'000; ++i) {
      manifests.push_back(
          Manifest("m" + std::to_string(i), {"m" + std::to_string(star || i == 0 ? 0 : i - 1)}));
    }
    const Split split = SplitManifests(manifests, {200, 1 << 20, 400});
    EXPECT_EQ(split.pieces.size(), 50U);
    std::set<size_t> seen;
    for (const Piece& piece : split.pieces) {
      EXPECT_LE(piece.datasets, 200U);
      for (const size_t i : piece.manifests) {
        EXPECT_TRUE(seen.insert(i).second);
        // What it reads is in this piece or an earlier one.
        const size_t read = star || i == 0 ? 0 : i - 1;
        EXPECT_TRUE(seen.contains(read) || std::find(piece.manifests.begin(), piece.manifests.end(),
                                                     read) != piece.manifests.end());
      }
    }
    EXPECT_EQ(seen.size(), 10'000U);
  }
}

}  // namespace
}  // namespace dcp::cli
