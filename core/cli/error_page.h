// SPDX-License-Identifier: Apache-2.0
//
// The page of error ids, docs/reference/errors.md, as it was when this program was built.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dcp::cli {

/// One row of the page.
struct ErrorEntry {
  std::string id;       ///< "PZ0203"
  std::string block;    ///< what its block is about: "playgrounds"
  std::string meaning;  ///< text for a terminal: links are their words, backquotes stay
  std::string action;   ///< what to do
};

/// The page's text; its definition is generated (cmake/dcp_embed.cmake).
std::string_view ErrorPage();
/// Every row "| PZnnnn | meaning | what to do |", in the page's order; other lines are prose.
std::vector<ErrorEntry> ParseErrorPage(std::string_view page);
/// As a person may type it: "pz203", "0203" and "203" are "PZ0203"; any other text comes back as it
/// is.
std::string FullErrorId(std::string_view typed);

}  // namespace dcp::cli
