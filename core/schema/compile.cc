// SPDX-License-Identifier: Apache-2.0
//
// Checks a schema keyword by keyword before the library sees it: what it would follow for ever,
// divide by zero, or misread must not get that far.
#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "base/id.h"
#include "schema/library.h"
#include "schema/schema.h"
#include "schema/walk.h"

namespace dcp::schema {
namespace {

bool NestsDeeper(const OrderedJson& value, int depth) {
  if (!value.is_structured()) return false;
  return depth == 0 || std::any_of(value.begin(), value.end(), [&](const OrderedJson& part) {
           return NestsDeeper(part, depth - 1);
         });
}

bool IsTypeName(const OrderedJson& json) {
  static const std::set<std::string> kNames = {"string", "number", "integer", "boolean",
                                               "object", "array",  "null"};
  return json.is_string() && kNames.count(json.get<std::string>()) > 0;
}

bool AreTexts(const OrderedJson& json) {
  return json.is_array() && std::all_of(json.begin(), json.end(),
                                        [](const OrderedJson& part) { return part.is_string(); });
}

std::string TypeTrouble(const OrderedJson& value) {
  const bool good = value.is_array()
                        ? !value.empty() && std::all_of(value.begin(), value.end(), IsTypeName)
                        : IsTypeName(value);
  return good ? "" : "must be one or more of string, number, integer, boolean, object, array, null";
}

std::string PatternWords(const OrderedJson& value) {
  if (!value.is_string()) return "must be text";
  const auto& text = value.get_ref<const std::string&>();
  if (text.size() > kPatternBytesMax) {
    return "has " + std::to_string(text.size()) + " bytes, the limit is " +
           std::to_string(kPatternBytesMax);
  }
  const std::string trouble = PatternTrouble(text);
  return trouble.empty() ? "" : "is no pattern of RE2's syntax: " + trouble;
}

/// What is wrong with the value of a keyword that holds no subschema.
std::string ValueTrouble(const std::string& keyword, const OrderedJson& value) {
  static const std::set<std::string> kNumbers = {"maximum", "exclusiveMaximum", "minimum",
                                                 "exclusiveMinimum"};
  static const std::set<std::string> kCounts = {"maxLength", "minLength",     "maxItems",
                                                "minItems",  "maxProperties", "minProperties"};
  static const std::set<std::string> kFlags = {"uniqueItems", "writeOnly", "readOnly"};
  static const std::set<std::string> kTexts = {"title", "description", "format"};
  if (keyword == "type") return TypeTrouble(value);
  if (keyword == "pattern") return PatternWords(value);
  if (keyword == "enum" && (!value.is_array() || value.empty())) return "must be a non-empty list";
  if (keyword == "examples" && !value.is_array()) return "must be a list";
  if (keyword == "required" && !AreTexts(value)) return "must be a list of keys";
  if (keyword == "multipleOf" && !(value.is_number() && value > 0)) {
    return "must be a number above zero";
  }
  if (kNumbers.count(keyword) > 0 && !value.is_number()) return "must be a number";
  if (kCounts.count(keyword) > 0 && !(value.is_number_integer() && value >= 0)) {
    return "must be a whole number, not below zero";
  }
  if (kFlags.count(keyword) > 0 && !value.is_boolean()) return "must be true or false";
  return kTexts.count(keyword) > 0 && !value.is_string() ? "must be text" : "";
}

std::string PartsTrouble(Shape shape, const OrderedJson& value) {
  if (shape == Shape::kSchemas && (!value.is_array() || value.empty())) {
    return "must be a non-empty list of schemas";
  }
  if (shape == Shape::kProperties || shape == Shape::kDependencies) {
    if (!value.is_object()) return "must be a map of schemas";
    for (const auto& [name, part] : value.items()) {
      const bool visible = std::all_of(name.begin(), name.end(),
                                       [](unsigned char c) { return c >= ' ' && c != 0x7F; });
      if (name.empty() || !visible) return "has a key that is empty or holds control characters";
      if (shape == Shape::kDependencies && part.is_array() && !AreTexts(part)) {
        return "must map keys to lists of keys or to schemas";
      }
    }
  }
  return "";
}

class Compiler {
 public:
  explicit Compiler(const OrderedJson& root) : root_(root) {}

  OrderedJson Expand(const OrderedJson& schema, const std::string& path, int depth) {
    if (failed()) return {};
    if (++nodes_ > kSchemaNodesMax) {
      return Fail(path, "more than " + std::to_string(kSchemaNodesMax) +
                            " subschemas, once every $ref is replaced");
    }
    if (depth > kSchemaDepthMax) {
      return Fail(path, "subschemas nest more than " + std::to_string(kSchemaDepthMax) + " deep");
    }
    if (schema.is_boolean()) return schema;
    if (!schema.is_object()) return Fail(path, "must be a schema: a JSON object");
    if (schema.contains("$ref")) return Follow(schema, path, depth);
    OrderedJson expanded = OrderedJson::object();
    for (const auto& [keyword, value] : schema.items()) {
      const std::string at = (path.empty() ? "" : path + ".") + keyword;
      const Shape shape = ShapeOf(keyword);
      if (shape == Shape::kUnsupported) {
        return Fail(at, "is not supported", "see docs/plugins/configuration.md");
      }
      if (keyword == "definitions" || keyword == "$defs" || keyword == "$id") continue;
      std::string trouble = PartsTrouble(shape, value);
      if (trouble.empty()) trouble = ValueTrouble(keyword, value);
      if (!trouble.empty()) return Fail(at, trouble);
      expanded[keyword] =
          WithParts(keyword, value, [&](const OrderedJson& part, const std::string& step) {
            return Expand(part, at + step, depth + 1);
          });
    }
    return expanded;
  }

  bool failed() const { return !failure_.ok(); }
  const Status& failure() const { return failure_; }

 private:
  OrderedJson Fail(const std::string& path, const std::string& why, const std::string& hint = {}) {
    if (!failed()) {
      failure_ = InvalidArgument((path.empty() ? "the schema" : "`" + path + "`") + ": " + why)
                     .WithHint(hint);
    }
    return {};
  }

  OrderedJson Follow(const OrderedJson& schema, const std::string& path, int depth) {
    const std::string at = (path.empty() ? "" : path + ".") + "$ref";
    const OrderedJson& reference = schema["$ref"];
    if (!reference.is_string()) return Fail(at, "must be text");
    const auto& target = reference.get_ref<const std::string&>();
    if (target.empty() || target.front() != '#') {
      return Fail(at, "`" + target.substr(0, 80) + "` leads out of the schema; nothing is fetched",
                  "copy what it leads to into `definitions`, and write #/definitions/NAME");
    }
    if (open_.count(target) > 0 || target == "#") {
      return Fail(at, "`" + target.substr(0, 80) + "` leads back to itself",
                  "a configuration is of limited depth: write the levels out");
    }
    if (++references_ > kSchemaReferencesMax) {
      return Fail(at, "more than " + std::to_string(kSchemaReferencesMax) + " uses of $ref");
    }
    const OrderedJson* found = &root_;
    for (const std::string& step : StepsOf(target.substr(1))) {
      const auto next = found->is_object() ? found->find(step) : found->end();
      if (!found->is_object() || next == found->end()) {
        return Fail(at, "there is nothing at `" + target.substr(0, 80) + "`");
      }
      found = &*next;
    }
    open_.insert(target);
    OrderedJson expanded = Expand(*found, path, depth + 1);
    open_.erase(target);
    // In draft 07 a reference hides what stands beside it; what merely explains is let through.
    if (!expanded.is_object()) return expanded;
    for (const char* note : {"title", "description", "default", "examples"}) {
      if (schema.contains(note)) expanded[note] = schema[note];
    }
    return expanded;
  }

  const OrderedJson& root_;
  size_t nodes_ = 0;
  size_t references_ = 0;
  std::set<std::string> open_;
  Status failure_;
};

/// Keywords that are not known, and required keys that are no properties.
void LintKeywords(const OrderedJson& schema, const std::string& path,
                  std::vector<std::string>& words) {
  if (!schema.is_object()) return;
  const std::string where = path.empty() ? "" : "`" + path + "`: ";
  for (const auto& [keyword, value] : schema.items()) {
    if (ShapeOf(keyword) == Shape::kUnknown) {
      const std::string near = Nearest(keyword, KnownKeywords());
      words.push_back(where + "`" + keyword + "` is no keyword of draft 07" +
                      (near.empty() ? "" : ", did you mean `" + near + "`?"));
    }
    const std::string at = (path.empty() ? "" : path + ".") + keyword;
    WithParts(keyword, value, [&](const OrderedJson& part, const std::string& step) {
      LintKeywords(part, at + step, words);
      return part;
    });
  }
  // Within a combination, the properties may stand beside it.
  const bool whole = path.find("Of[") == std::string::npos && path.find("if") == std::string::npos;
  if (!whole || !schema.contains("required") || !schema.contains("properties")) return;
  for (const OrderedJson& name : schema["required"]) {
    if (schema["properties"].contains(name.get<std::string>())) continue;
    words.push_back(where + "`required` lists " + name.dump() + ", which is no property");
  }
}

void LintValues(const OrderedJson& schema, const std::string& path,
                std::vector<std::string>& words) {
  if (!schema.is_object()) return;
  const auto hold = [&](const std::string& what, const OrderedJson& value) {
    for (const Mistake& mistake : Check(schema.dump(), value.dump())) {
      const std::string at = mistake.pointer + (mistake.key.empty() ? "" : "/" + mistake.key);
      words.push_back((path.empty() ? "" : "`" + path + "`: ") + what +
                      " does not satisfy the schema: " + (at.empty() ? "" : at + " ") +
                      mistake.message);
      return;
    }
  };
  if (schema.contains("default") && !IsSecret(schema)) hold("its default", schema["default"]);
  size_t count = 0;
  for (const OrderedJson& example : schema.value("examples", OrderedJson::array())) {
    hold("example " + std::to_string(++count), example);
  }
  for (const auto& [keyword, value] : schema.items()) {
    const std::string at = (path.empty() ? "" : path + ".") + keyword;
    WithParts(keyword, value, [&](const OrderedJson& part, const std::string& step) {
      LintValues(part, at + step, words);
      return part;
    });
  }
}

}  // namespace

Result<std::string> Compile(std::string_view schema_json) {
  if (schema_json.size() > kSchemaBytesMax) {
    return InvalidArgument("the schema has " + std::to_string(schema_json.size()) +
                           " bytes, the limit is " + std::to_string(kSchemaBytesMax));
  }
  const OrderedJson schema = OrderedJson::parse(schema_json, nullptr, /*allow_exceptions=*/false);
  if (schema.is_discarded()) return InvalidArgument("the schema is not JSON");
  if (NestsDeeper(schema, kSchemaValueDepthMax)) {
    return InvalidArgument("the schema nests more than " + std::to_string(kSchemaValueDepthMax) +
                           " deep");
  }
  if (!schema.is_object()) return InvalidArgument("the schema is no JSON object");
  Compiler compiler(schema);
  const OrderedJson expanded = compiler.Expand(schema, "", 1);
  if (compiler.failed()) return compiler.failure();
  std::string text = expanded.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  DCP_TRY(TryBuild(text));
  return text;
}

std::vector<std::string> Lint(const std::string& compiled) {
  std::vector<std::string> words;
  const OrderedJson schema = OrderedJson::parse(compiled, nullptr, false);
  if (!schema.is_object()) return {"it is no JSON object"};
  if (schema.contains("type") && schema["type"] != "object") {
    words.emplace_back("its type is not \"object\"");
  }
  LintKeywords(schema, "", words);
  LintValues(schema, "", words);
  return words;
}

}  // namespace dcp::schema
