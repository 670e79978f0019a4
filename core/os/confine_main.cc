// SPDX-License-Identifier: Apache-2.0
//
// dcp-confine POLICY -- PROGRAM ARGUMENT...: gives up what the policy does not name, then becomes
// the program: same process, same descriptors, same environment (or with --environment-fd N the one
// that stands in descriptor N: environment.h). What the kernel cannot give is
// said on stderr, and by `pretzel doctor`.
//
// dcp-confine POLICY --try read:PATH --try write:FOLDER --try unix:PATH --try tcp:PORT --try
// listen:PORT: confined in the same way, it tries these itself and says of each "refused",
// "possible" or "absent": how doctor looks at a policy.
//
// dcp-confine --forward PORT...: what it starts for a program with a network of its own;
// forwarder.h.
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "os/confine.h"
#include "os/environment.h"
#include "os/forwarder.h"

namespace dcp::os {
namespace {

/// Exit codes as of a shell: not to be run, not found.
constexpr int kCannotConfine = 126;
constexpr int kCannotExec = 127;
/// A forwarder knows in far less whether somebody answers.
constexpr int kResetMs = 250;

const char* Word(bool done, int error) {
  if (done) return "possible";
  return error == ENOENT || error == ENOTDIR ? "absent" : "refused";
}

const char* TryRead(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  const int error = errno;
  if (fd >= 0) ::close(fd);
  return Word(fd >= 0, error);
}

/// Whether a file can be made in a folder; one that could is removed.
const char* TryWrite(const std::string& folder) {
  const std::string path = folder + "/.pretzel-doctor-" + std::to_string(::getpid());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  const int error = errno;
  if (fd >= 0) {
    ::close(fd);
    ::unlink(path.c_str());
  }
  return Word(fd >= 0, error);
}

const char* TryConnect(int family, const sockaddr* address, socklen_t size) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return Word(false, errno);
  const bool done = ::connect(fd, address, size) == 0;
  const int error = errno;
  ::close(fd);
  // A refused connection means that the sandbox let the attempt through.
  return Word(done || error == ECONNREFUSED, error);
}

const char* TryUnix(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return "absent";
  std::memcpy(address.sun_path, path.data(), path.size());
  return TryConnect(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

/// Inside a network of its own nothing is reached but what answers through a forwarder, which
/// resets a connection that nobody outside takes.
const char* TryForwarded(const sockaddr_in& address) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool done =
      fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  pollfd reset = {fd, POLLIN, 0};
  const bool nobody = done && ::poll(&reset, 1, kResetMs) == 1 && (reset.revents & POLLERR) != 0;
  if (fd >= 0) ::close(fd);
  if (!done) return "refused";
  return nobody ? "absent" : "possible";
}

const char* TryTcp(const std::string& port, bool own_network) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(port.c_str())));
  if (own_network) return TryForwarded(address);
  return TryConnect(AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

/// At a port of the loopback, beside whoever has it. In a network of its own a port is not the
/// machine's, and nobody outside gets there.
const char* TryListen(const std::string& port, bool own_network) {
  if (own_network) return "refused";
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return Word(false, errno);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(port.c_str())));
  const int on = 1;
  (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  const bool done = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                    ::listen(fd, 1) == 0;
  const int error = errno;
  ::close(fd);
  return Word(done, error);
}

int Try(const std::vector<std::string>& attempts, bool own_network) {
  for (const std::string& attempt : attempts) {
    const size_t colon = std::min(attempt.find(':'), attempt.size() - 1);
    const std::string kind = attempt.substr(0, colon);
    const std::string what = attempt.substr(colon + 1);
    const char* result = kind == "read"     ? TryRead(what)
                         : kind == "write"  ? TryWrite(what)
                         : kind == "unix"   ? TryUnix(what)
                         : kind == "tcp"    ? TryTcp(what, own_network)
                         : kind == "listen" ? TryListen(what, own_network)
                                            : nullptr;
    if (result == nullptr) {
      std::fprintf(stderr, "dcp-confine: cannot try \"%s\"\n", attempt.c_str());
      return kCannotConfine;
    }
    std::printf("%s %s\n", result, attempt.c_str());
  }
  return 0;
}

int Main(const std::vector<std::string>& words) {
  if (!words.empty() && words.front() == kForwarderOption) {
    return RunForwarder({words.begin() + 1, words.end()});
  }
  auto order = ParseConfineWords(words);
  if (!order.ok()) {
    std::fprintf(stderr,
                 "dcp-confine: %s\nusage: dcp-confine [--read PATH] [--write PATH] "
                 "[--ports-only] [--connect PORT] [--own-network] [--listen PORT] "
                 "[--environment-fd N] -- PROGRAM "
                 "ARGUMENT...\n",
                 order.status().message().c_str());
    return kCannotConfine;
  }
  // Before the wall: what is read is the daemon's. What the command is started with steers its
  // loader, so nothing of it is this program's own.
  std::vector<std::string> environment;
  if (order->environment_fd >= 0) {
    auto read = ReadEnvironment(order->environment_fd);
    if (!read.ok()) {
      std::fprintf(stderr, "dcp-confine: %s\n", read.status().message().c_str());
      return kCannotConfine;
    }
    environment = std::move(*read);
  }
  const auto layers = EnterConfinement(order->confinement);
  if (!layers.ok()) {
    std::fprintf(stderr, "dcp-confine: %s\n", layers.status().message().c_str());
    return kCannotConfine;
  }
  const std::string missing = layers->Missing();
  if (!missing.empty()) std::fprintf(stderr, "dcp-confine: %s\n", missing.c_str());
  if (!order->attempts.empty()) {
    return Try(order->attempts, order->confinement.own_network && layers->network.empty());
  }
  std::vector<char*> argv;
  for (std::string& word : order->command) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<char*> variables;
  for (std::string& variable : environment) variables.push_back(variable.data());
  variables.push_back(nullptr);
  ::execve(argv[0], argv.data(), order->environment_fd >= 0 ? variables.data() : environ);
  std::fprintf(stderr, "cannot start %s: %s\n", argv[0], std::strerror(errno));
  return kCannotExec;
}

}  // namespace
}  // namespace dcp::os

int main(int argc, char** argv) {
  return dcp::os::Main(std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
}
