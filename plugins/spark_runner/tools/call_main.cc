// SPDX-License-Identifier: Apache-2.0
//
// spark_runner_call: the test backend's two methods without daemon and plugin host, for tests.
//
//   spark_runner_call CONFIG.json < requests.jsonl
//       one {"method", "request"} a line; for each a line {"response"} or {"error"}
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "analyze.h"
#include "config.h"
#include "json_io.h"

namespace {

using dcp::spark_runner::Json;

constexpr int kExitUsage = 2;

Json Answer(const dcp::spark_runner::Config& config, const Json& line) {
  const std::string request = dcp::spark_runner::Dump(dcp::spark_runner::Child(line, "request"));
  const bool interpret = dcp::spark_runner::Text(line, "method") == "Interpret";
  const auto outcome = interpret ? dcp::spark_runner::Interpret(request)
                                 : dcp::spark_runner::Analyze(config, request);
  if (outcome.ok()) return {{"response", Json::parse(outcome.value())}};
  const dcp::sdk::Error& error = outcome.error();
  return {{"error", {{"code", error.code}, {"id", error.id}, {"message", error.message}}}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: spark_runner_call CONFIG.json < requests.jsonl\n";
    return kExitUsage;
  }
  std::ifstream file(argv[1]);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto config = dcp::spark_runner::ParseConfig(text);
  if (!config.ok()) {
    std::cerr << config.error().message << "\n";
    return kExitUsage;
  }
  for (std::string line; std::getline(std::cin, line);) {
    const Json json = Json::parse(line, nullptr, false);
    std::cout << dcp::spark_runner::Dump(Answer(config.value(), json)) << std::endl;
  }
  return 0;
}
