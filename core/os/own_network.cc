// SPDX-License-Identifier: Apache-2.0
//
// A socket stays in the network in which it was made. So the process makes its listening sockets
// inside, and hands them to the forwarder, which stayed outside.
#include "os/own_network.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "os/descriptor.h"
#include "os/forwarder.h"
#include "os/process.h"

extern "C" {  // glibc 2.36 forgot to say so in the header itself
#include <sys/pidfd.h>
}

namespace dcp::os {
namespace {

/// The forwarder answers within milliseconds; a machine that swaps takes longer.
constexpr int kForwarderMs = 30'000;
/// Connections that wait to be accepted, of each port.
constexpr int kBacklog = 128;

/// What failed, and errno; "" when nothing did.
struct Step {
  const char* what = "";
  int error = 0;
  bool ok() const { return error == 0; }
};

Step WriteSelf(const char* path, const std::string& text) {
  const Fd file(OpenAt(AT_FDCWD, path, O_WRONLY));
  if (!file.valid() || ::write(file.get(), text.data(), text.size()) < 0) return {path, errno};
  return {};
}

/// A user namespace in which it is who it was, for it may do with a network namespace what only
/// root may do otherwise.
Step UnshareAsUser() {
  const std::string user = std::to_string(::geteuid());
  const std::string group = std::to_string(::getegid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return {"unshare", errno};
  // Without this no group may be mapped by who is not root.
  Step step = WriteSelf("/proc/self/setgroups", "deny");
  if (step.ok()) step = WriteSelf("/proc/self/uid_map", user + " " + user + " 1");
  if (step.ok()) step = WriteSelf("/proc/self/gid_map", group + " " + group + " 1");
  return step;
}

/// `as_user`: whether that took a user namespace.
Step Unshare(bool* as_user) {
  *as_user = false;
  if (::geteuid() == 0 && ::unshare(CLONE_NEWNET) == 0) return {};
  *as_user = true;
  return UnshareAsUser();
}

Step LoopbackUp() {
  const Fd any(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ifreq request = {};
  std::strncpy(request.ifr_name, "lo", sizeof request.ifr_name - 1);
  if (!any.valid() || ::ioctl(any.get(), SIOCGIFFLAGS, &request) != 0) return {"lo", errno};
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  return ::ioctl(any.get(), SIOCSIFFLAGS, &request) == 0 ? Step() : Step{"lo", errno};
}

Step Enter(bool* as_user) {
  const Step step = Unshare(as_user);
  return step.ok() ? LoopbackUp() : step;
}

/// The same in a child, which ends: some systems let a namespace be made and nothing be done in it,
/// and then there is no way back.
Result<Step> Rehearse() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return FromErrno(errno, "cannot make a pipe");
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return FromErrno(errno, "cannot fork");
  if (child == 0) {
    bool as_user = false;
    const Step step = Enter(&as_user);
    ::_exit(::write(writer.get(), &step, sizeof step) == sizeof step ? 0 : 1);
  }
  writer = Fd(-1);
  Step step;  // its text is a literal, at the same place in a forked child
  const ssize_t n = Retry([&] { return ::read(reader.get(), &step, sizeof step); });
  Retry([&] { return ::waitpid(child, nullptr, 0); });
  if (n != static_cast<ssize_t>(sizeof step)) return Internal("cannot try a network namespace");
  return step;
}

std::string WhyNot(const Step& step) {
  return "it has no network of its own and may connect to every address: no network namespace can "
         "be set up for this user (" +
         std::string(step.what) + ": " + std::strerror(step.error) +
         "); let it have user namespaces: user.max_user_namespaces and user.max_net_namespaces "
         "above 0; where they exist, kernel.unprivileged_userns_clone=1 and "
         "kernel.apparmor_restrict_unprivileged_userns=0; in a container, a seccomp profile that "
         "allows unshare";
}

/// What the user namespace gave. Root keeps what EnterSandbox leaves to it.
Status DropCapabilities() {
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
      return FromErrno(errno, "cannot give up the capabilities of a user namespace");
    }
  }
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capset, &header, none) == 0) return {};
  return FromErrno(errno, "cannot give up the capabilities of a user namespace");
}

Result<Fd> Listen(int port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (!fd.valid() ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), kBacklog) != 0) {
    return FromErrno(errno, "cannot listen at port " + std::to_string(port) +
                                " of a network of the program's own");
  }
  return fd;
}

/// Outside, and nobody's child; it waits for its sockets at the other end of `channel`.
Status StartForwarder(const std::vector<int>& ports, int channel) {
  const Fd program(::pidfd_open(::getpid(), 0));
  const Fd null(OpenAt(AT_FDCWD, "/dev/null", O_RDWR));
  if (!program.valid() || !null.valid()) return FromErrno(errno, "cannot start a forwarder");
  SpawnOptions options;
  options.argv = {"/proc/self/exe", kForwarderOption};
  for (const int port : ports) options.argv.push_back(std::to_string(port));
  options.directory = "/";
  options.stderr_fd = null.get();
  options.fds = {{program.get(), kForwarderProgramFd}, {channel, kForwarderChannelFd}};
  DCP_ASSIGN(Process first_half, Process::Spawn(options));
  DCP_ASSIGN(const ExitStatus exit, first_half.Wait(kForwarderMs));
  if (exit.code != 0 || exit.signal != 0) {
    return Unavailable("cannot start a forwarder: " + exit.ToString());
  }
  return {};
}

Status HandOver(const std::vector<Fd>& listeners, int channel) {
  char byte = 0;
  iovec part = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(kForwardedPortsMax * sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(listeners.size() * sizeof(int));
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(listeners.size() * sizeof(int));
  for (size_t i = 0; i < listeners.size(); ++i) {
    const int fd = listeners[i].get();
    std::memcpy(CMSG_DATA(head) + i * sizeof fd, &fd, sizeof fd);
  }
  if (Retry([&] { return ::sendmsg(channel, &message, MSG_NOSIGNAL); }) != 1) {
    return FromErrno(errno, "cannot hand ports to the forwarder");
  }
  pollfd answer = {channel, POLLIN, 0};
  Retry([&] { return ::poll(&answer, 1, kForwarderMs); });
  if (::recv(channel, &byte, 1, MSG_DONTWAIT) == 1 && byte == kForwarderReady) return {};
  return Unavailable("the forwarder did not start");
}

}  // namespace

Result<std::string> EnterOwnNetwork(std::vector<int> ports) {
  std::sort(ports.begin(), ports.end());
  ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
  if (ports.size() > kForwardedPortsMax) {
    return InvalidArgument("a network of a program's own has at most " +
                           std::to_string(kForwardedPortsMax) + " ports that lead outside, not " +
                           std::to_string(ports.size()));
  }
  DCP_ASSIGN(const Step rehearsed, Rehearse());
  if (!rehearsed.ok()) return WhyNot(rehearsed);
  int ends[2] = {-1, -1};
  if (!ports.empty()) {
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
      return FromErrno(errno, "cannot make a pair of sockets");
    }
  }
  const Fd channel(ends[0]);
  {
    const Fd other(ends[1]);
    if (!ports.empty()) DCP_TRY(StartForwarder(ports, other.get()));
  }
  bool as_user = false;
  const Step entered = Enter(&as_user);
  if (!entered.ok()) {
    return FromErrno(entered.error,
                     std::string("cannot enter a network namespace: ") + entered.what);
  }
  std::vector<Fd> listeners;
  for (const int port : ports) {
    DCP_ASSIGN(Fd listener, Listen(port));
    listeners.push_back(std::move(listener));
  }
  if (as_user) DCP_TRY(DropCapabilities());
  if (!ports.empty()) DCP_TRY(HandOver(listeners, channel.get()));
  return std::string();
}

}  // namespace dcp::os
