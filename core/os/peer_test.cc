// SPDX-License-Identifier: Apache-2.0
//
// A neighbour listens where a service of ours should. It is a process of another Unix user, so
// these tests need root, as the container of CI has; without it they look at this user's own
// sockets.
#include "os/peer.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <csignal>
#include <iostream>
#include <thread>

#include "os/process.h"
#include "os/supervisor.h"
#include "os/testing/neighbour.h"

namespace dcp::os {
namespace {

constexpr int64_t kTimeMs = 5'000;

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int Bind(int port, bool reuse_address, bool reuse_port, int* error = nullptr) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  if (reuse_address) ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (reuse_port) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  const sockaddr_in address = Loopback(port);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  if (error != nullptr) *error = errno;
  ::close(fd);
  return -1;
}

class PeerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) std::cerr << "not root: the neighbour is this user\n";
  }
  static bool HasNeighbours() { return ::geteuid() == 0; }
  static Fd Connect(int port) {
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = Loopback(port);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return fd;
  }
  void ExpectStranger(const Status& status) {
    if (!HasNeighbours()) return;
    EXPECT_EQ(status.code(), Code::kPermissionDenied) << status.ToString();
    EXPECT_NE(status.message().find("Unix user 65534"), std::string::npos) << status.ToString();
  }
};

TEST_F(PeerTest, OurOwnIsTrustedAcceptedOrNot) {
  const int port = FreeLoopbackPort().value();
  const Fd listener(Bind(port, true, false));
  ASSERT_EQ(::listen(listener.get(), 5), 0);
  const Fd waits = Connect(port);
  EXPECT_TRUE(CheckPeer(waits.get()).ok()) << CheckPeer(waits.get()).ToString();
  const Fd accepted(::accept(listener.get(), nullptr, nullptr));
  EXPECT_TRUE(CheckPeer(waits.get()).ok());
  EXPECT_TRUE(CheckPeer(accepted.get()).ok()) << "the client's end";
}

TEST_F(PeerTest, ANeighbourIsFoundAcceptedOrNot) {
  for (const bool accepts : {false, true}) {
    const int port = FreeLoopbackPort().value();
    const Neighbour neighbour([&] {
      const int fd = Bind(port, true, false);
      if (fd < 0 || ::listen(fd, 100) != 0) return false;
      if (accepts) {
        std::thread([fd] {
          for (;;) ::accept(fd, nullptr, nullptr);
        }).detach();
      }
      return true;
    });
    ASSERT_TRUE(neighbour.acted());
    for (int i = 0; i < 20; ++i) ExpectStranger(CheckPeer(Connect(port).get()));
    // A service is not ready, nor well, because somebody answers in its place.
    ExpectStranger(CheckTcp("127.0.0.1", port, kTimeMs));
    ExpectStranger(CheckHttp("127.0.0.1", port, "/", kTimeMs));
    ExpectStranger(CheckHttp2("127.0.0.1", port, kTimeMs));
  }
}

TEST_F(PeerTest, OfAnotherMachineNothingIsSaid) {
  EXPECT_TRUE(CheckPeer("192.0.2.1", 40'000, "192.0.2.2", 443).ok());
  EXPECT_TRUE(CheckPeer("2001:db8::1", 40'000, "2001:db8::2", 443).ok());
  // Of this one, by whatever address: nobody is there, so nobody is trusted.
  for (const char* own : {"127.0.0.1", "::1", "::ffff:127.0.0.1", "192.0.2.1"}) {
    EXPECT_FALSE(CheckPeer(own, 1, own, 2).ok()) << own;
  }
  EXPECT_EQ(CheckPeer("127.0.0.1", 1, "localhost", 2).code(), Code::kInvalidArgument);
}

TEST_F(PeerTest, AHeldPortIsRefusedToOthersAndFreeForOurListener) {
  const int port = FreeLoopbackPort().value();
  const auto held = HeldPort::Hold(port);
  ASSERT_TRUE(held.ok()) << held.status().ToString();
  // The port is held and no process listens: a client gets a refusal at once.
  EXPECT_EQ(CheckTcp("127.0.0.1", port, kTimeMs).code(), Code::kUnavailable);
  for (const bool reuse_address : {false, true}) {
    for (const bool reuse_port : {false, true}) {
      if (!HasNeighbours()) continue;
      const Neighbour neighbour([&] { return Bind(port, reuse_address, reuse_port) >= 0; });
      EXPECT_FALSE(neighbour.acted()) << reuse_address << reuse_port;
    }
  }
  {
    const Fd listener(Bind(port, true, true));
    ASSERT_TRUE(listener.valid());
    ASSERT_EQ(::listen(listener.get(), 5), 0);
    EXPECT_TRUE(CheckTcp("127.0.0.1", port, kTimeMs).ok());
  }
  const Fd again(Bind(port, true, true));
  EXPECT_TRUE(again.valid()) << "the next daemon's";
}

/// The hold lasts as long as a child that inherited it, though its maker has ended.
TEST_F(PeerTest, AHeldPortOutlivesItsMaker) {
  if (!HasNeighbours()) return;
  const int port = FreeLoopbackPort().value();
  SpawnOptions options;
  options.argv = {"/bin/sleep", "60"};
  options.die_with_parent = true;
  auto held = std::make_unique<HeldPort>(std::move(HeldPort::Hold(port)).value());
  options.fds = {{held->fd(), 4}};
  auto child = Process::Spawn(options);
  ASSERT_TRUE(child.ok()) << child.status().ToString();
  held.reset();
  EXPECT_FALSE(Neighbour([&] { return Bind(port, true, true) >= 0; }).acted());
  ASSERT_TRUE(child->KillGroup(SIGKILL).ok());
  ASSERT_TRUE(child->Wait(kTimeMs).ok());
  EXPECT_TRUE(Neighbour([&] { return Bind(port, true, true) >= 0; }).acted());
}

}  // namespace
}  // namespace dcp::os
