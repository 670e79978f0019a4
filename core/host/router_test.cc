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
  settings.routes["test_backend"].named = {{"", "shared"}, {"fast", "shared"}};
  settings.routes["run_backend"].named = {{"local", "local"}};
  return settings;
}

TEST(RouterTest, FindsTheInstance) {
  const Router router(Sample().routes);
  EXPECT_EQ(*router.Resolve({"test_backend", "", "", "", ""}), "shared");
  EXPECT_EQ(*router.Resolve({"test_backend", "fast", "", "", ""}), "shared");
  EXPECT_EQ(*router.Resolve({"run_backend", "local", "", "", ""}), "local");
}

TEST(RouterTest, NeverFallsBackAndSaysWhatThereIs) {
  const Router router(Sample().routes);
  Status status = router.Resolve({"test_backend", "fasst", "", "", ""}).status();
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_EQ(status.message(), "no route \"fasst\" for test_backend; configured: (default), fast");
  EXPECT_EQ(status.hint(), "did you mean \"fast\"?");
  status = router.Resolve({"run_backend", "", "", "", ""}).status();
  EXPECT_EQ(status.message(), "no default route for run_backend; configured: local");
  status = router.Resolve({"run_backends", "", "", "", ""}).status();
  EXPECT_THAT(status.message(), AllOf(HasSubstr("capability \"run_backends\""),
                                      HasSubstr("run_backend, test_backend")));
  EXPECT_EQ(status.hint(), "did you mean \"run_backend\"?");
}

TEST(RouterTest, TheFirstRuleThatHoldsWinsOverTheDefaultButNotOverANamedRoute) {
  Settings settings = Sample();
  settings.routes["test_backend"].rules = {{"fin-*", "", "", "local"},
                                           {"", "finance", "staging", "batch"},
                                           {"*", "finance", "", "other"}};
  const Router router(settings.routes);
  EXPECT_EQ(*router.Resolve({"test_backend", "", "fin-1", "finance", "staging"}), "local");
  EXPECT_EQ(*router.Resolve({"test_backend", "", "x", "finance", "staging"}), "batch");
  EXPECT_EQ(*router.Resolve({"test_backend", "", "x", "finance", "dev"}), "other");
  EXPECT_EQ(*router.Resolve({"test_backend", "", "x", "ops", "staging"}), "shared");
  EXPECT_EQ(*router.Resolve({"test_backend", "fast", "fin-1", "finance", "dev"}), "shared");
  EXPECT_EQ(router.Resolve({"run_backend", "", "fin-1", "finance", "dev"}).status().code(),
            Code::kNotFound);
}

TEST(RouterTest, RulesAloneMayHoldForNobody) {
  Settings settings = Sample();
  settings.routes["resource"].rules = {{"fin-*", "", "", "local"}};
  const Router router(settings.routes);
  EXPECT_EQ(*router.Resolve({"resource", "", "fin-", "", ""}), "local");
  const Status status = router.Resolve({"resource", "", "ops", "", ""}).status();
  EXPECT_EQ(status.message(), "no default route for resource, and no rule holds; configured: none");
}

TEST(RouterTest, AStarStandsForAnyText) {
  const struct {
    const char* pattern;
    const char* text;
    bool matches;
  } cases[] = {
      {"", "", true},
      {"", "a", false},
      {"*", "", true},
      {"*", "abc", true},
      {"fin-*", "fin-", true},
      {"fin-*", "fin-12", true},
      {"fin-*", "fin", false},
      {"*-x", "a-x-x", true},
      {"a*b*c", "a-b-b-c", true},
      {"a*b*c", "a-c-b", false},
      {"f?n", "fin", false},
      {"[f]in", "fin", false},
      {"**", "x", true},
      {"ab", "abc", false},
  };
  for (const auto& c : cases) EXPECT_EQ(Matches(c.pattern, c.text), c.matches) << c.pattern;
  // A hostile pattern costs the product of both lengths at most.
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  EXPECT_FALSE(Matches(pattern + "b", std::string(2000, 'a')));
}

TEST(RouterTest, DifferencesAreNamed) {
  const Settings before = Sample();
  Settings after = before;
  EXPECT_TRUE(Differences(before.routes, after.routes).empty());
  after.routes["test_backend"].named[""] = "local";
  after.routes["test_backend"].named.erase("fast");
  after.routes["resource"].rules = {{"fin-*", "", "", "local"}};
  EXPECT_THAT(
      Differences(before.routes, after.routes),
      ::testing::ElementsAre("resource: rules 0 -> 1", "test_backend: default shared -> local",
                             "test_backend: fast shared -> (none)"));
}

TEST(SettingsTest, TheLimitOfRulesHolds) {
  Settings settings = Sample();
  settings.routes["test_backend"].rules.resize(kRouteRulesMax, {"fin-*", "", "", "local"});
  EXPECT_TRUE(CheckSettings(settings).ok());
  settings.routes["test_backend"].rules.push_back({"fin-*", "", "", "local"});
  EXPECT_THAT(CheckSettings(settings).message(), HasSubstr("1001 route rules, the limit is 1000"));
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
      {[](Settings& s) { s.instances[0].isolation = "in_process"; }, "needs a folder"},
      {[](Settings& s) {
         s.instances[0].isolation = "in_process";
         s.instances[0].env = {{"A", "B"}};
       },
       "gives no environment of its own"},
      {[](Settings& s) { s.instances[0].isolation = "none"; }, "isolation \"none\" is not known"},
      {[](Settings& s) { s.routes["resource"].named[""] = "locl"; },
       "the default route of resource leads to the plugin instance \"locl\""},
      {[](Settings& s) {
         s.routes["test_backend"].rules = {{"fin-*", "", "", "locl"}};
       },
       "route rule 1 of test_backend leads to the plugin instance \"locl\""},
      {[](Settings& s) {
         s.routes["test_backend"].rules = {{"", "", "", "local"}};
       },
       "route rule 1 of test_backend has no condition"},
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
