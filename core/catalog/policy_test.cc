// SPDX-License-Identifier: Apache-2.0
//
// Judging write requests, and making answers harmless.
#include "catalog/policy.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "catalog/answers.h"
#include "catalog/namespace_bodies.h"

namespace dcp::catalog {
namespace {

using Json = nlohmann::json;

constexpr char kLocation[] = "file:///wh/pg/fin-1/nyc/own-0a";

std::string Commit(const std::string& update) {
  return R"({"requirements":[{"type":"assert-table-uuid","uuid":"u"}],"updates":[)" + update + "]}";
}

constexpr char kUuid[] = "11111111-2222-3333-4444-555555555555";

CommitTarget Target() { return {kLocation, kUuid}; }

Code Judge(const std::string& update) {
  return PrepareCommit(Commit(update), Target()).status().code();
}

/// A snapshot that has all it must have, and `more`.
std::string Snapshot(const std::string& more) {
  return R"({"action":"add-snapshot","snapshot":{"snapshot-id":7,"timestamp-ms":1,)" + more + "}}";
}

std::string Statistics(const std::string& kind, const std::string& path) {
  return R"({"action":"set-)" + kind + R"(","snapshot-id":7,")" + kind +
         R"(":{"snapshot-id":7,"statistics-path":")" + path +
         R"(","file-size-in-bytes":1,"file-footer-size-in-bytes":1}})";
}

TEST(PolicyTest, OrdinaryCommitsPass) {
  for (
      const std::string& update : {
          std::string(R"({"action":"add-schema","schema":{"type":"struct","fields":[]}})"),
          std::string(
              R"({"action":"set-snapshot-ref","ref-name":"main","type":"branch","snapshot-id":7})"),
          std::string(R"({"action":"set-properties","updates":{"a":"b","gc.enabled":"true"}})"),
          std::string(R"({"action":"set-properties","updates":{"write.data.path":")") + kLocation +
              R"(/elsewhere"}})",
          Snapshot(std::string(R"("manifest-list":")") + kLocation + R"(/metadata/snap.avro")"),
          Statistics("statistics", std::string(kLocation) + "/x.puffin"),
          Statistics("partition-statistics", std::string(kLocation) + "/x.parquet"),
          std::string(R"({"action":"assign-uuid","uuid":")") + kUuid + "\"}",
      }) {
    EXPECT_EQ(Judge(update), Code::kOk) << update;
  }
}

TEST(PolicyTest, LocationsThatLeadOutAreRefused) {
  for (const std::string path :
       {"file:///wh/pg/fin-1/nyc/own-0a2/x", "file:///wh/nyc/x", "s3://b/x",
        "/wh/pg/fin-1/nyc/own-0a/x", "x", "", "file:///wh/pg/fin-1/nyc/own-0a/../x"}) {
    for (const std::string& update :
         {R"({"action":"set-location","location":")" + path + "\"}",
          R"({"action":"set-properties","updates":{"write.data.path":")" + path + "\"}}",
          R"({"action":"set-properties","updated":{"write.data.path":")" + path + "\"}}",
          R"({"action":"set-properties","updates":{"write.metadata.path":")" + path + "\"}}",
          R"({"action":"set-properties","updates":{"write.object-storage.path":")" + path + "\"}}",
          R"({"action":"set-properties","updates":{"write.folder-storage.path":")" + path + "\"}}",
          Snapshot(R"("manifests":[")" + path + "\"]"), Statistics("statistics", path),
          Statistics("partition-statistics", path)}) {
      EXPECT_EQ(Judge(update), Code::kPermissionDenied) << update;
    }
    EXPECT_EQ(Judge(Snapshot(R"("manifest-list":")" + path + "\"")), Code::kPermissionDenied)
        << path;
  }
}

TEST(PolicyTest, WhatIsUnknownIsRefused) {
  EXPECT_EQ(Judge(R"({"action":"add-encryption-key"})"), Code::kPermissionDenied);
  EXPECT_EQ(Judge(R"({"action":""})"), Code::kPermissionDenied);
  EXPECT_EQ(Judge(R"({})"), Code::kPermissionDenied);
  EXPECT_EQ(Judge(R"(7)"), Code::kInvalidArgument);
  EXPECT_EQ(Judge(R"({"action":"add-snapshot","snapshot":{}})"), Code::kInvalidArgument);
  EXPECT_EQ(Judge(R"({"action":"add-snapshot"})"), Code::kInvalidArgument);
  EXPECT_EQ(Judge(R"({"action":"set-properties","updates":{"a":7}})"), Code::kInvalidArgument);
  EXPECT_EQ(Judge(R"({"action":"set-properties","updates":{},"update":{"a":"b"}})"),
            Code::kInvalidArgument);
  EXPECT_EQ(
      PrepareCommit(R"({"requirements":[{"type":"x"}],"updates":[]})", Target()).status().code(),
      Code::kPermissionDenied);
}

TEST(PolicyTest, WhatIsPassedOnIsMadeOfWhatWasJudged) {
  // The second of two equal keys is what this parser sees; the first must not reach another.
  const auto body = PrepareCommit(
      R"({"identifier":{"namespace":["x"],"name":"y"},"requirements":[],"updates":[)"
      R"({"action":"set-location","location":"file:///evil","location":"FILE:/wh/pg/fin-1/nyc/own-0a/"}],)"
      R"("extra":1})",
      Target());
  ASSERT_TRUE(body.ok()) << body.status().ToString();
  EXPECT_EQ(Json::parse(*body), Json::parse(R"({"requirements":[],"updates":[)"
                                            R"({"action":"set-location","location":")" +
                                            std::string(kLocation) + R"("}]})"));
}

TEST(PolicyTest, MalformedBodiesAreSaidSo) {
  for (const char* bad :
       {"", "{", "[]", "null", R"({"requirements":{},"updates":[]})", R"({"requirements":[7]})"}) {
    EXPECT_EQ(ReadCommit(bad).status().code(), Code::kInvalidArgument) << bad;
    EXPECT_EQ(PrepareCommit(bad, Target()).status().code(), Code::kInvalidArgument) << bad;
  }
  for (const char* bad : {"", "[]", "{}", R"({"schema":1})", R"({"schema":{},"stage-create":1})"}) {
    EXPECT_EQ(ReadCreate(bad).status().code(), Code::kInvalidArgument) << bad;
  }
  for (const char* bad : {"", "{}", R"({"source":{"namespace":["a"],"name":"b"}})",
                          R"({"source":{"namespace":[1],"name":"b"},"destination":{}})"}) {
    EXPECT_EQ(ReadRename(bad).status().code(), Code::kInvalidArgument) << bad;
  }
}

TEST(PolicyTest, CreateGetsTheAssignedLocation) {
  const auto body = PrepareCreate(
      R"({"name":"t","schema":{"type":"struct","fields":[]},"location":null,"stage-create":true,"x":1})",
      kLocation);
  ASSERT_TRUE(body.ok()) << body.status().ToString();
  EXPECT_EQ(Json::parse(*body), Json({{"name", "t"},
                                      {"schema", {{"type", "struct"}, {"fields", Json::array()}}},
                                      {"location", kLocation},
                                      {"stage-create", true}}));
  for (const std::string more :
       {R"("location":"file:///x")", R"("properties":{"write.data.path":"file:///x"})",
        R"("properties":{"write.object-storage.enabled":"TRUE"})",
        R"("properties":{"write.location-provider.impl":"x"})"}) {
    const std::string bad = R"({"name":"t","schema":{"type":"struct"},)" + more + "}";
    EXPECT_EQ(PrepareCreate(bad, kLocation).status().code(), Code::kPermissionDenied) << bad;
  }
}

constexpr char kLoad[] = R"({"metadata-location":"file:///m.json","token":"T","metadata":{
  "location":"file:///wh/nyc/flights","current-snapshot-id":9007199254740993,
  "properties":{"gc.enabled":"true","write.object-storage.enabled":"true","a":"b",
                "write.data.path":"file:///wh/x","write.location-provider.impl":"x"}},
  "config":{"s3.secret-access-key":"S","token":"T","s3.endpoint":"http://e"},
  "storage-credentials":[{"prefix":"p","config":{"k":"S"}}]})";

TEST(AnswersTest, ProductionIsDefanged) {
  const auto body = Defang(kLoad, "file:///q");
  ASSERT_TRUE(body.ok());
  EXPECT_EQ(Json::parse(*body), Json::parse(R"({"metadata-location":"file:///m.json",
    "metadata":{"location":"file:///wh/nyc/flights","current-snapshot-id":9007199254740993,
      "properties":{"gc.enabled":"false","a":"b","write.data.path":"file:///q/data",
                    "write.metadata.path":"file:///q/metadata"}},
    "config":{"s3.endpoint":"http://e"}})"));
  EXPECT_TRUE(Defang(R"({"metadata":{}})", "file:///q").ok());
  EXPECT_FALSE(Defang("[]", "file:///q").ok());
}

TEST(AnswersTest, CredentialsAreNeverPassedOn) {
  const auto body = StripCredentials(kLoad);
  ASSERT_TRUE(body.ok());
  const Json json = Json::parse(*body);
  EXPECT_EQ(json["config"], Json({{"s3.endpoint", "http://e"}}));
  EXPECT_FALSE(json.contains("storage-credentials"));
  EXPECT_FALSE(json.contains("token"));
  EXPECT_EQ(json["metadata"]["properties"]["gc.enabled"], "true");
}

TEST(AnswersTest, UpstreamErrorsLoseStackAndOverlayNames) {
  const HttpResponse answer = UpstreamError(
      {409,
       R"({"error":{"message":"no pg_a_1.nyc.t in pg_a_1.nyc","type":"X","code":409,"stack":["s"]}})"},
      "pg_a_1.");
  EXPECT_EQ(Json::parse(answer.body),
            Json::parse(R"({"error":{"message":"no nyc.t in nyc","type":"X","code":409}})"));
  for (const auto& [code, wanted] : std::vector<std::pair<int, int>>{
           {400, 400}, {414, 400}, {431, 400}, {404, 503}, {403, 503}, {500, 503}, {502, 503}}) {
    for (const char* body : {"<html>", "", "{}", R"({"error":7})", R"({"message":"x"})"}) {
      EXPECT_EQ(UpstreamError({code, body}, "").code, wanted) << code << " " << body;
    }
  }
  const std::string error = R"({"error":{"message":"m","type":"T"}})";
  for (const auto& [code, wanted] : std::vector<std::pair<int, int>>{
           {400, 400}, {404, 404}, {422, 422}, {429, 503}, {500, 500}, {503, 503}, {504, 503}}) {
    EXPECT_EQ(UpstreamError({code, error}, "").code, wanted) << code;
  }
}

TEST(AnswersTest, EveryCodeHasAnHttpStatus) {
  const std::vector<std::pair<Code, int>> kWanted = {
      {Code::kInvalidArgument, 400},   {Code::kUnauthenticated, 401},
      {Code::kPermissionDenied, 403},  {Code::kFailedPrecondition, 403},
      {Code::kNotFound, 404},          {Code::kAlreadyExists, 409},
      {Code::kUnavailable, 503},       {Code::kUnknown, 503},
      {Code::kResourceExhausted, 503}, {Code::kInternal, 500},
      {Code::kCancelled, 503},         {Code::kDeadlineExceeded, 503},
      {Code::kAborted, 500},           {Code::kOutOfRange, 500},
      {Code::kUnimplemented, 500},     {Code::kDataLoss, 500},
  };
  for (const auto& [code, http] : kWanted) {
    EXPECT_EQ(StatusAnswer(Status(code, "x")).code, http) << CodeName(code);
  }
}

TEST(NamespaceBodiesTest, NamespacesTakeNoLocation) {
  EXPECT_EQ(*ReadNamespace(R"({"namespace":["a","b"]})"), (Levels{"a", "b"}));
  EXPECT_FALSE(ReadNamespace(R"({"namespace":[]})").ok());
  EXPECT_FALSE(ReadNamespace(R"({"namespace":["a.b"]})").ok());
  EXPECT_FALSE(ReadNamespace(R"({"namespace":"a"})").ok());
  EXPECT_EQ(
      NamespaceBody({"a"}, R"({"namespace":["a"],"properties":{"location":"x"}})").status().code(),
      Code::kPermissionDenied);
  for (const char* body : {R"({"updates":{"location":"x"}})", R"({"removals":["location"]})"}) {
    EXPECT_EQ(NamespaceUpdateBody(body).status().code(), Code::kPermissionDenied) << body;
  }
  EXPECT_EQ(NamespaceUpdateBody(R"({"updates":{"a":"x"},"removals":["a"]})").status().code(),
            Code::kFailedPrecondition);
}

TEST(NamespaceBodiesTest, WhatIsPassedOnIsMadeOfWhatWasJudged) {
  const auto body = NamespaceUpdateBody(
      R"({"updates":{"location":"file:///evil"},"updates":{"a":"x"},"removals":null,"more":{"location":"x"}})");
  ASSERT_TRUE(body.ok());
  EXPECT_EQ(Json::parse(*body), Json::parse(R"({"updates":{"a":"x"},"removals":[]})"));
  EXPECT_EQ(NamespaceUpdateAnswer(R"({"updated":["a"],"missing":null,"token":"T"})"),
            R"({"missing":[],"removed":[],"updated":["a"]})");
}

TEST(PolicyTest, AUuidIsAssignedOnce) {
  const std::string other =
      R"({"action":"assign-uuid","uuid":"99999999-2222-3333-4444-555555555555"})";
  EXPECT_EQ(Judge(other), Code::kInvalidArgument);
  EXPECT_TRUE(PrepareCommit(Commit(other), {kLocation, ""}).ok());
  EXPECT_EQ(Judge(R"({"action":"assign-uuid","uuid":"u"})"), Code::kInvalidArgument);
  EXPECT_EQ(PrepareCommit(Commit(R"({"action":"assign-uuid","uuid":""})"), {kLocation, ""})
                .status()
                .code(),
            Code::kInvalidArgument);
}

}  // namespace
}  // namespace dcp::catalog
