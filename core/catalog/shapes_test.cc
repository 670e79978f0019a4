// SPDX-License-Identifier: Apache-2.0
//
// Bodies made again: what is null, missing, unknown or of another kind.
#include "catalog/shapes.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace dcp::catalog {
namespace {

using Json = nlohmann::json;

Json Made(Body kind, const std::string& body) {
  const auto made = Remake(kind, body);
  EXPECT_TRUE(made.ok()) << body << ": " << made.status().ToString();
  return made.ok() ? Json::parse(*made) : Json();
}

std::string Why(Body kind, const std::string& body) {
  const auto made = Remake(kind, body);
  EXPECT_EQ(made.status().code(), Code::kInvalidArgument) << body;
  return made.status().message();
}

std::string Update(const std::string& update) { return R"({"updates":[)" + update + "]}"; }

TEST(ShapesTest, NullIsAbsentAndAnAbsentListIsEmpty) {
  const Json empty = Json::parse(R"({"requirements":[],"updates":[]})");
  for (const char* body : {R"({"requirements":null,"updates":[]})", R"({"updates":null})", "{}",
                           R"({"identifier":{"namespace":7},"requirements":[]})"}) {
    EXPECT_EQ(Made(Body::kCommit, body), empty) << body;
  }
  EXPECT_EQ(Made(Body::kCreateNamespace, R"({"namespace":["a"],"properties":null})"),
            Json::parse(R"({"namespace":["a"],"properties":{}})"));
  EXPECT_EQ(Made(Body::kUpdateNamespace, R"({"removals":null})"),
            Json::parse(R"({"removals":[],"updates":{}})"));
  EXPECT_EQ(Made(Body::kCreateTable,
                 R"({"name":"t","schema":{"type":"struct","fields":null,"schema-id":null},
                     "partition-spec":{"spec-id":0,"fields":null},"write-order":null,
                     "properties":null,"stage-create":null,"location":null})"),
            Json::parse(R"({"name":"t","schema":{"type":"struct","fields":[]},
                            "partition-spec":{"spec-id":0,"fields":[]}})"));
}

TEST(ShapesTest, ANullThatMeansSomethingStays) {
  for (const char* more : {"", R"(,"snapshot-id":null)"}) {
    const Json made =
        Made(Body::kCommit, R"({"requirements":[{"type":"assert-ref-snapshot-id","ref":"main")" +
                                std::string(more) + "}]}");
    EXPECT_TRUE(made["requirements"][0].contains("snapshot-id"));
    EXPECT_TRUE(made["requirements"][0]["snapshot-id"].is_null());
  }
}

TEST(ShapesTest, UnknownKeysAreNotPassedOn) {
  EXPECT_EQ(Made(Body::kCommit, Update(R"({"action":"add-schema","initial":true,"schema":{
              "type":"struct","x":1,"fields":[{"id":1,"name":"a","required":false,"y":2,
              "type":{"type":"list","element-id":2,"element":{"type":"map","key-id":3,"key":"int",
                      "value-id":4,"value":"int","value-required":true,"z":1},
                      "element-required":false,"z":1}}]}})"))["updates"],
            Json::parse(R"([{"action":"add-schema","schema":{
              "type":"struct","fields":[{"id":1,"name":"a","required":false,
              "type":{"type":"list","element-id":2,"element":{"type":"map","key-id":3,"key":"int",
                      "value-id":4,"value":"int","value-required":true},
                      "element-required":false}}]}}])"));
  for (const char* action : {"set-properties", "remove-properties"}) {
    EXPECT_NE(
        Why(Body::kCommit, Update(R"({"action":")" + std::string(action) + R"(","Updates":{}})"))
            .find("unknown key \"Updates\""),
        std::string::npos);
  }
}

TEST(ShapesTest, TheMemberAtFaultIsNamed) {
  EXPECT_EQ(Why(Body::kCommit, Update(R"({"action":"set-current-schema"})")),
            "the request's updates[0].schema-id is missing");
  EXPECT_EQ(Why(Body::kCommit, Update(R"({"action":"remove-snapshots","snapshot-ids":[1,1.5]})")),
            "the request's updates[0].snapshot-ids[1] is not a whole number of 64 bits");
  EXPECT_EQ(Why(Body::kRename, R"({"source":{"namespace":["a",7],"name":"b"}})"),
            "the request's source.namespace[1] is not a text");
  EXPECT_EQ(Why(Body::kCreateNamespace, R"({"namespace":["a"],"properties":{"k":1}})"),
            "the request's properties[\"k\"] is not a text");
  EXPECT_EQ(Why(Body::kMetrics, "[]"), "the request body is not a JSON object");
}

TEST(ShapesTest, NumbersAreWholeAndOfTheirSize) {
  const auto judge = [](const char* number) {
    return Remake(Body::kCommit, Update(R"({"action":"set-current-schema","schema-id":)" +
                                        std::string(number) + "}"))
        .ok();
  };
  for (const char* good : {"0", "-1", "2147483647", "-2147483648"})
    EXPECT_TRUE(judge(good)) << good;
  for (const char* bad : {"2147483648", "-2147483649", "1.0", "1e3", "18446744073709551616",
                          "\"1\"", "true", "[]", "{}", "9223372036854775808", "1e999"}) {
    EXPECT_FALSE(judge(bad)) << bad;
  }
  const auto judge_long = [](const char* number) {
    return Remake(Body::kCommit, Update(R"({"action":"remove-statistics","snapshot-id":)" +
                                        std::string(number) + "}"))
        .ok();
  };
  EXPECT_TRUE(judge_long("9223372036854775807"));
  EXPECT_TRUE(judge_long("-9223372036854775808"));
  EXPECT_FALSE(judge_long("9223372036854775808"));
  EXPECT_FALSE(judge_long("-9223372036854775809"));
}

TEST(ShapesTest, TextsAreText) {
  for (const std::string& bad :
       {std::string(R"({"namespace":["\ud800"]})"), std::string("{\"namespace\":[\"\xff\"]}"),
        std::string(R"({"namespace":[null]})")}) {
    EXPECT_FALSE(Remake(Body::kCreateNamespace, bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace dcp::catalog
