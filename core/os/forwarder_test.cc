// SPDX-License-Identifier: Apache-2.0
//
// What a forwarder does to connections, and that nothing of a program stays with it.
#include "os/forwarder.h"

#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <sstream>

#include "os/testing/networks.h"

namespace dcp::os {
namespace {

class ForwarderTest : public OwnNetworkTest {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ForwarderTest);
INSTANTIATE_TEST_SUITE_P(Users, ForwarderTest, testing::ValuesIn(Users()),
                         [](const auto& user) { return user.param ? "Nobody" : "ThisUser"; });

/// Half-closed by who asks, and by who answers.
TEST_P(ForwarderTest, EveryByteArrivesBothWays) {
  const EchoServer server;
  const std::string port = std::to_string(server.port());
  EXPECT_EQ(Inside({server.port()}, {"echo", port, "10000000"}),
            "sent 10000000 got 10000000 wrong 0\n");
  EXPECT_EQ(Inside({server.port()}, {"echo", port, "0"}), "sent 0 got 0 wrong 0\n");
}

TEST_P(ForwarderTest, ManyConnectionsAtOnceAndMoreThanItHolds) {
  const EchoServer server;
  const std::string port = std::to_string(server.port());
  EXPECT_EQ(Inside({server.port()}, {"many", port, "64"}), "answered 64\n");
  EXPECT_EQ(Inside({server.port()}, {"many", port, "300"}), "answered 300\n");
  const std::string churned = Inside({server.port()}, {"churn", port, "1000"});
  EXPECT_EQ(churned.size(), 1000 * std::string("answered 1\n").size());
}

/// As while a catalog is started anew.
TEST_P(ForwarderTest, AnUpstreamThatIsGoneIsToldSoonAndOneThatComesBackIsFound) {
  int port = 0;
  auto server = std::make_unique<EchoServer>();
  port = server->port();
  int in[2];
  int out[2];
  ASSERT_EQ(::pipe2(in, O_CLOEXEC), 0);
  ASSERT_EQ(::pipe2(out, O_CLOEXEC), 0);
  const Fd ask(in[1]);
  const Fd answer(out[0]);
  Process process =
      Start(Words({port}, {folder_ + "/inside", "asks", std::to_string(port)}), in[0], out[1]);
  ::close(in[0]);
  ::close(out[1]);
  const auto said = [&] {
    EXPECT_EQ(::write(ask.get(), "\n", 1), 1);
    char text[100];
    pollfd watch = {answer.get(), POLLIN, 0};
    if (::poll(&watch, 1, kSoonMs) != 1) return std::string("nothing");
    const ssize_t n = ::read(answer.get(), text, sizeof text);
    return std::string(text, n > 0 ? static_cast<size_t>(n) : 0);
  };
  EXPECT_EQ(said(), "?\n");
  for (int round = 0; round < 3; ++round) {
    server.reset();
    const std::string gone = said();
    EXPECT_TRUE(gone == "end\n" || gone == "Connection reset by peer\n") << gone;
    server = std::make_unique<EchoServer>(port);
    EXPECT_EQ(said(), "?\n");
  }
  EXPECT_TRUE(process.Kill(SIGKILL).ok());
  EXPECT_TRUE(process.Wait(kWaitMs).ok());
  EXPECT_TRUE(Soon([&] { return Forwarders(port).empty(); })) << "it outlives its program";
}

TEST_P(ForwarderTest, AResetIsPassedOn) {
  int port = 0;
  const Fd listener = ListenAt(&port);
  std::thread server([&] {
    const Fd connection(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    char byte;
    (void)::recv(connection.get(), &byte, 1, 0);
    const linger reset = {1, 0};
    ::setsockopt(connection.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  });
  EXPECT_EQ(Inside({port}, {"ask", std::to_string(port)}), "Connection reset by peer\n");
  server.join();
}

/// What it holds: /dev/null, the program and its listening sockets, and not the program's output,
/// folder or environment.
TEST_P(ForwarderTest, TheForwarderHoldsNothingOfTheProgram) {
  const EchoServer server;
  int out[2];
  ASSERT_EQ(::pipe2(out, O_CLOEXEC), 0);
  const Fd reader(out[0]);
  Process process =
      Start(Words({server.port()}, {folder_ + "/inside", "hold", std::to_string(server.port())}),
            -1, out[1]);
  ::close(out[1]);
  char text[100];
  ASSERT_EQ(::read(reader.get(), text, sizeof text), 5);
  const std::vector<int> forwarders = Forwarders(server.port());
  ASSERT_EQ(forwarders.size(), 1U);
  const std::string at = "/proc/" + std::to_string(forwarders.front());
  const std::string status = ReadFile(at + "/status", 10'000).value();
  EXPECT_NE(status.find("Name:\tdcp-forward\n"), status.npos);
  EXPECT_NE(status.find("NoNewPrivs:\t1"), status.npos);
  EXPECT_NE(status.find("CapEff:\t0000000000000000"), status.npos);
  EXPECT_NE(status.find("CapPrm:\t0000000000000000"), status.npos);
  EXPECT_NE(status.find("\nSeccomp:\t2"), status.npos);
  EXPECT_EQ(status.find("PPid:\t" + std::to_string(process.pid()) + "\n"), status.npos)
      << "the program would have a child that it did not start";
  if (::geteuid() == 0) {
    EXPECT_EQ(std::filesystem::read_symlink(at + "/cwd"), "/");
    EXPECT_EQ(ReadFile(at + "/environ", 10'000).value(), "");
    for (const auto& fd : std::filesystem::directory_iterator(at + "/fd")) {
      const std::string target = std::filesystem::read_symlink(fd.path());
      EXPECT_TRUE(target == "/dev/null" || target.starts_with("socket:") ||
                  target == "anon_inode:[pidfd]" || target.starts_with("pidfd:"))
          << target;
    }
  } else {
    EXPECT_FALSE(ReadFile(at + "/environ", 10'000).ok());
  }
  EXPECT_TRUE(process.Kill(SIGKILL).ok());
  EXPECT_TRUE(process.Wait(kWaitMs).ok());
  EXPECT_TRUE(Soon([&] { return Forwarders(server.port()).empty(); }));
  // Nobody else had it: the end comes with the program's.
  pollfd watch = {reader.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&watch, 1, kSoonMs), 1);
  EXPECT_EQ(::read(reader.get(), text, sizeof text), 0);
}

/// User and system time of a process, in 1/100 s.
long TicksOf(int pid) {
  const std::string stat = ReadFile("/proc/" + std::to_string(pid) + "/stat", 10'000).value();
  std::istringstream words(stat.substr(stat.rfind(')') + 2));
  std::string word;
  for (int i = 0; i < 11; ++i) words >> word;
  long user = 0;
  long system = 0;
  words >> user >> system;
  return user + system;
}

/// The client has sent its last byte, the upstream has ended its own direction and reads nothing.
TEST_P(ForwarderTest, AStalledConnectionCostsNoTime) {
  int port = 0;
  const Fd listener = ListenAt(&port);
  const int small = 4096;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  int out[2];
  ASSERT_EQ(::pipe2(out, O_CLOEXEC), 0);
  const Fd reader(out[0]);
  Process process = Start(
      Words({port}, {folder_ + "/inside", "stall", std::to_string(port), "200000"}), -1, out[1]);
  ::close(out[1]);
  const Fd connection(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_EQ(::shutdown(connection.get(), SHUT_WR), 0);
  ::poll(nullptr, 0, 100);
  const std::vector<int> forwarders = Forwarders(port);
  ASSERT_EQ(forwarders.size(), 1U);
  const long before = TicksOf(forwarders.front());
  ::poll(nullptr, 0, 1000);
  EXPECT_LE(TicksOf(forwarders.front()) - before, 5);
  EXPECT_TRUE(process.Kill(SIGKILL).ok());
  EXPECT_TRUE(process.Wait(kWaitMs).ok());
}

}  // namespace
}  // namespace dcp::os
