// SPDX-License-Identifier: Apache-2.0
//
// Making bodies again from the protocol's tables.
#include "catalog/shapes.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "catalog/json_text.h"
#include "catalog/protocol_shapes.h"

namespace dcp::catalog {
namespace {

using Json = nlohmann::json;

using namespace protocol;  // NOLINT: its tables are this file's other half

constexpr size_t kWordBytesShown = 100;

Status Wrong(const std::string& path, std::string_view why) {
  return InvalidArgument("the request's " + path + " " + std::string(why));
}

Result<Json> RemakeObject(const Json& given, const Shape& shape, const std::string& path);

bool IsWhole(const Json& json, int64_t low, int64_t high) {
  if (json.is_number_unsigned()) return json.get<uint64_t>() <= static_cast<uint64_t>(high);
  return json.is_number_integer() && json.get<int64_t>() >= low && json.get<int64_t>() <= high;
}

const char* WhyNot(const Json& json, Kind kind) {
  using Int = std::numeric_limits<int32_t>;
  using Long = std::numeric_limits<int64_t>;
  switch (kind) {
    case Kind::kText:
      return json.is_string() ? nullptr : "is not a text";
    case Kind::kInt:
      return IsWhole(json, Int::min(), Int::max()) ? nullptr : "is not a whole number of 32 bits";
    case Kind::kLong:
      return IsWhole(json, Long::min(), Long::max()) ? nullptr : "is not a whole number of 64 bits";
    case Kind::kBool:
      return json.is_boolean() ? nullptr : "is not true or false";
    default:
      return nullptr;
  }
}

bool IsOneOf(const std::string& text, std::span<const std::string_view> words) {
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return std::equal(text.begin(), text.end(), word.begin(), word.end(), same);
  });
}

/// "fixed[16]", "decimal(10, 2)", "geometry(srid:3857)": the numbers are the upstream's to judge.
bool HasParameters(const std::string& type) {
  for (const std::string_view name : {"geometry", "geography"}) {
    if (type == name || (type.starts_with(std::string(name) + "(") && type.ends_with(')'))) {
      return true;
    }
  }
  static const std::regex kNumbers(R"(fixed\[ *\d{1,9} *\]|decimal\( *\d{1,2} *, *\d{1,2} *\))");
  return type.size() <= kWordBytesShown && std::regex_match(type, kNumbers);
}

/// The nested types are objects, the others a word.
Result<Json> RemakeType(const Json& given, const std::string& path) {
  if (given.is_string()) {
    const std::string word = given.get<std::string>();
    if (IsOneOf(word, kPrimitives) || HasParameters(word)) return given;
    return Wrong(path, "\"" + word.substr(0, kWordBytesShown) + "\" is not a type of Iceberg's");
  }
  const auto type = given.is_object() ? given.find("type") : given.end();
  if (type == given.end() || !type->is_string()) return Wrong(path, "is not a type");
  for (const Shape& shape : kNestedTypes) {
    if (*type == shape.name) return RemakeObject(given, shape, path);
  }
  return Wrong(path, "is not a struct, a list or a map");
}

/// What a walk over a schema finds.
struct Columns {
  std::set<Json> ids;
  std::set<Json> keys;  ///< those that may identify a row: required, and never in a list or map
};

Status AddId(const Json& type, const char* key, const std::string& path, Columns* columns) {
  if (columns->ids.insert(type[key]).second) return Status::Ok();
  return Wrong(path, "gives the column id " + type[key].dump() + " twice");
}

Status WalkType(const Json& type, bool reachable, const std::string& path, Columns* columns) {
  if (!type.is_object()) return Status::Ok();
  for (const char* part : {"element", "key", "value"}) {
    if (!type.contains(part)) continue;
    DCP_TRY(AddId(type, (std::string(part) + "-id").c_str(), path, columns));
    DCP_TRY(WalkType(type[part], false, path, columns));
  }
  std::set<Json> names;
  for (const Json& column : type.value("fields", Json::array())) {
    DCP_TRY(AddId(column, "id", path, columns));
    if (!names.insert(column["name"]).second) {
      return Wrong(path, "has two columns of one name, " +
                             column["name"].get<std::string>().substr(0, kWordBytesShown));
    }
    const bool key = reachable && column["required"].get<bool>();
    const Json& of = column["type"];
    if (key && of.is_string() && of != "float" && of != "double")
      columns->keys.insert(column["id"]);
    DCP_TRY(WalkType(of, key, path, columns));
  }
  return Status::Ok();
}

Status CheckRule(Rule rule, const Json& made, const std::string& path) {
  if (rule == Rule::kColumnIds) {
    Columns columns;
    DCP_TRY(WalkType(made, true, path, &columns));
    for (const Json& id : made.value("identifier-field-ids", Json::array())) {
      if (!columns.keys.contains(id)) {
        return Wrong(path, "has the identifier field " + id.dump() +
                               ", which is not a required column of a simple type");
      }
    }
  }
  if (rule == Rule::kOrderId && made["fields"].empty() != (made["order-id"] == 0)) {
    return Wrong(path, "has an order-id that does not fit: 0 means unsorted, and only that");
  }
  return Status::Ok();
}

Result<Json> RemakeList(const Json& given, const Field& field, const std::string& path) {
  if (!given.is_array()) return Wrong(path, "is not a list");
  Json out = Json::array();
  for (const Json& item : given) {
    const std::string at = path + "[" + std::to_string(out.size()) + "]";
    if (field.kind == Kind::kObjects) {
      DCP_ASSIGN(Json made, RemakeObject(item, *field.shape, at));
      out.push_back(std::move(made));
      continue;
    }
    const Kind kind = field.kind == Kind::kTexts  ? Kind::kText
                      : field.kind == Kind::kInts ? Kind::kInt
                                                  : Kind::kLong;
    if (const char* why = WhyNot(item, kind)) return Wrong(at, why);
    out.push_back(item);
  }
  return out;
}

Result<Json> RemakeMap(const Json& given, const std::string& path) {
  if (!given.is_object()) return Wrong(path, "is not a JSON object");
  Json out = Json::object();
  for (const auto& [key, value] : given.items()) {
    if (!value.is_string()) {
      return Wrong(path + "[\"" + key.substr(0, kWordBytesShown) + "\"]", "is not a text");
    }
    out[key] = value;
  }
  return out;
}

Result<Json> RemakeValue(const Json& given, const Field& field, const std::string& path) {
  switch (field.kind) {
    case Kind::kTexts:
    case Kind::kInts:
    case Kind::kLongs:
    case Kind::kObjects:
      return RemakeList(given, field, path);
    case Kind::kMap:
      return RemakeMap(given, path);
    case Kind::kObject:
      return RemakeObject(given, *field.shape, path);
    case Kind::kType:
      return RemakeType(given, path);
    default:
      if (const char* why = WhyNot(given, field.kind)) return Wrong(path, why);
      if (!field.words.empty() && !IsOneOf(given.get<std::string>(), field.words)) {
        return Wrong(path, "is not one of the words that the protocol has for it");
      }
      return given;
  }
}

/// What a member that is not there means; an empty one of its kind, or a fault.
Result<Json> Absent(const Field& field, const std::string& path) {
  switch (field.kind) {
    case Kind::kTexts:
    case Kind::kInts:
    case Kind::kLongs:
    case Kind::kObjects:
      return Json::array();
    case Kind::kMap:
      return Json::object();
    default:
      return Wrong(path, "is missing");
  }
}

Status CheckClosed(const Json& given, const Shape& shape, const std::string& path) {
  for (const auto& [key, value] : given.items()) {
    bool known = false;
    for (const Field& field : shape.fields) known = known || field.key == key;
    if (!known) {
      return Wrong(path, "(" + std::string(shape.name) + ") has the unknown key \"" +
                             key.substr(0, kWordBytesShown) + "\"");
    }
  }
  return Status::Ok();
}

Result<Json> RemakeObject(const Json& given, const Shape& shape, const std::string& path) {
  if (!given.is_object()) return Wrong(path, "is not a JSON object");
  if (shape.closed) DCP_TRY(CheckClosed(given, shape, path));
  Json out = Json::object();
  for (const Field& field : shape.fields) {
    const std::string key(field.key);
    const std::string at = path.empty() ? key : path + "." + key;
    const auto found = given.find(key);
    if (found != given.end() && !found->is_null()) {
      DCP_ASSIGN(out[key], RemakeValue(*found, field, at));
    } else if (field.need == Need::kMust) {
      DCP_ASSIGN(out[key], Absent(field, at));
    } else if (field.need != Need::kMay) {
      out[key] = field.need == Need::kZero ? Json(0) : Json();
    }
  }
  DCP_TRY(CheckRule(shape.rule, out, path));
  return out;
}

Result<Json> RemakeChoices(const Json& body, const char* key, const Choice& choice) {
  const auto found = body.find(key);
  Json out = Json::array();
  if (found == body.end() || found->is_null()) return out;
  if (!found->is_array()) return Wrong(key, "are not a list");
  for (const Json& given : *found) {
    const std::string path = std::string(key) + "[" + std::to_string(out.size()) + "]";
    if (!given.is_object()) return Wrong(path, "is not a JSON object");
    const auto tag = given.find(std::string(choice.tag));
    const std::string word = tag != given.end() && tag->is_string() ? tag->get<std::string>() : "";
    const Shape* known = nullptr;
    for (const Shape& shape : choice.shapes) {
      if (shape.name == word) known = &shape;
    }
    if (known == nullptr) {
      return PermissionDenied("the " + std::string(choice.what) + " \"" +
                              word.substr(0, kWordBytesShown) +
                              "\" is not one that a playground takes");
    }
    DCP_ASSIGN(Json made, RemakeObject(given, *known, path));
    out.push_back(std::move(made));
  }
  return out;
}

Result<Json> RemakeCommit(const Json& body) {
  // The identifier in the body is the client's name for the table; the path has the overlay's.
  Json out = Json::object();
  DCP_ASSIGN(out["requirements"], RemakeChoices(body, "requirements", kRequirements));
  DCP_ASSIGN(out["updates"], RemakeChoices(body, "updates", kUpdates));
  return out;
}

Result<Json> RemakeBody(Body kind, const Json& body) {
  switch (kind) {
    case Body::kCreateTable:
      return RemakeObject(body, {"create", kCreateTableFields}, "");
    case Body::kCommit:
      return RemakeCommit(body);
    case Body::kRename:
      return RemakeObject(body, {"rename", kRenameFields}, "");
    case Body::kCreateNamespace:
      return RemakeObject(body, {"namespace", kCreateNamespaceFields}, "");
    case Body::kUpdateNamespace:
      return RemakeObject(body, {"namespace update", kUpdateNamespaceFields}, "");
    case Body::kMetrics:
      return RemakeObject(body, {"metrics", kMetricsFields}, "");
  }
  return Internal("the body has no shape");
}

}  // namespace

Result<std::string> Remake(Body kind, const std::string& body) {
  DCP_TRY(CheckJsonDepth(body));
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return InvalidArgument("the request body is not a JSON object");
  DCP_ASSIGN(const Json made, RemakeBody(kind, json));
  return made.dump();
}

}  // namespace dcp::catalog
