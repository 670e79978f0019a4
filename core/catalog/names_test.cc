// SPDX-License-Identifier: Apache-2.0
//
// Names, request targets, the table of endpoints and tokens.
#include "catalog/names.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "catalog/json_text.h"
#include "catalog/router.h"
#include "catalog/tokens.h"
#include "catalog/url.h"

namespace dcp::catalog {
namespace {

TEST(NamesTest, GenerationsOfSimilarNamesNeverMeet) {
  std::set<std::string> roots;
  std::set<std::string> folders;
  for (const char* name : {"fin", "fin-1", "fin-12", "fin-1-2"}) {
    for (const int64_t generation : {1, 2, 11, 12, 111}) {
      EXPECT_TRUE(roots.insert(OverlayRoot(name, generation)).second);
      EXPECT_TRUE(folders.insert(PlaygroundFolder("file:///wh/", name, generation)).second);
    }
  }
  EXPECT_EQ(OverlayRoot("fin-1", 3), "pg_fin-1_3");
  EXPECT_EQ(PlaygroundFolder("file:///wh/", "fin-1", 3), "file:///wh/pg/fin-1-3");
}

TEST(NamesTest, PlacesAreReadBackAndNothingElseIs) {
  for (const char* name : {"a", "a-2", "ab", "a-2-1", "fin-1-2"}) {
    for (const int64_t generation : {int64_t{1}, int64_t{11}, int64_t{1} << 40}) {
      const auto root = ParseOverlayRoot(OverlayRoot(name, generation));
      const std::string path = PlaygroundFolder("file:///wh", name, generation);
      const auto folder = ParseFolderName(path.substr(path.rfind('/') + 1));
      ASSERT_TRUE(root && folder) << path;
      EXPECT_EQ(root->playground, name);
      EXPECT_EQ(root->generation, generation);
      EXPECT_EQ(folder->playground, name);
      EXPECT_EQ(folder->generation, generation);
    }
  }
  EXPECT_EQ(ParseFolderName("a-2-1")->playground, "a-2");  // never generation 1 of "a", nor "2-1"
  for (const char* odd : {"",         "pg",      "pg_",
                          "pg_a",     "pg_a_",   "pg__1",
                          "pg_a_0",   "pg_a_01", "pg_a_+1",
                          "pg_a_-1",  "pg_a_1x", "pg_a_1 ",
                          " pg_a_1",  "PG_a_1",  "pg_A_1",
                          "pg_a_b_1", "pg_a%_1", "pg_a_1_",
                          "pg_a-_1",  "pg_1_1",  "pg_a_99999999999999999999",
                          "a_1",      "pga_1"}) {
    EXPECT_FALSE(ParseOverlayRoot(odd)) << odd;
  }
  for (const char* odd :
       {"", "a", "a-", "-1", "a-0", "a-01", "a-+1", "a--1", "a-1x", "a-1-", "a_1", "A-1", "a.b-1",
        ".a-1", "..", "a%2d1", "a-1.tmp", "1-1", "a-99999999999999999999"}) {
    EXPECT_FALSE(ParseFolderName(odd)) << odd;
  }
}

TEST(NamesTest, OverlayNamesStandForThemselves) {
  for (const std::string& good :
       std::vector<std::string>{"a", "A_b-9", "_x", "9", std::string(128, 'a')}) {
    EXPECT_TRUE(CheckOverlayName(good, "table").ok()) << good;
  }
  for (const std::string& bad : std::vector<std::string>{"", "-a", "a.b", "a/b", "..", "a b", "a%b",
                                                         "ü", "a\n", std::string(129, 'a')}) {
    EXPECT_EQ(CheckOverlayName(bad, "table").code(), Code::kInvalidArgument) << bad;
  }
}

TEST(NamesTest, TableNamesHaveANamespace) {
  const auto table = ParseTableName("a.b.c");
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(table->levels, (Levels{"a", "b"}));
  EXPECT_EQ(Display(*table), "a.b.c");
  for (const char* bad : {"", "a", ".a", "a.", "a..b", "a.b/c"}) {
    EXPECT_FALSE(ParseTableName(bad).ok()) << bad;
  }
  // The name as it was written, not only the level that is missing.
  EXPECT_NE(ParseTableName("nyc.a/../b").status().message().find("\"nyc.a/../b\" cannot be used"),
            std::string::npos);
}

TEST(NamesTest, AssignedLocationsAreRecognisedAndNothingElse) {
  const std::string folder = "file:///wh/pg/fin-1";
  const TableName table{{"nyc"}, "daily"};
  const std::string assigned = NewTableLocation(folder, table);
  EXPECT_NE(assigned, NewTableLocation(folder, table));
  EXPECT_TRUE(IsAssignedLocation(assigned, folder, table));
  EXPECT_TRUE(
      IsAssignedLocation("FILE:/wh/pg//fin-1/nyc/" + assigned.substr(24) + "/", folder, table))
      << assigned;
  for (const std::string& bad :
       {assigned + "0", assigned.substr(0, assigned.size() - 1), assigned + "/x", std::string(),
        folder, folder + "/nyc/daily-" + std::string(32, 'g'),
        folder + "/nyc/daily-" + std::string(31, '0') + "/",
        "file:///wh/pg/fin-10" + assigned.substr(folder.size()),
        folder + "/nyc/../nyc2/daily-" + std::string(32, '0'),
        folder + "/nyc/daily-%30" + std::string(29, '0')}) {
    EXPECT_FALSE(IsAssignedLocation(bad, folder, table)) << bad;
  }
  EXPECT_FALSE(IsAssignedLocation(assigned, folder, {{"nyc"}, "other"}));
}

TEST(UrlTest, DecodesStrictly) {
  const auto target = ParseTarget("/pg/a/v1/namespaces/b%1Fc/tables/d%20e+f/?x=1&y=%2F&z");
  ASSERT_TRUE(target.ok()) << target.status().ToString();
  EXPECT_EQ(target->segments, (std::vector<std::string>{"pg", "a", "v1", "namespaces",
                                                        "b\x1f"
                                                        "c",
                                                        "tables", "d e f"}));
  EXPECT_EQ(target->query.at("y"), "/");
  EXPECT_EQ(target->query.at("z"), "");
  EXPECT_EQ(*SplitNamespace("b\x1f"
                            "c"),
            (Levels{"b", "c"}));
  for (const char* bad : {"", "a", "//a", "/a//b", "/%", "/%4", "/%zz", "/%00", "/a/../b", "/a/%2e",
                          "/a/%2E%2e", "/a?x=1&x=2", "/a?x=%", "/a#b"}) {
    EXPECT_FALSE(ParseTarget(bad).ok()) << bad;
  }
  EXPECT_FALSE(SplitNamespace("").ok());
  EXPECT_FALSE(SplitNamespace("a\x1f").ok());
}

TEST(UrlTest, LevelsOfANamespaceAreBounded) {
  std::string joined = "a";
  for (size_t i = 1; i < kNamespaceLevelsMax; ++i)
    joined +=
        "\x1f"
        "a";
  EXPECT_TRUE(SplitNamespace(joined).ok());
  EXPECT_FALSE(SplitNamespace(joined + "\x1f"
                                       "a")
                   .ok());
}

TEST(UrlTest, EncodesEverythingThatCouldMeanSomething) {
  EXPECT_EQ(EncodeSegment("a/b?c#d%e f\x1f.~-_"), "a%2Fb%3Fc%23d%25e%20f%1F.~-_");
  EXPECT_EQ(EncodeNamespace({"a b", "c"}), "a%20b%1Fc");
}

TEST(RouterTest, FindsEndpoints) {
  const auto commit = FindRoute("POST", {"v1", "namespaces", "nyc", "tables", "t"});
  ASSERT_TRUE(commit.ok());
  EXPECT_EQ(commit->endpoint, Endpoint::kCommitTable);
  EXPECT_TRUE(commit->mutates);
  EXPECT_EQ(commit->name, "t");
  EXPECT_EQ(FindRoute("POST", {"v1", "tables", "rename"})->endpoint, Endpoint::kRenameTable);
  const auto metrics = FindRoute("POST", {"v1", "namespaces", "n", "tables", "t", "metrics"});
  EXPECT_EQ(metrics->endpoint, Endpoint::kReportMetrics);
  EXPECT_FALSE(metrics->mutates);
}

TEST(RouterTest, EveryServedRequestThatIsNotAReadMutates) {
  for (const std::string& line : ServedEndpoints()) {
    const bool reads = line.starts_with("GET ") || line.starts_with("HEAD ");
    std::vector<std::string> segments;
    for (size_t at = line.find('/') + 1; at != 0;) {
      const size_t end = line.find('/', at);
      const std::string part = line.substr(at, end == std::string::npos ? end : end - at);
      if (part != "{prefix}") segments.push_back(part);
      at = end == std::string::npos ? 0 : end + 1;
    }
    const auto route = FindRoute(line.substr(0, line.find(' ')), segments);
    ASSERT_TRUE(route.ok()) << line;
    EXPECT_EQ(route->mutates, !reads && !line.ends_with("/metrics")) << line;
  }
}

TEST(RouterTest, RefusesWhatIsNotInTheTable) {
  for (const auto& [method, segments] : std::vector<std::pair<std::string, Levels>>{
           {"PUT", {"v1", "namespaces"}},
           {"GET", {}},
           {"GET", {"v1"}},
           {"GET", {"v2", "namespaces"}},
           {"GET", {"v1", "namespaces", "n", "tables", "t", "credentials"}},
           {"POST", {"v1", "namespaces", "n", "tables", "t", "plan"}},
           {"POST", {"v1", "oauth", "tokens"}},
           {"GET", {"v1", "namespaces", "n", "tables", "t", "x", "y"}}}) {
    EXPECT_EQ(FindRoute(method, segments).status().code(), Code::kNotFound);
  }
}

TEST(JsonTextTest, DepthIsBounded) {
  const std::string open(kJsonDepthMax, '[');
  EXPECT_TRUE(CheckJsonDepth(open).ok());
  EXPECT_FALSE(CheckJsonDepth(open + "[").ok());
  EXPECT_TRUE(CheckJsonDepth("{\"a\":\"" + std::string(5000, '[') + "\\\"[\"}").ok());
  EXPECT_TRUE(CheckJsonDepth("\"\\").ok());
}

class TokensTest : public testing::Test {
 protected:
  Tokens tokens_{Secret(std::string(32, 'k'))};
  TokensTest() { tokens_.RunLives("r1"); }
  Claims claims_{"ada", "fin-1", 3, "rw", 2'000, "r1", "r1/job"};
  std::string token_ = tokens_.Issue(claims_).Reveal();
};

TEST_F(TokensTest, CarryTheirClaims) {
  const auto claims = tokens_.Verify(token_, 1'999);
  ASSERT_TRUE(claims.ok()) << claims.status().ToString();
  EXPECT_EQ(claims->user, "ada");
  EXPECT_EQ(claims->playground, "fin-1");
  EXPECT_EQ(claims->generation, 3);
  EXPECT_EQ(claims->mode, "rw");
  EXPECT_EQ(claims->expires_at, 2'000);
  EXPECT_EQ(claims->run_id, "r1");
}

TEST_F(TokensTest, AreOverWithTheirRun) {
  EXPECT_EQ(tokens_.Verify(token_, 0)->job, "r1/job");
  tokens_.RunEnded("r1");
  const auto status = tokens_.Verify(token_, 0).status();
  EXPECT_EQ(status.code(), Code::kPermissionDenied);
  EXPECT_EQ(status.message(), "the token was made for run r1, which has ended");
  // Another run, and what was made for none.
  tokens_.RunLives("r2");
  EXPECT_FALSE(tokens_.Verify(token_, 0).ok());
  const Claims others{"ada", "fin-1", 3, "rw", 2'000, "", ""};
  EXPECT_TRUE(tokens_.Verify(tokens_.Issue(others).Reveal(), 0).ok());
  // A process that begins knows no run until it is told.
  Tokens later{Secret(std::string(32, 'k'))};
  EXPECT_EQ(later.Verify(token_, 0).status().code(), Code::kPermissionDenied);
  later.RunLives("r1");
  EXPECT_TRUE(later.Verify(token_, 0).ok());
}

TEST_F(TokensTest, AreOverWithTheirJob) {
  claims_.job = "r1/job/2";
  const std::string next = tokens_.Issue(claims_).Reveal();
  claims_.job = "";
  const std::string of_any = tokens_.Issue(claims_).Reveal();
  tokens_.JobEnded("r1", "r1/job");
  tokens_.JobEnded("r2", "r2/job");  // of a run that is not known
  const auto status = tokens_.Verify(token_, 0).status();
  EXPECT_EQ(status.code(), Code::kPermissionDenied);
  EXPECT_EQ(status.message(), "the token was made for job r1/job of run r1, which has ended");
  EXPECT_TRUE(tokens_.Verify(next, 0).ok());
  EXPECT_TRUE(tokens_.Verify(of_any, 0).ok());
  // What is said again of a run that lives changes nothing.
  tokens_.RunLives("r1");
  EXPECT_FALSE(tokens_.Verify(token_, 0).ok());
}

TEST_F(TokensTest, AreOverAtTheirTime) {
  const auto status = tokens_.Verify(token_, 2'000).status();
  EXPECT_EQ(status.code(), Code::kUnauthenticated);
  EXPECT_EQ(status.message(), "the token expired at 1970-01-01T00:00:02.000Z");
}

TEST_F(TokensTest, EveryChangedCharacterIsNoticed) {
  for (size_t i = 0; i < token_.size(); ++i) {
    std::string forged = token_;
    forged[i] = forged[i] == 'A' ? 'B' : 'A';
    const auto status = tokens_.Verify(forged, 0).status();
    EXPECT_EQ(status.code(), Code::kUnauthenticated) << i;
    EXPECT_EQ(status.message().find(forged), std::string::npos);
  }
}

TEST_F(TokensTest, OtherTextsAreRefused) {
  const std::string body = token_.substr(0, token_.find('.'));
  for (const std::string& bad :
       {std::string(), std::string("."), body, body + ".", token_ + "A", token_ + ".", token_ + "=",
        " " + token_, std::string(5000, 'A'), token_.substr(1), "." + token_}) {
    EXPECT_EQ(tokens_.Verify(bad, 0).status().code(), Code::kUnauthenticated) << bad;
  }
  EXPECT_FALSE(Tokens(Secret(std::string(32, 'x'))).Verify(token_, 0).ok());
}

TEST_F(TokensTest, AModeThatIsNoneIsRefused) {
  claims_.mode = "rwx";
  EXPECT_FALSE(tokens_.Verify(tokens_.Issue(claims_).Reveal(), 0).ok());
}

TEST(NamesTest, LevelsAreCountedEverywhere) {
  Levels levels(kNamespaceLevelsMax, "a");
  EXPECT_TRUE(CheckLevels(levels).ok());
  EXPECT_TRUE(CheckOverlayLevels(levels).ok());
  EXPECT_TRUE(CheckOverlayTable({levels, "t"}).ok());
  levels.push_back("a");
  for (const Status& status :
       {CheckLevels(levels), CheckOverlayLevels(levels), CheckOverlayTable({levels, "t"}),
        ParseTableName(Display(levels) + ".t").status()}) {
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
  }
  EXPECT_FALSE(CheckLevels({}).ok());
  EXPECT_FALSE(CheckLevels({"a", ""}).ok());
}

TEST(NamesTest, WhatIsPurgedHasTheFormThatOnlyWeGive) {
  const std::string folder = "file:///wh/pg/fin-1";
  const std::string hex(32, 'a');
  EXPECT_TRUE(IsTableLocation(NewTableLocation(folder, {{"nyc", "deep"}, "t-1"}), folder));
  EXPECT_TRUE(IsTableLocation("file:/wh/pg/fin-1/nyc/t-" + hex, folder));
  for (const std::string& bad :
       {folder, folder + "/", folder + "/nyc", folder + "/t-" + hex,
        folder + "/nyc/t-" + hex + "/data", folder + "0/nyc/t-" + hex,
        folder + "/nyc/t-" + hex.substr(1), folder + "/nyc/-" + hex, folder + "/nyc/t" + hex,
        folder + "/../fin-2/nyc/t-" + hex, folder + "/%2e%2e/nyc/t-" + hex,
        std::string("file:///wh/nyc/t-") + hex, std::string("s3://wh/pg/fin-1/nyc/t-") + hex,
        std::string()}) {
    EXPECT_FALSE(IsTableLocation(bad, folder)) << bad;
  }
}

TEST(BearerTokenTest, TheSchemeHasNoCase) {
  for (const char* header : {"Bearer a.b", "bearer a.b", "BEARER   a.b"}) {
    EXPECT_EQ(BearerToken(header), "a.b") << header;
  }
  for (const char* header :
       {"", "Bearer", "Bearer ", "Bearera.b", "Basic a.b", "a.b", "bear a.b"}) {
    EXPECT_EQ(BearerToken(header), "") << header;
  }
}

}  // namespace
}  // namespace dcp::catalog
