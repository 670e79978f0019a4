// SPDX-License-Identifier: Apache-2.0
//
// Purging over a catalog that fails at every call in turn, beside neighbours whose names are as
// near as names can be. tests/spark/catalog_facade_test.py purges over the real one.
#include "catalog/sweeping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "catalog/catalog.h"
#include "catalog/names.h"
#include "catalog/testing/fake_overlay.h"
#include "store/testing.h"

namespace dcp::catalog {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::FakeOverlay;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class SweepingTest : public ::testing::Test {
 protected:
  SweepingTest() {
    std::string pattern = ::testing::TempDir() + "dcp_sweeping_XXXXXX";
    folder_ = mkdtemp(pattern.data());
    store_ = store::OpenCounting(folder_ + "/state.db").value();
    Settings settings;
    settings.production = {overlay_.uri(), Secret("s")};
    settings.overlay = {overlay_.uri(), Secret("s")};
    settings.overlay_warehouse = "file://" + folder_ + "/wh";
    catalog_ = Catalog::Start(settings, *store_, tokens_, clock_).value();
  }
  ~SweepingTest() override {
    catalog_.reset();
    store_.reset();
    fs::remove_all(folder_);
  }

  std::string FolderOf(const std::string& playground, int64_t generation) const {
    return folder_ + "/wh/pg/" + playground + "-" + std::to_string(generation);
  }
  static void Write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path) << text;
  }
  /// Two tables in namespaces of different depth, and three files.
  void Fill(const std::string& playground, int64_t generation) {
    const std::string root = OverlayRoot(playground, generation);
    overlay_.Add({root, "lab"}, "one");
    overlay_.Add({root, "lab", "deep"}, "two");
    overlay_.Add({root, "lab_"}, "");
    Write(FolderOf(playground, generation) + "/lab/one-1/data/a.parquet", "12345");
    Write(FolderOf(playground, generation) + "/lab/one-1/metadata/m.json", "{}");
    Write(FolderOf(playground, generation) + "/lab/deep/two-2/data/b.parquet", "123");
  }
  /// Everything, on both sides, that is not that generation's.
  std::vector<std::string> OthersThan(const std::string& playground, int64_t generation) const {
    std::vector<std::string> lines;
    const std::string root = OverlayRoot(playground, generation);
    for (const std::string& line : overlay_.Listing()) {
      const bool own = line == root || line.starts_with(root + ".") || line.starts_with(root + ":");
      if (!own) lines.push_back(line);
    }
    const std::string folder = FolderOf(playground, generation);
    for (const auto& entry : fs::recursive_directory_iterator(folder_ + "/wh/pg")) {
      const std::string path = entry.path();
      if (path != folder && !path.starts_with(folder + "/")) lines.push_back(path);
    }
    return lines;
  }
  bool IsGone(const std::string& playground, int64_t generation) const {
    const size_t all = overlay_.Listing().size();
    size_t others = 0;
    const std::string root = OverlayRoot(playground, generation);
    for (const std::string& line : overlay_.Listing()) {
      others +=
          line == root || line.starts_with(root + ".") || line.starts_with(root + ":") ? 0 : 1;
    }
    return all == others && !fs::exists(FolderOf(playground, generation));
  }

  std::string folder_;
  ManualClock clock_;
  FakeOverlay overlay_;
  Tokens tokens_{Secret(std::string(32, 'k'))};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Catalog> catalog_;
};

struct Neighbour {
  const char* name;
  int64_t generation;
};
constexpr Neighbour kNeighbours[] = {{"a", 11}, {"a", 2},   {"a-1", 1},  {"a-1", 11}, {"a-2", 1},
                                     {"ab", 1}, {"a1", 1},  {"aa", 1},   {"b", 1},    {"a-1-1", 1},
                                     {"a", 10}, {"a-x", 1}, {"a-11", 1}, {"a", 111}};

TEST_F(SweepingTest, PurgesOneGenerationAndNoNeighbour) {
  for (const Neighbour& each : kNeighbours) Fill(each.name, each.generation);
  // What no playground has made, but a careless prefix or a LIKE would take for one of "a".
  for (const char* odd : {"pg_a_1_", "pg_a_1x", "pg_a%_1", "pgXaX1", "pg_a_01", "pg_a"}) {
    overlay_.Add({odd, "lab"}, "one");
    Write(folder_ + "/wh/pg/" + odd + "/f", "x");
  }
  Write(folder_ + "/wh/pg/a-1.bak/f", "x");
  Write(folder_ + "/wh/pg/a", "x");
  Fill("a", 1);
  const auto others = OthersThan("a", 1);
  EXPECT_EQ(catalog_->Purge("a", 1, {}).value(), 2);
  EXPECT_TRUE(IsGone("a", 1));
  EXPECT_EQ(OthersThan("a", 1), others);
  EXPECT_EQ(catalog_->Purge("a", 1, {}).value(), 0);  // again, over nothing
  EXPECT_EQ(OthersThan("a", 1), others);
}

TEST_F(SweepingTest, EachNeighbourCanGoAlone) {
  for (const Neighbour& gone : kNeighbours) {
    for (const Neighbour& each : kNeighbours) Fill(each.name, each.generation);
    const auto others = OthersThan(gone.name, gone.generation);
    ASSERT_TRUE(catalog_->Purge(gone.name, gone.generation, {}).ok());
    EXPECT_TRUE(IsGone(gone.name, gone.generation)) << gone.name << gone.generation;
    EXPECT_EQ(OthersThan(gone.name, gone.generation), others) << gone.name << gone.generation;
  }
}

TEST_F(SweepingTest, RefusesWhatIsNoPlayground) {
  Fill("a", 1);
  const auto everything = OthersThan("zzz", 1);
  for (const char* name : {"", ".", "..", "../pg/a", "a/", "a_1", "A", "%", "a\n"}) {
    EXPECT_FALSE(catalog_->Purge(name, 1, {}).ok()) << name;
    EXPECT_FALSE(catalog_->Measure(name, 1).ok()) << name;
  }
  EXPECT_FALSE(catalog_->Purge("a", 0, {}).ok());
  EXPECT_FALSE(catalog_->Purge("a", -1, {}).ok());
  EXPECT_EQ(OthersThan("zzz", 1), everything);
}

/// The n-th call fails, for every n until none does; whatever was done by then, the next purge goes
/// on and ends in the same state.
TEST_F(SweepingTest, GoesOnWhereverItWasBrokenOff) {
  for (const auto fault : {FakeOverlay::Fault::kBefore, FakeOverlay::Fault::kAfter}) {
    int calls = 0;
    for (int n = 1;; ++n) {
      Fill("a", 1);
      Fill("a-1", 1);
      const auto others = OthersThan("a", 1);
      overlay_.FailAt(n, fault);
      const auto first = catalog_->Purge("a", 1, {});
      if (!overlay_.failed()) {
        EXPECT_TRUE(first.ok());
        EXPECT_TRUE(IsGone("a", 1));
        break;
      }
      calls = n;
      ASSERT_FALSE(first.ok()) << "call " << n;
      EXPECT_EQ(first.status().code(), Code::kUnavailable) << first.status().ToString();
      // Files go last: wherever it stopped, no table is left without its files.
      EXPECT_TRUE(fs::exists(FolderOf("a", 1) + "/lab/one-1/data/a.parquet")) << "call " << n;
      overlay_.FailAt(0, fault);
      ASSERT_TRUE(catalog_->Purge("a", 1, {}).ok()) << "call " << n;
      EXPECT_TRUE(IsGone("a", 1)) << "call " << n;
      EXPECT_EQ(OthersThan("a", 1), others) << "call " << n;
    }
    EXPECT_GE(calls, 15);  // two tables, four namespaces, their listings in pages
  }
}

/// The same with every failure in one purge after another: each goes at least one call further.
TEST_F(SweepingTest, EndsThoughEachTryFailsOneCallLater) {
  Fill("a", 1);
  int tries = 1;
  for (;; ++tries) {
    overlay_.FailAt(tries, FakeOverlay::Fault::kAfter);
    if (catalog_->Purge("a", 1, {}).ok()) break;
    ASSERT_LT(tries, 100);
  }
  EXPECT_TRUE(IsGone("a", 1));
  EXPECT_GT(tries, 3);
}

TEST_F(SweepingTest, GoesOnWithFilesThatAreHalfGone) {
  Fill("a", 1);
  fs::remove_all(FolderOf("a", 1) + "/lab/one-1/data");
  ASSERT_TRUE(catalog_->Purge("a", 1, {}).ok());
  EXPECT_TRUE(IsGone("a", 1));
}

TEST_F(SweepingTest, TakesWhatSlipsInBehindIt) {
  Fill("a", 1);
  const std::string root = OverlayRoot("a", 1);
  overlay_.BeforeDrop({root, "lab"}, [&] { overlay_.Add({root, "lab"}, "late"); });
  overlay_.BeforeDrop({root}, [&] { overlay_.Add({root, "new", "ns"}, "later"); });
  EXPECT_EQ(catalog_->Purge("a", 1, {}).value(), 4);
  EXPECT_TRUE(IsGone("a", 1));
}

TEST_F(SweepingTest, GivesUpOnAStreamOfNewTables) {
  Fill("a", 1);
  const std::string root = OverlayRoot("a", 1);
  std::function<void()> again = [&] {
    overlay_.Add({root, "lab"}, "late");
    overlay_.BeforeDrop({root, "lab"}, again);
  };
  overlay_.BeforeDrop({root, "lab"}, again);
  const Status status = catalog_->Purge("a", 1, {}).status();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("lab"));
  EXPECT_TRUE(fs::exists(FolderOf("a", 1)));
  overlay_.BeforeDrop({root, "lab"}, [] {});
  EXPECT_TRUE(catalog_->Purge("a", 1, {}).ok());
}

TEST_F(SweepingTest, MeasuresWhatPurgeWouldTake) {
  EXPECT_EQ(catalog_->Measure("a", 1)->files, 0);
  Fill("a", 1);
  Fill("a-1", 1);
  const auto before = OthersThan("zzz", 1);
  const auto footprint = catalog_->Measure("a", 1).value();
  EXPECT_THAT(footprint.tables, ElementsAre("lab.deep.two", "lab.one"));
  EXPECT_EQ(footprint.files, 3);
  EXPECT_EQ(footprint.bytes, 10);
  EXPECT_EQ(OthersThan("zzz", 1), before);
  EXPECT_EQ(catalog_->Purge("a", 1, {}).value(), static_cast<int64_t>(footprint.tables.size()));
}

TEST_F(SweepingTest, FindsWhoseThingsAreThere) {
  EXPECT_THAT(catalog_->FindTraces()->places, IsEmpty());
  Fill("a", 1);
  Fill("a", 11);
  fs::remove_all(FolderOf("a", 11));
  Write(FolderOf("ab", 3) + "/f", "x");
  overlay_.Add({"default"}, "");
  overlay_.Add({"pg_a_01"}, "");
  Write(folder_ + "/wh/pg/a-01/f", "x");
  Write(folder_ + "/wh/pg/b-1", "a file, no folder");
  fs::create_directory_symlink(FolderOf("a", 1), FolderOf("c", 1));
  const auto traces = catalog_->FindTraces().value();
  std::vector<std::string> places;
  for (const Trace& trace : traces.places) {
    places.push_back(trace.playground + " " + std::to_string(trace.generation) +
                     (trace.in_catalog ? " catalog" : "") + (trace.on_disk ? " disk" : ""));
  }
  EXPECT_THAT(places, ElementsAre("a 1 catalog disk", "a 11 catalog", "ab 3 disk"));
  const std::string pg = "file " + folder_ + "/wh/pg/";
  EXPECT_THAT(traces.strangers, ElementsAre("namespace default", "namespace pg_a_01", pg + "a-01",
                                            pg + "b-1", pg + "c-1"));
}

}  // namespace
}  // namespace dcp::catalog
