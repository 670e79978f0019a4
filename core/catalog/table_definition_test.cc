// SPDX-License-Identifier: Apache-2.0
//
// Types, partitioning, and a declared table against an Iceberg one.
#include "catalog/table_definition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "catalog/partitioning.h"
#include "catalog/spark_type.h"

namespace dcp::catalog {
namespace {

using Json = nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(SparkTypeTest, ReadsDdlAndIcebergSpellings) {
  const std::vector<std::pair<std::string, std::string>> kCases = {
      {"INT", "int"},
      {" tinyint ", "int"},
      {"smallint", "int"},
      {"long", "bigint"},
      {"BIGINT", "bigint"},
      {"decimal", "decimal(10,0)"},
      {"decimal( 12 , 2 )", "decimal(12,2)"},
      {"dec(5)", "decimal(5,0)"},
      {"varchar(10)", "string"},
      {"char(1)", "string"},
      {"timestamp", "timestamp"},
      {"timestamptz", "timestamp"},
      {"timestamp_ltz", "timestamp"},
      {"timestamp_ntz", "timestamp_ntz"},
      {"array<int>", "array<int>"},
      {"map<string, array<bigint>>", "map<string,array<bigint>>"},
      {"struct<a:int, b string NOT NULL COMMENT 'it''s'>", "struct<a:int,b:string NOT NULL>"},
      {"struct<`odd name``s`:date>", "struct<`odd name``s`:date>"},
  };
  for (const auto& [text, wanted] : kCases) {
    const auto type = ParseSparkType(text);
    ASSERT_TRUE(type.ok()) << text << ": " << type.status().ToString();
    EXPECT_EQ(SparkDdl(*type), wanted) << text;
    EXPECT_EQ(SparkDdl(*ParseSparkType(wanted)), wanted);
  }
}

TEST(SparkTypeTest, SaysWhatIsNoType) {
  for (const char* bad : {"",
                          "itn",
                          "int int",
                          "array",
                          "array<>",
                          "array<int",
                          "map<int>",
                          "map<int,>",
                          "struct<>",
                          "struct<a>",
                          "struct<a:>",
                          "struct<a:int,>",
                          "struct<a:int,a:int>",
                          "struct<`a:int>",
                          "decimal(0)",
                          "decimal(39,1)",
                          "decimal(5,6)",
                          "decimal(5",
                          "decimal(-1)",
                          "char",
                          "char(0)",
                          "varchar(x)",
                          "interval",
                          "void",
                          "variant",
                          "struct<a:int NOT>",
                          "struct<a:int COMMENT x>",
                          "int>",
                          "decimal(99999999999)"}) {
    EXPECT_EQ(ParseSparkType(bad).status().code(), Code::kInvalidArgument) << bad;
  }
  EXPECT_THAT(ParseSparkType("array<itn>").status().message(), HasSubstr("\"itn\" is unknown"));
}

TEST(SparkTypeTest, NestingIsBounded) {
  const auto nested = [](int depth) {
    std::string text;
    for (int i = 0; i < depth; ++i) text += "array<";
    return text + "int" + std::string(static_cast<size_t>(depth), '>');
  };
  EXPECT_TRUE(ParseSparkType(nested(kTypeDepthMax)).ok());
  EXPECT_FALSE(ParseSparkType(nested(kTypeDepthMax + 1)).ok());
  EXPECT_FALSE(ParseSparkType(nested(100'000)).ok());
}

TEST(PartitioningTest, ReadsTransforms) {
  const std::vector<std::pair<std::string, std::string>> kCases = {
      {"origin", "origin"},
      {"`origin`", "origin"},
      {"identity(origin)", "origin"},
      {"MONTHS( at )", "month(at)"},
      {"year(at)", "year(at)"},
      {"date(at)", "day(at)"},
      {"hours(at)", "hour(at)"},
      {"bucket(16,id)", "bucket(16, id)"},
      {"truncate(4, name)", "truncate(4, name)"},
  };
  for (const auto& [text, wanted] : kCases) {
    const auto field = ParsePartitionField(text);
    ASSERT_TRUE(field.ok()) << text;
    EXPECT_EQ(field->ToString(), wanted);
  }
  EXPECT_EQ(ParsePartitionField("bucket(4, id)")->FieldName(), "id_bucket");
  EXPECT_EQ(ParsePartitionField("truncate(4, id)")->FieldName(), "id_trunc");
  EXPECT_EQ(ParsePartitionField("month(at)")->FieldName(), "at_month");
  for (const char* bad :
       {"", "week(at)", "month()", "month(a,b)", "month(at", "bucket(id)", "bucket(0, id)",
        "bucket(-1, id)", "bucket(x, id)", "bucket(4,)", "bucket(9999999999, id)"}) {
    EXPECT_FALSE(ParsePartitionField(bad).ok()) << bad;
  }
}

TEST(PartitioningTest, KnowsWhichTypesFit) {
  const auto fits = [](const char* field, const char* type) {
    return CheckPartitionType(*ParsePartitionField(field), *ParseSparkType(type)).ok();
  };
  EXPECT_TRUE(fits("month(c)", "date"));
  EXPECT_TRUE(fits("hour(c)", "timestamp_ntz"));
  EXPECT_FALSE(fits("hour(c)", "date"));
  EXPECT_FALSE(fits("month(c)", "string"));
  EXPECT_TRUE(fits("bucket(2, c)", "decimal(5,2)"));
  EXPECT_FALSE(fits("bucket(2, c)", "double"));
  EXPECT_TRUE(fits("truncate(2, c)", "decimal(5,2)"));
  EXPECT_FALSE(fits("truncate(2, c)", "date"));
  EXPECT_FALSE(fits("c", "array<int>"));
}

TableSpec Spec() {
  TableSpec spec;
  spec.table = "nyc.daily";
  spec.columns = {{"day", "date", false, "local day"},
                  {"delays", "array<struct<why:string>>", true, ""},
                  {"by", "map<string,int>", true, ""}};
  spec.partitioning = {"month(day)"};
  spec.properties = {{"a", "b"}};
  return spec;
}

TEST(TableDefinitionTest, CreateBodyNumbersEveryField) {
  const auto body = CreateTableBody(Spec(), "daily", "file:///x", "fin-1");
  ASSERT_TRUE(body.ok()) << body.status().ToString();
  EXPECT_EQ(Json::parse(*body), Json::parse(R"({
    "name":"daily","location":"file:///x","stage-create":false,
    "properties":{"a":"b","pretzel.playground":"fin-1"},
    "partition-spec":{"spec-id":0,"fields":[
      {"source-id":1,"field-id":1000,"transform":"month","name":"day_month"}]},
    "schema":{"type":"struct","schema-id":0,"fields":[
      {"id":1,"name":"day","required":true,"type":"date","doc":"local day"},
      {"id":2,"name":"delays","required":false,"type":{"type":"list","element-id":4,
        "element-required":false,"element":{"type":"struct","fields":[
          {"id":5,"name":"why","required":false,"type":"string"}]}}},
      {"id":3,"name":"by","required":false,"type":{"type":"map","key-id":6,"key":"string",
        "value-id":7,"value-required":false,"value":"int"}}]}})"));
}

/// What a catalog answers for a table that was created from `body`.
std::string Loaded(const std::string& body) {
  const Json create = Json::parse(body);
  return Json({{"metadata-location", "file:///m.json"},
               {"metadata",
                {{"format-version", 2},
                 {"table-uuid", "u"},
                 {"location", create["location"]},
                 {"current-schema-id", 0},
                 {"schemas", {create["schema"]}},
                 {"default-spec-id", 0},
                 {"partition-specs", {create["partition-spec"]}},
                 {"current-snapshot-id", -1},
                 {"properties", create["properties"]}}}})
      .dump();
}

TEST(TableDefinitionTest, ATableThatWasCreatedSoHasNoDrift) {
  const auto table = ReadLoadedTable(Loaded(*CreateTableBody(Spec(), "t", "file:///x", "p")));
  ASSERT_TRUE(table.ok()) << table.status().ToString();
  EXPECT_EQ(table->snapshot_id, 0);
  EXPECT_EQ(table->uuid, "u");
  EXPECT_EQ(table->columns[1].type, "array<struct<why:string>>");
  EXPECT_THAT(table->partitioning, ElementsAre("month(day)"));
  EXPECT_THAT(*FindDrift(Spec(), *table), IsEmpty());
  TableSpec versioned = Spec();
  versioned.properties.emplace_back("format-version", "2");
  EXPECT_THAT(*FindDrift(versioned, *table), IsEmpty());
}

TEST(TableDefinitionTest, EveryDifferenceIsOneSentence) {
  const auto table = ReadLoadedTable(Loaded(*CreateTableBody(Spec(), "t", "file:///x", "p")));
  TableSpec changed = Spec();
  changed.columns = {{"day", "timestamp", true, ""},
                     {"by", "map<string,int>", true, ""},
                     {"more", "int", true, ""}};
  changed.partitioning = {};
  changed.properties = {{"a", "c"}, {"z", "1"}, {"format-version", "3"}};
  EXPECT_THAT(*FindDrift(changed, *table),
              ElementsAre("column \"day\" is declared as timestamp but the table has date",
                          "column \"day\" is declared nullable but the table has it not nullable",
                          "column \"more\" is declared but not in the table",
                          "column \"delays\" is in the table but not declared",
                          "the table is partitioned by month(day) but declared by nothing",
                          "property \"a\" is declared as \"c\" but the table has \"b\"",
                          "property \"z\" is declared as \"1\" but the table has none",
                          "property \"format-version\" is declared as \"3\" but the table has "
                          "\"2\""));
}

TEST(TableDefinitionTest, ErrorsNameColumnAndText) {
  TableSpec spec = Spec();
  spec.columns[1].type = "array<itn>";
  EXPECT_THAT(CreateTableBody(spec, "t", "l", "p").status().message(),
              testing::AllOf(HasSubstr("column \"delays\""), HasSubstr("array<itn>")));
  spec = Spec();
  spec.partitioning = {"hour(day)"};
  EXPECT_THAT(CreateTableBody(spec, "t", "l", "p").status().message(),
              testing::AllOf(HasSubstr("hour(day)"), HasSubstr("column \"day\" of type date")));
  spec.partitioning = {"month(day)", "month(day)"};
  EXPECT_FALSE(CreateTableBody(spec, "t", "l", "p").ok());
  spec = Spec();
  spec.columns.push_back(spec.columns[0]);
  EXPECT_FALSE(CreateTableBody(spec, "t", "l", "p").ok());
}

TEST(TableDefinitionTest, BrokenAnswersAreErrors) {
  for (const char* bad :
       {"", "[]", "{}", R"({"metadata":1})", R"({"metadata":{}})",
        R"({"metadata":{"schemas":[{"schema-id":0}],"current-schema-id":0}})",
        R"({"metadata":{"schemas":[{"schema-id":0,"fields":[7]}],"current-schema-id":0}})",
        R"({"metadata":{"schemas":[{"schema-id":0,"fields":[{"type":7}]}],"current-schema-id":0}})",
        R"({"metadata":{"schemas":[{"schema-id":0,"fields":[{"type":{"type":"x"}}]}]}})"}) {
    EXPECT_FALSE(ReadLoadedTable(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace dcp::catalog
