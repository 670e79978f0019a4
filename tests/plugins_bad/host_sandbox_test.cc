// SPDX-License-Identifier: Apache-2.0
//
// What a plugin can reach from its worker, with and without the sandbox.
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "host_fixture.h"
#include "os/landlock.h"
#include "os/sandbox.h"

namespace dcp::host {
namespace {

class HostSandboxTest : public HostFixture {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("dcp_sandbox_" + std::to_string(getpid()));
    std::filesystem::create_directory(folder_);
    std::ofstream(folder_ / "secret") << "the daemon's";
    settings_.instances.resize(2);
  }
  void TearDown() override {
    HostFixture::TearDown();
    std::filesystem::remove_all(folder_);
  }
  InstanceSettings& Own() { return settings_.instances[1]; }

  /// What came of each try.
  std::map<std::string, std::string> Tried() {
    Start("reaches_out", Json{{"secret", (folder_ / "secret").string()}}.dump());
    const auto reply = Bad("Describe");
    EXPECT_TRUE(reply.ok()) << reply.status().ToString();
    std::map<std::string, std::string> tried;
    if (!reply.ok()) return tried;
    const Json kinds = Json::parse(*reply)["kinds"];
    for (const std::string line : kinds) {
      tried[line.substr(0, line.find('='))] = line.substr(line.find('=') + 1);
    }
    return tried;
  }

  std::filesystem::path folder_;
};

/// The same on this kernel and on Debian 12's.
class HostSandboxKernelTest : public HostSandboxTest,
                              public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    HostSandboxTest::SetUp();
    settings_.worker_program = GetParam();
  }
};
INSTANTIATE_TEST_SUITE_P(, HostSandboxKernelTest, ::testing::Values(TEST_WORKER, TEST_OLD_WORKER),
                         [](const ::testing::TestParamInfo<const char*>& each) {
                           return each.index == 0 ? "AsFound" : "Landlock2";
                         });

/// The leak sanitizer looks at its own process with ptrace(), so that stays allowed under it.
#ifdef __SANITIZE_ADDRESS__
constexpr char kTraceRefused[] = "ESRCH";
#else
constexpr char kTraceRefused[] = "EPERM";
#endif

TEST_P(HostSandboxKernelTest, KeepsAPluginFromWhatIsNotItsBusiness) {
  Own().limits = {int64_t{512} << 20, 100};
  const auto tried = Tried();
  for (const char* what : {"read_secret", "write_tmp"}) EXPECT_EQ(tried.at(what), "EACCES") << what;
  auto refused = tried;
#ifdef __SANITIZE_ADDRESS__  // and with kill() and prctl()
  for (const char* what : {"signal_parent", "outlive_parent"}) refused[what] = "EPERM";
#endif
  for (const char* what : {"connect",
                           "unix_socket",
                           "fork",
                           "exec",
                           "signal_parent",
                           "namespace",
                           "keys",
                           "bpf",
                           "chmod",
                           "times",
                           "limit_parent",
                           "move_parent",
                           "kernel_signals",
                           "outlive_parent",
                           "watch",
                           "datagrams",
                           "open_for_nothing",
                           "listen",
                           "listen_at_a_port",
                           "share_port"}) {
    EXPECT_EQ(refused.at(what), "EPERM") << what;
  }
  EXPECT_EQ(tried.at("trace"), kTraceRefused);
  EXPECT_NE(tried.at("truncate"), "ok");
  EXPECT_EQ(std::filesystem::file_size(folder_ / "secret"), 12U);
  EXPECT_EQ(tried.at("files"), "100");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // their memory is not limited
  EXPECT_EQ(tried.at("raise_stack"), "EPERM");
#endif
  EXPECT_EQ(StateOf("bad").unconfined, "");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they map all there is
  EXPECT_EQ(tried.at("memory"), "ENOMEM");
  for (const char* what : {"shared_memory", "memory_file"}) EXPECT_EQ(tried.at(what), "EPERM");
#endif
}

TEST_P(HostSandboxKernelTest, LeavesWhatEveryPluginNeeds) {
  const auto tried = Tried();
  for (const char* what : {"read_library", "signal_self", "memory", "shared_memory", "streams"}) {
    EXPECT_EQ(tried.at(what), "ok") << what;
  }
}

TEST_P(HostSandboxKernelTest, ANetworkIsToConnectAndListeningIsGrantedByPort) {
  Own().sandbox.network = true;
  const auto tried = Tried();
  EXPECT_EQ(tried.at("connect"), "ok");
  for (const char* what : {"listen", "share_port"}) EXPECT_EQ(tried.at(what), "EPERM") << what;
  EXPECT_EQ(StateOf("bad").unconfined, "");
}

TEST_P(HostSandboxKernelTest, ListensWhereItIsGrantedAndBesideNobody) {
  Own().sandbox.network = true;
  Own().sandbox.listen = {0};
  const auto tried = Tried();
  EXPECT_EQ(tried.at("listen"), "ok");
  EXPECT_EQ(tried.at("share_port"), "EPERM");
  const bool old =
      std::string(GetParam()) == TEST_OLD_WORKER || os::LandlockVersion() < os::kLandlockPorts;
  const std::string unconfined = StateOf("bad").unconfined;
  EXPECT_EQ(unconfined.find("it can listen on a TCP port that is not listed") != unconfined.npos,
            old)
      << unconfined;
  EXPECT_TRUE(old || tried.at("listen_at_a_port") == "EACCES") << tried.at("listen_at_a_port");
}

TEST_P(HostSandboxKernelTest, GivesWhatTheConfigurationGrants) {
  Own().sandbox.network = true;
  Own().sandbox.processes = true;
  Own().sandbox.unix_sockets = true;
  Own().sandbox.attributes = true;
  Own().sandbox.read = {folder_.string()};
  Own().sandbox.write = {"/tmp"};
  const auto tried = Tried();
  for (const char* what :
       {"read_secret", "write_tmp", "connect", "unix_socket", "fork", "chmod", "times"}) {
    EXPECT_EQ(tried.at(what), "ok") << what;
  }
  EXPECT_EQ(tried.at("exec"), "ENOENT");
  for (const char* what : {"namespace", "keys", "bpf", "limit_parent", "move_parent",
                           "kernel_signals", "watch", "datagrams"}) {
    EXPECT_EQ(tried.at(what), "EPERM") << what;
  }
  EXPECT_EQ(tried.at("trace"), kTraceRefused);
  // What the old kernel cannot give is said.
  const bool old =
      std::string(GetParam()) == TEST_OLD_WORKER || os::LandlockVersion() < os::kLandlockScope;
  const std::string unconfined = StateOf("bad").unconfined;
  EXPECT_TRUE(old ? unconfined.find("it can signal other processes") != unconfined.npos
                  : unconfined.empty())
      << unconfined;
}

TEST_F(HostSandboxTest, CanBeSwitchedOff) {
  Own().sandboxed = false;
  const auto tried = Tried();
  for (const char* what : {"read_secret", "write_tmp", "connect", "fork", "signal_parent", "chmod",
                           "limit_parent", "move_parent", "kernel_signals", "shared_memory"}) {
    EXPECT_EQ(tried.at(what), "ok") << what;
  }
  EXPECT_EQ(tried.at("trace"), "ESRCH");
  EXPECT_THAT(StateOf("bad").unconfined, ::testing::HasSubstr("not confined at all"));
}

TEST_F(HostSandboxTest, APathThatIsNotThereIsSaidAtTheStart) {
  Own().sandbox.read = {"/does/not/exist"};
  Start("reaches_out");
  ExpectFailed(Code::kNotFound, "the sandbox cannot allow /does/not/exist");
}

TEST_F(HostSandboxTest, ARequestThatKillsWorkersIsRefusedAndOthersAreNot) {
  settings_.deny_after = 2;
  Start("crash_invoke");
  for (int death = 0; death < 2; ++death) {
    EXPECT_EQ(BadStatus("Analyze").code(), Code::kUnavailable) << death;
  }
  const Status denied = BadStatus("Analyze");
  EXPECT_EQ(denied.code(), Code::kFailedPrecondition);
  EXPECT_THAT(denied.message(),
              ::testing::AllOf(::testing::HasSubstr("this very request of Analyze"),
                               ::testing::HasSubstr("2 workers died")));
  ExpectDescribes("Base");
  EXPECT_EQ(StateOf("bad").restarts, 2);
  // Who restarts it by hand wants to see it tried again, and the end that he asked for is not held
  // against what ran then.
  ASSERT_TRUE(host_->Restart("bad").ok());
  EXPECT_EQ(BadStatus("Analyze").code(), Code::kUnavailable);
}

TEST_F(HostSandboxTest, AnEndThatWasAskedForIsHeldAgainstNoRequest) {
  settings_.deny_after = 1;
  Start("waits");
  WaitingCall call(*host_);
  ASSERT_TRUE(host_->Restart("bad").ok());
  EXPECT_EQ(call.Join().code(), Code::kUnavailable);
  WaitingCall again(*host_);
  again.Cancel();
  EXPECT_EQ(again.Join().code(), Code::kCancelled);
}

}  // namespace
}  // namespace dcp::host
