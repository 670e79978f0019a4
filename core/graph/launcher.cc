// SPDX-License-Identifier: Apache-2.0
#include "graph/launcher.h"

#include <utility>

namespace dcp::graph {
namespace {

class RealLauncher : public Launcher {
 public:
  explicit RealLauncher(std::string program) : program_(std::move(program)) {}
  Status Launch(const std::string& directory, const os::JobSpec& spec) override {
    return os::LaunchJob(program_, directory, spec);
  }
  Result<os::JobState> Read(const std::string& directory) override {
    return os::ReadJobState(directory);
  }
  Status Stop(const std::string& directory) override { return os::StopJob(directory); }

 private:
  std::string program_;
};

}  // namespace

std::unique_ptr<Launcher> OsLauncher(std::string program) {
  return std::make_unique<RealLauncher>(std::move(program));
}

}  // namespace dcp::graph
