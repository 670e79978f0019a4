// SPDX-License-Identifier: Apache-2.0
//
// From the bytes of Arrow IPC streams to rows of a PreviewResponse. The bytes come from a server,
// so nothing in them is believed: what is not right ends in an error, and no stream makes more work
// or memory than its own size and the caps allow. No network, no gRPC.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "value_text.h"

namespace dcp::contract::v1 {
class PreviewResponse;
}

namespace dcp::spark_connect {

/// Types within types, as in ddl.h.
constexpr int kArrowDepthMax = 64;
/// Lists and objects within one another in one value. Protobuf's readers of JSON and of messages
/// refuse some 100 levels, of which an object takes three, and the value travels within others.
/// What is nested deeper is given as its JSON text.
constexpr int kValueDepthMax = 16;

/// What Arrow's own types do not say; children as Arrow has them (a map has its key and value).
struct TypeHint {
  std::optional<IntervalFields> interval;
  std::vector<TypeHint> children;
};

struct RowLimits {
  int64_t rows = 0;   ///< at least 1
  int64_t bytes = 0;  ///< of values in JSON; whole rows only
};

class RowReader {
 public:
  /// `hints`: one a column; may be empty. `response` must outlive this.
  RowReader(std::vector<TypeHint> hints, const RowLimits& limits,
            contract::v1::PreviewResponse* response);

  /// One complete IPC stream. Answers what is wrong with it, or "".
  std::string Take(std::string_view stream);
  /// No more rows are wanted: the limits are reached.
  bool full() const { return full_; }

 private:
  std::string TakeAligned(std::string_view stream);

  const std::vector<TypeHint> hints_;
  const RowLimits limits_;
  contract::v1::PreviewResponse* const response_;
  int64_t bytes_ = 0;
  bool full_ = false;
};

}  // namespace dcp::spark_connect
