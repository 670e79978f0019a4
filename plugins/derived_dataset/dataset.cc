// SPDX-License-Identifier: Apache-2.0
//
// See dataset.h.
#include "dataset.h"

#include <openssl/evp.h>

#include <array>
#include <nlohmann/json.hpp>

#include "spark_type.h"

namespace dcp::derived_dataset {
namespace {

Json ParamJson(const ParamSpec& param) {
  Json json = {{"name", param.name}, {"type", param.type}};
  if (param.value) json["value"] = *param.value;
  return json;
}

Json ColumnJson(const ColumnSpec& column) {
  Json json = {{"name", column.name}, {"type", column.type}, {"nullable", column.nullable}};
  if (!column.description.empty()) json["description"] = column.description;
  return json;
}

}  // namespace

Json ColumnsJson(const std::vector<ColumnSpec>& columns) {
  Json list = Json::array();
  for (const ColumnSpec& column : columns) list.push_back(ColumnJson(column));
  return list;
}

Json ParamsJson(const Dataset& dataset) {
  Json list = Json::array();
  for (const ParamSpec& param : dataset.params) list.push_back(ParamJson(param));
  return list;
}

Json SourceJson(const Dataset& dataset) {
  const sdk::yaml::SourceMap& source = dataset.sql_source;
  return {{"file", dataset.sql_path},
          {"line", source.line},
          {"firstLineOffset", source.first_line_offset},
          {"lineOffset", source.line_offset},
          {"exact", source.exact}};
}

Place Dataset::SqlStart() const {
  if (sql_path.empty()) return place;
  const sdk::yaml::Position begin = sql_source.Of({1, 1});
  return {sql_path, begin.line, begin.column};
}

std::vector<ColumnSpec> ColumnsFromJson(const Json& list) {
  std::vector<ColumnSpec> columns;
  if (!list.is_array()) return columns;
  for (const Json& json : list) {
    ColumnSpec column;
    column.name = TextOf(json, "name");
    column.type = StoredType(TextOf(json, "type")).canonical;
    column.nullable = FlagOf(json, "nullable", true);
    column.description = TextOf(json, "description");
    columns.push_back(std::move(column));
  }
  return columns;
}

Json ToJson(const Dataset& dataset) {
  Json columns = Json::array();
  for (const ColumnSpec& column : dataset.columns) {
    Json json = ColumnJson(column);
    json["place"] = ToJson(column.place);
    columns.push_back(std::move(json));
  }
  return {{"id", dataset.id},
          {"table", dataset.table},
          {"place", ToJson(dataset.place)},
          {"sql", dataset.sql},
          {"source", SourceJson(dataset)},
          {"params", ParamsJson(dataset)},
          {"declared", dataset.columns_declared},
          {"columns", std::move(columns)},
          {"partitioning", dataset.partitioning},
          {"properties", dataset.properties},
          {"testRoute", dataset.test_route},
          {"runRoute", dataset.run_route},
          {"reads", dataset.reads},
          {"round", dataset.round},
          {"specHash", dataset.spec_hash},
          {"spec", dataset.spec}};
}

Dataset DatasetFromJson(const Json& json) {
  Dataset dataset;
  dataset.id = TextOf(json, "id");
  dataset.table = TextOf(json, "table");
  dataset.place = PlaceFromJson(Member(json, "place"));
  dataset.sql = TextOf(json, "sql");
  const Json& source = Member(json, "source");
  dataset.sql_path = TextOf(source, "file");
  dataset.sql_source = {static_cast<int>(NumberOf(source, "line")),
                        static_cast<int>(NumberOf(source, "firstLineOffset")),
                        static_cast<int>(NumberOf(source, "lineOffset")), FlagOf(source, "exact")};
  for (const Json& given : Member(json, "params")) {
    ParamSpec param;
    param.name = TextOf(given, "name");
    param.type = TextOf(given, "type");
    if (given.contains("value")) param.value = TextOf(given, "value");
    dataset.params.push_back(std::move(param));
  }
  dataset.columns_declared = FlagOf(json, "declared");
  dataset.columns = ColumnsFromJson(Member(json, "columns"));
  for (size_t i = 0; i < dataset.columns.size(); ++i) {
    dataset.columns[i].place = PlaceFromJson(Member(Member(json, "columns")[i], "place"));
  }
  for (const Json& field : Member(json, "partitioning"))
    dataset.partitioning.push_back(field.get<std::string>());
  for (const auto& [key, value] : Member(json, "properties").items())
    dataset.properties[key] = value.get<std::string>();
  dataset.test_route = TextOf(json, "testRoute");
  dataset.run_route = TextOf(json, "runRoute");
  for (const Json& id : Member(json, "reads")) dataset.reads.push_back(id.get<std::string>());
  dataset.round = static_cast<int>(NumberOf(json, "round"));
  dataset.spec_hash = TextOf(json, "specHash");
  dataset.spec = TextOf(json, "spec");
  return dataset;
}

std::string CanonicalSpec(const Manifest& manifest) {
  Json params = Json::object();
  for (const ParamSpec& param : manifest.params) {
    Json json = {{"type", param.type}};
    if (param.has_default) json["default"] = param.value ? Json(*param.value) : Json();
    params[param.name] = std::move(json);
  }
  size_t dot = manifest.name.rfind('.');
  Json spec = {{"description", manifest.description},
               {"owner", {{"team", manifest.owner_team}, {"email", manifest.owner_email}}},
               {"sql", manifest.sql},
               {"params", std::move(params)},
               {"materialization", {{"type", "full"}}},
               {"table",
                {{"format", "iceberg"},
                 {"partitioning", manifest.partitioning},
                 {"properties", manifest.properties}}},
               {"runtime", {{"test", manifest.test_route}, {"run", manifest.run_route}}}};
  if (manifest.columns_declared) spec["schema"] = {{"columns", ColumnsJson(manifest.columns)}};
  Json all = {{"apiVersion", "dcp/v1"},
              {"kind", "DerivedDataset"},
              {"metadata",
               {{"name", manifest.name.substr(dot + 1)},
                {"namespace", manifest.name.substr(0, dot)},
                {"labels", manifest.labels},
                {"annotations", manifest.annotations}}},
              {"spec", std::move(spec)}};
  return all.dump();  // nlohmann sorts the keys
}

std::string SpecHash(const std::string& spec) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(spec.data(), spec.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    return "";
  constexpr char kHex[] = "0123456789abcdef";
  std::string out = "sha256:";
  for (unsigned int i = 0; i < size; ++i) {
    out += kHex[digest[i] >> 4U];
    out += kHex[digest[i] & 15U];
  }
  return out;
}

}  // namespace dcp::derived_dataset
