// SPDX-License-Identifier: Apache-2.0
//
// The checks as data: what each asks of a plugin, and what became of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dcp::plugin_check {

/// Where a check runs.
enum class Place {
  kFile,    ///< in this program: the file is read, and nothing of it runs
  kProbe,   ///< in a process that loads the plugin and does one check
  kJudged,  ///< as kProbe; what the plugin answered is then held against the contract
  kWorker,  ///< in a process that runs the plugin in the real worker
};

/// One check. Names are stable: people put them into --exclude.
struct Check {
  std::string_view name;  ///< kebab-case
  char group = 'A';       ///< 'A' to 'G', see GroupName()
  int level = 2;          ///< 1: the plugin cannot be used; 2: the ABI's rules; 3: advice
  Place place = Place::kFile;
  bool managed_waived = false;  ///< a runtime such as Go's cannot meet it, whatever the author does
  std::string_view needs;       ///< names of checks without which it means nothing, by spaces
  std::string_view rule;        ///< one sentence: what is expected
  std::string_view advice;      ///< what to do when it fails
};

enum class Outcome { kPassed, kFailed, kWaived, kNotRun };

struct CheckResult {
  const Check* check = nullptr;
  Outcome outcome = Outcome::kNotRun;
  std::string happened;  ///< when it failed: what was seen; when waived or not run: why
  int64_t millis = 0;
};

constexpr int kLevelDefault = 2;
constexpr int kLevelMax = 3;

/// Every check, in the order of its groups. [any]
const std::vector<Check>& AllChecks();
/// nullptr for an unknown name. [any]
const Check* FindCheck(std::string_view name);
/// "file", "loading", ...; for one of the letters above. [any]
std::string_view GroupName(char group);
/// "passed", "FAILED", "waived", "not run". [any]
std::string_view OutcomeName(Outcome outcome);
/// The words of `needs`. [any]
std::vector<std::string> Needs(const Check& check);

}  // namespace dcp::plugin_check
