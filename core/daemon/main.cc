// SPDX-License-Identifier: Apache-2.0
//
// dcpd: the daemon's program. Reads its arguments, starts the daemon, waits for a signal.
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/program_options.hpp>
#include <csignal>
#include <ctime>
#include <iostream>
#include <string>
#include <utility>

#include "base/crash_point.h"
#include "daemon/daemon.h"
#include "daemon/memory.h"
#include "daemon/version.h"
#include "log/log.h"

namespace {

namespace po = boost::program_options;

constexpr int kExitOk = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

/// The folder of this very program: its companions (worker, launcher) are beside it.
std::string OwnFolder() {
  std::array<char, 4096> path{};
  const ssize_t size = readlink("/proc/self/exe", path.data(), path.size() - 1);
  const std::string text(path.data(), size > 0 ? static_cast<size_t>(size) : 0);
  const size_t slash = text.rfind('/');
  return slash == std::string::npos ? "." : text.substr(0, slash);
}

/// Secrets are in this process's memory: no core file, no ptrace by others of the same user.
void ForbidDumps() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__  // the leak check at the end attaches to the process
  prctl(PR_SET_DUMPABLE, 0);
#endif
}

/// Callers, sessions, upstreams, workers and jobs each hold some; the usual 1024 is meant for
/// shells and for programs that select().
void RaiseDescriptorLimit() {
  constexpr rlim_t kDescriptorsMax = 65'536;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kDescriptorsMax) return;
  limit.rlim_cur = std::min(limit.rlim_max, kDescriptorsMax);
  setrlimit(RLIMIT_NOFILE, &limit);
}

void PrintHelp(const po::options_description& options) {
  std::cout
      << "dcpd - hosts playgrounds of a lakehouse: catalog, graph runner, plugins\n\n"
         "usage: dcpd --config FILE [--check]\n"
         "       dcpd --crash-points\n\n"
      << options
      << "\nexamples:\n"
         "  dcpd --config examples/stack/dcpd.yaml --check   say what is wrong with the file\n"
         "  dcpd --config /etc/pretzel/dcpd.yaml             run until SIGTERM or SIGINT; a second "
         "one hastens the end\n\n"
         "SIGHUP has it read the file again (as `pretzel config reload` does).\n"
         "exit codes: 0 stopped by a signal, 1 could not start, 2 usage\n";
}

int Run(dcp::daemon::StartOptions options) {
  // Blocked before any thread exists, so that every thread inherits it and only sigwait sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  // An ignored signal would not wait for us, and nohup hands it down ignored.
  std::signal(SIGHUP, SIG_DFL);
  // The next signal to end that waits, without waiting for one.
  sigset_t ends = signals;
  sigdelset(&ends, SIGHUP);
  const auto signalled = [ends] {
    const timespec none{};
    return sigtimedwait(&ends, nullptr, &none) > 0;
  };
  options.stop_asked = signalled;
  std::atomic<bool> damaged = false;
  options.damaged = [&damaged](const dcp::Status& status) {
    dcp::log::Write(dcp::log::Id::kStoreDamaged, {{"error", status.ToString()}});
    damaged = true;
    ::kill(::getpid(), SIGTERM);
  };
  auto daemon = dcp::daemon::Daemon::Start(options);
  if (daemon.status().code() == dcp::Code::kCancelled) {
    dcp::log::Flush();
    return damaged ? kExitFailed : kExitOk;
  }
  if (!daemon.ok()) {
    dcp::log::Flush();
    std::cerr << "dcpd: " << daemon.status().ToString() << "\n";
    return kExitFailed;
  }
  int received = 0;
  while (sigwait(&signals, &received) == 0 && received == SIGHUP) (*daemon)->RequestReload();
  (*daemon)->Drain(signalled);
  return damaged ? kExitFailed : kExitOk;
}

}  // namespace

int main(int argc, char** argv) {
  ForbidDumps();
  dcp::daemon::KeepMemoryTogether();
  RaiseDescriptorLimit();
  dcp::daemon::StartOptions options;
  options.bin_dir = OwnFolder();
  po::options_description description("options");
  description.add_options()("config,c", po::value<std::string>(&options.config_file),
                            "configuration file")(
      "check", "read the configuration, say what is wrong, start nothing")(
      "crash-points", "list the places at which PRETZEL_CRASH_POINT=NAME[:N] kills it, for tests")(
      "help,h", "this text")("version", "print the version");
  po::variables_map arguments;
  try {
    po::store(po::parse_command_line(argc, argv, description), arguments);
    po::notify(arguments);
  } catch (const po::error& error) {
    std::cerr << "dcpd: " << error.what() << " (see dcpd --help)\n";
    return kExitUsage;
  }
  if (arguments.count("help") != 0) {
    PrintHelp(description);
    return kExitOk;
  }
  if (arguments.count("version") != 0) {
    std::cout << "dcpd " << dcp::daemon::kVersion << "\n";
    return kExitOk;
  }
  if (arguments.count("crash-points") != 0) {
    for (const auto& point : dcp::crash::Points()) {
      std::cout << point.name << "\t" << point.where << "\n";
    }
    return kExitOk;
  }
  if (options.config_file.empty()) {
    std::cerr << "dcpd: --config FILE is needed (see dcpd --help)\n";
    return kExitUsage;
  }
  if (arguments.count("check") != 0) {
    const dcp::Status status = dcp::daemon::CheckConfig(options);
    if (!status.ok()) {
      std::cerr << status.ToString() << "\n";
      return kExitFailed;
    }
    std::cout << options.config_file << " is fine\n";
    return kExitOk;
  }
  if (const dcp::Status armed = dcp::crash::ArmFromEnvironment(); !armed.ok()) {
    std::cerr << "dcpd: " << armed.ToString() << "\n";
    return kExitUsage;
  }
  return Run(std::move(options));
}
