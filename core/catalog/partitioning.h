// SPDX-License-Identifier: Apache-2.0
//
// Partition transforms as people write them: "month(time_hour)", "bucket(16, id)", "origin".
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "catalog/spark_type.h"

namespace dcp::catalog {

struct PartitionField {
  std::string column;
  std::string transform;  ///< Iceberg's: "identity", "month", "bucket[16]"

  /// The name Iceberg's engines give such a field: "time_hour_month".
  std::string FieldName() const;
  /// The one spelling: "month(time_hour)".
  std::string ToString() const;
};

/// Reads "transform(column)", "transform(n, column)" or "column"; plural transforms are Spark's.
Result<PartitionField> ParsePartitionField(std::string_view text);
/// INVALID_ARGUMENT when a column of that type cannot be partitioned so.
Status CheckPartitionType(const PartitionField& field, const Type& type);

}  // namespace dcp::catalog
