// SPDX-License-Identifier: Apache-2.0
//
// What is remembered of a job, in the store as `job_json`: enough to go on after a restart, and
// nothing secret (files and environment of a process lie in the job's own 0600 files).
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace dcp::graph {

struct JobRecord {
  /// NONE -> LEASED -> SUBMITTED                (the backend runs it)
  ///                \-> PREPARED -> LAUNCHED    (the host runs it)
  enum class Step { kNone, kLeased, kPrepared, kLaunched, kSubmitted };
  enum class Stop { kNo, kCancel, kDeadline };
  /// How the work is asked for and concluded: Submit and Check, or Analyze and Interpret.
  enum class Kind { kRun, kTest };

  Step step = Step::kNone;
  Kind kind = Kind::kRun;
  std::string instance;  ///< of a plugin, that it was given to; empty: whichever the routes say
  std::string plugin;    ///< that the instance runs
  /// A Submit that was not answered may have started something (Backend::StartsJobs).
  bool starts_jobs = true;
  int attempt = 1;
  std::string directory;        ///< its folder; the lease's is the work folder in it
  std::string idempotency_key;  ///< one for each attempt
  WallMillis deadline = 0;
  std::string handle;
  std::string stdout_file;
  std::string stderr_file;
  std::string result_file;
  int64_t stop_grace_ms = 0;
  Stop stop = Stop::kNo;  ///< it was told to end, or is about to be
  WallMillis stop_at = 0;
};

std::string JobRecordToJson(const JobRecord& record);
/// kNone for an empty text; DATA_LOSS for one that cannot be read.
Result<JobRecord> JobRecordFromJson(const std::string& text);

/// Folder of an attempt: "<jobs>/<run>/<node>", further attempts with "~2". A node's id holds no
/// "~", so no two jobs share one.
std::string JobFolder(const std::string& jobs, const std::string& run_id,
                      const std::string& node_id, int attempt);

/// Of what is in an attempt's folder, all that the job may touch.
std::string WorkFolder(const JobRecord& record);

/// Idempotency key of an attempt.
std::string JobKey(const std::string& run_id, const std::string& node_id, int attempt);

}  // namespace dcp::graph
