// SPDX-License-Identifier: Apache-2.0
//
// Routes, the settings behind them, and the back-off of restarts.
#include "host/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/instance.h"

namespace dcp::host {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Settings Sample() {
  Settings settings;
  settings.worker_program = "/w";
  settings.instances.resize(2);
  settings.instances[0].id = "shared";
  settings.instances[0].plugin = "spark_connect";
  settings.instances[1].id = "local";
  settings.instances[1].plugin = "spark_runner";
  settings.routes = {{"test_backend", {{"", "shared"}, {"fast", "shared"}}},
                     {"run_backend", {{"local", "local"}}}};
  return settings;
}

TEST(RouterTest, FindsTheInstance) {
  const Router router(Sample().routes);
  EXPECT_EQ(*router.Resolve("test_backend", ""), "shared");
  EXPECT_EQ(*router.Resolve("test_backend", "fast"), "shared");
  EXPECT_EQ(*router.Resolve("run_backend", "local"), "local");
}

TEST(RouterTest, NeverFallsBackAndSaysWhatThereIs) {
  const Router router(Sample().routes);
  Status status = router.Resolve("test_backend", "fasst").status();
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_EQ(status.message(), "no route \"fasst\" for test_backend; configured: (default), fast");
  EXPECT_EQ(status.hint(), "did you mean \"fast\"?");
  status = router.Resolve("run_backend", "").status();
  EXPECT_EQ(status.message(), "no default route for run_backend; configured: local");
  status = router.Resolve("run_backends", "").status();
  EXPECT_THAT(status.message(), AllOf(HasSubstr("capability \"run_backends\""),
                                      HasSubstr("run_backend, test_backend")));
  EXPECT_EQ(status.hint(), "did you mean \"run_backend\"?");
}

TEST(SettingsTest, SenselessOnesAreRefused) {
  EXPECT_TRUE(CheckSettings(Sample()).ok());
  const struct {
    void (*spoil)(Settings&);
    const char* reason;
  } cases[] = {
      {[](Settings& s) { s.instances[1].id = "shared"; }, "\"shared\" is configured twice"},
      {[](Settings& s) { s.instances[1].id = ""; }, "has no id"},
      {[](Settings& s) { s.instances[1].plugin = ""; }, "\"local\" names no plugin"},
      {[](Settings& s) { s.instances[0].isolation = "in_process"; }, "not supported yet"},
      {[](Settings& s) { s.instances[0].isolation = "none"; }, "isolation \"none\" is not known"},
      {[](Settings& s) { s.routes["resource"][""] = "locl"; },
       "the default route of resource leads to the plugin instance \"locl\""},
      {[](Settings& s) { s.worker_program = ""; }, "no path of dcp-plugin-worker"},
  };
  for (const auto& c : cases) {
    Settings settings = Sample();
    c.spoil(settings);
    const Status status = CheckSettings(settings);
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << c.reason;
    EXPECT_THAT(status.message(), HasSubstr(c.reason));
    EXPECT_EQ(Host::Start(settings).status(), status);
  }
}

TEST(BackOffTest, DoublesUpToItsLimit) {
  EXPECT_EQ(BackOffMs(1), kBackOffFirstMs);
  EXPECT_EQ(BackOffMs(2), 2 * kBackOffFirstMs);
  EXPECT_EQ(BackOffMs(1000), kBackOffMaxMs);
}

}  // namespace
}  // namespace dcp::host
