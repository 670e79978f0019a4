// SPDX-License-Identifier: Apache-2.0
#include "schema/walk.h"

#include <charconv>
#include <map>

namespace dcp::schema {
namespace {

const std::map<std::string_view, Shape>& Shapes() {
  static const std::map<std::string_view, Shape> shapes = {
      {"additionalItems", Shape::kSchema},
      {"additionalProperties", Shape::kSchema},
      {"contains", Shape::kSchema},
      {"if", Shape::kSchema},
      {"then", Shape::kSchema},
      {"else", Shape::kSchema},
      {"not", Shape::kSchema},
      {"allOf", Shape::kSchemas},
      {"anyOf", Shape::kSchemas},
      {"oneOf", Shape::kSchemas},
      {"items", Shape::kItems},
      {"properties", Shape::kProperties},
      {"dependencies", Shape::kDependencies},
      {"type", Shape::kRule},
      {"enum", Shape::kRule},
      {"const", Shape::kRule},
      {"multipleOf", Shape::kRule},
      {"maximum", Shape::kRule},
      {"exclusiveMaximum", Shape::kRule},
      {"minimum", Shape::kRule},
      {"exclusiveMinimum", Shape::kRule},
      {"maxLength", Shape::kRule},
      {"minLength", Shape::kRule},
      {"pattern", Shape::kRule},
      {"maxItems", Shape::kRule},
      {"minItems", Shape::kRule},
      {"uniqueItems", Shape::kRule},
      {"maxProperties", Shape::kRule},
      {"minProperties", Shape::kRule},
      {"required", Shape::kRule},
      {"title", Shape::kNote},
      {"description", Shape::kNote},
      {"default", Shape::kNote},
      {"examples", Shape::kNote},
      {"format", Shape::kNote},
      {"writeOnly", Shape::kNote},
      {"readOnly", Shape::kNote},
      {"$comment", Shape::kNote},
      {"$schema", Shape::kNote},
      {"$id", Shape::kNote},
      {"definitions", Shape::kNote},
      {"$defs", Shape::kNote},
      {"$ref", Shape::kNote},
      {"patternProperties", Shape::kUnsupported},
      {"propertyNames", Shape::kUnsupported},
      {"dependentSchemas", Shape::kUnsupported},
      {"dependentRequired", Shape::kUnsupported},
      {"unevaluatedProperties", Shape::kUnsupported},
  };
  return shapes;
}

void AddBranches(const OrderedJson& schema, std::vector<const OrderedJson*>& out) {
  if (!schema.is_object()) return;
  out.push_back(&schema);
  for (const char* keyword : {"allOf", "anyOf", "oneOf"}) {
    if (const auto found = schema.find(keyword); found != schema.end()) {
      for (const OrderedJson& branch : *found) AddBranches(branch, out);
    }
  }
  for (const char* keyword : {"then", "else"}) {
    if (const auto found = schema.find(keyword); found != schema.end()) AddBranches(*found, out);
  }
}

/// What one subschema says about the value one step further.
const OrderedJson* Down(const OrderedJson& schema, const std::string& step) {
  if (const auto properties = schema.find("properties"); properties != schema.end()) {
    if (const auto found = properties->find(step); found != properties->end()) return &*found;
  }
  if (const auto items = schema.find("items"); items != schema.end()) {
    if (!items->is_array()) return &*items;
    size_t index = 0;
    const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
    if (error == std::errc() && index < items->size()) return &(*items)[index];
    const auto more = schema.find("additionalItems");
    return more != schema.end() ? &*more : nullptr;
  }
  const auto others = schema.find("additionalProperties");
  return others != schema.end() ? &*others : nullptr;
}

}  // namespace

Shape ShapeOf(std::string_view keyword) {
  const auto found = Shapes().find(keyword);
  return found == Shapes().end() ? Shape::kUnknown : found->second;
}

std::vector<std::string> KnownKeywords() {
  std::vector<std::string> names;
  for (const auto& [name, shape] : Shapes()) {
    if (shape != Shape::kUnsupported) names.emplace_back(name);
  }
  return names;
}

bool IsSecret(const OrderedJson& schema) {
  if (!schema.is_object()) return false;
  const auto write_only = schema.find("writeOnly");
  const auto format = schema.find("format");
  return (write_only != schema.end() && *write_only == true) ||
         (format != schema.end() && *format == "secret");
}

OrderedJson WithParts(
    const std::string& keyword, const OrderedJson& value,
    const std::function<OrderedJson(const OrderedJson& part, const std::string& step)>& change) {
  const Shape shape = ShapeOf(keyword);
  if (shape == Shape::kSchema || (shape == Shape::kItems && !value.is_array())) {
    return change(value, "");
  }
  OrderedJson changed = value;
  if (value.is_array() && (shape == Shape::kSchemas || shape == Shape::kItems)) {
    for (size_t i = 0; i < value.size(); ++i) {
      changed[i] = change(value[i], "[" + std::to_string(i) + "]");
    }
  } else if (value.is_object() && (shape == Shape::kProperties || shape == Shape::kDependencies)) {
    for (const auto& [name, part] : value.items()) {
      const bool keys = shape == Shape::kDependencies && part.is_array();
      if (!keys) changed[name] = change(part, "." + name);
    }
  }
  return changed;
}

std::vector<std::string> StepsOf(const std::string& pointer) {
  std::vector<std::string> steps;
  for (size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      steps.emplace_back();
    } else if (pointer[i] == '~' && i + 1 < pointer.size()) {
      steps.back() += pointer[++i] == '1' ? '/' : '~';
    } else {
      steps.back() += pointer[i];
    }
  }
  return steps;
}

std::vector<const OrderedJson*> SchemasAt(const OrderedJson& compiled, const std::string& pointer) {
  std::vector<const OrderedJson*> present;
  AddBranches(compiled, present);
  for (const std::string& step : StepsOf(pointer)) {
    std::vector<const OrderedJson*> next;
    for (const OrderedJson* schema : present) {
      if (const OrderedJson* down = Down(*schema, step)) AddBranches(*down, next);
    }
    present = std::move(next);
  }
  return present;
}

}  // namespace dcp::schema
