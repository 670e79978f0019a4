// SPDX-License-Identifier: Apache-2.0
#include "os/forwarder.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <list>
#include <utility>

#include "os/descriptor.h"
#include "os/forwarder_confine.h"
#include "os/relay.h"

namespace dcp::os {
namespace {

/// At once, for all ports; each has two buffers of 64 KiB. Further ones wait to be accepted.
constexpr size_t kConnectionsMax = 256;
/// Beside the two of each connection.
constexpr size_t kOtherFds = kForwardedPortsMax + 16;
/// After a lack of descriptors or memory.
constexpr int kPauseMs = 100;

struct Port {
  Fd listener;
  int port;
};

/// What it was sent: a socket for each port, or nothing.
std::vector<Port> ReceivePorts(const std::vector<std::string>& words) {
  char byte = 0;
  iovec part = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(kForwardedPortsMax * sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t n =
      Retry([&] { return ::recvmsg(kForwarderChannelFd, &message, MSG_CMSG_CLOEXEC); });
  const cmsghdr* head = n == 1 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (head == nullptr || head->cmsg_type != SCM_RIGHTS ||
      head->cmsg_len != CMSG_LEN(words.size() * sizeof(int))) {
    return {};
  }
  std::vector<Port> ports;
  for (size_t i = 0; i < words.size(); ++i) {
    int fd;
    std::memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
    ports.push_back({Fd(fd), std::atoi(words[i].c_str())});
  }
  return ports;
}

class Forwarder {
 public:
  explicit Forwarder(std::vector<Port> ports) : ports_(std::move(ports)) {
    rlimit limit = {};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 2 * kConnectionsMax + kOtherFds);
    ::setrlimit(RLIMIT_NOFILE, &limit);
    const size_t fds = limit.rlim_cur;
    connections_max_ = std::min(kConnectionsMax, fds > kOtherFds + 2 ? (fds - kOtherFds) / 2 : 1);
  }

  /// Until the program has ended.
  void Run() {
    std::vector<pollfd> watches;
    while (true) {
      Watch(watches);
      const int ready =
          ::poll(watches.data(), static_cast<nfds_t>(watches.size()), paused_ ? kPauseMs : -1);
      if (ready < 0 && errno != EINTR) return;
      if (ready < 0) continue;
      paused_ = false;
      if (watches.front().revents != 0) return;
      ServeRelays(watches.data() + 1 + ports_.size());
      for (size_t i = 0; i < ports_.size(); ++i) {
        if (watches[1 + i].revents != 0) Accept(ports_[i]);
      }
    }
  }

 private:
  void Watch(std::vector<pollfd>& watches) const {
    watches.assign(1, {kForwarderProgramFd, POLLIN, 0});
    const bool full = paused_ || relays_.size() >= connections_max_;
    for (const Port& port : ports_) watches.push_back({full ? -1 : port.listener.get(), POLLIN, 0});
    for (const Relay& relay : relays_) {
      for (const pollfd& wanted : relay.Wanted()) watches.push_back(wanted);
    }
  }

  void ServeRelays(const pollfd* found) {
    for (auto relay = relays_.begin(); relay != relays_.end(); found += Relay::kSides) {
      relay->Serve({found[0], found[1]});
      relay = relay->ended() ? relays_.erase(relay) : std::next(relay);
    }
  }

  void Accept(const Port& port) {
    Fd client(::accept4(port.listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client.valid()) {
      paused_ = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
      return;
    }
    Fd upstream(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port.port));
    const int on = 1;
    for (const int fd : {client.get(), upstream.get()}) {
      (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    const bool begun =
        upstream.valid() && (::connect(upstream.get(), reinterpret_cast<const sockaddr*>(&address),
                                       sizeof address) == 0 ||
                             errno == EINPROGRESS);
    if (begun) {
      relays_.emplace_back(std::move(client), std::move(upstream));
      return;
    }
    const linger reset = {1, 0};
    (void)::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }

  const std::vector<Port> ports_;
  std::list<Relay> relays_;
  size_t connections_max_ = 1;
  bool paused_ = false;
};

}  // namespace

int RunForwarder(const std::vector<std::string>& words) {
  // Nothing of the same user looks into it. A launcher that tells the job's group to stop means
  // the job, which may talk to its catalog until it ends.
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE}) ::signal(signal, SIG_IGN);
  const pid_t second = ::fork();
  if (second != 0) ::_exit(second < 0 ? 1 : 0);  // no child that the program did not start itself

  ::prctl(PR_SET_NAME, "dcp-forward", 0, 0, 0);  // not the "exe" of /proc/self/exe
  std::vector<Port> ports = ReceivePorts(words);
  if (ports.size() != words.size()) ::_exit(1);
  std::vector<int> numbers;
  for (const Port& port : ports) numbers.push_back(port.port);
  Forwarder forwarder(std::move(ports));
  if (!ConfineForwarder(numbers).ok() ||
      ::send(kForwarderChannelFd, &kForwarderReady, 1, MSG_NOSIGNAL) != 1) {
    ::_exit(1);
  }
  ::close(kForwarderChannelFd);
  forwarder.Run();
  ::_exit(0);
}

}  // namespace dcp::os
