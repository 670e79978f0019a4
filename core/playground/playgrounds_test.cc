// SPDX-License-Identifier: Apache-2.0
#include "playground/playgrounds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/id.h"
#include "base/jumping_clock.h"
#include "base/limits.h"
#include "store/testing.h"

namespace dcp::playground {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr int64_t kHour = 3'600'000;

class PlaygroundsTest : public ::testing::Test {
 protected:
  PlaygroundsTest() {
    std::string pattern = ::testing::TempDir() + "dcp_playground_XXXXXX";
    folder_ = mkdtemp(pattern.data());
    store_ = store::OpenCounting(folder_ + "/state.db").value();
    Limits limits;
    limits.per_owner_max = 3;
    limits.tombstone_ms = 2 * kHour;
    playgrounds_ = std::make_unique<Playgrounds>(*store_, clock_, limits);
  }
  ~PlaygroundsTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  Code CreateCode(const std::string& name, int64_t ttl_ms = 0,
                  const std::map<std::string, std::string>& labels = {}) {
    return playgrounds_->Create(ada_, name, ttl_ms, labels).status().code();
  }

  const Principal ada_{"ada", "fin", "dev"};
  const Principal bob_{"bob", "ops", "dev"};
  std::string folder_;
  JumpingClock clock_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Playgrounds> playgrounds_;
};

TEST_F(PlaygroundsTest, LivesForTheDefaultTime) {
  const auto made = playgrounds_->Create(ada_, "fin-123", 0, {{"ticket", "FIN-123"}}).value();
  EXPECT_EQ(made.owner, "ada");
  EXPECT_EQ(made.team, "fin");
  EXPECT_EQ(made.environment, "dev");
  EXPECT_EQ(made.generation, 1);
  EXPECT_EQ(made.expires_at, clock_.Wall() + 72 * kHour);
  EXPECT_EQ(playgrounds_->Get(ada_, "fin-123").value().labels.at("ticket"), "FIN-123");
}

TEST_F(PlaygroundsTest, MakesANameOfTheUsers) {
  const Principal odd{"9 Ada.Lovelace@Example!", "", ""};
  const auto made = playgrounds_->Create(odd, "", 0, {}).value();
  EXPECT_THAT(made.name, StartsWith("ada-lovelace-example-"));
  EXPECT_TRUE(CheckPlaygroundName(made.name).ok());
  const auto nameless = playgrounds_->Create({"42", "", ""}, "", 0, {}).value();
  EXPECT_THAT(nameless.name, StartsWith("pg-"));
  const Principal endless{std::string(500, 'x'), "", ""};
  EXPECT_TRUE(playgrounds_->Create(endless, "", 0, {}).ok());
}

TEST_F(PlaygroundsTest, RefusesWhatIsOutOfBounds) {
  EXPECT_EQ(CreateCode("Not/A/Name"), Code::kInvalidArgument);
  EXPECT_EQ(CreateCode("a", 1), Code::kInvalidArgument);
  EXPECT_EQ(CreateCode("a", -5), Code::kInvalidArgument);
  EXPECT_EQ(CreateCode("a", 14 * 24 * kHour + 1), Code::kInvalidArgument);
  EXPECT_EQ(CreateCode("a", 14 * 24 * kHour), Code::kOk);
}

TEST_F(PlaygroundsTest, TakesLabelsUpToTheirLimits) {
  std::map<std::string, std::string> labels;
  for (size_t i = 0; i < limits::kLabelsMax; ++i) labels["k" + std::to_string(i)] = "v";
  EXPECT_EQ(CreateCode("many", 0, labels), Code::kOk);
  labels["one-more"] = "v";
  EXPECT_EQ(CreateCode("more", 0, labels), Code::kInvalidArgument);
  const std::string longest(limits::kLabelBytesMax, 'x');
  EXPECT_EQ(CreateCode("long", 0, {{longest, longest}}), Code::kOk);
  EXPECT_EQ(CreateCode("longer", 0, {{"k", longest + "x"}}), Code::kInvalidArgument);
  EXPECT_EQ(CreateCode("empty", 0, {{"", "v"}}), Code::kInvalidArgument);
  EXPECT_EQ(CreateCode("escape", 0, {{"k", "\x1b[31m"}}), Code::kInvalidArgument);
}

TEST_F(PlaygroundsTest, BoundsHowManyOnePersonHas) {
  for (const char* name : {"a", "b", "c"}) EXPECT_EQ(CreateCode(name), Code::kOk);
  const auto fourth = playgrounds_->Create(ada_, "d", 0, {});
  EXPECT_EQ(fourth.status().code(), Code::kResourceExhausted);
  EXPECT_THAT(fourth.status().hint(), HasSubstr("playground delete"));
  EXPECT_TRUE(playgrounds_->Create(bob_, "d", 0, {}).ok());
}

TEST_F(PlaygroundsTest, SaysTheSameOfForeignAndMissingOnes) {
  ASSERT_TRUE(playgrounds_->Create(bob_, "secret-plan", 0, {}).ok());
  const Status foreign = playgrounds_->Get(ada_, "secret-plan").status();
  const Status missing = playgrounds_->Get(ada_, "secret-plam").status();
  EXPECT_EQ(foreign.code(), Code::kNotFound);
  EXPECT_EQ(missing.code(), Code::kNotFound);
  EXPECT_EQ(foreign.hint(), missing.hint());
  std::string words = foreign.message();
  words.replace(words.find("secret-plan"), 11, "secret-plam");
  EXPECT_EQ(words, missing.message());
  EXPECT_THAT(missing.hint(), Not(HasSubstr("secret-plan")));
  EXPECT_EQ(playgrounds_->Extend(ada_, "secret-plan", kHour).status(), foreign);
  EXPECT_EQ(playgrounds_->BeginDelete(ada_, "secret-plan").status(), foreign);
  EXPECT_EQ(playgrounds_->Usable(ada_, "secret-plan").status(), foreign);
  EXPECT_THAT(playgrounds_->List(ada_, "", 100).value(), IsEmpty());
  EXPECT_EQ(playgrounds_->List({}, "", 100).status().code(), Code::kUnauthenticated);
}

TEST_F(PlaygroundsTest, EachRefusalHasItsId) {
  const auto made = [this](const std::string& name, int64_t ttl_ms,
                           const std::map<std::string, std::string>& labels) {
    return playgrounds_->Create(ada_, name, ttl_ms, labels).status().id();
  };
  EXPECT_EQ(made("Not/A/Name", 0, {}), "PZ0301");
  EXPECT_EQ(playgrounds_->Get(ada_, "none").status().id(), "PZ0302");
  EXPECT_EQ(made("fin", kHour, {}), "");
  EXPECT_EQ(made("fin", 0, {}), "PZ0303");
  EXPECT_EQ(made("a", 1, {}), "PZ0307");
  EXPECT_EQ(made("a", 0, {{"", "v"}}), "PZ0308");
  clock_.Advance(kHour);
  EXPECT_EQ(playgrounds_->Usable(ada_, "fin").status().id(), "PZ0305");
  ASSERT_TRUE(playgrounds_->BeginDelete(ada_, "fin").ok());
  EXPECT_EQ(playgrounds_->Usable(ada_, "fin").status().id(), "PZ0304");
  EXPECT_EQ(playgrounds_->Extend(ada_, "fin", kHour).status().id(), "PZ0304");
  for (const char* name : {"a", "b", "c"}) (void)playgrounds_->Create(ada_, name, 0, {});
  EXPECT_EQ(made("d", 0, {}), "PZ0306");
}

TEST_F(PlaygroundsTest, SuggestsOnesOwnNames) {
  ASSERT_TRUE(playgrounds_->Create(ada_, "fin-123", 0, {}).ok());
  EXPECT_THAT(playgrounds_->Get(ada_, "fin-132").status().hint(),
              HasSubstr("did you mean fin-123?"));
}

TEST_F(PlaygroundsTest, IsNotUsableOnceExpired) {
  ASSERT_TRUE(playgrounds_->Create(ada_, "fin", kHour, {}).ok());
  clock_.Advance(kHour - 1);
  EXPECT_TRUE(playgrounds_->Usable(ada_, "fin").ok());
  EXPECT_THAT(playgrounds_->NoticeEnds(0, 10).value(), IsEmpty());
  clock_.Advance(1);
  const Status expired = playgrounds_->Usable(ada_, "fin").status();
  EXPECT_EQ(expired.code(), Code::kFailedPrecondition);
  EXPECT_THAT(expired.message(), HasSubstr("expired at 2023-11-14T"));
  EXPECT_THAT(playgrounds_->NoticeEnds(0, 10).value(), SizeIs(1));
  EXPECT_TRUE(playgrounds_->Get(ada_, "fin").ok());
}

TEST_F(PlaygroundsTest, AWallClockThatIsSetMovesExpiryWithIt) {
  const auto made = playgrounds_->Create(ada_, "fin", kHour, {}).value();
  clock_.JumpWall(24 * kHour);
  EXPECT_EQ(playgrounds_->Usable(ada_, "fin").status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(playgrounds_->NoticeEnds(0, 10).value(), SizeIs(1));
  // Set back before the sweeper came: it is as if nothing had been.
  clock_.JumpWall(-24 * kHour);
  ASSERT_TRUE(playgrounds_->ForgetEnds().ok());
  EXPECT_TRUE(playgrounds_->Usable(ada_, "fin").ok());
  EXPECT_EQ(playgrounds_->Get(ada_, "fin")->ended_served, -1);
  EXPECT_THAT(playgrounds_->NoticeEnds(0, 10).value(), IsEmpty());
  // Set back before its creation: it lives, and a new one lives its own time, not a day longer.
  clock_.JumpWall(-24 * kHour);
  EXPECT_TRUE(playgrounds_->Usable(ada_, "fin").ok());
  EXPECT_EQ(playgrounds_->Create(ada_, "late", kHour, {}).value().expires_at,
            clock_.Wall() + kHour);
  EXPECT_EQ(playgrounds_->Extend(ada_, "fin", kHour).value().expires_at, clock_.Wall() + kHour);
  EXPECT_LT(clock_.Wall() + kHour, made.expires_at);
}

TEST_F(PlaygroundsTest, ExtendsFromNowButNotBeyondTheLongestLife) {
  const auto made = playgrounds_->Create(ada_, "fin", kHour, {}).value();
  clock_.Advance(kHour / 2);
  EXPECT_EQ(playgrounds_->Extend(ada_, "fin", 2 * kHour).value().expires_at,
            clock_.Wall() + 2 * kHour);
  const int64_t longest = 14 * 24 * kHour;
  EXPECT_EQ(playgrounds_->Extend(ada_, "fin", longest).value().expires_at,
            made.created_at + longest);
  EXPECT_EQ(playgrounds_->Get(ada_, "fin").value().expires_at, made.created_at + longest);
  clock_.Advance(longest);
  EXPECT_EQ(playgrounds_->Extend(ada_, "fin", kHour).status().code(), Code::kFailedPrecondition);
}

TEST_F(PlaygroundsTest, RestoresWhatExpiredAndNothingElse) {
  const auto made = playgrounds_->Create(ada_, "fin", kHour, {{"k", "v"}}).value();
  EXPECT_EQ(playgrounds_->Restore(ada_, "fin", 0).status().id(), "PZ0310");
  clock_.Advance(kHour);
  ASSERT_THAT(playgrounds_->NoticeEnds(5, 10).value(), SizeIs(1));
  EXPECT_EQ(playgrounds_->Restore(bob_, "fin", 0).status().code(), Code::kNotFound);
  EXPECT_EQ(playgrounds_->Restore(ada_, "fin", 1).status().id(), "PZ0307");
  EXPECT_EQ(playgrounds_->Restore(ada_, "fin", 0).value().expires_at, clock_.Wall() + 72 * kHour);
  const auto now = playgrounds_->Usable(ada_, "fin").value();
  EXPECT_EQ(now.ended_served, -1);
  EXPECT_EQ(now.labels.at("k"), "v");
  EXPECT_EQ(now.generation, made.generation);
  // After the longest life there is a tombstone period left, to copy from it.
  clock_.Advance(20 * 24 * kHour);
  EXPECT_EQ(playgrounds_->Extend(ada_, "fin", kHour).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(playgrounds_->Restore(ada_, "fin", 0).value().expires_at, clock_.Wall() + 2 * kHour);
  clock_.Advance(2 * kHour);
  ASSERT_TRUE(playgrounds_->BeginDelete(ada_, "fin").ok());
  EXPECT_EQ(playgrounds_->Restore(ada_, "fin", 0).status().id(), "PZ0304");
}

TEST_F(PlaygroundsTest, WhatIsExtendedInTheLastMomentDoesNotExpire) {
  ASSERT_TRUE(playgrounds_->Create(ada_, "fin", kHour, {}).ok());
  clock_.Advance(kHour);
  const auto expired = playgrounds_->NoticeEnds(0, 10).value();
  ASSERT_THAT(expired, SizeIs(1));
  ASSERT_TRUE(playgrounds_->Extend(ada_, "fin", kHour).ok());
  EXPECT_EQ(playgrounds_->BeginExpire(expired[0], 2 * kHour).code(), Code::kAborted);
  EXPECT_TRUE(playgrounds_->Usable(ada_, "fin").ok());
  clock_.Advance(kHour);
  ASSERT_THAT(playgrounds_->NoticeEnds(kHour, 10).value(), SizeIs(1));
  EXPECT_EQ(playgrounds_->BeginExpire(expired[0], 3 * kHour - 1).code(), Code::kAborted);
  EXPECT_TRUE(playgrounds_->BeginExpire(expired[0], 3 * kHour).ok());
  EXPECT_EQ(playgrounds_->Usable(ada_, "fin").status().id(), "PZ0304");
}

TEST_F(PlaygroundsTest, UpdatesTimeAndLabelsTogetherOrNeither) {
  ASSERT_TRUE(playgrounds_->Create(ada_, "fin", kHour, {{"pr", "1"}, {"team", "x"}}).ok());
  Update update;
  update.ttl_ms = 2 * kHour;
  update.set_labels = {{"pr", "2"}};
  update.remove_labels = {"team", "never-there"};
  const auto changed = playgrounds_->Change(ada_, "fin", update).value();
  const std::map<std::string, std::string> expected = {{"pr", "2"}};
  EXPECT_EQ(changed.labels, expected);
  EXPECT_EQ(changed.expires_at, clock_.Wall() + 2 * kHour);
  EXPECT_EQ(playgrounds_->Get(ada_, "fin").value().labels, expected);

  update.ttl_ms = 1;  // too short: the label stays as well
  update.set_labels = {{"pr", "3"}};
  EXPECT_EQ(playgrounds_->Change(ada_, "fin", update).status().id(), "PZ0307");
  EXPECT_EQ(playgrounds_->Get(ada_, "fin").value().labels, expected);
  EXPECT_EQ(playgrounds_->Change(ada_, "fin", {}).status().id(), "PZ0309");
  EXPECT_EQ(playgrounds_->Change(bob_, "fin", update).status().id(), "PZ0302");
  Update both;
  both.set_labels = {{"pr", "3"}};
  both.remove_labels = {"pr"};
  EXPECT_EQ(playgrounds_->Change(ada_, "fin", both).status().id(), "PZ0308");
  both.remove_labels.clear();
  ASSERT_TRUE(playgrounds_->BeginDelete(ada_, "fin").ok());
  EXPECT_EQ(playgrounds_->Change(ada_, "fin", both).status().id(), "PZ0304");
}

TEST_F(PlaygroundsTest, AnUpdateKeepsTheLimitsOfLabels) {
  std::map<std::string, std::string> full;
  for (size_t i = 0; i + 1 < limits::kLabelsMax; ++i) full["k" + std::to_string(i)] = "v";
  ASSERT_TRUE(playgrounds_->Create(ada_, "fin", 0, full).ok());
  const auto add = [this](const std::string& key, const std::string& value) {
    Update update;
    update.set_labels = {{key, value}};
    return playgrounds_->Change(ada_, "fin", update).status();
  };
  EXPECT_TRUE(add("one", "v").ok());
  EXPECT_TRUE(add("one", "w").ok());
  EXPECT_EQ(add("two", "v").id(), "PZ0308");
  EXPECT_EQ(add("two", "v").code(), Code::kInvalidArgument);
  EXPECT_TRUE(add("one", std::string(limits::kLabelBytesMax, 'v')).ok());
  EXPECT_EQ(add("one", std::string(limits::kLabelBytesMax + 1, 'v')).id(), "PZ0308");
  Update update;
  update.remove_labels.assign(limits::kLabelsMax, "k0");
  EXPECT_TRUE(playgrounds_->Change(ada_, "fin", update).ok());
  update.remove_labels.emplace_back("k1");
  EXPECT_EQ(playgrounds_->Change(ada_, "fin", update).status().id(), "PZ0308");
}

TEST_F(PlaygroundsTest, DeletesInTwoStepsThatCanBeRepeated) {
  const auto made = playgrounds_->Create(ada_, "fin", 0, {}).value();
  ASSERT_TRUE(playgrounds_->Register({"fin", 1, "nyc.daily", "DerivedDataset", "h", "{}", 0}).ok());
  EXPECT_EQ(playgrounds_->Datasets(made).value().at(0).updated_at, clock_.Wall());
  EXPECT_EQ(playgrounds_->FinishDelete("fin", 1).code(), Code::kFailedPrecondition);

  EXPECT_EQ(playgrounds_->BeginDelete(ada_, "fin").value().state, store::kDeleting);
  EXPECT_TRUE(playgrounds_->BeginDelete(ada_, "fin").ok());
  EXPECT_EQ(playgrounds_->Get(ada_, "fin").value().state, store::kDeleting);
  EXPECT_EQ(playgrounds_->Usable(ada_, "fin").status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(playgrounds_->Extend(ada_, "fin", kHour).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(playgrounds_->Register({"fin", 1, "nyc.b", "k", "h", "{}", 0}).code(),
            Code::kFailedPrecondition);

  EXPECT_TRUE(playgrounds_->FinishDelete("fin", 1).ok());
  EXPECT_TRUE(playgrounds_->FinishDelete("fin", 1).ok());
  EXPECT_EQ(playgrounds_->Get(ada_, "fin").status().code(), Code::kNotFound);

  const auto second = playgrounds_->Create(ada_, "fin", 0, {}).value();
  EXPECT_EQ(second.generation, 2);
  EXPECT_THAT(playgrounds_->Datasets(second).value(), IsEmpty());
  // What is left of the first one's deletion must not touch the second.
  EXPECT_TRUE(playgrounds_->FinishDelete("fin", 1).ok());
  EXPECT_FALSE(playgrounds_->BeginExpire(made, 1000 * kHour).ok());
  EXPECT_EQ(playgrounds_->Get(ada_, "fin").value().state, store::kActive);
}

}  // namespace
}  // namespace dcp::playground
