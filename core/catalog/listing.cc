// SPDX-License-Identifier: Apache-2.0
//
// Page tokens: "after-" and the last name, percent-encoded as in a URL.
#include "catalog/listing.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "catalog/url.h"

namespace dcp::catalog {
namespace {

constexpr std::string_view kTokenPrefix = "after-";

Result<size_t> ReadSize(const std::string& text) {
  int64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  const bool whole = end == text.data() + text.size();
  // Digits beyond any number are still a client that wants as much as it can get.
  if (error == std::errc::result_out_of_range && whole && text[0] != '-') size = kPageSizeMax;
  if (error == std::errc::invalid_argument || !whole || size < 1) {
    return InvalidArgument("the query parameter pageSize is not a whole number above 0");
  }
  return static_cast<size_t>(std::min(size, kPageSizeMax));
}

Result<std::string> ReadToken(const std::string& token) {
  if (token.empty()) return std::string();
  const std::string_view text(token);
  if (text.starts_with(kTokenPrefix)) {
    const Result<std::string> name = DecodeText(text.substr(kTokenPrefix.size()));
    if (name.ok() && EncodeSegment(*name) == text.substr(kTokenPrefix.size())) return name;
  }
  return InvalidArgument(
      "the query parameter pageToken was not given by this catalog; begin the listing again");
}

}  // namespace

Result<PageRequest> ReadPageRequest(const std::map<std::string, std::string>& query) {
  PageRequest request;
  if (const auto size = query.find("pageSize"); size != query.end()) {
    DCP_ASSIGN(request.size, ReadSize(size->second));
  }
  if (const auto token = query.find("pageToken"); token != query.end()) {
    request.paged = true;
    DCP_ASSIGN(request.after, ReadToken(token->second));
  }
  return request;
}

Page TakePage(const std::set<std::string>& names, const PageRequest& request) {
  Page page;
  page.paged = request.paged;
  if (!request.paged) {
    page.names.assign(names.begin(), names.end());
    return page;
  }
  auto name = request.after.empty() ? names.begin() : names.upper_bound(request.after);
  while (name != names.end() && page.names.size() < request.size) page.names.push_back(*name++);
  if (name != names.end()) {
    page.next = std::string(kTokenPrefix) + EncodeSegment(page.names.back());
  }
  return page;
}

}  // namespace dcp::catalog
