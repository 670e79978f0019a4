// SPDX-License-Identifier: Apache-2.0
//
// Results for people, for programs, and for the pages of a CI.
#pragma once

#include <string>
#include <vector>

#include "plugin_check/check.h"

namespace dcp::plugin_check {

struct RunFacts {
  std::string plugin;  ///< path
  std::string id;      ///< of the manifest; empty when it cannot be read
  std::string version;
  int level = 0;
  uint64_t seed = 0;
};

struct Counts {
  int passed = 0;
  int failed = 0;
  int waived = 0;
  int not_run = 0;
};
Counts CountOf(const std::vector<CheckResult>& results);

// All [any].
std::string HeadText(const RunFacts& facts, size_t checks);
/// One line; more for a check that failed: expected, happened, what to do.
std::string ResultText(const CheckResult& result);
std::string SummaryText(const std::vector<CheckResult>& results, const RunFacts& facts);
std::string Json(const std::vector<CheckResult>& results, const RunFacts& facts);
std::string JUnit(const std::vector<CheckResult>& results, const RunFacts& facts);
/// Every check with its level and its sentence.
std::string ListText();
/// docs/plugins/checks.md.
std::string ListPage();

}  // namespace dcp::plugin_check
