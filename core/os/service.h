// SPDX-License-Identifier: Apache-2.0
//
// What the supervisor knows about one service. Not for other rooms.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "os/process.h"
#include "os/supervisor.h"

namespace dcp::os {

constexpr SteadyMillis kNever = INT64_MAX;

/// kEnding: told to end; the next step follows when it has.
enum class Phase { kWaiting, kStarting, kReady, kEnding, kFailed };

struct Service {
  ServiceSpec spec;
  Phase phase = Phase::kWaiting;
  Process process;
  int64_t log_start = 0;  ///< size of the log when this process started
  int restarts = 0;
  int failures = 0;  ///< in a row
  int health_failures = 0;
  bool started_once = false;
  std::string detail;
  std::string log_tail;
  SteadyMillis start_at = 0;
  SteadyMillis ready_by = 0;
  SteadyMillis ready_since = 0;
  SteadyMillis check_at = kNever;
  SteadyMillis kill_at = kNever;
  bool ending_is_failure = false;

  // Between the supervisor's thread and the checker's.
  bool check_wanted = false;
  bool check_running = false;
  uint64_t generation = 0;  ///< of the process; an answer about an earlier one is dropped
  std::optional<std::pair<uint64_t, Status>> answer;
  std::condition_variable_any check_cv;
  std::jthread checker;

  bool HasProcess() const { return process.valid(); }
};

/// The state's name for people.
const char* StateName(const Service& service);
/// Opens a service's log for appending, and says where what it writes now begins.
Result<int> OpenServiceLog(const std::string& path, int64_t* start);
/// What a service logged last, from `start` on, with the log's name before it.
std::string ServiceLogTail(const std::string& path, int64_t start);

}  // namespace dcp::os
