// SPDX-License-Identifier: Apache-2.0
//
// For tests of networks of a program's own: servers outside, and the program inside, by
// dcp-confine. As this user, and as one without privileges.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "os/confine.h"
#include "os/descriptor.h"
#include "os/file.h"
#include "os/process.h"

namespace dcp::os {

inline constexpr int64_t kWaitMs = 60'000;
/// A forwarder that ends with its program, a reset that is passed on: milliseconds on an idle
/// machine.
inline constexpr int64_t kSoonMs = 3'000;
inline constexpr char kSetpriv[] = "/usr/bin/setpriv";

inline Fd ListenAt(int* port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(*port));
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  EXPECT_EQ(::bind(fd.get(), generic, size), 0);
  EXPECT_EQ(::listen(fd.get(), 512), 0);
  EXPECT_EQ(::getsockname(fd.get(), generic, &size), 0);
  *port = ntohs(address.sin_port);
  return fd;
}

/// Sends back what it is sent, each connection in a thread of its own.
class EchoServer {
 public:
  explicit EchoServer(int port = 0) : port_(port), listener_(ListenAt(&port_)) {
    thread_ = std::thread([this] { Accept(); });
  }
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;
  ~EchoServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
    for (std::thread& each : connections_) each.join();
  }
  int port() const { return port_; }
  int met() const { return met_; }

 private:
  void Accept() {
    for (int fd; (fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      ++met_;
      connections_.emplace_back([connection = Fd(fd)] {
        char bytes[50'000];
        for (ssize_t n; (n = ::recv(connection.get(), bytes, sizeof bytes, 0)) > 0;) {
          for (ssize_t at = 0; at < n;) {
            const ssize_t sent =
                ::send(connection.get(), bytes + at, static_cast<size_t>(n - at), MSG_NOSIGNAL);
            if (sent <= 0) return;
            at += sent;
          }
        }
      });
    }
  }

  int port_;
  Fd listener_;
  std::atomic<int> met_ = 0;
  std::thread thread_;
  std::vector<std::thread> connections_;
};

/// The processes that forward this port now.
inline std::vector<int> Forwarders(int port) {
  std::vector<int> found;
  const std::string words = std::string("--forward") + '\0' + std::to_string(port) + '\0';
  const auto names = ListDirectory("/proc");
  for (const std::string& name : names.value()) {
    if (name.find_first_not_of("0123456789") != name.npos) continue;
    const auto line = ReadFile("/proc/" + name + "/cmdline", 10'000);
    if (line.ok() && line->find(words) != line->npos) found.push_back(std::stoi(name));
  }
  return found;
}

template <typename Holds>
bool Soon(Holds holds) {
  const SteadyMillis end = SystemClock().Steady() + kSoonMs;
  while (!holds()) {
    if (SystemClock().Steady() > end) return false;
    ::poll(nullptr, 0, 5);
  }
  return true;
}

/// Whether the program runs as nobody.
class OwnNetworkTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/dcp-network-XXXXXX";
    folder_ = ::mkdtemp(pattern);
    ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
    for (const auto& [from, to] :
         {std::pair(DCP_TEST_CONFINE, "dcp-confine"), std::pair(DCP_TEST_INSIDE, "inside")}) {
      std::filesystem::copy_file(from, folder_ + "/" + to);
      ASSERT_EQ(::chmod((folder_ + "/" + to).c_str(), 0755), 0);
    }
    confinement_.read = {folder_};
    confinement_.own_network = true;
    confinement_.listen = {0};
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// dcp-confine, told to let these ports out, and what it is to do.
  std::vector<std::string> Words(const std::vector<int>& ports,
                                 const std::vector<std::string>& more) {
    confinement_.connect = ports;
    std::vector<std::string> words;
    if (GetParam())
      words = {kSetpriv, "--reuid=65534", "--regid=65534", "--clear-groups", "--pdeathsig=KILL"};
    auto confine = ConfineWords(folder_ + "/dcp-confine", confinement_);
    if (more.front() == "--try") confine.pop_back();
    words.insert(words.end(), confine.begin(), confine.end());
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  Process Start(const std::vector<std::string>& words, int stdin_fd, int out) {
    SpawnOptions options;
    options.argv = words;
    options.env = {{"PATH", "/usr/bin:/bin"}, {"SECRET", "of the job"}};
    options.stdin_fd = stdin_fd;
    options.stdout_fd = out;
    options.stderr_fd = out;
    options.die_with_parent = true;
    auto process = Process::Spawn(options);
    EXPECT_TRUE(process.ok()) << process.status().message();
    return process.ok() ? std::move(*process) : Process();
  }
  std::string Run(const std::vector<std::string>& words) {
    const std::string path = folder_ + "/out";
    const Fd out(::open(path.c_str(), O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0600));
    Process process = Start(words, -1, out.get());
    if (process.valid()) {
      EXPECT_TRUE(process.Wait(kWaitMs).ok());
    }
    return ReadFile(path, 1 << 20).value();
  }
  std::string Inside(const std::vector<int>& ports, std::vector<std::string> words) {
    words.insert(words.begin(), folder_ + "/inside");
    return Run(Words(ports, words));
  }

  std::string folder_;
  Confinement confinement_;
};

/// Whether this system lets a user make network namespaces; some containers do not.
inline bool MayHaveNetworks(bool nobody) {
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65'534;
    if (nobody && (::setgroups(0, nullptr) != 0 || ::setresgid(kNobody, kNobody, kNobody) != 0 ||
                   ::setresuid(kNobody, kNobody, kNobody) != 0)) {
      ::_exit(1);
    }
    const int flags = ::geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET;
    ::_exit(::unshare(flags) == 0 ? 0 : 1);
  }
  int status = -1;
  return ::waitpid(child, &status, 0) == child && status == 0;
}

inline std::vector<bool> Users() {
  std::vector<bool> users;
  if (MayHaveNetworks(false)) users.push_back(false);
#ifndef __SANITIZE_THREAD__  // its thread in the background forbids a user namespace
  if (::geteuid() == 0 && Exists(kSetpriv) && MayHaveNetworks(true)) users.push_back(true);
#endif
  return users;
}

}  // namespace dcp::os
