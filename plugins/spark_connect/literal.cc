// SPDX-License-Identifier: Apache-2.0
//
// Typed parameters as the protocol's literals.
#include <spark/connect/expressions.pb.h>
#include <spark/connect/relations.pb.h>

#include "ddl.h"
#include "spark_sql/parameter.h"

namespace dcp::spark_connect {
namespace {

using spark::connect::DataType;
using Literal = spark::connect::Expression_Literal;
using spark_sql::ParameterValue;
using Type = ParameterValue::Type;

void SetNull(const ParameterValue& value, DataType* type) {
  switch (value.type) {
    case Type::kString:
      type->mutable_string();
      break;
    case Type::kBoolean:
      type->mutable_boolean();
      break;
    case Type::kInt:
      type->mutable_integer();
      break;
    case Type::kBigint:
      type->mutable_long_();
      break;
    case Type::kDouble:
      type->mutable_double_();
      break;
    case Type::kDate:
      type->mutable_date();
      break;
    case Type::kTimestamp:
      type->mutable_timestamp();
      break;
    case Type::kDecimal:
      type->mutable_decimal()->set_precision(value.precision);
      type->mutable_decimal()->set_scale(value.scale);
      break;
  }
}

void SetValue(const ParameterValue& value, Literal* out) {
  switch (value.type) {
    case Type::kString:
      out->set_string(value.text);
      break;
    case Type::kBoolean:
      out->set_boolean(value.number != 0);
      break;
    case Type::kInt:
      out->set_integer(static_cast<int32_t>(value.number));
      break;
    case Type::kBigint:
      out->set_long_(value.number);
      break;
    case Type::kDouble:
      out->set_double_(value.real);
      break;
    case Type::kDate:
      out->set_date(static_cast<int32_t>(value.number));
      break;
    case Type::kTimestamp:
      out->set_timestamp(value.number);
      break;
    case Type::kDecimal:
      out->mutable_decimal()->set_value(value.text);
      out->mutable_decimal()->set_precision(value.precision);
      out->mutable_decimal()->set_scale(value.scale);
      break;
  }
}

}  // namespace

void SetLiteral(const ParameterValue& value, Literal* out) {
  if (value.null) {
    SetNull(value, out->mutable_null());
  } else {
    SetValue(value, out);
  }
}

std::string ToLiteral(std::string_view type, const std::optional<std::string>& text, Literal* out) {
  ParameterValue value;
  std::string wrong = spark_sql::ReadParameter(type, text, &value);
  if (wrong.empty()) SetLiteral(value, out);
  return wrong;
}

bool MakeNarrow(spark::connect::SQL* query) {
  bool found = false;
  for (auto& [name, argument] : *query->mutable_named_arguments()) {
    if (!argument.has_literal() || !argument.literal().has_string()) continue;
    const std::string& wide = argument.literal().string();
    std::string narrow;
    for (size_t i = 0; i < wide.size(); ++i) {
      if (static_cast<unsigned char>(wide[i]) >= 0xF0) {  // the first of four bytes
        narrow += 'x';
        i += 3;
        found = true;
      } else {
        narrow += wide[i];
      }
    }
    argument.mutable_literal()->set_string(narrow);
  }
  return found;
}

}  // namespace dcp::spark_connect
