// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "store/testing.h"

namespace dcp::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr int kAll = 1000;

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() {
    std::string pattern = ::testing::TempDir() + "dcp_store_XXXXXX";
    folder_ = mkdtemp(pattern.data());
    store_ = OpenCounting(folder_ + "/state.db").value();
  }
  ~StoreTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  Playground Make(const std::string& name, const std::string& owner = "ada") {
    Playground playground;
    playground.name = name;
    playground.owner = owner;
    playground.created_at = 1000;
    playground.expires_at = 5000;
    return playground;
  }
  store::Run MakeRun(const std::string& id, const std::string& token = "") {
    store::Run run;
    run.id = id;
    run.playground = "pg";
    run.generation = 1;
    run.command = "test";
    run.principal = "ada";
    run.client_token = token;
    run.created_at = 7;
    return run;
  }
  Node MakeNode(const std::string& id) {
    Node node;
    node.id = id;
    node.capability = "resource";
    node.method = "Compile";
    return node;
  }
  Transition To(const std::string& node, const std::string& to) {
    Transition transition;
    transition.node_id = node;
    transition.to = to;
    return transition;
  }
  RunChange Change(const std::vector<Node>& nodes, const std::vector<Transition>& transitions) {
    RunChange change;
    change.nodes = nodes;
    change.transitions = transitions;
    return change;
  }
  static std::vector<std::string> Names(const std::vector<Playground>& playgrounds) {
    std::vector<std::string> names;
    for (const auto& playground : playgrounds) names.push_back(playground.name);
    return names;
  }

  std::string folder_;
  std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, CountsGenerationsOfAName) {
  Playground made = Make("fin-1");
  made.labels = {{"ticket", "FIN-1"}, {"quote", "it's \"so\"; DROP TABLE run"}};
  EXPECT_EQ(store_->CreatePlayground(made).value().generation, 1);
  EXPECT_EQ(store_->CreatePlayground(Make("fin-1")).status().code(), Code::kAlreadyExists);
  EXPECT_EQ(store_->GetPlayground("fin-1").value().labels, made.labels);

  ASSERT_TRUE(store_->SetPlaygroundState("fin-1", 1, kActive, kDeleting).ok());
  EXPECT_EQ(store_->SetPlaygroundState("fin-1", 1, kActive, kDeleting).code(), Code::kAborted);
  EXPECT_EQ(store_->CreatePlayground(Make("fin-1")).status().code(), Code::kAlreadyExists);
  ASSERT_TRUE(store_->SetPlaygroundState("fin-1", 1, kDeleting, kDeleted).ok());
  EXPECT_EQ(store_->GetPlayground("fin-1").status().code(), Code::kNotFound);

  EXPECT_EQ(store_->CreatePlayground(Make("fin-1")).value().generation, 2);
  EXPECT_THAT(store_->GetPlayground("fin-1").value().labels, IsEmpty());
}

/// A store that was lost, or restored from an older copy, must not give a name's numbers again: the
/// overlay may hold tables under them.
TEST_F(StoreTest, ALostStoreNeverDrawsAGenerationAgain) {
  std::set<int64_t> drawn;
  for (int life = 0; life < 3; ++life) {
    const std::string path = folder_ + "/life" + std::to_string(life);
    auto store = Store::Open(path).value();
    for (int i = 0; i < 5; ++i) {
      const int64_t generation = store->CreatePlayground(Make("fin-1")).value().generation;
      EXPECT_TRUE(drawn.insert(generation).second);
      EXPECT_GE(generation, int64_t{1} << 40) << "a counted one of before";
      EXPECT_LT(generation, int64_t{1} << 53) << "JSON's readers keep no more";
      ASSERT_TRUE(store->SetPlaygroundState("fin-1", generation, kActive, kDeleting).ok());
      ASSERT_TRUE(store->SetPlaygroundState("fin-1", generation, kDeleting, kDeleted).ok());
    }
  }
  EXPECT_EQ(drawn.size(), 15U);
}

TEST_F(StoreTest, AGenerationThatIsUsedIsDrawnAgain) {
  std::vector<int64_t> next = {7, 7, 7, 8};
  size_t draws = 0;
  const auto draw = [&](int64_t) { return next[std::min(draws++, next.size() - 1)]; };
  auto store = Store::Open(folder_ + "/drawn", nullptr, draw).value();
  const auto create = [&] {
    auto made = store->CreatePlayground(Make("fin-1"));
    if (!made.ok()) return int64_t{0};
    EXPECT_TRUE(store->SetPlaygroundState("fin-1", made->generation, kActive, kDeleting).ok());
    EXPECT_TRUE(store->SetPlaygroundState("fin-1", made->generation, kDeleting, kDeleted).ok());
    return made->generation;
  };
  EXPECT_EQ(create(), 7);
  EXPECT_EQ(create(), 8);
  EXPECT_EQ(create(), 0) << "there is nothing left to draw";
}

TEST_F(StoreTest, RefusesAStateThatDoesNotExist) {
  ASSERT_TRUE(store_->CreatePlayground(Make("a")).ok());
  EXPECT_FALSE(store_->SetPlaygroundState("a", 1, kActive, "SLEEPING").ok());
  EXPECT_EQ(store_->GetPlayground("a").value().state, kActive);
}

TEST_F(StoreTest, ListsByOwnerAndByExpiry) {
  Playground late = Make("b", "bob");
  late.expires_at = 9000;
  Playground early = Make("c");
  early.expires_at = 4000;
  ASSERT_TRUE(store_->CreatePlayground(late).ok());
  ASSERT_TRUE(store_->CreatePlayground(early).ok());
  ASSERT_TRUE(store_->CreatePlayground(Make("a")).ok());
  EXPECT_THAT(Names(store_->ListPlaygrounds("ada", "", 9).value()), ElementsAre("a", "c"));
  EXPECT_THAT(Names(store_->ListPlaygrounds("ada", "", 1).value()), ElementsAre("a"));
  EXPECT_THAT(Names(store_->ListPlaygrounds("ada", "a", 1).value()), ElementsAre("c"));
  EXPECT_EQ(store_->CountPlaygrounds("ada").value(), 2);
  EXPECT_EQ(store_->CountPlaygrounds("").value(), 0);
  EXPECT_THAT(Names(store_->NoticeEnds(5000, 7, 1).value()), ElementsAre("c"));
  EXPECT_THAT(Names(store_->NoticeEnds(5000, 8, 10).value()), ElementsAre("a")) << "each once";
  EXPECT_THAT(Names(store_->PurgeablePlaygrounds(5000, 6, 10).value()), IsEmpty());
  EXPECT_THAT(Names(store_->PurgeablePlaygrounds(5000, 7, 10).value()), ElementsAre("c"));
  EXPECT_THAT(Names(store_->PurgeablePlaygrounds(5000, 8, 10).value()), ElementsAre("c", "a"));
  EXPECT_THAT(Names(store_->PurgeablePlaygrounds(5000, 8, 1).value()), ElementsAre("c"));
  EXPECT_THAT(Names(store_->PurgeablePlaygrounds(4500, 8, 9).value()), ElementsAre("c"));
  ASSERT_TRUE(store_->SetPlaygroundExpiry("c", 1, int64_t{1} << 40).ok());
  EXPECT_THAT(Names(store_->PurgeablePlaygrounds(5000, 8, 10).value()), ElementsAre("a"));
  EXPECT_EQ(store_->GetPlayground("c").value().ended_served, -1);
  ASSERT_TRUE(store_->ForgetEnds(5000).ok());
  EXPECT_EQ(store_->GetPlayground("a").value().ended_served, 8);
  ASSERT_TRUE(store_->ForgetEnds(4999).ok());
  EXPECT_EQ(store_->GetPlayground("a").value().ended_served, -1);
  EXPECT_EQ(store_->GetPlayground("c").value().expires_at, int64_t{1} << 40);
  EXPECT_EQ(store_->SetPlaygroundExpiry("c", 2, 1).code(), Code::kNotFound);
}

// LIKE's wildcards, and names that begin like others: everything is compared as a whole.
TEST_F(StoreTest, ChangesOneGenerationOfOneNameAlone) {
  const std::vector<std::string> names = {"a", "ab", "a-1", "a-2", "a_", "a%", "%", "_"};
  for (const std::string& name : names) {
    for (int i = 0; i < 11; ++i) {
      Playground made = Make(name);
      made.labels = {{"team", "x"}};
      const int64_t generation = store_->CreatePlayground(made).value().generation;
      if (i == 10) continue;  // generation 11 lives
      ASSERT_TRUE(store_->SetPlaygroundState(name, generation, kActive, kDeleting).ok());
      ASSERT_TRUE(store_->SetPlaygroundState(name, generation, kDeleting, kDeleted).ok());
    }
  }
  PlaygroundChange change;
  change.expires_at = 77;
  change.remove_labels = {"team", "%"};
  change.labels_max = 1;
  EXPECT_EQ(store_->ChangePlayground("a", 1, change).status().code(), Code::kFailedPrecondition);
  ASSERT_TRUE(store_->ChangePlayground("a", 11, change).ok());
  ASSERT_EQ(store_->NoticeEnds(5000, 0, 1000)->size(), names.size());
  ASSERT_TRUE(store_->ExpirePlayground("%", 11, 5000, 0).ok());
  for (const std::string& name : names) {
    const Playground now = store_->GetPlayground(name).value();
    EXPECT_EQ(now.expires_at, name == "a" ? 77 : 5000) << name;
    EXPECT_EQ(now.labels.size(), name == "a" ? 0U : 1U) << name;
    EXPECT_EQ(now.state, name == "%" ? kDeleting : kActive) << name;
  }
}

TEST_F(StoreTest, MergesLabelsUpToTheLimitOrNotAtAll) {
  Playground made = Make("pg");
  made.labels = {{"a", "1"}, {"b", "2"}};
  ASSERT_TRUE(store_->CreatePlayground(made).ok());
  PlaygroundChange change;
  change.labels_max = 3;
  change.set_labels = {{"b", "3"}, {"c", "4"}};
  const auto merged = store_->ChangePlayground("pg", 1, change).value();
  const std::map<std::string, std::string> expected = {{"a", "1"}, {"b", "3"}, {"c", "4"}};
  EXPECT_EQ(merged.labels, expected);
  EXPECT_EQ(merged.expires_at, 5000);
  change.set_labels = {{"d", "5"}};
  change.expires_at = 9;
  EXPECT_EQ(store_->ChangePlayground("pg", 1, change).status().code(), Code::kResourceExhausted);
  EXPECT_EQ(store_->GetPlayground("pg").value().labels, expected);
  EXPECT_EQ(store_->GetPlayground("pg").value().expires_at, 5000);
  change.remove_labels = {"a", "nothing"};  // taken away first, so that one can replace another
  EXPECT_EQ(store_->ChangePlayground("pg", 1, change).value().labels.size(), 3U);
}

TEST_F(StoreTest, ExpiresOnlyWhatWasNotExtendedMeanwhile) {
  ASSERT_TRUE(store_->CreatePlayground(Make("pg")).ok());
  EXPECT_EQ(store_->ExpirePlayground("pg", 1, 5000, 9).code(), Code::kAborted) << "not noticed";
  ASSERT_EQ(store_->NoticeEnds(5000, 3, 10)->size(), 1U);
  EXPECT_EQ(store_->ExpirePlayground("pg", 1, 4999, 9).code(), Code::kAborted);
  EXPECT_EQ(store_->ExpirePlayground("pg", 1, 5000, 2).code(), Code::kAborted);
  EXPECT_EQ(store_->GetPlayground("pg").value().state, kActive);
  EXPECT_TRUE(store_->ExpirePlayground("pg", 1, 5000, 3).ok());
  EXPECT_EQ(store_->ExpirePlayground("pg", 1, 5000, 3).code(), Code::kAborted);
  EXPECT_EQ(store_->GetPlayground("pg").value().state, kDeleting);
}

TEST_F(StoreTest, BuriesTheUnknownSoThatItsGenerationIsNeverUsed) {
  EXPECT_EQ(store_->PlaygroundState("ghost", 3).status().code(), Code::kNotFound);
  ASSERT_TRUE(store_->BuryPlayground("ghost", 3, 10).ok());
  ASSERT_TRUE(store_->BuryPlayground("ghost", 3, 11).ok());
  EXPECT_EQ(store_->PlaygroundState("ghost", 3).value(), kDeleted);
  EXPECT_EQ(store_->GetPlayground("ghost").status().code(), Code::kNotFound);
  EXPECT_EQ(store_->CreatePlayground(Make("ghost")).value().generation, 4);
  EXPECT_EQ(store_->BuryPlayground("ghost", 4, 12).code(), Code::kAborted);
  EXPECT_EQ(store_->GetPlayground("ghost").value().state, kActive);
}

TEST_F(StoreTest, ListsTheRunsOfOneGeneration) {
  const auto add = [&](const std::string& id, const std::string& playground, int64_t generation) {
    store::Run run = MakeRun(id);
    run.playground = playground;
    run.generation = generation;
    ASSERT_TRUE(store_->CreateRun(run, {MakeNode("compile")}, {}).ok());
  };
  add("r1", "a", 1);
  add("r2", "a", 11);
  add("r3", "ab", 1);
  add("r4", "a_", 1);
  add("r5", "a", 1);
  store::Run asked = store_->GetRun("r5").value();
  asked.state = kSucceeded;
  asked.needs_files_json = "[\"q.sql\"]";
  RunChange change;
  change.run = asked;
  ASSERT_TRUE(store_->ChangeRun("r5", change).ok());
  const auto runs = store_->RunsOf("a", 1).value();
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].id, "r1");
  EXPECT_EQ(runs[0].command, "test");
  EXPECT_EQ(runs[1].id, "r5");
  EXPECT_EQ(runs[1].state, kSucceeded);
  EXPECT_THAT(store_->RunsOf("%", 1).value(), IsEmpty());
}

TEST_F(StoreTest, ReplacesDatasetsAndForgetsThem) {
  ASSERT_TRUE(store_->CreatePlayground(Make("pg")).ok());
  Dataset dataset{"pg", 1, "nyc.daily", "DerivedDataset", "h1", R"({"a":1})", 3};
  EXPECT_EQ(store_->PutDataset({"none", 1, "x.y", "", "", "", 0}).code(), Code::kNotFound);
  ASSERT_TRUE(store_->PutDataset(dataset).ok());
  dataset.spec_hash = "h2";
  ASSERT_TRUE(store_->PutDataset(dataset).ok());
  ASSERT_TRUE(store_->PutDataset({"pg", 1, "nyc.other", "DerivedDataset", "h", "{}", 4}).ok());
  EXPECT_EQ(store_->GetDataset("pg", 1, "nyc.daily").value().spec_hash, "h2");
  EXPECT_EQ(store_->ListDatasets("pg", 1).value().size(), 2U);
  EXPECT_THAT(store_->ListDatasets("pg", 2).value(), IsEmpty());
  ASSERT_TRUE(store_->DeleteDatasets("pg", 1).ok());
  EXPECT_EQ(store_->GetDataset("pg", 1, "nyc.daily").status().code(), Code::kNotFound);
}

TEST_F(StoreTest, AnswersTheFirstRunOfAClientToken) {
  const Node node = MakeNode("compile");
  EXPECT_EQ(store_->CreateRun(MakeRun("r1", "tok"), {node}, {To("", kPending)}).value().id, "r1");
  EXPECT_EQ(store_->CreateRun(MakeRun("r2", "tok"), {node}, {}).value().id, "r1");
  store::Run other = MakeRun("r3", "tok");
  other.principal = "bob";
  EXPECT_EQ(store_->CreateRun(other, {}, {}).value().id, "r3");
  EXPECT_EQ(store_->CreateRun(MakeRun("r4"), {}, {}).value().id, "r4");
  EXPECT_EQ(store_->CreateRun(MakeRun("r5"), {}, {}).value().id, "r5");
  EXPECT_EQ(store_->GetRun("r2").status().code(), Code::kNotFound);
}

TEST_F(StoreTest, RefusesARunIdTwice) {
  ASSERT_TRUE(store_->CreateRun(MakeRun("r1"), {}, {}).ok());
  EXPECT_EQ(store_->CreateRun(MakeRun("r1"), {}, {}).status().code(), Code::kAlreadyExists);
}

TEST_F(StoreTest, BringsBackEveryFieldOfRunAndNode) {
  store::Run run = MakeRun("r1", "tok");
  run.team = "fin";
  run.environment = "dev";
  Node node = MakeNode("n.1");
  node.position = 4;
  node.depth = 2;
  node.route = "fast";
  node.title = "check ü";
  node.after = {"a", "b"};
  node.always = true;
  node.timeout_ms = int64_t{1} << 40;
  node.request_json = R"({"sql":"select ';' "})";
  node.attempt = 3;
  ASSERT_TRUE(store_->CreateRun(run, {node}, {To("", kPending), To("n.1", kPending)}).ok());

  run.state = kRunning;
  run.cancel_requested = true;
  run.report_json = "{}";
  run.needs_files_json = "[]";
  run.error_json = "{\"code\":\"ABORTED\"}";
  node.state = kRunning;
  node.started_at = 11;
  node.finished_at = 12;
  node.response_json = "[1]";
  node.error_json = "{}";
  node.job_json = "{\"lease\":1}";
  node.detail = "half way";
  RunChange change = Change({node}, {To("n.1", kRunning)});
  change.run = run;
  ASSERT_TRUE(store_->ChangeRun("r1", change).ok());

  const store::Run read = store_->GetRun("r1").value();
  EXPECT_EQ(read.team, "fin");
  EXPECT_EQ(read.environment, "dev");
  EXPECT_EQ(read.client_token, "tok");
  EXPECT_EQ(read.state, kRunning);
  EXPECT_TRUE(read.cancel_requested);
  EXPECT_EQ(read.created_at, 7);
  EXPECT_EQ(read.report_json + read.needs_files_json + read.error_json,
            "{}[]{\"code\":\"ABORTED\"}");
  const Node back = store_->GetNodes("r1").value().at(0);
  EXPECT_EQ(back.run_id, "r1");
  EXPECT_EQ(back.position, 4);
  EXPECT_EQ(back.depth, 2);
  EXPECT_EQ(back.route, "fast");
  EXPECT_EQ(back.title, "check ü");
  EXPECT_THAT(back.after, ElementsAre("a", "b"));
  EXPECT_TRUE(back.always);
  EXPECT_EQ(back.timeout_ms, int64_t{1} << 40);
  EXPECT_EQ(back.request_json, node.request_json);
  EXPECT_EQ(back.attempt, 3);
  EXPECT_EQ(back.started_at, 11);
  EXPECT_EQ(back.finished_at, 12);
  EXPECT_EQ(back.response_json + back.error_json + back.job_json + back.detail,
            "[1]{}{\"lease\":1}half way");
  const auto history = store_->GetTransitions("r1", 0, kAll).value();
  ASSERT_EQ(history.size(), 3U);
  EXPECT_EQ(history[2].sequence, 3);
  EXPECT_EQ(history[2].node_id, "n.1");
  EXPECT_EQ(store_->GetTransitions("r1", 2, kAll).value().size(), 1U);
}

TEST_F(StoreTest, ChangesARunAsAWholeOrNotAtAll) {
  ASSERT_TRUE(store_->CreateRun(MakeRun("r1"), {MakeNode("a")}, {To("", kPending)}).ok());
  Node good = MakeNode("a");
  good.state = kRunning;
  Node bad = MakeNode("b");
  bad.state = "LOST";
  EXPECT_FALSE(store_->ChangeRun("r1", Change({good, bad}, {To("a", kRunning)})).ok());
  EXPECT_EQ(store_->GetNodes("r1").value().at(0).state, kPending);
  EXPECT_EQ(store_->GetTransitions("r1", 0, kAll).value().size(), 1U);
}

TEST_F(StoreTest, LeavesWhatHasEndedAsItIs) {
  ASSERT_TRUE(store_->CreateRun(MakeRun("r1"), {MakeNode("a")}, {}).ok());
  Node node = MakeNode("a");
  node.state = kSucceeded;
  ASSERT_TRUE(store_->ChangeRun("r1", Change({node}, {To("a", kSucceeded)})).ok());
  node.state = kRunning;
  const Status again = store_->ChangeRun("r1", Change({node}, {To("a", kRunning)}));
  EXPECT_EQ(again.code(), Code::kAborted);
  EXPECT_THAT(again.message(), HasSubstr("node a"));

  RunChange end;
  end.run = MakeRun("r1");
  end.run->state = kFailed;
  ASSERT_TRUE(store_->ChangeRun("r1", end).ok());
  EXPECT_EQ(store_->ChangeRun("r1", Change({}, {To("", kRunning)})).code(), Code::kAborted);
  EXPECT_EQ(store_->ChangeRun("r9", end).code(), Code::kNotFound);
  EXPECT_EQ(store_->GetTransitions("r1", 0, kAll).value().size(), 1U);
}

TEST_F(StoreTest, ListsRunsNewestFirstAndUnfinishedOldestFirst) {
  for (const char* id : {"r1", "r2", "r3"}) {
    ASSERT_TRUE(store_->CreateRun(MakeRun(id), {}, {}).ok());
  }
  RunChange end;
  end.run = MakeRun("r2");
  end.run->state = kCancelled;
  ASSERT_TRUE(store_->ChangeRun("r2", end).ok());
  std::string newest;
  const auto two = store_->ListRuns({"ada", "pg"}, "", 2).value();
  for (const store::RunSummary& run : two.runs) newest += run.id;
  EXPECT_EQ(newest, "r3r2");
  std::string unfinished;
  const auto open = store_->UnfinishedRuns().value();
  for (const store::Run& run : open) unfinished += run.id;
  EXPECT_EQ(unfinished, "r1r3");
}

/// Everything of the database that is on disk, the log included.
std::string BytesIn(const std::string& folder) {
  std::string bytes;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    bytes.append(std::istreambuf_iterator<char>(file), {});
  }
  return bytes;
}

TEST_F(StoreTest, RunsOfAGenerationAreForgottenFromTheDiskToo) {
  // Longer than a page, so that it lies in pages of its own as well.
  const std::string rows = "{\"rows\":\"" + std::string(20'000, '.') + "of production\"}";
  const auto add = [&](const std::string& id, int64_t generation, const std::string& state) {
    store::Run run = MakeRun(id);
    run.generation = generation;
    Node node = MakeNode("preview");
    node.request_json = rows;
    ASSERT_TRUE(store_->CreateRun(run, {node}, {To("preview", "PENDING")}).ok());
    run.state = state;
    run.report_json = rows;
    run.error_json = R"({"message":"the value of production"})";
    node.state = kFailed;
    node.response_json = rows;
    node.error_json = run.error_json;
    node.detail = "the value of production";
    Transition again = To("preview", "RUNNING");
    again.detail = "attempt 1 failed: the value of production";
    Transition failed = To("preview", "FAILED");
    failed.detail = "the value of production";
    RunChange change = Change({node}, {again, failed});
    change.run = run;
    ASSERT_TRUE(store_->ChangeRun(id, change).ok());
  };
  add("gone", 1, kFailed);
  add("open", 1, kRunning);
  ASSERT_THAT(BytesIn(folder_), HasSubstr("of production"));

  ASSERT_TRUE(store_->ForgetRuns("pg", 1).ok());
  const store::Run open = store_->GetRun("open").value();
  EXPECT_EQ(open.report_json, rows) << "it goes on";
  RunChange end;
  end.run = open;
  end.run->state = kSucceeded;
  ASSERT_TRUE(store_->ChangeRun("open", end).ok());
  ASSERT_TRUE(store_->ForgetRuns("pg", 1).ok());
  ASSERT_TRUE(store_->ForgetRuns("pg", 1).ok()) << "it can be repeated";

  const store::Run run = store_->GetRun("gone").value();
  EXPECT_EQ(run.state, kFailed);
  EXPECT_EQ(run.principal, "ada");
  EXPECT_EQ(run.report_json + run.error_json, "");
  const Node node = store_->GetNodes("gone").value().at(0);
  EXPECT_EQ(node.state, kFailed);
  EXPECT_EQ(node.request_json + node.response_json + node.error_json + node.detail, "");
  const auto history = store_->GetTransitions("gone", 0, kAll).value();
  ASSERT_EQ(history.size(), 3U);
  EXPECT_EQ(history[1].detail, "attempt 1 failed");
  EXPECT_EQ(history[2].detail, "");
  EXPECT_THAT(BytesIn(folder_), Not(HasSubstr("of production")));

  add("later", 2, kSucceeded);
  ASSERT_TRUE(store_->ForgetRuns("pg", 1).ok());
  EXPECT_EQ(store_->GetRun("later").value().report_json, rows) << "another generation's";
}

TEST_F(StoreTest, RemembersFacts) {
  EXPECT_EQ(store_->GetFact("port").status().code(), Code::kNotFound);
  ASSERT_TRUE(store_->PutFact("port", "1").ok());
  ASSERT_TRUE(store_->PutFact("port", "2").ok());
  EXPECT_EQ(store_->GetFact("port").value(), "2");
}

TEST_F(StoreTest, NumbersTransitionsWithoutGapsFromManyThreads) {
  ASSERT_TRUE(store_->CreateRun(MakeRun("r1"), {}, {}).ok());
  constexpr int kThreads = 4;
  constexpr int kEach = 5;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([this] {
        for (int k = 0; k < kEach; ++k) {
          EXPECT_TRUE(store_->ChangeRun("r1", Change({}, {To("", kRunning)})).ok());
        }
      });
    }
  }
  const auto history = store_->GetTransitions("r1", 0, kAll).value();
  ASSERT_EQ(history.size(), size_t{kThreads * kEach});
  for (size_t i = 0; i < history.size(); ++i) {
    EXPECT_EQ(history[i].sequence, static_cast<int64_t>(i) + 1);
  }
}

}  // namespace
}  // namespace dcp::store
