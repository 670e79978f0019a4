// SPDX-License-Identifier: Apache-2.0
//
// One query on one session: screen, session, analysis, findings, and what is to be executed of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "call_scope.h"
#include "client.h"
#include "findings.h"
#include "mounting.h"
#include "session_pool.h"

namespace spark::connect {
class DataType;
}

namespace dcp::spark_connect {

/// How long the server may take to hear that a query is not wanted any more.
constexpr int64_t kInterruptTimeoutMs = 2'000;

/// What the calls of one plugin instance share.
struct Engine {
  Client& client;
  SessionPool& pool;
  std::atomic<int64_t>& sessions_opened;
};

/// What to execute of a query that the engine finds well.
struct Execution {
  int32_t limit = 0;
  /// The columns' types, before anything runs; false, with a finding, when it must not run.
  std::function<bool(const ::spark::connect::DataType&, Findings*)> begin = {};
  /// Each Arrow stream as it comes; false when no more are wanted.
  std::function<bool(const std::string& arrow)> take = {};
  /// A stream came that is larger than any RPC may be.
  std::function<void()> too_large = {};
};

using Progress = std::function<void(const std::string&)>;

/// [any] Blocks. What is wrong with the query is in the response; a problem is one of the engine.
Problem RunQuery(const Engine& engine, const contract::v1::AnalyzeRequest& request,
                 CallScope& scope, const Progress& progress, const Execution* execution,
                 contract::v1::AnalyzeResponse* response);

}  // namespace dcp::spark_connect
