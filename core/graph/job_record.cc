// SPDX-License-Identifier: Apache-2.0
#include "graph/job_record.h"

#include <array>
#include <nlohmann/json.hpp>

#include "os/job.h"

namespace dcp::graph {
namespace {

using nlohmann::json;

constexpr std::array<const char*, 5> kSteps = {"NONE", "LEASED", "PREPARED", "LAUNCHED",
                                               "SUBMITTED"};
constexpr std::array<const char*, 3> kStops = {"", "CANCEL", "DEADLINE"};
constexpr std::array<const char*, 2> kKinds = {"RUN", "TEST"};

template <typename Enum, size_t kCount>
bool Read(const std::string& name, const std::array<const char*, kCount>& names, Enum& value) {
  for (size_t i = 0; i < kCount; ++i) {
    if (name != names[i]) continue;
    value = static_cast<Enum>(i);
    return true;
  }
  return false;
}

}  // namespace

std::string JobRecordToJson(const JobRecord& record) {
  const json object = {{"step", kSteps[static_cast<size_t>(record.step)]},
                       {"kind", kKinds[static_cast<size_t>(record.kind)]},
                       {"instance", record.instance},
                       {"plugin", record.plugin},
                       {"startsJobs", record.starts_jobs},
                       {"attempt", record.attempt},
                       {"directory", record.directory},
                       {"idempotencyKey", record.idempotency_key},
                       {"deadlineMs", record.deadline},
                       {"handle", record.handle},
                       {"stdoutFile", record.stdout_file},
                       {"stderrFile", record.stderr_file},
                       {"resultFile", record.result_file},
                       {"stopGraceMs", record.stop_grace_ms},
                       {"stop", kStops[static_cast<size_t>(record.stop)]},
                       {"stopAtMs", record.stop_at}};
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<JobRecord> JobRecordFromJson(const std::string& text) {
  JobRecord record;
  if (text.empty()) return record;
  try {
    const json object = json::parse(text);
    // Jobs of earlier daemons lack some of these.
    const std::string kind = object.value("kind", "RUN");
    record.instance = object.value("instance", "");
    record.plugin = object.value("plugin", "");
    record.starts_jobs = object.value("startsJobs", kind == "RUN");
    record.stdout_file = object.value("stdoutFile", "");
    record.attempt = object.at("attempt").get<int>();
    record.directory = object.at("directory").get<std::string>();
    record.idempotency_key = object.at("idempotencyKey").get<std::string>();
    record.deadline = object.at("deadlineMs").get<int64_t>();
    record.handle = object.at("handle").get<std::string>();
    record.stderr_file = object.at("stderrFile").get<std::string>();
    record.result_file = object.at("resultFile").get<std::string>();
    record.stop_grace_ms = object.at("stopGraceMs").get<int64_t>();
    record.stop_at = object.at("stopAtMs").get<int64_t>();
    if (Read(kind, kKinds, record.kind) &&
        Read(object.at("step").get<std::string>(), kSteps, record.step) &&
        Read(object.at("stop").get<std::string>(), kStops, record.stop)) {
      return record;
    }
  } catch (const json::exception&) {
    // Said below: its own text would quote what is stored.
  }
  return DataLoss("what is stored of the job cannot be read");
}

std::string JobFolder(const std::string& jobs, const std::string& run_id,
                      const std::string& node_id, int attempt) {
  const std::string folder = jobs + "/" + run_id + "/" + node_id;
  return attempt <= 1 ? folder : folder + "~" + std::to_string(attempt);
}

std::string WorkFolder(const JobRecord& record) {
  return record.directory + "/" + os::kJobWorkFolder;
}

std::string JobKey(const std::string& run_id, const std::string& node_id, int attempt) {
  const std::string key = run_id + "/" + node_id;
  return attempt <= 1 ? key : key + "/" + std::to_string(attempt);
}

}  // namespace dcp::graph
