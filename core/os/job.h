// SPDX-License-Identifier: Apache-2.0
//
// Local jobs that outlive the daemon. LaunchJob starts `dcp-launch DIRECTORY`, which locks the
// folder, records who it is, stays the job's parent, and leaves the exit status there. A second
// launch of the same folder finds the lock taken, or the exit status written, and adopts.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "os/process.h"

namespace dcp::os {

/// JOBS/RUN/JOB holds what daemon and launcher tell each other; the job itself is given nothing but
/// JOBS/RUN/JOB/work, so that it cannot say for them what it is, that it has ended, or what is to
/// be started. For UntrustedFolder::Open.
constexpr int kJobFolderLevels = 2;
constexpr char kJobWorkFolder[] = "work";
constexpr int kJobWorkLevels = kJobFolderLevels + 1;

/// Where the job of that folder works and writes. One that was launched before these were apart
/// works in the folder itself.
std::string JobWorkFolder(const std::string& directory);

struct JobSpec {
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> env;
  /// What argv[0] is started with: nothing of `env`, which it finds at kJobEnvironmentFd and gives
  /// to what it becomes. Variables steer the loader, so a program that confines must not have them.
  bool env_is_passed_on = false;
  std::string stdout_file = "stdout";  ///< relative to the work folder
  std::string stderr_file = "stderr";
  int64_t stop_grace_ms = 10'000;
};

/// The number of what a command with `env_is_passed_on` reads: NAME=VALUE, each ended by NUL.
constexpr int kJobEnvironmentFd = 4;

struct JobState {
  enum class Phase {
    kNotLaunched,  ///< nothing has happened in this folder
    kRunning,
    kExited,
    kLost,  ///< it was launched, is not running any more, and left no exit status
  };
  Phase phase = Phase::kNotLaunched;
  ExitStatus exit;
  ProcessIdentity launcher;
  ProcessIdentity job;
};

/// Writes the spec into `directory` (which exists, with its work folder) and starts the launcher
/// unless the folder shows that one has been there. Safe to repeat at any point. Both paths are
/// absolute. Returns once the job is recorded (or is another launcher's), and UNAVAILABLE when it
/// could not be. [any] `held_fd` (-1: none) is kept open for as long as the job lives, and is not
/// the job's (HeldPort).
Status LaunchJob(const std::string& launcher_program, const std::string& directory,
                 const JobSpec& spec, int held_fd = -1);
/// What the folder and /proc say. [any]
Result<JobState> ReadJobState(const std::string& directory);
/// Asks the launcher to stop the job: TERM to its group, KILL after the grace time. Returns at
/// once; ReadJobState tells when it has ended. Works for a job that an earlier daemon launched; OK
/// when it has ended already. A job not launched yet is closed (signal 15), and will never be;
/// UNAVAILABLE when it is being launched at this moment: ask again. [any]
Status StopJob(const std::string& directory);
/// For whoever wants to remove what the job works on: StopJob, and true once launcher, job and all
/// that is left of the job's session are gone; false while something still runs: ask again. What a
/// dead launcher left behind is killed. A folder that is not there is true. [any]
Result<bool> EndJob(const std::string& directory);
/// Whether anything of that job runs; nothing is done to it. [any]
Result<bool> JobRuns(const std::string& directory);

}  // namespace dcp::os
