// SPDX-License-Identifier: Apache-2.0
//
// Every system call that a sandbox allows and that can name another's property is tried from
// inside, against this process, on Landlock as the kernel has it and as Debian 12's kernel 6.1 has
// it. After each attempt this process looks at itself and its files: an answer alone proves
// nothing.
#include "os/sandbox.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "os/landlock.h"
#include "os/system_calls.h"
#include "os/testing/attempts.h"

namespace dcp::os {
namespace {

using testing::Attempt;
using testing::Expected;
using testing::Victim;

constexpr char kContent[] = "the victim's own";
/// Debian 12's kernel 6.1.
constexpr int kOldLandlock = 2;

volatile sig_atomic_t signals_seen = 0;

std::vector<Attempt> All() {
  std::vector<Attempt> all;
  for (const auto& part : {testing::AttemptsOnFiles(), testing::AttemptsOnDescriptors(),
                           testing::AttemptsOnProcesses(), testing::AttemptsOnSockets()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

/// The leak sanitizer looks at its own process from a second one, so these stay open under it.
std::vector<Attempt> Refusable() {
  std::vector<Attempt> all = All();
#ifdef __SANITIZE_ADDRESS__
  std::erase_if(all, [](const Attempt& each) {
    return each.call == "kill" || each.call == "prctl" || each.call == "clone";
  });
#endif
  return all;
}

/// What came of one attempt.
struct Outcome {
  size_t attempt = 0;
  long result = 0;
  int error = 0;
};

class SandboxTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "dcp_sandbox_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    victim_.folder = pattern;
    victim_.pid = getpid();
    victim_.file = pattern + "/secret";
    victim_.readable = pattern + "/readable";
    victim_.socket = pattern + "/socket";
    victim_.datagram = pattern + "/datagram";
    victim_.abstract = "dcp_sandbox_" + std::to_string(getpid());
    for (const std::string& path : {victim_.file, victim_.readable}) {
      std::ofstream(path) << kContent;
      ASSERT_EQ(chmod(path.c_str(), 0600), 0);
    }
    std::filesystem::create_directory(pattern + "/empty");
    std::filesystem::create_symlink("somewhere", pattern + "/link");
    std::filesystem::copy_file("/bin/true", pattern + "/program");
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_NONBLOCK), 0);
    pipe_ = ends[0];
    victim_.pipe = ends[1];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    channel_ = ends[0];
    victim_.channel = ends[1];
    sockets_ = {Bound(SOCK_STREAM, victim_.socket, false),
                Bound(SOCK_DGRAM, victim_.datagram, false),
                Bound(SOCK_STREAM, victim_.abstract, true), Shared(&victim_.port)};
    close(Shared(&victim_.free_port));
    for (const int signal : {SIGUSR1, SIGUSR2, SIGIO, SIGURG, SIGALRM, SIGPIPE}) {
      std::signal(signal, [](int) { signals_seen = signals_seen + 1; });
    }
  }
  void TearDown() override {
    for (const int fd : sockets_) close(fd);
    for (const int fd : {pipe_, channel_, victim_.pipe, victim_.channel}) close(fd);
    std::filesystem::remove_all(victim_.folder);
  }

  int Bound(int type, const std::string& name, bool abstract) {
    sockaddr_un at = {};
    at.sun_family = AF_UNIX;
    memcpy(at.sun_path + (abstract ? 1 : 0), name.c_str(), name.size());
    const int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&at),
                   static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + 1)),
              0);
    EXPECT_TRUE(type != SOCK_STREAM || listen(fd, 4) == 0);
    return fd;
  }

  /// A listener at a port of the loopback that others may listen at too.
  int Shared(int* port) {
    sockaddr_in at = {};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    EXPECT_EQ(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(listen(fd, 4), 0);
    EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size), 0);
    *port = ntohs(at.sin_port);
    return fd;
  }

  /// All that an attempt could have changed.
  std::string State() {
    std::ostringstream state;
    for (const auto& path : {victim_.folder, victim_.file, victim_.readable,
                             victim_.folder + "/program", victim_.socket}) {
      struct stat info = {};
      stat(path.c_str(), &info);
      state << path << " mode " << info.st_mode << " size " << info.st_size << " links "
            << info.st_nlink << " changed " << info.st_ctim.tv_sec << "." << info.st_ctim.tv_nsec
            << "\n";
    }
    const int own = open(victim_.file.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
    state << "to be opened " << (own >= 0) << " locked " << flock(own, LOCK_EX | LOCK_NB) << "\n";
    close(own);
    for (int limit = 0; limit < RLIMIT_NLIMITS; ++limit) {
      rlimit value = {};
      getrlimit(static_cast<__rlimit_resource>(limit), &value);
      state << "limit " << limit << " " << value.rlim_cur << " " << value.rlim_max << "\n";
    }
    cpu_set_t cpus;
    sched_getaffinity(0, sizeof cpus, &cpus);
    int death_signal = 0;
    prctl(PR_GET_PDEATHSIG, &death_signal);
    state << "cpus " << CPU_COUNT(&cpus) << " policy " << sched_getscheduler(0) << " nice "
          << getpriority(PRIO_PROCESS, 0) << " group " << getpgid(0) << " dies with "
          << death_signal << " dumpable " << prctl(PR_GET_DUMPABLE) << "\n";
    for (const char* name : {"comm", "oom_score_adj", "timerslack_ns", "coredump_filter"}) {
      std::ifstream file(std::string("/proc/self/") + name);
      state << name << " " << file.rdbuf();
    }
    for (const int fd : {pipe_, channel_}) {
      struct stat info = {};
      fstat(fd, &info);
      state << "end " << fcntl(fd, F_GETFL) << " owner " << fcntl(fd, F_GETOWN) << " signal "
            << fcntl(fd, F_GETSIG) << " size " << fcntl(fd, F_GETPIPE_SZ) << " mode "
            << info.st_mode << "\n";
    }
    for (const int fd : sockets_) {
      pollfd waiting{fd, POLLIN, 0};
      state << "somebody at a socket " << poll(&waiting, 1, 0) << "\n";
    }
    state << "signals " << signals_seen << "\n";
    return state.str();
  }

  /// In the child. Never returns.
  [[noreturn]] void Confined(const SandboxPolicy& policy, int newest, int results, int go) {
    setpgid(0, 0);
    close(pipe_);
    close(channel_);
    const Result<SandboxLayers> layers = EnterSandboxUpTo(policy, newest);
    const std::string missing = layers.ok() ? layers->Missing() : layers.status().ToString();
    const auto size = static_cast<uint32_t>(missing.size());
    (void)!write(results, &size, sizeof size);
    (void)!write(results, missing.data(), size);
    if (!layers.ok()) _exit(1);
    victim_.path = open(victim_.file.c_str(), O_PATH | O_CLOEXEC);
    victim_.read = open(victim_.readable.c_str(), O_RDONLY | O_CLOEXEC);
    char byte = 0;
    for (size_t i = 0; i < attempts_.size() && read(go, &byte, 1) == 1; ++i) {
      const int number = seccomp_syscall_resolve_name(std::string(attempts_[i].call).c_str());
      Outcome outcome{i, 0, ENOSYS};
      if (number >= 0) {
        errno = 0;
        outcome.result = attempts_[i].act(number, victim_);
        outcome.error = errno;
      } else {
        outcome.result = -1;  // not on this architecture
      }
      (void)!write(results, &outcome, sizeof outcome);
    }
    _exit(0);
  }

  /// Every attempt under this policy. Sockets' grants are the only ones that reach beyond.
  void TryAll(SandboxPolicy policy, int newest) {
    policy.read = {victim_.readable};
    int results[2];
    int go[2];
    ASSERT_EQ(pipe(results), 0);
    ASSERT_EQ(pipe(go), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(results[0]);
      close(go[1]);
      Confined(policy, newest, results[1], go[0]);
    }
    close(results[1]);
    close(go[0]);
    uint32_t size = 0;
    ASSERT_EQ(read(results[0], &size, sizeof size), static_cast<ssize_t>(sizeof size));
    std::string missing(size, '\0');
    ASSERT_EQ(read(results[0], missing.data(), size), static_cast<ssize_t>(size));
    for (size_t i = 0; i < attempts_.size(); ++i) {
      const std::string before = State();
      ASSERT_EQ(write(go[1], "x", 1), 1);
      Outcome outcome;
      ASSERT_EQ(read(results[0], &outcome, sizeof outcome), static_cast<ssize_t>(sizeof outcome))
          << attempts_[i].call << " " << attempts_[i].what << " has ended the confined process";
      Judge(attempts_[i], outcome, policy, missing, before);
    }
    close(go[1]);
    close(results[0]);
    EXPECT_EQ(waitpid(child, nullptr, 0), child);
  }

  void Judge(const Attempt& attempt, const Outcome& outcome, const SandboxPolicy& policy,
             const std::string& missing, const std::string& before) {
    const std::string named = std::string(attempt.call) + ", " + attempt.what + ": " +
                              std::to_string(outcome.result) + " " + strerrorname_np(outcome.error);
    // What the list of missing things names is not promised.
    if (attempt.missing != nullptr && missing.find(attempt.missing) != std::string::npos) {
      excused_.insert(named);
      signals_seen = 0;
      return Accept();
    }
    const bool granted = (attempt.granted_by_unix_sockets && policy.unix_sockets) ||
                         (attempt.granted_by_processes && policy.processes);
    if (granted) return Accept();
    EXPECT_TRUE(attempt.expected != Expected::kRefused || outcome.result < 0) << named;
    EXPECT_EQ(State(), before) << named;
  }

  /// Takes what a granted attempt has left in the sockets.
  void Accept() {
    for (const int fd : sockets_) {
      pollfd waiting{fd, POLLIN, 0};
      if (poll(&waiting, 1, 0) <= 0) continue;
      char byte = 0;
      if (recv(fd, &byte, 1, MSG_DONTWAIT) < 0) close(accept(fd, nullptr, nullptr));
    }
  }

  Victim victim_;
  int pipe_ = -1;
  int channel_ = -1;
  std::vector<int> sockets_;
  const std::vector<Attempt> attempts_ = Refusable();
  std::set<std::string> excused_;
};

TEST(SandboxListTest, EachCallThatCanNameAnothersPropertyIsTried) {
  std::set<std::string_view> tried;
  for (const Attempt& attempt : All()) tried.insert(attempt.call);
  std::set<std::string_view> listed;
  for (const SystemCall& call : kSystemCalls) {
    EXPECT_TRUE(listed.insert(call.name).second) << call.name << " is listed twice";
    if (call.takes == Takes::kNothing) continue;
    EXPECT_EQ(tried.count(call.name), 1U) << "no attempt on " << call.name;
  }
  for (const std::string_view call : tried) EXPECT_EQ(listed.count(call), 1U) << call;
}

struct Case {
  const char* name;
  int newest;
  bool network;
  bool processes;
  bool unix_sockets;
  size_t excused_max;  ///< attempts that a kernel without scopes, and without ports, cannot refuse
};

class SandboxTableTest : public SandboxTest, public ::testing::WithParamInterface<Case> {};

TEST_P(SandboxTableTest, EachAttemptIsRefusedOrNamed) {
  SandboxPolicy policy;
  policy.network = GetParam().network;
  policy.processes = GetParam().processes;
  policy.unix_sockets = GetParam().unix_sockets;
  policy.private_memory = !policy.processes;
  TryAll(policy, GetParam().newest);
  const bool scopes = std::min(LandlockVersion(), GetParam().newest) >= kLandlockScope;
  EXPECT_LE(excused_.size(), scopes ? 0 : GetParam().excused_max);
  for (const std::string& each : excused_) std::cout << "named as missing: " << each << "\n";
}

INSTANTIATE_TEST_SUITE_P(
    , SandboxTableTest,
    ::testing::Values(Case{"Plain", kLandlockNewest, false, false, false, 0},
                      Case{"PlainOld", kOldLandlock, false, false, false, 0},
                      Case{"Network", kLandlockNewest, true, false, false, 0},
                      Case{"NetworkOld", kOldLandlock, true, false, false, 0},
                      Case{"Processes", kLandlockNewest, true, true, false, 7},
                      Case{"ProcessesOld", kOldLandlock, true, true, false, 7},
                      Case{"UnixSockets", kLandlockNewest, false, false, true, 1},
                      Case{"UnixSocketsOld", kOldLandlock, false, false, true, 1},
                      Case{"All", kLandlockNewest, true, true, true, 9},
                      Case{"AllOld", kOldLandlock, true, true, true, 9}),
    [](const ::testing::TestParamInfo<Case>& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace dcp::os
