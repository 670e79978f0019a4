// SPDX-License-Identifier: Apache-2.0
//
// Analyze, from the contract's request to its response: screen, session, the two RPCs, findings.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "call_scope.h"
#include "client.h"
#include "releaser.h"
#include "session_pool.h"
#include "settings.h"

namespace dcp::contract::v1 {
class AnalyzeRequest;
class AnalyzeResponse;
}  // namespace dcp::contract::v1

namespace dcp::spark_connect {

class Analyzer {
 public:
  using Progress = std::function<void(const std::string&)>;

  explicit Analyzer(const Settings& settings);
  ~Analyzer();

  /// [any] Blocks. What is wrong with the query is in the response; an error is one of the engine.
  sdk::Outcome<bool> Analyze(const contract::v1::AnalyzeRequest& request, CallScope& scope,
                             const Progress& progress, contract::v1::AnalyzeResponse* response);

 private:
  Client client_;
  Releaser releaser_;
  SessionPool pool_;
  std::atomic<int64_t> sessions_opened_{0};  ///< since this worker began
};

}  // namespace dcp::spark_connect
