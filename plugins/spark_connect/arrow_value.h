// SPDX-License-Identifier: Apache-2.0
//
// One value of an Arrow array as the contract writes it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "arrow_rows.h"

struct ArrowArrayView;
struct ArrowSchema;
namespace google::protobuf {
class ListValue;
}

namespace dcp::spark_connect {

enum class Kind {
  kNull,
  kBoolean,
  kInteger,  // of at most 32 bits: a number of JSON holds it
  kLong,
  kFloat,
  kDouble,
  kDecimal,
  kText,
  kBinary,
  kDate,
  kTimestamp,
  kTimestampNtz,
  kTime,
  kYearMonth,
  kDayTime,
  kCalendarInterval,
  kList,
  kFixedList,
  kMap,
  kStruct,
};

/// A column, or a part of one: its type as Arrow and Spark have it.
struct ColumnReader {
  Kind kind = Kind::kNull;
  int64_t unit = 1;  ///< of a time: so many nanoseconds
  int scale = 0;
  int64_t size = 0;  ///< of a fixed list: its elements
  IntervalFields interval;
  std::string name;
  std::vector<ColumnReader> children;
};

/// Answers why the schema cannot be read, or "". `hints` that do not fit are left out. [any]
std::string MakeColumns(const ArrowSchema& schema, const std::vector<TypeHint>& hints,
                        std::vector<ColumnReader>* columns);

/// Appends the row's values; the batch is one that nanoarrow has validated in full. Stops, with
/// `*left` below 0, once they take more than `*left` bytes. Answers what is wrong, or "". [any]
std::string ReadRow(const std::vector<ColumnReader>& columns, const ArrowArrayView& batch,
                    int64_t row, int64_t* left, google::protobuf::ListValue* values);

}  // namespace dcp::spark_connect
