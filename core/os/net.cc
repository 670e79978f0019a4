// SPDX-License-Identifier: Apache-2.0
//
// Loopback sockets: a free port, and whether a server takes connections and answers.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <random>
#include <utility>

#include "base/clock.h"
#include "os/file.h"
#include "os/peer.h"
#include "os/process.h"
#include "os/supervisor.h"

namespace dcp::os {

namespace {

/// Above those that servers have by custom.
constexpr int kFirstServerPort = 20'000;
constexpr int kLastPort = 65'535;
/// Servers have a handful of thousands of ports, so the first few attempts find one.
constexpr int kAttempts = 64;
constexpr size_t kRangeBytesMax = 64;

/// Where the kernel chooses nothing; empty when it chooses from all.
PortRange ServerPorts() {
  const auto chosen = KernelChosenPorts();
  if (!chosen.ok()) return {};
  const PortRange below = {kFirstServerPort, chosen->first - 1};
  const PortRange above = {std::max(kFirstServerPort, chosen->last + 1), kLastPort};
  return below.last - below.first > above.last - above.first ? below : above;
}

/// The port that a socket got; 0: any.
Result<int> BindOnce(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return FromErrno(errno, "cannot make a socket");
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  socklen_t size = sizeof address;
  const bool ok = ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  const int error = errno;
  ::close(fd);
  if (!ok) return FromErrno(error, "cannot find a free port on 127.0.0.1");
  return ntohs(address.sin_port);
}

}  // namespace

Result<PortRange> KernelChosenPorts() {
  DCP_ASSIGN(const std::string text,
             ReadFile("/proc/sys/net/ipv4/ip_local_port_range", kRangeBytesMax));
  PortRange range;
  if (std::sscanf(text.c_str(), "%d %d", &range.first, &range.last) != 2) {
    return Internal("\"" + text + "\" is no range of ports");
  }
  return range;
}

Result<int> FreeLoopbackPort() {
  const PortRange range = ServerPorts();
  std::random_device random;
  for (int i = 0; i < kAttempts && range.first <= range.last; ++i) {
    const auto port = BindOnce(std::uniform_int_distribution(range.first, range.last)(random));
    if (port.ok()) return port;
  }
  return BindOnce(0);
}

namespace {

/// A connection that ends with its scope.
class Connection {
 public:
  /// `end` is the steady time by which everything about it must be over.
  static Result<Connection> Open(const std::string& host, int port, SteadyMillis end) {
    Connection connection(host + ":" + std::to_string(port), end);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    if (port < 1 || port > 65535 || ::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
      return InvalidArgument("cannot connect to " + connection.where_ +
                             ": not an IPv4 address and port");
    }
    connection.fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connection.fd_ < 0) return FromErrno(errno, "cannot make a socket");
    const auto* to = reinterpret_cast<const sockaddr*>(&address);
    int error = ::connect(connection.fd_, to, sizeof address) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      socklen_t size = sizeof error;
      if (!connection.Wait(POLLOUT)) {
        error = ETIMEDOUT;
      } else if (::getsockopt(connection.fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
      }
    }
    if (error != 0) return FromErrno(error, "cannot connect to " + connection.where_);
    // A neighbour that listens in a service's place is no answer of the service.
    DCP_TRY(CheckPeer(connection.fd_));
    return connection;
  }
  Connection(Connection&& other) noexcept
      : where_(std::move(other.where_)), end_(other.end_), fd_(std::exchange(other.fd_, -1)) {}
  Connection& operator=(Connection&& other) = delete;
  ~Connection() {
    if (fd_ >= 0) ::close(fd_);
  }

  Status Send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n > 0) {
        text.remove_prefix(static_cast<size_t>(n));
      } else if (errno != EAGAIN && errno != EINTR) {
        return FromErrno(errno, "cannot send to " + where_);
      } else if (!Wait(POLLOUT)) {
        return DeadlineExceeded(where_ + " takes nothing");
      }
    }
    return {};
  }

  /// Exactly so many bytes.
  Result<std::string> Receive(size_t size) {
    std::string text(size, '\0');
    size_t got = 0;
    while (got < size) {
      const ssize_t n = ::recv(fd_, text.data() + got, size - got, 0);
      if (n > 0) {
        got += static_cast<size_t>(n);
      } else if (n == 0) {
        return Unavailable(where_ + " closed the connection without an answer");
      } else if (errno != EAGAIN && errno != EINTR) {
        return FromErrno(errno, "cannot receive from " + where_);
      } else if (!Wait(POLLIN)) {
        return DeadlineExceeded(where_ + " takes connections and does not answer");
      }
    }
    return text;
  }

  const std::string& where() const { return where_; }

 private:
  Connection(std::string where, SteadyMillis end) : where_(std::move(where)), end_(end) {}

  bool Wait(short events) const {
    for (;;) {
      pollfd watch = {fd_, events, 0};
      const int64_t left = std::max<int64_t>(0, end_ - SystemClock().Steady());
      const int ready = ::poll(&watch, 1, static_cast<int>(left));
      if (ready >= 0 || errno != EINTR) return ready > 0;
    }
  }

  std::string where_;
  SteadyMillis end_;
  int fd_ = -1;
};

}  // namespace

Status CheckTcp(const std::string& host, int port, int64_t timeout_ms) {
  return Connection::Open(host, port, SystemClock().Steady() + timeout_ms).status();
}

Status CheckHttp(const std::string& host, int port, const std::string& path, int64_t timeout_ms) {
  DCP_ASSIGN(Connection connection,
             Connection::Open(host, port, SystemClock().Steady() + timeout_ms));
  DCP_TRY(connection.Send("GET " + path + " HTTP/1.1\r\nHost: " + connection.where() +
                          "\r\nConnection: close\r\n\r\n"));
  constexpr size_t kStatusLine = sizeof "HTTP/1.1 200" - 1;
  DCP_ASSIGN(const std::string line, connection.Receive(kStatusLine));
  if (!line.starts_with("HTTP/1.")) {
    return Unavailable(connection.where() + " does not speak HTTP/1");
  }
  if (line[kStatusLine - 3] != '5') return {};
  return Unavailable(connection.where() + " answers GET " + path + " with status " +
                     line.substr(kStatusLine - 3));
}

Status CheckHttp2(const std::string& host, int port, int64_t timeout_ms) {
  DCP_ASSIGN(Connection connection,
             Connection::Open(host, port, SystemClock().Steady() + timeout_ms));
  // RFC 9113, 3.4: the client's preface, then an empty SETTINGS frame; the server's first frame is
  // SETTINGS too. A frame's head is length (3), type (1), flags (1), stream (4).
  constexpr size_t kFrameHead = 9;
  constexpr size_t kFrameType = 3;
  constexpr char kSettings = 4;
  std::string hello = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  std::string frame(kFrameHead, '\0');
  frame[kFrameType] = kSettings;
  DCP_TRY(connection.Send(hello + frame));
  DCP_ASSIGN(const std::string head, connection.Receive(kFrameHead));
  if (head[kFrameType] == kSettings) return {};
  return Unavailable(connection.where() + " does not speak HTTP/2");
}

}  // namespace dcp::os
