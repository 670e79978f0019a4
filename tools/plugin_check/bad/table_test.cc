// SPDX-License-Identifier: Apache-2.0
//
// The checker against plugins with one fault each: it must find that fault, and no other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>

#include "checker.h"
#include "host/in_process_rules.h"
#include "plugin_check/check.h"

namespace dcp::plugin_check {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

/// Checks that a good plugin of this kind has no use for.
const std::set<std::string> kNeverRun = {"parallel-honest"};

class TableTest : public ::testing::TestWithParam<const Check*> {
 protected:
  void TearDown() override {
    // What worker_crash leaves, as its fault is.
    for (const auto& entry : std::filesystem::directory_iterator("/tmp")) {
      if (entry.path().filename().string().starts_with("plugin_check_bad_")) {
        std::filesystem::remove(entry.path());
      }
    }
  }
};

TEST_P(TableTest, OneFaultFailsOneCheck) {
  const std::string name(GetParam()->name);
  std::string file = name;
  std::replace(file.begin(), file.end(), '-', '_');
  const std::string path = std::string(TEST_PLUGINS) + "/" + file + ".so";
  ASSERT_TRUE(std::filesystem::exists(path)) << "a check without a plugin that fails it: " << path;
  const Report report = RunChecker(path, {"--level", std::to_string(GetParam()->level), "--timeout",
                                          name == "complete-always" ? "6" : "15"});
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_THAT(report.failed, ElementsAre(name)) << report.text;
  EXPECT_THAT(report.waived, IsEmpty());
  // Whatever was not run says that it could not be, because of this one.
  for (const auto& [check, why] : report.not_run) {
    const Check* blocked = FindCheck(check);
    ASSERT_NE(blocked, nullptr);
    const auto needs = Needs(*blocked);
    const bool needed = std::any_of(needs.begin(), needs.end(), [&](const std::string& need) {
      return need == name || report.not_run.contains(need);
    });
    const bool mute = name == "complete-always" && why.find("never completed") != std::string::npos;
    const bool no_file = name == "elf-kind" || name == "manifest-present";
    const bool no_examples = name == "manifest-schema" && check == "schema-examples";
    // Its only calls that fail are those that it throws out of, which counts as not taken.
    const bool thrown = name == "unwind-none" && check == "error-decodes";
    EXPECT_TRUE(needed || mute || no_file || no_examples || thrown || kNeverRun.contains(check))
        << check << ": " << why;
  }
}

std::vector<const Check*> Pointers() {
  std::vector<const Check*> checks;
  for (const Check& check : AllChecks()) checks.push_back(&check);
  return checks;
}

INSTANTIATE_TEST_SUITE_P(AllChecks, TableTest, ::testing::ValuesIn(Pointers()),
                         [](const ::testing::TestParamInfo<const Check*>& tested) {
                           std::string name(tested.param->name);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(CheckerTest, AGoodPluginInCPassesEverything) {
  const Report report = RunChecker(std::string(TEST_PLUGINS) + "/good.so", {"--level", "3"});
  EXPECT_EQ(report.exit_code, 0);
  EXPECT_THAT(report.failed, IsEmpty()) << report.text;
  ASSERT_EQ(report.not_run.size(), 1U) << report.text;
  EXPECT_TRUE(report.not_run.contains("parallel-honest"));
  EXPECT_EQ(report.passed + 1, AllChecks().size());
}

TEST(CheckerTest, WhatAManagedRuntimeCannotMeetIsWaivedByName) {
  const Report report = RunChecker(std::string(TEST_PLUGINS) + "/managed.so", {"--level", "3"});
  EXPECT_EQ(report.exit_code, 0) << report.text;
  EXPECT_THAT(report.waived, UnorderedElementsAre("elf-exports", "in-process-ready", "load-threads",
                                                  "load-files", "load-process", "load-twice",
                                                  "destroy-threads", "instance-process"));
  EXPECT_THAT(report.text, HasSubstr("8 waived"));
}

TEST(CheckerTest, ADefaultThatTheSchemaRefusesMisleadsPeople) {
  const Report report =
      RunChecker(std::string(TEST_PLUGINS) + "/schema_default.so", {"--include", "schema"});
  EXPECT_THAT(report.failed, ElementsAre("manifest-schema"));
  EXPECT_THAT(report.text, HasSubstr("`properties.a`: its default does not satisfy the schema"));
}

TEST(CheckerTest, DescribesAConfigurationAndRunsNothing) {
  const Output output =
      RunProgram({"--describe", std::string(TEST_PLUGINS) + "/schema_default.so"});
  EXPECT_EQ(output.exit_code, 0);
  EXPECT_THAT(output.text, HasSubstr("plugin schema_default 1.0.0\n"));
  EXPECT_THAT(output.text, HasSubstr("  a: whole number, default \"x\"\n"));
  EXPECT_EQ(RunProgram({"--describe", "/nowhere.so"}).exit_code, 2);
}

TEST(CheckerTest, AManagedRuntimeIsForWorkersAlone) {
  const Status status =
      host::CheckInProcess(std::string(TEST_PLUGINS) + "/managed.so", "managed.so");
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("\"language_runtime\": \"managed\""));
  EXPECT_EQ(status.hint(), "use isolation: worker");
  EXPECT_TRUE(host::CheckInProcess(std::string(TEST_PLUGINS) + "/good.so", "good.so").ok());
}

TEST(CheckerTest, ACrashSaysWhereItHappened) {
  const Report report =
      RunChecker(std::string(TEST_PLUGINS) + "/request_empty.so", {"--include", "request-empty"});
  EXPECT_THAT(report.text, HasSubstr("signal 11"));
  EXPECT_THAT(report.text, HasSubstr("in invoke() of \"Compile\" with 0 bytes (none at all)"));
}

TEST(CheckerTest, ACheckThatDoesNotEndHasFailed) {
  const Report report = RunChecker(std::string(TEST_HOST_PLUGINS) + "/spins.so",
                                   {"--include", "complete-once", "--timeout", "1"});
  EXPECT_THAT(report.failed, ElementsAre("complete-once"));
  EXPECT_THAT(report.text, HasSubstr("it did not end within 1000 ms, in invoke()"));
}

TEST(CheckerTest, IncludeExcludeAndLevelChoose) {
  const std::string good = std::string(TEST_PLUGINS) + "/good.so";
  EXPECT_EQ(RunChecker(good, {"--include", "^elf-", "--exclude", "elf-(kind|entry)"}).passed, 9U);
  EXPECT_EQ(RunChecker(good, {"--include", "relro|nodelete", "--level", "3"}).passed, 2U);
}

TEST(CheckerTest, MistakesOfUseAreTwo) {
  const std::string good = std::string(TEST_PLUGINS) + "/good.so";
  const struct {
    std::vector<std::string> arguments;
    const char* words;
  } cases[] = {
      {{"/nowhere.so"}, "/nowhere.so is not there"},
      {{good, "--include", "("}, "is no regular expression"},
      {{good, "--include", "nothing-like-it"}, "no check is left"},
      {{good, "--level", "4"}, "--level is 1, 2 or 3"},
      {{good, "--call", "Analyze"}, "is not METHOD=FILE"},
      {{good, "--call", "Analyze=/nowhere.json"}, "/nowhere.json"},
      {{good, "--colour"}, "--colour"},
      {{}, "the path of a plugin is needed"},
  };
  for (const auto& c : cases) {
    const Output output = RunProgram(c.arguments);
    EXPECT_EQ(output.exit_code, 2) << c.words;
    EXPECT_THAT(output.text, HasSubstr(c.words));
  }
  EXPECT_EQ(RunProgram({"--help"}).exit_code, 0);
  EXPECT_THAT(RunProgram({"--list"}).text, HasSubstr("cancel-late"));
}

TEST(CheckerTest, InOneProcessForADebugger) {
  const Output output = RunProgram({std::string(TEST_PLUGINS) + "/log_level.so", "--in-process",
                                    "--include", "log-level|text-utf8"});
  EXPECT_EQ(output.exit_code, 1);
  EXPECT_THAT(output.text, HasSubstr("text-utf8\n  passed"));
  EXPECT_THAT(output.text, HasSubstr("log-level\n  FAILED: log() was given the level 42"));
}

}  // namespace
}  // namespace dcp::plugin_check
