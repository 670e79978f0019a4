// SPDX-License-Identifier: Apache-2.0
//
// dcp-plugin-worker FD: runs one plugin for the daemon that started it. Gives up what a plugin does
// not need (core dumps, new privileges, a parent that is gone) and serves the socket FD.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

#include "host/worker.h"
#include "host/worker_arguments.h"

namespace dcp::host {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr int kDumpable = 1;  // the leak check at the end attaches to the process
#else
constexpr int kDumpable = 0;
#endif

/// A plugin holds secrets in its memory and runs other people's code.
bool Harden() {
  const rlimit none{0, 0};
  // Asked for by the parent too; here it also covers a worker that somebody starts by hand.
  return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && setrlimit(RLIMIT_CORE, &none) == 0 &&
         prctl(PR_SET_DUMPABLE, kDumpable) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/// How often a worker looks whether a debugger has come.
constexpr useconds_t kDebuggerPollMicros = 50'000;

/// The process that traces this one; 0 when there is none.
long Tracer() {
  std::ifstream status("/proc/self/status");
  const std::string_view key = "TracerPid:";
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(key, 0) == 0) return std::strtol(line.c_str() + key.size(), nullptr, 10);
  }
  return 0;
}

/// A process that is not dumpable, or with Yama not a descendant, takes no debugger of its own
/// user; the operator has asked for one. It stays so, for a debugger that comes again.
bool WaitForDebugger() {
  if (prctl(PR_SET_DUMPABLE, 1) != 0) return false;
  (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);  // EINVAL without Yama, which is as good
  while (Tracer() == 0) usleep(kDebuggerPollMicros);
  return true;
}

/// The number of an open socket, or -1.
int SocketFrom(std::string_view text) {
  int fd = -1;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), fd);
  struct stat info {};
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || fd < 0) return -1;
  if (fstat(fd, &info) != 0 || !S_ISSOCK(info.st_mode)) return -1;
  // What the plugin starts must not hold the socket open.
  return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? fd : -1;
}

int WorkerMain(int argc, char** argv) {
  const bool debug = argc == 3 && std::string_view(argv[2]) == kWaitForDebugger;
  const int fd = argc == 2 || debug ? SocketFrom(argv[1]) : -1;
  if (fd < 0) {
    std::fputs(
        "dcp-plugin-worker runs one plugin for dcpd, which starts it; it is of no use by "
        "hand\nusage: dcp-plugin-worker FD\n",
        stderr);
    return 2;
  }
  if (!Harden() || (debug && !WaitForDebugger())) {
    std::fprintf(stderr, "dcp-plugin-worker: cannot give up privileges: %s\n",
                 std::strerror(errno));
    return 3;
  }
  // Libraries write to sockets whose other end may be gone; they look at the error, not the signal.
  std::signal(SIGPIPE, SIG_IGN);
  // Plugins print for people, and people want to read it when it happens.
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  auto* worker = new Worker(fd);  // lives as long as the process: see Run()
  worker->Run();
}

}  // namespace
}  // namespace dcp::host

int main(int argc, char** argv) { return dcp::host::WorkerMain(argc, argv); }
