// SPDX-License-Identifier: Apache-2.0
//
// Plugins that never come up: files that are none, tables that break the ABI, crashes at the start.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "host_fixture.h"

namespace dcp::host {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class HostStartFaultsTest : public HostFixture {};

TEST_F(HostStartFaultsTest, FilesThatAreNoPlugins) {
  const struct {
    const char* name;
    const char* reason;
  } cases[] = {
      {"no_entry", "does not export dcp_plugin_v1"},
      {"other_major", "is built for plugin ABI 2 (it exports dcp_plugin_v2), this host has ABI 1"},
      {"no_section", "has no section .dcp.manifest"},
  };
  for (const auto& c : cases) {
    settings_ = {};
    Start(c.name);
    const std::string path = std::string(TEST_PLUGINS) + "/" + c.name + ".so";
    ExpectFailed(Code::kFailedPrecondition, path + " ");
    ExpectFailed(Code::kFailedPrecondition, c.reason);
  }
}

TEST_F(HostStartFaultsTest, DamagedFiles) {
  namespace fs = std::filesystem;
  const fs::path folder =
      fs::path(::testing::TempDir()) / ("dcp_damaged_" + std::to_string(getpid()));
  fs::create_directories(folder);
  std::ifstream in(std::string(TEST_PLUGINS) + "/echo.so", std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  ASSERT_GT(whole.size(), 1000U);
  const auto write = [&](const char* name, const std::string& bytes) {
    std::ofstream(folder / name, std::ios::binary) << bytes;
  };
  write("a_text.so", "this is no shared object\n");
  write("b_empty.so", "");
  write("c_truncated.so", whole.substr(0, whole.size() / 2));
  std::string other = whole;
  other[18] = 0x28;  // e_machine: 32-bit ARM
  write("d_arm.so", other);
  other = whole;
  other[4] = 1;  // EI_CLASS: 32 bit
  write("e_narrow.so", other);
  settings_.directories = {"/nowhere/at/all", folder.string(), TEST_PLUGINS};
  Start("missing");
  ExpectFailed(Code::kFailedPrecondition, "no plugin \"missing\" in /nowhere/at/all, ");
  for (const char* reason :
       {"/nowhere/at/all: No such file", "a_text.so is not an ELF file",
        "b_empty.so is not an ELF file", "c_truncated.so is truncated or damaged",
        "d_arm.so is built for arm, this machine is", "e_narrow.so is not a 64-bit ELF file"}) {
    EXPECT_THAT(StateOf("bad").detail, HasSubstr(reason));
  }
  fs::remove_all(folder);
}

TEST_F(HostStartFaultsTest, TablesThatBreakTheAbi) {
  const struct {
    const char* name;
    Code code;
    const char* reason;
  } cases[] = {
      {"short_table", Code::kInvalidArgument, "bytes, ABI 1.0 needs"},
      {"null_slot", Code::kInvalidArgument, "no function in the required slot \"cancel\""},
      {"null_table", Code::kInvalidArgument, "returned no table"},
      {"wrong_descriptor", Code::kInvalidArgument, "descriptor differs"},
      {"newer_host", Code::kFailedPrecondition, "needs host ABI 1.7, this host has 1.1"},
      {"unresolved", Code::kInvalidArgument, "dcp_test_function_nobody_defines"},
      {"fails_silently", Code::kFailedPrecondition, "create() failed and gave no reason"},
      {"no_instance", Code::kInternal, "answered OK and made no instance"},
  };
  for (const auto& c : cases) {
    settings_ = {};
    Start(c.name);
    ExpectFailed(c.code, c.reason);
    EXPECT_EQ(StateOf("bad").restarts, 0) << c.name;  // trying again cannot help
  }
}

TEST_F(HostStartFaultsTest, ANewerTableIsNoFault) {
  Start("long_table");
  ExpectDescribes("Base");
}

TEST_F(HostStartFaultsTest, ARefusedConfigurationIsNamedAndNotShown) {
  Start("never_completes", "password=hunter2");
  ExpectFailed(Code::kInvalidArgument,
               "plugin never_completes (instance bad) refuses its configuration: the configuration "
               "is not an object");
  EXPECT_THAT(StateOf("bad").detail, Not(HasSubstr("hunter2")));
}

TEST_F(HostStartFaultsTest, ACrashWhileLoadingIsRetriedAndThenGivenUp) {
  Start("crash_constructor");
  EXPECT_THAT(StateOf("bad").state, ::testing::AnyOf("RESTARTING", "FAILED"));
  const Status status = BadStatus("Describe");
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("plugin crash_constructor (instance bad)"),
                                      HasSubstr("signal 4"), HasSubstr("while it started")));
  EXPECT_EQ(StateOf("bad").state, "FAILED");
  EXPECT_GT(StateOf("bad").restarts, 1);
}

TEST_F(HostStartFaultsTest, ACrashInCreateQuotesTheLastWords) {
  Start("crash_create");
  const Status status = BadStatus("Describe");
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("signal 6"));
  EXPECT_THAT(status.log_tail(), HasSubstr("about to give up"));
}

TEST_F(HostStartFaultsTest, AWorkerProgramThatIsMissingIsNamed) {
  Settings settings;
  settings.directories = {TEST_PLUGINS};
  settings.worker_program = "/nowhere/dcp-plugin-worker";
  settings.instances.resize(1);
  settings.instances[0].id = "good";
  settings.instances[0].plugin = "echo";
  settings.routes["resource"].named = {{"", "good"}};
  auto host = Host::Start(settings);
  ASSERT_TRUE(host.ok());
  const Status status = (*host)->Call({"resource", "", "", "", ""}, "Describe", "{}", {}).status();
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("/nowhere/dcp-plugin-worker"));
}

}  // namespace
}  // namespace dcp::host
