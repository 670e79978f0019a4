// SPDX-License-Identifier: Apache-2.0
#include "os/confine.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "os/file.h"
#include "os/process.h"

namespace dcp::os {
namespace {

constexpr int64_t kWaitMs = 60'000;
constexpr int kVersionPorts = 4;

long Landlock() {
  return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

class ConfineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/dcp-confine-XXXXXX";
    folder_ = ::mkdtemp(pattern);
    for (const char* name : {"read", "write", "secret"}) {
      std::filesystem::create_directory(folder_ + "/" + name);
      ASSERT_TRUE(WriteFileAtomic(folder_ + "/" + name + "/file", "text", 0600).ok());
    }
    confinement_.read = {folder_ + "/read"};
    confinement_.write = {folder_ + "/write"};
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  struct Ended {
    ExitStatus exit;
    std::string out;
  };
  Ended Run(const std::vector<std::string>& more) {
    SpawnOptions options;
    options.argv = ConfineWords(DCP_TEST_CONFINE, confinement_);
    if (more.front() != "--") options.argv.pop_back();
    options.argv.insert(options.argv.end(), more.begin() + (more.front() == "--" ? 1 : 0),
                        more.end());
    options.env = {{"PATH", "/usr/bin:/bin"}};
    const std::string path = folder_ + "/out";
    const int out = ::open(path.c_str(), O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0600);
    options.stdout_fd = out;
    options.stderr_fd = out;
    auto process = Process::Spawn(options);
    ::close(out);
    EXPECT_TRUE(process.ok()) << process.status().message();
    if (!process.ok()) return {};
    const auto exit = process->Wait(kWaitMs);
    EXPECT_TRUE(exit.ok());
    return {exit.ok() ? *exit : ExitStatus{}, *ReadFile(path, 1 << 20)};
  }
  Ended Shell(const std::string& script) { return Run({"--", "/bin/sh", "-c", script}); }
  std::string Attempt(const std::string& what) {
    const std::string out = Run({"--try", what}).out;
    return out.substr(0, out.find(' '));
  }

  std::string folder_;
  Confinement confinement_;
};

TEST_F(ConfineTest, ALinkThatWasPutThereLaterIsNotFollowed) {
  // What it reads lies below what another program writes, and that one replaced it.
  confinement_.read = {folder_ + "/write/part"};
  std::filesystem::create_directory(folder_ + "/write/part");
  confinement_.resolved = true;
  EXPECT_EQ(Attempt("read:" + folder_ + "/write/part"), "possible");
  std::filesystem::remove(folder_ + "/write/part");
  std::filesystem::create_directory_symlink(folder_ + "/secret", folder_ + "/write/part");
  const Ended refused = Shell("cat " + folder_ + "/secret/file");
  EXPECT_EQ(refused.exit.code, 126) << refused.out;
  EXPECT_NE(refused.out.find(folder_ + "/write/part: a link stands in it"), std::string::npos)
      << refused.out;
  confinement_.resolved = false;  // as a person may have meant it
  EXPECT_EQ(Shell("cat " + folder_ + "/secret/file").out, "text");
}

TEST_F(ConfineTest, WordsAreReadBackAsTheyWere) {
  confinement_.resolved = true;
  confinement_.connect = {1, 65535};
  confinement_.listen = {0, 8181};
  auto words = ConfineWords("/bin/dcp-confine", confinement_);
  words.insert(words.end(), {"/bin/x", "--read", "--"});
  const auto order = ParseConfineWords({words.begin() + 1, words.end()});
  ASSERT_TRUE(order.ok()) << order.status().message();
  EXPECT_EQ(order->confinement, confinement_);
  EXPECT_EQ(order->command, (std::vector<std::string>{"/bin/x", "--read", "--"}));
  confinement_.own_network = true;
  words = ConfineWords("/bin/dcp-confine", confinement_);
  words.emplace_back("/bin/x");
  EXPECT_EQ(ParseConfineWords({words.begin() + 1, words.end()})->confinement, confinement_);
  // No port at all is another thing than any port.
  confinement_.connect.emplace();
  words = ConfineWords("/bin/dcp-confine", confinement_);
  words.emplace_back("/bin/x");
  EXPECT_EQ(ParseConfineWords({words.begin() + 1, words.end()})->confinement, confinement_);
}

TEST_F(ConfineTest, WhatIsNoOrderIsRefused) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {"--"},
                                             {"--read"},
                                             {"--read", "/x"},
                                             {"--connect", "0", "--", "/bin/x"},
                                             {"--connect", "65536", "--", "/bin/x"},
                                             {"--connect", "8o", "--", "/bin/x"},
                                             {"--listen", "-1", "--", "/bin/x"},
                                             {"--listen", "65536", "--", "/bin/x"},
                                             {"--unknown", "1", "--", "/bin/x"},
                                             {"--own-network", "--", "/bin/x"},
                                             {"--try", "read:/x", "--", "/bin/x"}}) {
    EXPECT_FALSE(ParseConfineWords(words).ok()) << (words.empty() ? "" : words.front());
  }
}

TEST_F(ConfineTest, IsTheProgramWithItsStatusAndWords) {
  const Ended ended = Run({"--", "/bin/sh", "-c", "echo \"$0 $1\"; exit 7", "a", "b c"});
  EXPECT_EQ(ended.exit.code, 7);
  EXPECT_EQ(ended.out, "a b c\n");
  EXPECT_EQ(Run({"--", "/nonsuch"}).exit.code, 127);
}

TEST_F(ConfineTest, DoesNotRunTheProgramWhenItCannotConfine) {
  confinement_.read.push_back(folder_ + "/nonsuch");
  const Ended ended = Shell("echo ran");
  EXPECT_EQ(ended.exit.code, 126);
  EXPECT_EQ(ended.out.find("ran\n"), std::string::npos) << ended.out;
  EXPECT_NE(ended.out.find(folder_ + "/nonsuch"), std::string::npos) << ended.out;
}

TEST_F(ConfineTest, KeepsToTheFilesOfItsPolicy) {
  if (Landlock() < 1) {
    EXPECT_NE(Run({"--try", "read:/"}).out.find("files are not confined"), std::string::npos);
    return;
  }
  EXPECT_EQ(Attempt("read:" + folder_ + "/read/file"), "possible");
  EXPECT_EQ(Attempt("read:" + folder_ + "/write/file"), "possible");
  EXPECT_EQ(Attempt("read:" + folder_ + "/secret/file"), "refused");
  EXPECT_EQ(Attempt("read:" + folder_ + "/secret"), "refused");
  EXPECT_EQ(Attempt("read:" + folder_ + "/nonsuch"), "absent");
  EXPECT_EQ(Shell("echo x > " + folder_ + "/write/new").exit.code, 0);
  EXPECT_NE(Shell("echo x > " + folder_ + "/read/new").exit.code, 0);
  // Nor through the descriptors and the environment of who started it.
  EXPECT_NE(Shell("cat /proc/" + std::to_string(::getpid()) + "/environ").exit.code, 0);
}

TEST_F(ConfineTest, MakesNoFileReadableForOthers) {
  const std::string secret = folder_ + "/secret/file";
  EXPECT_NE(Shell("chmod 644 " + secret).exit.code, 0);
  EXPECT_NE(Shell("chmod 0 " + secret).exit.code, 0);
  EXPECT_NE(Shell("chmod 4700 " + secret).exit.code, 0);
  EXPECT_EQ(Shell("chmod 700 " + folder_ + "/write/file").exit.code, 0);
  EXPECT_EQ(Shell("echo x > " + folder_ + "/write/new").exit.code, 0);
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(secret).permissions(), perms::owner_read | perms::owner_write);
  EXPECT_EQ(std::filesystem::status(folder_ + "/write/new").permissions(),
            perms::owner_read | perms::owner_write);
}

TEST_F(ConfineTest, ConnectsToNoUnixSocket) {
  const std::string path = folder_ + "/write/socket";
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), address.sun_path);
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  EXPECT_EQ(Attempt("unix:" + path), "refused");
  ::close(listener);
}

TEST_F(ConfineTest, ConnectsToTheListedPortsAlone) {
  if (Landlock() < kVersionPorts) {
    confinement_.connect.emplace();
    EXPECT_NE(Run({"--try", "tcp:1"}).out.find("4 is needed"), std::string::npos);
    return;
  }
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 8), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const int port = ntohs(address.sin_port);
  EXPECT_EQ(Attempt("tcp:" + std::to_string(port)), "possible");
  confinement_.connect.emplace();
  EXPECT_EQ(Attempt("tcp:" + std::to_string(port)), "refused");
  confinement_.connect = {port};
  EXPECT_EQ(Attempt("tcp:" + std::to_string(port)), "possible");
  confinement_.connect = {port == 1 ? 2 : 1};
  EXPECT_EQ(Attempt("tcp:" + std::to_string(port)), "refused");
  ::close(listener);
}

/// A port of the loopback that a socket has bound as dcpd does, so that others may listen beside
/// it.
int Held(int* port, bool listens) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(*port));
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const int on = 1;
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
  EXPECT_EQ(::bind(fd, generic, size), 0);
  EXPECT_TRUE(!listens || ::listen(fd, 1) == 0);
  EXPECT_EQ(::getsockname(fd, generic, &size), 0);
  *port = ntohs(address.sin_port);
  return fd;
}

TEST_F(ConfineTest, ListensAtTheListedPortsAlone) {
  int held = 0;
  int taken = 0;
  int free_port = 0;
  const int holder = Held(&held, false);
  const int listener = Held(&taken, true);
  ::close(Held(&free_port, false));
  const std::string free = std::to_string(free_port);
  // Nothing is listed: it does not listen, and on no kernel beside anybody.
  for (const int port : {held, taken, free_port, 0}) {
    EXPECT_EQ(Attempt("listen:" + std::to_string(port)), "refused") << port;
  }
  confinement_.listen = {0};
  EXPECT_EQ(Attempt("listen:0"), "possible");
  EXPECT_EQ(Attempt("listen:" + std::to_string(held)), "refused");
  EXPECT_EQ(Attempt("listen:" + std::to_string(taken)), "refused");
  if (Landlock() < kVersionPorts) {
    EXPECT_NE(Run({"--try", "listen:" + free}).out.find("Linux 6.7"), std::string::npos);
  } else {
    EXPECT_EQ(Attempt("listen:" + free), "refused");
  }
  confinement_.listen = {free_port};
  EXPECT_EQ(Attempt("listen:" + free), "possible");
  // Not even a listed port is shared.
  confinement_.listen = {held, taken};
  EXPECT_EQ(Attempt("listen:" + std::to_string(held)), "refused");
  EXPECT_EQ(Attempt("listen:" + std::to_string(taken)), "refused");
  ::close(holder);
  ::close(listener);
}

}  // namespace
}  // namespace dcp::os
