// SPDX-License-Identifier: Apache-2.0
//
// The runner's way to processes: os/job.h behind an interface, so that the life of a job is tested
// without starting any.
#pragma once

#include <memory>
#include <string>

#include "os/job.h"

namespace dcp::graph {

/// [any]
class Launcher {
 public:
  virtual ~Launcher() = default;
  /// Safe to repeat: a folder that shows a launch is left as it is.
  virtual Status Launch(const std::string& directory, const os::JobSpec& spec) = 0;
  virtual Result<os::JobState> Read(const std::string& directory) = 0;
  virtual Status Stop(const std::string& directory) = 0;
  /// Sees to it that nothing of the job runs, now or later; true once that is so (os::EndJob).
  virtual Result<bool> End(const std::string& directory) = 0;
  /// Whether anything of the job runs, a launcher that has recorded nothing yet included.
  virtual Result<bool> Runs(const std::string& directory) = 0;
};

/// Starts jobs with the program `dcp-launch` of that path; `held_fd` as in os::LaunchJob.
std::unique_ptr<Launcher> OsLauncher(std::string program, int held_fd = -1);

}  // namespace dcp::graph
