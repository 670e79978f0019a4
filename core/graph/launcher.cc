// SPDX-License-Identifier: Apache-2.0
#include "graph/launcher.h"

#include <utility>

namespace dcp::graph {
namespace {

class RealLauncher : public Launcher {
 public:
  RealLauncher(std::string program, int held_fd)
      : program_(std::move(program)), held_fd_(held_fd) {}
  Status Launch(const std::string& directory, const os::JobSpec& spec) override {
    return os::LaunchJob(program_, directory, spec, held_fd_);
  }
  Result<os::JobState> Read(const std::string& directory) override {
    return os::ReadJobState(directory);
  }
  Status Stop(const std::string& directory) override { return os::StopJob(directory); }
  Result<bool> End(const std::string& directory) override { return os::EndJob(directory); }
  Result<bool> Runs(const std::string& directory) override { return os::JobRuns(directory); }

 private:
  const std::string program_;
  const int held_fd_;
};

}  // namespace

std::unique_ptr<Launcher> OsLauncher(std::string program, int held_fd) {
  return std::make_unique<RealLauncher>(std::move(program), held_fd);
}

}  // namespace dcp::graph
