// SPDX-License-Identifier: Apache-2.0
//
// What has no owner goes after its grace; what has one, or looks strange, stays.
#include "daemon/orphans.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "daemon/testing.h"

namespace dcp::daemon {
namespace {

namespace fs = std::filesystem;
using catalog::testing::FakeOverlay;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using OrphansTest = SweepingTest;

TEST_F(OrphansTest, RemovesJobFoldersOfRunsThatNobodyKnows) {
  const std::string living = Make("fin");
  const std::string open = AddRun("fin", 1, store::kPending);
  const std::string orphan = "r0123456789abcdef";
  Write(jobs_ + "/" + orphan + "/a.run/output", "123");
  EXPECT_THAT(Sweep(), ElementsAre("YOUNG job jobs/" + orphan));
  clock_.Advance(kGraceMs - 1);
  EXPECT_THAT(Sweep(), ElementsAre("YOUNG job jobs/" + orphan));
  clock_.Advance(1);
  const auto before = Listing();
  EXPECT_THAT(Sweep(/*dry_run=*/true), ElementsAre("REMOVABLE job jobs/" + orphan));
  EXPECT_EQ(report_.items[0].files, 1);
  EXPECT_EQ(report_.items[0].bytes, 3);
  EXPECT_EQ(Listing(), before);
  EXPECT_THAT(Sweep(), ElementsAre("REMOVED job jobs/" + orphan));
  EXPECT_EQ(Listing(), Without(before, {orphan}));
  EXPECT_THAT(Sweep(), IsEmpty());
  EXPECT_TRUE(fs::exists(jobs_ + "/" + living));
  EXPECT_TRUE(fs::exists(jobs_ + "/" + open));
}

TEST_F(OrphansTest, RemovesJobFoldersOfDeletedPlaygroundsAndNoOthers) {
  const std::string first = Make("a");
  SetState("a", 1, store::kDeleted);
  overlay_.Add({"pg_a_1"}, "");
  ASSERT_TRUE(catalog_->Purge("a", 1, {}).ok());
  const std::string again = Make("a");  // generation 2
  const std::string going = Make("ab");
  SetState("ab", 1, store::kDeleting);
  Sweep();
  clock_.Advance(kGraceMs);
  const auto before = Listing();
  EXPECT_THAT(Sweep(), ElementsAre("REMOVED job jobs/" + first));
  EXPECT_EQ(Listing(), Without(before, {first}));
}

TEST_F(OrphansTest, LeavesAloneWhatIsNotOfItsForm) {
  Write(jobs_ + "/notes.txt", "mine");
  Write(jobs_ + "/r0123456789abcdeg/x", "no hex");
  Write(jobs_ + "/r0123456789abcde/x", "too short");
  Write(jobs_ + "/r0123456789abcdef.bak/x", "longer");
  Write(jobs_ + "/r1111111111111111", "a file");
  Write(jobs_ + "/r2222222222222222/stray", "a file where folders are");
  fs::create_directory_symlink(folder_, jobs_ + "/r3333333333333333");
  Write(folder_ + "/wh/pg/x-1.bak/f", "x");
  overlay_.Add({"default"}, "t");
  Sweep();
  clock_.Advance(kGraceMs);
  const auto before = Listing();
  const auto swept = Sweep(false, /*unknown=*/true);
  EXPECT_EQ(swept.size(), 9U);
  for (const std::string& line : swept) EXPECT_THAT(line, HasSubstr("KEPT stranger "));
  EXPECT_EQ(Listing(), before);
}

TEST_F(OrphansTest, LeavesAFolderAloneWhereAJobIsAtWork) {
  const std::string path = jobs_ + "/r0123456789abcdef";
  Write(path + "/a.run/output", "123");
  Sweep();
  clock_.Advance(kGraceMs);
  {
    const auto lock = os::FileLock::Acquire(path + "/a.run/lock").value();  // as its launcher does
    EXPECT_THAT(Sweep(), ElementsAre("KEPT job jobs/r0123456789abcdef"));
    EXPECT_THAT(report_.items[0].reason, HasSubstr("still runs"));
    EXPECT_TRUE(fs::exists(path + "/a.run/output"));
  }
  EXPECT_THAT(Sweep(), ElementsAre("REMOVED job jobs/r0123456789abcdef"));
}

TEST_F(OrphansTest, OneFolderThatCannotBeJudgedDoesNotHoldUpTheOthers) {
  Write(jobs_ + "/r0123456789abcdef/a.run/launched", "rubbish");
  Write(jobs_ + "/rffffffffffffffff/a.run/output", "123");
  Sweep();
  clock_.Advance(kGraceMs);
  EXPECT_THAT(Sweep(),
              ElementsAre("KEPT job jobs/r0123456789abcdef", "REMOVED job jobs/rffffffffffffffff"));
  EXPECT_THAT(report_.items[0].reason, HasSubstr("damaged"));
  EXPECT_THAT(report_.failures, IsEmpty());
}

TEST_F(OrphansTest, AFolderThatCannotBeReadIsNamedAndDoesNotHoldUpTheOthers) {
  const std::string closed = jobs_ + "/r0123456789abcdef";
  Write(closed + "/a.run/output", "1");
  Write(jobs_ + "/rffffffffffffffff/a.run/output", "123");
  for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
    fs::permissions(entry.path(), fs::perms::all);
  }
  fs::permissions(folder_, fs::perms::all);
  Sweep();
  clock_.Advance(kGraceMs);
  fs::permissions(closed, fs::perms::none);
  // To root nothing is closed.
  const uid_t self = ::geteuid();
  ASSERT_EQ(::seteuid(self == 0 ? 65534 : self), 0);
  const auto swept = Sweep();
  ASSERT_EQ(::seteuid(self), 0);
  fs::permissions(closed, fs::perms::all);
  EXPECT_THAT(swept, ElementsAre("REMOVED job jobs/rffffffffffffffff"));
  ASSERT_EQ(report_.failures.size(), 1U);
  EXPECT_THAT(report_.failures[0], HasSubstr("r0123456789abcdef"));
  // It has kept its age: it goes as soon as it can be read.
  EXPECT_THAT(Sweep(), ElementsAre("REMOVED job jobs/r0123456789abcdef"));
}

TEST_F(OrphansTest, RemovesWhatDeletedPlaygroundsLeftInTheOverlay) {
  Make("a");
  Make("a-1");
  Make("gone");
  Make("going");
  SetState("gone", 1, store::kDeleted);
  SetState("going", 1, store::kDeleting);
  fs::remove_all(jobs_);
  fs::create_directories(jobs_);
  Make("gone");  // a second generation lives
  EXPECT_THAT(Sweep(), ElementsAre("YOUNG playground gone (generation 1)"));
  clock_.Advance(kGraceMs);
  const auto before = Listing();
  EXPECT_THAT(Sweep(true), ElementsAre("REMOVABLE playground gone (generation 1)"));
  EXPECT_EQ(report_.items[0].tables, 1);
  EXPECT_EQ(report_.items[0].files, 1);
  EXPECT_EQ(report_.items[0].bytes, 5);
  EXPECT_EQ(Listing(), before);
  EXPECT_THAT(Sweep(), ElementsAre("REMOVED playground gone (generation 1)"));
  EXPECT_EQ(Listing(), Without(before, {"pg_gone_1", "/gone-1"}));
}

TEST_F(OrphansTest, ThePlaygroundsOfNobodyKnowsWhoAreAPersonsDecision) {
  Fill("ghost", 3);
  Sweep();
  clock_.Advance(kGraceMs);
  const auto before = Listing();
  EXPECT_THAT(Sweep(), ElementsAre("KEPT playground ghost (generation 3)"));
  EXPECT_THAT(report_.items[0].reason, HasSubstr("--unknown"));
  EXPECT_EQ(Listing(), before);
  EXPECT_THAT(Sweep(true, true), ElementsAre("REMOVABLE playground ghost (generation 3)"));
  EXPECT_EQ(store_->PlaygroundState("ghost", 3).status().code(), Code::kNotFound);
  EXPECT_THAT(Sweep(false, true), ElementsAre("REMOVED playground ghost (generation 3)"));
  EXPECT_EQ(Listing(), Without(before, {"pg_ghost_3", "/ghost-3"}));
  // Were the removal broken off here, nobody could begin to live in what is left.
  EXPECT_EQ(playgrounds_->Create(ana_, "ghost", 0, {})->generation, 4);
}

/// The listing was made, and only then the playground of that name: the store has the last word.
TEST_F(OrphansTest, WhatBeginsDuringASweepIsNotTouched) {
  Fill("ghost", 1);
  Sweep();
  clock_.Advance(kGraceMs);
  overlay_.AfterListing([&] { ASSERT_TRUE(playgrounds_->Create(ana_, "ghost", 0, {}).ok()); });
  const auto before = Listing();
  EXPECT_THAT(Sweep(false, true), IsEmpty());
  EXPECT_EQ(Listing(), before);
}

TEST_F(OrphansTest, AnOverlayThatIsDownHidesNothingElse) {
  Fill("gone", 1);
  ASSERT_TRUE(store_->BuryPlayground("gone", 1, 0).ok());
  Write(jobs_ + "/r0123456789abcdef/a.run/output", "123");
  Sweep();
  clock_.Advance(kGraceMs);
  overlay_.FailAt(1, FakeOverlay::Fault::kBefore, /*down=*/true);
  EXPECT_THAT(Sweep(), ElementsAre("REMOVED job jobs/r0123456789abcdef"));
  ASSERT_EQ(report_.failures.size(), 1U);
  EXPECT_THAT(report_.failures[0], HasSubstr("overlay catalog"));
  overlay_.FailAt(0, FakeOverlay::Fault::kBefore);
  // It has kept its age.
  EXPECT_THAT(Sweep(), ElementsAre("REMOVED playground gone (generation 1)"));
}

TEST_F(OrphansTest, ARemovalThatFailsIsSaidAndTriedAgain) {
  Fill("gone", 1);
  ASSERT_TRUE(store_->BuryPlayground("gone", 1, 0).ok());
  Sweep();
  clock_.Advance(kGraceMs);
  overlay_.BeforeDrop({"pg_gone_1", "lab"},
                      [&] { overlay_.FailAt(1, FakeOverlay::Fault::kAfter, true); });
  EXPECT_THAT(Sweep(), ElementsAre("FAILED playground gone (generation 1)"));
  EXPECT_THAT(report_.items[0].reason, HasSubstr("500"));
  overlay_.FailAt(0, FakeOverlay::Fault::kAfter);
  EXPECT_THAT(Sweep(), ElementsAre("REMOVED playground gone (generation 1)"));
  EXPECT_THAT(overlay_.Listing(), IsEmpty());
}

TEST_F(OrphansTest, OneSweepReportsSoMuchAndNoMore) {
  const auto add = [this](size_t i) { Write(jobs_ + "/x" + std::to_string(i), ""); };
  for (size_t i = 0; i < kSweepItemsMax; ++i) add(i);
  EXPECT_EQ(Sweep().size(), kSweepItemsMax);
  EXPECT_FALSE(report_.more);
  add(kSweepItemsMax);
  EXPECT_EQ(Sweep().size(), kSweepItemsMax);
  EXPECT_TRUE(report_.more);
}

TEST_F(OrphansTest, WhatIsKeptForEverDoesNotKeepTheRestFromBeingRemoved) {
  // Before the orphan in any order of names, and as many as one sweep reports.
  for (size_t i = 0; i < kSweepItemsMax + 10; ++i) Write(jobs_ + "/a" + std::to_string(i), "");
  const std::string orphan = NewRunId();
  Write(jobs_ + "/" + orphan + "/a.run/output", "1");
  Sweep();
  clock_.Advance(kGraceMs);
  EXPECT_THAT(Sweep(), testing::Contains("REMOVED job jobs/" + orphan));
  EXPECT_TRUE(report_.more);
}

}  // namespace
}  // namespace dcp::daemon
