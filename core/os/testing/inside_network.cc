// SPDX-License-Identifier: Apache-2.0
//
// Runs inside a network of its own, in own_network_test.cc: dcp_inside_network WHAT PORT [NUMBER]
// says on stdout what it found.
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string>
#include <tuple>
#include <vector>

namespace {

constexpr int kWaitMs = 20'000;

int Connect(int family, int type, int port, int* error) {
  const int fd = ::socket(family, type | SOCK_CLOEXEC, 0);
  sockaddr_in v4 = {};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(static_cast<uint16_t>(port));
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 v6 = {};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = v4.sin_port;
  v6.sin6_addr = in6addr_loopback;
  const bool is_v4 = family == AF_INET;
  const auto* address =
      is_v4 ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6);
  const socklen_t size = is_v4 ? sizeof v4 : sizeof v6;
  *error = fd >= 0 && ::connect(fd, address, size) == 0 ? 0 : errno;
  return fd;
}

int ConnectOrEnd(int port) {
  int error = 0;
  const int fd = Connect(AF_INET, SOCK_STREAM, port, &error);
  if (error != 0) {
    std::printf("connect: %s\n", std::strerror(error));
    std::exit(1);
  }
  return fd;
}

char ByteAt(size_t at) { return static_cast<char>((at * 2654435761U) >> 13); }

/// Sends `size` bytes, half-closes, and compares what comes back until its end.
void Echo(int port, size_t size) {
  const int fd = ConnectOrEnd(port);
  size_t sent = 0;
  size_t got = 0;
  size_t wrong = 0;
  if (size == 0) ::shutdown(fd, SHUT_WR);
  std::vector<char> out(100'000);
  std::vector<char> in(100'000);
  while (true) {
    pollfd watch = {fd, static_cast<short>(POLLIN | (sent < size ? POLLOUT : 0)), 0};
    if (::poll(&watch, 1, kWaitMs) <= 0) break;
    if ((watch.revents & POLLOUT) != 0) {
      const size_t part = std::min(out.size(), size - sent);
      for (size_t i = 0; i < part; ++i) out[i] = ByteAt(sent + i);
      const ssize_t n = ::send(fd, out.data(), part, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n > 0) sent += static_cast<size_t>(n);
      if (sent == size) ::shutdown(fd, SHUT_WR);
    }
    if ((watch.revents & ~POLLOUT) != 0) {
      const ssize_t n = ::recv(fd, in.data(), in.size(), MSG_DONTWAIT);
      if (n == 0) {
        std::printf("sent %zu got %zu wrong %zu\n", sent, got, wrong);
        return;
      }
      if (n < 0 && errno == EAGAIN) continue;
      if (n < 0) break;
      for (ssize_t i = 0; i < n; ++i) {
        wrong += in[static_cast<size_t>(i)] != ByteAt(got + static_cast<size_t>(i));
      }
      got += static_cast<size_t>(n);
    }
  }
  std::printf("broken after %zu of %zu: %s\n", got, sent, std::strerror(errno));
}

/// A connection, and what becomes of a question on it.
void Ask(int port) {
  const int fd = ConnectOrEnd(port);
  char answer[64] = {};
  (void)::send(fd, "?", 1, MSG_NOSIGNAL);
  pollfd watch = {fd, POLLIN, 0};
  if (::poll(&watch, 1, kWaitMs) != 1) return void(std::printf("nothing\n"));
  const ssize_t n = ::recv(fd, answer, sizeof answer - 1, 0);
  std::printf("%s\n", n > 0 ? answer : n == 0 ? "end" : std::strerror(errno));
  ::close(fd);
}

/// All open at once, then one question on each.
void Many(int port, size_t count) {
  std::vector<int> fds;
  for (size_t i = 0; i < count; ++i) fds.push_back(ConnectOrEnd(port));
  size_t answered = 0;
  for (const int fd : fds) {
    char byte = 0;
    (void)::send(fd, "?", 1, MSG_NOSIGNAL);
    answered += ::recv(fd, &byte, 1, 0) == 1 && byte == '?';
    ::close(fd);
  }
  std::printf("answered %zu\n", answered);
}

/// What the process is: descriptors, capabilities, networks.
void Who() {
  if (DIR* folder = ::opendir("/proc/self/fd"); folder != nullptr) {
    while (const dirent* entry = ::readdir(folder)) {
      const int fd = std::atoi(entry->d_name);
      if (entry->d_name[0] != '.' && fd != ::dirfd(folder)) std::printf("fd %d\n", fd);
    }
    ::closedir(folder);
  }
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Cap") || line.starts_with("NoNewPrivs") || line.starts_with("Uid") ||
        line.starts_with("Gid")) {
      std::printf("%s\n", line.c_str());
    }
  }
  std::ifstream devices("/proc/self/net/dev");
  for (std::string line; std::getline(devices, line);) {
    if (line.find(':') != line.npos)
      std::printf("net %s\n", line.substr(0, line.find(':')).c_str());
  }
  int signal = 0;
  ::prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0);
  std::printf("pdeathsig %d dumpable %d\n", signal, ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
}

void Reach(int port) {
  for (const auto& [name, family, type] :
       {std::tuple("tcp", AF_INET, SOCK_STREAM), std::tuple("tcp6", AF_INET6, SOCK_STREAM),
        std::tuple("udp", AF_INET, SOCK_DGRAM)}) {
    int error = 0;
    const int fd = Connect(family, type, port, &error);
    std::printf("%s %s\n", name, error == 0 ? "reached" : std::strerror(error));
    if (fd >= 0) ::close(fd);
  }
}

/// Two sockets of its own talk over a port that the kernel chose.
void Inside() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool listens = ::bind(listener, generic, size) == 0 && ::listen(listener, 1) == 0 &&
                       ::getsockname(listener, generic, &size) == 0;
  int error = 0;
  Connect(AF_INET, SOCK_STREAM, ntohs(address.sin_port), &error);
  std::printf("%s\n", listens && error == 0 ? "talks" : std::strerror(errno));
}

/// Sends what nobody reads, half-closes, and stays.
void Stall(int port, size_t size) {
  const int fd = ConnectOrEnd(port);
  const std::vector<char> bytes(size);
  (void)::send(fd, bytes.data(), size, MSG_NOSIGNAL);
  ::shutdown(fd, SHUT_WR);
  std::printf("sent\n");
  ::pause();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const int port = argc > 2 ? std::atoi(argv[2]) : 0;
  const size_t number = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 0;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  if (what == "echo") Echo(port, number);
  if (what == "ask") Ask(port);
  if (what == "many") Many(port, number);
  if (what == "who") Who();
  if (what == "reach") Reach(port);
  if (what == "inside") Inside();
  if (what == "asks") {  // for each line, once
    for (std::string line; std::getline(std::cin, line);) Ask(port);
  }
  if (what == "churn") {
    for (size_t i = 0; i < number; ++i) Many(port, 1);
  }
  if (what == "stall") Stall(port, number);
  if (what == "hold") {  // a connection that stays open, until it is ended from outside
    const int fd = ConnectOrEnd(port);
    std::printf("open\n");
    char byte;
    (void)::recv(fd, &byte, 1, 0);
  }
  return 0;
}
