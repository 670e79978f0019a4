// SPDX-License-Identifier: Apache-2.0
//
// Pages of a listing that is merged of two catalogs. A page is asked for by the name that the last
// one ended with, so nothing is remembered, and what comes or goes meanwhile shifts no page.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"

namespace dcp::catalog {

/// Names of one page; a client that asks for more gets this many. As many as upstreams give us.
constexpr int64_t kPageSizeMax = 1000;

struct PageRequest {
  bool paged = false;  ///< without a token of any kind everything is one answer
  std::string after;   ///< names up to this one were given
  size_t size = kPageSizeMax;
};
/// From `pageToken` and `pageSize`; INVALID_ARGUMENT for a token that was not made here.
Result<PageRequest> ReadPageRequest(const std::map<std::string, std::string>& query);

struct Page {
  std::vector<std::string> names;
  bool paged = false;
  std::string next;  ///< the token of the next page; empty after the last page
};
Page TakePage(const std::set<std::string>& names, const PageRequest& request);

}  // namespace dcp::catalog
