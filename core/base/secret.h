// SPDX-License-Identifier: Apache-2.0
//
// A secret as a type: it has no stream operator and no implicit text, so it cannot be logged or
// put into a message by accident. Redaction by type beats redaction by pattern.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace dcp {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}

  bool empty() const { return value_.empty(); }
  /// The text itself. Every call is a place to look at in a review.
  const std::string& Reveal() const { return value_; }
  /// Compares in time that depends on the lengths only.
  bool Equals(std::string_view other) const;

 private:
  std::string value_;
};

}  // namespace dcp
