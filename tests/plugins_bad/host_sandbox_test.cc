// SPDX-License-Identifier: Apache-2.0
//
// What a plugin can reach from its worker, with and without the sandbox.
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "host_fixture.h"
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

/// The leak sanitizer looks at its own process with ptrace(), so that stays allowed under it.
#ifdef __SANITIZE_ADDRESS__
constexpr char kTraceRefused[] = "ESRCH";
#else
constexpr char kTraceRefused[] = "EPERM";
#endif

TEST_F(HostSandboxTest, KeepsAPluginFromWhatIsNotItsBusiness) {
  Own().limits = {int64_t{512} << 20, 100};
  const auto tried = Tried();
  for (const char* what : {"read_secret", "write_tmp"}) EXPECT_EQ(tried.at(what), "EACCES") << what;
  for (const char* what :
       {"connect", "unix_socket", "fork", "exec", "signal_parent", "namespace", "keys", "bpf"}) {
    EXPECT_EQ(tried.at(what), "EPERM") << what;
  }
  EXPECT_EQ(tried.at("trace"), kTraceRefused);
  EXPECT_EQ(tried.at("files"), "100");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they map all there is
  EXPECT_EQ(tried.at("memory"), "ENOMEM");
#endif
}

TEST_F(HostSandboxTest, LeavesWhatEveryPluginNeeds) {
  const auto tried = Tried();
  for (const char* what : {"read_library", "signal_self", "memory"}) {
    EXPECT_EQ(tried.at(what), "ok") << what;
  }
}

TEST_F(HostSandboxTest, GivesWhatTheConfigurationGrants) {
  Own().sandbox.network = true;
  Own().sandbox.processes = true;
  Own().sandbox.unix_sockets = true;
  Own().sandbox.read = {folder_.string()};
  Own().sandbox.write = {"/tmp"};
  const auto tried = Tried();
  for (const char* what : {"read_secret", "write_tmp", "connect", "unix_socket", "fork"}) {
    EXPECT_EQ(tried.at(what), "ok") << what;
  }
  EXPECT_EQ(tried.at("exec"), "ENOENT");
  for (const char* what : {"namespace", "keys", "bpf"}) {
    EXPECT_EQ(tried.at(what), "EPERM") << what;
  }
  EXPECT_EQ(tried.at("trace"), kTraceRefused);
}

TEST_F(HostSandboxTest, CanBeSwitchedOff) {
  Own().sandboxed = false;
  const auto tried = Tried();
  for (const char* what : {"read_secret", "write_tmp", "connect", "fork", "signal_parent"}) {
    EXPECT_EQ(tried.at(what), "ok") << what;
  }
  EXPECT_EQ(tried.at("trace"), "ESRCH");
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
