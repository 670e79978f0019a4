// SPDX-License-Identifier: Apache-2.0
#include "graph/run_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/limits.h"
#include "graph/limits.h"
#include "graph/status_json.h"

namespace dcp::graph {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

NodeSpec Spec(const std::string& id, std::vector<std::string> after = {}, bool always = false) {
  NodeSpec spec;
  spec.id = id;
  spec.capability = "resource";
  spec.method = "Continue";
  spec.after = std::move(after);
  spec.always = always;
  return spec;
}

RunState Graph(const std::vector<NodeSpec>& specs) {
  store::Run run;
  run.id = "r1";
  RunState state(run, {});
  const Status added = state.Add(specs, 0, 1);
  EXPECT_TRUE(added.ok()) << added.ToString();
  return state;
}

void Begin(RunState& state, const std::string& id) { state.MoveNode(id, store::kRunning, 2, ""); }
void Pass(RunState& state, const std::string& id, const std::string& response = "{}",
          WallMillis at = 3) {
  Begin(state, id);
  state.Succeed(id, response, at);
}
void Break(RunState& state, const std::string& id, WallMillis at = 3) {
  Begin(state, id);
  state.Fail(id, NotFound("no " + id), "", at);
}
std::string StateOf(const RunState& state, const std::string& id) { return state.Find(id)->state; }
std::string Report(const std::string& status) {
  return R"({"report":{"kind":"TestReport","status":")" + status + "\"}}";
}

TEST(RunStateTest, StartsWhatWaitsForNothing) {
  RunState state = Graph({Spec("c", {"a", "b"}), Spec("a"), Spec("b")});
  EXPECT_THAT(state.Ready(), ElementsAre("a", "b"));
  Pass(state, "a");
  EXPECT_THAT(state.Ready(), ElementsAre("b"));
  Pass(state, "b");
  EXPECT_THAT(state.Ready(), ElementsAre("c"));
  Pass(state, "c");
  EXPECT_TRUE(state.AllEnded());
}

TEST(RunStateTest, SkipsAllBehindAFailureButWhatAlwaysRuns) {
  RunState state = Graph({Spec("last", {"d", "b"}, true), Spec("a"), Spec("b", {"a"}),
                          Spec("c", {"b"}), Spec("d", {"c"})});
  Break(state, "a");
  state.SkipBlocked(4);
  for (const char* id : {"b", "c", "d"}) EXPECT_EQ(StateOf(state, id), store::kSkipped);
  EXPECT_THAT(state.Ready(), ElementsAre("last"));
  EXPECT_FALSE(state.AllEnded());
}

TEST(RunStateTest, WaitsWithSkippingUntilAllBeforeHaveEnded) {
  RunState state = Graph({Spec("a"), Spec("b"), Spec("c", {"a", "b"})});
  Break(state, "a");
  state.SkipBlocked(4);
  EXPECT_EQ(StateOf(state, "c"), store::kPending);
  Pass(state, "b");
  state.SkipBlocked(5);
  EXPECT_EQ(StateOf(state, "c"), store::kSkipped);
  EXPECT_EQ(state.Find("c")->finished_at, 5);
}

TEST(RunStateTest, EndsAsItsLastReportSays) {
  const std::vector<std::pair<std::string, std::string>> cases = {{"PASSED", store::kSucceeded},
                                                                  {"DRIFTED", store::kSucceeded},
                                                                  {"FAILED", store::kFailed},
                                                                  {"CANCELLED", store::kCancelled},
                                                                  {"UNCHANGED", store::kSucceeded}};
  for (const auto& [status, expected] : cases) {
    RunState state = Graph({Spec("a"), Spec("b")});
    Pass(state, "b", Report(status), 9);
    Pass(state, "a", Report("PASSED"), 8);
    state.Conclude(10);
    EXPECT_EQ(state.run().state, expected) << status;
    EXPECT_THAT(state.run().report_json, HasSubstr(status));
    EXPECT_EQ(state.run().finished_at, 10);
  }
}

TEST(RunStateTest, ReportsWinOverFailedNodes) {
  RunState state = Graph({Spec("a"), Spec("b", {"a"}, true)});
  Break(state, "a");
  Pass(state, "b", Report("PASSED"));
  state.Conclude(10);
  EXPECT_EQ(state.run().state, store::kSucceeded);
  EXPECT_EQ(state.run().error_json, "");
}

TEST(RunStateTest, WithoutAReportTheFirstFailureIsTheRuns) {
  RunState state = Graph({Spec("a"), Spec("b")});
  Break(state, "a", 7);
  Break(state, "b", 6);
  state.Conclude(10);
  EXPECT_EQ(state.run().state, store::kFailed);
  EXPECT_EQ(StatusFromJson(state.run().error_json), NotFound("no b"));
}

TEST(RunStateTest, WithoutReportOrFailureItSucceeds) {
  RunState state = Graph({Spec("a")});
  Pass(state, "a", "{\"tables\":2}");
  state.Conclude(10);
  EXPECT_EQ(state.run().state, store::kSucceeded);
}

TEST(RunStateTest, FailsWhenFilesAreNeeded) {
  RunState state = Graph({Spec("a")});
  Pass(state, "a");
  state.SetNeedsFiles(R"({"paths":["q.sql"]})");
  state.Conclude(10);
  EXPECT_EQ(state.run().state, store::kFailed);
  EXPECT_EQ(state.TakeChange().run->needs_files_json, R"({"paths":["q.sql"]})");
}

TEST(RunStateTest, CancelsWhatHasNotStarted) {
  RunState state = Graph({Spec("a"), Spec("b", {"a"}), Spec("z", {"b"}, true)});
  Begin(state, "a");
  state.RequestCancel(Cancelled("the run was cancelled: enough"), 5);
  EXPECT_EQ(StateOf(state, "a"), store::kRunning);
  EXPECT_EQ(StateOf(state, "b"), store::kCancelled);
  EXPECT_EQ(StateOf(state, "z"), store::kCancelled);
  state.CancelNode("a", 6, "the run was cancelled");
  EXPECT_TRUE(state.AllEnded());
  state.Conclude(7);
  EXPECT_EQ(state.run().state, store::kCancelled);
  EXPECT_THAT(state.run().error_json, HasSubstr("enough"));
}

TEST(RunStateTest, CountsAttempts) {
  RunState state = Graph({Spec("a")});
  Begin(state, "a");
  state.MoveNode("a", store::kPending, 3, "again");
  Begin(state, "a");
  EXPECT_EQ(state.Find("a")->attempt, 2);
  EXPECT_EQ(state.Find("a")->started_at, 2);
}

TEST(RunStateTest, TellsOnlyWhatChanged) {
  RunState state = Graph({Spec("a"), Spec("b")});
  EXPECT_EQ(state.TakeChange().nodes.size(), 2U);
  Begin(state, "b");
  const auto change = state.TakeChange();
  EXPECT_FALSE(change.run.has_value());
  ASSERT_EQ(change.nodes.size(), 1U);
  EXPECT_EQ(change.nodes[0].id, "b");
  ASSERT_EQ(change.transitions.size(), 1U);
  EXPECT_EQ(change.transitions[0].from, store::kPending);
  EXPECT_THAT(state.TakeChange().nodes, IsEmpty());
}

TEST(RunStateTest, TellsBodiesOnceAndOnlyWhereTheyAreNew) {
  NodeSpec spec = Spec("a");
  spec.request_json = R"({"sql":"long"})";
  RunState state = Graph({spec});
  EXPECT_EQ(state.TakeChange().nodes.at(0).request_json, spec.request_json);
  Begin(state, "a");
  EXPECT_EQ(state.TakeChange().nodes.at(0).request_json, "");
  state.Succeed("a", Report("SUCCEEDED"), 3);
  EXPECT_EQ(state.TakeChange().nodes.at(0).response_json, Report("SUCCEEDED"));
  state.Conclude(4);
  EXPECT_NE(state.TakeChange().run->report_json, "");
  EXPECT_EQ(state.Find("a")->request_json, spec.request_json) << "it stays in memory";
}

TEST(RunStateTest, AnswersEachReadyNodeOnce) {
  RunState state = Graph({Spec("c", {"a", "b"}), Spec("a"), Spec("b")});
  EXPECT_THAT(state.TakeReady(), ElementsAre("a", "b"));
  EXPECT_THAT(state.TakeReady(), IsEmpty());
  Pass(state, "a");
  EXPECT_THAT(state.TakeReady(), IsEmpty());
  Begin(state, "b");
  state.MoveNode("b", store::kPending, 3, "again");
  EXPECT_THAT(state.TakeReady(), ElementsAre("b"));
  Pass(state, "b");
  EXPECT_THAT(state.TakeReady(), ElementsAre("c"));
}

/// What may start and what never will, by looking at everything: what RunState keeps up to date.
std::vector<std::string> ReadyByLooking(const RunState& state, bool never) {
  std::vector<std::string> found;
  for (const store::Node& node : state.nodes()) {
    if (node.state != store::kPending) continue;
    bool ended = true;
    bool succeeded = true;
    for (const std::string& id : node.after) {
      ended = ended && store::IsTerminal(StateOf(state, id));
      succeeded = succeeded && StateOf(state, id) == store::kSucceeded;
    }
    if (ended && never == (!succeeded && !node.always)) found.push_back(node.id);
  }
  return found;
}

TEST(RunStateTest, KnowsAtAnyTimeWhatLookingAtEverythingWouldFind) {
  std::mt19937_64 random(7);
  const auto roll = [&](size_t n) { return random() % n; };
  for (int world = 0; world < 100; ++world) {
    std::vector<NodeSpec> specs;
    for (size_t i = 0; i < 12; ++i) {
      std::vector<std::string> after;
      for (size_t before = 0; before < i; ++before) {
        if (roll(4) == 0) after.push_back("n" + std::to_string(before));
      }
      specs.push_back(Spec("n" + std::to_string(i), after, roll(5) == 0));
    }
    const size_t first = 1 + roll(11);
    RunState state = Graph({specs.begin(), specs.begin() + static_cast<std::ptrdiff_t>(first)});
    bool grown = first == specs.size();
    for (int step = 0; step < 100 && !(grown && state.AllEnded()); ++step) {
      if (!grown && (roll(4) == 0 || state.AllEnded())) {
        grown = true;
        ASSERT_TRUE(
            state.Add({specs.begin() + static_cast<std::ptrdiff_t>(first), specs.end()}, 1, 1)
                .ok());
      }
      const auto ready = ReadyByLooking(state, false);
      ASSERT_EQ(state.Ready(), ready) << world;
      if (ready.empty()) {
        state.SkipBlocked(2);
        ASSERT_THAT(ReadyByLooking(state, true), IsEmpty());
      } else {
        const std::string& id = ready[roll(ready.size())];
        roll(3) == 0 ? Break(state, id) : Pass(state, id);
      }
      // As a daemon that was restarted reads it.
      const RunState again(state.run(), state.nodes());
      ASSERT_EQ(again.Ready(), state.Ready());
      ASSERT_EQ(again.AllEnded(), state.AllEnded());
    }
    EXPECT_TRUE(state.AllEnded()) << world;
  }
}

TEST(AdmissionTest, RefusesGraphsThatBreakARule) {
  NodeSpec no_method = Spec("n");
  no_method.method.clear();
  NodeSpec stranger = Spec("n");
  stranger.capability = "shell";
  NodeSpec no_object = Spec("n");
  no_object.request_json = "[1]";
  NodeSpec backwards = Spec("n");
  backwards.timeout_ms = -1;
  NodeSpec for_ever = Spec("n");
  for_ever.timeout_ms = kNodeTimeoutMsMax + 1;
  const std::vector<std::pair<std::vector<NodeSpec>, std::string>> cases = {
      {{Spec("")}, "its id is not"},
      {{Spec("Upper")}, "its id is not"},
      {{Spec("../x")}, "its id is not"},
      {{Spec(std::string(kNodeIdBytesMax + 1, 'a'))}, "its id is not"},
      {{Spec("a")}, "a node of that id already"},
      {{Spec("n"), Spec("n")}, "a node of that id already"},
      {{Spec("n", {"ghost"})}, "which does not exist"},
      {{Spec("n", {"a", "a"})}, "twice"},
      {{Spec("n", {"n"})}, "waits for itself"},
      {{Spec("n", {"m"}), Spec("m", {"o"}), Spec("o", {"n"})}, "waits for itself"},
      {{no_method}, "names no method"},
      {{stranger}, "no capability \"shell\""},
      {{no_object}, "no JSON object"},
      {{backwards}, "timeout"},
      {{for_ever}, "timeout"}};
  for (const auto& [specs, words] : cases) {
    RunState state = Graph({Spec("a")});
    const Status status = state.Add(specs, 1, 1);
    EXPECT_EQ(status.code(), Code::kInternal) << words;
    EXPECT_THAT(status.message(), HasSubstr(words));
    EXPECT_EQ(state.nodes().size(), 1U);
  }
  RunState state = Graph({Spec("a")});
  EXPECT_TRUE(state.Add({Spec("n", {"a"}), Spec(std::string(kNodeIdBytesMax, 'a'))}, 1, 1).ok());
}

TEST(AdmissionTest, BoundsDepthAndSize) {
  RunState state = Graph({Spec("a")});
  EXPECT_TRUE(state.Add({Spec("deep")}, limits::kGraphDepthMax, 1).ok());
  EXPECT_EQ(state.Add({Spec("deeper")}, limits::kGraphDepthMax + 1, 1).code(), Code::kInternal);
  std::vector<NodeSpec> many;
  for (size_t i = 2; i < limits::kGraphNodesMax; ++i) many.push_back(Spec("n" + std::to_string(i)));
  EXPECT_TRUE(state.Add(many, 1, 1).ok());
  EXPECT_EQ(state.nodes().size(), limits::kGraphNodesMax);
  EXPECT_EQ(state.Add({Spec("one-more")}, 1, 1).code(), Code::kResourceExhausted);
}

TEST(AdmissionTest, KnowsWhichTableANodeWrites) {
  EXPECT_EQ(WrittenTable("catalog", "EnsureTable", R"({"table":"nyc.daily"})", "prod"),
            "nyc.daily");
  EXPECT_EQ(WrittenTable("run_backend", "Submit", R"({"job":{"table":"prod.nyc.daily"}})", "prod"),
            "nyc.daily");
  EXPECT_EQ(WrittenTable("catalog", "DescribeTable", R"({"table":"nyc.daily"})", "prod"), "");
  EXPECT_EQ(WrittenTable("run_backend", "Submit", R"({"job":7})", "prod"), "");
}

}  // namespace
}  // namespace dcp::graph
