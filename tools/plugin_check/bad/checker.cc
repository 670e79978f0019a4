// SPDX-License-Identifier: Apache-2.0
#include "checker.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace dcp::plugin_check {

Output RunProgram(const std::vector<std::string>& arguments) {
  std::string command = TEST_CHECKER;
  for (const std::string& argument : arguments) command += " '" + argument + "'";
  Output output;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return output;
  char buffer[4096];
  for (size_t got = 0; (got = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) {
    output.text.append(buffer, got);
  }
  const int status = pclose(pipe);
  output.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return output;
}

Report RunChecker(const std::string& plugin, std::vector<std::string> arguments) {
  const std::string json = (std::filesystem::temp_directory_path() /
                            ("plugin_check_" + std::to_string(getpid()) + ".json"))
                               .string();
  arguments.insert(arguments.begin(), {plugin, "--json", json, "--seed", "4", "--jobs", "4"});
  // A call that is never completed costs a part of it, each time.
  if (std::find(arguments.begin(), arguments.end(), "--timeout") == arguments.end()) {
    arguments.insert(arguments.end(), {"--timeout", "15"});
  }
  const Output output = RunProgram(arguments);
  Report report{output.exit_code, output.text, 0, {}, {}, {}};
  std::ifstream file(json);
  const auto read = nlohmann::json::parse(file, nullptr, false);
  std::remove(json.c_str());
  if (!read.is_object()) return report;
  for (const auto& check : read["checks"]) {
    const std::string outcome = check["outcome"];
    if (outcome == "passed") ++report.passed;
    if (outcome == "failed") report.failed.push_back(check["name"]);
    if (outcome == "waived") report.waived.push_back(check["name"]);
    if (outcome == "not run") report.not_run[check["name"]] = check["happened"];
  }
  return report;
}

}  // namespace dcp::plugin_check
