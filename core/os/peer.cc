// SPDX-License-Identifier: Apache-2.0
//
// The kernel's socket diagnosis answers by exact addresses. A connection that its server has not
// accepted yet has no owner: then the socket that listens is asked, and the connection once more.
// If it still waits, its listener was there all the time, since connections that wait end with the
// socket that they wait at; if not, it has an owner now.
#include "os/peer.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

namespace dcp::os {
namespace {

/// The kernel answers at once, and when it does not something is odd: no reason to hang.
constexpr timeval kAnswerTime = {2, 0};
constexpr size_t kAnswerBytesMax = 8192;

struct Endpoint {
  int family = AF_INET;
  std::array<uint32_t, 4> address{};  ///< network order; IPv4 in the first
  uint16_t port = 0;                  ///< network order

  bool IsLoopback() const {
    if (family == AF_INET) return (ntohl(address[0]) >> 24) == 127;
    return address == std::array<uint32_t, 4>{0, 0, 0, htonl(1)};
  }
};

/// IPv4 inside IPv6 becomes IPv4: that is how both ends of such a connection are found.
std::optional<Endpoint> Parse(const std::string& text, int port) {
  Endpoint endpoint;
  endpoint.port = htons(static_cast<uint16_t>(port));
  if (::inet_pton(AF_INET, text.c_str(), endpoint.address.data()) == 1) return endpoint;
  endpoint.family = AF_INET6;
  if (::inet_pton(AF_INET6, text.c_str(), endpoint.address.data()) != 1) return std::nullopt;
  if (endpoint.address[0] == 0 && endpoint.address[1] == 0 &&
      endpoint.address[2] == htonl(0xFFFF)) {
    endpoint.family = AF_INET;
    endpoint.address = {endpoint.address[3], 0, 0, 0};
  }
  return endpoint;
}

struct SocketFacts {
  uint8_t state = 0;
  uint32_t uid = 0;
  uint32_t inode = 0;  ///< 0: nobody has it yet
};

bool IsTrusted(const SocketFacts& facts) { return facts.uid == 0 || facts.uid == ::geteuid(); }

/// "0100007F:1F90", each 32 bits as this machine reads them; IPv4 inside IPv6 becomes IPv4.
std::optional<Endpoint> ParseProc(const std::string& text) {
  Endpoint endpoint;
  const size_t colon = text.find(':');
  if (colon != 8 && colon != 32) return std::nullopt;
  for (size_t i = 0; i < colon / 8; ++i) {
    endpoint.address[i] =
        static_cast<uint32_t>(std::strtoul(text.substr(i * 8, 8).c_str(), nullptr, 16));
  }
  endpoint.family = colon == 8 ? AF_INET : AF_INET6;
  if (colon == 32 && endpoint.address[0] == 0 && endpoint.address[1] == 0 &&
      endpoint.address[2] == htonl(0xFFFF)) {
    endpoint.family = AF_INET;
    endpoint.address = {endpoint.address[3], 0, 0, 0};
  }
  endpoint.port = htons(static_cast<uint16_t>(std::strtoul(text.c_str() + colon + 1, nullptr, 16)));
  return endpoint;
}

/// Where the kernel's diagnosis is missing, its table is read. Of several that could listen, one
/// that is not trusted counts.
Result<SocketFacts> LookUpInTable(const Endpoint& own, const Endpoint& other) {
  std::optional<SocketFacts> listener;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream lines(table);
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
      std::istringstream words(line);
      std::string number, at, to, state, queues, timer, retries;
      SocketFacts facts;
      int timeout = 0;
      if (!(words >> number >> at >> to >> state >> queues >> timer >> retries >> facts.uid >>
            timeout >> facts.inode)) {
        continue;
      }
      facts.state = static_cast<uint8_t>(std::strtoul(state.c_str(), nullptr, 16));
      const auto local = ParseProc(at);
      const auto remote = ParseProc(to);
      if (!local || !remote || local->port != own.port) continue;
      const bool here = local->family == own.family && local->address == own.address;
      if (here && remote->port == other.port && remote->address == other.address &&
          facts.state != TCP_LISTEN) {
        return facts;
      }
      const bool any = local->address == std::array<uint32_t, 4>{};
      if (facts.state != TCP_LISTEN || (!here && !any)) continue;
      if (!listener || !IsTrusted(facts)) listener = facts;
    }
  }
  if (listener) return *listener;
  return NotFound("the kernel knows no such socket");
}

/// A socket of this machine whose own end is `own` and whose other end is `other`; where there is
/// none, the one that listens at `own`.
Result<SocketFacts> LookUp(const Endpoint& own, const Endpoint& other) {
  const Fd fd(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!fd.valid()) return LookUpInTable(own, other);
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kAnswerTime, sizeof kAnswerTime);
  struct {
    nlmsghdr head;
    inet_diag_req_v2 body;
  } question = {};
  question.head.nlmsg_len = sizeof question;
  question.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.head.nlmsg_flags = NLM_F_REQUEST;
  question.body.sdiag_family = static_cast<uint8_t>(own.family);
  question.body.sdiag_protocol = IPPROTO_TCP;
  question.body.idiag_states = ~uint32_t{0};
  inet_diag_sockid& id = question.body.id;
  id.idiag_sport = own.port;
  id.idiag_dport = other.port;
  std::memcpy(id.idiag_src, own.address.data(), sizeof id.idiag_src);
  std::memcpy(id.idiag_dst, other.address.data(), sizeof id.idiag_dst);
  id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  if (Retry([&] { return ::send(fd.get(), &question, sizeof question, 0); }) < 0) {
    return FromErrno(errno, "cannot ask the kernel about sockets");
  }
  alignas(nlmsghdr) std::array<char, kAnswerBytesMax> answer{};
  const ssize_t size = Retry([&] { return ::recv(fd.get(), answer.data(), answer.size(), 0); });
  if (size < static_cast<ssize_t>(sizeof(nlmsghdr))) {
    return FromErrno(size < 0 ? errno : EIO, "the kernel says nothing about a socket");
  }
  nlmsghdr head;
  std::memcpy(&head, answer.data(), sizeof head);
  if (head.nlmsg_type == NLMSG_ERROR &&
      size >= static_cast<ssize_t>(NLMSG_LENGTH(sizeof(nlmsgerr)))) {
    nlmsgerr error;
    std::memcpy(&error, answer.data() + NLMSG_HDRLEN, sizeof error);
    // Also said when it has no such diagnosis at all.
    if (error.error == -ENOENT) return LookUpInTable(own, other);
    return FromErrno(-error.error, "the kernel does not tell about a socket");
  }
  if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
      size < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(inet_diag_msg)))) {
    return Internal("the kernel's answer about a socket cannot be read");
  }
  inet_diag_msg found;
  std::memcpy(&found, answer.data() + NLMSG_HDRLEN, sizeof found);
  return SocketFacts{found.idiag_state, found.idiag_uid, found.idiag_inode};
}

Status Judge(const SocketFacts& facts, const std::string& where) {
  if (IsTrusted(facts)) return {};
  return PermissionDenied("who answers at " + where + " is the Unix user " +
                          std::to_string(facts.uid) +
                          ", and neither root nor this daemon's: nothing was sent")
      .WithHint(
          "find out what listens there (`ss -ltnpe`); `pretzel status` shows whether the "
          "service that should is up");
}

/// Of what a socket's other end is, at this moment. Nothing: it has not been accepted.
Result<std::optional<SocketFacts>> OwnerOf(const Endpoint& peer, const Endpoint& own) {
  DCP_ASSIGN(const SocketFacts facts, LookUp(peer, own));
  if (facts.state == TCP_LISTEN) return Unavailable("the other end is gone");
  if (facts.inode == 0) return std::optional<SocketFacts>();
  // The kernel reads the owner first: if the connection was accepted between that and the inode, it
  // is the owner of before, who is nobody. Once it has an inode it has its owner.
  DCP_ASSIGN(const SocketFacts settled, LookUp(peer, own));
  if (settled.inode != facts.inode) return Unavailable("the other end is gone");
  return std::optional<SocketFacts>(settled);
}

Status CheckPeer(const Endpoint& own, const Endpoint& peer, const std::string& where) {
  DCP_ASSIGN(const auto first, OwnerOf(peer, own));
  if (first) return Judge(*first, where);
  Endpoint nobody;
  nobody.family = own.family;
  DCP_ASSIGN(const SocketFacts listener, LookUp(peer, nobody));
  DCP_TRY(Judge(listener, where));
  DCP_ASSIGN(const auto second, OwnerOf(peer, own));
  return second ? Judge(*second, where) : Status();
}

}  // namespace

Status CheckPeer(const std::string& local, int local_port, const std::string& remote,
                 int remote_port) {
  const auto own = Parse(local, local_port);
  const auto peer = Parse(remote, remote_port);
  if (!own || !peer) {
    return InvalidArgument("cannot tell who answers at " + remote + ": not an address");
  }
  const bool here =
      peer->IsLoopback() || (own->family == peer->family && own->address == peer->address);
  if (!here) return {};
  const std::string where = remote + ":" + std::to_string(remote_port);
  return CheckPeer(*own, *peer, where).With("cannot trust " + where);
}

Status CheckPeer(int fd) {
  const auto text = [](const sockaddr_storage& address, int* port) {
    std::array<char, INET6_ADDRSTRLEN> shown{};
    if (address.ss_family == AF_INET) {
      const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
      *port = ntohs(v4.sin_port);
      ::inet_ntop(AF_INET, &v4.sin_addr, shown.data(), shown.size());
    } else if (address.ss_family == AF_INET6) {
      const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
      *port = ntohs(v6.sin6_port);
      ::inet_ntop(AF_INET6, &v6.sin6_addr, shown.data(), shown.size());
    }
    return std::string(shown.data());
  };
  sockaddr_storage own = {};
  sockaddr_storage peer = {};
  socklen_t own_size = sizeof own;
  socklen_t peer_size = sizeof peer;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &own_size) != 0 ||
      ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) {
    return FromErrno(errno, "cannot tell who is at the other end");
  }
  int own_port = 0;
  int peer_port = 0;
  const std::string local = text(own, &own_port);
  const std::string remote = text(peer, &peer_port);
  return CheckPeer(local, own_port, remote, peer_port);
}

Result<HeldPort> HeldPort::Hold(int port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return FromErrno(errno, "cannot make a socket");
  // Not SO_REUSEADDR: with it anybody could bind the port as long as nobody listens.
  const int on = 1;
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return FromErrno(errno, "cannot hold port " + std::to_string(port) + " of 127.0.0.1");
  }
  return HeldPort(std::move(fd));
}

}  // namespace dcp::os
