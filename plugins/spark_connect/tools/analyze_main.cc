// SPDX-License-Identifier: Apache-2.0
//
// spark_connect_analyze: one analysis without daemon and plugin host, for tests and benches.
//
//   spark_connect_analyze CONFIG.json [schema|explain] < query.sql     one query, a response as
//   JSON spark_connect_analyze CONFIG.json lines < requests.jsonl           one AnalyzeRequest a
//   line; one
//                                                                      line
//                                                                      {"response"|"error","us"}
//                                                                      each
// The configuration is a file, because it may hold a token.
#include <dcp/contract/v1/test_backend.pb.h>
#include <google/protobuf/util/json_util.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "analyzer.h"
#include "settings.h"

namespace {

namespace v1 = ::dcp::contract::v1;
using dcp::spark_connect::Analyzer;
using dcp::spark_connect::CallScope;
using dcp::spark_connect::Settings;
using nlohmann::json;

constexpr int kExitUsage = 2;

json Ask(Analyzer& analyzer, const Settings& settings, const v1::AnalyzeRequest& request) {
  CallScope scope(settings.default_timeout_ms);
  v1::AnalyzeResponse response;
  const auto start = std::chrono::steady_clock::now();
  const auto outcome = analyzer.Analyze(
      request, scope, [](const std::string&) {}, &response);
  const auto spent = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - start);
  json out = {{"us", spent.count()}};
  if (!outcome.ok()) {
    const auto& error = outcome.error();
    out["error"] = {
        {"code", error.code}, {"id", error.id}, {"message", error.message}, {"hint", error.hint}};
    return out;
  }
  std::string text;
  (void)google::protobuf::util::MessageToJsonString(response, &text);
  out["response"] = json::parse(text, nullptr, false);
  return out;
}

int Lines(Analyzer& analyzer, const Settings& settings) {
  for (std::string line; std::getline(std::cin, line);) {
    v1::AnalyzeRequest request;
    if (const auto status = google::protobuf::util::JsonStringToMessage(line, &request);
        !status.ok()) {
      std::cerr << "spark_connect_analyze: not an AnalyzeRequest: " << status.ToString() << '\n';
      return kExitUsage;
    }
    std::cout << Ask(analyzer, settings, request).dump() << std::endl;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 2 ? argv[2] : "schema";
  if (argc < 2 || argc > 3 || (mode != "schema" && mode != "explain" && mode != "lines")) {
    std::cerr << "usage: spark_connect_analyze CONFIG.json [schema|explain|lines] < input\n";
    return kExitUsage;
  }
  std::ifstream file(argv[1]);
  if (!file) {
    std::cerr << "spark_connect_analyze: cannot read " << argv[1] << '\n';
    return kExitUsage;
  }
  const std::string config{std::istreambuf_iterator<char>(file), {}};
  const auto settings = dcp::spark_connect::ParseSettings(config);
  if (!settings.ok()) {
    std::cerr << settings.error().message << '\n' << settings.error().hint << '\n';
    return kExitUsage;
  }
  Analyzer analyzer(settings.value());
  if (mode == "lines") return Lines(analyzer, settings.value());
  v1::AnalyzeRequest request;
  request.set_sql(std::string(std::istreambuf_iterator<char>(std::cin), {}));
  request.set_mode(mode == "explain" ? v1::EXPLAIN : v1::SCHEMA);
  const json answer = Ask(analyzer, settings.value(), request);
  std::cout << answer.dump(2) << '\n';
  return answer.contains("response") && answer["response"].value("valid", false) ? 0 : 1;
}
