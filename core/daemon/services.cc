// SPDX-License-Identifier: Apache-2.0
#include "daemon/services.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/limits.h"
#include "daemon/confinement.h"
#include "os/file.h"
#include "os/process.h"

namespace dcp::daemon {
namespace {

/// An answer over loopback that takes longer, three times in a row, is worth a restart: a JVM's
/// full collection on a busy machine takes about a second.
constexpr int64_t kHealthCheckMs = 5'000;

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

/// An absolute path, or a name looked up in the service's own PATH.
Result<std::string> FindProgram(const ServiceSettings& service) {
  const std::string& program = service.command.front();
  if (program.find('/') != std::string::npos) return program;
  std::string path;
  for (const auto& [key, value] : service.env) {
    if (key == "PATH") path = value;
  }
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find(':', begin), path.size());
    const std::string candidate = path.substr(begin, end - begin) + "/" + program;
    if (end > begin && access(candidate.c_str(), X_OK) == 0) return candidate;
    begin = end + 1;
  }
  return NotFound("service " + service.name + ": no program \"" + program + "\" in its PATH \"" +
                  path + "\"")
      .WithHint("give an absolute path, or set PATH in the service's env");
}

}  // namespace

Status StartServices(const std::vector<ServiceSettings>& services, const std::string& log_directory,
                     const std::string& bin_dir, os::Supervisor& supervisor) {
  DCP_TRY(os::MakeDirectories(log_directory));
  for (const auto& service : services) {
    for (const auto& directory : service.directories) DCP_TRY(os::MakeDirectories(directory));
    for (const auto& file : service.files) {
      DCP_TRY(os::MakeDirectories(ParentOf(file.path)));
      std::string text;
      if (!file.include.empty()) {
        DCP_ASSIGN(
            text,
            os::ReadFile(file.include, limits::kFileBytesMax).With("service " + service.name));
      }
      DCP_TRY(os::WriteFileAtomic(file.path, text + file.content.Reveal(), 0600));
    }
    os::ServiceSpec spec;
    spec.name = service.name;
    spec.argv = service.command;
    DCP_ASSIGN(spec.argv.front(), FindProgram(service));
    if (service.sandbox) {
      const auto words = os::ConfineWords(ConfineProgram(bin_dir), ConfinementOf(service));
      spec.argv.insert(spec.argv.begin(), words.begin(), words.end());
    }
    spec.env = service.env;
    spec.directory = service.working_directory;
    spec.log_file = log_directory + "/" + service.name + ".log";
    spec.endpoint = service.ready_host + ":" + std::to_string(service.ready_port);
    spec.healthy = [host = service.ready_host, port = service.ready_port, check = service.check,
                    path = service.check_path] {
      if (check == "http") return os::CheckHttp(host, port, path, kHealthCheckMs);
      if (check == "http2") return os::CheckHttp2(host, port, kHealthCheckMs);
      return os::CheckTcp(host, port, kHealthCheckMs);
    };
    DCP_TRY(supervisor.Add(std::move(spec)));
  }
  return {};
}

Result<int> ChoosePort(store::Store& store, const std::string& name) {
  const std::string key = "port." + name;
  if (const auto kept = store.GetFact(key); kept.ok()) {
    const int port = std::atoi(kept->c_str());
    // Somebody answering there is somebody else: our own processes died with the last daemon.
    if (port > 0 && !os::CheckTcp("127.0.0.1", port, kHealthCheckMs).ok()) return port;
  }
  DCP_ASSIGN(const int port, os::FreeLoopbackPort());
  DCP_TRY(store.PutFact(key, std::to_string(port)));
  return port;
}

}  // namespace dcp::daemon
