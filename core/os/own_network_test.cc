// SPDX-License-Identifier: Apache-2.0
//
// Networks of a program's own, by dcp-confine: what gets out of one, what its forwarder does to
// connections, and that nothing of it stays. As this user, and as one without privileges.
#include "os/own_network.h"

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
#include <csignal>
#include <filesystem>
#include <sstream>
#include <thread>

#include "base/clock.h"
#include "os/confine.h"
#include "os/descriptor.h"
#include "os/file.h"
#include "os/job.h"
#include "os/process.h"

namespace dcp::os {
namespace {

constexpr int64_t kWaitMs = 60'000;
/// A forwarder that ends with its program, a reset that is passed on: milliseconds on an idle
/// machine.
constexpr int64_t kSoonMs = 3'000;
constexpr char kSetpriv[] = "/usr/bin/setpriv";

Fd ListenAt(int* port) {
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
std::vector<int> Forwarders(int port) {
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
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// dcp-confine, told to let these ports out, and what it is to do.
  std::vector<std::string> Words(const std::vector<int>& ports,
                                 const std::vector<std::string>& more) {
    confinement_.connect = ports;
    std::vector<std::string> words;
    if (GetParam()) words = {kSetpriv, "--reuid=65534", "--regid=65534", "--clear-groups", "--pdeathsig=KILL"};
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
bool MayHaveNetworks(bool nobody) {
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

std::vector<bool> Users() {
  std::vector<bool> users;
  if (MayHaveNetworks(false)) users.push_back(false);
#ifndef __SANITIZE_THREAD__  // its thread in the background forbids a user namespace
  if (::geteuid() == 0 && Exists(kSetpriv) && MayHaveNetworks(true)) users.push_back(true);
#endif
  return users;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OwnNetworkTest);
INSTANTIATE_TEST_SUITE_P(Users, OwnNetworkTest, testing::ValuesIn(Users()),
                         [](const auto& user) { return user.param ? "Nobody" : "ThisUser"; });

TEST_P(OwnNetworkTest, NothingGetsOutButToTheListedPorts) {
  const EchoServer listed;
  const EchoServer other;
  const std::string port = std::to_string(other.port());
  const std::string refused = "tcp Connection refused\ntcp6 Connection refused\n";
  EXPECT_EQ(Inside({listed.port()}, {"reach", port}).find(refused), 0U);
  EXPECT_EQ(Inside({}, {"reach", port}).find(refused), 0U);
  EXPECT_EQ(other.met(), 0);
  EXPECT_EQ(Inside({listed.port()}, {"ask", std::to_string(listed.port())}), "?\n");
  EXPECT_EQ(Inside({other.port(), listed.port(), other.port()}, {"ask", port}), "?\n");
  EXPECT_EQ(Inside({listed.port()}, {"inside"}), "talks\n") << "its parts may use any port";
}

TEST_P(OwnNetworkTest, TriesSayWhatIsReached) {
  const EchoServer listed;
  const EchoServer other;
  int closed = 0;
  ListenAt(&closed);
  const auto attempt = [](int port) { return "tcp:" + std::to_string(port); };
  const std::string found =
      Run(Words({listed.port(), closed}, {"--try", attempt(listed.port()), "--try",
                                          attempt(other.port()), "--try", attempt(closed)}));
  EXPECT_EQ(found, "possible " + attempt(listed.port()) + "\nrefused " + attempt(other.port()) +
                       "\nabsent " + attempt(closed) + "\n");
  EXPECT_EQ(other.met(), 0);
}

/// Half-closed by who asks, and by who answers.
TEST_P(OwnNetworkTest, EveryByteArrivesBothWays) {
  const EchoServer server;
  const std::string port = std::to_string(server.port());
  EXPECT_EQ(Inside({server.port()}, {"echo", port, "10000000"}),
            "sent 10000000 got 10000000 wrong 0\n");
  EXPECT_EQ(Inside({server.port()}, {"echo", port, "0"}), "sent 0 got 0 wrong 0\n");
}

TEST_P(OwnNetworkTest, ManyConnectionsAtOnceAndMoreThanItHolds) {
  const EchoServer server;
  const std::string port = std::to_string(server.port());
  EXPECT_EQ(Inside({server.port()}, {"many", port, "64"}), "answered 64\n");
  EXPECT_EQ(Inside({server.port()}, {"many", port, "300"}), "answered 300\n");
  const std::string churned = Inside({server.port()}, {"churn", port, "1000"});
  EXPECT_EQ(churned.size(), 1000 * std::string("answered 1\n").size());
}

/// As while a catalog is started anew.
TEST_P(OwnNetworkTest, AnUpstreamThatIsGoneIsToldSoonAndOneThatComesBackIsFound) {
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

TEST_P(OwnNetworkTest, AResetIsPassedOn) {
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

TEST_P(OwnNetworkTest, TheProgramHasNoDescriptorCapabilityOrNetworkOfIt) {
  const EchoServer server;
  const std::string who = Inside({server.port()}, {"who"});
  EXPECT_NE(who.find("fd 2\n"), who.npos) << who;
  EXPECT_EQ(who.find("fd 3\n"), who.npos) << who;
  EXPECT_EQ(who.find("fd 4\n"), who.npos) << who;
  std::istringstream lines(who);
  uint64_t effective = ~0ULL;
  uint64_t bounding = ~0ULL;
  int networks = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("CapEff:")) effective = std::stoull(line.substr(7), nullptr, 16);
    if (line.starts_with("CapBnd:")) bounding = std::stoull(line.substr(7), nullptr, 16);
    networks += line.starts_with("net ");
  }
  EXPECT_EQ(networks, 1) << who;
  if (::geteuid() != 0 || GetParam()) {
    EXPECT_EQ(effective, 0U);
    EXPECT_EQ(bounding, 0U);
  } else {  // what every confined program of root's keeps: files, and ports below 1024
    EXPECT_EQ(effective & ~0x41eULL, 0U);
  }
  EXPECT_NE(who.find("NoNewPrivs:\t1"), who.npos);
  // A launcher's job ends with it; and its own files in /proc are its own.
  EXPECT_NE(who.find("pdeathsig 9 dumpable 1"), who.npos) << who;
}

/// What it holds: /dev/null, the program and its listening sockets, and not the program's output,
/// folder or environment.
TEST_P(OwnNetworkTest, TheForwarderHoldsNothingOfTheProgram) {
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
TEST_P(OwnNetworkTest, AStalledConnectionCostsNoTime) {
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

/// Where the system lets nobody make namespaces, the rest holds and what is missing is said.
TEST_P(OwnNetworkTest, WithoutNamespacesTheProgramRunsAndWhatIsMissingIsSaid) {
  const EchoServer other;
  std::vector<std::string> words =
      Words({1}, {"--try", "tcp:" + std::to_string(other.port()), "--try", "read:/etc/shadow"});
  const std::vector<std::string> without = {
      "/usr/bin/unshare",
      "--user",
      "--map-root-user",
      "/bin/sh",
      "-c",
      "echo 0 > /proc/sys/user/max_net_namespaces; exec \"$@\"",
      "sh"};
  words.insert(words.begin() + (GetParam() ? 5 : 0), without.begin(), without.end());
  const std::string found = Run(words);
  EXPECT_NE(found.find("it has no network of its own"), found.npos) << found;
  EXPECT_NE(found.find("unshare: No space left on device"), found.npos) << found;
  EXPECT_NE(found.find("user.max_net_namespaces"), found.npos) << found;
  EXPECT_NE(found.find("possible tcp:"), found.npos) << found;
  EXPECT_EQ(found.find("possible read:"), found.npos) << found;
}

/// By the launcher, which ends what a job leaves behind, and may end itself.
class OwnNetworkJobTest : public OwnNetworkTest {
 protected:
  void SetUp() override {
    OwnNetworkTest::SetUp();
    job_ = folder_ + "/job";
    ASSERT_EQ(::mkdir(job_.c_str(), 0777), 0);
    ASSERT_EQ(::chmod(job_.c_str(), 0777), 0);
    confinement_.write = {job_};
  }
  void Launch(const std::string& script) {
    JobSpec spec;
    spec.argv = Words({server_.port()}, {"/bin/sh", "-c", script});
    spec.env = {{"PATH", "/usr/bin:/bin"}};
    const Status launched = LaunchJob(DCP_TEST_LAUNCHER, job_, spec);
    ASSERT_TRUE(launched.ok()) << launched.ToString();
  }
  JobState State() const { return ReadJobState(job_).value(); }
  bool Ended() const { return State().phase != JobState::Phase::kRunning; }
  std::string Ask() const { return folder_ + "/inside ask " + std::to_string(server_.port()); }
  std::string Out() const { return ReadFile(job_ + "/stdout", 10'000).value_or(""); }

  EchoServer server_;
  std::string job_;
};

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OwnNetworkJobTest);
INSTANTIATE_TEST_SUITE_P(Users, OwnNetworkJobTest, testing::ValuesIn(Users()),
                         [](const auto& user) { return user.param ? "Nobody" : "ThisUser"; });

TEST_P(OwnNetworkJobTest, EndsWithItsStatusAndLeavesNothing) {
  Launch(Ask() + "; sleep 100 & exit 7");
  ASSERT_TRUE(Soon([&] { return Ended(); }));
  EXPECT_EQ(State().exit.code, 7);
  EXPECT_EQ(Out(), "?\n");
  EXPECT_TRUE(Forwarders(server_.port()).empty());
  EXPECT_TRUE(Soon([&] { return !JobRuns(job_).value(); }));
}

TEST_P(OwnNetworkJobTest, ReachesItsPortsWhileItIsBeingStopped) {
  Launch("trap '" + Ask() + "; exit 3' TERM; echo ready; while :; do sleep 0.05; done");
  ASSERT_TRUE(Soon([&] { return Out() == "ready\n"; }));
  ASSERT_TRUE(StopJob(job_).ok());
  ASSERT_TRUE(Soon([&] { return Ended(); })) << "the forwarder is no leftover that is waited for";
  EXPECT_EQ(State().exit.code, 3);
  EXPECT_EQ(Out(), "ready\n?\n");
  EXPECT_TRUE(Forwarders(server_.port()).empty());
}

TEST_P(OwnNetworkJobTest, EndsWithALauncherThatIsKilled) {
  Launch("echo ready; while :; do sleep 0.05; done");
  ASSERT_TRUE(Soon([&] { return Out() == "ready\n"; }));
  ASSERT_EQ(::kill(State().launcher.pid, SIGKILL), 0);
  EXPECT_TRUE(Soon([&] { return EndJob(job_).value(); }));
  EXPECT_TRUE(Soon([&] { return Forwarders(server_.port()).empty(); }));
}

}  // namespace
}  // namespace dcp::os
