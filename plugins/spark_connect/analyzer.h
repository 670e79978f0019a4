// SPDX-License-Identifier: Apache-2.0
//
// Analyze and Preview, from the contract's requests to their responses.
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
class PreviewRequest;
class PreviewResponse;
}  // namespace dcp::contract::v1

namespace dcp::spark_connect {

/// Rows of one preview: more belong into a table, or a file.
constexpr int32_t kPreviewRowsMax = 1'000;
/// Bytes of one preview's values: it travels, and is kept, as one message.
constexpr int64_t kPreviewBytesMax = int64_t{4} << 20;

class Analyzer {
 public:
  using Progress = std::function<void(const std::string&)>;

  explicit Analyzer(const Settings& settings);
  ~Analyzer();

  /// [any] Blocks. What is wrong with the query is in the response; an error is one of the engine.
  sdk::Outcome<bool> Analyze(const contract::v1::AnalyzeRequest& request, CallScope& scope,
                             const Progress& progress, contract::v1::AnalyzeResponse* response);
  sdk::Outcome<bool> Preview(const contract::v1::PreviewRequest& request, CallScope& scope,
                             const Progress& progress, contract::v1::PreviewResponse* response);

 private:
  Client client_;
  Releaser releaser_;
  SessionPool pool_;
  std::atomic<int64_t> sessions_opened_{0};  ///< since this worker began
};

}  // namespace dcp::spark_connect
