// SPDX-License-Identifier: Apache-2.0
//
// What gets out of a network of a program's own, what the program is in it, and what a launcher
// makes of it.
#include "os/own_network.h"

#include <gtest/gtest.h>

#include <csignal>
#include <sstream>

#include "os/job.h"
#include "os/testing/networks.h"

namespace dcp::os {
namespace {

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
    for (const std::string& made : {job_, job_ + "/" + kJobWorkFolder}) {
      ASSERT_EQ(::mkdir(made.c_str(), 0777), 0);
      ASSERT_EQ(::chmod(made.c_str(), 0777), 0);
    }
    confinement_.write = {JobWorkFolder(job_)};
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
  std::string Out() const { return ReadFile(JobWorkFolder(job_) + "/stdout", 10'000).value_or(""); }

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
