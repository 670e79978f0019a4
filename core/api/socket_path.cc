// SPDX-License-Identifier: Apache-2.0
//
// Checks of the Unix socket's place and of the TCP address.
#include "api/socket_path.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "os/file.h"

namespace dcp::api {
namespace {

Status CheckFolder(const std::string& folder) {
  struct stat info {};
  if (lstat(folder.c_str(), &info) != 0) {
    return FromErrno(errno, "looking at the API socket's folder " + folder);
  }
  if (!S_ISDIR(info.st_mode)) {
    return FailedPrecondition("the API socket's folder " + folder + " is not a folder");
  }
  if (info.st_uid != geteuid() || (info.st_mode & 077) != 0) {
    return FailedPrecondition("the API socket's folder " + folder + " is open to other users")
        .WithHint("make it yours alone (chmod 700 " + folder + "), or choose another folder");
  }
  return {};
}

/// OK when nothing listens there (any more).
Status RemoveStale(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? Status() : FromErrno(errno, "looking at the API socket " + path);
  }
  if (!S_ISSOCK(info.st_mode)) {
    return FailedPrecondition(path + " exists and is not a socket; it is not ours to replace")
        .WithHint("move it away, or choose another socket path");
  }
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return FromErrno(errno, "making a socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int connected = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  const int error = errno;
  close(fd);
  if (connected == 0 || error == EAGAIN) {  // EAGAIN: its backlog is full, so it lives
    return FailedPrecondition("another dcpd answers on " + path)
        .WithHint("stop it first, or give this one another state folder");
  }
  if (error != ECONNREFUSED) return FromErrno(error, "trying the API socket " + path);
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return FromErrno(errno, "removing the stale API socket " + path);
  }
  return {};
}

}  // namespace

Status PrepareSocketPath(const std::string& path) {
  if (path.empty() || path.front() != '/') {
    return InvalidArgument("the API socket's path \"" + path + "\" is not absolute");
  }
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return InvalidArgument("the API socket's path is " + std::to_string(path.size()) +
                           " bytes long; the system takes at most " +
                           std::to_string(sizeof(sockaddr_un::sun_path) - 1) + ": " + path)
        .WithHint("choose a state folder with a shorter path");
  }
  const std::string folder = path.substr(0, std::max<size_t>(path.rfind('/'), 1));
  if (!os::Exists(folder)) DCP_TRY(os::MakeDirectories(folder, 0700));
  DCP_TRY(CheckFolder(folder));
  return RemoveStale(path);
}

Status CheckLoopback(const std::string& address) {
  for (const std::string host : {"127.0.0.1:", "[::1]:", "localhost:"}) {
    if (!address.starts_with(host)) continue;
    const std::string port = address.substr(host.size());
    const bool digits =
        !port.empty() && port.size() <= 5 &&
        std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (digits && std::stoi(port) <= 65535) return {};
    return InvalidArgument("\"" + address + "\" does not end in a port (0 to 65535)");
  }
  return InvalidArgument("the API does not listen on \"" + address +
                         "\": it has no TLS of its own, so only loopback addresses are served")
      .WithHint("write 127.0.0.1:PORT, and put a TLS proxy or an SSH tunnel in front");
}

}  // namespace dcp::api
