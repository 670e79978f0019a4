// SPDX-License-Identifier: Apache-2.0
//
// The keywords of JSON Schema and what stands under each, once for all who walk a schema; internal
// to the room.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace dcp::schema {

/// Keeps keys as they were written: that order is the documentation's.
using OrderedJson = nlohmann::ordered_json;

/// What a keyword's value is made of.
enum class Shape {
  kSchema,        ///< a subschema
  kSchemas,       ///< a list of them
  kItems,         ///< one, or a list
  kProperties,    ///< a map of them
  kDependencies,  ///< a map of them, or of lists of keys
  kRule,          ///< no subschema, and it decides
  kNote,          ///< it explains, or is gone once references are replaced
  kUnsupported,
  kUnknown,
};
Shape ShapeOf(std::string_view keyword);
/// For "did you mean".
std::vector<std::string> KnownKeywords();

/// Whether values may be given as references to secrets only.
bool IsSecret(const OrderedJson& schema);

/// A keyword's value with each subschema in it replaced by what `change` makes of it and of its
/// step, such as ".port" or "[2]".
OrderedJson WithParts(
    const std::string& keyword, const OrderedJson& value,
    const std::function<OrderedJson(const OrderedJson& part, const std::string& step)>& change);

/// Every subschema of a compiled schema that may speak about the value at `pointer`: by the ways
/// through properties and items, and through each branch of combinations and conditions.
std::vector<const OrderedJson*> SchemasAt(const OrderedJson& compiled, const std::string& pointer);
/// The steps of a JSON pointer, their escapes undone.
std::vector<std::string> StepsOf(const std::string& pointer);

}  // namespace dcp::schema
