// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "os/testing/attempts.h"

namespace dcp::os::testing {
namespace {

constexpr char kAbstract[] = "it can connect to abstract Unix sockets";
constexpr char kUnlisted[] = "it can listen on a TCP port that is not listed";
// Newer than some headers.
constexpr int kMultipathTcp = 262;
constexpr int kLocalPortRange = 51;
/// The kernel passes over this half of an argument.
constexpr uint64_t kUpperHalf = uint64_t{1} << 32;

struct Address {
  explicit Address(const std::string& name, bool abstract = false) {
    at.sun_family = AF_UNIX;
    std::copy_n(name.c_str(), name.size(), at.sun_path + (abstract ? 1 : 0));
    size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + 1);
  }
  sockaddr_un at = {};
  socklen_t size = 0;
};

/// One end of a pair, or -1.
int PairEnd(int type) {
  int ends[2] = {-1, -1};
  return ::socketpair(AF_UNIX, type, 0, ends) == 0 ? ends[0] : -1;
}

msghdr MessageTo(Address& address) {
  static iovec part = {const_cast<char*>("x"), 1};
  msghdr message = {};
  message.msg_name = &address.at;
  message.msg_namelen = address.size;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  return message;
}

Attempt WithUnix(Attempt attempt) {
  attempt.granted_by_unix_sockets = true;
  return attempt;
}

Attempt Abstract(Attempt attempt) {
  attempt.missing = kAbstract;
  return attempt;
}

/// A socket that is bound to a port of the loopback, or -1. `shared`: beside whoever has it.
int BoundTo(int port, bool shared) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at = {};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(static_cast<uint16_t>(port));
  const int on = 1;
  if (shared) (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  return ::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0 ? fd : -1;
}

Attempt Unlisted(Attempt attempt) {
  attempt.missing = kUnlisted;
  return attempt;
}

char buffer[512];

/// Sends to an address that a connected socket does not have.
long SendElsewhere(long number, int fd, const std::string& name) {
  Address to(name);
  return syscall(number, fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL, &to.at, to.size);
}

/// Of TCP: to listen where another does, or is about to.
std::vector<Attempt> AttemptsOnPorts() {
  std::vector<Attempt> attempts = {
    DCP_ATTEMPT(socket, "for TCP over several paths", kRefused,
                return syscall(number, AF_INET, SOCK_STREAM, kMultipathTcp);),
    DCP_ATTEMPT(bind, "to a port, beside its listener", kRefused,
                const int fd = BoundTo(v.port, true);
                return fd < 0 ? -1 : 0;),
    Unlisted(DCP_ATTEMPT(listen, "at a port that the victim is about to take", kRefused,
                         return syscall(number, BoundTo(v.free_port, false), 1);)),
    WithUnix(DCP_ATTEMPT(listen, "at whatever port", kRefused,
                         return syscall(number, ::socket(AF_INET, SOCK_STREAM, 0), 1);)),
    DCP_ATTEMPT(setsockopt, "to share a port", kRefused, int on = 1;
                return syscall(number, v.channel, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);),
    DCP_ATTEMPT(setsockopt, "to share a port, in other words", kRefused, int on = 1;
                return syscall(number, ::socket(AF_INET, SOCK_STREAM, 0), SOL_SOCKET | kUpperHalf,
                               SO_REUSEPORT | kUpperHalf, &on, sizeof on);),
    DCP_ATTEMPT(setsockopt, "which port the kernel is to choose", kRefused,
                const uint32_t range = static_cast<uint32_t>(v.free_port) * 0x10001U;
                return syscall(number, ::socket(AF_INET, SOCK_STREAM, 0), IPPROTO_IP | kUpperHalf,
                               kLocalPortRange, &range, sizeof range);),
    DCP_ATTEMPT(setsockopt, "to reuse its own address", kOwn, int on = 1;
                return syscall(number, v.channel, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);),
  };
  return attempts;
}

}  // namespace

std::vector<Attempt> AttemptsOnSockets() {
  std::vector<Attempt> attempts = {
    WithUnix(DCP_ATTEMPT(socket, "for Unix sockets", kRefused,
                         return syscall(number, AF_UNIX, SOCK_STREAM, 0);)),
    WithUnix(DCP_ATTEMPT(socket, "for Unix datagrams", kRefused,
                         return syscall(number, AF_UNIX, SOCK_DGRAM, 0);)),
    DCP_ATTEMPT(socket, "raw", kRefused, return syscall(number, AF_INET, SOCK_RAW, 255);),
    DCP_ATTEMPT(socket, "for packets", kRefused, return syscall(number, AF_PACKET, SOCK_RAW, 0);),
    DCP_ATTEMPT(socket, "for the kernel's crypto", kRefused,
                return syscall(number, AF_ALG, SOCK_SEQPACKET, 0);),
    DCP_ATTEMPT(socket, "for virtual machines", kRefused,
                return syscall(number, AF_VSOCK, SOCK_STREAM, 0);),
    DCP_ATTEMPT(socket, "for news of the kernel's", kRefused,
                return syscall(number, AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT);),
    DCP_ATTEMPT(socket, "for the packet filter", kRefused,
                return syscall(number, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);),
    DCP_ATTEMPT(socketpair, "whose ends can be connected again", kRefused, int ends[2];
                return syscall(number, AF_UNIX, SOCK_DGRAM, 0, ends);),
    DCP_ATTEMPT(socketpair, "of streams", kOwn, int ends[2];
                return syscall(number, AF_UNIX, SOCK_STREAM, 0, ends);),
    WithUnix(DCP_ATTEMPT(connect, "to a name", kRefused, Address to(v.socket); return syscall(
                             number, ::socket(AF_UNIX, SOCK_STREAM, 0), &to.at, to.size);)),
    Abstract(
        DCP_ATTEMPT(connect, "to an abstract name", kRefused, Address to(v.abstract, true);
                    return syscall(number, ::socket(AF_UNIX, SOCK_STREAM, 0), &to.at, to.size);)),
    DCP_ATTEMPT(connect, "one end of a pair to a name", kRefused, Address to(v.socket);
                return syscall(number, PairEnd(SOCK_STREAM), &to.at, to.size);),
    DCP_ATTEMPT(connect, "one end of a pair to an abstract name", kRefused,
                Address to(v.abstract, true);
                return syscall(number, PairEnd(SOCK_SEQPACKET), &to.at, to.size);),
    DCP_ATTEMPT(connect, "the inherited socket to a name", kRefused, Address to(v.socket);
                return syscall(number, v.channel, &to.at, to.size);),
    DCP_ATTEMPT(bind, "over a socket", kRefused, Address to(v.socket);
                return syscall(number, PairEnd(SOCK_STREAM), &to.at, to.size);),
    DCP_ATTEMPT(bind, "a new name in a folder", kRefused, Address to(v.folder + "/new");
                return syscall(number, PairEnd(SOCK_STREAM), &to.at, to.size);),
    DCP_ATTEMPT(bind, "over an abstract name", kRefused, Address to(v.abstract, true);
                return syscall(number, PairEnd(SOCK_STREAM), &to.at, to.size);),
    DCP_ATTEMPT(listen, "on one end of a pair", kRefused,
                return syscall(number, PairEnd(SOCK_STREAM), 1);),
    DCP_ATTEMPT(accept, "from the inherited socket", kRefused,
                return syscall(number, v.channel, nullptr, nullptr);),
    DCP_ATTEMPT(accept4, "from the inherited socket", kRefused,
                return syscall(number, v.channel, nullptr, nullptr, SOCK_NONBLOCK);),
    DCP_ATTEMPT(sendto, "elsewhere, from the inherited socket", kRefused,
                return SendElsewhere(number, v.channel, v.socket);),
    // A connected socket of this type passes over the address.
    DCP_ATTEMPT(sendto, "elsewhere, from one end of a pair", kOwn,
                return SendElsewhere(number, PairEnd(SOCK_SEQPACKET), v.datagram);),
    WithUnix(
        DCP_ATTEMPT(sendto, "a datagram to a name", kRefused,
                    return SendElsewhere(number, ::socket(AF_UNIX, SOCK_DGRAM, 0), v.datagram);)),
    DCP_ATTEMPT(sendmsg, "elsewhere, from the inherited socket", kRefused, Address to(v.socket);
                msghdr message = MessageTo(to);
                return syscall(number, v.channel, &message, MSG_DONTWAIT | MSG_NOSIGNAL);),
    DCP_ATTEMPT(sendmmsg, "elsewhere, from the inherited socket", kRefused, Address to(v.socket);
                mmsghdr message = {MessageTo(to), 0};
                return syscall(number, v.channel, &message, 1, MSG_DONTWAIT | MSG_NOSIGNAL);),
  };
  const Attempt descriptors[] = {
    DCP_ATTEMPT(getpeername, "a file", kRefused, socklen_t size = sizeof buffer;
                return syscall(number, v.path, buffer, &size);),
    DCP_ATTEMPT(getsockname, "a file", kRefused, socklen_t size = sizeof buffer;
                return syscall(number, v.path, buffer, &size);),
    DCP_ATTEMPT(getsockopt, "a file", kRefused, socklen_t size = sizeof buffer;
                return syscall(number, v.path, SOL_SOCKET, SO_TYPE, buffer, &size);),
    DCP_ATTEMPT(setsockopt, "its own end", kOwn, int on = 1;
                return syscall(number, v.channel, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);),
    DCP_ATTEMPT(
        setsockopt, "more memory than the machine allows", kRefused, int bytes = 1 << 28;
        return syscall(number, v.channel, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);),
    DCP_ATTEMPT(recv, "a file", kRefused, return syscall(number, v.path, buffer, 16, 0);),
    DCP_ATTEMPT(recvfrom, "what the victim's end gets", kRefused,
                return syscall(number, v.channel, buffer, 16, MSG_DONTWAIT, nullptr, nullptr);),
    DCP_ATTEMPT(recvmsg, "a file", kRefused, msghdr message = {};
                return syscall(number, v.path, &message, 0);),
    DCP_ATTEMPT(recvmmsg, "a file", kRefused, mmsghdr message = {};
                return syscall(number, v.path, &message, 1, 0, nullptr);),
    DCP_ATTEMPT(send, "a file", kRefused, return syscall(number, v.path, "x", 1, 0);),
    DCP_ATTEMPT(shutdown, "a file", kRefused, return syscall(number, v.path, SHUT_RDWR);),
  };
  attempts.insert(attempts.end(), std::begin(descriptors), std::end(descriptors));
  const std::vector<Attempt> ports = AttemptsOnPorts();
  attempts.insert(attempts.end(), ports.begin(), ports.end());
  return attempts;
}

}  // namespace dcp::os::testing
