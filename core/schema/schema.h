// SPDX-License-Identifier: Apache-2.0
//
// The JSON Schema that a plugin publishes for its configuration: checked before it is used, and
// held against configurations. Draft-07 without patternProperties and propertyNames; references
// lead within the schema alone. `format`, `default` and `examples` are documentation: nothing is
// filled in and no format is checked, but for the format `secret` (docs/plugins/configuration.md).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dcp::schema {

/// A configuration has tens of keys with a sentence each; a longer schema is generated, and nobody
/// reads what is printed of it.
constexpr size_t kSchemaBytesMax = size_t{64} << 10;
/// Subschemas, counted again wherever a reference leads to them: what a validation may walk.
constexpr size_t kSchemaNodesMax = 4096;
/// How deep subschemas nest, references followed. People nest a handful; the stack stays small.
constexpr int kSchemaDepthMax = 24;
/// How deep any value in a schema nests, a default or an example included.
constexpr int kSchemaValueDepthMax = 64;
/// Uses of `$ref`: each copies what it leads to.
constexpr size_t kSchemaReferencesMax = 200;
/// One `pattern`.
constexpr size_t kPatternBytesMax = 1000;

/// Checks a schema, and answers it with every `$ref` replaced by what it leads to, so that no
/// reader has to follow one. INVALID_ARGUMENT names the place in the schema ("properties.x: ...").
/// [any]
Result<std::string> Compile(std::string_view schema_json);

/// What the author of a compiled schema should mend although a host takes it: keywords that are not
/// known, `required` keys that are no properties, defaults and examples that do not satisfy it.
/// [any]
std::vector<std::string> Lint(const std::string& compiled);

/// One thing that is wrong with a configuration.
struct Mistake {
  std::string pointer;  ///< JSON pointer of the value; of the map, when a key is missing in it
  std::string key;      ///< the key that is missing there, else empty
  bool at_key = false;  ///< the key is wrong, not its value
  std::string message;  ///< "is 200, must be <= 100"; holds no value that may be secret
  std::string hint;
};

/// Holds a configuration against a compiled schema; everything that is wrong, in no order. Texts
/// may hold references (base/references.h), which stand for texts that are not known yet. [any]
std::vector<Mistake> Check(const std::string& compiled, const std::string& config_json);

}  // namespace dcp::schema
