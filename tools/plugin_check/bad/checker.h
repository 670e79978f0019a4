// SPDX-License-Identifier: Apache-2.0
//
// Runs the checker's program, as a person does, and reads what it wrote.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace dcp::plugin_check {

struct Output {
  int exit_code = -1;
  std::string text;
};

struct Report {
  int exit_code = -1;
  std::string text;
  size_t passed = 0;
  std::vector<std::string> failed;
  std::vector<std::string> waived;
  std::map<std::string, std::string> not_run;  ///< and why
};

/// stdout and stderr together.
Output RunProgram(const std::vector<std::string>& arguments);
/// With a seed, so that a run is like the one before.
Report RunChecker(const std::string& plugin, std::vector<std::string> arguments);

}  // namespace dcp::plugin_check
