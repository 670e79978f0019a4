// SPDX-License-Identifier: Apache-2.0
//
// Column types: Spark's DDL text on one side, Iceberg's types on the other. A Type holds Iceberg's
// spelling of a primitive, so both sides compare equal when they mean the same.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dcp::catalog {

/// Nesting of one type: deeper ones are made to exhaust a stack.
constexpr int kTypeDepthMax = 32;

struct Field;

struct Type {
  enum class Kind { kPrimitive, kList, kMap, kStruct };
  Kind kind = Kind::kPrimitive;
  std::string primitive;      ///< "int", "decimal(10,2)", "timestamptz"
  std::vector<Field> fields;  ///< list: the element; map: key, value; struct: its fields
};

struct Field {
  std::string name;
  Type type;
  bool nullable = true;
  std::string doc;
};

/// Reads Spark DDL ("array<struct<a:int,b:string>>") or Iceberg's spellings ("long",
/// "timestamptz"). INVALID_ARGUMENT naming the part that is not a type.
Result<Type> ParseSparkType(std::string_view text);
/// Spark DDL; a type that Spark does not have keeps Iceberg's spelling.
std::string SparkDdl(const Type& type);

}  // namespace dcp::catalog
