// SPDX-License-Identifier: Apache-2.0
//
// Spark's type names as people and engines write them, brought to one spelling; and literal values
// of parameters.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dcp::derived_dataset {

struct TypeCheck {
  /// Spark's own short spelling ("bigint", "decimal(18,2)", "struct<a:int>"); empty when wrong.
  std::string canonical;
  std::string error;  ///< why it is no type that a table can hold
  std::string hint;
};

/// A column's type. Iceberg's spellings (`long`, `timestamptz`) are understood.
TypeCheck CheckType(std::string_view text);

/// The type that Iceberg stores for a type the engine answered: small integers become int.
TypeCheck StoredType(std::string_view engine_type);

/// A parameter's type: a scalar that Spark binds.
TypeCheck CheckParamType(std::string_view text);

/// Why `value` is no literal of the canonical type; nothing when it is one.
std::optional<std::string> WrongLiteral(const std::string& type, std::string_view value);

}  // namespace dcp::derived_dataset
