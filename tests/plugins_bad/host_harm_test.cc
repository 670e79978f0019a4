// SPDX-License-Identifier: Apache-2.0
//
// Plugins that harm the process they run in. In a worker that is all they harm: this process stays
// as it was, and the good plugin goes on serving, which the fixture asks at each test's end.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <clocale>
#include <filesystem>
#include <fstream>

#include "host/elf.h"
#include "host/elf_builder.h"
#include "host_fixture.h"

namespace dcp::host {
namespace {

namespace fs = std::filesystem;

using ::testing::AnyOf;
using ::testing::HasSubstr;

class HostHarmTest : public HostFixture {
 protected:
  void SetUp() override {
    settings_.hang_grace_ms = 50;
    settings_.ping_timeout_ms = 2'000;
  }
  static CallOptions Within(int64_t milliseconds) {
    CallOptions options;
    options.deadline = SystemClock().Steady() + milliseconds;
    return options;
  }
  /// A call that came while the old worker died is made again, as the graph does.
  void ExpectServesAgain() {
    for (int i = 0; i < 20; ++i) {
      const Status status = BadStatus("Describe", Within(20'000));
      if (status.ok()) return;
      ASSERT_THAT(status.code(), AnyOf(Code::kUnavailable, Code::kDeadlineExceeded))
          << status.ToString();
    }
    FAIL() << "it does not serve again";
  }
  static size_t ResidentBytes() {
    std::ifstream file("/proc/self/statm");
    size_t pages = 0;
    file >> pages >> pages;
    return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  }
  static size_t OpenFiles() {
    return static_cast<size_t>(std::distance(fs::directory_iterator("/proc/self/fd"), {}));
  }
};

// The thread sanitizer's longjmp() checks where a jump leads before it jumps, and ends the worker
// itself with a report: of the plugin's fault, not of a race. Every other build has the test.
#ifndef __SANITIZE_THREAD__
TEST_F(HostHarmTest, AJumpOutOfACallEndsTheWorkerAlone) {
  Start("longjmps");
  const Code code = BadStatus("Compile", Within(1'000)).code();
  // What such a jump does is undefined; with another layout of the stack it comes out of invoke()
  // with the jump's own 1.
#ifdef __SANITIZE_ADDRESS__
  EXPECT_THAT(code, AnyOf(Code::kUnavailable, Code::kDeadlineExceeded, Code::kCancelled));
#else
  EXPECT_THAT(code, AnyOf(Code::kUnavailable, Code::kDeadlineExceeded));
#endif
  ExpectServesAgain();
}
#endif

TEST_F(HostHarmTest, WhatAPluginForkedEndsWithItsWorker) {
  settings_.instances.resize(2);
  settings_.instances[1].sandbox.processes = true;  // else the fork is refused
  Start("forks");
  const auto reply = Bad("Compile");
  ASSERT_TRUE(reply.ok()) << reply.status().ToString();
  const std::string child = Json::parse(*reply)["report"]["kind"];
  ASSERT_TRUE(fs::exists("/proc/" + child));
  host_.reset();
  std::ifstream stat("/proc/" + child + "/stat");
  std::string line;
  std::getline(stat, line);
  // Gone, or dead and not yet reaped by whoever inherited it.
  EXPECT_TRUE(line.empty() || line.find(") Z ") != std::string::npos) << line;
  Start("forks");
}

TEST_F(HostHarmTest, ClosedDescriptorsEndTheWorkerAlone) {
  Start("closes_files");
  const size_t before = OpenFiles();
  EXPECT_EQ(BadStatus("Compile", Within(20'000)).code(), Code::kUnavailable);
  ExpectServesAgain();
  EXPECT_EQ(StateOf("bad").restarts, 1);
  EXPECT_EQ(OpenFiles(), before);
}

TEST_F(HostHarmTest, LeaksAreTheWorkersOwn) {
  Start("leaks");
  const size_t before = ResidentBytes();
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(Bad("Compile").ok());
  EXPECT_LT(ResidentBytes(), before + (size_t{32} << 20));
  ExpectDescribes("Base");
}

TEST_F(HostHarmTest, ADeadlockCostsTheWorkerItsLife) {
  Start("deadlocks");
  EXPECT_EQ(BadStatus("Compile", Within(50)).code(), Code::kDeadlineExceeded);
  ExpectServesAgain();
  EXPECT_EQ(StateOf("bad").restarts, 1);
}

TEST_F(HostHarmTest, WhoeverCallsAfterDestroyEndsWithTheWorker) {
  for (int i = 0; i < 2; ++i) {
    Start("calls_late");
    ExpectDescribes("Base");
    host_.reset();
  }
  Start("calls_late");
}

TEST_F(HostHarmTest, AGigabyteOfEventsDoesNotGatherInTheHost) {
  Start("emits_gigabyte");
  const size_t before = ResidentBytes();
  const Status status = BadStatus("Compile", Within(30'000));
  EXPECT_LT(ResidentBytes(), before + (size_t{256} << 20)) << status.ToString();
  ExpectServesAgain();
}

TEST_F(HostHarmTest, CrashesAtTheEndHarmNobody) {
  for (const char* plugin : {"crash_destroy", "crash_unload"}) {
    settings_.instances.clear();
    Start(plugin);
    ExpectDescribes("Base");
    host_.reset();
    Start(plugin);
    ExpectDescribes("Base");
  }
}

TEST_F(HostHarmTest, WhatAProcessHasOneOfStaysAsItWas) {
  Start("changes_process");
  const fs::path folder = fs::current_path();
  const std::string locale = setlocale(LC_ALL, nullptr);
  const mode_t mask = umask(022);
  umask(mask);
  ASSERT_TRUE(Bad("Compile").ok());
  EXPECT_EQ(fs::current_path(), folder);
  EXPECT_EQ(setlocale(LC_ALL, nullptr), locale);
  const mode_t now = umask(mask);
  EXPECT_EQ(now, mask);
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  EXPECT_EQ(sigismember(&blocked, SIGTERM), 0);
  ExpectDescribes("Base");
  // It ignores SIGTERM now; it is ended all the same.
  const auto pid = static_cast<pid_t>(StateOf("bad").pid);
  host_.reset();
  EXPECT_EQ(kill(pid, 0), -1);
  Start("changes_process");
}

// One whose section says another thing than its code is wrong_descriptor's business.
TEST_F(HostHarmTest, TamperedAndOversizedFiles) {
  const fs::path folder =
      fs::path(::testing::TempDir()) / ("dcp_tampered_" + std::to_string(getpid()));
  fs::create_directories(folder);
  std::ifstream in(std::string(TEST_PLUGINS) + "/waits.so", std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  ASSERT_GT(whole.size(), 3000U);
  std::vector<std::string> files;
  for (size_t third = 0; third < 3; ++third) {
    std::string damaged = whole;
    damaged.replace(third * whole.size() / 3, whole.size() / 3, whole.size() / 3, '\xCC');
    files.push_back(damaged);
  }
  ElfBuilder builder;
  builder.exported = {"dcp_plugin_v1"};
  builder.manifest = std::string(kManifestBytesMax + 1, ' ');
  files.push_back(builder.Build());
  for (size_t i = 0; i < files.size(); ++i) {
    std::ofstream(folder / "waits.so", std::ios::binary) << files[i];
    fs::copy_file(std::string(TEST_PLUGINS) + "/echo.so", folder / "echo.so",
                  fs::copy_options::overwrite_existing);
    settings_.directories = {folder.string()};
    Start("waits");
    // Refused with a reason, or dead in its worker; never served as if it were whole.
    EXPECT_NE(BadStatus("Describe", Within(20'000)).code(), Code::kOk) << "file " << i;
    const auto good = host_->Call({"resource", "good", "", "", ""}, "Describe", "{}", {});
    EXPECT_TRUE(good.ok()) << "file " << i << ": " << good.status().ToString();
    if (i + 1 == files.size()) {
      EXPECT_THAT(StateOf("bad").detail, HasSubstr("the limit is 1048576"));
    }
    host_.reset();
  }
  fs::remove_all(folder);
  settings_ = {};
  Start("waits");
}

}  // namespace
}  // namespace dcp::host
