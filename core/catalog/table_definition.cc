// SPDX-License-Identifier: Apache-2.0
//
// Declared tables to Iceberg JSON, and back.
#include "catalog/table_definition.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "catalog/json_text.h"
#include "catalog/partitioning.h"
#include "catalog/spark_type.h"

namespace dcp::catalog {
namespace {

using Json = nlohmann::json;

/// Iceberg numbers partition fields from here.
constexpr int kPartitionFieldIdFirst = 1000;

std::string Text(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

int64_t Number(const Json& object, const char* key, int64_t fallback) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<int64_t>() : fallback;
}

bool Flag(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

// --- to Iceberg ------------------------------------------------------------------------------

Json FieldsToJson(const std::vector<Field>& fields, int* last_id);

/// Ids are unique in the schema; the catalog assigns its own, in this order.
Json TypeToJson(const Type& type, int* last_id) {
  switch (type.kind) {
    case Type::Kind::kPrimitive:
      return type.primitive;
    case Type::Kind::kList: {
      const int id = ++*last_id;
      return {{"type", "list"},
              {"element-id", id},
              {"element-required", !type.fields.at(0).nullable},
              {"element", TypeToJson(type.fields.at(0).type, last_id)}};
    }
    case Type::Kind::kMap: {
      const int key_id = ++*last_id;
      const int value_id = ++*last_id;
      Json key = TypeToJson(type.fields.at(0).type, last_id);
      return {{"type", "map"},
              {"key-id", key_id},
              {"key", std::move(key)},
              {"value-id", value_id},
              {"value-required", !type.fields.at(1).nullable},
              {"value", TypeToJson(type.fields.at(1).type, last_id)}};
    }
    case Type::Kind::kStruct:
      break;
  }
  return {{"type", "struct"}, {"fields", FieldsToJson(type.fields, last_id)}};
}

Json FieldsToJson(const std::vector<Field>& fields, int* last_id) {
  Json list = Json::array();
  std::vector<int> ids;
  for (size_t i = 0; i < fields.size(); ++i) ids.push_back(++*last_id);
  for (size_t i = 0; i < fields.size(); ++i) {
    Json json = {{"id", ids[i]},
                 {"name", fields[i].name},
                 {"required", !fields[i].nullable},
                 {"type", TypeToJson(fields[i].type, last_id)}};
    if (!fields[i].doc.empty()) json["doc"] = fields[i].doc;
    list.push_back(std::move(json));
  }
  return list;
}

Result<std::vector<Field>> ParseColumns(const std::vector<Column>& columns) {
  if (columns.empty()) return InvalidArgument("the table has no columns");
  std::vector<Field> fields;
  for (const Column& column : columns) {
    if (column.name.empty()) return InvalidArgument("a column has no name");
    for (const Field& other : fields) {
      if (other.name == column.name) {
        return InvalidArgument("the column \"" + column.name + "\" is declared twice");
      }
    }
    Result<Type> type = ParseSparkType(column.type);
    if (!type.ok()) return std::move(type).status().With("column \"" + column.name + "\"");
    fields.push_back({column.name, std::move(type).value(), column.nullable, column.description});
  }
  return fields;
}

Result<std::vector<PartitionField>> ParsePartitioning(const std::vector<std::string>& partitioning,
                                                      const std::vector<Field>& columns) {
  std::vector<PartitionField> fields;
  for (const std::string& text : partitioning) {
    DCP_ASSIGN(PartitionField field, ParsePartitionField(text));
    const auto column = std::find_if(columns.begin(), columns.end(),
                                     [&](const Field& c) { return c.name == field.column; });
    if (column == columns.end()) {
      return InvalidArgument("the partition field \"" + text + "\" names column \"" + field.column +
                             "\", which is not declared");
    }
    DCP_TRY(CheckPartitionType(field, column->type));
    for (const PartitionField& other : fields) {
      if (other.FieldName() == field.FieldName()) {
        return InvalidArgument("the partition field \"" + text + "\" is declared twice");
      }
    }
    fields.push_back(std::move(field));
  }
  return fields;
}

// --- from Iceberg ----------------------------------------------------------------------------

Result<std::vector<Field>> FieldsFromJson(const Json& fields, int depth);

Result<Type> TypeFromJson(const Json& json, int depth) {
  if (depth > kTypeDepthMax) return Internal("a column's type nests too deeply");
  Type type;
  if (json.is_string()) {
    type.primitive = json.get<std::string>();
    // The specification writes "decimal(10, 2)"; one spelling here.
    std::erase(type.primitive, ' ');
    return type;
  }
  if (!json.is_object()) return Internal("the catalog answered with a column that has no type");
  const std::string kind = Text(json, "type");
  if (kind == "list") {
    type.kind = Type::Kind::kList;
    DCP_ASSIGN(Type element, TypeFromJson(json.value("element", Json()), depth + 1));
    type.fields.push_back({"element", std::move(element), !Flag(json, "element-required"), ""});
  } else if (kind == "map") {
    type.kind = Type::Kind::kMap;
    DCP_ASSIGN(Type key, TypeFromJson(json.value("key", Json()), depth + 1));
    DCP_ASSIGN(Type value, TypeFromJson(json.value("value", Json()), depth + 1));
    type.fields.push_back({"key", std::move(key), false, ""});
    type.fields.push_back({"value", std::move(value), !Flag(json, "value-required"), ""});
  } else if (kind == "struct") {
    type.kind = Type::Kind::kStruct;
    DCP_ASSIGN(type.fields, FieldsFromJson(json.value("fields", Json()), depth + 1));
  } else {
    return Internal("the catalog answered with the unknown type \"" + kind + "\"");
  }
  return type;
}

Result<std::vector<Field>> FieldsFromJson(const Json& fields, int depth) {
  if (!fields.is_array()) return Internal("the catalog answered with a schema without fields");
  std::vector<Field> out;
  for (const Json& field : fields) {
    if (!field.is_object()) return Internal("the catalog answered with a broken schema");
    DCP_ASSIGN(Type type, TypeFromJson(field.value("type", Json()), depth));
    out.push_back(
        {Text(field, "name"), std::move(type), !Flag(field, "required"), Text(field, "doc")});
  }
  return out;
}

/// The entry of `list` whose `key` is `id`; null when there is none.
Json FindById(const Json& list, const char* key, int64_t id) {
  if (list.is_array()) {
    for (const Json& entry : list) {
      if (entry.is_object() && Number(entry, key, -1) == id) return entry;
    }
  }
  return {};
}

std::vector<std::string> ReadPartitioning(const Json& spec, const Json& schema) {
  std::vector<std::string> out;
  if (!spec.is_object() || !spec.value("fields", Json()).is_array()) return out;
  const Json columns = schema.value("fields", Json::array());
  for (const Json& field : spec["fields"]) {
    const std::string transform = Text(field, "transform");
    if (transform == "void") continue;  // what is left of a dropped field in format 1
    const Json column = FindById(columns, "id", Number(field, "source-id", -1));
    const std::string name = column.is_object() ? Text(column, "name") : "?";
    out.push_back(PartitionField{name, transform}.ToString());
  }
  return out;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out.empty() ? "nothing" : out;
}

void CompareColumns(const std::vector<Field>& declared, const std::vector<Column>& present,
                    std::vector<std::string>* drift) {
  for (const Field& field : declared) {
    const auto column = std::find_if(present.begin(), present.end(),
                                     [&](const Column& c) { return c.name == field.name; });
    if (column == present.end()) {
      drift->push_back("column \"" + field.name + "\" is declared but not in the table");
      continue;
    }
    const std::string type = SparkDdl(field.type);
    if (type != column->type) {
      drift->push_back("column \"" + field.name + "\" is declared as " + type +
                       " but the table has " + column->type);
    }
    if (field.nullable != column->nullable) {
      drift->push_back("column \"" + field.name + "\" is declared " +
                       (field.nullable ? "nullable" : "not nullable") + " but the table has it " +
                       (column->nullable ? "nullable" : "not nullable"));
    }
  }
  for (const Column& column : present) {
    if (std::none_of(declared.begin(), declared.end(),
                     [&](const Field& f) { return f.name == column.name; })) {
      drift->push_back("column \"" + column.name + "\" is in the table but not declared");
    }
  }
}

}  // namespace

Result<ObservedTable> ReadLoadedTable(const std::string& body) {
  DCP_TRY(CheckJsonDepth(body));
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object() || !json.value("metadata", Json()).is_object()) {
    return Internal("the catalog answered a table load with something else");
  }
  const Json& metadata = json["metadata"];
  ObservedTable table;
  table.uuid = Text(metadata, "table-uuid");
  table.location = Text(metadata, "location");
  table.metadata_location = Text(json, "metadata-location");
  table.snapshot_id = std::max<int64_t>(0, Number(metadata, "current-snapshot-id", 0));
  table.format_version = static_cast<int>(Number(metadata, "format-version", 0));
  const Json schema = FindById(metadata.value("schemas", Json()), "schema-id",
                               Number(metadata, "current-schema-id", 0));
  if (!schema.is_object()) return Internal("the catalog answered a table without its schema");
  DCP_ASSIGN(const std::vector<Field> fields, FieldsFromJson(schema.value("fields", Json()), 0));
  for (const Field& field : fields) {
    table.columns.push_back({field.name, SparkDdl(field.type), field.nullable, field.doc});
  }
  table.partitioning = ReadPartitioning(FindById(metadata.value("partition-specs", Json()),
                                                 "spec-id", Number(metadata, "default-spec-id", 0)),
                                        schema);
  const Json properties = metadata.value("properties", Json::object());
  for (const auto& [key, value] : properties.items()) {
    if (value.is_string()) table.properties[key] = value.get<std::string>();
  }
  return table;
}

Result<std::string> CreateTableBody(const TableSpec& spec, const std::string& name,
                                    const std::string& location, const std::string& playground) {
  DCP_ASSIGN(const std::vector<Field> columns, ParseColumns(spec.columns));
  DCP_ASSIGN(const std::vector<PartitionField> partitioning,
             ParsePartitioning(spec.partitioning, columns));
  int last_id = 0;
  Json schema = {{"type", "struct"}, {"schema-id", 0}, {"fields", FieldsToJson(columns, &last_id)}};
  Json partition_fields = Json::array();
  for (const PartitionField& field : partitioning) {
    const auto column = std::find_if(columns.begin(), columns.end(),
                                     [&](const Field& c) { return c.name == field.column; });
    partition_fields.push_back({{"source-id", column - columns.begin() + 1},
                                {"field-id", kPartitionFieldIdFirst + partition_fields.size()},
                                {"transform", field.transform},
                                {"name", field.FieldName()}});
  }
  Json properties = Json::object();
  for (const auto& [key, value] : spec.properties) properties[key] = value;
  properties[kPlaygroundProperty] = playground;
  const Json body = {{"name", name},
                     {"location", location},
                     {"schema", std::move(schema)},
                     {"partition-spec", {{"spec-id", 0}, {"fields", std::move(partition_fields)}}},
                     {"stage-create", false},
                     {"properties", std::move(properties)}};
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::vector<std::string>> FindDrift(const TableSpec& spec, const ObservedTable& table) {
  DCP_ASSIGN(const std::vector<Field> columns, ParseColumns(spec.columns));
  DCP_ASSIGN(const std::vector<PartitionField> partitioning,
             ParsePartitioning(spec.partitioning, columns));
  std::vector<std::string> drift;
  CompareColumns(columns, table.columns, &drift);
  std::vector<std::string> declared;
  for (const PartitionField& field : partitioning) declared.push_back(field.ToString());
  if (declared != table.partitioning) {
    drift.push_back("the table is partitioned by " + Joined(table.partitioning) +
                    " but declared by " + Joined(declared));
  }
  for (const auto& [key, value] : spec.properties) {
    const auto found = table.properties.find(key);
    std::string present = found == table.properties.end() ? "" : found->second;
    // The format's version is no property of the table once it exists.
    if (key == "format-version") present = std::to_string(table.format_version);
    if (present != value) {
      drift.push_back("property \"" + key + "\" is declared as \"" + value +
                      "\" but the table has " + (present.empty() ? "none" : "\"" + present + "\""));
    }
  }
  return drift;
}

}  // namespace dcp::catalog
