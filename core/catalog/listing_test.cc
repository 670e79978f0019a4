// SPDX-License-Identifier: Apache-2.0
//
// Pages of a listing, and tokens that nobody gave.
#include "catalog/listing.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace dcp::catalog {
namespace {

using Query = std::map<std::string, std::string>;

std::vector<std::vector<std::string>> Pages(const std::set<std::string>& names,
                                            const std::string& size) {
  std::vector<std::vector<std::string>> pages;
  std::string token;
  do {
    const auto request = ReadPageRequest(Query{{"pageToken", token}, {"pageSize", size}});
    EXPECT_TRUE(request.ok()) << token;
    const Page page = TakePage(names, *request);
    EXPECT_TRUE(page.paged);
    pages.push_back(page.names);
    token = page.next;
  } while (!token.empty() && pages.size() < 10);
  return pages;
}

TEST(ListingTest, PagesHoldEveryNameOnce) {
  const std::set<std::string> names = {"a", "b b", "c%", "d\xff", "\xc3\xa9"};
  using Got = std::vector<std::vector<std::string>>;
  EXPECT_EQ(Pages(names, "2"), (Got{{"a", "b b"}, {"c%", "d\xff"}, {"\xc3\xa9"}}));
  EXPECT_EQ(Pages(names, "5"), (Got{{"a", "b b", "c%", "d\xff", "\xc3\xa9"}}));
  EXPECT_EQ(Pages({}, "5"), (Got{{}}));
}

TEST(ListingTest, WithoutATokenEverythingIsOneAnswer) {
  const auto request = ReadPageRequest(Query{{"pageSize", "1"}});
  const Page page = TakePage({"a", "b"}, *request);
  EXPECT_FALSE(page.paged);
  EXPECT_EQ(page.names.size(), 2U);
}

TEST(ListingTest, SizesHaveBounds) {
  for (const char* good : {"1", "1000", "1001", "99999999999999999999"}) {
    const auto request = ReadPageRequest(Query{{"pageSize", good}});
    ASSERT_TRUE(request.ok()) << good;
    EXPECT_LE(request->size, static_cast<size_t>(kPageSizeMax));
  }
  for (const char* bad : {"", "0", "-1", "x", "1x", "1.5", " 1", "-99999999999999999999"}) {
    EXPECT_EQ(ReadPageRequest(Query{{"pageSize", bad}}).status().code(), Code::kInvalidArgument)
        << bad;
  }
}

TEST(ListingTest, ForeignTokensAreRefused) {
  for (const char* bad : {"1", "a", "after", "after-%", "after-%zz", "after-a b", "after-%61"}) {
    EXPECT_EQ(ReadPageRequest(Query{{"pageToken", bad}}).status().code(), Code::kInvalidArgument)
        << bad;
  }
  EXPECT_TRUE(ReadPageRequest(Query{{"pageToken", "after-zz"}}).ok());  // such a name may have gone
}

}  // namespace
}  // namespace dcp::catalog
