// SPDX-License-Identifier: Apache-2.0
#include "plugin_check/check.h"

#include <sstream>

namespace dcp::plugin_check {
namespace {

// What stands between a file and a check of what it does.
constexpr std::string_view kLoaded = "elf-kind elf-entry manifest-present elf-needed load-now";
constexpr std::string_view kTables =
    "elf-kind elf-entry manifest-present elf-needed load-now table-size table-slots";
constexpr std::string_view kMade =
    "elf-kind elf-entry manifest-present elf-needed load-now table-size table-slots create-good";
constexpr std::string_view kAccepted =
    "elf-kind elf-entry manifest-present elf-needed load-now table-size table-slots create-good "
    "validate-good";
constexpr std::string_view kServes =
    "elf-kind elf-entry manifest-present elf-needed load-now table-size table-slots table-minor "
    "descriptor-match validate-good create-good worker-serves";

}  // namespace

const std::vector<Check>& AllChecks() {
  static const std::vector<Check> checks = {
#define DCP_CHECK(name, group, level, place, waived, needs, rule, advice) \
  Check{name, group, level, Place::place, waived, needs, rule, advice},
#include "plugin_check/checks.inc"
#undef DCP_CHECK
  };
  return checks;
}

const Check* FindCheck(std::string_view name) {
  for (const Check& check : AllChecks()) {
    if (check.name == name) return &check;
  }
  return nullptr;
}

std::string_view GroupName(char group) {
  switch (group) {
    case 'A':
      return "file";
    case 'B':
      return "loading";
    case 'C':
      return "tables";
    case 'D':
      return "life";
    case 'E':
      return "calls";
    case 'F':
      return "callbacks";
    default:
      return "isolation";
  }
}

std::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPassed:
      return "passed";
    case Outcome::kFailed:
      return "FAILED";
    case Outcome::kWaived:
      return "waived";
    case Outcome::kNotRun:
      break;
  }
  return "not run";
}

std::vector<std::string> Needs(const Check& check) {
  std::istringstream words{std::string(check.needs)};
  std::vector<std::string> needs;
  for (std::string word; words >> word;) needs.push_back(word);
  return needs;
}

}  // namespace dcp::plugin_check
