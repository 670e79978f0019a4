// SPDX-License-Identifier: Apache-2.0
//
// Types: Spark's protobuf form to and from what people read and write.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arrow_rows.h"

namespace spark::connect {
class DataType;
class Expression_Literal;
class SQL;
}  // namespace spark::connect

namespace dcp::spark_sql {
struct ParameterValue;
}

namespace dcp::spark_connect {

/// Types within types; Spark itself stops near this. Deeper is written as "...".
constexpr int kTypeDepthMax = 64;

/// Spark DDL: "decimal(18,2)", "array<struct<a: int, b: string NOT NULL>>". [any]
std::string ToDdl(const spark::connect::DataType& type);

/// A parameter's value as a literal. [any]
void SetLiteral(const spark_sql::ParameterValue& value, spark::connect::Expression_Literal* out);

/// What Arrow does not say about the columns of a result. [any]
std::vector<TypeHint> HintsOf(const spark::connect::DataType& schema);

/// The first column that a preview has no form for, if any. [any]
struct Unshowable {
  std::string column;
  std::string type;
  std::string advice;  ///< an expression that shows it
};
std::optional<Unshowable> FindUnshowable(const spark::connect::DataType& schema);

/// A typed parameter as a literal. Answers what is wrong with it, or "". [any]
/// Types: string, boolean, int, bigint, double, decimal(p,s), date, timestamp; no value is NULL.
std::string ToLiteral(std::string_view type, const std::optional<std::string>& value,
                      spark::connect::Expression_Literal* out);

/// Puts an 'x' in the place of each character beyond U+FFFF in the query's text parameters; whether
/// there was any. [any]
bool MakeNarrow(spark::connect::SQL* query);

}  // namespace dcp::spark_connect
