// SPDX-License-Identifier: Apache-2.0
#include "ddl.h"

#include <spark/connect/types.pb.h>

#include <array>

#include "lexer.h"

namespace dcp::spark_connect {
namespace {

using spark::connect::DataType;

std::string Write(const DataType& type, int depth);

// A field's name, quoted unless it reads as one word.
std::string Name(const std::string& name) {
  bool plain = !name.empty() && (name.front() < '0' || name.front() > '9');
  std::string quoted = "`";
  for (const char c : name) {
    plain = plain && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_');
    quoted += c;
    if (c == '`') quoted += c;
  }
  return plain ? name : quoted + "`";
}

std::string Struct(const DataType::Struct& type, int depth) {
  std::string out = "struct<";
  for (int i = 0; i < type.fields_size(); ++i) {
    const auto& field = type.fields(i);
    if (i > 0) out += ",";
    out += Name(field.name()) + ":" + Write(field.data_type(), depth);
    if (!field.nullable()) out += " NOT NULL";
  }
  return out + ">";
}

template <typename T>
std::string Interval(const T& type, const std::array<const char*, 4>& units, int last) {
  const int start = type.has_start_field() ? type.start_field() : 0;
  const int end = type.has_end_field() ? type.end_field() : last;
  if (start < 0 || start > 3 || end < 0 || end > 3) return "interval";
  const std::string from = std::string("interval ") + units.at(static_cast<size_t>(start));
  return start == end ? from : from + " to " + units.at(static_cast<size_t>(end));
}

std::string Composite(const DataType& type, int depth) {
  switch (type.kind_case()) {
    case DataType::kArray:
      return "array<" + Write(type.array().element_type(), depth) + ">";
    case DataType::kMap:
      return "map<" + Write(type.map().key_type(), depth) + "," +
             Write(type.map().value_type(), depth) + ">";
    case DataType::kStruct:
      return Struct(type.struct_(), depth);
    case DataType::kUdt:
      return type.udt().has_sql_type() ? Write(type.udt().sql_type(), depth) : "udt";
    case DataType::kUnparsed:
      return type.unparsed().data_type_string();
    default:
      return "unknown";
  }
}

std::string Write(const DataType& type, int depth) {
  if (depth > kTypeDepthMax) return "...";
  switch (type.kind_case()) {
    case DataType::kNull:
      return "void";
    case DataType::kBinary:
      return "binary";
    case DataType::kBoolean:
      return "boolean";
    case DataType::kByte:
      return "tinyint";
    case DataType::kShort:
      return "smallint";
    case DataType::kInteger:
      return "int";
    case DataType::kLong:
      return "bigint";
    case DataType::kFloat:
      return "float";
    case DataType::kDouble:
      return "double";
    case DataType::kDecimal: {
      const auto& decimal = type.decimal();
      return "decimal(" + std::to_string(decimal.has_precision() ? decimal.precision() : 10) + "," +
             std::to_string(decimal.has_scale() ? decimal.scale() : 0) + ")";
    }
    case DataType::kString: {
      const std::string& collation = type.string().collation();
      return collation.empty() || collation == "UTF8_BINARY" ? "string"
                                                             : "string collate " + collation;
    }
    case DataType::kChar:
      return "char(" + std::to_string(type.char_().length()) + ")";
    case DataType::kVarChar:
      return "varchar(" + std::to_string(type.var_char().length()) + ")";
    case DataType::kDate:
      return "date";
    case DataType::kTimestamp:
      return "timestamp";
    case DataType::kTimestampNtz:
      return "timestamp_ntz";
    case DataType::kTime:
      return "time(" + std::to_string(type.time().has_precision() ? type.time().precision() : 6) +
             ")";
    case DataType::kCalendarInterval:
      return "interval";
    case DataType::kYearMonthInterval:
      return Interval(type.year_month_interval(), {"year", "month", "", ""}, 1);
    case DataType::kDayTimeInterval:
      return Interval(type.day_time_interval(), {"day", "hour", "minute", "second"}, 3);
    case DataType::kVariant:
      return "variant";
    case DataType::kGeometry:
      return "geometry(" + std::to_string(type.geometry().srid()) + ")";
    case DataType::kGeography:
      return "geography(" + std::to_string(type.geography().srid()) + ")";
    default:
      return Composite(type, depth + 1);
  }
}

const DataType* const kNoType = &DataType::default_instance();

// Types within a type, in the order in which Arrow has them.
std::vector<const DataType*> PartsOf(const DataType& type) {
  std::vector<const DataType*> parts;
  switch (type.kind_case()) {
    case DataType::kArray:
      return {&type.array().element_type()};
    case DataType::kMap:
      return {&type.map().key_type(), &type.map().value_type()};
    case DataType::kStruct:
      for (const auto& field : type.struct_().fields()) parts.push_back(&field.data_type());
      return parts;
    case DataType::kUdt:
      // Its values are those of the type below it.
      return PartsOf(type.udt().has_sql_type() ? type.udt().sql_type() : *kNoType);
    default:
      return parts;
  }
}

TypeHint HintOf(const DataType& type, int depth) {
  TypeHint hint;
  if (depth > kTypeDepthMax) return hint;
  if (type.has_year_month_interval()) {
    const auto& fields = type.year_month_interval();
    hint.interval = {fields.has_start_field() ? fields.start_field() : 0,
                     fields.has_end_field() ? fields.end_field() : 1};
  } else if (type.has_day_time_interval()) {
    const auto& fields = type.day_time_interval();
    hint.interval = {fields.has_start_field() ? fields.start_field() : 0,
                     fields.has_end_field() ? fields.end_field() : 3};
  }
  for (const DataType* part : PartsOf(type)) hint.children.push_back(HintOf(*part, depth + 1));
  return hint;
}

// The type within `type` that is stored in a form of the engine's own; none when there is none.
const DataType* FindOpaque(const DataType& type, int depth) {
  if (type.has_variant() || type.has_geometry() || type.has_geography()) return &type;
  if (depth > kTypeDepthMax) return nullptr;
  for (const DataType* part : PartsOf(type)) {
    if (const DataType* found = FindOpaque(*part, depth + 1)) return found;
  }
  return nullptr;
}

}  // namespace

std::vector<TypeHint> HintsOf(const DataType& schema) { return HintOf(schema, 0).children; }

std::optional<Unshowable> FindUnshowable(const DataType& schema) {
  for (const auto& field : schema.struct_().fields()) {
    const DataType* opaque = FindOpaque(field.data_type(), 0);
    if (opaque == nullptr) continue;
    const std::string name = Name(field.name());
    return Unshowable{
        name, ToDdl(*opaque),
        opaque->has_variant() ? "to_json(" + name + ")" : "st_asbinary(" + name + ")"};
  }
  return std::nullopt;
}

std::string ToDdl(const DataType& type) { return Write(type, 0); }

}  // namespace dcp::spark_connect
