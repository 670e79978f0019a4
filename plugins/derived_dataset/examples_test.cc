// SPDX-License-Identifier: Apache-2.0
//
// The manifests of examples/flights compile, alone and as one graph.
#include <filesystem>

#include "test_support.h"

namespace dcp::derived_dataset {
namespace {

Files FlightManifests() {
  Files files;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(DCP_EXAMPLES) + "/flights")) {
    if (entry.path().extension() != ".yaml") continue;
    files.push_back(
        {"flights/" + entry.path().filename().string(), ReadFile(entry.path().string())});
  }
  return files;
}
Files FlightFiles() {
  return {{"flights/sql/busiest_routes.sql",
           ReadFile(std::string(DCP_EXAMPLES) + "/flights/sql/busiest_routes.sql")}};
}

TEST(ExamplesTest, EachCompilesAlone) {
  Files manifests = FlightManifests();
  EXPECT_GE(manifests.size(), 4u);
  for (const auto& manifest : manifests) {
    for (const char* command : {"apply", "test", "run"}) {
      Json response = Compile(command, {manifest}, Json::object(), FlightFiles());
      EXPECT_EQ(Show(response), "") << manifest.first;
      EXPECT_TRUE(response.contains("graph")) << manifest.first;
    }
  }
}

TEST(ExamplesTest, AllOfThemAreOneGraph) {
  Json response = Compile("apply", FlightManifests(), Json::object(), FlightFiles());
  EXPECT_EQ(NodeOf(response, "nyc_marts.monthly_carrier_ranking.ensure")["after"],
            Json({"nyc_marts.daily_carrier_delays.ensure"}));
}

TEST(ExamplesTest, TheSqlFileIsAskedFor) {
  EXPECT_EQ(Compile("test", FlightManifests()).dump(),
            R"({"needsFiles":{"paths":["flights/sql/busiest_routes.sql"]}})");
}

}  // namespace
}  // namespace dcp::derived_dataset
